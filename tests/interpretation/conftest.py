"""A small simulated cohort's motion, made once."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.digital_heart import (
    PHASES,
    DigitalHeart,
    mean_parameters,
    parameters_from_row,
    simulate_outcomes,
    simulate_population,
)
from cardiolib.meshes import decimated_mesh


@pytest.fixture(scope="session")
def rv_mesh():
    """The 202 vertices of the mean PH heart at end-diastole."""
    return decimated_mesh(DigitalHeart(mean_parameters("ph")).points202([0.0])[0])


@pytest.fixture(scope="session")
def hearts():
    """Motion (60, 11514) of simulated hearts, outcomes, and the true log hazard."""
    rng = np.random.default_rng(0)
    population = simulate_population(60, rng=rng)
    outcomes = simulate_outcomes(population, rng=rng, death_fraction=0.5)
    positions = np.stack([DigitalHeart(parameters_from_row(row)).points202(PHASES) for _, row in population.iterrows()])
    X = (positions[:, 1:] - positions[:, :1]).reshape(60, -1).astype(np.float32)
    return X, outcomes["event"].to_numpy(), outcomes["time_years"].to_numpy(), outcomes["log_hazard"].to_numpy()
