"""Checks of what every survival function is given: events, times and risks, one row a patient."""

from __future__ import annotations

import numbers
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.survival.alignment import plain_rows

_CODING = "1 or True where death was observed, 0 or False where the patient was censored"


def check_outcomes(event: ArrayLike, time: ArrayLike, **beside: Any) -> tuple[np.ndarray, ...]:
    """Return `event` as (N,) bool, `time` as (N,) float64 and what lies beside them, or say which rows are wrong.

    This is the one door for outcomes: every public function that takes event and time leads them through it.

    Parameters
    ----------
    event : (N,) array of bool or 0/1
        True where death was observed, False where the patient was censored.
    time : (N,) array
        Time to death or to the end of observation: numbers, finite and not negative, in any one unit.
    **beside : array-like or None
        Other arrays of the same patients (log risks, features, strata), by name. Their rows are compared with those of
        event and time (:func:`cardiolib.survival.alignment.plain_rows`); the first axis must have one row a patient.

    Returns
    -------
    event, time, and every array of `beside`, without index and mask.

    Raises
    ------
    ValueError
        If the rows do not belong together, there is none, an event is neither 0 nor 1, or a time is not a finite
        number or is negative. The message names the first rows at fault.

    Examples
    --------
    >>> check_outcomes([1, 0], [2, 3.5])
    (array([ True, False]), array([2. , 3.5]))
    >>> check_outcomes([1, 2], [2, 3.5])
    Traceback (most recent call last):
        ...
    ValueError: event must be 0 or 1 (1 = death observed); 1 rows break this, first [1] with values [2]. \
If 2 means death and 1 censored, as in some tables of R, give event == 2
    """
    event, time, *others = plain_rows(event=event, time=time, **beside)
    event, time = np.asarray(event), np.asarray(time)
    if event.ndim != 1 or time.ndim != 1 or event.shape != time.shape:
        raise ValueError(f"event and time must be vectors of one length, got {event.shape} and {time.shape}")
    if not event.size:
        raise ValueError("event and time are empty: there is no patient")
    for name, values in zip(beside, others, strict=True):
        if values is not None and (not np.ndim(values) or len(values) != event.size):
            one = "row" if np.ndim(values) == 2 else "value"
            rows = f"{len(values)} rows" if np.ndim(values) else "no rows"
            raise ValueError(
                f"{name} has {rows}, event and time have {event.size}: give one {one} a patient in each, and join them "
                f"by patient ID ({name} has shape {np.shape(values)})"
            )
    return check_event(event), check_time(time), *others


def check_event(event: ArrayLike) -> np.ndarray:
    """Return `event` as (N,) bool, or say which rows are neither 0 nor 1.

    Raises
    ------
    ValueError
        For anything else than a vector of 0 and 1, or of True and False.
    """
    event = np.asarray(plain_rows(event=event)[0])
    if event.ndim != 1:
        raise ValueError(f"event must be a vector, {_CODING}; got shape {event.shape}")
    if event.dtype == bool:
        return event
    if event.dtype.kind not in "iufO":
        raise ValueError(f"event must be numbers or truth values ({_CODING}), not {_described(event)}")
    if event.dtype.kind == "O":
        plain = np.array([_is_number(value) or isinstance(value, np.bool_) for value in event], dtype=bool)
        _refuse_rows(~plain, f"event must be a number or a truth value in every row ({_CODING})", event)
    values = event.astype(float)
    wrong = (values != 0) & (values != 1)  # NaN is neither
    one_two = wrong.any() and set(values.tolist()) == {1.0, 2.0}
    hint = ". If 2 means death and 1 censored, as in some tables of R, give event == 2" if one_two else ""
    _refuse_rows(wrong, "event must be 0 or 1 (1 = death observed)", event, hint)
    return values == 1


def check_time(time: ArrayLike, *, name: str = "time") -> np.ndarray:
    """Return `time` as (N,) float64, or say which rows are no times since the start of observation.

    Raises
    ------
    ValueError
        For dates, durations with a unit of their own, text, truth values, and values that are missing, not finite or
        negative.
    """
    time = np.asarray(plain_rows(**{name: time})[0])
    if time.dtype.kind in "mM":
        raise ValueError(
            f"{name} is {_described(time)}, whose unit would be lost: give numbers, for example days, "
            + (
                f"{name} / np.timedelta64(1, 'D')"
                if time.dtype.kind == "m"
                else "(end - start) / np.timedelta64(1, 'D')"
            )
        )
    if time.dtype.kind not in "iufO":
        swapped = "; were event and time exchanged?" if time.dtype == bool else ""
        raise ValueError(f"{name} must be numbers, not {_described(time)}{swapped}")
    if time.dtype.kind == "O":
        plain = np.array([_is_number(value) and not isinstance(value, bool) for value in time], dtype=bool)
        _refuse_rows(~plain, f"{name} must be a number in every row", time)
    values = time.astype(float)
    _refuse_rows(~np.isfinite(values), f"{name} must be finite", time)
    _refuse_rows(values < 0, f"{name} must not be negative", time)
    return values


