"""Ridge-penalised Cox regression by a damped Newton method, for many quick fits."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from scipy.optimize import linprog

from cardiolib.survival.outcomes import check_features, check_outcomes

TIES = ("efron", "breslow")
_FADED = 1e-6  # an estimate at which less than this share of the information at zero is left runs away to infinity
_FLAT = 1e-4  # of the mean gradient: from here on the question is asked
_LAST_STEP = 1e-4  # a Newton step longer than this (in SDs of log hazard) is on its way, whatever the gradient


def fit_ridge_cox(
    Z: ArrayLike,
    event: ArrayLike,
    time: ArrayLike,
    *,
    penalty: float,
    ties: str = "efron",
    tolerance: float = 1e-8,
    max_steps: int = 100,
) -> np.ndarray:
    """Coefficients that minimise nll / N + (penalty / 2) * sum of beta squared.

    Parameters
    ----------
    Z : (N, p) array
        Covariates, scaled by the caller so that one penalty suits all. p should be small (tens).
    event, time : (N,) arrays
    penalty : float
        Per patient, not negative: the meaning of `penalizer` in lifelines >= 0.24 for unit-variance columns.
    ties : {"efron", "breslow"}
    tolerance : float
        Largest component of the gradient (of the mean) at which the fit has converged.

    Returns
    -------
    (p,) float64 array

    Raises
    ------
    ValueError
        For malformed input, or an unknown word for `ties`.
    ArithmeticError
        If the gradient is not below `tolerance` after `max_steps`; or, without a penalty, if a
        covariate separates the deaths from those who lived longer, so that the likelihood rises for ever.
    """
    event, time, Z = check_outcomes(event, time, Z=Z)
    Z = check_features(Z, dtype=np.float64)
    if ties not in TIES:
        raise ValueError(f"ties must be one of {TIES}, got {ties!r}")
    if not 0 <= penalty < np.inf:
        raise ValueError(f"penalty must be a finite number, 0 or more; got {penalty!r}")
    if not event.any():
        raise ValueError(f"none of the {event.size} patients died: there is nothing to fit")
    order = np.argsort(-time, kind="stable")
    Z, event, time = Z[order], event[order], time[order]
    n, p = Z.shape
    beta = np.zeros(p)
    value, gradient, curvature = cox_derivatives(beta, Z, event, time, ties)
    at_zero = curvature
    for _ in range(max_steps):
        gradient = gradient / n + penalty * beta
        steepest = np.abs(gradient).max(initial=0.0)
        if penalty == 0 and p and steepest <= _FLAT and _runs_away(curvature, at_zero, event.sum() * Z.var()):
            _refuse_separation(Z, event, time)
        if steepest <= tolerance and (penalty > 0 or not p or _has_arrived(gradient, curvature / n)):
            return beta
        step = np.linalg.solve(curvature / n + (penalty + 1e-12) * np.eye(p), gradient)
        before, length = value / n + penalty / 2 * beta @ beta, 1.0
        while True:  # halve the step until the objective falls: an undamped step may diverge
            trial = beta - length * step
            # a step too far is halved below: neither NaN nor infinity is <= anything finite
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                value, new_gradient, curvature = cox_derivatives(trial, Z, event, time, ties)
            if value / n + penalty / 2 * trial @ trial <= before + 1e-12 or length < 1e-6:
                break
            length /= 2
        if not np.isfinite(value):  # risks so far apart that most of them are nothing beside the largest
            break
        beta, gradient = trial, new_gradient
    if penalty == 0:
        _refuse_separation(Z, event, time)
    raise ArithmeticError(
        f"ridge Cox regression did not converge in {max_steps} steps; raise the penalty (now {penalty:g})"
    )


def _runs_away(curvature: np.ndarray, at_zero: np.ndarray, usual: float) -> bool:
    """Whether a likelihood flattens because it rises for ever, and not because it has a top.

    On the way to infinity the gradient vanishes too, but with it what the likelihood says: of the information that it
    held at zero nothing is left in some direction. `usual` is what so many deaths tell about such covariates.
    """
    sizes, directions = np.linalg.eigh(at_zero)
    if sizes[0] <= 1e-12 * usual:
        raise ArithmeticError(
            "the deaths say nothing about the covariates, or a combination of them: it does not vary among those who "
            "were at risk when somebody died"
        )
    whitened = directions / np.sqrt(sizes)
    return bool(np.linalg.eigvalsh(whitened.T @ curvature @ whitened)[0] < _FADED)


def _refuse_separation(Z: np.ndarray, event: np.ndarray, time: np.ndarray) -> None:
    """Refuse covariates (rows in descending time) of which some combination is never lower in a death than in whoever
    was at risk then: the likelihood rises for ever along it.

    Asked as a linear programme: directions d, and for each time the largest z d of those at risk, which no death there
    may fall short of.
    """
    n, p = Z.shape
    block = np.concatenate([[0], np.cumsum(time[1:] != time[:-1])])
    n_blocks, dead = int(block[-1]) + 1, np.flatnonzero(event)
    largest = sparse.identity(n_blocks, format="csr")
    rows = sparse.hstack([sparse.csr_array(Z), -largest[block]])  # z d <= m, the largest so far
    deaths = sparse.hstack([sparse.csr_array(-Z[dead]), largest[block[dead]]])  # m <= z d of a death
    later = sparse.hstack([sparse.csr_array((n_blocks - 1, p)), largest[:-1] - largest[1:]])  # m rises towards time 0
    steepest = cox_derivatives(np.zeros(p), Z, event, time, "breslow")[1]
    found = linprog(
        np.concatenate([steepest, np.zeros(n_blocks)]),
        A_ub=sparse.vstack([rows, deaths, later]),
        b_ub=np.zeros(n + dead.size + n_blocks - 1),
        bounds=[(-1, 1)] * p + [(None, None)] * n_blocks,
    )
    if found.status == 0 and found.fun < -1e-5 * np.abs(steepest).max(initial=1.0):
        raise ArithmeticError(
            "did not converge, since the covariates separate the deaths from those who lived longer: the likelihood "
            "rises for ever and no coefficient is finite; leave the covariate out that separates them, or give a "
            "penalty"
        )


def _has_arrived(gradient: np.ndarray, curvature: np.ndarray) -> bool:
    """Whether the next Newton step would be short too."""
    return bool(np.abs(np.linalg.solve(curvature, gradient)).max() <= _LAST_STEP)


def cox_derivatives(
    beta: np.ndarray, Z: np.ndarray, event: np.ndarray, time: np.ndarray, ties: str
) -> tuple[float, np.ndarray, np.ndarray]:
    """Negative log likelihood, gradient and curvature; rows in descending time.

    The curvature is a sum over deaths of the covariance of Z in the risk set. Its first part needs no sum of
    matrices: it is Z' diag(v) Z with v the deaths that the model expects of each row.
    """
    eta = Z @ beta
    weight = np.exp(eta - eta.max())
    block = np.concatenate([[0], np.cumsum(time[1:] != time[:-1])])
    last = np.searchsorted(block, np.arange(block[-1] + 1), side="right") - 1
    deaths, n_blocks = block[event], last.size
    n_deaths = np.bincount(deaths, minlength=n_blocks)
    k = np.arange(deaths.size) - (np.cumsum(n_deaths) - n_deaths)[deaths]
    fraction = k / n_deaths[deaths] if ties == "efron" else np.zeros(k.size)
    moments = weight[:, None] * np.column_stack([np.ones(len(Z)), Z])  # (N, 1 + p)
    tied = np.zeros((n_blocks, moments.shape[1]))
    np.add.at(tied, deaths, moments[event])
    at_risk = np.cumsum(moments, axis=0)[last][deaths] - fraction[:, None] * tied[deaths]  # (E, 1 + p)
    s0, mean = at_risk[:, 0], at_risk[:, 1:] / at_risk[:, :1]
    per_block = np.bincount(deaths, weights=1 / s0, minlength=n_blocks)
    expected = weight * np.cumsum(per_block[::-1])[::-1][block]
    expected[event] -= weight[event] * np.bincount(deaths, weights=fraction / s0, minlength=n_blocks)[deaths]
    value = float(np.sum(np.log(s0) + eta.max() - eta[event]))
    return value, Z.T @ (expected - event), (Z.T * expected) @ Z - mean.T @ mean
