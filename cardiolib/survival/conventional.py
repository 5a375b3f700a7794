"""The models the network is compared with: Cox on ventricular volumes, and Cox on principal components of motion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.printed import as_html
from cardiolib.settings import Settings
from cardiolib.survival.concordance import concordance_index, has_comparable_pair, mean_over_folds
from cardiolib.survival.cox import BaselineHazard, breslow_baseline
from cardiolib.survival.cox_regression import constant_columns, cox_regression
from cardiolib.survival.folds import inner_folds
from cardiolib.survival.network.preprocessing import Standardiser
from cardiolib.survival.network.training import check_training_data
from cardiolib.survival.outcomes import check_features, check_outcomes
from cardiolib.survival.ridge import fit_ridge_cox

PENALTY_MEANINGS = ("per_patient", "total")


@dataclass(frozen=True)
class CoxSettings(Settings):
    """A ridge penalty, and what it multiplies.

    Attributes
    ----------
    penalty : float
        0 for none. The objective is ``log likelihood / N - penalty / 2 * sum((coefficient * SD)**2)``.
    penalty_meaning : {"per_patient", "total"}
        ``per_patient``: as above, the `penalizer` of lifelines since 0.24. ``total``: the likelihood is not
        divided by N, as in the lifelines of 2018 that the paper used; the penalty is then N times weaker.
    """

    penalty: float = 0.0
    penalty_meaning: str = "per_patient"

    RANGES = {"penalty": (0.0, np.inf)}
    CHOICES = {"penalty_meaning": PENALTY_MEANINGS}


@dataclass(frozen=True)
class PcaCoxSettings(Settings):
    """Principal components of the features, then ridge Cox on their standardised scores.

    Attributes
    ----------
    n_components : int
        0 chooses among 5, 10, 20 and 40 by cross-validation.
    log10_penalty : float
        Per patient. A NaN chooses among -3, -2.5, ... 1 by cross-validation.
    n_folds : int
        Of that cross-validation, patients grouped and deaths spread as everywhere. Where fewer patients died than
        this, there are as many folds as deaths (`feasible_folds`); the summary of the model says how many there were.
    standardise : {"none", "global", "columns"}
    """

    n_components: int = 0
    log10_penalty: float = float("nan")
    n_folds: int = 6
    standardise: str = "global"

    RANGES = {"n_components": (0, np.inf), "n_folds": (2, np.inf)}


@dataclass(frozen=True, eq=False)
class FittedCox:
    """A linear Cox model on the given columns: Cox on volumes, or Cox on motion through its components.

    Attributes
    ----------
    mean : (D,) array
        Subtracted from the features; risks are centred on the training patients.
    coefficients : (D,) array
        Log hazard ratio per unit of each column.
    baseline : BaselineHazard
    summary : DataFrame
        Coefficients and their inference (volumes), or the settings chosen (components).
    """

    mean: np.ndarray
    coefficients: np.ndarray
    baseline: BaselineHazard
    summary: pd.DataFrame

    def __repr__(self) -> str:
        return f"<FittedCox: {self.coefficients.size:,} coefficients, {self.baseline.times.size} times of death>"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.summary)

    def predict_log_risk(self, X: ArrayLike) -> np.ndarray:
        """(N,) log risk of features (N, D), higher is worse; rounded to 10 decimals so that equals stay equal."""
        X = check_features(X, self.mean.size, dtype=np.float64)
        return np.round((X - self.mean) @ self.coefficients, 10)

    def survival_curve(self, X: ArrayLike, times: ArrayLike) -> np.ndarray:
        """(N, T) probability of surviving beyond each of `times`."""
        return self.baseline.survival(self.predict_log_risk(X), times)


def fit_cox(X: ArrayLike, event: ArrayLike, time: ArrayLike, settings: CoxSettings | None = None) -> FittedCox:
    """Cox regression on a few columns (for example RVEDV, RVESV, RVEF), Efron ties.

    Parameters
    ----------
    X : (N, p) array or DataFrame
        Column names of a DataFrame appear in the summary.
    event, time : (N,) arrays
    settings : CoxSettings, optional

    Raises
    ------
    ValueError
        If X or the outcomes are malformed, or a column is constant or a combination of others.
    ArithmeticError
        If there is no finite estimate: the columns separate the deaths from those who lived longer.

    Notes
    -----
    The coefficients are converged to rounding (:func:`cardiolib.survival.cox_regression.cox_regression`); the summary
    has the columns of lifelines.
    """
    settings = settings or CoxSettings()
    event, time, X = check_outcomes(event, time, X=X)
    penalty = settings.penalty / (event.size if settings.penalty_meaning == "total" else 1)
    fitted = cox_regression(X, event, time, penalty=penalty)
    values = check_features(X, dtype=np.float64)
    mean = values.mean(axis=0)
    baseline = breslow_baseline(np.round((values - mean) @ fitted.coefficients, 10), event, time)
    return FittedCox(mean, fitted.coefficients, baseline, fitted.summary)


def fit_pca_cox(
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    settings: PcaCoxSettings | None = None,
    *,
    seed: int = 0,
    groups: np.ndarray | None = None,
) -> FittedCox:
    """Principal components of motion and ridge Cox: the strong simple competitor of the network.

    Parameters
    ----------
    X, event, time
        As for `fit_network`.
    settings : PcaCoxSettings, optional
    seed : int
        Of the folds that choose the number of components and the penalty.
    groups : (N,) sequence, optional
        Original patient of each row, see `patient_folds`.
    """
    settings = settings or PcaCoxSettings()
    X, event, time = check_training_data(X, event, time)
    if constant_columns(X).all():
        raise ValueError(f"all {X.shape[1]} columns of X are constant: there are no principal components")
    components, penalty, score, n_folds = _choose(X, event, time, settings, seed, groups)
    scaler, axes, spread = _principal_axes(X, settings.standardise, components)
    beta = fit_ridge_cox(scaler.apply(X) @ axes / spread, event, time, penalty=10.0**penalty)
    coefficients = axes @ (beta / spread) / scaler.scale
    baseline = breslow_baseline(np.round((X.astype(float) - scaler.mean) @ coefficients, 10), event, time)
    chosen = {
        "n_components": [axes.shape[1]],
        "log10_penalty": [penalty],
        "cross_validated_c": [score],
        "n_folds": [n_folds],
    }
    return FittedCox(scaler.mean, coefficients, baseline, pd.DataFrame(chosen))


def _choose(
    X: np.ndarray, event: np.ndarray, time: np.ndarray, settings: Any, seed: int, groups: np.ndarray | None
) -> tuple[int, float, float, int]:
    """Components and log10 penalty with the best mean concordance over grouped folds, and how many folds (0: none)."""
    counts = [settings.n_components] if settings.n_components else [5, 10, 20, 40]
    penalties = np.arange(-3, 1.01, 0.5) if np.isnan(settings.log10_penalty) else [settings.log10_penalty]
    if len(counts) * len(penalties) == 1:
        return counts[0], float(penalties[0]), float("nan"), 0
    fold = inner_folds(event, n_folds=settings.n_folds, groups=groups, rng=np.random.default_rng(seed))
    n_folds = int(fold.max()) + 1
    scores = np.full((n_folds, len(counts), len(penalties)), np.nan)
    for k in range(n_folds):
        train, test = fold != k, fold == k
        if not has_comparable_pair(event[test], time[test]):
            continue
        scaler, axes, spread = _principal_axes(X[train], settings.standardise, max(counts))
        z = scaler.apply(X[train]) @ axes / spread
        z_test = scaler.apply(X[test]) @ axes / spread
        for i, count in enumerate(counts):
            for j, penalty in enumerate(penalties):
                try:
                    beta = fit_ridge_cox(z[:, :count], event[train], time[train], penalty=10.0**penalty)
                except ArithmeticError:  # too weak a penalty for so few deaths: it is not a candidate
                    scores[k, i, j] = -np.inf
                    continue
                scores[k, i, j] = concordance_index(z_test[:, :count] @ beta, event[test], time[test])
    mean = mean_over_folds(scores)
    if not np.isfinite(mean).any():
        raise ArithmeticError(
            f"no penalty up to {10.0 ** penalties[-1]:g} lets ridge Cox regression converge on "
            f"{int(event.sum())} deaths; fewer components or more patients are needed"
        )
    i, j = (int(each) for each in np.unravel_index(np.argmax(mean), mean.shape))
    return counts[i], float(penalties[j]), float(mean[i, j]), n_folds


def _principal_axes(X: np.ndarray, standardise: str, n_components: int) -> tuple[Standardiser, np.ndarray, np.ndarray]:
    """Scaling (always centred), principal axes (D, k) and the SD (k,) of the training scores, largest first."""
    scaler = Standardiser.fit(X, standardise)
    scaler = Standardiser(X.mean(axis=0, dtype=float), scaler.scale)
    x = scaler.apply(X)
    wide = x.shape[0] <= x.shape[1]
    values, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)  # the smaller of the two has the same sizes
    k = min(n_components, int(np.sum(values > 1e-10 * values[-1])))
    values, vectors = values[::-1][:k], vectors[:, ::-1][:, :k]
    axes = x.T @ (vectors / np.sqrt(values)) if wide else vectors
    return scaler, axes, np.sqrt(values / (X.shape[0] - 1))
