"""What a hidden confounder would have to be, and signs that there is one: E-value, bias dial, negative control."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from cardiolib.effects.comparability import inverse_weights, propensity_model
from cardiolib.effects.study import HabitStudy


class EValue(NamedTuple):
    """E-values of an estimate and of the end of its interval that is nearer to no effect."""

    estimate: float
    limit: float


def e_value(
    ratio: float, low: float | None = None, high: float | None = None, *, common_outcome: bool = False
) -> EValue:
    r"""The least association with habit and survival that a hidden confounder needs to explain an effect away.

    Parameters
    ----------
    ratio : float
        Risk ratio; or hazard ratio, which stands for it while deaths are rare.
    low, high : float, optional
        Its 95 % interval; where both are left out, the E-value of the limit is NaN.
    common_outcome : bool
        `ratio` is a hazard ratio and more than some 15 % die: it is first turned into an approximate risk ratio.

    Returns
    -------
    EValue
        Both associations, as risk ratios, must reach it. 1: nothing is needed.

    Notes
    -----
    .. math:: E = RR + \sqrt{RR\,(RR - 1)} \quad (RR \ge 1,\ \text{else}\ 1/RR), \qquad
              RR \approx \frac{1 - 0.5^{\sqrt{HR}}}{1 - 0.5^{\sqrt{1/HR}}}

    References
    ----------
    VanderWeele & Ding, Ann Intern Med 167:268 (2017).

    Examples
    --------
    >>> found = e_value(3.9, 1.8, 8.7)
    >>> round(found.estimate, 2), round(found.limit, 2)
    (7.26, 3.0)
    """
    given = [value for value in (ratio, low, high) if value is not None]
    if not all(np.isfinite(value) and value > 0 for value in given):
        raise ValueError(f"a ratio and its limits must be positive, finite numbers; got {given}")
    if (low is None) != (high is None) or (low is not None and high is not None and not low <= ratio <= high):
        raise ValueError(f"give both limits, around the ratio; got {low} and {high} around {ratio}")
    change = _risk_ratio if common_outcome else float
    limit = float("nan")
    if low is not None and high is not None:
        limit = 1.0 if low <= 1.0 <= high else _needed(change(low if ratio > 1 else high))
    return EValue(_needed(change(ratio)), limit)


def _risk_ratio(hazard_ratio: float) -> float:
    return (1 - 0.5 ** np.sqrt(hazard_ratio)) / (1 - 0.5 ** np.sqrt(1 / hazard_ratio))


def _needed(ratio: float) -> float:
    away = max(ratio, 1 / ratio)
    return float(away + np.sqrt(away * (away - 1)))


def hidden_confounder_dial(
    ratio: float,
    *,
    with_habit: ArrayLike = (1.0, 1.25, 1.5, 2.0, 3.0),
    with_death: ArrayLike = (1.0, 1.25, 1.5, 2.0, 3.0),
) -> pd.DataFrame:
    r"""What a ratio could be at worst if a hidden confounder had these associations.

    Parameters
    ----------
    ratio : float
        Risk or hazard ratio as estimated.
    with_habit, with_death : sequences of float
        Risk ratios of the confounder with the habit, and with death, 1 or more.

    Returns
    -------
    DataFrame
        Rows `with_habit`, columns `with_death`: the ratio moved towards 1, and beyond it, by the largest bias.

    Notes
    -----
    .. math:: B = \frac{RR_{AU}\,RR_{UY}}{RR_{AU} + RR_{UY} - 1}

    (Ding & VanderWeele, Epidemiology 27:368 (2016)); a protective ratio is multiplied by B, a harmful one divided.

    Examples
    --------
    >>> hidden_confounder_dial(0.5, with_habit=[2.0], with_death=[2.0]).iloc[0, 0].round(3)
    np.float64(0.667)
    """
    a, y = np.asarray(with_habit, dtype=float)[:, None], np.asarray(with_death, dtype=float)[None, :]
    if not (np.isfinite(ratio) and ratio > 0 and (a >= 1).all() and (y >= 1).all()):
        raise ValueError("the ratio must be positive, and associations of the confounder 1 or more")
    bias = a * y / (a + y - 1)
    return pd.DataFrame(
        ratio * bias if ratio < 1 else ratio / bias,
        index=pd.Index(a[:, 0], name="with habit"),
        columns=pd.Index(y[0], name="with death"),
    )


def negative_control(study: HabitStudy) -> pd.DataFrame:
    """Association of each habit with something that no habit can change: whatever is found is bias.

    Returns
    -------
    DataFrame
        By habit: weighted difference of the share with the control outcome (with the habit minus without), ``error``,
        ``low``, ``high``, and two-sided ``p``. A p near 0 warns of a confounder that was not adjusted for.

    Raises
    ------
    ValueError
        The study has no control outcome.

    Notes
    -----
    Weights are inverse probabilities of the habit, taken as known in the error. The control warns of what also acts on
    it, and says nothing of others (Lipsitch, Tchetgen Tchetgen & Cohen, Epidemiology 21:383 (2010)).

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> negative_control(HabitStudy.of_patients(simulate_habits(2000, seed=1))).shape
    (4, 5)
    """
    if study.control_outcome is None:
        raise ValueError("the study has no control outcome: an event that no habit can change, 0 or 1 for each patient")
    outcome, rows = np.asarray(study.control_outcome, dtype=float), {}
    for habit in study.habits:
        weights = inverse_weights(study.habits[habit], pd.Series(propensity_model(study, habit)(study)))
        parts = []
        for has in (1, 0):
            who = study.habits[habit].to_numpy() == has
            w, y = weights[who], outcome[who]
            mean = np.average(y, weights=w)
            parts.append((mean, np.sum((w * (y - mean)) ** 2) / w.sum() ** 2))
        difference, error = parts[0][0] - parts[1][0], float(np.sqrt(parts[0][1] + parts[1][1]))
        rows[habit] = {
            "difference": difference,
            "error": error,
            "low": difference - 1.96 * error,
            "high": difference + 1.96 * error,
            "p": 2 * norm.sf(abs(difference) / error),
        }
    return pd.DataFrame(rows).T
