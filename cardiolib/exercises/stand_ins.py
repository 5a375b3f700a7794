"""Stand-ins, drawn around the truth, for what a pipeline finds by long work. SIMULATED, all of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

N_REPLICATES = 40


@dataclass(frozen=True)
class Turn:
    """A ring of muscle that turns about its axis: `radius_mm`, `angle_deg`."""

    radius_mm: float
    angle_deg: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Turn:
        return cls(round(rng.uniform(22, 32), 2), round(rng.uniform(28, 45), 1))


@dataclass(frozen=True)
class Particle:
    """A particle of a swarm in one dimension, and the two random numbers of its next step."""

    position: float
    velocity: float
    own_best: float
    swarm_best: float
    r1: float
    r2: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Particle:
        low, high = rng.uniform(0.2, 0.45), rng.uniform(0.5, 0.7)
        values = (low, rng.uniform(-0.1, 0.1), low + rng.uniform(0.02, 0.1), high, *rng.uniform(0.1, 0.5, 2))
        return cls(*(round(float(value), 3) for value in values))


@dataclass(frozen=True)
class Split:
    """A cohort split at its median risk: `hazard_ratio`, and `deaths` in all."""

    hazard_ratio: float
    deaths: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Split:
        return cls(round(rng.uniform(2.0, 4.0), 2), int(rng.integers(40, 100)))


def tracked(true: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, V, 3) positions of a tracker that moves too little or that drifts, one of the two by chance, mm.

    Errors along z, the long axis, are the larger ones, as the slices are thick.
    """
    phases = len(true)
    noise = (
        rng.normal(0, 1, (1, true.shape[1], 3))
        * [0.3, 0.3, 2.5]
        * np.sin(np.pi * np.arange(phases) / phases)[:, None, None]
    )
    if rng.random() < 0.5:
        return true[:1] + rng.uniform(0.55, 0.7) * (true - true[:1]) + noise
    away = rng.normal(0, 1, 3) * [0.5, 0.5, 1.5]
    away *= rng.uniform(5, 8) / np.linalg.norm(away)
    return true + noise + np.linspace(0, 1, phases)[:, None, None] * away


def risks(table: pd.DataFrame, log_hazard: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Log risks of a network, out of fold and apparent: the second also knows how each patient ended."""
    network = log_hazard + rng.normal(0, 1.0, len(table))
    ending = np.where(table["event"], 1.0, -0.3) / (0.5 + table["time"].to_numpy())
    apparent = network + rng.uniform(1.5, 3.0) * (ending - ending.mean()) / ending.std()
    found = pd.DataFrame({"network": network, "apparent": apparent}, index=table.index)
    return (found - found.mean()) / found.std()


def replicates(rng: np.random.Generator) -> pd.DataFrame:
    """C-index of bootstrap models on their bag and on all patients."""
    original = rng.normal(rng.uniform(0.70, 0.76), 0.015, N_REPLICATES)
    bag = original + rng.normal(rng.uniform(0.04, 0.09), 0.02, N_REPLICATES)
    return pd.DataFrame({"bag": bag.round(3), "original": original.round(3)})


def code_of(motion: np.ndarray) -> np.ndarray:
    """(N, 4) principal components of the displacement since ED, scaled to variance 1, each with its largest value up.

    An SVD leaves the sign open; the convention settles it on every processor.
    """
    flat = (motion[:, 1:] - motion[:, :1]).reshape(len(motion), -1)
    scores = np.linalg.svd(flat - flat.mean(axis=0), full_matrices=False)[0][:, :4]
    largest = scores[np.abs(scores).argmax(axis=0), np.arange(4)]
    return scores * np.sign(largest) * np.sqrt(len(scores))
