"""What may be left out when a recipe is resampled: IDs, a folder, a name, even the arrays where data hold them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.survival.data import SurvivalData, with_outcomes
from cardiolib.survival.outcomes import as_floats, check_outcomes
from cardiolib.validation.pipelines import FitRecipe, Recipe
from cardiolib.validation.units import FitPredict, check_rows


@dataclass(frozen=True, eq=False)
class ResamplingInputs:
    """A pipeline and its patients, complete and checked.

    Attributes
    ----------
    fit_predict : FitPredict
    X : (N, D) array
    event, time : (N,) arrays
    ids : (N,) array of str
    model : str
        Name and settings of the pipeline.
    """

    fit_predict: FitPredict
    X: np.ndarray
    event: np.ndarray
    time: np.ndarray
    ids: np.ndarray
    model: str


def resampling_inputs(
    pipeline: FitPredict | Recipe, X: Any, event: Any, time: Any, *, ids: Any = None, model: str | None = None
) -> ResamplingInputs:
    """Complete what was given.

    Parameters
    ----------
    pipeline : FitPredict or Recipe
        A recipe is wrapped in `FitRecipe`.
    X : (N, D) array, DataFrame or SurvivalData
        SurvivalData bring outcomes and IDs along; a recipe that reads volumes (`CoxRecipe`) gets these, the others the
        motion.
    event, time : (N,) arrays, or None with SurvivalData
    ids : (N,) sequence, optional
        By default those of the data, the index of the DataFrame, or "1" to "N".
    model : str, optional
        By default what the pipeline prints.

    Raises
    ------
    ValueError
        If outcomes are missing or given twice, rows do not belong together, or volumes are wanted that are not there.
    """
    recipe = getattr(pipeline, "recipe", pipeline)
    if ids is None and isinstance(X, SurvivalData):
        ids = X.ids
    X, event, time = with_outcomes(X, event, time, reads=getattr(recipe, "reads", "motion"))
    if ids is None:
        ids = X.index if isinstance(X, pd.DataFrame) else range(1, len(X) + 1)
    event, time, X = check_outcomes(event, time, X=X)
    rows, names = np.asarray(X), np.array([str(one) for one in ids])
    if (
        rows.dtype == object and rows.ndim == 2
    ):  # columns of several types: text is refused by name, the rest are numbers
        columns = X.columns if isinstance(X, pd.DataFrame) else range(rows.shape[1])
        rows = np.stack([as_floats(f"column {c!r} of X", one) for c, one in zip(columns, rows.T, strict=True)], axis=1)
    check_rows(rows, names, event)
    named = repr(pipeline) if model is None else model
    fit_predict = pipeline if callable(pipeline) else FitRecipe(pipeline)
    return ResamplingInputs(fit_predict, rows, event, time, names, named)


@contextmanager
def kept_or_temporary(folder: str | PathLike[str] | None) -> Iterator[Path]:
    """The folder given, or one that is gone afterwards (its work then cannot be resumed)."""
    if folder is not None:
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory(prefix="cardiolib-") as temporary:
        yield Path(temporary)
