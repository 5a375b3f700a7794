"""Volumes and motion that are given to a cohort as tables and arrays: checked, and found by ID."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cardiolib.cohorts.table import CohortError, join_by_id, named, text_ids


def volumes_by_id(volumes: pd.DataFrame, ids: Sequence[str]) -> pd.DataFrame:
    """The rows of `ids` in that order, as float64.

    Raises
    ------
    CohortError
        IDs that are repeated or that are not those of the cohort, or values that are no numbers.
    """
    checked = volumes.copy()
    checked.index = pd.Index(text_ids(volumes.index, source="volumes"), name="ID", dtype=object)
    found = join_by_id(ids, checked, source="volumes")[0]
    try:
        return found.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise CohortError(f"volumes must be numbers: {error}") from error


def motion_by_id(motion: np.ndarray, ids: Sequence[str], *, cohort: str) -> dict[str, np.ndarray]:
    """Row i (D,) of `motion` (N, D) for the i-th of `ids`, as float64.

    Raises
    ------
    CohortError
        Another number of rows than of IDs, or values that are not finite.
    """
    matrix = np.asarray(motion, dtype=np.float64)
    if matrix.ndim != 2 or len(matrix) != len(ids):
        raise CohortError(
            f"motion must have a row for each of the {len(ids)} subjects of cohort {cohort!r}; "
            f"its shape is {matrix.shape}."
        )
    bad = [subject_id for subject_id, row in zip(ids, matrix, strict=True) if not np.isfinite(row).all()]
    if bad:
        raise CohortError(f"motion of subject(s) {named(bad)} holds values that are not finite.")
    return dict(zip(ids, matrix, strict=True))
