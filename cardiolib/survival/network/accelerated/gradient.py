"""The loss of :mod:`cardiolib.survival.network.autoencoder` and its gradient, written by hand for speed.

Three things make it faster than automatic differentiation, with the same mathematics:

* all weights live in one flat vector, all gradients in another, so the optimiser makes one call;
* nothing is allocated in the loop, and no gradient with respect to the input is formed;
* with more patients than hidden units, the (N, D) reconstruction is never formed. Its squared error and all
  gradients follow from products of q with itself and with x:
  ``E = q W' + b - x`` gives ``E W = q (W'W) + b W - x W`` and ``E'q = W (q'q) + b (1'q) - x'q``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.risk_sets import RiskSets

CACHE_LINE = 64
"""Bytes. Numbers that straddle two lines are read more slowly, and where memory begins is otherwise left to chance."""


class StepLoss(NamedTuple):
    """Loss of one step and its parts, as in :class:`cardiolib.survival.network.autoencoder.Loss`."""

    total: float
    reconstruction: float
    cox: float
    activity: float


class Weights:
    """The network's weights as named views into one flat vector.

    Both large matrices lie in memory feature by feature, (D, H), the first as the transpose of its view: a block of
    features is then one piece of memory in either. Each begins at a cache line; the numbers between them stay 0.

    Parameters
    ----------
    n_features, hidden, latent : int
        D, H and L.
    dtype : numpy dtype
        float32 to train, float64 to test.
    """

    def __init__(self, n_features: int, hidden: int, latent: int, dtype: npt.DTypeLike = np.float32) -> None:
        shapes = weight_shapes(n_features, hidden, latent)
        line = CACHE_LINE // np.dtype(dtype).itemsize
        lengths = [-(-int(np.prod(shape)) // line) * line for shape in shapes.values()]  # up to the next line
        whole = np.zeros(sum(lengths) + line, dtype=dtype)
        first = -whole.ctypes.data % CACHE_LINE // whole.itemsize
        self.flat = whole[first : first + sum(lengths)]
        self.views: dict[str, np.ndarray] = {}
        start = 0
        for (name, shape), length in zip(shapes.items(), lengths, strict=True):
            part = self.flat[start : start + int(np.prod(shape))]
            self.views[name] = part.reshape(shape[::-1]).T if name == "encoder_hidden.weight" else part.reshape(shape)
            start += length

    def __getitem__(self, name: str) -> np.ndarray:
        return self.views[name]


def weight_shapes(n_features: int, hidden: int, latent: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights, as `SupervisedAutoencoder.state_dict` has them."""
    return {
        "encoder_hidden.weight": (hidden, n_features),
        "encoder_hidden.bias": (hidden,),
        "encoder_code.weight": (latent, hidden),
        "encoder_code.bias": (latent,),
        "risk.weight": (1, latent),
        "decoder_hidden.weight": (hidden, latent),
        "decoder_hidden.bias": (hidden,),
        "decoder_output.weight": (n_features, hidden),
        "decoder_output.bias": (n_features,),
    }


def forward_log_risk(weights: Weights, x: np.ndarray, settings: NetworkSettings) -> np.ndarray:
    """Log risks (N,) float64 of network inputs `x` (N, D), by weights as they are while training.

    Raises
    ------
    FloatingPointError
        A predicted risk is not finite.
    """
    return log_risk_of_first_layer(x @ weights["encoder_hidden.weight"].T, weights, settings)


def log_risk_of_first_layer(read: np.ndarray, weights: Weights, settings: NetworkSettings) -> np.ndarray:
    """Log risks (N,) from what the first layer reads (N, H), before its bias; errors as `forward_log_risk`."""
    lowest = -np.inf if settings.activation == "linear" else 0
    h = np.maximum(read + weights["encoder_hidden.bias"], lowest)
    z = np.maximum(h @ weights["encoder_code.weight"].T + weights["encoder_code.bias"], lowest)
    risk = (z @ weights["risk.weight"][0]).astype(float)
    if not np.isfinite(risk).all():
        raise FloatingPointError("training diverged: predicted risks are not finite")
    return risk


