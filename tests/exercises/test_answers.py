"""Answers of any kind become plain data or nothing; what is said never holds the value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardiolib.exercises.answers import NOT_YET, Feedback, Letters, Number, Numbers, plain, salted


class Hostile:
    """Raises whatever is done with it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __len__(self) -> int:
        raise MemoryError

    __hash__ = None  # type: ignore[assignment]


class AlwaysEqual(float):
    """A number that says it equals everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __sub__(self, other: object) -> float:
        return 0.0

    __hash__ = float.__hash__


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (3, 3.0),
        (np.float32(2.5), 2.5),
        (np.array([1.0]), 1.0),
        (np.array([[1, 2]]), [1.0, 2.0]),
        (pd.Series([1.0, 2.0]), [1.0, 2.0]),
        ((1, 2.5), [1.0, 2.5]),
        (" B ", "b"),
    ],
)
def test_usual_answers(answer: object, expected: object) -> None:
    assert plain(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        ...,
        None,
        math.nan,
        np.inf,
        True,
        10**400,
        "",
        "x" * 10**6,
        [],
        [[1]],
        {"a": 1},
        object(),
        Hostile(),
        [Hostile()],
        AlwaysEqual(1.0),
        np.zeros(10**6),
        np.array(["a"]),
        1 + 2j,
        lambda: 1,
        Hostile,
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_is_no_answer_is_none(answer: object) -> None:
    assert plain(answer) is None


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists, max_leaves=20))
def test_nothing_raises_and_plain_is_plain(answer: object) -> None:
    once = plain(answer)
    assert plain(once) == once
    assert once is None or isinstance(once, float | str | list)


@given(st.floats(0.1, 1e6), st.floats(-0.009, 0.009), st.floats(0.011, 10))
def test_a_number_is_right_within_its_tolerance_only(truth: float, small: float, large: float) -> None:
    kind = Number(0.01)
    assert kind.agrees("x", "anna", truth, truth * (1 + small))
    assert not kind.agrees("x", "anna", truth, truth * (1 + large))
    assert not kind.agrees("x", "anna", truth, math.nan) and not kind.agrees("x", "anna", truth, "a")


def test_numbers_need_the_right_length_and_order() -> None:
    kind = Numbers(0.01)
    assert kind.agrees("x", "anna", [1.0, 2.0], [1.0, 2.0])
    assert not kind.agrees("x", "anna", [1.0, 2.0], [2.0, 1.0])
    assert not kind.agrees("x", "anna", [1.0, 2.0], [1.0]) and not kind.agrees("x", "anna", [1.0], 1.0)


def test_letters_stand_for_options_in_an_order_of_each_student() -> None:
    kind = Letters(("one", "two", "three", "four"))
    right = salted("x", ["two"])
    letters = {student: kind.letters("x", student, ["two"]) for student in map("s{}".format, range(30))}
    assert set(letters.values()) == set("abcd")
    assert all(kind.agrees("x", student, right, letter) for student, letter in letters.items())
    wrong = {student: next(set("abcd") - {letter} for _ in "x").pop() for student, letter in letters.items()}
    assert not any(kind.agrees("x", student, right, letter) for student, letter in wrong.items())
    assert salted("x", ["two"]) != salted("y", ["two"])


def test_feedback_is_escaped() -> None:
    assert "<script>" not in Feedback("<script>", NOT_YET, "<script>")._repr_html_()
