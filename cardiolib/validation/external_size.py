"""How many patients an external validation needs, for outcomes by one time (Riley et al. 2021)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

_Z = float(norm.ppf(0.975))
_NODES = 200
_LARGEST = 10**9


@dataclass(frozen=True)
class ExternalSampleSize:
    """Patients needed for three measures; `n` is the largest.

    Attributes
    ----------
    n_observed_over_expected, n_slope, n_concordance : int
    share : float
        Of patients who die by the time, among those followed until then.
    """

    n_observed_over_expected: int
    n_slope: int
    n_concordance: int
    share: float

    @property
    def n(self) -> int:
        """Patients that satisfy all three."""
        return max(self.n_observed_over_expected, self.n_slope, self.n_concordance)

    @property
    def n_deaths(self) -> int:
        """Deaths by the time among `n` patients."""
        return math.ceil(self.n * self.share)


def external_sample_size(
    share: float,
    *,
    concordance: float,
    log_odds_mean: float,
    log_odds_sd: float,
    oe_width: float = 0.2,
    slope_width: float = 0.2,
    concordance_width: float = 0.1,
) -> ExternalSampleSize:
    """Patients needed to judge a model at another centre, each measure with a 95 % interval of the width given.

    Parameters
    ----------
    share : float
        Of patients who die by the time at which the model is judged, in (0, 1).
    concordance : float
        C that is expected there, above .5.
    log_odds_mean, log_odds_sd : float
        Normal distribution of log(risk / (1 - risk)) of the predictions at that time.
    oe_width, slope_width, concordance_width : float
        Widths of the intervals of O/E, of the calibration slope and of C.

    Raises
    ------
    ValueError
        A value out of range.

    Notes
    -----
    The formulas are those for a binary outcome: alive or dead at the time, everybody followed until then. Patients who
    are censored earlier tell less, so that the numbers are a lower bound for a censored cohort [2]_. O/E:
    ``n = (1 - share) / (share se^2)`` with se the SE of log O/E that gives the width around 1. Slope:
    ``n = I_aa / (se^2 (I_aa I_bb - I_ab^2))`` with the mean information of a logistic model, of intercept 0 and slope
    1, over the distribution. C: Newcombe's variance. The answers of `pmvalsampsize` (R, Stata, Python) are reproduced
    but for its simulation of the distribution, which is an integral here.

    References
    ----------
    .. [1] Riley et al., Stat Med 2021;40:4230.
    .. [2] Riley et al., Stat Med 2022;41:1280.

    Examples
    --------
    The published example of a model for deep vein thrombosis:

    >>> needed = external_sample_size(0.018, concordance=0.8, log_odds_mean=-5, log_odds_sd=2.5, oe_width=1)
    >>> needed.n_observed_over_expected, needed.n_concordance
    (905, 4252)
    """
    widths = (oe_width, slope_width, concordance_width)
    if not 0 < share < 1 or not 0.5 < concordance < 1:
        raise ValueError(f"share lies in (0, 1) and concordance in (0.5, 1), got {share!r} and {concordance!r}")
    if not (log_odds_sd > 0 and math.isfinite(log_odds_mean + log_odds_sd) and min(widths) > 0):
        raise ValueError("log_odds_sd and the widths must be above 0, and log_odds_mean a number")
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return ExternalSampleSize(
        _for_observed_over_expected(share, oe_width),
        _for_slope(log_odds_mean + log_odds_sd * nodes, slope_width, weights),
        _for_concordance(share, concordance, concordance_width),
        share,
    )


def slope_sample_size(log_odds: ArrayLike, *, width: float = 0.2) -> int:
    """Patients needed for the calibration slope, of a sample (N,) of log(risk / (1 - risk)) of the predictions.

    Raises
    ------
    ValueError
        If a number is not finite, or all are equal.
    """
    values = np.asarray(log_odds, float)
    if values.ndim != 1 or not np.isfinite(values).all() or np.ptp(values) == 0:
        raise ValueError("log_odds must be a vector of finite numbers that differ from each other")
    if not width > 0:
        raise ValueError(f"width must be above 0, got {width!r}")
    return _for_slope(values, width)


def _for_observed_over_expected(share: float, width: float) -> int:
    # in steps of .0001 of the SE, as the published programs search
    steps = np.arange(1, 30_000) * 1e-4
    se = steps[np.argmax(np.exp(_Z * steps) - np.exp(-_Z * steps) >= width)]
    return math.ceil((1 - share) / (share * se**2))


def _for_slope(log_odds: np.ndarray, width: float, weights: np.ndarray | None = None) -> int:
    p = expit(log_odds)
    info = p * (1 - p)
    a, ab, b = (np.average(info * log_odds**power, weights=weights) for power in range(3))
    se = width / (2 * _Z)
    return math.ceil(a / (se**2 * (a * b - ab**2)))


def _for_concordance(share: float, c: float, width: float) -> int:
    target = width / (2 * _Z)

    def excess(n: float) -> float:
        pairs = c * (1 - c) * (1 + (n / 2 - 1) * (1 - c) / (2 - c) + (n / 2 - 1) * c / (1 + c))
        return math.sqrt(pairs / (n**2 * share * (1 - share))) - target

    if excess(_LARGEST) > 0:
        raise ValueError(f"concordance_width = {width:g} needs more than {_LARGEST:,} patients")
    return math.ceil(brentq(excess, 2, _LARGEST)) if excess(2) > 0 else 2
