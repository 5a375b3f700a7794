"""Outcomes and covariates in files beside the subjects' folders, joined to them by ID."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from cardiolib.cohorts.table import (
    OUTCOME_COLUMNS,
    CohortError,
    checked_event,
    checked_time,
    join_by_id,
    named,
    numeric,
    read_csv_by_id,
)

_OUTCOMES = (*OUTCOME_COLUMNS, "status")


def outcomes_beside(file: Path, ids: Sequence[str], notes: list[str]) -> pd.DataFrame:
    """Columns time and event (or status) of a CSV, for these subjects in this order; unmatched rows are an error.

    Parameters
    ----------
    file : Path
    ids : sequence of str
    notes : list of str
        What was read otherwise than it stands there is added.

    Raises
    ------
    CohortError
        A column is absent, event and status differ, or IDs do not match.
    """
    frame = read_csv_by_id(file)
    notes += frame.attrs["notes"]
    frame = one_event_column(frame, source=str(file))
    absent = [name for name, column in (("status", "event"), ("time", "time")) if column not in frame]
    if absent:
        raise CohortError(f"{file}: no column {named(absent)}; expected ID, status (1 died, 0 censored), time.")
    rows, _ = join_by_id(ids, frame, source=str(file))
    return pd.DataFrame(
        {"time": checked_time(rows["time"], str(file)), "event": checked_event(rows["event"], str(file))}
    )


def one_event_column(frame: pd.DataFrame, *, source: str) -> pd.DataFrame:
    """The column status under the name event; both are an error where they differ."""
    if "status" not in frame:
        return frame
    if "event" not in frame:
        return frame.rename(columns={"status": "event"})
    differ = _differing(frame["status"], frame["event"])
    if differ:
        raise CohortError(
            f"{source}: the columns status and event both say who died, and differ for {named(differ)}. Keep the one "
            "that is right."
        )
    return frame.drop(columns="status")


def with_covariates(table: pd.DataFrame, file: Path, notes: list[str]) -> pd.DataFrame:
    """`table` with the numbers of a CSV joined to it; rows of others are left out and noted.

    A column that is about the outcome is left out where it says the same as the outcomes.

    Raises
    ------
    CohortError
        A subject has no row, a cell is no number, or a column is there already.
    """
    frame = read_csv_by_id(file)
    notes += frame.attrs["notes"]
    rows, left_out = join_by_id(list(table.index), frame, source=str(file), extra="leave out")
    if left_out:
        notes.append(f"{file.name}: rows of subjects without a folder left out: {named(left_out)}")
    if "event" in table:
        rows = _without_outcomes(rows, table, file, notes)
    rows = numeric(rows, source=str(file))
    twice = [column for column in rows if column in table]
    if twice:
        raise CohortError(
            f"{file}: column(s) {named(twice)} are also in another table of this folder. Keep them in one of them."
        )
    return table.join(rows)


def _without_outcomes(rows: pd.DataFrame, table: pd.DataFrame, file: Path, notes: list[str]) -> pd.DataFrame:
    """Without the columns that repeat time and event of the table of outcomes."""
    repeated = [column for column in rows if column in _OUTCOMES]
    for column in repeated:
        differ = _differing(rows[column], table["time" if column == "time" else "event"])
        if differ:
            raise CohortError(
                f"{file}: the column {column} is about the outcome, which another table of this folder gives, and "
                f"differs from it for {named(differ)}. Take the column out, or rename it if it is something else."
            )
    if repeated:
        notes.append(f"{file.name}: {named(repeated)} left out, as in the table of outcomes")
    return rows.drop(columns=repeated)


def _differing(one: pd.Series, other: pd.Series) -> list[str]:
    """IDs whose two values differ as text and as numbers."""
    words = {"True": "1", "False": "0", "true": "1", "false": "0"}
    first, second = (column.astype(str).replace(words) for column in (one, other))
    numbers = [pd.to_numeric(column, errors="coerce") for column in (first, second)]
    same = (first == second) | (numbers[0] == numbers[1])
    return [str(name) for name in one.index[~same.to_numpy()]]
