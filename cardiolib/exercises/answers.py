"""Answers as plain data, and what is said to them: a number within a tolerance, letters by a salted hash."""

from __future__ import annotations

import hashlib
import html
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cardiolib.exercises.students import generator

NOT_ANSWERED, NOT_YET, RIGHT = "not answered yet", "not yet", "right"
LETTERS = "abcdefgh"
MOST_NUMBERS, MOST_LETTERS = 64, 64
_COLOURS = {NOT_ANSWERED: "#595959", NOT_YET: "#a33b00", RIGHT: "#15692f"}

Plain = float | str | list[float] | None
"""What an answer is once it has left the student's hands; None: there is none, or nobody can read it."""


@dataclass(frozen=True)
class Feedback:
    """What a check says: `state` is "not answered yet", "not yet" or "right"; `text` holds a hint, never the value."""

    exercise: str
    state: str
    text: str = ""

    def __repr__(self) -> str:
        return f"{self.exercise}: {self.state}" + (f". {self.text}" if self.text else "")

    def _repr_html_(self) -> str:
        colour = _COLOURS[self.state]
        return (
            f'<div class="cardiolib-check" style="border-left:4px solid {colour};padding:2px 8px">'
            f'<b style="color:{colour}">{html.escape(f"{self.exercise}: {self.state}")}</b> '
            f"{html.escape(self.text)}</div>"
        )


def plain(answer: Any) -> Plain:
    """An answer as a number, a text or a list of numbers; None for `...`, for nothing, and for what is none of these.

    Never raises, whatever the object does; a large array is not read to its end.

    Examples
    --------
    >>> import numpy as np
    >>> plain(np.float32(2.5)), plain([np.int64(1), 2.0]), plain(" B "), plain(...), plain({"a": 1})
    (2.5, [1.0, 2.0], 'b', None, None)
    """
    try:
        return _plain(answer)
    except Exception:  # an object of the student's own may do anything when it is touched
        return None


def _plain(answer: Any) -> Plain:
    if answer is None or answer is ...:
        return None
    if type(answer) is str:
        text = answer[:1000].strip().lower()
        return text if 0 < len(text) <= MOST_LETTERS else None
    if type(answer) in (int, float) or isinstance(answer, np.number):
        return _number(answer)
    if isinstance(answer, np.ndarray):
        answer = answer.reshape(-1)[: MOST_NUMBERS + 1].tolist()
    elif type(answer) not in (list, tuple):
        return _from_outside(answer)
    if not 0 < len(answer) <= MOST_NUMBERS:
        return None
    numbers = [_number(one) for one in answer]
    if any(one is None for one in numbers):
        return None
    found = [one for one in numbers if one is not None]
    return found[0] if len(found) == 1 else found


def _number(value: Any) -> float | None:
    if isinstance(value, np.number):
        value = value.item()
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None


def _from_outside(answer: Any) -> Plain:
    """Series and index of pandas, scalars of torch: by their own `to_numpy`, `numpy` or `item`."""
    for name in ("to_numpy", "numpy"):
        if hasattr(answer, name):
            array = getattr(answer, name)()
            return _plain(array) if type(array) is np.ndarray else None
    return None


@dataclass(frozen=True)
class Number:
    """A number, right within `relative` times the truth or `absolute`, whichever is the more; `unit` is for people."""

    relative: float = 0.01
    absolute: float = 0.0
    unit: str = ""
    example: str = "a number"

    def agrees(self, exercise: str, student: str, truth: Any, answer: Plain) -> bool:
        """Whether an answer is this truth; no comparison with what is not finite is ever true."""
        return isinstance(answer, float) and _near(answer, float(truth), self)


@dataclass(frozen=True)
class Numbers:
    """As many numbers as the truth has, in order; each within the tolerance."""

    relative: float = 0.01
    absolute: float = 0.0
    unit: str = ""
    example: str = "a list of numbers, such as [1.5, 2.5]"

    def agrees(self, exercise: str, student: str, truth: Any, answer: Plain) -> bool:
        """Whether an answer is this truth."""
        if not isinstance(answer, list) or len(answer) != len(truth):
            return False
        return all(_near(one, float(true), self) for one, true in zip(answer, truth, strict=True))


@dataclass(frozen=True)
class Letters:
    """One letter, or several in the order of the questions, for options that every student sees in another order.

    Attributes
    ----------
    options : tuple of str
        In the order of the source; `shuffled` gives a student's.
    """

    options: tuple[str, ...]
    example: str = 'a letter in quotes, such as "a"'

    def shuffled(self, exercise: str, student: str) -> list[str]:
        """The options in the order in which a student sees them: the first is a, the second b."""
        order = generator(student, f"options {exercise}").permutation(len(self.options))
        return [self.options[i] for i in order]

    def agrees(self, exercise: str, student: str, truth: Any, answer: Plain) -> bool:
        """Whether letters stand for the options whose salted hash is `truth`."""
        return isinstance(answer, str) and salted(exercise, self._named(exercise, student, answer)) == truth

    def letters(self, exercise: str, student: str, texts: Sequence[str]) -> str:
        """The letters that stand for options before a student."""
        seen = self.shuffled(exercise, student)
        return "".join(LETTERS[seen.index(text)] for text in texts)

    def _named(self, exercise: str, student: str, answer: str) -> list[str]:
        seen = dict(zip(LETTERS, self.shuffled(exercise, student), strict=False))
        return [seen.get(letter, "") for letter in answer if letter.isalnum()]


Kind = Number | Numbers | Letters


def salted(exercise: str, texts: Sequence[str]) -> str:
    """Hash of the right options: the source of a check names them without spelling them out."""
    return hashlib.sha256(json.dumps([exercise, *texts]).encode()).hexdigest()[:16]


def _near(answer: float, truth: float, kind: Number | Numbers) -> bool:
    return abs(answer - truth) <= max(kind.relative * abs(truth), kind.absolute)
