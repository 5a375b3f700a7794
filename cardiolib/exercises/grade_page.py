"""The grades as a table (CSV) and as a page; every text that may come from a student is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from cardiolib.exercises.answers import NOT_ANSWERED, NOT_YET, RIGHT
from cardiolib.exercises.grade import Grade
from cardiolib.exercises.lessons import LESSONS
from cardiolib.files import atomic_path, write_table

TABLE_FILE, PAGE_FILE = "grades.csv", "index.html"
_SIGNS = {RIGHT: "&#10003;", NOT_YET: "&#10007;", NOT_ANSWERED: "&ndash;", "": ""}
_STYLE = """
body{font:16px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:70rem;padding:0 1rem;color:#222}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0 1.5rem}
th,td{padding:.2rem .6rem;border-bottom:1px solid #ddd;text-align:left;vertical-align:top}
.right{color:#15692f;font-weight:bold}.no{color:#a33b00}.none{color:#595959}.small{font-size:.85rem;color:#444}
"""


def write_table_of_grades(grades: Sequence[Grade], folder: Path) -> Path:
    """Write ``grades.csv``: a row a notebook; columns of exercises hold 1 (right), 0 (wrong), empty (not answered)."""
    rows = [_row(grade) for grade in grades]
    columns = ["student", "file", "lesson", "points", "possible", "remark", "errors"]
    names = [*columns, *(one.id for lesson in LESSONS.values() for one in lesson.exercises)]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / TABLE_FILE
    write_table(
        pd.DataFrame(rows, columns=names), path, index=False, digits=None, simulated=False
    )  # students, no patients
    return path


def write_page(grades: Sequence[Grade], folder: Path) -> Path:
    """Write ``index.html``, which loads nothing: students with their points, then every notebook."""
    body = [
        f"<h1>{len(grades)} notebooks, {len({one.student for one in grades if one.student})} students</h1>",
        "<p>One point for each exercise that is right. The cohorts are simulated, each student has another.</p>",
        _sandbox_in_words(grades),
        "<h2>Students</h2>",
        _students(grades),
        "<h2>Notebooks</h2>",
        *(_lesson(number, [one for one in grades if one.lesson == number]) for number in LESSONS),
        _without_lesson([one for one in grades if not one.lesson]),
    ]
    page = folder / PAGE_FILE
    with atomic_path(page) as temporary:
        temporary.write_text(
            "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width, initial-scale=1'><title>Grades</title>"
            "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'\">"
            f"<style>{_STYLE}</style></head><body><main>{''.join(body)}</main></body></html>\n",
            encoding="utf-8",
        )
    return page


def _row(grade: Grade) -> dict[str, Any]:
    marks = {name: {RIGHT: "1", NOT_YET: "0"}.get(state, "") for name, state in grade.states.items()}
    errors = "; ".join(f"cell {cell}: {text}" for cell, text in grade.errors)
    texts = {"student": grade.student, "file": grade.file, "lesson": grade.lesson}
    texts |= {"remark": grade.remark, "errors": errors}
    plain = {name: _no_formula(text) for name, text in texts.items()}
    return {**plain, "points": grade.points, "possible": grade.possible, **marks}


def _no_formula(text: str) -> str:
    """A text that no spreadsheet takes for a formula, on one line."""
    line = " ".join(text.split())
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line


def _sandbox_in_words(grades: Sequence[Grade]) -> str:
    executed = [grade for grade in grades if grade.states]
    common = set.intersection(*(set(one.shut_off) for one in executed)) if executed else set()
    if not executed:
        return "<p>Nothing was executed.</p>"
    if common:
        return f"<p>Kept from every notebook by the system: {escape(', '.join(sorted(common)))}.</p>"
    return (
        "<p><b>This system lets the grader shut off neither network nor files.</b> Only limits of time and memory "
        "held, and a hook in Python. Grade on a machine that holds nothing else.</p>"
    )


def _students(grades: Sequence[Grade]) -> str:
    rows = []
    for student in sorted({one.student for one in grades if one.student}):
        own = [one for one in grades if one.student == student]
        points, possible = sum(one.points for one in own), sum(one.possible for one in own if one.states)
        rows.append(f"<tr><td>{escape(student)}</td><td>{points} of {possible}</td></tr>")
    return f"<table><tr><th>Student</th><th>Points</th></tr>{''.join(rows)}</table>"


def _lesson(number: str, grades: Sequence[Grade]) -> str:
    if not grades:
        return ""
    exercises = LESSONS[number].exercises
    head = "".join(f"<th title='{escape(one.title, quote=True)}'>{one.id}</th>" for one in exercises)
    rows = "".join(_notebook(grade, [one.id for one in exercises]) for grade in grades)
    title = escape(f"{number} {LESSONS[number].title}")
    return (
        f"<h3>{title}</h3><div class='wide'><table><tr><th>Student</th><th>Points</th>{head}<th>Remarks</th></tr>"
        f"{rows}</table></div>"
    )


def _notebook(grade: Grade, names: Sequence[str]) -> str:
    classes = {RIGHT: "right", NOT_YET: "no", NOT_ANSWERED: "none", "": ""}
    marks = "".join(
        f"<td class='{classes[state]}' title='{state}'>{_SIGNS[state]}</td>"
        for state in (grade.states.get(name, "") for name in names)
    )
    remarks = [grade.remark, *(f"cell {cell}: {text}" for cell, text in grade.errors)]
    said = "<br>".join(escape(text) for text in [grade.file, *filter(None, remarks)])
    return (
        f"<tr><td>{escape(grade.student)}</td><td>{grade.points} of {grade.possible}</td>{marks}"
        f"<td class='small'>{said}</td></tr>"
    )


def _without_lesson(grades: Sequence[Grade]) -> str:
    if not grades:
        return ""
    rows = "".join(f"<tr><td>{escape(one.file)}</td><td>{escape(one.remark)}</td></tr>" for one in grades)
    return f"<h3>Not graded</h3><table><tr><th>File</th><th>Why</th></tr>{rows}</table>"
