"""Scaling of the features: fitted on training patients, stored with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cardiolib.survival.network.settings import STANDARDISATIONS


@dataclass(frozen=True)
class Standardiser:
    """Features to network inputs and back: ``(X - mean) / scale``.

    Attributes
    ----------
    mean, scale : (D,) float64 arrays
        In the unit of the features (mm). A constant column has scale 1.
    """

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, X: np.ndarray, how: str) -> Standardiser:
        """Learn the scaling from the rows of `X` (N, D); `how` as in `NetworkSettings.standardise`.

        Raises
        ------
        ValueError
            If `how` is unknown.
        """
        if how not in STANDARDISATIONS:
            raise ValueError(f"standardise must be one of {STANDARDISATIONS}, got {how!r}")
        ones = np.ones(X.shape[1])
        if how == "none":
            return cls(np.zeros(X.shape[1]), ones)
        mean, spread = X.mean(axis=0, dtype=float), X.std(axis=0, dtype=float)
        if how == "global":
            common = np.sqrt(np.mean(spread**2))
            return cls(mean, ones * (common if common > 0 else 1.0))
        negligible = spread <= 1e-6 * max(spread.max(), np.abs(mean).max(), 1e-30)  # rounding of a constant
        return cls(mean, np.where(negligible, 1.0, spread))

    def apply(self, X: np.ndarray, dtype: Any = np.float64) -> np.ndarray:
        """Scale features (N, D)."""
        return np.ascontiguousarray((X - self.mean) / self.scale, dtype=dtype)

    def undo(self, Z: np.ndarray) -> np.ndarray:
        """Network inputs (N, D) back to features."""
        return Z * self.scale + self.mean
