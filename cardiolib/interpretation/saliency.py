"""Where does motion go with risk? Regression at every vertex, with control of the whole heart's false alarms.

This is an association of risk with motion, not what the network uses: for that see
:mod:`cardiolib.interpretation.attribution`. Use out-of-bag risks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts import N_VERTICES
from cardiolib.interpretation.motion_magnitude import as_displacements, motion_magnitude_mm
from cardiolib.printed import as_html
from cardiolib.survival.alignment import plain_rows
from cardiolib.survival.data import SurvivalData

_PERMUTATIONS_AT_A_TIME = 256
_ROUNDING = 1e-12
"""Residuals below this share of the numbers that they are left of are rounding, and count as 0."""


@dataclass(frozen=True, eq=False)
class Saliency:
    """Association of log risk with motion at every vertex.

    Attributes
    ----------
    slope : (V,) array
        Change of log risk per mm of motion: the paper's saliency. 0 where a vertex does not vary.
    standardised_slope : (V,) array
        Change of log risk per SD of the vertex's motion.
    correlation : (V,) array
        Partial correlation, given the covariates if there are any.
    t : (V,) array
        t statistic of the slope. Infinite, with the sign of the slope, where the log risk is a linear function of the
        vertex's motion (correlation 1 or -1): the regression leaves nothing that the slope could be compared with.
    p_family : (V,) array or None
        Family-wise p over all vertices, after :func:`permutation_test`.
    """

    slope: np.ndarray = field(repr=False)
    standardised_slope: np.ndarray = field(repr=False)
    correlation: np.ndarray = field(repr=False)
    t: np.ndarray = field(repr=False)
    p_family: np.ndarray | None = field(default=None, repr=False)
    n_permutations: int = 0

    def table(self) -> pd.DataFrame:
        """One row a vertex."""
        columns = {
            "slope_per_mm": self.slope,
            "slope_per_sd": self.standardised_slope,
            "correlation": self.correlation,
            "t": self.t,
        }
        if self.p_family is not None:
            columns["p_family"] = self.p_family
        return pd.DataFrame(columns, index=pd.RangeIndex(self.slope.size, name="vertex"))

    def __repr__(self) -> str:
        strongest = int(np.abs(self.correlation).argmax())
        text = (
            f"Saliency of {self.slope.size} vertices: strongest at vertex {strongest}, {self.slope[strongest]:+.2g} "
            f"log risk per mm, correlation {self.correlation[strongest]:+.2f}"
        )
        if self.p_family is None:
            return text
        found = int((self.p_family < 0.05).sum())
        return f"{text}\n  {found} vertices with p < 0.05 over the whole heart ({self.n_permutations:,} permutations)"

    def _repr_html_(self) -> str:
        order = np.argsort(-np.abs(self.correlation), kind="stable")[:5]
        return as_html(f"{self!r}\nthe five strongest:", self.table().iloc[order])


def saliency(
    log_risk: np.ndarray,
    X: np.ndarray,
    *,
    n_vertices: int | None = None,
    n_permutations: int = 1000,
    seed: int = 0,
    covariates: np.ndarray | None = None,
) -> Saliency:
    """Where motion goes with risk: the paper's map, with p values that hold over the whole heart.

    Parameters
    ----------
    log_risk : (N,) array
        Higher is worse; out-of-bag risks (``Bootstrap.risk``). Patients without one (NaN) are left out.
    X : (N, D) array or SurvivalData
        Displacements from end-diastole, mm.
    n_vertices : int, optional
        V; by default that of the data, or 202.
    n_permutations : int
        0 for no p values.
    seed : int
        Of the permutations.
    covariates : (N, Q) array, optional
        Adjusted for; the paper has none.

    Returns
    -------
    Saliency
        See :func:`univariate_saliency` and :func:`permutation_test` for what the numbers mean.

    Examples
    --------
    Risk that follows the motion of vertex 3 alone:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> X = np.random.default_rng(1).normal(size=(50, 2, 5, 3))
    >>> log_risk = np.linalg.norm(X, axis=3).mean(axis=1)[:, 3]
    >>> found = cl.saliency(log_risk, X.reshape(50, -1), n_vertices=5, n_permutations=99)
    >>> int(np.abs(found.correlation).argmax()), float(found.p_family[3])
    (3, 0.01)
    """
    if isinstance(X, SurvivalData):
        n_vertices = X.feature_shape[1] if n_vertices is None else n_vertices
        X = X.X
    log_risk, X, covariates = plain_rows(log_risk=log_risk, X=X, covariates=covariates)
    log_risk = np.asarray(log_risk, dtype=float)
    magnitude = motion_magnitude_mm(X, n_vertices=N_VERTICES if n_vertices is None else n_vertices)
    if log_risk.shape != (len(magnitude),):
        raise ValueError(f"log_risk must have one number for each of {len(magnitude)} patients, got {log_risk.shape}")
    known = ~np.isnan(log_risk)
    if covariates is not None:
        covariates = np.asarray(covariates, dtype=float)
        if len(covariates) != known.size:
            raise ValueError(f"covariates have {len(covariates)} rows for {known.size} patients")
        covariates = covariates[known]
    if n_permutations == 0:
        return univariate_saliency(log_risk[known], magnitude[known], covariates=covariates)
    return permutation_test(
        log_risk[known],
        magnitude[known],
        rng=np.random.default_rng(seed),
        n_permutations=n_permutations,
        covariates=covariates,
    )


def univariate_saliency(
    log_risk: np.ndarray, magnitude_mm: np.ndarray, *, covariates: np.ndarray | None = None
) -> Saliency:
    """Regress log risk on the motion of each vertex, one vertex at a time.

    Parameters
    ----------
    log_risk : (N,) array
        Higher is worse.
    magnitude_mm : (N, V) array
        See :func:`cardiolib.interpretation.motion_magnitude_mm`.
    covariates : (N, Q) array, optional
        Adjusted for (age, sex, body size); an intercept is always there. The paper has none.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, the log risk is constant, or too few patients are left for the
        covariates.
    """
    y, x, _, df, sizes = _residuals(log_risk, magnitude_mm, covariates)
    return _saliency(y, x, df, sizes)


def permutation_test(
    log_risk: np.ndarray,
    magnitude_mm: np.ndarray,
    *,
    rng: np.random.Generator,
    n_permutations: int = 1000,
    covariates: np.ndarray | None = None,
) -> Saliency:
    """:func:`univariate_saliency` with p values that control false alarms over the whole surface.

    p(v) = (1 + number of permutations whose LARGEST |t| over all vertices reaches |t(v)|) / (1 + permutations):
    the chance, if risk and motion were unrelated everywhere, that any vertex at all would look this strong.

    Parameters
    ----------
    log_risk, magnitude_mm, covariates
        As :func:`univariate_saliency`.
    rng : numpy.random.Generator
    n_permutations : int

    Notes
    -----
    A predicted risk is a function of motion, so it goes with motion even where a network has learned noise: small p
    values say where, not that motion predicts death. For that claim pass the outcome itself, as martingale residuals,
    in the place of `log_risk`, or show this map beside one for permuted outcomes.

    With covariates the residuals of the log risk are permuted and adjusted again (Freedman and Lane). Patients are
    taken as exchangeable; out-of-bag risks depend on each other slightly.

    References
    ----------
    .. [1] Winkler et al., NeuroImage 2014;92:381 (Freedman-Lane and the maximum statistic).
    """
    if n_permutations < 1:
        raise ValueError(f"n_permutations must be at least 1, got {n_permutations}")
    y, x, basis, df, sizes = _residuals(log_risk, magnitude_mm, covariates)
    observed = _saliency(y, x, df, sizes)
    size = np.sqrt(np.sum(x**2, axis=0))
    direction = np.divide(x, size, out=np.zeros_like(x), where=size > 0)
    largest = np.empty(n_permutations)
    for start in range(0, n_permutations, _PERMUTATIONS_AT_A_TIME):
        count = min(_PERMUTATIONS_AT_A_TIME, n_permutations - start)
        shuffled = rng.permuted(np.tile(y, (count, 1)), axis=1)
        shuffled -= (shuffled @ basis) @ basis.T
        shuffled /= np.sqrt(np.sum(shuffled**2, axis=1, keepdims=True))
        largest[start : start + count] = np.abs(shuffled @ direction).max(axis=1)
    # |t| grows with |correlation|, so the maxima may be compared as correlations; rounding must not break ties
    reached = largest[:, None] >= np.abs(observed.correlation) - 1e-12
    p = (1 + reached.sum(axis=0)) / (1 + n_permutations)
    return Saliency(observed.slope, observed.standardised_slope, observed.correlation, observed.t, p, n_permutations)


def phase_saliency(log_risk: np.ndarray, X: np.ndarray, *, n_vertices: int) -> np.ndarray:
    """Correlation (T - 1, V) of log risk with how far each vertex is from its place at end-diastole, phase by phase."""
    lengths = np.linalg.norm(as_displacements(X, n_vertices=n_vertices), axis=3)
    return np.stack([univariate_saliency(log_risk, lengths[:, t]).correlation for t in range(lengths.shape[1])])


def map_stability(maps: Any) -> pd.DataFrame:
    """How far several maps of one heart agree, for example one map per bootstrap network.

    Parameters
    ----------
    maps : (B, V) array
        Signed values.

    Returns
    -------
    DataFrame
        One row a vertex: mean, sd, and sign_agreement (share of maps with the sign of the mean, 1 at best).
    """
    maps = np.asarray(maps, dtype=float)
    if maps.ndim != 2 or len(maps) < 2 or not np.isfinite(maps).all():
        raise ValueError(f"maps must be at least two rows of finite numbers, got shape {maps.shape}")
    mean = maps.mean(axis=0)
    return pd.DataFrame(
        {"mean": mean, "sd": maps.std(axis=0, ddof=1), "sign_agreement": (np.sign(maps) == np.sign(mean)).mean(axis=0)},
        index=pd.RangeIndex(maps.shape[1], name="vertex"),
    )


def _residuals(log_risk: np.ndarray, magnitude_mm: np.ndarray, covariates: np.ndarray | None) -> Any:
    """Log risk and motion without intercept and covariates, the basis that was removed, degrees of freedom, and how
    large log risk and motion (one number a vertex) were before.
    """
    log_risk, magnitude_mm, covariates = plain_rows(log_risk=log_risk, magnitude_mm=magnitude_mm, covariates=covariates)
    y, x = np.asarray(log_risk, dtype=float), np.asarray(magnitude_mm, dtype=float)
    if y.ndim != 1 or x.ndim != 2 or len(x) != y.size:
        raise ValueError(f"log_risk must be (N,) and magnitude_mm (N, V), got shapes {y.shape} and {x.shape}")
    nuisance = np.ones((y.size, 1))
    if covariates is not None:
        covariates = np.asarray(covariates, dtype=float).reshape(len(covariates), -1)
        if len(covariates) != y.size:
            raise ValueError(f"covariates have {len(covariates)} rows for {y.size} patients")
        nuisance = np.hstack([nuisance, covariates - covariates.mean(axis=0)])
    for name, values in (("log_risk", y), ("magnitude_mm", x), ("covariates", nuisance)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds values that are not finite; leave those patients out")
    basis, sizes, _ = np.linalg.svd(nuisance, full_matrices=False)
    basis = basis[:, sizes > 1e-10 * sizes[0]]
    df = y.size - basis.shape[1] - 1
    if df < 1:
        raise ValueError(f"{y.size} patients are too few for {basis.shape[1] - 1} covariates")
    spread = np.abs(y).max()
    y = y - basis @ (basis.T @ y)
    if np.abs(y).max() <= _ROUNDING * spread:
        raise ValueError("log_risk is constant, or a linear function of the covariates: there is nothing to explain")
    before = np.abs(x).max(axis=0)
    x = x - basis @ (basis.T @ x)
    x[:, np.abs(x).max(axis=0) <= _ROUNDING * before] = 0.0  # a vertex that does not vary: only rounding is left
    return y, x, basis, df, (spread, before)


def _saliency(y: np.ndarray, x: np.ndarray, df: int, sizes: tuple[float, np.ndarray]) -> Saliency:
    xx, xy, yy = np.sum(x**2, axis=0), x.T @ y, y @ y
    varies = xx > 0
    slope = np.divide(xy, xx, out=np.zeros_like(xx), where=varies)
    correlation = np.clip(np.divide(xy, np.sqrt(xx * yy), out=np.zeros_like(xx), where=varies), -1, 1)
    # what the regression leaves, and not 1 - r^2: that keeps no digit of it where r is near 1
    left = y[:, None] - x * slope
    exact = np.abs(left).max(axis=0) <= _ROUNDING * (sizes[0] + np.abs(slope) * sizes[1])
    correlation[exact] = np.sign(xy[exact])
    t = np.copysign(np.inf, xy)  # the limit of r sqrt(df / (1 - r^2)) as r goes to 1 or -1
    np.divide(slope * np.sqrt(df * xx), np.sqrt(np.sum(left**2, axis=0)), out=t, where=~exact)
    return Saliency(slope, slope * np.sqrt(xx / (y.size - 1)), correlation, t)
