"""Every exercise: judged right with its truth, wrong without; truths are a student's own and never said."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from cardiolib.exercises import open_exercises
from cardiolib.exercises.answers import NOT_ANSWERED, NOT_YET, RIGHT, Letters
from cardiolib.exercises.exercise import Exercise
from cardiolib.exercises.lessons import LESSONS, find_exercise
from cardiolib.exercises.student_cohort import StudentCohort, checked_cohort

ALL = [one for lesson in LESSONS.values() for one in lesson.exercises]
NUMERIC = [one for one in ALL if not isinstance(one.kind, Letters)]
STUDENTS = ("self-study", "anna", "bob")


def truth(exercise: Exercise, student: str) -> Any:
    assert callable(exercise.truth)
    value = exercise.truth(checked_cohort(student))
    return value if isinstance(value, list) else float(value)


def test_there_are_enough_and_their_ids_tell_where_they_stand() -> None:
    assert len(ALL) >= 35 and len({one.id for one in ALL}) == len(ALL)
    assert [one.id for one in ALL] == [f"{n}.{i + 1}" for n in LESSONS for i in range(len(LESSONS[n].exercises))]
    assert all(len(LESSONS[n].exercises) >= 5 for n in LESSONS)


@pytest.mark.parametrize("exercise", ALL, ids=lambda one: one.id)
class TestEveryExercise:
    def test_says_all_that_is_needed(self, exercise: Exercise) -> None:
        assert exercise.minutes > 0 and exercise.hint and exercise.shows
        assert exercise.question[-1] in ".?)" and "$" not in exercise.question

    def test_what_is_no_answer_is_not_right(self, exercise: Exercise) -> None:
        cohort = checked_cohort("self-study")
        assert exercise.judge(cohort, ...).state == NOT_ANSWERED
        for answer in (np.nan, "z", object(), [], [1.0] * 9, -12345.678):
            assert exercise.judge(cohort, answer).state == NOT_YET


@pytest.mark.parametrize("exercise", NUMERIC, ids=lambda one: one.id)
class TestNumbers:
    def test_the_truth_is_right_and_that_of_another_student_is_not_the_same(self, exercise: Exercise) -> None:
        truths = [truth(exercise, student) for student in STUDENTS]
        assert np.isfinite(truths).all()
        assert exercise.judge(checked_cohort("self-study"), truths[0]).state == RIGHT
        assert truths[0] != truths[1] != truths[2] != truths[0]

    def test_a_common_mistake_is_told_apart_and_the_value_never_said(self, exercise: Exercise) -> None:
        cohort, right = checked_cohort("self-study"), truth(exercise, "self-study")
        told = {exercise.hint}
        for mistake in exercise.mistakes:
            value = mistake.gives(cohort)
            said = exercise.judge(cohort, value if isinstance(value, list) else float(value))
            assert (said.state, said.text) == (NOT_YET, mistake.says)
            told.add(said.text)
        numbers = [float(text) for one in told for text in re.findall(r"\d+\.\d+", one)]
        values = right if isinstance(right, list) else [right]
        assert not [number for number in numbers for value in values if abs(number - value) < 1e-3 * abs(value)]


@pytest.mark.parametrize("exercise", [one for one in ALL if isinstance(one.kind, Letters)], ids=lambda one: one.id)
def test_one_choice_is_right_and_the_source_does_not_spell_it_out(exercise: Exercise) -> None:
    assert isinstance(exercise.kind, Letters)
    cohort = checked_cohort("anna")
    tried = "abcd"[: len(exercise.kind.options)]
    answers = list(tried) if exercise.id != "05.3" else [a + b + c for a in "abc" for b in "abc" for c in "abc"]
    assert [exercise.judge(cohort, one).state for one in answers].count(RIGHT) == 1
    assert exercise.judge(cohort, tried).state != RIGHT or exercise.id == "05.3"


def test_answers_of_one_student_are_nearly_all_wrong_for_another() -> None:
    cohort = checked_cohort("bob")
    states = [one.judge(cohort, truth(one, "anna")).state for one in NUMERIC]
    assert states.count(RIGHT) <= 0.2 * len(states)


def test_what_a_student_does_to_the_data_does_not_reach_the_check() -> None:
    mine = open_exercises("anna")
    before = truth(find_exercise("04.1"), "anna")
    table = mine.table
    table["event"] = False
    with pytest.raises(ValueError, match="read-only"):
        mine.motion[:] = 0
    mine.check = lambda *_: RIGHT  # type: ignore[method-assign]
    assert truth(find_exercise("04.1"), "anna") == before
    assert mine.table["event"].any() and StudentCohort("anna").table["event"].any()


def test_an_unknown_exercise_is_named() -> None:
    with pytest.raises(ValueError, match=r"no exercise '03\.99'; there are: 03\.1"):
        open_exercises("anna").check("03.99", 1)
    with pytest.raises(ValueError, match="no figure"):
        open_exercises("anna").figure("03.1")


def test_a_figure_is_an_image_with_a_text_and_the_mark() -> None:
    image = open_exercises("self-study").figure("04.3")
    assert image.data.startswith(b"\x89PNG") and "Simulated" in image.alt
