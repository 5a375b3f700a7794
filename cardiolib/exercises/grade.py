"""What one notebook that was handed in has earned."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cardiolib.exercises.answers import RIGHT
from cardiolib.exercises.lessons import LESSONS


@dataclass(frozen=True)
class Grade:
    """What one notebook has earned.

    Attributes
    ----------
    file, student, lesson : str
        As in `HandedIn`.
    states : dict
        Exercise -> "right", "not yet" or "not answered yet"; empty where nothing was executed.
    remark : str
        Why it was not executed, or how its execution ended if not at its end.
    errors : tuple of (int, str)
        Code cell (from 0) and error.
    shut_off : tuple of str
        What the sandbox kept from the notebook.
    """

    file: str
    student: str
    lesson: str
    states: dict[str, str]
    remark: str = ""
    errors: tuple[tuple[int, str], ...] = ()
    shut_off: tuple[str, ...] = ()

    @property
    def points(self) -> int:
        """One for each exercise that is right."""
        return sum(state == RIGHT for state in self.states.values())

    @property
    def possible(self) -> int:
        """Exercises of the lesson; 0 where the lesson is not known."""
        return len(LESSONS[self.lesson].exercises) if self.lesson else 0


def as_record(grade: Grade) -> dict[str, Any]:
    """A grade as plain data, for a course that has a tool of its own (docs/teaching.md)."""
    return {**asdict(grade), "points": grade.points, "possible": grade.possible}