def check_log_risk(log_risk: ArrayLike, n: int, *, name: str = "log_risk") -> np.ndarray:
    """Return `log_risk` as (N,) float64: one finite number for each of `n` patients.

    Raises
    ------
    ValueError
        If the shape is another, a value is no number, or is NaN or infinite (rows are named).
    """
    risks = np.asarray(plain_rows(**{name: log_risk})[0])
    if risks.shape != (n,):
        raise ValueError(
            f"{name} has shape {risks.shape}, but event and time have {n} rows; give one value a patient, all of them "
            "finite numbers"
        )
    risks = as_floats(name, risks)
    bad = np.flatnonzero(~np.isfinite(risks))
    if bad.size:
        raise ValueError(
            f"{name} is not finite in rows {bad[:10].tolist()} ({bad.size} of {n}); it must hold finite numbers: leave "
            "out patients without an out-of-bag risk, or give the logarithm of a risk that overflowed"
        )
    return risks


def check_features(X: Any, n_features: int | None = None, *, dtype: Any = np.float32) -> np.ndarray:
    """Return `X` as an (N, D) array of `dtype`, refusing a wrong width and values that are not finite.

    Parameters
    ----------
    X : (N, D) array or DataFrame
        One row a patient.
    n_features : int, optional
        The number of columns a fitted model was trained on.

    Raises
    ------
    ValueError
        If X is not a matrix, has another number of columns than `n_features` (both numbers are
        given), holds text or dates (the columns are named), or a NaN or an infinity (the rows are named).
    """
    X = plain_rows(X=X)[0]
    if np.ndim(X) != 2:
        one = ": for a single column give X[:, None] or table[['name']]" if np.ndim(X) == 1 else ""
        raise ValueError(f"X must be a matrix with one row a patient, got shape {np.shape(X)}{one}")
    if n_features is not None and X.shape[1] != n_features:
        raise ValueError(
            f"the model was fitted on {n_features} features, but X has {X.shape[1]}; use the same "
            "vertices and frames as in training"
        )
    values = _matrix(X, dtype)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if bad.size:
        large = " (or too large for float32)" if values.dtype == np.float32 else ""
        raise ValueError(f"X holds values that are not finite in {bad.size} rows: {bad[:10].tolist()}{large}")
    return values


def _matrix(X: Any, dtype: Any) -> np.ndarray:
    """(N, D) numbers, or the columns that are none."""
    kinds = X.dtypes if isinstance(X, pd.DataFrame) else [X.dtype]
    if all(getattr(kind, "kind", "O") in "biuf" for kind in kinds):
        with np.errstate(over="ignore"):  # what is too large for float32 is refused as infinite
            return np.ascontiguousarray(X, dtype=dtype)
    columns = X.items() if isinstance(X, pd.DataFrame) else enumerate(np.asarray(X).T)
    converted = [as_floats(f"column {name!r} of X", np.asarray(column)) for name, column in columns]
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(np.column_stack(converted), dtype=dtype)


def as_floats(name: str, values: np.ndarray) -> np.ndarray:
    """Values as float64; None and NA become NaN, text and dates are refused.

    Examples
    --------
    >>> as_floats("x", np.array([1, None], dtype=object))
    array([ 1., nan])
    """
    if values.dtype.kind == "O":
        missing = pd.isna(values)
        wrong = np.flatnonzero([not (gone or _is_number(value)) for value, gone in zip(values, missing, strict=True)])
        if wrong.size:
            raise ValueError(
                f"{name} must hold numbers, but row {wrong[0]} holds {values[wrong[0]]!r} ({wrong.size} such rows); "
                "code it as a number, or leave it out"
            )
        return np.where(missing, np.nan, values).astype(float)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{name} must hold numbers, not {_described(values)}; code it as a number, or leave it out")
    return values.astype(float)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real | Decimal)


def _described(values: np.ndarray) -> str:
    kinds = {"M": "dates", "m": "durations", "U": "text", "S": "bytes", "b": "truth values", "c": "complex numbers"}
    first = f", first {values.flat[0]!r}" if values.size else ""
    return f"{kinds.get(values.dtype.kind, 'values')} ({values.dtype}{first})"


def _refuse_rows(wrong: np.ndarray, rule: str, values: np.ndarray, hint: str = "") -> None:
    rows = np.flatnonzero(wrong)
    if rows.size:
        shown = [v.item() if isinstance(v, np.generic) else v for v in values[rows[:5]]]
        raise ValueError(f"{rule}; {rows.size} rows break this, first {rows[:10].tolist()} with values {shown}{hint}")
