"""Notebooks of exercises: the cells of a lesson, and the files that a student works on and hands in."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardiolib.exercises.answers import LETTERS, Letters
from cardiolib.exercises.exercise import Exercise
from cardiolib.exercises.lessons import LESSONS, Lesson
from cardiolib.exercises.students import student_id
from cardiolib.files import atomic_path

MARK = "cardiolib_exercises"
"""Key of a notebook's metadata that says whose it is and which lesson."""

PARTING = "__"
"""Parts the student's id from the rest of a file's name."""

_KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "version": "3.11"},
}
_IMPORTS = "import numpy as np\n\nimport cardiolib as cl\nfrom cardiolib import exercises"


@dataclass(frozen=True)
class HandOut:
    """What was written for a student: files that are new, and files that hold work and were left alone."""

    student: str
    written: tuple[Path, ...]
    left_alone: tuple[Path, ...]


def hand_out(student: str, folder: str | os.PathLike[str], *, overwrite: bool = False) -> HandOut:
    """Write the notebooks of a student, one a lesson, into a folder of the student's name.

    Parameters
    ----------
    student : str
        The id.
    folder : path-like
        The notebooks go to ``folder/<id>/<id>__03_dae_survival.ipynb`` and so on.
    overwrite : bool
        Write over notebooks that are there and differ: the work in them is lost. By default they are left alone.

    Raises
    ------
    ValueError
        The id is none.
    OSError
        The folder cannot be written to.
    """
    student = student_id(student)
    target = Path(folder) / student
    target.mkdir(parents=True, exist_ok=True)
    written, left = [], []
    for lesson in LESSONS.values():
        path = target / f"{student}{PARTING}{lesson.notebook}.ipynb"
        text = json.dumps(student_notebook(lesson, student), indent=1, ensure_ascii=False) + "\n"
        if path.exists() and not overwrite:
            same = path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text
            left += [] if same else [path]
            continue
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        written.append(path)
    return HandOut(student, tuple(written), tuple(left))


def student_notebook(lesson: Lesson, student: str) -> dict[str, Any]:
    """The notebook of one lesson for one student: it needs no run of the pipeline."""
    head = (
        f"# Exercises {lesson.number}: {lesson.title}\n"
        f"Student: `{student}`. All data are SIMULATED: hearts, scans and outcomes are made from this id, and nobody "
        "else's numbers are right here.\n\n"
        "Replace `...` in a cell by your answer, with as many lines before it as you need, and run the cell. The check "
        "says whether it is right. Leave the line of the check as it is. Save the file and hand it in under its name."
    )
    begin = "The data of the exercises are made when they are first used. It takes some seconds."
    cells = [
        _markdown(f"head-{lesson.number}", head),
        _code(f"imports-{lesson.number}", _IMPORTS),
        _markdown(f"begin-{lesson.number}", begin),
        _code(f"open-{lesson.number}", f'mine = exercises.open_exercises("{student}")\nmine'),
        *(cell for exercise in lesson.exercises for cell in exercise_cells(exercise, student)),
    ]
    metadata = {**_KERNEL, MARK: {"student": student, "lesson": lesson.number}}
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def exercise_cells(exercise: Exercise, student: str) -> list[dict[str, Any]]:
    """The question, with its options in the student's order, and the stub with its check."""
    name = f"exercise-{exercise.id.replace('.', '-')}"
    stub = [*exercise.stub, "answer = ...", f'mine.check("{exercise.id}", answer)']
    return [
        _markdown(f"{name}-question", question_text(exercise, student)),
        _code(name, "\n".join(stub), tags=["exercise"], exercise=exercise.id),
    ]


def question_text(exercise: Exercise, student: str) -> str:
    """Title with the expected time, question, options."""
    lines = [f"### {exercise.id} {exercise.title} ({exercise.minutes} minutes)", exercise.question]
    if isinstance(exercise.kind, Letters):
        seen = exercise.kind.shuffled(exercise.id, student)
        lines += ["", *(f"- **{letter}**: {option}." for letter, option in zip(LETTERS, seen, strict=False))]
        lines += ["", f"The answer is {exercise.kind.example}."]
    return "\n".join(lines)


def _markdown(name: str, text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(name: str, text: str, **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
