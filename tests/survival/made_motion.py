"""Small simulated motion with a known hazard: as many cohorts as a test of training needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Motion(NamedTuple):
    X: np.ndarray
    event: np.ndarray
    time: np.ndarray
    log_hazard: np.ndarray


def simulate_motion(n: int, seed: int, *, n_features: int = 171, noise: float = 0.3) -> Motion:
    """Smooth modes of motion; the hazard follows the third (linear) and the fifth (squared)."""
    modes_rng, rng = np.random.default_rng(99), np.random.default_rng(seed)
    grid = np.linspace(0, 1, n_features)
    phase = modes_rng.uniform(0, 6, size=(6, 1))
    modes = np.sin(np.arange(1, 7)[:, None] * 3 * grid + phase)
    amplitude = rng.normal(size=(n, 6)) * [2, 1.5, 1, 1, 0.8, 0.8]
    X = amplitude @ modes + noise * rng.normal(size=(n, n_features)) + 3 * grid
    log_hazard = 1.2 * amplitude[:, 2] + 0.5 * (amplitude[:, 4] ** 2 - 0.64)
    death, censoring = rng.exponential(size=n) * np.exp(-log_hazard), rng.exponential(size=n) * 1.5
    return Motion(X, death <= censoring, np.minimum(death, censoring), log_hazard)


def wide_motion(seed: int = 0) -> tuple[Motion, Motion]:
    """Patients to train on and to predict, with many more features than patients."""
    return simulate_motion(120, seed + 3, n_features=2000), simulate_motion(80, seed + 4, n_features=2000)
