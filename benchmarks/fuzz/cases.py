"""What a door of the fuzzing is: files, changes to them, how they are read, and what may come of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

Files = Mapping[str, bytes]
"""Name below the folder of a case to content."""


class Expect(StrEnum):
    """What may come of a changed file."""

    SAME = "same"
    """A harmless oddity: it is read, and gives the same."""
    NOTICED = "noticed"
    """The change can be seen in the file: the same result, another with a note, or a refusal."""
    FREE = "free"
    """The format cannot show it (a digit of a number): any result, or a refusal."""
    REFUSED = "refused"
    """It has to be refused."""


@dataclass(frozen=True)
class Mutant:
    """Files that were changed.

    Parameters
    ----------
    files : mapping of str to bytes or None
        Only those that differ from the door's own; None for one that is gone.
    told : str
        What was done.
    expect : Expect
    """

    files: Mapping[str, bytes | None]
    told: str
    expect: Expect


@dataclass(frozen=True, eq=False)
class Reading:
    """What a door gave.

    Parameters
    ----------
    values : mapping
        Arrays, numbers and texts that a user would go on with.
    said : tuple of str
        Notes, remarks.
    """

    values: Mapping[str, Any]
    said: tuple[str, ...] = ()


def names_a_changed_file(message: str, mutant: Mutant) -> bool:
    """Whether an error's message holds the name of one of the files that were changed."""
    return any(Path(name).name in message for name in mutant.files)


@dataclass(frozen=True, eq=False)
class Door:
    """One kind of input, as a user would give it.

    Parameters
    ----------
    name : str
    seeds : callable
        The unchanged files; the same bytes every time.
    read : callable
        From the folder of the files to a `Reading`.
    mutate : callable
        From the unchanged files and a generator to a `Mutant`.
    tolerance : mapping
        Absolute tolerance of values that a file says twice, with different rounding.
    names : callable
        Whether an error's message names what it is about.
    """

    name: str
    seeds: Callable[[], dict[str, bytes]]
    read: Callable[[Path], Reading]
    mutate: Callable[[Files, random.Random], Mutant]
    tolerance: Mapping[str, float] = field(default_factory=dict)
    names: Callable[[str, Mutant], bool] = names_a_changed_file

    def mutant(self, files: Files, number: int) -> Mutant:
        """The changed files of one number; the same whatever else is run."""
        return self.mutate(files, random.Random(f"{self.name}:{number}"))
