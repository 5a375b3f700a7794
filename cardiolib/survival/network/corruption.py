"""The noise of the denoising autoencoder, in one pass over the data."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


class Dropout:
    """Input dropout: each feature of each patient is set to zero with probability p, the rest divided by 1 - p.

    Parameters
    ----------
    probability : float
        In [0, 1).
    rng : numpy.random.Generator
        Drawn from once per call, for the key of a counter-based generator: element i of call k is a hash
        of (key k, i). The same key keeps the same uniform numbers whatever the probability, so two settings
        trained with one seed differ by the setting and not by the luck of the masks.
    """

    def __init__(self, probability: float, rng: np.random.Generator) -> None:
        self._threshold = np.uint32(min(round(probability * 2**32), 2**32 - 1))
        self._scale = 1.0 / (1.0 - probability)
        self._rng = rng

    def __call__(self, x: np.ndarray, out: np.ndarray) -> np.ndarray:
        """Write the corrupted `x` (C-contiguous) into `out`, same shape and dtype, and return it."""
        key = self._rng.integers(0, 2**32, size=2, dtype=np.uint32)
        if self._threshold == 0:
            out[...] = x
        else:
            _drop(x.reshape(-1), out.reshape(-1), self._threshold, x.dtype.type(self._scale), key[0], key[1])
        return out


@numba.njit(nogil=True)
def _drop(
    x: np.ndarray, out: np.ndarray, threshold: Any, scale: Any, key_a: Any, key_b: Any
) -> None:  # a loop the compiler turns into vector instructions
    for i in range(x.size):
        u = np.uint32(np.uint32(i) * np.uint32(0x9E3779B9) + key_a)  # numba widens products: cut back to 32 bits
        u = np.uint32((u ^ (u >> np.uint32(16))) * np.uint32(0x85EBCA6B))
        u = np.uint32((u ^ (u >> np.uint32(13))) * np.uint32(0xC2B2AE35) + key_b)
        u = np.uint32((u ^ (u >> np.uint32(16))) * np.uint32(0x7FEB352D))
        u = np.uint32(u ^ (u >> np.uint32(15)))
        out[i] = x[i] * scale if u >= threshold else x.dtype.type(0)
