"""Ridge Cox regression whose penalties the data choose, one for each group of columns, with the error of its fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cardiolib.effects.restricted_means import YearsOfRisk
from cardiolib.survival import BaselineHazard, breslow_baseline
from cardiolib.survival.outcomes import check_features, check_outcomes
from cardiolib.survival.ridge import cox_derivatives, fit_ridge_cox

WIDE = 1.0
"""Prior SD of a log hazard ratio that is hardly shrunk."""
_START, _LEAST, _ROUNDS = 0.2, 1e-3, 8


@dataclass(frozen=True, eq=False)
class GroupedCox:
    """A penalised Cox model, the SD that it gave each group of coefficients, and its errors.

    Attributes
    ----------
    coefficients : (p,) array
        Log hazard ratio per unit of each column.
    covariance : (p, p) array
        Of the coefficients: the inverse curvature of the penalised likelihood. Read as a posterior, its intervals
        cover at their level on average over the coefficients, shrinkage included (Nychka 1988).
    centre : (p,) array
        Mean of each column; log risks are centred on it.
    prior_sd : dict
        SD of the coefficients of each group.
    baseline : BaselineHazard
    log_baseline_sd : float
        Error of the logarithm of the cumulative baseline hazard at its last death.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    centre: np.ndarray
    prior_sd: dict[str, float]
    baseline: BaselineHazard
    log_baseline_sd: float

    def log_risk(self, Z: np.ndarray) -> np.ndarray:
        """(N,) log risk of columns (N, p), higher is worse."""
        return (Z - self.centre) @ self.coefficients

    def years(self, horizon: float) -> YearsOfRisk:
        """Mean time lived within a horizon as a function of the log risk."""
        return YearsOfRisk(self.baseline, horizon)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {sd:.3f}" for name, sd in self.prior_sd.items())
        return f"GroupedCox: {self.coefficients.size} coefficients; SD by group: {sizes}"


def fit_grouped_cox(
    Z: np.ndarray, event: np.ndarray, time: np.ndarray, groups: np.ndarray, *, fixed: Mapping[str, float] | None = None
) -> GroupedCox:
    r"""Fit with coefficients of group g drawn from N(0, s_g^2), the s_g by empirical Bayes.

    Parameters
    ----------
    Z : (N, p) array
        Columns of one group on one scale.
    event, time : (N,) arrays
    groups : (p,) array of str
        Group of each column.
    fixed : mapping, optional
        Groups whose s is given and not chosen, for example ``{"habits": WIDE}``.

    Notes
    -----
    In units of its prior SD a coefficient b has penalty b^2 / 2: :func:`cardiolib.survival.ridge.fit_ridge_cox` with
    penalty 1 / N. With V the inverse curvature in these units, MacKay's fixed point of the marginal likelihood is

    .. math:: \gamma_g = \sum_{j \in g} (1 - V_{jj}), \qquad
              s_g^2 \leftarrow s_g^2\, \frac{\sum_{j \in g} b_j^2}{\gamma_g}.

    A group in which the data find nothing shrinks towards 0. At most 8 rounds.

    References
    ----------
    MacKay, Neural Computation 4:415 (1992). Nychka, J Am Stat Assoc 83:1134 (1988).
    """
    event, time = check_outcomes(event, time)
    Z = check_features(Z, dtype=np.float64)
    given = dict(fixed or {})
    names = list(dict.fromkeys(groups.tolist()))
    sd = {name: given.get(name, _START) for name in names}
    centre, order = Z.mean(axis=0), np.argsort(-time, kind="stable")
    for _ in range(_ROUNDS):
        scale = np.array([sd[group] for group in groups])
        scaled = (Z - centre) * scale
        b = fit_ridge_cox(scaled, event, time, penalty=1.0 / time.size)
        curvature = cox_derivatives(b, scaled[order], event[order], time[order], "efron")[2]
        V = np.linalg.inv(curvature + np.eye(b.size))
        told = {name: np.sum(1.0 - np.diag(V)[groups == name]) for name in names}
        new = {
            name: given.get(
                name, max(_LEAST, sd[name] * np.sqrt(np.sum(b[groups == name] ** 2) / max(told[name], 1e-9)))
            )
            for name in names
        }
        settled = all(abs(np.log(new[name] / sd[name])) < 0.02 for name in names)
        if settled:
            break
        sd = new
    coefficients = b * scale
    log_risk = (Z - centre) @ coefficients
    return GroupedCox(
        coefficients,
        V * np.outer(scale, scale),
        centre,
        dict(zip(names, (float(scale[groups == name][0]) for name in names), strict=True)),
        breslow_baseline(log_risk, event, time),
        _log_baseline_sd(log_risk[order], event[order], time[order]),
    )


def _log_baseline_sd(log_risk: np.ndarray, event: np.ndarray, time: np.ndarray) -> float:
    """Tsiatis' error of log H0 at the last death, coefficients taken as known; rows in descending time."""
    last = np.searchsorted(-time, -time, side="right") - 1
    at_risk = np.cumsum(np.exp(log_risk))[last][event]
    return float(np.sqrt(np.sum(at_risk**-2.0)) / np.sum(1.0 / at_risk))
