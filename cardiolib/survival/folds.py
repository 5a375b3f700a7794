"""Cross-validation folds that keep the copies of a patient together and share the deaths evenly."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival.alignment import codes_of, plain_rows
from cardiolib.survival.outcomes import check_event


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
        If fewer than `n_folds` patients died: a fold without a death cannot be scored.

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
        few = "use fewer folds" if died.sum() >= 2 else "more deaths are needed, since even two folds need two"
        raise ValueError(f"{n_folds} folds need {n_folds} different patients who died, got {int(died.sum())}: {few}")
    fold_of_group = np.full(copies.size, -1)
    rows_in_fold = np.zeros(n_folds, dtype=int)
    for stratum in (died, ~died):
        _deal(np.flatnonzero(stratum), copies, fold_of_group, rows_in_fold, rng)
    return fold_of_group[group]


def inner_folds(
    event: ArrayLike, *, n_folds: int, rng: np.random.Generator, groups: Sequence[Hashable] | np.ndarray | None = None
) -> np.ndarray:
    """:func:`patient_folds` for tuning inside a fit: as many folds as asked, or as there are patients who died.

    A fit inside a bag or an outer fold meets fewer deaths than the cohort has, and nobody can set its folds anew there.

    Raises
    ------
    ValueError
        If fewer than two different patients died: nothing can be tuned on them.
    """
    event, group = _patients(event, groups)
    n_died = np.unique(group[event]).size
    if n_died < 2:
        raise ValueError(
            f"tuning by cross-validation needs at least two different patients who died, got {n_died} among "
            f"{np.unique(group).size}; fix the penalty instead, or use more patients"
        )
    return patient_folds(event, n_folds=min(n_folds, n_died), groups=group, rng=rng)


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
