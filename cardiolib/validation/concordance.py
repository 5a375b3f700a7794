"""Concordance with its standard error, and two models compared on the same patients.

The standard error is the infinitesimal jackknife: `influence[i]` is the derivative of C with respect to the
case weight of patient i, and the variance of C is the sum of its squares. It equals R
`survival::concordance`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from scipy.stats import norm

from cardiolib.printed import as_html
from cardiolib.survival.alignment import codes_of
from cardiolib.survival.concordance import risk_ranks
from cardiolib.survival.outcomes import check_log_risk, check_outcomes
from cardiolib.survival.pair_counting import count_pairs
from cardiolib.validation.censoring import uncensored_probability


@dataclass(frozen=True)
class Concordance:
    """A concordance index, the pairs behind it, and what each patient contributes to its error.

    Attributes
    ----------
    c : float
        0.5 for a useless ranking, 1 for a perfect one.
    se : float
        Infinitesimal-jackknife standard error for FIXED predictions: it knows nothing of the training.
    concordant, tied_risk, comparable : float
        Weighted numbers of pairs (whole numbers for Harrell's C).
    influence : (N,) array
        Derivative of C with respect to the case weight of each patient; sums to zero.
    """

    c: float
    se: float
    concordant: float
    tied_risk: float
    comparable: float
    n: int
    n_events: int
    influence: np.ndarray = field(repr=False, compare=False)

    @property
    def discordant(self) -> float:
        """Weighted number of pairs ordered wrongly."""
        return self.comparable - self.concordant - self.tied_risk

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval on the logit scale, so that it stays inside (0, 1)."""
        return logit_interval(self.c, self.se, level=level)

    def __repr__(self) -> str:
        low, high = self.interval()
        return (
            f"C {self.c:.3f} (95 % interval {low:.3f} to {high:.3f}); {self.n} patients, {self.n_events} deaths, "
            f"{self.comparable:,.0f} comparable pairs"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table())

    def table(self) -> pd.DataFrame:
        """One row: C, its standard error and 95 % interval, and the counts."""
        low, high = self.interval()
        row = {
            "C": self.c,
            "SE": self.se,
            "95% low": low,
            "95% high": high,
            "patients": self.n,
            "deaths": self.n_events,
            "comparable pairs": self.comparable,
        }
        return pd.DataFrame([row])


@dataclass(frozen=True)
class ConcordanceComparison:
    """Difference in concordance of two predictions of the same patients, A minus B.

    The p value holds for fixed predictions (5.1 % of true nulls rejected at .05 in simulations). For out-of-bag
    predictions of two models trained on these patients it is too small (8 to 13 %): use
    :func:`cardiolib.validation.compare_models`.
    """

    a: Concordance
    b: Concordance
    difference: float
    se: float
    z: float
    p_value: float
    correlation: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval of the difference."""
        half = norm.ppf(0.5 + level / 2) * self.se
        return self.difference - half, self.difference + half

    def __repr__(self) -> str:
        low, high = self.interval()
        return (
            f"C {self.a.c:.3f} - {self.b.c:.3f} = {self.difference:.3f} (95 % interval {low:.3f} to {high:.3f}), "
            f"p {self.p_value:.2g} (approximate); {self.a.n} patients, {self.a.n_events} deaths"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table())

    def table(self) -> pd.DataFrame:
        """One row; the column of the p value says that it is approximate."""
        low, high = self.interval()
        row = {
            "C (A)": self.a.c,
            "C (B)": self.b.c,
            "A - B": self.difference,
            "SE": self.se,
            "95% low": low,
            "95% high": high,
            "z": self.z,
            "p (approximate)": self.p_value,
        }
        return pd.DataFrame([row])


def concordance(
    log_risk: np.ndarray, event: np.ndarray, time: np.ndarray, *, strata: np.ndarray | None = None
) -> Concordance:
    """Harrell's C with its infinitesimal-jackknife standard error.

    Parameters
    ----------
    log_risk : (N,) array
        Higher is worse, finite. Risks are tied where they are equal as numbers: C is the same for any strictly
        increasing function of them.
    event, time : (N,) arrays
        True where death was observed; any one time unit.
    strata : (N,) array, optional
        Only patients of one stratum are compared with each other (for example the fold of a
        cross-validation).

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, or no pair is comparable (for example without any death).

    References
    ----------
    .. [1] Therneau and Watson, The concordance statistic and the Cox model, Mayo Clinic Technical Report 85
       (2015).

    Examples
    --------
    >>> import cardiolib as cl
    >>> cl.concordance([2.1, 1.4, 0.3, 0.9, -0.2], event=[1, 1, 1, 0, 0], time=[1, 2, 3, 4, 5])
    C 0.889 (95 % interval 0.403 to 0.990); 5 patients, 3 deaths, 9 comparable pairs
    """
    event, time, log_risk, strata = check_outcomes(event, time, log_risk=log_risk, strata=strata)
    return _concordance(log_risk, event, time, np.ones(time.size), strata)


def uno_concordance(
    log_risk: np.ndarray, event: np.ndarray, time: np.ndarray, *, tau: float | None = None
) -> Concordance:
    """Uno's C: each death weighs 1 / G(t-)^2, so that the value does not depend on the pattern of censoring.

    Parameters
    ----------
    log_risk, event, time
        As :func:`concordance`.
    tau : float, optional
        Only deaths before `tau` count. Without it the last deaths may carry most of the weight.

    Notes
    -----
    G is estimated from the same patients, left-continuous, and treated as known in the standard error, as R
    does.

    References
    ----------
    .. [1] Uno et al., Stat Med 2011;30:1105.

    Examples
    --------
    >>> uno_concordance([3.0, 2.0, 1.0, 2.5], [1, 1, 0, 1], [1.0, 2.0, 3.0, 4.0]).c
    0.8
    """
    event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
    weight = 1.0 / uncensored_probability(event, time) ** 2
    if tau is not None:
        weight = np.where(time < check_tau(tau, event, time), weight, 0.0)
    return _concordance(log_risk, event, time, weight, None)


def compare_concordance(
    log_risk_a: np.ndarray,
    log_risk_b: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    *,
    strata: np.ndarray | None = None,
) -> ConcordanceComparison:
    """Compare two predictions of the same patients by the difference of their concordances.

    Parameters
    ----------
    log_risk_a, log_risk_b : (N,) arrays
        Predictions of the same patients in the same order. They must not come from the patients' own
        training.
    event, time, strata
        As :func:`concordance`.

    Notes
    -----
    SE = sqrt(sum((influence_a - influence_b)^2)); the patients are the unit, so the p value does not depend
    on how many bootstrap replicates were averaged. Not valid for nested models: use the likelihood ratio
    there.

    References
    ----------
    .. [1] Kang et al., Stat Med 2015;34:685 (the U-statistic form of the same test).

    Examples
    --------
    >>> import cardiolib as cl
    >>> found = cl.compare_concordance([3, 2, 1, 0], [0, 2, 1, 3], event=[1, 1, 1, 0], time=[1, 2, 3, 4])
    >>> round(found.difference, 3), found.a.c
    (0.833, 1.0)
    """
    event, time, log_risk_a, log_risk_b, strata = check_outcomes(
        event, time, log_risk_a=log_risk_a, log_risk_b=log_risk_b, strata=strata
    )
    log_risk_a, log_risk_b = (
        check_log_risk(risk, time.size, name=name)
        for name, risk in (("log_risk_a", log_risk_a), ("log_risk_b", log_risk_b))
    )
    a = concordance(log_risk_a, event, time, strata=strata)
    b = concordance(log_risk_b, event, time, strata=strata)
    difference = a.c - b.c
    se = float(np.sqrt(np.sum((a.influence - b.influence) ** 2)))
    norms = a.se * b.se
    correlation = float(a.influence @ b.influence / norms) if norms > 0 else np.nan
    if se < 1e-12:  # the two rankings are the same one
        return ConcordanceComparison(a, b, difference, 0.0, 0.0, 1.0, correlation)
    z = difference / se
    return ConcordanceComparison(a, b, difference, se, z, float(2 * norm.sf(abs(z))), correlation)


def logit_interval(c: float, se: float, *, level: float = 0.95) -> tuple[float, float]:
    """Interval logit(c) +- z se / (c (1 - c)), back on the scale of c; (c, c) where c is 0 or 1.

    Raises
    ------
    ValueError
        If `level` is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual")
    if not 0 < c < 1:
        return c, c
    half = norm.ppf(0.5 + level / 2) * se / (c * (1 - c))
    return float(expit(logit(c) - half)), float(expit(logit(c) + half))


def _concordance(
    log_risk: np.ndarray, event: np.ndarray, time: np.ndarray, weight: np.ndarray, strata: np.ndarray | None
) -> Concordance:
    rank = risk_ranks(log_risk, time.size)
    right, comparable = np.zeros(time.size), np.zeros(time.size)
    concordant = tied = total = 0.0
    for rows in _rows_of_strata(strata, time.size):
        pairs = count_pairs(rank[rows], event[rows], time[rows], weight[rows])
        right[rows], comparable[rows] = pairs.right, pairs.comparable
        concordant, tied, total = concordant + pairs.concordant, tied + pairs.tied_risk, total + pairs.total
    if total == 0:
        raise ValueError(
            f"concordance needs at least one comparable pair; none exists among {time.size} "
            f"patients with {int(event.sum())} deaths: no patient was observed beyond a death"
        )
    c = (concordant + 0.5 * tied) / total
    influence = (right - c * comparable) / total
    se = float(np.sqrt(np.sum(influence**2)))
    return Concordance(float(c), se, concordant, tied, total, time.size, int(event.sum()), influence)


def _rows_of_strata(strata: np.ndarray | None, n: int) -> list[np.ndarray]:
    if strata is None:
        return [np.arange(n)]
    code = codes_of("strata", strata, n)
    return [np.flatnonzero(code == label) for label in np.unique(code)]


def check_tau(tau: float, event: np.ndarray, time: np.ndarray) -> float:
    """The end of what counts, or why no death lies before it."""
    if isinstance(tau, bool) or not isinstance(tau, int | float | np.integer | np.floating) or not tau > 0:
        raise ValueError(f"tau must be a time, a number above 0; got {tau!r}")
    if event.any() and not (event & (time < tau)).any():
        raise ValueError(f"no death lies before tau = {tau:g}; the first is at {time[event].min():g}")
    return float(tau)
