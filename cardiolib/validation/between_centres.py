"""How much a measure of performance differs from centre to centre, and what a new centre may expect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2, norm
from scipy.stats import t as student

from cardiolib.printed import as_html

SCALES = ("identity", "logit", "log")


@dataclass(frozen=True)
class Heterogeneity:
    """A random-effects summary of one measure over k centres.

    Attributes
    ----------
    mean, se : float
        On the scale of the estimates.
    tau2 : float
        Variance between centres.
    i2 : float
        Share of the total variance that lies between centres, 0 to 1.
    q, q_p_value : float
        Cochran's Q with k - 1 degrees of freedom.
    k : int
    knapp_hartung : bool
        Whether intervals use Student's t with the variance of Hartung and Knapp; else the normal distribution.
    scale : str
        "identity", "logit" or "log": what was done to the estimates before. Intervals are given back on the first.
    """

    mean: float
    se: float
    tau2: float
    i2: float
    q: float
    q_p_value: float
    k: int
    knapp_hartung: bool
    scale: str = "identity"

    @property
    def average(self) -> float:
        """The mean on the original scale."""
        return float(_back(np.array(self.mean), self.scale))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Confidence interval of the average, original scale."""
        return self._around(self.se, level)

    def prediction_interval(self, level: float = 0.95) -> tuple[float, float]:
        """Where the true value of a new centre lies, original scale: mean +- quantile x sqrt(tau2 + se^2)."""
        return self._around(float(np.sqrt(self.tau2 + self.se**2)), level)

    def _around(self, spread: float, level: float) -> tuple[float, float]:
        if not 0 < level < 1:
            raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual")
        p = 0.5 + level / 2
        half = (student.ppf(p, self.k - 1) if self.knapp_hartung else norm.ppf(p)) * spread
        low, high = _back(np.array([self.mean - half, self.mean + half]), self.scale)
        return float(low), float(high)

    def table(self) -> pd.DataFrame:
        """One row."""
        (low, high), (new_low, new_high) = self.interval(), self.prediction_interval()
        row = {
            "centres": self.k,
            "average": self.average,
            "95% low": low,
            "95% high": high,
            "new centre low": new_low,
            "new centre high": new_high,
            "tau^2": self.tau2,
            "I^2": self.i2,
            "Q": self.q,
            "p of Q": self.q_p_value,
        }
        return pd.DataFrame([row])

    def __repr__(self) -> str:
        (low, high), (new_low, new_high) = self.interval(), self.prediction_interval()
        return (
            f"{self.average:.3f} over {self.k} centres (95 % interval {low:.3f} to {high:.3f}; a new centre "
            f"{new_low:.3f} to {new_high:.3f}), tau^2 {self.tau2:.3g}, I^2 {self.i2:.0%}"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table())


def heterogeneity(
    estimates: ArrayLike, standard_errors: ArrayLike, *, scale: str = "identity", knapp_hartung: bool = True
) -> Heterogeneity:
    """Random-effects meta-analysis of one measure over centres, between-centre variance by REML.

    Parameters
    ----------
    estimates, standard_errors : (k,) arrays
        On the original scale. At least two centres.
    scale : {"identity", "logit", "log"}
        Where the centres are taken as normally distributed: logit for C, log for O/E, identity for slopes [2]_.
    knapp_hartung : bool
        Intervals by Student's t, k - 1 degrees of freedom, and the Hartung-Knapp variance: with few centres the normal
        distribution is too sure.

    Raises
    ------
    ValueError
        Fewer than two centres, lengths that differ, values that are not finite or outside the scale, or a standard
        error that is not above 0.

    Notes
    -----
    tau^2 maximises the restricted likelihood; it solves ``sum w^2 ((y - mu)^2 - v) + sum w^2 / sum w = tau^2 sum w^2``
    with ``w = 1 / (v + tau^2)``, and is 0 where that has no positive solution. I^2 is ``tau^2 / (tau^2 + s^2)`` with
    Higgins and Thompson's typical variance s^2. The numbers are those of R `metafor::rma` [1]_.

    References
    ----------
    .. [1] Viechtbauer, J Stat Softw 2010;36(3).
    .. [2] Debray et al., BMJ 2017;356:i6460.

    Examples
    --------
    >>> heterogeneity([0.74, 0.70, 0.66, 0.73], [0.03, 0.03, 0.02, 0.04], scale="logit")
    0.700 over 4 centres (95 % interval 0.636 to 0.757; a new centre 0.581 to 0.798), tau^2 0.0188, I^2 49%
    """
    y, v = _on_scale(estimates, standard_errors, scale)
    tau2 = _restricted_variance(y, v)
    w = 1 / (v + tau2)
    mean = float(np.sum(w * y) / np.sum(w))
    k, se = y.size, float(np.sqrt(1 / np.sum(w)))
    if knapp_hartung:
        se *= float(np.sqrt(np.sum(w * (y - mean) ** 2) / (k - 1)))
    fixed = 1 / v
    q = float(np.sum(fixed * (y - np.sum(fixed * y) / np.sum(fixed)) ** 2))
    typical = (k - 1) * np.sum(fixed) / (np.sum(fixed) ** 2 - np.sum(fixed**2))
    i2 = float(tau2 / (tau2 + typical))
    return Heterogeneity(mean, se, tau2, i2, q, float(chi2.sf(q, k - 1)), k, knapp_hartung, scale)


def _on_scale(estimates: ArrayLike, standard_errors: ArrayLike, scale: str) -> tuple[np.ndarray, np.ndarray]:
    if scale not in SCALES:
        raise ValueError(f"scale must be one of {SCALES}, got {scale!r}")
    y, se = np.asarray(estimates, float), np.asarray(standard_errors, float)
    if y.ndim != 1 or y.shape != se.shape:
        raise ValueError(f"give one estimate and one standard error a centre, got shapes {y.shape} and {se.shape}")
    if y.size < 2:
        raise ValueError(f"centres cannot differ from each other where there are fewer than 2, got {y.size}")
    wrong = np.flatnonzero(~(np.isfinite(y) & np.isfinite(se) & (se > 0)))
    if wrong.size:
        raise ValueError(f"estimates must be finite and standard errors above 0; centres {wrong.tolist()} break this")
    inside = {"identity": y == y, "logit": (y > 0) & (y < 1), "log": y > 0}[scale]
    if not inside.all():
        raise ValueError(f"scale {scale!r} does not suit {y[~inside].tolist()}")
    if scale == "logit":
        return np.log(y / (1 - y)), (se / (y * (1 - y))) ** 2
    if scale == "log":
        return np.log(y), (se / y) ** 2
    return y, se**2


def _back(values: np.ndarray, scale: str) -> np.ndarray:
    return {"identity": lambda x: x, "logit": expit, "log": np.exp}[scale](values)


def _restricted_variance(y: np.ndarray, v: np.ndarray) -> float:
    """tau^2 at which the derivative of the restricted log likelihood is 0."""

    def slope(tau2: float) -> float:
        w = 1 / (v + tau2)
        mean = np.sum(w * y) / np.sum(w)
        return float(np.sum(w**2 * (y - mean) ** 2) - np.sum(w) + np.sum(w**2) / np.sum(w))

    if slope(0.0) <= 0:
        return 0.0
    high = float(np.var(y) + v.max())
    while slope(high) > 0:
        high *= 2
    return float(brentq(slope, 0.0, high, xtol=1e-12))
