"""The concordance that a model would have at a centre if it were right there: what the case mix alone allows.

Patients who are alike are hard to rank. A lower C elsewhere may therefore say nothing against the model. The
model-based concordance is computed from the predictions of the new patients and needs none of their outcomes: where the
observed C equals it, the model is as right as at home.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit

from cardiolib.survival.cox import BaselineHazard
from cardiolib.survival.outcomes import check_log_risk, check_outcomes

_ROWS = 512
_GRID = 200


def model_based_concordance(
    log_risk: ArrayLike,
    event: ArrayLike | None = None,
    time: ArrayLike | None = None,
    *,
    baseline: BaselineHazard | None = None,
) -> float:
    """Expected concordance of a proportional-hazards model whose log risks are the truth.

    Parameters
    ----------
    log_risk : (N,) array
        Higher is worse; of the patients at the centre. Their scale counts: log risks that are too far apart promise too
        high a concordance.
    event, time : (N,) arrays, optional
        Follow-up at the centre. Only the censoring is read from it. With `baseline` the result is what Harrell's C
        would be on average under this censoring; without, every pair counts alike, as if nobody were censored.
    baseline : BaselineHazard, optional
        Of the model; needed with `event` and `time`.

    Returns
    -------
    float
        From .5 for equal risks. Tied risks count one half, as in Harrell's C.

    Raises
    ------
    ValueError
        Fewer than two patients, a risk that is not finite, or follow-up without a baseline (or the reverse).

    Notes
    -----
    Of two patients with log risks a > b the first dies first with probability ``1 / (1 + exp(b - a))``, whenever the
    first of them dies. The mean over all pairs is the measure of van Klaveren et al. [1]_, the estimate of Gönen and
    Heller [2]_ with coefficients that are not fitted again. Under censoring pairs of high risk are compared more often:
    a pair with total hazard s = exp(a) + exp(b) weighs ``W(s) = integral of G(t)^2 s exp(-s H0(t)) dH0(t)``, with G the
    chance of being under observation. The baseline ends at its last death; what happens later is not counted.

    References
    ----------
    .. [1] van Klaveren et al., Stat Med 2016;35:4136.
    .. [2] Gönen and Heller, Biometrika 2005;92:965.

    Examples
    --------
    >>> round(model_based_concordance([0.0, 0.0, 1.0]), 3)
    0.654
    """
    if (event is None) != (time is None) or (event is None) != (baseline is None):
        raise ValueError("give event, time and baseline together, or none of them")
    if event is None or time is None or baseline is None:
        log_risk = check_log_risk(log_risk, np.size(log_risk))
        weight = None
    else:
        event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
        log_risk = check_log_risk(log_risk, time.size)
        weight = _PairWeight(log_risk, event, time, baseline)
    if log_risk.size < 2:
        raise ValueError(f"concordance needs at least 2 patients, got {log_risk.size}")
    total = right = 0.0
    for start in range(0, log_risk.size, _ROWS):
        rows = log_risk[start : start + _ROWS, None]
        counted = np.ones((rows.size, log_risk.size)) if weight is None else weight(np.logaddexp(rows, log_risk))
        counted[np.arange(rows.size), start + np.arange(rows.size)] = 0.0  # nobody is compared with himself
        total += counted.sum()
        right += (counted * expit(np.abs(rows - log_risk))).sum()
    return float(right / total)


class _PairWeight:
    """Chance that a pair can be compared, as a function of the logarithm of its total hazard."""

    def __init__(self, log_risk: np.ndarray, event: np.ndarray, time: np.ndarray, baseline: BaselineHazard) -> None:
        assert baseline is not None
        low, high = np.log(2.0) + np.array([log_risk.min(), log_risk.max()])
        self.grid = np.linspace(low, max(high, low + 1e-6), _GRID)
        hazard = np.exp(baseline.log_cumulative)
        steps = np.diff(np.concatenate([[0.0], hazard]))
        observed = _under_observation(event, time, baseline.times)
        before = np.concatenate([[0.0], hazard[:-1]])
        total = np.exp(self.grid)[:, None]
        # within a step of H0 the pair's hazard acts as a whole: 1 - exp(-s dH) of those who came so far
        died = np.exp(-total * before) * -np.expm1(-total * steps)
        self.value = died @ observed**2

    def __call__(self, log_total: np.ndarray) -> np.ndarray:
        return np.interp(log_total, self.grid, self.value)


def _under_observation(event: np.ndarray, time: np.ndarray, at: np.ndarray) -> np.ndarray:
    """G(t-) at the times given: Kaplan-Meier chance of not being censored before; deaths leave before censorings."""
    times, row = np.unique(time, return_inverse=True)
    n_censored = np.bincount(row, weights=~event, minlength=times.size)
    n_events = np.bincount(row, weights=event, minlength=times.size)
    at_risk = time.size - np.concatenate([[0.0], np.cumsum(n_events + n_censored)[:-1]]) - n_events
    factor = 1.0 - np.divide(n_censored, at_risk, out=np.zeros(times.size), where=at_risk > 0)
    kept = np.concatenate([[1.0], np.cumprod(factor)])
    kept[-1] = 0.0 if not event[time == times[-1]].all() else kept[-1]
    return np.where(at > times[-1], 0.0, kept[np.searchsorted(times, at, side="left")])
