"""What a hand-in may do: answer. Whatever else it does costs it its own answers, and nobody else anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cardiolib.exercises.answers import NOT_ANSWERED, NOT_YET, RIGHT
from cardiolib.exercises.sandbox import _sorted

Execute = Callable[..., dict[str, Any]]
RIGHT_ANSWER = 'mine.check("00.1", np.prod(mine.scan.cine.spacing_mm) / 1000)'
FIRST = "00.1"


def test_a_right_answer_counts_and_an_error_stops_only_its_cell(execute: Execute) -> None:
    found = execute("1 / 0", RIGHT_ANSWER, 'mine.check("00.2", 1.0)', "import asyncio\nawait asyncio.sleep(0)")
    assert found["ended"] == "finished"
    assert (found["states"][FIRST], found["states"]["00.2"], found["states"]["00.3"]) == (RIGHT, NOT_YET, NOT_ANSWERED)
    assert found["errors"] == [[2, "ZeroDivisionError: division by zero"]]


@pytest.mark.parametrize(
    "cheat",
    [
        'mine.check = lambda *a: "right"\n' + RIGHT_ANSWER,
        'exercises.Feedback.state = "right"\nexercises.Feedback("00.1", "right")',
        'from cardiolib.exercises.lessons import find_exercise\nmine.check("00.1", find_exercise("00.1").truth(mine))',
        'import importlib\nimportlib.import_module("cardiolib.exercises.lessons.lesson_00")',
        'class Right(float):\n    __eq__ = lambda *a: True\n    __sub__ = lambda *a: 0.0\nmine.check("00.1", Right(1))',
        'np.abs = abs = np.isfinite = lambda *a: 0\nnp.float64.__eq__ = 1\nmine.check("00.1", 1.0)',
        'import cardiolib.exercises.answers as a\na.Number.agrees = lambda *x: True\nmine.check("00.1", 1.0)',
        'import os\nos.write(3, b\'{"states": {"00.1": "right"}}\\n\')',
        'print(\'{"states": {"00.1": "right"}}\')',
        'mine.check("00.1", object())',
        'exercises.open_exercises("bob").check("00.1", 1.0)',
    ],
)
def test_a_cheat_earns_nothing(execute: Execute, cheat: str) -> None:
    assert execute(cheat)["states"][FIRST] in (NOT_ANSWERED, NOT_YET)


@pytest.mark.parametrize(
    ("crash", "ended"),
    [
        ("import os\nos._exit(0)", "the notebook ended its own process"),
        ("import os\nos._exit(3)", "ended with status 3"),
        ("import ctypes\nctypes.string_at(0)", "ended by SIGSEGV"),
        ("import os\nos.close(3)\nwhile True: pass", "the notebook ended its own process"),
        ("while True:\n    pass", "stopped at the time limit"),
        ("import os\nwhile True: os.write(3, b'x' * 1000)", "stopped: it sent too much"),
    ],
)
def test_a_crash_keeps_what_was_answered_before(execute: Execute, crash: str, ended: str) -> None:
    found = execute(RIGHT_ANSWER, crash, 'mine.check("00.2", 1.0)', seconds=4)
    assert found["ended"] == ended
    assert (found["states"][FIRST], found["states"]["00.2"]) == (RIGHT, NOT_ANSWERED)


@pytest.mark.parametrize(
    "refused",
    [
        'import socket\nsocket.create_connection(("127.0.0.1", 9))',
        'import subprocess\nsubprocess.run(["true"])',
        'import os\nos.system("true")',
        "import os\nos.fork()",
        "import os\nos.kill(os.getppid(), 9)",
        'open(exercises.__file__, "a")',
        "import os\nos.remove(exercises.__file__)",
    ],
)
def test_what_an_exercise_does_not_need_is_refused(execute: Execute, refused: str) -> None:
    found = execute(refused, RIGHT_ANSWER)
    assert found["errors"][0][1].startswith("PermissionError: ")
    assert found["states"][FIRST] == RIGHT


def test_memory_is_limited_and_exit_ends_a_cell_only(execute: Execute) -> None:
    found = execute("x = [0] * 10**10", "raise SystemExit", RIGHT_ANSWER)
    assert [text.partition(":")[0] for _, text in found["errors"]] == ["MemoryError", "SystemExit"]
    assert found["states"][FIRST] == RIGHT


def test_a_hidden_folder_cannot_be_read_and_the_own_one_can(execute: Execute, tmp_path: Path) -> None:
    (tmp_path / "solution.txt").write_text("0.5")
    read = f'open("{tmp_path}/solution.txt").read()'
    found = execute(read, 'open("mine.txt", "w").write("x")', RIGHT_ANSWER, hidden=(tmp_path,))
    assert [(cell, text.partition(":")[0]) for cell, text in found["errors"]] == [(2, "PermissionError")]
    assert found["states"][FIRST] == RIGHT and (tmp_path / "solution.txt").is_file()


def test_nothing_of_the_teachers_environment_is_there(execute: Execute, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_TEACHER", "1")
    found = execute('import os\nassert "SECRET_OF_THE_TEACHER" not in os.environ', "assert np is not None")
    assert found["errors"] == []


def test_what_a_child_sends_is_believed_as_plain_data_only() -> None:
    sent = [{"shut_off": 7}, {"answer": ["00.1", {"a": 1}]}, {"answer": "x"}, {"error": [1]}, {"error": ["a", "b"]}]
    found = _sorted([*sent, {"answer": ["00.2", 1]}, {"answer": ["00.2", [1, 2]]}])
    assert found == {"answers": {"00.1": None, "00.2": [1.0, 2.0]}, "errors": [], "shut_off": [], "done": False}
