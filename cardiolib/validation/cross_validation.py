"""Repeated, shuffled cross-validation of a whole pipeline: nested, when the pipeline tunes itself.

Each patient is predicted once a repeat, by a model trained on the other folds. Scores of different folds come from
different models and are not on one scale, so patients are compared within their fold only.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.printed import as_html
from cardiolib.settings import Settings
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.folds import patient_folds
from cardiolib.validation.concordance import Concordance, concordance, logit_interval
from cardiolib.validation.inputs import ResamplingInputs, kept_or_temporary, resampling_inputs
from cardiolib.validation.pipelines import Recipe
from cardiolib.validation.units import FitPredict, claim_folder, fingerprint_of, is_missing, read_unit, run_unit


@dataclass(frozen=True)
class CrossValidationSettings(Settings):
    """How many outer folds, and how often the patients are shuffled into them anew."""

    n_folds: int = 6
    n_repeats: int = 2

    RANGES = {"n_folds": (2, np.inf), "n_repeats": (1, np.inf)}


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation:
    """Out-of-fold predictions.

    Attributes
    ----------
    event, time : (N,) arrays
    fold : (R, N) array of int
        Fold in which each patient was tested, in each repeat.
    log_risk : (R, N) array
        Prediction by the model of the other folds; comparable within a fold only.
    """

    event: np.ndarray
    time: np.ndarray
    fold: np.ndarray
    log_risk: np.ndarray

    @property
    def concordance(self) -> FoldConcordance:
        """C within folds, averaged over the repeats (`validate_folds`)."""
        return validate_folds(self)

    def table(self) -> pd.DataFrame:
        """One row: C with its interval."""
        return self.concordance.table()

    def __repr__(self) -> str:
        first = (
            f"Cross-validation of {self.time.size} patients, {int(self.event.sum())} deaths, in "
            f"{int(self.fold.max()) + 1} folds, {len(self.fold)} times"
        )
        try:
            found = self.concordance
        except ValueError as reason:  # nothing can be judged, which is what a reader has to see
            return f"{first}\n  {reason}"
        low, high = found.interval()
        return (
            f"{first}\n  C-index within folds {found.c:.3f} (95 % interval {low:.3f} to {high:.3f}, variance of "
            "training not included)"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table())


@dataclass(frozen=True)
class FoldConcordance:
    """Cross-validated concordance: mean over repeats of C pooled within folds.

    Attributes
    ----------
    c, se : float
        The standard error is the infinitesimal jackknife of the mean; it takes the models as given.
    repeats : tuple of Concordance
    """

    c: float
    se: float
    repeats: tuple[Concordance, ...] = field(repr=False)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval on the logit scale; too narrow, since the variance of training is not in it."""
        return logit_interval(self.c, self.se, level=level)

    def __repr__(self) -> str:
        low, high = self.interval()
        return f"cross-validated C {self.c:.3f} (95 % interval {low:.3f} to {high:.3f}), {len(self.repeats)} repeats"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table())

    def table(self) -> pd.DataFrame:
        """One row."""
        low, high = self.interval()
        spread = np.std([one.c for one in self.repeats], ddof=1) if len(self.repeats) > 1 else np.nan
        return pd.DataFrame(
            [{"C": self.c, "95% low": low, "95% high": high, "repeats": len(self.repeats), "SD of repeats": spread}]
        )


def cross_validate(
    fit_predict: FitPredict | Recipe,
    X: SurvivalData | pd.DataFrame | np.ndarray,
    event: ArrayLike | None = None,
    time: ArrayLike | None = None,
    *,
    ids: Any = None,
    settings: CrossValidationSettings | None = None,
    seed: int = 0,
    folder: str | os.PathLike[str] | None = None,
    model: str | None = None,
    map_units: Callable = map,
) -> CrossValidation:
    """Cross-validate a pipeline, or finish an interrupted run.

    Parameters
    ----------
    fit_predict, X, event, time, ids, seed, folder, model, map_units
        As :func:`cardiolib.validation.run_bootstrap`. Tuning belongs inside `fit_predict`: this is what makes the
        cross-validation nested.
    settings : CrossValidationSettings, optional

    Returns
    -------
    CrossValidation

    Raises
    ------
    ValueError
        For invalid outcomes, repeated ids, fewer deaths than folds, or a folder of another run.
    Exception
        Whatever the pipeline raises: without one fold, its patients would have no prediction.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(60, 2))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> found = cl.cross_validate(cl.CoxRecipe(), X, time < 2, time.clip(max=2))
    >>> found.log_risk.shape, round(found.concordance.c, 1)
    ((2, 60), 0.7)
    """
    given = resampling_inputs(fit_predict, X, event, time, ids=ids, model=model)
    settings = CrossValidationSettings() if settings is None else settings
    with kept_or_temporary(folder) as place:
        return _cross_validated(given, settings, seed=seed, folder=place, map_units=map_units)


def _cross_validated(
    given: ResamplingInputs, settings: CrossValidationSettings, *, seed: int, folder: Path, map_units: Callable
) -> CrossValidation:
    X, event, time, ids, model = given.X, given.event, given.time, given.ids, given.model
    name = f"{model} | {settings.n_folds} folds"
    claim_folder(folder, fingerprint_of(X, event, time, ids, seed, name), name, seed)
    fold = np.stack([_folds(event, settings.n_folds, seed, repeat) for repeat in range(settings.n_repeats)])
    units = [(repeat, k) for repeat in range(settings.n_repeats) for k in range(settings.n_folds)]
    todo = [unit for unit in units if is_missing(_path(folder, unit))]
    work = partial(
        _run_fold, fit_predict=given.fit_predict, X=X, event=event, time=time, fold=fold, seed=seed, folder=folder
    )
    for _ in map_units(work, todo):
        pass  # every unit writes its own file
    log_risk = np.full(fold.shape, np.nan)
    for repeat, k in units:
        tested = fold[repeat] == k
        log_risk[repeat, tested] = read_unit(_path(folder, (repeat, k)))["log_risk"][tested]
    return CrossValidation(event, time, fold, log_risk)


def validate_folds(run: CrossValidation) -> FoldConcordance:
    """Concordance within folds, averaged over the repeats."""
    repeats = tuple(
        concordance(risk, run.event, run.time, strata=fold) for risk, fold in zip(run.log_risk, run.fold, strict=True)
    )
    influence = np.mean([one.influence for one in repeats], axis=0)
    return FoldConcordance(float(np.mean([one.c for one in repeats])), float(np.sqrt(np.sum(influence**2))), repeats)


def _folds(event: np.ndarray, n_folds: int, seed: int, repeat: int) -> np.ndarray:
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(repeat, 1)))
    return patient_folds(event, n_folds=n_folds, rng=rng)


def _path(folder: Path, unit: tuple[int, int]) -> Path:
    return folder / f"repeat_{unit[0]:03d}_fold_{unit[1]:03d}.npz"


def _run_fold(
    unit: tuple[int, int],
    *,
    fit_predict: Any,
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    fold: np.ndarray,
    seed: int,
    folder: Any,
) -> tuple[int, int]:
    repeat, k = unit
    model_seed = int(np.random.SeedSequence(seed, spawn_key=(repeat, k, 2)).generate_state(1)[0])
    run_unit(
        _path(folder, unit),
        np.flatnonzero(fold[repeat] != k),
        fit_predict=fit_predict,
        X=X,
        event=event,
        time=time,
        seed=model_seed,
        may_fail=False,
    )
    return unit
