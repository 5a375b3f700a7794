"""Who may work in a run's folder, and which interpreter runs its stages."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cardiolib.__main__ import main
from cardiolib.workflow import lock, own_kernel
from cardiolib.workflow.__main__ import run_command
from cardiolib.workflow.errors import StageError
from cardiolib.workflow.lock import LOCK_FILE, held_locks, run_lock
from cardiolib.workflow.stages import REPOSITORY

pytestmark = pytest.mark.field_fault("K13")

HOLD = """
import sys
from pathlib import Path
from cardiolib.workflow.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path) -> Iterator[subprocess.Popen]:
    """A process that holds a folder's lock until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_the_second_is_told_number_machine_and_time_of_the_first_and_a_dead_one_is_taken_over(tmp_path: Path) -> None:
    with another_process(tmp_path) as other:
        told = rf"process {other.pid} on {platform.node()}, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d"
        with pytest.raises(StageError, match=told), run_lock(tmp_path):
            pytest.fail("two hold one lock")
        other.send_signal(signal.SIGKILL)
        other.wait()
        with run_lock(tmp_path) as ended:
            assert f"process {other.pid}" in ended and "what it finished is kept" in ended
    with run_lock(tmp_path) as ended:
        assert ended == ""


def test_the_second_waits_where_it_may(tmp_path: Path) -> None:
    with another_process(tmp_path) as other:
        assert other.stdin is not None
        other.stdin.close()  # it ends by itself
        with run_lock(tmp_path, patience_s=60) as ended:
            assert ended == ""


def test_what_inherits_the_lock_holds_it_when_its_maker_is_dead(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(lock, "ENDING_S", 0.2)
    file = open(tmp_path / LOCK_FILE, "a+")  # stands for the kernel's copy
    try:
        with another_process(tmp_path / "other") as dead:
            written = json.loads((tmp_path / "other" / LOCK_FILE).read_text())
        dead.wait()
        file.write(json.dumps(written))
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StageError, match=f"process {dead.pid}"), run_lock(tmp_path):
            pytest.fail("the kernel is still at work")
    finally:
        file.close()
    with run_lock(tmp_path) as ended:
        assert f"process {dead.pid}" in ended


@pytest.mark.parametrize(
    ("other", "free"),
    [
        ({}, True),
        ({"pid": os.getpid(), "machine": platform.node()}, False),
        ({"pid": os.getpid(), "machine": platform.node(), "process_started": 1.0}, True),  # a number given again
        ({"pid": 2**22 + 1, "machine": platform.node()}, True),
        ({"pid": 1, "machine": "another"}, False),
    ],
)
def test_without_locks_of_the_file_system_the_named_process_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict, free: bool
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    monkeypatch.setattr(lock, "ENDING_S", 0.0)
    described = {"since": "2026-01-01 00:00:00", "command": "run"} if other else {}
    (tmp_path / LOCK_FILE).write_text(json.dumps({**other, **described}))
    if free:
        with run_lock(tmp_path):
            assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()
        assert (tmp_path / LOCK_FILE).read_text() == ""
    else:
        with pytest.raises(StageError, match=f"process {other['pid']} .*remove"), run_lock(tmp_path):
            pytest.fail("taken from a living process")


def test_a_damaged_lock_file_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text('{"pid": 12, "mach')
    with run_lock(tmp_path) as ended:
        assert ended == "" and len(held_locks()) == 1
    assert held_locks() == ()


def test_scans_into_one_folder_are_kept_apart(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with another_process(tmp_path / "out") as other:
        assert main(["scan", "example", "--out", str(tmp_path / "out")]) == 1
    assert f"process {other.pid}" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == [LOCK_FILE]


def test_a_kernel_of_the_users_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither one that calls itself python3, nor what the user has every session execute."""
    import nbformat
    import papermill

    theirs = tmp_path / "kernels" / "python3"
    theirs.mkdir(parents=True)
    (theirs / "kernel.json").write_text(
        json.dumps({"argv": ["/bin/false", "{connection_file}"], "display_name": "theirs", "language": "python"})
    )
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00.py").write_text("theirs = 1")
    (tmp_path / "startup.py").write_text("theirs = 2")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "startup.py"))
    cell = "import sys\nprint(sys.executable, 'theirs' in globals())"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)]), tmp_path / "a.ipynb")
    with own_kernel.own_kernel() as kernel:
        done = papermill.execute_notebook(
            str(tmp_path / "a.ipynb"),
            str(tmp_path / "b.ipynb"),
            kernel_name=own_kernel.KERNEL,
            kernel_manager_class=kernel,
            progress_bar=False,
            language="python",
        )
        files = kernel.files
        assert files.is_dir()
    assert done.cells[0].outputs[0].text.split() == [sys.executable, "False"]
    assert not files.exists()


def test_files_of_kernels_of_killed_runs_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_kernel.tempfile, "gettempdir", lambda: str(tmp_path))
    for owner in (2**22 + 1, os.getpid()):
        (tmp_path / f"cardiolib-kernel-{owner}-x").mkdir()
    own_kernel._remove_left()
    assert [path.name for path in tmp_path.iterdir()] == [f"cardiolib-kernel-{os.getpid()}-x"]


def test_a_signal_that_ends_processes_stops_a_run_as_ctrl_c_does(capsys: pytest.CaptureFixture) -> None:
    class Options:
        @staticmethod
        def command(options: object) -> int:
            os.kill(os.getpid(), signal.SIGTERM)
            return 0

    before = signal.getsignal(signal.SIGTERM)
    assert run_command(Options()) == 130  # type: ignore[arg-type]
    assert "the same command goes on from here" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    "words", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), StageError("x: No space left on device")]
)
def test_a_full_disk_is_told_with_what_to_do(capsys: pytest.CaptureFixture, words: Exception) -> None:
    class Options:
        @staticmethod
        def command(options: object) -> int:
            raise words

    assert run_command(Options()) == 1  # type: ignore[arg-type]
    assert "Free some space and give the same command again" in capsys.readouterr().out
