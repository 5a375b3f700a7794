"""Cross-validation folds that keep the copies of a patient together and share the deaths evenly."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike


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
    """
    event = np.asarray(event).astype(bool)
    labels = np.arange(event.size) if groups is None else np.asarray(groups)
    if labels.shape != event.shape:
        raise ValueError(f"groups has shape {labels.shape}, event has {event.shape}")
    if n_folds < 2:
        raise ValueError(f"n_folds must be at least 2, got {n_folds}")
    _, group = np.unique(labels, return_inverse=True)
    copies = np.bincount(group)
    died = np.bincount(group, weights=event) > 0
    if died.sum() < n_folds:
        raise ValueError(
            f"{n_folds} folds need {n_folds} different patients who died, got {int(died.sum())}: use fewer folds"
        )
    fold_of_group = np.full(copies.size, -1)
    rows_in_fold = np.zeros(n_folds, dtype=int)
    for stratum in (died, ~died):
        _deal(np.flatnonzero(stratum), copies, fold_of_group, rows_in_fold, rng)
    return fold_of_group[group]


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
