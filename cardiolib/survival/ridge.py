"""Ridge-penalised Cox regression by a damped Newton method, for many quick fits."""

from __future__ import annotations

import numpy as np

from cardiolib.survival.outcomes import check_outcomes


def fit_ridge_cox(Z, event, time, *, penalty: float, ties: str = "efron", tolerance: float = 1e-8,
                  max_steps: int = 100) -> np.ndarray:
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
    ArithmeticError
        If the gradient is not below `tolerance` after `max_steps` (for example, no penalty and a covariate
        that separates the deaths).
    """
    event, time = check_outcomes(event, time)
    order = np.argsort(-time, kind="stable")
    Z, event, time = np.asarray(Z, dtype=float)[order], event[order], time[order]
    n, p = Z.shape
    beta = np.zeros(p)
    value, gradient, curvature = _derivatives(beta, Z, event, time, ties)
    for _ in range(max_steps):
        gradient = gradient / n + penalty * beta
        if np.abs(gradient).max(initial=0.0) <= tolerance:
            return beta
        step = np.linalg.solve(curvature / n + (penalty + 1e-12) * np.eye(p), gradient)
        before, length = value / n + penalty / 2 * beta @ beta, 1.0
        while True:  # halve the step until the objective falls: an undamped step may diverge
            trial = beta - length * step
            value, new_gradient, curvature = _derivatives(trial, Z, event, time, ties)
            if value / n + penalty / 2 * trial @ trial <= before + 1e-12 or length < 1e-6:
                break
            length /= 2
        beta, gradient = trial, new_gradient
    raise ArithmeticError(f"ridge Cox regression did not converge in {max_steps} steps; raise the penalty "
                          f"(now {penalty:g})")


def _derivatives(beta, Z, event, time, ties) -> tuple[float, np.ndarray, np.ndarray]:
    """Negative log likelihood, gradient and curvature; rows in descending time."""
    eta = Z @ beta
    weight = np.exp(eta - eta.max())
    moments = [weight, weight[:, None] * Z, weight[:, None, None] * (Z[:, :, None] * Z[:, None, :])]
    block = np.concatenate([[0], np.cumsum(time[1:] != time[:-1])])
    last = np.searchsorted(block, np.arange(block[-1] + 1), side="right") - 1
    deaths = block[event]
    n_deaths = np.bincount(deaths, minlength=last.size)
    k = np.arange(deaths.size) - (np.cumsum(n_deaths) - n_deaths)[deaths]
    fraction = k / n_deaths[deaths] if ties == "efron" else np.zeros(k.size)
    at_risk = []
    for moment in moments:
        total = np.cumsum(moment, axis=0)[last][deaths]
        if fraction.any():
            tied = np.zeros((last.size, *moment.shape[1:]))
            np.add.at(tied, deaths, moment[event])
            total = total - fraction.reshape(-1, *[1] * (moment.ndim - 1)) * tied[deaths]
        at_risk.append(total)
    s0, mean = at_risk[0], at_risk[1] / at_risk[0][:, None]
    value = float(np.sum(np.log(s0) + eta.max() - eta[event]))
    gradient = mean.sum(axis=0) - Z[event].sum(axis=0)
    curvature = (at_risk[2] / s0[:, None, None]).sum(axis=0) - mean.T @ mean
    return value, gradient, curvature
