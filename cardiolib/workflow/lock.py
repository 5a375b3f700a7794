"""One run at a time in a run's folder: the second is told who the first is."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cardiolib.workflow.errors import StageError
from cardiolib.workflow.folders import relative

LOCK_FILE = "run.lock"


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a run's folder while stages are run in it.

    The system gives the lock back when the process ends, however it ends.

    Raises
    ------
    StageError
        When another process holds it: its number, its machine, since when, and its command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK_FILE, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            who = _described(file.read())
            raise StageError(
                f"another run is at work in {relative(folder)}: {who}. Wait for it, or stop it; nothing "
                "of this one has been run"
            ) from None
        file.seek(0)
        file.truncate()
        command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
        json.dump(
            {
                "pid": os.getpid(),
                "machine": platform.node(),
                "since": time.strftime("%Y-%m-%d %H:%M:%S"),
                "command": command,
            },
            file,
        )
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()
            fcntl.flock(file, fcntl.LOCK_UN)


def _described(text: str) -> str:
    try:
        other = json.loads(text)
        return f"process {other['pid']} on {other['machine']}, since {other['since']} ({other['command']})"
    except (ValueError, KeyError):  # it has only just begun
        return "a process that has just started"
