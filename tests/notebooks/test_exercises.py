"""Exercises in the notebooks: as the lessons are; every stub says "not answered yet", every solution is right."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from cardiolib.exercises.answers import NOT_ANSWERED, RIGHT, Feedback, Letters
from cardiolib.exercises.in_notebooks import NOTEBOOKS, cells_in_notebook, lesson_cells
from cardiolib.exercises.lessons import LESSONS, find_exercise

FAST = "03"
"""The lesson that `make test` tries; `make test-all` tries the others too, for more students."""

LESSON = [pytest.param(number, marks=[] if number == FAST else pytest.mark.slow) for number in LESSONS]


def cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def run(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last line, as a notebook shows it."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None


def said_by(path: Path, student: str, *, tag: str) -> dict[str, Feedback]:
    """What the checks of a notebook say, by exercise, its cells run for a student."""
    names: dict[str, Any] = {}
    said = {}
    for cell in cells(path):
        source = "".join(cell["source"]).replace('"self-study"', f'"{student}"')
        if tag in cell["metadata"].get("tags", ()):
            said[cell["metadata"]["exercise"]] = run(source, names)
        elif cell["id"].startswith(("imports-", "open-")):
            run(source, names)
    return said


@pytest.mark.parametrize("number", LESSONS)
def test_cells_are_those_of_the_lesson(number: str) -> None:
    found = cells(NOTEBOOKS / f"{LESSONS[number].notebook}.ipynb")
    due = "run: python -m cardiolib.exercises.in_notebooks"
    assert found[cells_in_notebook(found)] == lesson_cells(LESSONS[number]), due


@pytest.mark.parametrize("number", LESSONS)
def test_solutions_lie_beside_the_notebooks_one_for_each_exercise(number: str) -> None:
    lesson = LESSONS[number]
    found = cells(NOTEBOOKS / "solutions" / f"{lesson.notebook}.ipynb")
    assert [c["metadata"]["exercise"] for c in found if "solution" in c["metadata"].get("tags", ())] == [
        one.id for one in lesson.exercises
    ]
    assert all(not c["outputs"] and len(c["source"]) <= 12 for c in found if c["cell_type"] == "code")


@pytest.mark.parametrize("number", LESSON)
def test_every_stub_runs_and_is_not_answered(number: str) -> None:
    from cardiolib.exercises import open_exercises

    names: dict[str, Any] = {"mine": open_exercises("self-study")}
    path = NOTEBOOKS / f"{LESSONS[number].notebook}.ipynb"
    stubs = [cell for cell in cells(path) if "exercise" in cell["metadata"].get("tags", ())]
    said = [run("".join(cell["source"]), names) for cell in stubs]
    assert [one.exercise for one in said] == [one.id for one in LESSONS[number].exercises]
    assert {one.state for one in said} == {NOT_ANSWERED}


@pytest.mark.parametrize("number", LESSON)
def test_every_solution_is_right(number: str) -> None:
    said = said_by(NOTEBOOKS / "solutions" / f"{LESSONS[number].notebook}.ipynb", "self-study", tag="solution")
    assert {name: one.state for name, one in said.items()} == {one.id: RIGHT for one in LESSONS[number].exercises}


@pytest.mark.slow
@pytest.mark.parametrize("student", ["anna", "s2", "s3"])
def test_code_of_solutions_is_right_for_every_student(student: str) -> None:
    said: dict[str, Feedback] = {}
    for lesson in LESSONS.values():
        said |= said_by(NOTEBOOKS / "solutions" / f"{lesson.notebook}.ipynb", student, tag="solution")
    code = {name: one for name, one in said.items() if not isinstance(find_exercise(name).kind, Letters)}
    assert {one.state for one in code.values()} == {RIGHT}
