"""A time that a patient outlives with a promised probability: split conformal bounds for censored survival.

A model's own quantile of survival keeps its promise only where the model is right. Here the promise is made good on
patients whom the model has not seen: of all quantiles the latest is taken that so many of them outlived, censoring
allowed for by inverse-probability weights. The promise holds on average over patients like those; not at a centre where
they are others, and not within each subgroup.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.survival.cox import BaselineHazard
from cardiolib.survival.outcomes import check_log_risk, check_outcomes
from cardiolib.validation.censoring import uncensored_probability


@dataclass(frozen=True, eq=False, repr=False)
class ConformalBound:
    """A lower bound on survival time for patients of a frozen model.

    Attributes
    ----------
    level : float
        Promised share of patients who outlive their bound.
    quantile : float
        The model's probability of death at which the bound is read off; 1 - level if the model is right.
    baseline : BaselineHazard
    n, n_deaths : int
        Calibration patients, and deaths among them.
    """

    level: float
    quantile: float
    baseline: BaselineHazard
    n: int
    n_deaths: int

    def lower_bound(self, log_risk: ArrayLike) -> np.ndarray:
        """(N,) times that the patients outlive with the promised probability.

        It never lies beyond the last death of the baseline, where the model says nothing.
        """
        risk = check_log_risk(log_risk, np.size(log_risk))
        if self.quantile <= 0:
            return np.zeros(risk.size)
        wanted = np.log(-np.log1p(-self.quantile)) - risk - 1e-9  # of log H0; the least for rounding
        row = np.searchsorted(self.baseline.log_cumulative, wanted, side="left")
        return self.baseline.times[np.minimum(row, self.baseline.times.size - 1)]

    def coverage(
        self, log_risk: ArrayLike, event: ArrayLike, time: ArrayLike, *, groups: ArrayLike | None = None
    ) -> pd.DataFrame:
        """Share of patients who outlived their bound, with its standard error, by group and over all.

        Deaths before the bound are weighted by the inverse chance of having been observed until then, estimated from
        these patients (within each group).

        Returns
        -------
        DataFrame
            Index group ("all" last): patients, deaths before the bound, coverage, se.
        """
        event, time, log_risk, groups = check_outcomes(event, time, log_risk=log_risk, groups=groups)
        early = event & (time < self.lower_bound(check_log_risk(log_risk, time.size)))
        labels = np.full(time.size, "all") if groups is None else np.asarray(groups).astype(str)
        rows = {}
        for name in [*(sorted(set(labels)) if groups is not None else []), "all"]:
            own = np.ones(time.size, bool) if name == "all" else labels == name
            missed = early[own] / uncensored_probability(event[own], time[own])
            rows[name] = {
                "patients": int(own.sum()),
                "deaths before": int(early[own].sum()),
                "coverage": 1 - missed.mean(),
                "se": missed.std(ddof=1) / np.sqrt(own.sum()) if own.sum() > 1 else np.nan,
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("group")

    def __repr__(self) -> str:
        return (
            f"Lower bound that {self.level:.0%} outlive: the time at which the model gives {self.quantile:.1%} dead "
            f"(from {self.n} patients with {self.n_deaths} deaths)"
        )


def conformal_bound(
    log_risk: ArrayLike, event: ArrayLike, time: ArrayLike, baseline: BaselineHazard, *, level: float = 0.9
) -> ConformalBound:
    """Make good the promise of a lower bound on patients that the model has not seen.

    Parameters
    ----------
    log_risk, event, time : (N,) arrays
        Calibration patients: none may have been used to fit the model. Higher log risk is worse.
    baseline : BaselineHazard
        Of the model.
    level : float
        Promised share who outlive the bound, in (0, 1).

    Returns
    -------
    ConformalBound

    Raises
    ------
    ValueError
        Malformed input, or a level outside (0, 1).

    Notes
    -----
    The model's probability of death by the time of death, u = F(t | x), is the conformity score of a patient who died;
    small values surprise. With weights w = 1 / G(t-) the share of patients with u below q is estimated by
    ``sum over deaths with u < q of w / n``; the bound takes the largest q at which that share, with one more patient
    as heavy as the heaviest of them, stays below 1 - level. Without censoring this is split conformal prediction with
    its exact guarantee; with it the guarantee holds as far as G is known, and censoring does not depend on the outcome
    [1]_ [2]_. Where too few deaths are there for any promise, the bound is 0. A death before the home's first death has
    u = 0; ties in u are counted as below.

    References
    ----------
    .. [1] Candes, Lei and Ren, J R Stat Soc B 2023;85:24.
    .. [2] Gui, Hore, Ren and Barber, Biometrika 2024;111:459.

    Examples
    --------
    A model that is right, with a baseline hazard of 1 a year:

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> time = rng.exponential(size=500)
    >>> line = np.linspace(0.01, 3, 300)
    >>> bound = conformal_bound(np.zeros(500), time < 2, time.clip(max=2), BaselineHazard(line, np.log(line)))
    >>> bool(0.06 < bound.quantile < 0.14)
    True
    """
    event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
    log_risk = check_log_risk(log_risk, time.size)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}; 0.9 is usual")
    weight = event / uncensored_probability(event, time)
    score = 1 - np.exp(-baseline(time) * np.exp(log_risk))
    scores, weights = score[event], weight[event]
    order = np.argsort(scores, kind="stable")
    scores, weights = scores[order], weights[order]
    # deaths below the bound and one more patient, as heavy as the heaviest of them; the last for rounding
    taken = np.cumsum(weights) + np.maximum.accumulate(weights)
    allowed = (1 - level) * (time.size + 1) + 1e-9
    within = int(np.searchsorted(taken, allowed, side="right"))  # so many deaths may lie below the bound
    quantile = 1 - 1e-12 if within == scores.size else float(scores[within])
    if allowed < 1 or not within and scores.size:
        quantile = 0.0
    return ConformalBound(level, quantile, baseline, int(time.size), int(event.sum()))
