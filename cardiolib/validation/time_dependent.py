"""More than ranking: Brier score and AUC at a time, with censored patients weighted in.

Whoever is censored before t is neither a case nor a survivor at t. Leaving them out would bias both groups, so each
known outcome stands for others like it: cases weigh 1 / G(t_i-), survivors 1 / G(t), G being the probability of not
being censored yet. G is Kaplan-Meier for censoring; at a tie deaths leave first (as R does; scikit-survival takes G at
t_i itself, which changes the fifth digit).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from cardiolib.survival.alignment import plain_rows
from cardiolib.survival.outcomes import as_floats, check_log_risk, check_outcomes
from cardiolib.validation.censoring import uncensored_probability


def brier_score(risk: ArrayLike, event: ArrayLike, time: ArrayLike, at: float) -> float:
    """Weighted mean squared error of predicted probabilities of death by `at`.

    Parameters
    ----------
    risk : (N,) array
        Predicted probability of death by `at`, in [0, 1].
    event, time : (N,) arrays
    at : float
        Inside the follow-up.

    Returns
    -------
    float
        0 is perfect; see :func:`null_brier_score` for what knowing nothing gives.

    Raises
    ------
    ValueError
        If `risk` is no probability, or `at` lies outside the follow-up.

    References
    ----------
    .. [1] Graf et al., Stat Med 1999;18:2529.
    """
    event, time, risk = check_outcomes(event, time, risk=risk)
    risk = check_probability(risk, time.size)
    case, survivor, weight = outcome_weights(event, time, at)
    return float(np.sum(weight * (case * (1 - risk) ** 2 + survivor * risk**2)) / time.size)


def null_brier_score(event: ArrayLike, time: ArrayLike, at: float) -> float:
    """Brier score of the Kaplan-Meier risk given to everybody: what a model has to beat."""
    event, time = check_outcomes(event, time)
    at = check_within_follow_up(at, time)
    return brier_score(np.full(time.size, observed_risk(event, time, at)), event, time, at)


def integrated_brier_score(risk: np.ndarray, event: np.ndarray, time: np.ndarray, times: np.ndarray) -> float:
    """Mean of the Brier score over a range of times, by trapezoids.

    Parameters
    ----------
    risk : (N, T) array
        Probability of death by each of `times`.
    event, time : (N,) arrays
    times : (T,) array
        At least two, ascending. The result depends on the range: state it.

    Examples
    --------
    >>> event, time = np.array([1, 1, 0, 1]), np.array([1.0, 2.0, 3.0, 4.0])
    >>> certain = np.array([[1, 1], [0, 1], [0, 0], [0, 0]])  # died by 1.5 and by 2.5, known beforehand
    >>> integrated_brier_score(certain, event, time, [1.5, 2.5])
    0.0
    """
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or times.size < 2 or not (np.diff(times) > 0).all():
        raise ValueError(f"times must be at least two ascending numbers, got {times.tolist()}")
    event, time, risk = check_outcomes(event, time, risk=risk)
    columns = _columns(risk, times)
    return mean_over_time(
        np.array([brier_score(column, event, time, at) for column, at in zip(columns, times, strict=True)]), times
    )


def mean_over_time(scores: np.ndarray, times: np.ndarray) -> float:
    """Mean of scores (T,) at ascending times (T,) over the range of the times, by trapezoids."""
    return float(np.trapezoid(scores, times) / (times[-1] - times[0]))


def time_dependent_auc(log_risk: ArrayLike, event: ArrayLike, time: ArrayLike, at: float) -> float:
    """Probability that a patient who dies by `at` had a higher risk than one who lives beyond it.

    Cumulative cases against dynamic controls, weighted for censoring; ties in risk count one half.

    Parameters
    ----------
    log_risk : (N,) array
        Any increasing function of the risk.
    event, time : (N,) arrays
    at : float

    Raises
    ------
    ValueError
        If `at` lies outside the follow-up, or there is no case or no survivor.

    References
    ----------
    .. [1] Uno et al., JASA 2007;102:527.
    """
    event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
    log_risk = check_log_risk(log_risk, time.size)
    case, survivor, weight = outcome_weights(event, time, at)
    if not case.any() or not survivor.any():
        raise ValueError(
            f"an AUC at {at:g} needs deaths by then and patients alive beyond it; there are "
            f"{int(case.sum())} and {int(survivor.sum())}"
        )
    controls = np.sort(log_risk[survivor])  # all controls have one weight
    below = np.searchsorted(controls, log_risk[case], side="left")
    upto = np.searchsorted(controls, log_risk[case], side="right")
    share = (below + 0.5 * (upto - below)) / controls.size
    return float(np.average(share, weights=weight[case]))


def performance_over_time(risk: np.ndarray, event: np.ndarray, time: np.ndarray, times: np.ndarray) -> pd.DataFrame:
    """AUC, Brier score, that of the Kaplan-Meier risk, and the share of it that is explained, at each time.

    Parameters
    ----------
    risk : (N, T) array
        Probability of death by each of `times`.
    event, time : (N,) arrays
    times : (T,) array

    Returns
    -------
    DataFrame
        time, auc, brier, null_brier, explained (1 - brier / null_brier, the index of prediction accuracy), cases,
        known (patients whose state at that time is known).
    """
    event, time, risk = check_outcomes(event, time, risk=risk)
    rows, times = [], np.asarray(times, dtype=float)
    for column, at in zip(_columns(risk, times), times, strict=True):
        case, survivor, _ = outcome_weights(event, time, at)
        brier, null = brier_score(column, event, time, at), null_brier_score(event, time, at)
        rows.append(
            {
                "time": float(at),
                "auc": time_dependent_auc(column, event, time, at),
                "brier": brier,
                "null_brier": null,
                "explained": 1 - brier / null,
                "cases": int(case.sum()),
                "known": int((case | survivor).sum()),
            }
        )
    return pd.DataFrame(rows)


def observed_risk(event: ArrayLike, time: ArrayLike, at: float) -> float:
    """Kaplan-Meier probability of death by `at` (right-continuous)."""
    event, time = check_outcomes(event, time)
    at = _one_time(at)
    times, deaths = np.unique(time[event], return_counts=True)
    at_risk = time.size - np.searchsorted(np.sort(time), times, side="left")
    return float(1 - np.prod(1 - deaths[times <= at] / at_risk[times <= at]))


def kaplan_meier_at(event: ArrayLike, time: ArrayLike, at: float) -> tuple[float, float, float]:
    """Kaplan-Meier survival at one time with its 95 % log-log interval; (1, 1, 1) before a death, (0, 0, 0) after all.

    Examples
    --------
    >>> [round(float(x), 4) for x in kaplan_meier_at([1, 1, 0], [1, 2, 3], 1.5)]
    [0.6667, 0.0541, 0.9452]
    """
    event, time = check_outcomes(event, time)
    at = _one_time(at)
    times, deaths = np.unique(time[event], return_counts=True)
    deaths = deaths[times <= at]
    at_risk = time.size - np.searchsorted(np.sort(time), times[times <= at], side="left")
    log_survival = np.sum(np.log1p(-deaths[deaths < at_risk] / at_risk[deaths < at_risk]))
    if (deaths == at_risk).any():
        return 0.0, 0.0, 0.0
    if log_survival == 0:
        return 1.0, 1.0, 1.0
    # Greenwood's variance on the scale of log(-log S)
    spread = norm.ppf(0.975) * np.sqrt(np.sum(deaths / (at_risk * (at_risk - deaths)))) / log_survival
    survival, low, high = np.exp(log_survival * np.exp([0.0, -spread, spread]))
    return float(survival), float(low), float(high)


def outcome_weights(event: ArrayLike, time: ArrayLike, at: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who is a case at a time, who a survivor, and what each counts for.

    Returns
    -------
    case, survivor : (N,) bool arrays
        Died at or before `at`; observed beyond it.
    weight : (N,) array
        1 / G(t_i-) for cases, 1 / G(at) for survivors, 0 for patients censored by then.

    Raises
    ------
    ValueError
        If nobody is observed beyond `at`, so that nothing is known about it.
    """
    event, time = check_outcomes(event, time)
    at = check_within_follow_up(at, time)
    case, survivor = event & (time <= at), time > at
    before = uncensored_probability(event, time)
    censored_by_then = time == time[survivor].min()  # G just before the first time beyond `at` is G(at)
    weight = np.where(case, 1 / before, 0.0)
    weight[survivor] = 1 / before[censored_by_then][0]
    return case, survivor, weight


