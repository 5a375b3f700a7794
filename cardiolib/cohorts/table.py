"""One table of subjects, joined by ID as text and never by position.

The authors' set-up script pairs motion and outcome by row number, so that on their own sample files
one subject's heart is stored with another subject's death [1]_. Everything that enters a `Cohort`
passes through this module instead: IDs are text, each appears once, and a join that does not match
fails with the names of the rows.

References
----------
.. [1] UK-Digital-Heart-Project/4Dsurvival, inputdata_setup.py, lines 172-190.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from cardiolib.files import read_table_by_id
from cardiolib.plain_text import plain_form, spelt

OUTCOME_COLUMNS = ("time", "event")
_SHOWN = 8


class CohortError(ValueError):
    """Data of a cohort that cannot be used as they are; the message names the rows or files."""


def text_ids(values: Iterable[object], *, source: str) -> tuple[str, ...]:
    """Subject IDs as text in Unicode's composed form, in the order given, each once.

    Parameters
    ----------
    values : iterable of str or int
        Floating-point IDs are refused: ``007`` read as a number can no longer be told from ``7``.
    source : str
        Where the IDs come from, for the message.

    Raises
    ------
    CohortError
        An ID is empty, not text or integer, or appears twice.
    """
    ids = []
    for position, value in enumerate(values):
        if isinstance(value, (bool, np.bool_)) or not isinstance(value, (str, int, np.integer)):
            raise CohortError(
                f"{source}: the ID of row {position + 1} is {value!r} ({type(value).__name__}); subject IDs "
                "must be text. Read the ID column as text (pandas: dtype={'ID': str})."
            )
        ids.append(plain_form(value))
    empty = [str(i + 1) for i, name in enumerate(ids) if not name]
    if empty:
        raise CohortError(f"{source}: row(s) {named(empty)} have no ID. Give every row an ID.")
    repeated = sorted({name for name, n in zip(*np.unique(ids, return_counts=True), strict=True) if n > 1})
    if repeated:
        raise CohortError(f"{source}: ID(s) {named(repeated)} appear more than once. Keep one row for each subject.")
    return tuple(ids)


def subject_table(frame: pd.DataFrame, *, source: str = "table of subjects") -> pd.DataFrame:
    """Check a table of subjects and return it with text IDs, float times and true/false events.

    Parameters
    ----------
    frame : DataFrame, one row a subject
        The index holds the IDs. Columns ``time`` (non-negative) and ``event`` (0/1 or true/false) may
        both be there or both be absent; all other columns are covariates and are kept as they are.
    source : str
        Where the table comes from, for the messages.

    Returns
    -------
    DataFrame
        A copy: index of text named ``ID``, ``time`` float64, ``event`` bool.

    Raises
    ------
    CohortError
        Duplicate or empty IDs; only one of time and event; a time that is missing, negative or not
        finite; an event that is neither 0 nor 1. The rows are named.
    """
    table = frame.copy()
    table.index = pd.Index(text_ids(frame.index, source=source), name="ID", dtype=object)
    twice = sorted({str(c) for c in table.columns[table.columns.duplicated()]})
    if twice:
        raise CohortError(f"{source}: column(s) {named(twice)} appear more than once.")
    present = [column for column in OUTCOME_COLUMNS if column in table.columns]
    if len(present) == 1:
        absent = "event" if present == ["time"] else "time"
        raise CohortError(
            f"{source}: has the column {present[0]!r} but not {absent!r}. Follow-up needs both: time from "
            "imaging to death or end of observation, and event 1 (death observed) or 0 (censored)."
        )
    if present:
        table["time"] = checked_time(table["time"], source)
        table["event"] = checked_event(table["event"], source)
    return table


def read_csv_by_id(path: str | os.PathLike[str], *, id_column: str = "ID", separator: str = ",") -> pd.DataFrame:
    """Read a CSV as text, indexed by subject ID; see `cardiolib.files.read_table_by_id` for what is accepted.

    Returns
    -------
    DataFrame of str
        Not converted: use `numeric` for the columns that are numbers. Empty cells are ``""``. ``attrs["simulated"]``
        tells whether the table says that its patients are simulated (`cardiolib.files.write_table`), ``attrs["notes"]``
        what was read otherwise than it stands there.

    Raises
    ------
    CohortError
        The file is not a table, the ID column is absent, or an ID is empty or repeated.
    """
    try:
        return read_table_by_id(path, id_column=id_column, as_text=True, separator=separator)
    except ValueError as error:
        raise CohortError(str(error)) from error


def numeric(frame: pd.DataFrame, *, source: str, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Convert columns of text to float64; an empty or non-numeric cell is an error that names the row."""
    converted = frame.copy()
    for column in frame.columns if columns is None else columns:
        values = pd.to_numeric(frame[column], errors="coerce")
        bad = values.index[~np.isfinite(values.to_numpy(np.float64))]
        if len(bad):
            shown = [f"{name} ({frame.at[name, column]!r})" for name in bad]
            raise CohortError(
                f"{source}: column {column!r} must be a number in every row; it is not for {named(shown)}. "
                "Correct these cells; decimals are written with a point, thousands without a mark."
            )
        converted[column] = values.astype(np.float64)
    return converted


