"""Grading what was handed in: every notebook executed in a sandbox, its answers judged outside; a table and a page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from cardiolib.cohorts.simulated.imaging import code_digest
from cardiolib.exercises.answers import NOT_ANSWERED
from cardiolib.exercises.grade import Grade
from cardiolib.exercises.grade_page import write_page, write_table_of_grades
from cardiolib.exercises.handed_in import HandedIn, find_handed_in
from cardiolib.exercises.lessons import LESSONS
from cardiolib.files import read_json, text_hash, write_json
from cardiolib.settings import Settings

_SPARE_SECONDS = 180


@dataclass(frozen=True)
class GradingSettings(Settings):
    """How hand-ins are executed.

    Parameters
    ----------
    seconds : int
        Time limit of a notebook.
    memory_mib : int
        Memory that a notebook may take beyond what its process starts with.
    workers : int
        Notebooks at a time; 0 for one per core.
    """

    RANGES = {"seconds": (1, 3600), "memory_mib": (64, 65536), "workers": (0, 256)}

    seconds: int = 30
    memory_mib: int = 1024
    workers: int = 0


def grade_folder(
    folder: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    settings: GradingSettings | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> list[Grade]:
    """Grade all notebooks below a folder; what was graded before, and has not changed, is not executed again.

    Parameters
    ----------
    folder : path-like
        What students handed in (`handed_in.find_handed_in` says how names are read).
    out : path-like
        ``grades.csv``, ``index.html`` and ``units/`` (what is finished) are written there. It may not lie in `folder`.
    settings : GradingSettings, optional
    say : callable
        Gets a line for each notebook.

    Returns
    -------
    list of Grade
        In the order of the files' names.

    Raises
    ------
    ValueError
        No folder, no notebook in it, or `out` lies in `folder`.
    OSError
        `out` cannot be written to, or the system cannot fork (Windows).
    """
    settings = settings or GradingSettings()
    root, target = Path(folder).resolve(), Path(out).resolve()
    if not hasattr(os, "fork"):
        raise OSError("grading needs a system with fork: Linux or macOS")
    if target == root or target.is_relative_to(root):
        raise ValueError(f"{target} lies in the folder that is graded. Give a folder beside it.")
    handed_in = find_handed_in(root)
    hidden = [str(path) for path in (root, target, *_solutions()) if path.is_dir()]
    with _sandboxes(settings) as grade_by_sandbox:

        def grade(number: int) -> Grade:
            found = _graded(handed_in[number], target, settings, hidden, grade_by_sandbox)
            say(f"{found.file}: {found.points} of {found.possible}" + (f" ({found.remark})" if found.remark else ""))
            return found

        with ThreadPoolExecutor(settings.workers or os.cpu_count() or 1) as pool:
            grades = list(pool.map(grade, range(len(handed_in))))
    write_table_of_grades(grades, target)
    write_page(grades, target)
    return grades


def _graded(
    one: HandedIn, target: Path, settings: GradingSettings, hidden: list[str], by_sandbox: Callable[[dict], dict]
) -> Grade:
    """One notebook: by what was found before, or by execution."""
    if one.problem:
        return Grade(one.file, one.student, one.lesson, {}, one.problem)
    limits = [settings.seconds, settings.memory_mib]
    key = text_hash(json.dumps([one.student, one.lesson, one.digest, limits, _code()]))
    unit = target / "units" / f"{key}.json"
    content: Any = None
    with suppress(ValueError, OSError):
        content = read_json(unit) if unit.is_file() else None
    if not isinstance(content, dict):
        job = {"student": one.student, "lesson": one.lesson, "cells": list(one.cells), "hidden": hidden}
        content = by_sandbox({**job, "seconds": settings.seconds, "memory_mib": settings.memory_mib})
        if content.get("ended") != _LOST:  # the sandbox itself ended: another time it may not
            unit.parent.mkdir(parents=True, exist_ok=True)
            write_json(unit, content)
    return Grade(
        file=one.file,
        student=one.student,
        lesson=one.lesson,
        states=content["states"],
        remark="" if content["ended"] == "finished" else content["ended"],
        errors=tuple((int(cell), str(text)) for cell, text in content["errors"]),
        shut_off=tuple(content["shut_off"]),
    )


_LOST = "the grader's own process ended; grade again"


@contextmanager
def _sandboxes(settings: GradingSettings) -> Iterator[Callable[[dict], dict]]:
    """As many sandboxes as notebooks run at a time, each started when it is first needed, and again if it ends."""
    free: SimpleQueue[list[subprocess.Popen[str]]] = SimpleQueue()
    places: list[list[subprocess.Popen[str]]] = [[] for _ in range(settings.workers or os.cpu_count() or 1)]
    for place in places:
        free.put(place)

    def ask(job: dict[str, Any]) -> dict[str, Any]:
        place = free.get()
        try:
            if not place:
                place.append(_start())
            answer = _ask(place[0], job)
            if answer is None:
                _stop(place.pop())
            return answer or _nothing(job)
        finally:
            free.put(place)

    try:
        yield ask
    finally:
        for place in places:
            for process in place:
                _stop(process)


def _start() -> subprocess.Popen[str]:
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "cardiolib.exercises.sandbox"]
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH", "")]))
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        encoding="utf-8",
        env={**os.environ, **one_thread, "PYTHONPATH": path},
    )


def _ask(process: subprocess.Popen[str], job: dict[str, Any]) -> dict[str, Any] | None:
    """The answer of a sandbox; None if it ended, or has not answered long after the notebook's time."""
    assert process.stdin and process.stdout
    overdue = threading.Timer(job["seconds"] + _SPARE_SECONDS, process.kill)
    overdue.start()
    try:
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
    except (OSError, ValueError):
        return None
    finally:
        overdue.cancel()
    return answer if isinstance(answer, dict) else None


def _stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _nothing(job: dict[str, Any]) -> dict[str, Any]:
    states = {one.id: NOT_ANSWERED for one in LESSONS[job["lesson"]].exercises}
    return {"states": states, "errors": [], "ended": _LOST, "seconds": 0.0, "shut_off": []}


def _solutions() -> list[Path]:
    return [Path(__file__).resolve().parents[2] / "notebooks" / "solutions"]


def _code() -> str:
    """Hash of what decides a grade: the exercises and the simulator."""
    own = sorted(Path(__file__).parent.rglob("*.py"))
    return text_hash(code_digest() + "".join(path.read_text(encoding="utf-8") for path in own))
