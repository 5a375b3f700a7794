"""Cox regression on a few columns, with its inference: the one door for every unpenalised Cox fit of the package.

The fit is the damped Newton method of :mod:`cardiolib.survival.ridge`, run until its steps are rounding. A fit that
does not converge, or whose likelihood has no maximum, is an error and never a number. lifelines, which gives the same
coefficients where it converges, stops at a step length of its own (the fifth digit may differ), warns where it does not
converge, and then returns what it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2, norm

from cardiolib.survival.outcomes import check_features, check_outcomes
from cardiolib.survival.ridge import cox_derivatives, fit_ridge_cox

_TOLERANCE = 1e-10
_ROUNDING = 1e-10  # of a constant column, as a share of its largest number
_COLLINEAR = 1e-10


@dataclass(frozen=True, eq=False)
class CoxRegression:
    """A converged Cox regression.

    Attributes
    ----------
    names : tuple of str
    coefficients, standard_errors : (p,) arrays
        Log hazard ratios per unit of each column; from the inverse information (with a penalty, of the penalised
        likelihood, as lifelines has it).
    log_likelihood, log_likelihood_null : float
        Partial, Efron; at the coefficients and at zero.
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    standard_errors: np.ndarray = field(repr=False)
    log_likelihood: float
    log_likelihood_null: float

    @property
    def summary(self) -> pd.DataFrame:
        """One row a column: coefficient, hazard ratio, Wald interval and test; the columns of lifelines."""
        b, se = self.coefficients, self.standard_errors
        half, z = norm.ppf(0.975) * se, b / se
        log_p = np.log(2) + norm.logsf(np.abs(z))
        with np.errstate(over="ignore"):  # the ratio for a unit that is too large may well be infinite
            ratio, low, high = np.exp(b), np.exp(b - half), np.exp(b + half)
        return pd.DataFrame(
            {
                "coef": b,
                "exp(coef)": ratio,
                "se(coef)": se,
                "coef lower 95%": b - half,
                "coef upper 95%": b + half,
                "exp(coef) lower 95%": low,
                "exp(coef) upper 95%": high,
                "cmp to": 0.0,
                "z": z,
                "p": np.exp(log_p),
                "-log2(p)": -log_p / np.log(2),
            },
            index=pd.Index(self.names, name="covariate"),
        )

    @property
    def likelihood_ratio(self) -> tuple[float, float]:
        """Chi-squared of the likelihood-ratio test against no covariate at all, and its p."""
        statistic = max(2 * (self.log_likelihood - self.log_likelihood_null), 0.0)
        return statistic, float(chi2.sf(statistic, self.coefficients.size))


def cox_regression(X: ArrayLike, event: ArrayLike, time: ArrayLike, *, penalty: float = 0.0) -> CoxRegression:
    """Cox regression, Efron ties.

    Parameters
    ----------
    X : (N, p) array or DataFrame
        Column names of a DataFrame appear in errors and in the summary.
    event, time : (N,) arrays
    penalty : float
        Per patient: the objective is ``log likelihood / N - penalty / 2 * sum((coefficient * SD)**2)``.

    Raises
    ------
    ValueError
        If X or the outcomes are malformed, or a column is constant or a combination of others.
    ArithmeticError
        If the columns separate the deaths, or the fit does not converge.

    Examples
    --------
    >>> found = cox_regression([[1.0], [2.0], [2.5], [0.5], [1.5]], [1, 1, 1, 0, 0], [3.0, 1.0, 4.0, 5.0, 2.0])
    >>> found.coefficients.round(4).tolist(), found.summary["se(coef)"].round(4).tolist()
    ([0.5399], [0.7132])
    """
    event, time, X = check_outcomes(event, time, X=X)
    names = tuple(str(c) for c in X.columns) if isinstance(X, pd.DataFrame) else None
    values = check_features(X, dtype=np.float64)
    names = names or tuple(f"x{i}" for i in range(values.shape[1]))
    if event.size < 2 or not event.any():
        raise ValueError(
            f"a fit needs at least two patients and one death, got {event.size} patients and {int(event.sum())} deaths"
        )
    with np.errstate(over="ignore", invalid="ignore"):
        mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
    z = _standardised(values, names, mean, spread)
    try:
        beta = fit_ridge_cox(z, event, time, penalty=penalty, tolerance=_TOLERANCE)
    except ArithmeticError as reason:
        raise ArithmeticError(
            f"Cox regression of {event.size} patients with {int(event.sum())} deaths on {', '.join(names)}: {reason}"
        ) from None
    order = np.argsort(-time, kind="stable")
    sorted_ = z[order], event[order], time[order], "efron"
    value, _, curvature = cox_derivatives(beta, *sorted_)
    null, _, _ = cox_derivatives(np.zeros(beta.size), *sorted_)
    covariance = np.linalg.inv(curvature + event.size * penalty * np.eye(beta.size))
    return CoxRegression(names, beta / spread, np.sqrt(np.diag(covariance)) / spread, -value, -null)


def constant_columns(values: np.ndarray) -> np.ndarray:
    """(D,) bool: columns whose numbers differ by rounding at most."""
    return np.ptp(values, axis=0) <= _ROUNDING * np.abs(values).max(axis=0)


def _standardised(values: np.ndarray, names: tuple[str, ...], mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    constant = [name for name, is_constant in zip(names, constant_columns(values), strict=True) if is_constant]
    if constant:
        raise ValueError(f"columns {constant} are constant: a Cox model cannot use them")
    if not names:
        raise ValueError("X has no column: a Cox model needs one at least")
    odd = [name for name, sd in zip(names, spread, strict=True) if not 0 < sd < np.inf]
    if odd:
        raise ValueError(f"the numbers in columns {odd} are too large or too small to be squared: give another unit")
    z = (values - mean) / spread
    _, sizes, directions = np.linalg.svd(z, full_matrices=False)
    if len(z) <= len(names) or sizes[-1] <= _COLLINEAR * sizes[0]:
        involved = [name for name, part in zip(names, directions[-1], strict=True) if abs(part) > 1e-6]
        raise ValueError(
            f"columns {involved} are collinear: one is a sum of multiples of the others, among these {len(z)} patients;"
            " leave one out"
        )
    return z
