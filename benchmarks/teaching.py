"""Exercises that grade themselves: how many there are, and how long it takes to grade what a large course hands in."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from cardiolib.exercises.answers import Letters
from cardiolib.exercises.grading import GradingSettings, grade_folder
from cardiolib.exercises.hand_out import student_notebook
from cardiolib.exercises.in_notebooks import NOTEBOOKS, cells_in_notebook, lesson_cells
from cardiolib.exercises.lessons import LESSONS
from cardiolib.files import read_json

HANDED_IN, CORES = 100, 2
SORTS = ("solved", "solved", "half", "solved", "empty", "solved", "solved", "empty", "solved", "harm")
HUNGER = "x = [0] * 10**11"
CRASHES = ("import os\nos._exit(3)", "while True:\n    pass", HUNGER, "mine.check = lambda *a: 'right'")
"""A crash, a hang, a hunger, a cheat, in turn. They stand before the answers; after the hunger only, answers count."""

GO_ON = ("03.3", "05.2")
"""Exercises whose solutions go on from the one before, and fail without it."""


def measure() -> list[dict[str, Any]]:
    """All rows."""
    seconds, wrong = grading_seconds(HANDED_IN)
    how = f"{HANDED_IN} notebooks of as many students, right, empty, crashing, cheating, hanging; {CORES} at a time"
    if wrong:
        raise RuntimeError(f"hand-ins that did not get the points they earned: {wrong}")
    rows = (
        ("teach.exercises", complete_exercises(), "exercises", 25, 35, "higher", "with stub, check and solution"),
        ("teach.grade_100_s", round(seconds, 1), "s", 600, 240, "lower", how),
    )
    fields = ("id", "value", "unit", "reach", "aim", "better", "how")
    return [dict(zip(fields, row, strict=True)) for row in rows]


def complete_exercises() -> int:
    """Exercises whose cells stand in a notebook, and that have a solution beside it (tests execute both)."""
    found = 0
    for lesson in LESSONS.values():
        cells = read_json(NOTEBOOKS / f"{lesson.notebook}.ipynb")["cells"]
        if cells[cells_in_notebook(cells)] == lesson_cells(lesson):
            found += len(set(solutions(lesson.number)) & {one.id for one in lesson.exercises})
    return found


def solutions(number: str) -> dict[str, str]:
    """Exercise -> code of its solution, without the check."""
    cells = read_json(NOTEBOOKS / "solutions" / f"{LESSONS[number].notebook}.ipynb")["cells"]
    solved = [cell for cell in cells if "solution" in cell["metadata"].get("tags", ())]
    return {cell["metadata"]["exercise"]: "".join(cell["source"]).rpartition("\n")[0] for cell in solved}


def grading_seconds(n: int) -> tuple[float, list[str]]:
    """Seconds to grade `n` hand-ins, sandboxes started anew, and what did not get the points it had earned."""
    with tempfile.TemporaryDirectory() as folder:
        expected = {f"s{i:03d}": write_handed_in(Path(folder) / "in", i) for i in range(n)}
        started = time.perf_counter()
        grades = grade_folder(Path(folder) / "in", Path(folder) / "out", settings=GradingSettings(workers=CORES))
        seconds = time.perf_counter() - started
    wrong = [one for one in grades if not expected[one.student][0] <= one.points <= expected[one.student][1]]
    return seconds, [f"{one.file}: {one.points}, {one.remark}, {one.errors[:1]}" for one in wrong]


def write_handed_in(folder: Path, i: int) -> tuple[int, int]:
    """Write hand-in `i`; the least and the most points that it may get.

    Lessons in turn. Of ten, six are solved in code, one in half, two are empty, and one does harm before it answers.
    """
    number = list(LESSONS)[i % len(LESSONS)]
    student, lesson, sort = f"s{i:03d}", LESSONS[number], SORTS[i % len(SORTS)]
    content = student_notebook(lesson, student)
    coded = [one.id for one in lesson.exercises if not isinstance(one.kind, Letters)]
    filled = {"empty": [], "half": coded[::2]}.get(sort, coded)
    code = solutions(number)
    for cell in content["cells"]:
        name = cell["metadata"].get("exercise", "")
        if name in filled:
            cell["source"] = f'{code[name]}\nmine.check("{name}", answer)'
    first = next(cell for cell in content["cells"] if cell["cell_type"] == "code")
    first["source"] = "from scipy.spatial import cKDTree\n" + "".join(first["source"])
    if sort == "harm":
        harm = {**content["cells"][3], "source": CRASHES[(i // len(SORTS)) % len(CRASHES)], "id": "harm"}
        content["cells"].insert(4, harm)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{student}__{lesson.notebook}.ipynb").write_text(json.dumps(content), encoding="utf-8")
    least = 0 if sort == "harm" else len([name for name in filled if name not in GO_ON or sort == "solved"])
    most = len(filled) if sort != "harm" or harm["source"] == HUNGER else 0
    return least, most
