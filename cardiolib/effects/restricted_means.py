"""Mean time lived within a horizon: from follow-up, with weights and influence values, and from a fitted hazard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival import BaselineHazard
from cardiolib.survival.outcomes import check_outcomes


@dataclass(frozen=True, eq=False)
class RestrictedMean:
    """Mean time lived within a horizon (RMST), and what each patient contributes to its error.

    Attributes
    ----------
    value : float
    influence : (N,) array
        Sums to 0; value + influence are pseudo-values, of which each stands for one patient's own time.
    """

    value: float
    influence: np.ndarray

    @property
    def standard_error(self) -> float:
        """From the spread of the influence values, weights taken as known."""
        return float(np.sqrt(np.sum(self.influence**2)) / self.influence.size)

    def __repr__(self) -> str:
        return f"RestrictedMean({self.value:.4f}, standard error {self.standard_error:.4f})"


def restricted_mean(
    event: ArrayLike, time: ArrayLike, horizon: float, *, weights: ArrayLike | None = None
) -> RestrictedMean:
    r"""Area below the Kaplan-Meier curve up to a horizon.

    Parameters
    ----------
    event, time : (N,) arrays
        True where death was observed; deaths leave before censorings at one time.
    horizon : float
        In the unit of `time`. Beyond the last time the curve is level.
    weights : (N,) array, optional
        Positive, for example one over the probability of the habit that the patient has.

    Notes
    -----
    With weights w, weighted numbers at risk Y and deaths, and :math:`R(t) = \int_t^\tau S`:

    .. math:: IF_i = -n\,w_i \int_0^\tau \frac{R(t)}{Y(t)}\, dM_i(t), \qquad
              dM_i = dN_i - 1\{t_i \ge t\}\, d\Lambda(t)

    Without weights the variance is Greenwood's but for terms of higher order. The variance that lifelines gives with
    its restricted mean is that of one patient's time and not of the mean (lifelines issue 1682); it is not used.

    Examples
    --------
    Four patients die after 1, 2, 3 and 4 years; within 2.5 years they live 1, 2, 2.5 and 2.5:

    >>> restricted_mean([1, 1, 1, 1], [1.0, 2.0, 3.0, 4.0], 2.5).value
    2.0
    """
    event, time, weights = check_outcomes(event, time, weights=weights)
    w = np.ones(time.size) if weights is None else np.asarray(weights, dtype=float)
    if not (np.isfinite(w) & (w > 0)).all():
        raise ValueError("weights must be positive, finite numbers")
    if not horizon > 0:
        raise ValueError(f"horizon must be positive, got {horizon!r}")
    at, row = np.unique(time, return_inverse=True)
    inside = at <= horizon
    died = np.bincount(row, weights=w * event, minlength=at.size) * inside
    at_risk = np.cumsum(np.bincount(row, weights=w, minlength=at.size)[::-1])[::-1]
    hazard = died / at_risk
    survival = np.cumprod(1.0 - hazard)
    edges = np.minimum(np.concatenate([[0.0], at, [horizon]]), horizon)
    pieces = np.diff(edges) * np.concatenate([[1.0], survival])
    remaining = np.cumsum(pieces[::-1])[::-1][1:]  # R(t) from each distinct time on
    # a death takes S from its value before to its value after, so that R is divided by 1 - hazard
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.where(remaining > 0, remaining / (at_risk * (1.0 - hazard)), 0.0)
    expected = np.cumsum(loss * hazard)
    influence = -time.size * w * (np.where(event & inside[row], loss[row], 0.0) - expected[row])
    return RestrictedMean(float(pieces.sum()), influence)


class YearsOfRisk:
    """Mean time lived within a horizon as a function of the log risk, for one baseline hazard.

    Parameters
    ----------
    baseline : BaselineHazard
    horizon : float
    reach : float
        Log risks are taken between minus and plus this number; beyond, next to everybody lives or dies.

    Notes
    -----
    ``years(eta) = integral from 0 to horizon of exp(-H0(t) exp(eta))``, exact for the step function H0 at 801 log
    risks and interpolated linearly between (error below 1e-4 of the horizon).
    """

    def __init__(self, baseline: BaselineHazard, horizon: float, *, reach: float = 12.0) -> None:
        self.horizon = horizon
        self._eta = np.linspace(-reach, reach, 801)
        inside = baseline.times < horizon
        edges = np.concatenate([[0.0], baseline.times[inside], [horizon]])
        log_h0 = np.concatenate([[-np.inf], baseline.log_cumulative[inside]])
        exponent = np.minimum(self._eta[:, None] + log_h0, 30.0)
        self._years = np.exp(-np.exp(exponent)) @ np.diff(edges)
        self._slope = np.gradient(self._years, self._eta)

    def __call__(self, log_risk: np.ndarray) -> np.ndarray:
        """Mean time lived, same shape as `log_risk`."""
        return np.interp(log_risk, self._eta, self._years)

    def slope(self, log_risk: np.ndarray) -> np.ndarray:
        """Its derivative: negative."""
        return np.interp(log_risk, self._eta, self._slope)
