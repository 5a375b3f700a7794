"""Ids of students: what they may be, and that what is made from them is their own."""

from __future__ import annotations

import pytest

from cardiolib.exercises.students import generator, student_id, student_seed


@pytest.mark.parametrize("text", ["anna", " Anna.B ", "s1234567", "a@b.org", "a_b", "x"])
def test_an_id_has_one_form(text: str) -> None:
    assert student_id(student_id(text)) == student_id(text) == text.strip().lower()


@pytest.mark.parametrize("text", ["", "../anna", "a__b", "a/b", "a b", "-x", "a.", "a..b", "ä", "a" * 65, None, 7])
def test_what_is_no_id_is_refused_and_named(text: object) -> None:
    with pytest.raises(ValueError, match="cannot be a student's id"):
        student_id(text)  # type: ignore[arg-type]


def test_a_seed_is_the_students_own_and_does_not_change() -> None:
    assert student_seed("Anna") == student_seed("anna") == 8125889480903677459
    assert len({student_seed(f"s{i}") for i in range(1000)}) == 1000
    assert generator("anna", "a").random() != generator("anna", "b").random()
