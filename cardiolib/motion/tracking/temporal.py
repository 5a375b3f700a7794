"""Functions of the phase of the cardiac cycle that vanish at end-diastole and close the cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HarmonicBasis:
    """(1 - cos 2 pi k t)/k and sin(2 pi k t)/k for k = 1..harmonics: zero at t = 0, periodic.

    Dividing by k makes fast motion dearer, so that equal coefficients mean equal speeds.
    """

    harmonics: int

    @property
    def size(self) -> int:
        """Number of functions M."""
        return 2 * self.harmonics

    def values(self, phases: np.ndarray) -> np.ndarray:
        """(T, M) values at phases (T,), fractions of the cycle from end-diastole."""
        k = np.arange(1, self.harmonics + 1)
        angle = 2 * np.pi * np.mod(np.asarray(phases, float), 1.0)[:, None] * k
        # np.mod makes phase 1 exactly phase 0: the cycle closes to the last bit.
        return np.concatenate([(1 - np.cos(angle)) / k, np.sin(angle) / k], axis=1)


@dataclass(frozen=True)
class LinearBasis:
    """One function a frame: 1 at that frame, 0 at the others and at t = 0 and 1, linear in between.

    Parameters
    ----------
    knots : tuple of float
        Phases of the frames other than end-diastole, increasing, in (0, 1).
    """

    knots: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of functions M."""
        return len(self.knots)

    def values(self, phases: np.ndarray) -> np.ndarray:
        """(T, M) values at phases (T,), fractions of the cycle from end-diastole."""
        knots = np.concatenate([[0.0], self.knots, [1.0]])
        hats = np.eye(len(knots))[:, 1:-1]
        phases = np.mod(np.asarray(phases, float), 1.0)
        return np.stack([np.interp(phases, knots, hat) for hat in hats.T], axis=1)
