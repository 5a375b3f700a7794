"""The base of frozen settings: types, choices and ranges of fields are checked when an object is made."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from math import inf, nan

import pytest

import cardiolib
from cardiolib.settings import Settings


@dataclass(frozen=True)
class Walk(Settings):
    RANGES = {"n_steps": (1, inf), "slope": (-1.0, 1.0)}
    CHOICES = {"gait": ("slow", "fast")}

    n_steps: int = 10
    slope: float = 0.0
    gait: str = "slow"
    uphill: bool = False
    places: tuple[float, ...] = ()


def test_what_is_allowed_is_taken_as_it_is() -> None:
    walk = Walk(slope=1, places=(1.0, 2.0))  # a whole number where any number may stand; a field of another type
    assert asdict(walk) == {"n_steps": 10, "slope": 1, "gait": "slow", "uphill": False, "places": (1.0, 2.0)}
    assert replace(walk, n_steps=1) == Walk(1, 1, places=(1.0, 2.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_steps": 2.0}, r"Walk.n_steps must be int, got 2.0"),
        ({"n_steps": True}, "n_steps must be int, got True"),
        ({"uphill": 1}, "uphill must be bool, got 1"),
        ({"slope": "0.5"}, "slope must be float, got '0.5'"),
        ({"gait": "stroll"}, "gait must be one of slow, fast, got 'stroll'"),
        ({"n_steps": 0}, "n_steps must be at least 1, got 0"),
        ({"slope": 1.5}, "slope must be between -1 and 1, got 1.5"),
        ({"slope": nan}, "slope must be between -1 and 1, got nan"),
    ],
)
def test_what_is_not_allowed_is_named(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Walk(**change)
    with pytest.raises(ValueError, match=message):
        replace(Walk(), **change)


def every_settings_class() -> list[type[Settings]]:
    for module in pkgutil.walk_packages(cardiolib.__path__, "cardiolib."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [kind for kind in Settings.__subclasses__() if kind.__module__.startswith("cardiolib.")]


def test_every_range_and_choice_is_of_a_field_and_holds_its_default() -> None:
    found = every_settings_class()
    assert len(found) > 5
    for kind in found:
        assert is_dataclass(kind) and kind()
        assert {*kind.RANGES, *kind.CHOICES} <= {field.name for field in fields(kind)}, kind
