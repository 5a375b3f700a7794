"""Judges what came of a changed file."""

from __future__ import annotations

import logging
import signal
import traceback
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

import cardiolib
from benchmarks.fuzz.cases import Door, Expect, Mutant, Reading

HANG_S = 20.0
_PACKAGE = Path(cardiolib.__file__).resolve().parent
_OWN_KINDS = (ValueError, OSError, ImportError, RuntimeError)


class Came(StrEnum):
    """What came of a changed file; the later ones are faults."""

    SAME = "same"
    NOTED = "noted"
    OTHER = "other"
    """Another result, where the format cannot show the change."""
    REFUSED = "refused"
    TRACEBACK = "traceback"
    """An error from a library, or one that does not name the file."""
    SILENT = "silent"
    """Another result without a word, where the change can be seen; or one that had to be refused."""
    RIGHT_REFUSED = "right refused"
    HANG = "hang"
    MEMORY = "memory"


FAULTS = (Came.TRACEBACK, Came.SILENT, Came.RIGHT_REFUSED, Came.HANG, Came.MEMORY)


@dataclass(frozen=True)
class Outcome:
    """What came of one mutant, and the words for it."""

    came: Came
    detail: str = ""

    @property
    def fault(self) -> bool:
        """Whether this must not be."""
        return self.came in FAULTS


class _Hang(BaseException):
    """Above `Exception`: a reader that catches everything must not catch it."""


def judge(door: Door, folder: Path, mutant: Mutant, usual: Reading) -> Outcome:
    """Read the changed files in `folder` and say what came of it.

    Parameters
    ----------
    door : Door
    folder : Path
        Holds the changed files.
    mutant : Mutant
        What was changed there.
    usual : Reading
        Of the unchanged files.
    """
    try:
        with _time_limit(), _libraries_unheard():
            reading = door.read(folder)
    except _Hang:
        return Outcome(Came.HANG, f"no answer in {HANG_S:g} s")
    except MemoryError as error:
        return Outcome(Came.MEMORY, _where(error))
    except Exception as error:
        return _of_error(door, mutant, error)
    difference = first_difference(usual, reading, door)
    if mutant.expect is Expect.REFUSED:
        return Outcome(Came.SILENT, "read, and should be refused")
    if not difference:
        return Outcome(Came.SAME)
    if mutant.expect is Expect.FREE:
        return Outcome(Came.OTHER)
    if mutant.expect is Expect.NOTICED and set(reading.said) - set(usual.said):
        return Outcome(Came.NOTED)
    return Outcome(Came.SILENT, difference)


def _of_error(door: Door, mutant: Mutant, error: Exception) -> Outcome:
    if _memory_ran_out(error):
        return Outcome(Came.MEMORY, _where(error))
    reason = _not_own(door, mutant, error)
    if reason:
        return Outcome(Came.TRACEBACK, f"{reason}: {_where(error)}")
    if mutant.expect is Expect.SAME:
        return Outcome(Came.RIGHT_REFUSED, _where(error))
    return Outcome(Came.REFUSED)


def _not_own(door: Door, mutant: Mutant, error: Exception) -> str:
    """Why an error is not one of ours that names the file; empty where it is."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = bool(frames) and Path(frames[-1].filename).resolve().is_relative_to(_PACKAGE)
    module = type(error).__module__.partition(".")[0]
    if not ours or not isinstance(error, _OWN_KINDS) or module not in ("builtins", "cardiolib"):
        return "raised by a library"
    return "" if door.names(str(error), mutant) else "names no file"


def _memory_ran_out(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).resolve().is_relative_to(_PACKAGE)]
    place = ""
    if ours:
        place = f" at {Path(ours[-1].filename).resolve().relative_to(_PACKAGE)}:{ours[-1].lineno}"
    return f"{type(error).__name__}{place}: {' '.join(str(error).split())[:300]}"


def first_difference(usual: Reading, reading: Reading, door: Door) -> str:
    """The first value that is not as usual, in words; empty where all are."""
    for name in sorted(usual.values.keys() | reading.values.keys()):
        if name not in reading.values or name not in usual.values:
            return f"{name} is {'missing' if name not in reading.values else 'new'}"
        if not _same(usual.values[name], reading.values[name], door.tolerance.get(name, 0.0)):
            return f"{name} differs: {_short(reading.values[name])} where {_short(usual.values[name])} is right"
    return ""


def _same(usual: Any, found: Any, tolerance: float) -> bool:
    one, other = np.asarray(usual), np.asarray(found)
    if one.shape != other.shape:
        return False
    if one.dtype.kind not in "iufb" or other.dtype.kind not in "iufb":
        return bool(np.all(one == other))
    return bool(np.allclose(one, other, rtol=1e-5, atol=tolerance, equal_nan=True))


def _short(value: Any) -> str:
    return " ".join(np.array2string(np.asarray(value), threshold=8, edgeitems=2, precision=4).split())[:120]


@contextmanager
def _libraries_unheard() -> Iterator[None]:
    """What a library warns or logs is no word to the user: many run without seeing it."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _time_limit() -> Iterator[None]:
    def stop(number: int, frame: types.FrameType | None) -> None:
        raise _Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, HANG_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
