"""Rows that belong together: several arrays of the same patients, taken from whatever holds them.

A pandas Series or DataFrame names its rows, a masked array hides some. Both would be lost by taking the numbers in the
order in which they lie, and the result would be a wrong number without a word.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

_SHOWN = 5


def plain_rows(**given: Any) -> tuple[Any, ...]:
    """The values of several arrays with one row a patient, as plain arrays.

    Parameters
    ----------
    **given : array-like or None
        By the name that an error shall give them. None stays None. Lengths are not compared: not everything that
        belongs together has one row a patient.

    Returns
    -------
    tuple
        The values in the order given: arrays without index and mask. A DataFrame stays one, as its columns have
        names.

    Raises
    ------
    ValueError
        If two of them name their rows (pandas) and the names or their order differ, or a masked array hides a row.

    Examples
    --------
    >>> risk = pd.Series([0.5, 1.5], index=["a", "b"])
    >>> plain_rows(risk=risk, event=[0, 1])
    (array([0.5, 1.5]), array([0, 1]))
    >>> plain_rows(risk=risk, event=pd.Series([1, 0], index=["b", "a"]))
    Traceback (most recent call last):
        ...
    ValueError: risk and event name the same patients in different order (row 0 is 'a' in risk and 'b' in event); \
give them in one order, for example event.loc[risk.index]
    """
    indexed = [(name, values.index) for name, values in given.items() if isinstance(values, pd.Series | pd.DataFrame)]
    for name, index in indexed[1:]:
        _refuse_other_rows(indexed[0][0], indexed[0][1], name, index)
    return tuple(None if values is None else _plain(name, values) for name, values in given.items())


def codes_of(name: str, labels: Any, n: int) -> npt.NDArray[np.intp]:
    """Numbers 0, 1, ... in the place of labels (strata, groups), in the sorted order of the labels.

    Raises
    ------
    ValueError
        If there is not one label for each of `n` patients, or one is missing.

    Examples
    --------
    >>> codes_of("strata", ["b", "a", "b"], 3)
    array([1, 0, 1])
    """
    labels = np.asarray(plain_rows(**{name: labels})[0])
    if labels.shape != (n,):
        raise ValueError(f"{name} has shape {labels.shape}, but there are {n} patients; give one label a patient")
    missing = np.flatnonzero(pd.isna(labels))
    if missing.size:
        raise ValueError(f"{name} is missing in rows {missing[:10].tolist()}: give every patient a label, or leave out")
    try:
        return np.unique(labels, return_inverse=True)[1]
    except TypeError:  # labels of several types have no order
        return pd.factorize(labels)[0]


def whole_numbers(name: str, values: Any) -> npt.NDArray[np.int64]:
    """Values as int64, or an error for text, missing values and fractions."""
    values = np.asarray(values)
    kind = values.dtype.kind
    if kind not in "biufO" or (
        kind == "O" and not all(isinstance(v, int | float | np.number | np.bool_) for v in values)
    ):
        raise ValueError(f"{name} must be whole numbers, got {values.dtype} such as {values.reshape(-1)[:3].tolist()}")
    numbers = values.astype(float)
    if not (np.isfinite(numbers) & (numbers == np.floor(numbers))).all():
        raise ValueError(f"{name} must be whole numbers, got {values.reshape(-1)[:10].tolist()}")
    return numbers.astype(np.int64)


def _refuse_other_rows(first: str, wanted: pd.Index, name: str, found: pd.Index) -> None:
    if len(found) != len(wanted):
        raise ValueError(f"{first} has {len(wanted)} rows, {name} has {len(found)}: give one row a patient in each")
    if wanted.equals(found):
        return
    where = next((i for i, (a, b) in enumerate(zip(wanted, found, strict=True)) if not _equal(a, b)), 0)
    rows = f"row {where} is {wanted[where]!r} in {first} and {found[where]!r} in {name}"
    if set(wanted) != set(found):
        raise ValueError(
            f"the rows of {first} and {name} have different names ({rows}); if they are the same patients in one "
            f"order, give plain arrays ({name}.to_numpy()), otherwise join them by patient ID first"
        )
    raise ValueError(
        f"{first} and {name} name the same patients in different order ({rows}); give them in one order, for example "
        f"{name}.loc[{first}.index]"
    )


def _equal(one: Hashable, other: Hashable) -> bool:
    return one == other or (one is other)


def _plain(name: str, values: Any) -> Any:
    if isinstance(values, pd.DataFrame):
        return values
    if isinstance(values, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(values)
        hidden = np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1)) if mask.ndim else np.arange(int(mask))
        if hidden.size:
            raise ValueError(
                f"{name} is a masked array that hides {hidden.size} rows, first {hidden[:_SHOWN].tolist()}: leave these"
                " patients out of all arrays"
            )
        return values.data
    return np.asarray(values)
