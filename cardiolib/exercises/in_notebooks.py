"""The cells of exercises in the notebooks of the pipeline, written again from the lessons.

``python -m cardiolib.exercises.in_notebooks`` after a lesson has changed; a test says when it is due. Cells between the
first exercise and the last are replaced, all others are left alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from cardiolib.exercises.hand_out import exercise_cells
from cardiolib.exercises.lessons import LESSONS, Lesson
from cardiolib.exercises.students import SELF_STUDY
from cardiolib.files import atomic_path, read_json

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"


def lesson_cells(lesson: Lesson) -> list[dict[str, Any]]:
    """Questions and stubs of a lesson as they stand in its notebook."""
    return [cell for exercise in lesson.exercises for cell in exercise_cells(exercise, SELF_STUDY)]


def cells_in_notebook(cells: list[dict[str, Any]]) -> slice:
    """Where the exercises are among the cells of a notebook: from the first to the last.

    Raises
    ------
    ValueError
        There are none.
    """
    places = [i for i, cell in enumerate(cells) if str(cell.get("id", "")).startswith("exercise-")]
    if not places:
        raise ValueError("the notebook has no cell whose id begins with 'exercise-'; put one where exercises belong")
    return slice(places[0], places[-1] + 1)


def write_again(folder: Path = NOTEBOOKS) -> list[str]:
    """Put the cells of all lessons into their notebooks; the names of those that changed."""
    changed = []
    for lesson in LESSONS.values():
        path = folder / f"{lesson.notebook}.ipynb"
        content = read_json(path)
        place, cells = cells_in_notebook(content["cells"]), lesson_cells(lesson)
        if content["cells"][place] == cells:
            continue
        content["cells"][place] = cells
        with atomic_path(path) as temporary:
            temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        changed.append(path.name)
    return changed


if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name in write_again()) or "all are as the lessons are\n")
