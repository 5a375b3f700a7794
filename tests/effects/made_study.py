"""Studies of simulated patients, as many as the tests of effects need."""

from __future__ import annotations

from cardiolib.cohorts import HabitWorld, simulate_habits
from cardiolib.effects import HabitStudy

TRAITS = ["x_rvef", "x_long", "x_septal", "x_lag"]


def study_of_world(n: int, seed: int, world: HabitWorld | None = None) -> HabitStudy:
    """Traits without an error of measurement: nothing is hidden from the analysis."""
    patients = simulate_habits(n, world, seed=seed)
    return HabitStudy.of_patients(patients, features=patients.physiology[TRAITS])
