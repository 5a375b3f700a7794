"""One run at a time in a run's folder: the second is told who the first is."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from cardiolib.workflow.errors import StageError
from cardiolib.workflow.folders import relative

LOCK_FILE = "run.lock"
ENDING_S = 20.0
"""What a killed run has started (a notebook's kernel) holds its lock too, and ends by itself within so many seconds."""

_PAUSE_S = 0.1
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
"""What a file system says that knows no locks."""
_held: set[int] = set()


@contextmanager
def run_lock(folder: Path, *, patience_s: float = 0.0) -> Iterator[str]:
    """Hold a run's folder while stages are run in it.

    The system gives the lock back when the process ends, however it ends. Where a file system knows no locks, the
    process that is named in the file counts, if it is still there.

    Parameters
    ----------
    folder : Path
    patience_s : float
        How long to wait for another process.

    Yields
    ------
    str
        In a sentence, which process held the folder before and was ended from outside; empty where none was.

    Raises
    ------
    StageError
        When another process holds it: its number, its machine, since when, and its command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOCK_FILE, "a+", encoding="utf-8") as file:
        before = _take(file, folder, patience_s)
        _held.add(file.fileno())
        try:
            _replace(file, json.dumps(_own_description()))
            yield before
        finally:
            _held.discard(file.fileno())
            _replace(file, "")
            try:
                fcntl.flock(file, fcntl.LOCK_UN)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise


def held_locks() -> tuple[int, ...]:
    """File descriptors of the locks that this process holds.

    A process that inherits them holds the locks too: a folder is free when the last of them has ended.
    """
    return tuple(sorted(_held))


def _take(file: TextIO, folder: Path, patience_s: float) -> str:
    """Take the lock, or say who has it; the sentence about a holder that was ended from outside."""
    started = time.monotonic()
    while True:
        free, known = _lock(file)
        other = _content(file)
        if not known:
            free = not other or _is_alive(other) is False
        if free:
            return f"the last run here was ended from outside ({_described(other)}); what it finished is kept" * bool(
                other
            )
        # a dead process of this machine: only what it has started is left, and that ends soon
        patience = max(patience_s, ENDING_S if _is_alive(other) is False else 0.0)
        if time.monotonic() - started >= patience:
            break
        threading.Event().wait(_PAUSE_S)
    raise StageError(
        f"another run is at work in {relative(folder)}: {_described(other)}. Wait for it, or stop it; nothing "
        "of this one has been run" + ("" if known else f". If that process is gone, remove {folder / LOCK_FILE}")
    )


def _lock(file: TextIO) -> tuple[bool, bool]:
    """Whether the lock is ours now, and whether the file system knows locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False, False
        if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
            raise
        return False, True
    return True, True


def _content(file: TextIO) -> dict[str, Any]:
    file.seek(0)
    try:
        content = json.loads(file.read())
    except ValueError:  # empty, or just being written
        return {}
    return content if isinstance(content, dict) else {}


def _replace(file: TextIO, text: str) -> None:
    file.seek(0)
    file.truncate()
    file.write(text)
    file.flush()


def _own_description() -> dict[str, Any]:
    import psutil

    return {
        "pid": os.getpid(),
        "machine": platform.node(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "process_started": psutil.Process().create_time(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def _is_alive(other: dict[str, Any]) -> bool | None:
    """Whether the process that is named is still the one that took the lock; None where that cannot be known."""
    import psutil

    if "pid" not in other or other.get("machine") != platform.node():
        return None
    try:
        started = psutil.Process(int(other["pid"])).create_time()
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return None
    return abs(started - other.get("process_started", started)) < 2.0  # else its number was given to another


def _described(other: dict[str, Any]) -> str:
    if not {"pid", "machine", "since", "command"} <= other.keys():  # it has only just begun
        return "a process that has just started"
    return f"process {other['pid']} on {other['machine']}, since {other['since']} ({other['command']})"
