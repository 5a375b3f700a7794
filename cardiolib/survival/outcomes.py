"""Checks of what every survival function is given: events and times, one row a patient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def check_outcomes(event: ArrayLike, time: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return `event` as (N,) bool and `time` as (N,) float64, or say which rows are wrong.

    Parameters
    ----------
    event : (N,) array of bool or 0/1
        True where death was observed, False where the patient was censored.
    time : (N,) array
        Time to death or to the end of observation, finite and not negative, in any one unit.

    Raises
    ------
    ValueError
        If the two are not vectors of one length, if an event is neither 0 nor 1, or if a time is
        not finite or is negative. The message names the first rows at fault.
    """
    event, time = np.asarray(event), np.asarray(time)
    if event.ndim != 1 or time.ndim != 1 or event.shape != time.shape:
        raise ValueError(f"event and time must be vectors of one length, got {event.shape} and {time.shape}")
    if event.dtype != bool:
        _refuse_rows(~np.isin(event, (0, 1)), "event must be 0 or 1 (1 = death observed)", event)
    time = time.astype(float)
    _refuse_rows(~np.isfinite(time), "time must be finite", time)
    _refuse_rows(time < 0, "time must not be negative", time)
    return event.astype(bool), time


def check_features(X: ArrayLike, n_features: int | None = None, *, dtype: Any = np.float32) -> np.ndarray:
    """Return `X` as an (N, D) array of `dtype`, refusing a wrong width and values that are not finite.

    Parameters
    ----------
    X : (N, D) array
        One row a patient.
    n_features : int, optional
        The number of columns a fitted model was trained on.

    Raises
    ------
    ValueError
        If X is not a matrix, has another number of columns than `n_features` (both numbers are
        given), or holds a NaN or an infinity (the rows are named).
    """
    X = np.asarray(X)
    if X.ndim != 2:
        raise ValueError(f"X must be a matrix with one row a patient, got shape {X.shape}")
    if n_features is not None and X.shape[1] != n_features:
        raise ValueError(
            f"the model was fitted on {n_features} features, but X has {X.shape[1]}; use the same "
            "vertices and frames as in training"
        )
    X = np.ascontiguousarray(X, dtype=dtype)
    bad = np.flatnonzero(~np.isfinite(X).all(axis=1))
    if bad.size:
        raise ValueError(f"X holds values that are not finite in {bad.size} rows: {bad[:10].tolist()}")
    return X


def _refuse_rows(wrong: np.ndarray, rule: str, values: np.ndarray) -> None:
    rows = np.flatnonzero(wrong)
    if rows.size:
        raise ValueError(
            f"{rule}; {rows.size} rows break this, first {rows[:10].tolist()} with values "
            f"{[v.item() for v in values[rows[:5]]]}"
        )
