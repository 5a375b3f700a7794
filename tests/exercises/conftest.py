"""Hand-ins made of cells, graded in this process's own children."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cardiolib.exercises import grading
from cardiolib.exercises.hand_out import student_notebook
from cardiolib.exercises.lessons import LESSONS
from cardiolib.exercises.sandbox import grade_one


@pytest.fixture
def execute() -> Callable[..., dict[str, Any]]:
    """Execute cells as a hand-in of "anna", after those that open the exercises of a lesson."""

    def run(*cells: str, lesson: str = "00", hidden: tuple[Path, ...] = (), seconds: int = 20) -> dict[str, Any]:
        opening = ["import numpy as np\nfrom cardiolib import exercises", 'mine = exercises.open_exercises("anna")']
        job = {"student": "anna", "lesson": lesson, "cells": [*opening, *cells], "seconds": seconds}
        return grade_one({**job, "memory_mib": 512, "hidden": [str(one) for one in hidden]})

    return run


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Grade in children of this process instead of a sandbox that imports all anew; the jobs that were executed."""
    jobs: list[dict[str, Any]] = []

    @contextmanager
    def sandboxes(_: object) -> Any:
        def ask(job: dict[str, Any]) -> dict[str, Any]:
            jobs.append(job)
            return grade_one(job)

        yield ask

    monkeypatch.setattr(grading, "_sandboxes", sandboxes)
    return jobs


@pytest.fixture
def write() -> Callable[..., Path]:
    """Write a notebook that a student handed in, with one answer filled in."""

    def written(path: Path, student: str, *, lesson: str = "00", answers: dict[str, str] | None = None) -> Path:
        content = student_notebook(LESSONS[lesson], student)
        for cell in content["cells"]:
            code = (answers or {}).get(cell["metadata"].get("exercise", ""))
            if code:
                cell["source"] = [line.replace("answer = ...", code) for line in cell["source"]]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    return written
