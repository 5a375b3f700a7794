"""The protocol of an analysis of habits in real patients: written before it, complete, or the analysis is refused."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from cardiolib.cohorts.table import named
from cardiolib.plain_text import read_plain_text
from cardiolib.printed import as_html

FIELDS: Mapping[str, Mapping[str, str]] = {
    "trial": {
        "eligibility": "who would have been asked to take part",
        "strategies": "what is compared, in words that say what a person does",
        "assignment": "how the trial would assign it, and why patients like these chose it",
        "time_zero": "when follow-up, eligibility and assignment start, one moment for all three",
        "outcome": "what is counted and how it is known",
        "follow_up": "how long, and why it ends early",
    },
    "estimand": {
        "measure": 'only "gain in restricted mean survival"',
        "horizon": "number, in time_unit",
        "time_unit": "of the cohort",
    },
    "habits": {"columns": "list of columns, each 0 or 1", "measured": "how and when habits were asked for"},
    "adjustment": {"columns": "list of columns", "why": "from which diagram or knowledge, not from the data"},
    "decided": {"by": "names and roles", "on": "date, before the analysis"},
}
"""Sections and fields of a protocol, all needed, and what each says; they follow the items of TARGET."""

OPTIONAL: Mapping[str, tuple[str, ...]] = {"adjustment": ("negative_control",)}
MEASURE = "gain in restricted mean survival"
_PLACEHOLDERS = ("", "...", "todo", "tbd", "?", "xxx", "none", "n/a")

UNTESTABLE = (
    "that no confounder is hidden: no number in these data can show it",
    "that a habit is one and the same thing in all who report it",
    "that one patient's habit does not change another's survival",
    "that whoever left observation had the same prospects as those alike who stayed",
    "that habits are what patients said",
)
"""What an analysis of habits assumes and cannot test; every report of one names it."""


@dataclass(frozen=True)
class Protocol:
    """A complete protocol.

    Attributes
    ----------
    habits : tuple of str
        Columns of the cohort's covariates.
    adjustment : tuple of str
        Columns of the covariates, or of the features that are given beside them.
    horizon : float
    time_unit : str
    negative_control : str or None
    decided_on : date
    text : dict
        Every field as it was written, by "section.field".
    source : str
        Name of the file.
    """

    habits: tuple[str, ...]
    adjustment: tuple[str, ...]
    horizon: float
    time_unit: str
    negative_control: str | None
    decided_on: date
    text: Mapping[str, Any]
    source: str

    @property
    def untestable(self) -> tuple[str, ...]:
        """What the analysis assumes and cannot test."""
        return UNTESTABLE

    def __repr__(self) -> str:
        return (
            f"Protocol {self.source} of {self.decided_on}: {', '.join(self.habits)}; {MEASURE} within "
            f"{self.horizon:g} {self.time_unit}; adjusted for {', '.join(self.adjustment)}"
        )

    def _repr_html_(self) -> str:
        return as_html("\n".join([repr(self), *(f"assumed and not testable: {what}" for what in UNTESTABLE)]))


def read_protocol(path: str | os.PathLike[str]) -> Protocol:
    """Read ``protocol.toml``, complete or not at all.

    Parameters
    ----------
    path : path-like
        ``data/README.md`` has an example.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is not TOML; sections or fields are missing, unknown, empty or placeholders; a list of columns is none;
        the horizon is no positive number; the date is none. All faults of fields are named at once.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "protocol.toml"
    ...     _ = path.write_text("[trial]\\neligibility = 'adults'\\n")
    ...     read_protocol(path)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: protocol.toml is not complete, so that habits are not analysed: trial.strategies is missing (what is ...
    """
    path = Path(path)
    try:
        content = tomllib.loads(read_plain_text(path))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name} is not TOML: {error}") from error
    faults = [*_unknown(content), *_missing(content)] or _wrong(content)
    if faults:
        raise ValueError(f"{path.name} is not complete, so that habits are not analysed: {'; '.join(faults)}")
    return Protocol(
        tuple(content["habits"]["columns"]),
        tuple(content["adjustment"]["columns"]),
        float(content["estimand"]["horizon"]),
        content["estimand"]["time_unit"],
        content["adjustment"].get("negative_control"),
        content["decided"]["on"],
        {f"{section}.{name}": value for section, fields in content.items() for name, value in fields.items()},
        path.name,
    )


def _unknown(content: dict[str, Any]) -> list[str]:
    faults = []
    for section, fields in content.items():
        if section not in FIELDS or not isinstance(fields, dict):
            faults.append(f"section {section!r} is unknown{_nearest(section, FIELDS)}")
            continue
        known = (*FIELDS[section], *OPTIONAL.get(section, ()))
        faults += [f"{section}.{name} is unknown{_nearest(name, known)}" for name in fields if name not in known]
    return faults


def _nearest(name: str, known: Any) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]!r}?)" if near else f" (known are {named(known)})"


def _missing(content: dict[str, Any]) -> list[str]:
    faults = []
    for section, fields in FIELDS.items():
        given = content.get(section, {})
        for name, meaning in fields.items():
            value = given.get(name) if isinstance(given, dict) else None
            if value is None:
                faults.append(f"{section}.{name} is missing ({meaning})")
            elif isinstance(value, str) and value.strip().lower() in _PLACEHOLDERS:
                faults.append(f"{section}.{name} says nothing, {value!r} ({meaning})")
    return faults


def _wrong(content: dict[str, Any]) -> list[str]:
    faults = []
    for section in ("habits", "adjustment"):
        columns = content[section]["columns"]
        if not (isinstance(columns, list) and columns and all(isinstance(c, str) and c.strip() for c in columns)):
            faults.append(f"{section}.columns must be a list of column names, got {columns!r}")
        elif len(set(columns)) < len(columns):
            faults.append(f"{section}.columns names a column twice: {named(columns)}")
    if not faults and (both := set(content["habits"]["columns"]) & set(content["adjustment"]["columns"])):
        faults.append(f"{named(sorted(both))} cannot be both a habit and adjusted for (the other habits always are)")
    horizon = content["estimand"]["horizon"]
    if isinstance(horizon, bool) or not isinstance(horizon, int | float) or not 0 < horizon < float("inf"):
        faults.append(f"estimand.horizon must be a positive number, got {horizon!r}")
    if content["estimand"]["measure"] != MEASURE:
        faults.append(f'estimand.measure must be "{MEASURE}", got {content["estimand"]["measure"]!r}')
    if type(content["decided"]["on"]) is not date:
        faults.append(f"decided.on must be a date such as 2026-01-31, got {content['decided']['on']!r}")
    texts = [(s, n) for s, fields in content.items() for n in fields if n not in ("columns", "horizon", "on")]
    faults += [f"{s}.{n} must be text, got {content[s][n]!r}" for s, n in texts if not isinstance(content[s][n], str)]
    return faults