def join_by_id(
    ids: Sequence[str], frame: pd.DataFrame, *, source: str, extra: str = "refuse"
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows of `frame` in the order of `ids`, matched by ID.

    Parameters
    ----------
    ids : sequence of str
        The subjects wanted, each to be found in the index of `frame`.
    frame : DataFrame indexed by ID
    source : str
        Name of `frame` in messages.
    extra : {"refuse", "leave out"}
        What to do with rows of subjects that are not wanted.

    Returns
    -------
    rows : DataFrame
    left_out : tuple of str
        IDs of `frame` that were not wanted (always empty with ``extra="refuse"``).

    Raises
    ------
    CohortError
        Naming every missing ID and, with ``extra="refuse"``, every extra one.
    """
    if extra not in ("refuse", "leave out"):
        raise ValueError(f"extra must be 'refuse' or 'leave out', not {extra!r}")
    wanted = {plain_form(name): name for name in ids}
    if not all(map(str.isascii, map(str, frame.index))):
        frame = frame.set_axis([plain_form(name) for name in frame.index], axis=0)
    missing = [spelt(name) for name in wanted if name not in frame.index]
    left_out = tuple(name for name in frame.index if name not in wanted)
    if missing or (left_out and extra == "refuse"):
        problems = []
        if missing:
            problems.append(f"no row for subject(s) {named(missing)}")
        if left_out and extra == "refuse":
            problems.append(f"row(s) of unknown subject(s) {named(map(spelt, left_out))}")
        raise CohortError(
            f"{source}: {' and '.join(problems)}. Rows are joined by ID, compared as text ('1', '01' and "
            "'1.0' differ); correct the IDs or remove the rows."
        )
    return frame.loc[list(wanted)].set_axis(pd.Index(list(ids), name=frame.index.name, dtype=object)), left_out


def named(items: Iterable[object]) -> str:
    """The first few items in a message, and how many more there are."""
    listed = [str(item) for item in items]
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def checked_time(column: pd.Series, source: str) -> pd.Series:
    """Times of follow-up as numbers; a `CohortError` names `source` and the subjects of which they are none."""
    time = pd.to_numeric(column, errors="coerce").astype(np.float64)
    bad = ~np.isfinite(time) | (time < 0)
    if bad.any():
        rows = [f"{name} ({column[name]!r})" for name in time.index[bad]]
        raise CohortError(
            f"{source}: time must be a finite number, zero or more, in every row; it is not for {named(rows)}. "
            "Remove subjects without follow-up, or correct the times."
        )
    return time


def checked_event(column: pd.Series, source: str) -> pd.Series:
    """Who died, as bool; a `CohortError` names `source` and the subjects of which it is not said."""
    event = pd.to_numeric(column.astype(object).map(_plain), errors="coerce")
    bad = ~event.isin([0, 1])
    if bad.any():
        rows = [f"{name} ({column[name]!r})" for name in event.index[bad]]
        raise CohortError(
            f"{source}: event (status) must be 1 (death observed) or 0 (censored) in every row; it is not for "
            f"{named(rows)}."
        )
    return event.astype(np.int64).astype(bool)


def _plain(value: object) -> object:
    """True and "True" (as pandas writes them to CSV) as 1, false as 0; anything else unchanged."""
    return {"True": 1, "False": 0}.get(str(value), value)