class LossGradient:
    """Loss and gradient of one step.

    Parameters
    ----------
    weights : Weights
        Read at each call; the caller's optimiser changes them.
    alpha, l1 : float
        Weights of the reconstruction error and of the activity penalty.
    exact : bool
        Scales of the ``exact`` protocol (Cox per death, activity per patient) or of ``published`` (sums).
    scale : float, optional
        By what the squared error of a patient is divided, D unless given; another where x holds scores on
        principal axes.
    linear : bool
        Without any ReLU.

    Attributes
    ----------
    gradient : Weights
        Filled by each call, same layout as `weights`.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        alpha: float,
        l1: float,
        exact: bool,
        scale: float | None = None,
        linear: bool = False,
    ) -> None:
        self.weights, self.alpha, self.l1, self.exact, self.linear = weights, alpha, l1, exact, linear
        hidden, n_features = weights["encoder_hidden.weight"].shape
        self.gradient = Weights(n_features, hidden, weights["encoder_code.bias"].size, weights.flat.dtype)
        self._scale = scale or n_features
        self._scratch = np.empty((n_features, hidden), dtype=weights.flat.dtype)

    def __call__(self, noisy: np.ndarray, clean: np.ndarray, risk_sets: RiskSets) -> StepLoss:
        """One step on N patients.

        Parameters
        ----------
        noisy, clean : (N, D) arrays, C-contiguous, of the weights' dtype
            Features after and before corruption.
        risk_sets : RiskSets
            Of these N patients, in this order.
        """
        w, g = self.weights, self.gradient
        n = clean.shape[0]
        h = self._hidden(noisy)  # (N, H)
        h += w["encoder_hidden.bias"]
        h = self._activate(h)
        z = self._activate(h @ w["encoder_code.weight"].T + w["encoder_code.bias"])  # (N, L)
        q = self._activate(z @ w["decoder_hidden.weight"].T + w["decoder_hidden.bias"])  # (N, H)

        reconstruction, dq = self._decoder(q, clean)
        cox, dr = self._cox(z @ w["risk.weight"][0], risk_sets)

        dq *= self._passes(q)
        np.dot(dq.T, z, out=g["decoder_hidden.weight"])
        dq.sum(axis=0, out=g["decoder_hidden.bias"])
        np.dot(dr[None, :], z, out=g["risk.weight"])
        dz = (dq @ w["decoder_hidden.weight"] + dr[:, None] * w["risk.weight"]) * self._passes(z)
        np.dot(dz.T, h, out=g["encoder_code.weight"])
        dz.sum(axis=0, out=g["encoder_code.bias"])
        per = n if self.exact else 1
        activity = float(np.abs(h).sum(dtype=float)) / per
        dh = (dz @ w["encoder_code.weight"] + h.dtype.type(self.l1 / per) * np.sign(h)) * self._passes(h)
        dh.sum(axis=0, out=g["encoder_hidden.bias"])
        self._encoder(dh, noisy)

        total = self.alpha * reconstruction + (1 - self.alpha) * cox + self.l1 * activity
        return StepLoss(total, reconstruction, cox, activity)

    def _activate(self, x: np.ndarray) -> np.ndarray:
        return x if self.linear else np.maximum(x, 0, out=x)

    def _passes(self, activity: np.ndarray) -> np.ndarray | bool:
        return True if self.linear else activity > 0

    def _cox(self, log_risk: np.ndarray, risk_sets: RiskSets) -> tuple[float, np.ndarray]:
        nll, gradient = risk_sets.nll_and_gradient(log_risk)
        per = max(risk_sets.n_events, 1) if self.exact else 1
        return nll / per, (gradient * ((1 - self.alpha) / per)).astype(log_risk.dtype)

    def _hidden(self, noisy: np.ndarray) -> np.ndarray:
        return noisy @ self.weights["encoder_hidden.weight"].T

    def _encoder(self, dh: np.ndarray, noisy: np.ndarray) -> None:
        np.dot(noisy.T, dh, out=self.gradient["encoder_hidden.weight"].T)

    def _decoder(self, q: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Reconstruction error, gradient with respect to q (N, H); fills the output layer's gradients."""
        weight, bias = self.weights["decoder_output.weight"], self.weights["decoder_output.bias"]
        g_weight, g_bias = self.gradient["decoder_output.weight"], self.gradient["decoder_output.bias"]
        n, size = x.shape[0], x.shape[0] * self._scale
        c = x.dtype.type(2 * self.alpha / size)
        if n <= q.shape[1]:
            error = q @ weight.T  # (N, D)
            error += bias
            error -= x
            np.dot(error.T, c * q, out=g_weight)
            np.multiply(error.sum(axis=0), c, out=g_bias)
            return float(np.vdot(error, error)) / size, c * (error @ weight)
        xw, bw, sum_q, sum_x = x @ weight, bias @ weight, q.sum(axis=0), x.sum(axis=0)
        q_gram = q @ (weight.T @ weight)  # (N, H)
        squares = (
            np.vdot(x, x)
            + np.vdot(q, q_gram - 2 * xw)
            + n * np.vdot(bias, bias)
            + 2 * np.vdot(bw, sum_q)
            - 2 * np.vdot(bias, sum_x)
        )
        np.dot(weight, c * (q.T @ q), out=g_weight)
        g_weight -= np.dot(x.T, c * q, out=self._scratch)
        g_weight += np.outer(c * bias, sum_q)
        np.multiply(weight @ sum_q + n * bias - sum_x, c, out=g_bias)
        return max(float(squares), 0.0) / size, c * (q_gram + bw - xw)
