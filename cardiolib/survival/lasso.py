"""LASSO Cox regression on all motion numbers: few inputs, chosen by the penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.settings import Settings
from cardiolib.survival.concordance import concordance_index, has_comparable_pair, mean_over_folds
from cardiolib.survival.conventional import FittedCox
from cardiolib.survival.cox import breslow_baseline
from cardiolib.survival.cox_regression import constant_columns
from cardiolib.survival.folds import inner_folds
from cardiolib.survival.network.preprocessing import Standardiser
from cardiolib.survival.network.training import check_training_data
from cardiolib.survival.outcomes import check_features, check_outcomes
from cardiolib.survival.ridge import cox_derivatives
from cardiolib.survival.risk_sets import RiskSets

_TOLERANCE = 1e-6  # by which the optimality conditions may be missed, on the scale of the penalty
_NOT_MET = 1e-3  # of the penalty: a fit that misses the optimality conditions by more has not converged
_ADDED_AT_ONCE = 30


@dataclass(frozen=True)
class LassoCoxSettings(Settings):
    """Columns scaled to unit SD, then an L1 penalty chosen from a falling sequence.

    Attributes
    ----------
    n_penalties : int
        Length of the sequence, evenly spaced in the logarithm from the least penalty that leaves nothing in.
    smallest : float
        Its end, as a fraction of its start.
    n_folds : int
        Of the cross-validation (mean concordance) that chooses; patients grouped and deaths spread as everywhere.
        Where fewer patients died than this, there are as many folds as deaths (`feasible_folds`).
    """

    n_penalties: int = 20
    smallest: float = 0.1
    n_folds: int = 6

    RANGES = {
        "n_penalties": (2, np.inf),
        "smallest": (1e-4, 0.99),
        "n_folds": (2, np.inf),
    }


def fit_lasso_cox(
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    settings: LassoCoxSettings | None = None,
    *,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> FittedCox:
    """Cox regression that minimises nll / N + penalty * sum of |coefficient|, on columns of unit SD, Efron ties.

    Parameters
    ----------
    X, event, time
        As for `fit_network`.
    settings : LassoCoxSettings, optional
    seed : int
        Of the folds that choose the penalty.
    groups : (N,) sequence, optional
        Original patient of each row, see `patient_folds`.

    Returns
    -------
    FittedCox
        Its `summary`: penalty, as a fraction of the largest too; inputs kept; cross-validated C, its number of folds.

    Notes
    -----
    Source: Tibshirani, Statistics in Medicine 16:385-395 (1997).
    """
    settings = settings or LassoCoxSettings()
    X, event, time = check_training_data(X, event, time)
    fractions = np.geomspace(1.0, settings.smallest, settings.n_penalties)
    if constant_columns(X).all():
        raise ValueError(f"all {X.shape[1]} columns of X are constant: there is nothing to choose from")
    fold = inner_folds(event, n_folds=settings.n_folds, groups=groups, rng=np.random.default_rng(seed))
    n_folds = int(fold.max()) + 1
    scores = np.full((n_folds, fractions.size), np.nan)
    for k in range(n_folds):
        train, test = fold != k, fold == k
        if not has_comparable_pair(event[test], time[test]):
            continue
        scaler = Standardiser.fit(X[train], "columns")
        path, _ = lasso_path(scaler.apply(X[train]), event[train], time[train], fractions)
        risks = np.round(scaler.apply(X[test]) @ path.T, 10)  # where nothing is kept yet all risks are equal: C = 0.5
        # a penalty at which the fit did not converge is no candidate
        scores[k] = [
            concordance_index(risk, event[test], time[test]) if np.isfinite(risk).all() else -np.inf for risk in risks.T
        ]
    mean = mean_over_folds(scores)
    best = int(np.argmax(mean))
    scaler = Standardiser.fit(X, "columns")
    path, penalties = lasso_path(scaler.apply(X), event, time, fractions[: best + 1])
    if np.isnan(path[-1]).any():
        raise ArithmeticError(
            f"LASSO Cox regression did not converge at {fractions[best]:.3g} of the largest penalty, which "
            f"cross-validation chose; end the sequence earlier (smallest, now {settings.smallest:g})"
        )
    coefficients = path[-1] / scaler.scale
    baseline = breslow_baseline(np.round((X.astype(float) - scaler.mean) @ coefficients, 10), event, time)
    summary = {
        "penalty": [penalties[-1]],
        "fraction_of_largest": [fractions[best]],
        "n_kept": [int(np.count_nonzero(coefficients))],
        "cross_validated_c": [mean[best]],
        "n_folds": [n_folds],
    }
    return FittedCox(scaler.mean, coefficients, baseline, pd.DataFrame(summary))


def lasso_path(Z: ArrayLike, event: ArrayLike, time: ArrayLike, fractions: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients along falling penalties, each solution the start of the next.

    Parameters
    ----------
    Z : (N, p) array
        Covariates, scaled by the caller.
    event, time : (N,) arrays
    fractions : (P,) array
        Penalties as falling fractions of the least one that leaves nothing in.

    Returns
    -------
    path : (P, p) array
        NaN from the first penalty on at which the fit did not converge: too weak a one for so few deaths.
    penalties : (P,) array

    Notes
    -----
    Most coefficients are zero, so each solution is sought among few columns: those that the optimality conditions say
    are missing are added, thirty at a time, until none is (|gradient| <= penalty wherever the coefficient is zero).
    Among the few, Newton steps whose L1 problem is solved by coordinate descent.
    """
    event, time, Z = check_outcomes(event, time, Z=Z)
    order = np.argsort(-time, kind="stable")
    Z, event, time = check_features(Z, dtype=np.float64)[order], event[order], time[order]
    risk_sets, beta = RiskSets(event, time), np.zeros(Z.shape[1])
    gradient = Z.T @ risk_sets.nll_and_gradient(np.zeros(len(Z)))[1] / len(Z)
    penalties = np.abs(gradient).max() * np.asarray(fractions, float)
    path = np.zeros((penalties.size, beta.size))
    for i, penalty in enumerate(penalties):
        active = np.flatnonzero(beta)
        while True:
            beta[active] = _solve(Z[:, active], event, time, beta[active], penalty)
            gradient = Z.T @ risk_sets.nll_and_gradient(Z[:, active] @ beta[active])[1] / len(Z)
            excess = np.abs(gradient) - penalty * (1 + _TOLERANCE)
            excess[active] = -np.inf
            added = np.argsort(-excess, kind="stable")[:_ADDED_AT_ONCE]
            added = added[excess[added] > 0]
            if not added.size:
                break
            active = np.union1d(active, added)
        kept = beta != 0
        if np.abs(gradient[kept] + penalty * np.sign(beta[kept])).max(initial=0.0) > _NOT_MET * penalty:
            path[i:] = np.nan
            break
        path[i] = beta
    return path, penalties


