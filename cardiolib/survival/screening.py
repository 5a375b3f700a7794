"""A cheap stand-in for a network fit, to rank settings in a search. Never a reported model.

The training rows are rotated to their principal axes: at most N - 1 numbers a patient instead of 11,514, with
the same distances (axes that together hold a thousandth of the variance are left out). The *training* is not
the same: Adam treats every weight alike and so is not indifferent to a rotation; dropout of single features
becomes noise along all axes, drawn here as Gaussian noise of the same total strength (part of it, through
weights that no training patient reaches, is added to the first hidden layer directly); and a step of one rate
moves fewer weights, so the rate is raised by sqrt(D / r).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.survival.gradient import Weights
from cardiolib.survival.preprocessing import Standardiser
from cardiolib.survival.settings import NetworkSettings
from cardiolib.survival.training import Corruption, initialise, optimise

_LOST_VARIANCE = 1e-3


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
    keep = np.cumsum(values) > _LOST_VARIANCE * values.sum()  # ascending: the smallest together are dropped
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
        Everything has its usual meaning; the learning rate is raised as described above.
    seed : int

    Raises
    ------
    FloatingPointError
        If the loss or a predicted risk is not finite.
    """
    r = rows.train.shape[1]
    weight_seed, noise_seed, batch_seed = np.random.SeedSequence(seed).spawn(3)
    weights = Weights(r, settings.hidden, settings.latent)
    initialise(weights, weight_seed, n_features=rows.n_features)
    optimise(
        weights, rows.train, np.asarray(event), np.asarray(time), settings,
        corrupt=_gaussian(rows, settings, np.random.Generator(np.random.SFC64(noise_seed))),
        learning_rate=10.0**settings.log10_learning_rate * np.sqrt(rows.n_features / r),
        rng=np.random.default_rng(batch_seed), n_features_scale=rows.n_features,
    )
    return _log_risk(weights, rows.test)


def _gaussian(rows: ReducedRows, settings: NetworkSettings, rng: np.random.Generator) -> Corruption:
    """Noise of the strength of dropout: on every axis, and on h for the weights that no training row reaches."""
    strength = (np.sqrt(settings.dropout / (1 - settings.dropout)) * rows.rms)[:, None]
    unreached = (rows.n_features - rows.train.shape[1]) * 2.0 / (rows.n_features + settings.hidden)
    strength_h = (strength * np.sqrt(max(unreached, 0.0))).astype(np.float32)

    def corrupt(clean, chosen):
        noisy = rng.standard_normal(clean.shape, dtype=np.float32)
        noisy *= strength[chosen]
        noisy += clean
        noise_h = rng.standard_normal((clean.shape[0], settings.hidden), dtype=np.float32)
        noise_h *= strength_h[chosen]
        return noisy, noise_h

    return corrupt


def _log_risk(weights: Weights, x: np.ndarray) -> np.ndarray:
    h = np.maximum(x @ weights["encoder_hidden.weight"].T + weights["encoder_hidden.bias"], 0)
    z = np.maximum(h @ weights["encoder_code.weight"].T + weights["encoder_code.bias"], 0)
    risk = (z @ weights["risk.weight"][0]).astype(float)
    if not np.isfinite(risk).all():
        raise FloatingPointError("training diverged: predicted risks are not finite")
    return risk
