"""A cheap stand-in for a network fit, to rank settings in a search. Never a reported model.

The training rows are rotated to their principal axes: at most N - 1 numbers a patient instead of 11,514, and
exactly the same distances. The *training* is not the same: Adam treats every weight alike and so is not
indifferent to a rotation; dropout of single features becomes noise along all axes, drawn here as Gaussian noise
of the same total strength (part of it, through weights that no training patient reaches, is added to the first
hidden layer directly); and a step of one rate moves fewer weights, so the rate is raised by sqrt(D / r).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.survival.gradient import LossGradient, Weights
from cardiolib.survival.preprocessing import Standardiser
from cardiolib.survival.risk_sets import RiskSets
from cardiolib.survival.settings import NetworkSettings
from cardiolib.survival.training import Adam, initialise


@dataclass(frozen=True, eq=False)
class ReducedRows:
    """Training and test rows on the principal axes of the training rows.

    Attributes
    ----------
    train : (N, r) float32 array
    test : (M, r) float32 array
        Projected on the training axes; what lies outside them is lost.
    rms : (N,) float32 array
        Root mean square of each training row over its D features: sets the strength of its noise.
    n_features : int
        D.
    """

    train: np.ndarray
    test: np.ndarray
    rms: np.ndarray
    n_features: int


def reduce_rows(train: np.ndarray, test: np.ndarray, standardise: str) -> ReducedRows:
    """Scale by the training rows, then rotate both sets to the principal axes of the training rows.

    Parameters
    ----------
    train, test : (N, D) and (M, D) arrays
    standardise : str
        As in `NetworkSettings`.
    """
    standardiser = Standardiser.fit(train, standardise)
    x, y = standardiser.apply(train, np.float32), standardiser.apply(test, np.float32)
    values, vectors = np.linalg.eigh((x @ x.T).astype(float))
    keep = values > 1e-6 * values[-1]  # the Gram matrix is float32: smaller ones are rounding
    axes = vectors[:, keep] / np.sqrt(values[keep])  # (N, r): training rows to unit axes
    return ReducedRows(
        train=np.ascontiguousarray(vectors[:, keep] * np.sqrt(values[keep]), dtype=np.float32),
        test=np.ascontiguousarray((y @ x.T) @ axes, dtype=np.float32),
        rms=np.sqrt(np.mean(x.astype(float) ** 2, axis=1)).astype(np.float32), n_features=x.shape[1],
    )


def screened_log_risk(rows: ReducedRows, event, time, settings: NetworkSettings, *, seed: int) -> np.ndarray:
    """Train on the reduced training rows and return log risks (M,) of the test rows.

    Parameters
    ----------
    rows : ReducedRows
    event, time : (N,) arrays
        Outcomes of the training rows.
    settings : NetworkSettings
        Every patient is used in every step whatever the protocol; the protocol still sets the scales.
    seed : int

    Raises
    ------
    FloatingPointError
        If a predicted risk is not finite.
    """
    n, r = rows.train.shape
    seeds = np.random.SeedSequence(seed).spawn(2)
    weights = Weights(r, settings.hidden, settings.latent)
    initialise(weights, seeds[0], n_features=rows.n_features)
    loss = LossGradient(weights, alpha=settings.alpha, l1=10.0**settings.log10_l1,
                        exact=settings.protocol == "exact", n_features_scale=rows.n_features)
    rate = 10.0**settings.log10_learning_rate * np.sqrt(rows.n_features / r)
    adam = Adam(weights, loss.gradient, learning_rate=rate, epsilon=1e-8)
    risk_sets = RiskSets(event, time)
    rng = np.random.Generator(np.random.SFC64(seeds[1]))
    strength = (np.sqrt(settings.dropout / (1 - settings.dropout)) * rows.rms)[:, None]
    unreached = (rows.n_features - r) * 2.0 / (rows.n_features + settings.hidden)  # squared norm of their weights
    strength_h = (strength * np.sqrt(max(unreached, 0.0))).astype(np.float32)
    for _ in range(settings.epochs):
        noisy = rng.standard_normal((n, r), dtype=np.float32)
        noisy *= strength
        noisy += rows.train
        noise_h = rng.standard_normal((n, settings.hidden), dtype=np.float32)
        noise_h *= strength_h
        loss(noisy, rows.train, risk_sets, noise_h=noise_h)
        adam.step()
    return _log_risk(weights, rows.test)


def _log_risk(weights: Weights, x: np.ndarray) -> np.ndarray:
    h = np.maximum(x @ weights["encoder_hidden.weight"].T + weights["encoder_hidden.bias"], 0)
    z = np.maximum(h @ weights["encoder_code.weight"].T + weights["encoder_code.bias"], 0)
    risk = (z @ weights["risk.weight"][0]).astype(float)
    if not np.isfinite(risk).all():
        raise FloatingPointError("training diverged: predicted risks are not finite")
    return risk
