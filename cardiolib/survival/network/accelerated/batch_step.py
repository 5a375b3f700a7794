"""One step of Adam on a mini-batch, fused with the gradient so that the large gradients never leave the cache.

A batch of 16 patients is small beside the two large weight matrices (D x H = 11,514 x 160), so a step spends its time
moving memory: gradients are written, read back, and used to update weights and two moments. Here everything that the
step does to a block of features is done while the block lies in the processor's cache, which leaves one pass over
weights and moments. The mathematics is that of :class:`~cardiolib.survival.network.accelerated.gradient.LossGradient`
followed by Adam; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numba
import numpy as np

from cardiolib.survival.network.accelerated.gradient import LossGradient, StepLoss, Weights
from cardiolib.survival.risk_sets import RiskSets

_SMALL = 1_000_000
"""Multiplications in one product: up to here OpenBLAS, where it has kernels for that (AVX-512), does not repack its
operands first, which takes longer than multiplying by a batch; and a block's weights and gradient fit into a cache."""
BETA_1, BETA_2 = 0.9, 0.999
_LARGE = ("encoder_hidden.weight", "decoder_output.weight")


class FusedBatchStep(LossGradient):
    """Loss, gradient and Adam update (Kingma and Ba, ICLR 2015) of one mini-batch; moves `weights` in place.

    Parameters
    ----------
    weights : Weights
    learning_rate, epsilon : float
        Of Adam, betas 0.9 and 0.999.
    weight_decay : float
        Added to the gradient as ``weight_decay * weight`` (coupled L2).
    **loss
        As for `LossGradient`.
    """

    def __init__(
        self, weights: Weights, *, learning_rate: float, epsilon: float, weight_decay: float = 0.0, **loss: Any
    ) -> None:
        super().__init__(weights, **loss)
        hidden, n_features = weights["encoder_hidden.weight"].shape
        shape = (n_features, hidden, weights["encoder_code.bias"].size, weights.flat.dtype)
        self._moving = (weights, Weights(*shape), Weights(*shape))  # and Adam's moments
        self._rate, self._epsilon, self._decay, self._steps = learning_rate, epsilon, weight_decay, 0

    def __call__(self, noisy: np.ndarray, clean: np.ndarray, risk_sets: RiskSets) -> StepLoss:
        """Loss before the step, as `LossGradient` gives it; the weights have moved afterwards."""
        self._steps += 1
        real = self.weights.flat.dtype.type
        corrected = np.sqrt(1 - BETA_2**self._steps)
        # Adam's bias corrections, moved into rate and epsilon: (m / c1) / (sqrt(v) / c2 + eps)
        self._numbers = (
            real(self._rate * corrected / (1 - BETA_1**self._steps)),
            real(self._epsilon * corrected),
            real(self._decay),
        )
        loss = super().__call__(noisy, clean, risk_sets)
        for name in self.weights.views.keys() - set(_LARGE):
            self._adam((each[name] for each in self._moving), self.gradient[name])
        return loss

    def _hidden(self, noisy: np.ndarray) -> np.ndarray:
        weight = self.weights["encoder_hidden.weight"].T
        h = np.zeros((len(noisy), weight.shape[1]), weight.dtype)
        for rows in _blocks(weight.shape, len(noisy)):
            h += noisy[:, rows] @ weight[rows]
        return h

    def _encoder(self, dh: np.ndarray, noisy: np.ndarray) -> None:
        weights = [each["encoder_hidden.weight"].T for each in self._moving]
        for rows in _blocks(weights[0].shape, len(noisy)):
            self._update(weights, rows, noisy[:, rows].T, dh)

    def _decoder(self, q: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = [each["decoder_output.weight"] for each in self._moving], self.weights["decoder_output.bias"]
        size = x.shape[0] * self._scale
        c = x.dtype.type(2 * self.alpha / size)
        squares, dq, transposed = 0.0, np.zeros_like(q), np.ascontiguousarray(q.T)
        for rows in _blocks(weights[0].shape, len(x)):
            error = weights[0][rows] @ transposed  # (rows, N): what is decoded, and then its error
            squares += _subtract(error, x, rows.start, bias, c, self.gradient["decoder_output.bias"])
            dq += error.T @ weights[0][rows]
            self._update(weights, rows, error, q)
        return squares / size, dq

    def _update(self, weights: Sequence[np.ndarray], rows: slice, left: np.ndarray, right: np.ndarray) -> None:
        """Adam on `rows` of a large matrix and of its moments with the gradient ``left @ right``."""
        self._adam((each[rows] for each in weights), left @ right)

    def _adam(self, weights: Iterable[np.ndarray], gradient: np.ndarray) -> None:
        moving = [each.reshape(-1) for each in weights]
        _adam(*moving, gradient.reshape(-1), *self._numbers)  # type: ignore[call-arg,arg-type]  # three arrays


def _blocks(shape: tuple[int, ...], n_patients: int) -> list[slice]:
    """Blocks of rows of a large matrix whose products with a batch are small."""
    n_rows, width = shape
    step = max(1, _SMALL // (width * n_patients))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


@numba.njit(nogil=True, fastmath={"contract", "arcp", "nsz"}, error_model="numpy")
def _adam(
    w: np.ndarray, m: np.ndarray, v: np.ndarray, gradient: np.ndarray, rate: float, epsilon: float, decay: float
) -> None:  # a loop the compiler turns into vector instructions
    b1, c1 = w.dtype.type(BETA_1), w.dtype.type(1 - BETA_1)
    b2, c2 = w.dtype.type(BETA_2), w.dtype.type(1 - BETA_2)
    for i in range(w.size):
        g = gradient[i] + decay * w[i]
        m[i] = b1 * m[i] + c1 * g
        v[i] = b2 * v[i] + c2 * g * g
        w[i] -= rate * m[i] / (np.sqrt(v[i]) + epsilon)


@numba.njit(nogil=True, fastmath={"contract", "reassoc", "nsz"}, error_model="numpy")
def _subtract(
    error: np.ndarray, x: np.ndarray, start: int, bias: np.ndarray, scale: float, bias_gradient: np.ndarray
) -> float:
    """Turn what was decoded of the features from `start` on into ``scale * (decoded + bias - x)``, in place.

    Its sum over patients goes to `bias_gradient`; returns the sum of squares before scaling.
    """
    squares = 0.0
    for i in range(error.shape[0]):
        some = error.dtype.type(0)
        total = error.dtype.type(0)
        for j in range(error.shape[1]):
            d = error[i, j] + bias[start + i] - x[j, start + i]
            some += d * d
            total += d
            error[i, j] = scale * d
        bias_gradient[start + i] = scale * total
        squares += some
    return squares
