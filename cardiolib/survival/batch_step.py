"""One step of Adam on a mini-batch, fused with the gradient so that the large gradients never leave the cache.

A batch of 16 patients is small beside the two large weight matrices (D x H = 11,514 x 160), so a step spends its time
moving memory: gradients are written, read back, and used to update weights and two moments. Here the gradient of a
block of rows is formed in the processor's cache and used for Adam's update at once, which leaves one pass over weights
and moments. The mathematics is that of :class:`cardiolib.survival.gradient.LossGradient` followed by Adam; a test
holds the two together.
"""

from __future__ import annotations

import numba
import numpy as np
import torch

from cardiolib.survival.gradient import LossGradient, StepLoss, Weights
from cardiolib.survival.risk_sets import RiskSets

_BLOCK = 90_000  # numbers in a block: its weights, moments and gradient are 1.4 MB, the size of a second-level cache
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

    def __init__(self, weights: Weights, *, learning_rate: float, epsilon: float, weight_decay: float = 0.0,
                 **loss) -> None:
        super().__init__(weights, **loss)
        hidden, n_features = weights["encoder_hidden.weight"].shape
        shape = (n_features, hidden, weights["encoder_code.bias"].size, weights.flat.dtype)
        self._first, self._second = Weights(*shape), Weights(*shape)
        self._rate, self._epsilon, self._decay, self._steps = learning_rate, epsilon, weight_decay, 0
        self._block = np.empty(_BLOCK + max(hidden, n_features), weights.flat.dtype)

    def __call__(self, noisy: np.ndarray, clean: np.ndarray, risk_sets: RiskSets) -> StepLoss:
        """Loss before the step, as `LossGradient` gives it; the weights have moved afterwards."""
        self._steps += 1
        real = self.weights.flat.dtype.type
        corrected = np.sqrt(1 - BETA_2**self._steps)
        # Adam's bias corrections, moved into rate and epsilon: (m / c1) / (sqrt(v) / c2 + eps)
        self._numbers = (real(self._rate * corrected / (1 - BETA_1**self._steps)), real(self._epsilon * corrected),
                         real(self._decay))
        loss = super().__call__(noisy, clean, risk_sets)
        for name in self.weights.views.keys() - set(_LARGE):
            self._adam(name, slice(None), self.gradient[name])
        return loss

    def _hidden(self, noisy: np.ndarray) -> np.ndarray:
        return _product(noisy, self.weights["encoder_hidden.weight"].T)

    def _encoder(self, dh: np.ndarray, noisy: np.ndarray) -> None:
        self._update("encoder_hidden.weight", slice(None), dh, noisy)

    def _decoder(self, q: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
        weight, bias = self.weights["decoder_output.weight"], self.weights["decoder_output.bias"]
        size = x.shape[0] * self._scale
        c = x.dtype.type(2 * self.alpha / size)
        squares, dq = 0.0, np.zeros_like(q)
        step = max(1, _BLOCK // weight.shape[1])
        for start in range(0, weight.shape[0], step):
            rows = slice(start, start + step)
            error = _product(q, weight[rows].T)
            error += bias[rows]
            error -= x[:, rows]
            squares += float(np.vdot(error, error))
            error *= c
            dq += _product(error, weight[rows])
            error.sum(axis=0, out=self.gradient["decoder_output.bias"][rows])
            self._update("decoder_output.weight", rows, error, q)
        return squares / size, dq

    def _update(self, name: str, rows: slice, left: np.ndarray, right: np.ndarray) -> None:
        """Adam on `rows` of a large matrix with the gradient ``left.T @ right``, a block at a time."""
        first, last, _ = rows.indices(self.weights[name].shape[0])
        width = right.shape[1]
        step = max(1, _BLOCK // width)
        for start in range(first, last, step):
            some = slice(start, min(start + step, last))
            gradient = self._block[: (some.stop - some.start) * width].reshape(-1, width)
            columns = left[:, start - first : some.stop - first]
            torch.mm(torch.from_numpy(columns).T, torch.from_numpy(right), out=torch.from_numpy(gradient))
            self._adam(name, some, gradient)

    def _adam(self, name: str, rows: slice, gradient: np.ndarray) -> None:
        w, m, v = (each[name][rows].reshape(-1) for each in (self.weights, self._first, self._second))
        _adam(w, m, v, gradient.reshape(-1), *self._numbers)


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """``a @ b`` by torch, whose library is twice as fast as numpy's for a flat matrix times a large one."""
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


@numba.njit(nogil=True, fastmath={"contract", "arcp", "nsz"}, error_model="numpy")
def _adam(w, m, v, gradient, rate, epsilon, decay):  # a loop the compiler turns into vector instructions
    b1, c1 = w.dtype.type(BETA_1), w.dtype.type(1 - BETA_1)
    b2, c2 = w.dtype.type(BETA_2), w.dtype.type(1 - BETA_2)
    for i in range(w.size):
        g = gradient[i] + decay * w[i]
        m[i] = b1 * m[i] + c1 * g
        v[i] = b2 * v[i] + c2 * g * g
        w[i] -= rate * m[i] / (np.sqrt(v[i]) + epsilon)
