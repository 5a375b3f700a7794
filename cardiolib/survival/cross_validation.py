"""One fit of one setting on one fold: the unit of work of a search, in full or by the stand-in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cardiolib.survival.concordance import concordance_index, has_comparable_pair
from cardiolib.survival.network.accelerated.gradient import forward_log_risk
from cardiolib.survival.network.accelerated.principal import PrincipalRows, principal_rows
from cardiolib.survival.network.accelerated.screening import ThinnedRows, screened_log_risk, thin_rows
from cardiolib.survival.network.preprocessing import Standardiser
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network, train_on_scores


@dataclass(frozen=True, eq=False)
class FoldData:
    """What every unit needs; one object for all, picklable.

    Attributes
    ----------
    event, time, fold : (N,) arrays
    X : (N, D) array or None
        For fits on the inputs, full or by the stand-in.
    scores : tuple of (PrincipalRows, array)
        For full fits in principal coordinates, one pair a fold: training rows, and scores of the test rows. What
        does not depend on the settings is done once.
    thinned : tuple of ThinnedRows
        For the stand-in, one a fold.
    """

    event: np.ndarray
    time: np.ndarray
    fold: np.ndarray
    X: np.ndarray | None = None
    scores: tuple[tuple[PrincipalRows, np.ndarray], ...] = ()
    thinned: tuple[ThinnedRows, ...] = ()

    @property
    def screened(self) -> bool:
        """Whether scores come from the stand-in."""
        return bool(self.thinned)

    @property
    def n_folds(self) -> int:
        return int(self.fold.max()) + 1

    @cached_property
    def judged(self) -> tuple[int, ...]:
        """Folds in which somebody was observed beyond a death; in the others no ranking can be judged.

        Raises
        ------
        ValueError
            There are none.
        """
        return judged_folds(self.event, self.time, self.fold)


def judged_folds(event: np.ndarray, time: np.ndarray, fold: np.ndarray) -> tuple[int, ...]:
    """Folds with a comparable pair: with few deaths some may have none, and these score nobody.

    Raises
    ------
    ValueError
        No fold has one.
    """
    n_folds = int(fold.max()) + 1
    judged = tuple(k for k in range(n_folds) if has_comparable_pair(event[fold == k], time[fold == k]))
    if not judged:
        raise ValueError(
            f"in none of the {n_folds} folds was a patient observed beyond a death, so that nothing can be judged on "
            "them; take fewer folds or more patients"
        )
    return judged


def prepare_folds(
    X: np.ndarray, event: np.ndarray, time: np.ndarray, fold: np.ndarray, base: NetworkSettings, *, screening: bool
) -> FoldData:
    """Fold data for settings with the coordinates and scaling of `base`; each fold scaled by its training rows.

    Fits in principal coordinates are never screened.
    """
    folds = range(int(fold.max()) + 1)
    if base.coordinates == "principal":
        return FoldData(
            event, time, fold, scores=tuple(_scores(X[fold != k], X[fold == k], base.standardise) for k in folds)
        )
    if not screening:
        return FoldData(event, time, fold, X=X)
    return FoldData(
        event, time, fold, X=X, thinned=tuple(thin_rows(X[fold != k], X[fold == k], base.standardise) for k in folds)
    )


def score_fold(unit: tuple[NetworkSettings, int], *, data: FoldData, seed: int) -> tuple[float, str]:
    """Concordance on the held-out fold and "", or NaN and the reason when the fit failed or cannot be scored."""
    settings, k = unit
    train, test = data.fold != k, data.fold == k
    event, time, seed = data.event[train], data.time[train], fold_seed(seed, k)
    try:
        if data.scores:
            rows, scores = data.scores[k]
            weights, _ = train_on_scores(rows, event, time, settings, seed=seed)
            log_risk = forward_log_risk(weights, scores, settings)
        else:
            X = data.X
            assert X is not None  # what is not fitted on scores is fitted on the inputs
            if data.thinned:
                log_risk = screened_log_risk(data.thinned[k], X[train], X[test], event, time, settings, seed=seed)
            else:
                log_risk = fit_network(X[train], event, time, settings, seed=seed).predict_log_risk(X[test])
        return concordance_index(log_risk, data.event[test], data.time[test]), ""
    except (ArithmeticError, ValueError) as error:
        return float("nan"), f"{type(error).__name__}: {error}"


def fold_seed(seed: int, k: int) -> int:
    """Seed of fold `k` (-1: of the swarm), the same for every setting."""
    return int(np.random.SeedSequence([seed, k + 2]).generate_state(1)[0])


def _scores(train: np.ndarray, test: np.ndarray, standardise: str) -> tuple[PrincipalRows, np.ndarray]:
    standardiser = Standardiser.fit(train, standardise)
    rows = principal_rows(standardiser.apply(train, np.float32))
    return rows.without_axes(), rows.project(standardiser.apply(test, np.float32))
