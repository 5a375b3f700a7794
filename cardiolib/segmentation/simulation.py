"""Simulated scans to train on: hearts of the population, imaged at end-diastole and end-systole."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from cardiolib.digital_heart import (
    AcquisitionSettings,
    DigitalHeart,
    SimulatedScan,
    acquire,
    parameters_from_row,
    simulate_population,
    varied_heart,
)
from cardiolib.segmentation.examples import Example, make_examples

SCRAMBLED_SHARE = 0.4
"""Of the scans to train on for simulated cohorts. Scans in which muscle and blood are hardly told apart are rare (0.15)
and cause the large errors: with more of them in training those are fewer, and ordinary scans lose next to nothing."""


def simulate_training_scans(
    n_subjects: int,
    *,
    seed: int,
    acquisition: AcquisitionSettings | None = None,
    control_fraction: float = 0.3,
    varied: bool = False,
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
        By default the simulator's, with randomised contrast (`SCRAMBLED_SHARE`).
    control_fraction : float
        Share of healthy hearts; the others have pulmonary hypertension.
    varied : bool
        Change sizes, wall thickness and function far beyond the population (`VARIATION`): hearts that are dilated,
        thick-walled or hardly move, as real cohorts have them.
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
    if acquisition is None:
        acquisition = AcquisitionSettings(randomise=True, scrambled_share=SCRAMBLED_SHARE)
    rng = np.random.default_rng([int(seed), 0])
    n_controls = round(control_fraction * n_subjects)
    rows = []
    for kind, n in (("ph", n_subjects - n_controls), ("control", n_controls)):
        if n:
            rows += simulate_population(n, kind=kind, rng=rng).to_dict("records")
    rows = [rows[i] for i in rng.permutation(len(rows))]
    if varied:
        rows = [varied_heart(row, np.random.default_rng([int(seed), 2, number])) for number, row in enumerate(rows)]
    items = [(row, acquisition, int(seed), number) for number, row in enumerate(rows)]
    names = [f"train-{seed}-{number:04d}" for number in range(n_subjects)]
    return list(zip(names, map_units(_image_one, items), strict=True))


def scan_examples(scans: Iterable[tuple[str, SimulatedScan]]) -> list[Example]:
    """Training examples of simulated scans, with their landmarks as the images show them."""
    return [
        example
        for subject, scan in scans
        for example in make_examples(
            scan.cine, scan.labels, subject=subject, landmarks_world_mm=scan.as_imaged(scan.landmarks_world_mm)
        )
    ]


def _image_one(item: tuple[dict, AcquisitionSettings, int, int]) -> SimulatedScan:
    row, acquisition, seed, number = item
    heart = DigitalHeart(parameters_from_row(row))
    rng = np.random.default_rng([seed, 1, number])
    return acquire(heart, acquisition, rng=rng, phases=np.array([0.0, heart.es_phase]))
