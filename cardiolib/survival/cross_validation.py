"""One fit of one setting on one fold: the unit of work of a search, exact or screened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.survival.concordance import concordance_index
from cardiolib.survival.screening import ReducedRows, reduce_rows, screened_log_risk
from cardiolib.survival.settings import NetworkSettings
from cardiolib.survival.training import fit_network


@dataclass(frozen=True, eq=False)
class FoldData:
    """What every unit needs; one object for all, picklable.

    Attributes
    ----------
    event, time, fold : (N,) arrays
    X : (N, D) array or None
        Present for exact scores.
    reduced : tuple of ReducedRows
        Present for screened scores: one a fold.
    """

    event: np.ndarray
    time: np.ndarray
    fold: np.ndarray
    X: np.ndarray | None = None
    reduced: tuple[ReducedRows, ...] = ()

    @property
    def screened(self) -> bool:
        return self.X is None

    @property
    def n_folds(self) -> int:
        return int(self.fold.max()) + 1


def exact_folds(X, event, time, fold, standardise: str) -> FoldData:
    """Fold data for full fits (which scale the features themselves)."""
    del standardise
    return FoldData(event, time, fold, X=X)


def screened_folds(X, event, time, fold, standardise: str) -> FoldData:
    """Fold data for screening: each fold scaled and rotated by its own training rows, once for all settings."""
    reduced = tuple(reduce_rows(X[fold != k], X[fold == k], standardise) for k in range(int(fold.max()) + 1))
    return FoldData(event, time, fold, reduced=reduced)


def score_fold(unit: tuple[NetworkSettings, int], *, data: FoldData, seed: int) -> tuple[float, str]:
    """Concordance on the held-out fold and "", or NaN and the reason when the fit failed or cannot be scored."""
    settings, k = unit
    train, test = data.fold != k, data.fold == k
    event, time = data.event[train], data.time[train]
    try:
        if data.screened:
            log_risk = screened_log_risk(data.reduced[k], event, time, settings, seed=fold_seed(seed, k))
        else:
            model = fit_network(data.X[train], event, time, settings, seed=fold_seed(seed, k))
            log_risk = model.predict_log_risk(data.X[test])
        return concordance_index(log_risk, data.event[test], data.time[test]), ""
    except (ArithmeticError, ValueError) as error:
        return float("nan"), f"{type(error).__name__}: {error}"


def fold_seed(seed: int, k: int) -> int:
    """Seed of fold `k` (-1: of the swarm), the same for every setting."""
    return int(np.random.SeedSequence([seed, k + 2]).generate_state(1)[0])
