"""What an exercise is, and how an answer to it is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cardiolib.exercises.answers import NOT_ANSWERED, NOT_YET, RIGHT, Feedback, Kind, Letters, plain
from cardiolib.exercises.student_cohort import StudentCohort


@dataclass(frozen=True)
class Mistake:
    """A common wrong answer: what it comes to, and what to say to it."""

    gives: Callable[[StudentCohort], Any]
    says: str


@dataclass(frozen=True)
class Exercise:
    """One exercise, whole: what is asked, what is right, and what to say when it is not.

    Attributes
    ----------
    id : str
        Notebook and number, such as "03.2".
    title, question : str
        Markdown. The question holds all that is needed, the formula too; options are added below it.
    minutes : int
        How long it takes.
    kind : Number, Numbers or Letters
    truth : callable or str
        Of a cohort: the number(s), or the options that are right as a salted hash. For options that are right in every
        cohort the hash itself.
    hint : str
        What is said to a wrong answer that no `mistakes` explains.
    shows : str
        What a student has seen afterwards, for the lesson plan.
    mistakes : tuple of Mistake
    stub : tuple of str
        Lines that stand before ``answer = ...``.
    """

    id: str
    title: str
    minutes: int
    question: str
    kind: Kind
    truth: Callable[[StudentCohort], Any] | str
    hint: str
    shows: str
    mistakes: tuple[Mistake, ...] = ()
    stub: tuple[str, ...] = field(default=())

    def judge(self, cohort: StudentCohort, answer: Any) -> Feedback:
        """What is said to an answer, for the cohort of its student."""
        found = plain(answer)
        if found is None and (answer is None or answer is ...):
            return Feedback(self.id, NOT_ANSWERED)
        if found is None or isinstance(found, str) != isinstance(self.kind, Letters):
            return Feedback(self.id, NOT_YET, f"The answer is {self.kind.example}.")
        truth = self.truth(cohort) if callable(self.truth) else self.truth
        if self.kind.agrees(self.id, cohort.student, truth, found):
            return Feedback(self.id, RIGHT)
        for mistake in self.mistakes:
            if self.kind.agrees(self.id, cohort.student, mistake.gives(cohort), found):
                return Feedback(self.id, NOT_YET, mistake.says)
        return Feedback(self.id, NOT_YET, self.hint)