def _solve(
    Z: np.ndarray, event: np.ndarray, time: np.ndarray, beta: np.ndarray, penalty: float, *, max_steps: int = 50
) -> np.ndarray:
    """Proximal Newton on a few columns."""
    n = len(Z)
    for _ in range(max_steps if beta.size else 0):
        value, gradient, curvature = cox_derivatives(beta, Z, event, time, "efron")
        before = value / n + penalty * np.abs(beta).sum()
        curvature = curvature / n + 1e-9 * np.eye(beta.size)
        target = _coordinate_descent(curvature, gradient / n, beta, penalty)
        step, length = target - beta, 1.0
        if np.abs(step).max(initial=0.0) < 1e-9:
            break
        while length > 1e-6:
            trial = beta + length * step
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                after = cox_derivatives(trial, Z, event, time, "efron")[0] / n + penalty * np.abs(trial).sum()
            if after <= before + 1e-12:
                break
            length /= 2
        beta = trial
    return beta


@numba.njit(nogil=True)
def _coordinate_descent(H: np.ndarray, g: np.ndarray, start: np.ndarray, penalty: float) -> Any:
    """Minimise g'(b - start) + (b - start)'H(b - start) / 2 + penalty * sum |b|."""
    b, slope = start.copy(), g.copy()  # slope: gradient of the smooth part at b
    for _ in range(1000):
        largest = 0.0
        for j in range(b.size):
            wanted = H[j, j] * b[j] - slope[j]
            new = np.sign(wanted) * max(abs(wanted) - penalty, 0.0) / H[j, j]
            change = new - b[j]
            if change != 0.0:
                slope += H[:, j] * change
                b[j] = new
                largest = max(largest, abs(change))
        if largest < 1e-10:
            break
    return b