def check_within_follow_up(at: float, time: np.ndarray) -> float:
    """A time at which somebody is still observed, or an error that says how long the follow-up is."""
    at = _one_time(at, may_be_nan=True)
    if not 0 < at < time.max():
        raise ValueError(
            f"{at:g} lies outside the follow-up (the longest is {time.max():g}): choose an earlier time, "
            "before the last patient leaves"
        )
    return at


def check_probability(risk: ArrayLike, n: int) -> np.ndarray:
    """Risk as (N,) floats in [0, 1], or an error that says what is wrong."""
    risk = np.asarray(plain_rows(risk=risk)[0])
    if risk.shape != (n,):
        raise ValueError(f"risk has shape {risk.shape}, but there are {n} patients; give one probability a patient")
    risk = as_floats("risk", risk)
    if not ((risk >= 0) & (risk <= 1)).all():
        raise ValueError(
            "risk must hold probabilities of death between 0 and 1, not log risks, and no NaN: leave out "
            "patients without an out-of-bag risk"
        )
    return risk


def _one_time(at: Any, *, may_be_nan: bool = False) -> float:
    if np.ndim(at) or np.asarray(at).dtype.kind not in "iuf" or (np.isnan(at) and not may_be_nan):
        raise ValueError(f"the time at which to judge must be one number in the unit of the follow-up, got {at!r}")
    return float(at)


def _columns(risk: ArrayLike, times: np.ndarray) -> np.ndarray:
    """Risk (N, T) as T columns, one for each time."""
    risk = np.asarray(risk, dtype=float)
    if risk.ndim != 2 or times.ndim != 1 or risk.shape[1] != times.size:
        raise ValueError(
            f"risk must have one row a patient and one column for each of the times, got shape {risk.shape} for times "
            f"of shape {times.shape}"
        )
    return risk.T
