"""The one base of frozen settings: what a class says of its fields is checked when an object is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NoReturn

KINDS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}
"""What a field of each annotated type takes. True is no number here, although Python has it as one."""


@dataclass(frozen=True)
class Settings:
    """Fields of the annotated types ``int``, ``float``, ``str`` and ``bool``, in range and among the choices.

    Fields of other types, and what concerns several fields, a subclass checks in its own ``__post_init__`` after it
    has called this one.

    Attributes
    ----------
    RANGES : mapping of str to (low, high)
        Of numbers, ends included; a NaN lies in no range.
    CHOICES : mapping of str to tuple
        Values that a field may have.

    Raises
    ------
    ValueError
        Naming class, field, what it may be and what was given.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class WalkSettings(Settings):
    ...     RANGES = {"n_steps": (1, float("inf"))}
    ...     n_steps: int = 10
    >>> WalkSettings(n_steps=0)
    Traceback (most recent call last):
    ValueError: WalkSettings.n_steps must be at least 1, got 0
    """

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {}
    CHOICES: ClassVar[Mapping[str, tuple[Any, ...]]] = {}

    def __post_init__(self) -> None:
        for field in fields(self):
            kind = field.type if isinstance(field.type, str) else field.type.__name__
            value = getattr(self, field.name)
            if kind in KINDS and (not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "bool")):
                self.refuse(field.name, kind)
        for name, allowed in self.CHOICES.items():
            if getattr(self, name) not in allowed:
                self.refuse(name, f"one of {', '.join(map(str, allowed))}")
        for name, (low, high) in self.RANGES.items():
            if not low <= getattr(self, name) <= high:
                self.refuse(name, f"at least {low:g}" if high == float("inf") else f"between {low:g} and {high:g}")

    def refuse(self, name: str, wanted: str) -> NoReturn:
        """Raise the error that names class, field, what it must be, and what was given."""
        raise ValueError(f"{type(self).__name__}.{name} must be {wanted}, got {getattr(self, name)!r}")
