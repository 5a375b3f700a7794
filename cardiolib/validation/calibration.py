"""Do predicted probabilities of death agree with what happened: calibration at a time, and decision curves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.printed import as_html
from cardiolib.survival.cox import breslow_baseline
from cardiolib.survival.cox_regression import constant_columns
from cardiolib.survival.outcomes import check_outcomes
from cardiolib.survival.ridge import fit_ridge_cox
from cardiolib.validation.absolute_risk import calibration_slope
from cardiolib.validation.time_dependent import (
    check_probability,
    check_within_follow_up,
    kaplan_meier_at,
    observed_risk,
)

NO_SLOPE = (
    "the predictions separate the patients who died from those who lived longer, so that no finite slope fits best"
)
KNOTS = (0.1, 0.5, 0.9)
"""Quantiles of the predicted risk at the knots of the smooth curve (restricted cubic spline, three knots)."""


@dataclass(frozen=True)
class Calibration:
    """Agreement of predicted and observed risk of death by one time.

    Attributes
    ----------
    at : float
    observed, predicted : float
        Kaplan-Meier risk of the cohort, and the mean of the predictions.
    slope : float
        Cox coefficient of log(-log(1 - predicted)); 1 is right, below 1 the predictions are too far apart.
    ici, e50, e90 : float
        Mean, median and 90th percentile of |smooth observed - predicted| over the patients.
    curve : DataFrame
        predicted, observed: the smooth curve, over the range of the predictions.
    groups : DataFrame
        predicted, observed, low, high, patients: Kaplan-Meier in groups of equal size with 95 % log-log intervals;
        fewer groups where many predictions are equal.
    notes : tuple of str
        Why a number is NaN.
    """

    at: float
    observed: float
    predicted: float
    slope: float
    ici: float
    e50: float
    e90: float
    curve: pd.DataFrame = field(repr=False)
    groups: pd.DataFrame = field(repr=False)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        first = (
            f"Calibration at time {self.at:g}: observed risk {self.observed:.3f}, predicted {self.predicted:.3f} "
            f"(O/E {self.observed_over_expected:.2f}), slope {self.slope:.2f}, mean error {self.ici:.3f}"
        )
        return "\n  ".join([first, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.groups)

    @property
    def observed_over_expected(self) -> float:
        """Calibration in the large; 1 is right, above 1 more died than were predicted to."""
        return self.observed / self.predicted

    def row(self) -> dict[str, float]:
        """The numbers, for a table."""
        return {
            "time": self.at,
            "observed": self.observed,
            "predicted": self.predicted,
            "O/E": self.observed_over_expected,
            "slope": self.slope,
            "ICI": self.ici,
            "E50": self.e50,
            "E90": self.e90,
        }


def calibrate(risk: ArrayLike, event: ArrayLike, time: ArrayLike, at: float, *, n_groups: int = 5) -> Calibration:
    """Compare predicted probabilities of death by `at` with what happened.

    Parameters
    ----------
    risk : (N,) array
        Predicted probability of death by `at`, of patients the model has not seen.
    event, time : (N,) arrays
    at : float
        Inside the follow-up.
    n_groups : int
        Groups of equal size for the points of the plot; they do not enter the numbers.

    Raises
    ------
    ValueError
        If `risk` is no probability or is the same for all, nobody died, or `at` lies outside the follow-up.

    Notes
    -----
    Where the predictions separate the deaths from those who lived longer no slope is finite: it is NaN, and `notes` say
    why. The smooth curve is Austin's hazard regression: a Cox model of the outcome on a restricted cubic spline (three
    knots) of log(-log(1 - risk)). Another smoother gives another ICI: the numbers compare only within one smoother.

    References
    ----------
    .. [1] Austin, Harrell and van Klaveren, Stat Med 2020;39:2714.

    Examples
    --------
    Predictions that are the truth, of patients who die at a rate of their own:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> rate = np.exp(rng.normal(size=2000) - 2)
    >>> time = rng.exponential(1 / rate)
    >>> found = cl.calibrate(1 - np.exp(-5 * rate), time < 8, time.clip(max=8), at=5)
    >>> round(found.slope, 1), found.ici < 0.03
    (1.0, True)
    """
    event, time, risk = check_outcomes(event, time, risk=risk)
    risk, at = check_probability(risk, time.size), check_within_follow_up(at, time)
    if not isinstance(n_groups, int | np.integer) or n_groups < 1:
        raise ValueError(f"n_groups must be a whole number, 1 or more; got {n_groups!r}")
    if not event.any():
        raise ValueError(f"none of the {time.size} patients died: there is nothing to calibrate against")
    x = complementary_log_log(risk)
    if constant_columns(np.stack([risk, x], axis=1)).any():
        raise ValueError("all predicted risks are equal: there is no calibration curve")
    slope = calibration_slope(x, event, time)
    notes = () if np.isfinite(slope) else (NO_SLOPE,)
    smooth = _smooth_observed(x, event, time, at)
    gap = np.abs(smooth(x) - risk)
    low, high = np.quantile(risk, [0.01, 0.99])
    grid = np.linspace(low, high, 101)
    curve = pd.DataFrame({"predicted": grid, "observed": smooth(complementary_log_log(grid))})
    return Calibration(
        at,
        observed_risk(event, time, at),
        float(risk.mean()),
        float(slope),
        float(gap.mean()),
        float(np.median(gap)),
        float(np.quantile(gap, 0.9)),
        curve,
        _groups(risk, event, time, at, n_groups),
        notes,
    )


def net_benefit(risk: ArrayLike, event: ArrayLike, time: ArrayLike, at: float, thresholds: ArrayLike) -> pd.DataFrame:
    """Decision curve: what treating everyone above a threshold risk would gain.

    Parameters
    ----------
    risk : (N,) array
        Predicted probability of death by `at`.
    event, time : (N,) arrays
    at : float
        Inside the follow-up.
    thresholds : (T,) sequence of float
        In (0, 1): the risk at which a doctor would act. A threshold of .2 says that one death foreseen is worth four
        treatments in vain.

    Returns
    -------
    DataFrame
        threshold, model, treat_all: true positives per patient minus false positives per patient x threshold / (1 -
        threshold); treating none is 0. Among the patients above the threshold, Kaplan-Meier tells how many die by
        `at`, so censoring is allowed for.

    Raises
    ------
    ValueError
        If `risk` is no probability, a threshold is none, or `at` lies outside the follow-up.

    References
    ----------
    .. [1] Vickers et al., BMC Med Inform Decis Mak 2008;8:53.
    """
    event, time, risk = check_outcomes(event, time, risk=risk)
    risk, at = check_probability(risk, time.size), check_within_follow_up(at, time)
    thresholds = np.atleast_1d(np.asarray(thresholds, dtype=float))
    if thresholds.ndim != 1 or not thresholds.size:
        raise ValueError(f"thresholds must be one or several risks, got shape {thresholds.shape}")
    if not ((thresholds > 0) & (thresholds < 1)).all():
        raise ValueError(f"thresholds are risks between 0 and 1, got {thresholds.min():g} to {thresholds.max():g}")
    overall, rows = observed_risk(event, time, at), []
    for threshold in thresholds:
        odds, treated = threshold / (1 - threshold), risk >= threshold
        share = treated.mean()
        died = observed_risk(event[treated], time[treated], at) if treated.any() else 0.0
        rows.append(
            {
                "threshold": threshold,
                "model": share * (died - (1 - died) * odds),
                "treat_all": overall - (1 - overall) * odds,
            }
        )
    return pd.DataFrame(rows)


def complementary_log_log(risk: np.ndarray) -> np.ndarray:
    """log(-log(1 - risk)), the scale on which a proportional-hazards model is linear; kept finite at 0 and 1."""
    risk = np.clip(np.asarray(risk, dtype=float), 1e-8, 1 - 1e-8)
    return np.log(-np.log1p(-risk))


def _smooth_observed(x: np.ndarray, event: np.ndarray, time: np.ndarray, at: float) -> Any:
    """A function from the transformed prediction to the smooth observed risk by `at`."""
    knots = np.unique(np.quantile(x, KNOTS))
    basis = _spline_basis(x, knots)
    centre, spread = basis.mean(axis=0), basis.std(axis=0)
    beta = fit_ridge_cox((basis - centre) / spread, event, time, penalty=1e-6)  # the two columns nearly agree
    baseline = breslow_baseline((basis - centre) / spread @ beta, event, time)

    def observed(values: ArrayLike) -> Any:
        z = (_spline_basis(np.asarray(values, dtype=float), knots) - centre) / spread
        return 1 - baseline.survival(z @ beta, at)[:, 0]

    return observed


def _spline_basis(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """(N, 2): x and the restricted cubic term of three knots; (N, 1) where ties leave fewer knots."""
    if knots.size < 3:
        return x[:, None]
    a, b, c = knots
    cubes = [np.maximum(x - knot, 0) ** 3 for knot in knots]
    term = (cubes[0] - cubes[1] * (c - a) / (c - b) + cubes[2] * (b - a) / (c - b)) / (c - a) ** 2
    return np.column_stack([x, term])


def _groups(risk: np.ndarray, event: np.ndarray, time: np.ndarray, at: float, n_groups: int) -> pd.DataFrame:
    cuts = np.quantile(risk, np.arange(1, n_groups) / n_groups)
    group, rows = np.searchsorted(cuts, risk, side="left"), []
    for k in np.unique(group):  # where predictions are equal, some groups have nobody
        rows_of_group = group == k
        survival, low, high = kaplan_meier_at(event[rows_of_group], time[rows_of_group], at)
        rows.append(
            {
                "predicted": risk[rows_of_group].mean(),
                "observed": 1 - survival,
                "low": 1 - high,
                "high": 1 - low,
                "patients": int(rows_of_group.sum()),
            }
        )
    return pd.DataFrame(rows)
