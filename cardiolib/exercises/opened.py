"""The exercises of one student, opened in a notebook: data, figures, checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cardiolib.exercises.answers import Feedback, Plain, plain
from cardiolib.exercises.student_cohort import StudentCohort, checked_cohort
from cardiolib.exercises.students import student_id


class Exercises(StudentCohort):
    """The cohort of a student, and the checks of the exercises on it.

    Examples
    --------
    >>> mine = open_exercises("self-study")
    >>> mine.check("00.1", ...)
    00.1: not answered yet
    >>> mine.check("00.1", "a lot")
    00.1: not yet. The answer is a number.
    """

    def check(self, exercise: str, answer: Any) -> Feedback:
        """Compare an answer with the truth of this student's cohort; the truth itself is never shown.

        Parameters
        ----------
        exercise : str
            Such as "03.2".
        answer : object
            A number, a list of numbers, or letters; `...` as long as there is none.

        Raises
        ------
        ValueError
            There is no such exercise.
        """
        from cardiolib.exercises.lessons import find_exercise

        return find_exercise(exercise).judge(checked_cohort(self.student), answer)

    def figure(self, exercise: str) -> Any:
        """The figure that an exercise asks to be read; it shows itself in a notebook.

        Raises
        ------
        ValueError
            There is no such figure.
        """
        from cardiolib.exercises.drawn import exercise_figure

        return exercise_figure(checked_cohort(self.student), exercise)


class GradedExercises(Exercises):
    """The same in the process of the grader that executes a hand-in: an answer is sent, and judged elsewhere."""

    def __init__(self, cohort: StudentCohort, send: Callable[[str, Plain], None]) -> None:
        super().__init__(cohort.student)
        self.__dict__.update(cohort.__dict__)
        self._send = send

    def check(self, exercise: str, answer: Any) -> Feedback:
        self._send(str(exercise)[:16], plain(answer))
        return Feedback(str(exercise)[:16], "not answered yet", "The grader judges it.")

    def figure(self, exercise: str) -> Any:
        return None


_GRADED: list[GradedExercises] = []


def open_exercises(student: str) -> Exercises:
    """The exercises of a student; everything is made from the id when it is first used (some seconds).

    Parameters
    ----------
    student : str
        An id, such as "anna.b"; "self-study" for whoever works alone.

    Raises
    ------
    ValueError
        The id is none.

    Examples
    --------
    >>> open_exercises("self-study")
    Exercises of 'self-study': 80 SIMULATED patients, 28 deaths
    """
    if not _GRADED:
        return Exercises(student)
    graded = _GRADED[0]
    if student_id(student) != graded.student:
        raise ValueError(
            f"this notebook was handed in by {graded.student!r} and opens the exercises of another student"
        )
    return graded


def hand_over(cohort: StudentCohort, send: Callable[[str, Plain], None]) -> None:
    """From here on this process sends answers instead of judging them (the grader's sandbox calls it)."""
    _GRADED[:] = [GradedExercises(cohort, send)]
