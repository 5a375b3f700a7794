"""Simulated scans to train on: hearts of the population, imaged at end-diastole and end-systole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cardiolib.digital_heart import (
    AcquisitionSettings,
    DigitalHeart,
    SimulatedScan,
    acquire,
    parameters_from_row,
    simulate_population,
)


def simulate_training_scans(
    n_subjects: int,
    *,
    seed: int,
    acquisition: AcquisitionSettings | None = None,
    control_fraction: float = 0.3,
    map_units: Callable = map,
) -> list[tuple[str, SimulatedScan]]:
    """Image hearts of patients and controls at end-diastole (frame 0) and end-systole (frame 1).

    Parameters
    ----------
    n_subjects : int
    seed : int
        Hearts and images depend on it alone; subject i has a random stream of its own, so the result does not
        depend on how `map_units` distributes the work.
    acquisition : AcquisitionSettings, optional
        By default the simulator's, with randomised contrast.
    control_fraction : float
        Share of healthy hearts; the others have pulmonary hypertension.
    map_units : callable
        ``map_units(function, items)``, in order; `map` or a parallel one.

    Returns
    -------
    list of (subject, SimulatedScan)
        Subjects are named "train-<seed>-0000" and so on.
    """
    if n_subjects < 1:
        raise ValueError(f"n_subjects must be at least 1, got {n_subjects}")
    if not 0 <= control_fraction <= 1:
        raise ValueError(f"control_fraction must be from 0 to 1, got {control_fraction}")
    acquisition = AcquisitionSettings(randomise=True) if acquisition is None else acquisition
    rng = np.random.default_rng([int(seed), 0])
    n_controls = round(control_fraction * n_subjects)
    rows = []
    for kind, n in (("ph", n_subjects - n_controls), ("control", n_controls)):
        if n:
            rows += simulate_population(n, kind=kind, rng=rng).to_dict("records")
    rows = [rows[i] for i in rng.permutation(len(rows))]
    items = [(row, acquisition, int(seed), number) for number, row in enumerate(rows)]
    names = [f"train-{seed}-{number:04d}" for number in range(n_subjects)]
    return list(zip(names, map_units(_image_one, items), strict=True))


def _image_one(item: tuple[dict, AcquisitionSettings, int, int]) -> SimulatedScan:
    row, acquisition, seed, number = item
    heart = DigitalHeart(parameters_from_row(row))
    rng = np.random.default_rng([seed, 1, number])
    return acquire(heart, acquisition, rng=rng, phases=np.array([0.0, heart.es_phase]))
