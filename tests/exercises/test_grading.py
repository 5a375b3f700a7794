"""A folder of hand-ins: whose they are, what is wrong with them, the table, the page, and going on after a stop."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cardiolib.exercises.answers import NOT_ANSWERED, RIGHT
from cardiolib.exercises.grade import Grade, as_record
from cardiolib.exercises.grade_page import write_page, write_table_of_grades
from cardiolib.exercises.grading import GradingSettings, grade_folder
from cardiolib.exercises.hand_out import hand_out
from cardiolib.exercises.handed_in import find_handed_in

Write = Callable[..., Path]
FIRST = {"00.1": "answer = np.prod(mine.scan.cine.spacing_mm) / 1000"}
ONE = GradingSettings(workers=1, seconds=30)


def test_hand_outs_are_notebooks_and_work_is_not_written_over(tmp_path: Path) -> None:
    done = hand_out("Anna", tmp_path)
    assert [path.name for path in done.written][0] == "anna__00_your_own_scan.ipynb" and len(done.written) == 6
    done.written[0].write_text("work", encoding="utf-8")
    again = hand_out("anna", tmp_path)
    assert (again.written, again.left_alone) == ((), (done.written[0],))
    assert done.written[0].read_text() == "work"
    assert hand_out("anna", tmp_path, overwrite=True).left_alone == ()
    assert "work" != done.written[0].read_text()[:4]


def test_hand_outs_are_valid_and_hold_no_answer(tmp_path: Path) -> None:
    import nbformat

    for path in hand_out("anna", tmp_path).written:
        content = nbformat.read(path, as_version=4)
        nbformat.validate(content)
        text = path.read_text(encoding="utf-8")
        assert "truth(" not in text and "solution" not in text and "SIMULATED" in text


def test_a_folder_is_graded_and_goes_on_where_it_stopped(tmp_path: Path, write: Write, here: list[Any]) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    write(folder / "anna__00_your_own_scan.ipynb", "anna", answers=FIRST)
    write(folder / "bob" / "00_your_own_scan.ipynb", "bob")
    grades = grade_folder(folder, out, settings=ONE)
    assert [(one.student, one.points, one.possible) for one in grades] == [("anna", 1, 5), ("bob", 0, 5)]
    assert grades[1].states["00.1"] == NOT_ANSWERED and len(here) == 2
    assert json.loads(json.dumps(as_record(grades[0])))["points"] == 1
    table = pd.read_csv(out / "grades.csv", dtype=str)
    assert table["00.1"].tolist()[0] == "1" and table["points"].tolist() == ["1", "0"]
    assert grade_folder(folder, out, settings=ONE) == grades and len(here) == 2
    write(folder / "bob" / "00_your_own_scan.ipynb", "bob", answers=FIRST)
    assert grade_folder(folder, out, settings=ONE)[1].points == 1 and len(here) == 3


def test_what_cannot_be_graded_says_why_and_stops_nothing(tmp_path: Path, write: Write, here: list[Any]) -> None:
    folder = tmp_path / "in"
    write(folder / "anna__00_your_own_scan.ipynb", "anna", answers=FIRST)
    write(folder / "eve__00_your_own_scan.ipynb", "anna", answers=FIRST)
    write(folder / "00_your_own_scan.ipynb", "anna")
    for name, text in {
        "damaged__00_a.ipynb": '{"cells": [',
        "list__00_a.ipynb": "[]",
        "deep__00_a.ipynb": "[" * 100_000,
        "text__00_a.ipynb": "hello",
        "other__99_a.ipynb": '{"cells": []}',
        "sp ace__00_a.ipynb": '{"cells": []}',
        "empty__00_a.ipynb": "",
        "odd__00_a.ipynb": '{"cells": [1, {"cell_type": "code"}, {"cell_type": "code", "source": [2]}], "metadata": 3}',
    }.items():
        (folder / name).write_text(text)
    (folder / "link__00_a.ipynb").symlink_to(folder / "anna__00_your_own_scan.ipynb")
    grades = {one.file: one for one in grade_folder(folder, tmp_path / "out", settings=ONE)}
    assert grades["anna__00_your_own_scan.ipynb"].points == 1
    assert "another student" in grades["eve__00_your_own_scan.ipynb"].remark
    assert "whose it is" in grades["00_your_own_scan.ipynb"].remark
    assert all(one.points == 0 for name, one in grades.items() if not name.startswith("anna"))
    refused = {name for name, one in grades.items() if one.remark}
    assert refused == grades.keys() - {"anna__00_your_own_scan.ipynb", "odd__00_a.ipynb"}
    assert not [one.remark for one in grades.values() if str(tmp_path) in one.remark]


def test_a_notebook_whose_mark_was_changed_still_opens_the_other_students_exercises(
    tmp_path: Path, write: Write, here: list[Any]
) -> None:
    path = write(tmp_path / "in" / "eve__00_your_own_scan.ipynb", "anna", answers=FIRST)
    content = json.loads(path.read_text())
    del content["metadata"]["cardiolib_exercises"]
    path.write_text(json.dumps(content))
    (grade,) = grade_folder(tmp_path / "in", tmp_path / "out", settings=ONE)
    assert grade.points == 0 and "another student" in grade.errors[0][1]


def test_the_newer_of_two_counts(tmp_path: Path, write: Write) -> None:
    old = write(tmp_path / "a" / "anna__00_your_own_scan.ipynb", "anna")
    write(tmp_path / "b" / "anna__00_your_own_scan.ipynb", "anna", answers=FIRST)
    os.utime(old, (1, 1))
    problems = [one.problem for one in find_handed_in(tmp_path)]
    assert problems == ["a newer one counts: b/anna__00_your_own_scan.ipynb", ""]


def test_a_folder_that_cannot_be_graded(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder"):
        grade_folder(tmp_path / "none", tmp_path / "out")
    with pytest.raises(ValueError, match="holds no notebook"):
        grade_folder(tmp_path, tmp_path.parent / "out")
    with pytest.raises(ValueError, match="beside it"):
        grade_folder(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match=r"GradingSettings\.seconds"):
        GradingSettings(seconds=0)


def test_texts_of_students_are_escaped_and_are_no_formulas(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>"
    grade = Grade(f"={bad}.ipynb", "anna", "00", {"00.1": RIGHT}, f"{bad}", ((0, f"@{bad}\nmore"),))
    page = write_page([grade, Grade(bad, "", "", {}, bad)], tmp_path).read_text(encoding="utf-8")
    assert "<script" not in page and "default-src 'none'" in page
    row = pd.read_csv(write_table_of_grades([grade], tmp_path), dtype=str).iloc[0]
    assert row["file"].startswith("'=") and "\n" not in row["errors"]


@pytest.mark.slow
def test_sandboxes_of_their_own_grade_a_folder(tmp_path: Path, write: Write) -> None:
    folder = tmp_path / "in"
    for student in ("anna", "bob", "eve"):
        write(folder / f"{student}__00_your_own_scan.ipynb", student, answers=FIRST)
    write(folder / "dan__00_your_own_scan.ipynb", "dan", answers={"00.1": "while True: pass"})
    grades = grade_folder(folder, tmp_path / "out", settings=GradingSettings(workers=2, seconds=5))
    assert {one.student: one.points for one in grades} == {"anna": 1, "bob": 1, "dan": 0, "eve": 1}
    assert (tmp_path / "out" / "index.html").is_file()
