"""Training in the principal coordinates of the motion: the same network, an optimiser that sees it from the side.

The motions of N patients span at most N - 1 of the 11,514 dimensions, so weights that read or write anything else
never meet a patient. Rotated to the principal axes of the training rows, each patient is a few dozen scores; a
network trained on them is turned back without loss: the first layer's weights times the axes read the motion itself,
the axes times the last layer's weights write it. The model that is kept has the paper's form and all its inputs.

What differs from training on the inputs is the path of the optimiser. Adam gives every coordinate the same step,
whatever its gradient. Neighbouring points move alike: steps of one size on 11,514 inputs add up along the few widest
axes, and finer motion is hardly learned before the network overfits. Along principal axes the fine motion has
coordinates of its own. (Weight decay as in AdamW keeps the plateau: Loshchilov and Hutter, ICLR 2019.)

Dropout of single features adds noise along every axis. A score sums thousands of dropped features, so the noise is
Gaussian to good accuracy, and it is drawn as such: standard deviation sqrt(p / (1 - p)) times the root mean square of
the patient's features on every axis. (The covariance itself has eigenvalues of 0.5 to 3 times its mean.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival.network.accelerated.gradient import Weights
from cardiolib.survival.network.settings import NetworkSettings

LOST_VARIANCE = 1e-3
"""Axes that together hold less than this share of the training rows' squares are left out."""


@dataclass(frozen=True, eq=False)
class PrincipalRows:
    """Training rows in principal coordinates, and the way back.

    Attributes
    ----------
    axes : (D, k) float32 array or None
        Orthonormal columns, the widest first; None where only the training is wanted.
    n_features : int
        D.
    unit : float
        Root mean square of the scores on the first axis, by which all are divided.
    scores : (N, k) float32 array
        Training rows on the axes, in that unit.
    noise : (N,) float32 array
        Root mean square of each row's features in that unit: the noise on every axis at dropout 1/2.
    """

    axes: np.ndarray | None
    n_features: int
    unit: float
    scores: np.ndarray
    noise: np.ndarray

    @property
    def scale(self) -> float:
        """What a mean over k scores is divided by (in place of k) to be a mean over the D features."""
        return self.n_features / self.unit**2

    def without_axes(self) -> PrincipalRows:
        """The same without the large array, to send to workers."""
        return replace(self, axes=None)

    def project(self, x: np.ndarray) -> np.ndarray:
        """Scores (M, k) of other network inputs (M, D)."""
        return np.ascontiguousarray(x @ self.axes) / np.float32(self.unit)

    def corruption(self, settings: NetworkSettings, rng: np.random.Generator) -> Any:
        """The noise of training: a function of (clean, rows), as `optimise` takes it."""
        strength = (np.sqrt(settings.dropout / (1 - settings.dropout)) * self.noise).astype(np.float32)[:, None]
        buffer = np.empty_like(self.scores)

        def corrupt(clean: np.ndarray, rows: ArrayLike) -> np.ndarray:
            noisy = rng.standard_normal(out=buffer[: clean.shape[0]], dtype=np.float32)
            noisy *= strength[rows]
            noisy += clean
            return noisy

        return corrupt

    def unfold(self, weights: Weights) -> dict[str, np.ndarray]:
        """Weights of the network on all D inputs that computes what `weights` computes on the scores."""
        assert self.axes is not None  # rows without axes never train
        unit = np.float32(self.unit)
        full = dict(weights.views)
        full["encoder_hidden.weight"] = weights["encoder_hidden.weight"] @ self.axes.T / unit  # (H, k) -> (H, D)
        full["decoder_output.weight"] = self.axes @ weights["decoder_output.weight"] * unit  # (k, H) -> (D, H)
        full["decoder_output.bias"] = self.axes @ weights["decoder_output.bias"] * unit
        return full


def principal_rows(x: np.ndarray) -> PrincipalRows:
    """Find the principal axes of scaled training rows `x` (N, D) float32, and the rows on them."""
    n, n_features = x.shape
    wide, precise = n <= n_features, x.astype(float)  # products in float64: the narrow axes are small differences
    values, vectors = np.linalg.eigh(precise @ precise.T if wide else precise.T @ precise)  # ascending
    keep = np.cumsum(values) > LOST_VARIANCE * values.sum()
    keep[-1] = True
    values, vectors = values[keep][::-1], vectors[:, keep][:, ::-1]
    # an eigenvector's sign is arbitrary: without a rule it would depend on the library and change the result
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    length = np.sqrt(np.maximum(values, np.finfo(float).tiny))
    axes = (x.T @ (vectors / length).astype(np.float32)) if wide else vectors.astype(np.float32)
    unit = float(length[0] / np.sqrt(n))
    unit = unit if unit > 1e-12 else 1.0  # rows that are all zero
    scores = (vectors * length if wide else x @ axes) / unit
    noise = np.sqrt(np.mean(x.astype(float) ** 2, axis=1)) / unit
    return PrincipalRows(
        np.ascontiguousarray(axes),
        n_features,
        unit,
        np.ascontiguousarray(scores, dtype=np.float32),
        noise.astype(np.float32),
    )
