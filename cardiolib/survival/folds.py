"""Cross-validation folds that keep the copies of a patient together and share the deaths evenly."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival.alignment import codes_of, plain_rows
from cardiolib.survival.outcomes import check_event

FEWEST_FOLDS = 2
FEWEST_DEATHS = 4
"""Two halves with two deaths each: what is left of one is halved again."""
TOO_FEW = "fewer folds do not help; more patients who died are needed"


def patient_folds(
    event: ArrayLike, *, n_folds: int, rng: np.random.Generator, groups: Sequence[Hashable] | np.ndarray | None = None
) -> np.ndarray:
    """Assign each row to a fold.

    Parameters
    ----------
    event : (N,) array of bool or 0/1
        True where death was observed.
    n_folds : int
        Number of folds, at least 2.
    rng : numpy.random.Generator
    groups : (N,) sequence, optional
        The original patient of each row. A bootstrap bag holds copies; a copy in the test fold whose twin
        is in training would reward memorising. Without groups every row is a patient of its own.

    Returns
    -------
    (N,) int array
        Fold number 0 .. n_folds - 1. Rows of one group share a fold; deaths and rows are spread as evenly
        as the groups allow.

    Raises
    ------
    ValueError
        If fewer than `n_folds` patients died: a fold without a death cannot be scored. See `feasible_folds`.

    Examples
    --------
    >>> fold = patient_folds([1, 1, 0, 0, 0, 0], n_folds=2, rng=np.random.default_rng(1))
    >>> np.bincount(fold).tolist(), sorted(fold[:2].tolist())
    ([3, 3], [0, 1])
    """
    event, group = _patients(event, groups)
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, got {n_folds}")
    copies = np.bincount(group)
    died = np.bincount(group, weights=event) > 0
    if died.sum() < n_folds:
        deaths = int(died.sum())
        advice = f"use fewer folds, at most {deaths}" if deaths >= FEWEST_FOLDS else TOO_FEW
        raise ValueError(f"{n_folds} folds need {n_folds} different patients who died, got {deaths}: {advice}")
    fold_of_group = np.full(copies.size, -1)
    rows_in_fold = np.zeros(n_folds, dtype=int)
    for stratum in (died, ~died):
        _deal(np.flatnonzero(stratum), copies, fold_of_group, rows_in_fold, rng)
    return fold_of_group[group]


def feasible_folds(event: ArrayLike, wanted: int, *, groups: Sequence[Hashable] | np.ndarray | None = None) -> int:
    """Number of folds for what is tuned inside a fit: as many as are wanted, or as patients died, if these are fewer.

    Whoever resamples a small cohort does not choose which patients a bag or a fold leaves to a fit.

    Parameters
    ----------
    event : (N,) array of bool or 0/1
    wanted : int
    groups : (N,) sequence, optional
        As for `patient_folds`: copies of one patient are one death.

    Raises
    ------
    ValueError
        Fewer than two patients died: nothing can be tuned on them.

    Examples
    --------
    >>> feasible_folds([1, 1, 1, 0, 0], 6), feasible_folds([1, 1, 1, 0, 0], 2)
    (3, 2)
    """
    event, group = _patients(event, groups)
    deaths = np.unique(group[event]).size
    if deaths < FEWEST_FOLDS:
        raise ValueError(
            f"settings are tuned on the patients who died, and {deaths} of these {event.size} did: {TOO_FEW}"
        )
    return min(wanted, deaths)


def inner_folds(
    event: ArrayLike, *, n_folds: int, rng: np.random.Generator, groups: Sequence[Hashable] | np.ndarray | None = None
) -> np.ndarray:
    """:func:`patient_folds` for tuning inside a fit, on as many folds as are feasible.

    Raises
    ------
    ValueError
        If fewer than two different patients died: nothing can be tuned on them.
    """
    n_folds = feasible_folds(event, n_folds, groups=groups)
    return patient_folds(event, n_folds=n_folds, groups=groups, rng=rng)


def check_deaths(event: ArrayLike, n_folds: int, *, parameter: str) -> None:
    """See before anything is computed that models can be compared on so many folds, each tuned in what is left.

    Parameters
    ----------
    event : (N,) array of bool or 0/1
    n_folds : int
    parameter : str
        Name under which the user sets it, for the message.

    Raises
    ------
    ValueError
        Too few died: how many folds are possible, or that none are.
    """
    deaths = int(check_event(event).sum())
    most = min(n_folds, deaths) if deaths >= FEWEST_DEATHS else 0
    if most == n_folds:
        return
    told = f"{deaths} of {np.size(event)} patients died"
    if not most:
        raise ValueError(
            f"{told}. Models are tuned and compared on patients that they have not seen, which needs at least "
            f"{FEWEST_DEATHS} deaths: with fewer there is nothing to train and to validate. Follow the patients for "
            "longer, or add patients"
        )
    raise ValueError(f"{told}, which is too few for {parameter}={n_folds}: give {parameter}={most} or fewer")


def _patients(event: ArrayLike, groups: Any) -> tuple[np.ndarray, np.ndarray]:
    """Events, and the number of the patient behind each row."""
    event, groups = plain_rows(event=event, groups=groups)
    event = check_event(event)
    return event, np.arange(event.size) if groups is None else codes_of("groups", groups, event.size)


def _deal(members: np.ndarray, copies: Any, fold_of_group: Any, rows_in_fold: Any, rng: np.random.Generator) -> None:
    """Give the groups of one stratum to folds, most copies first, each to the fold with fewest of its stratum."""
    members = rng.permutation(members)
    members = members[np.argsort(-copies[members], kind="stable")]
    stratum_rows = np.zeros_like(rows_in_fold)
    order = rng.permutation(rows_in_fold.size)  # so that ties do not always favour fold 0
    for member in members:
        fold = min(order, key=lambda f: (stratum_rows[f], rows_in_fold[f]))
        fold_of_group[member] = fold
        stratum_rows[fold] += copies[member]
        rows_in_fold[fold] += copies[member]
