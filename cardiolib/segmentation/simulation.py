"""Simulated scans to train on: hearts of the population, imaged at end-diastole and end-systole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from cardiolib.digital_heart import (
    HEART_KINDS,
    AcquisitionSettings,
    DigitalHeart,
    SimulatedScan,
    acquire,
    heart_of_kind,
    parameters_from_row,
    simulate_population,
    varied_heart,
)
from cardiolib.segmentation.examples import Example, make_examples

SCRAMBLED_SHARE = 0.4
"""Of the scans to train on for simulated cohorts. Scans in which muscle and blood are hardly told apart are rare (0.15)
and cause the large errors: with more of them in training those are fewer, and ordinary scans lose next to nothing."""


AS_SIMULATED = AcquisitionSettings(randomise=True, scrambled_share=SCRAMBLED_SHARE)
"""Scans to train on for simulated cohorts."""

KINDS_SHARE = 0.5
"""Of varied hearts: those of a named kind."""

AS_HOSPITALS = AcquisitionSettings(grid_size=112, randomise=True, exclude_outflow=True, detailed=True)
"""Scans to train on for real cohorts: with the detail of real cines, and labels in ACDC's convention."""


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
        By default `AS_HOSPITALS` for varied hearts, else `AS_SIMULATED`.
    control_fraction : float
        Share of healthy hearts; the others have pulmonary hypertension.
    varied : bool
        Hearts and scans as hospitals have them, for a network that is to read real scans. Half of the hearts are of
        the named `HEART_KINDS`, each as often as the others, and the rest are changed far beyond the population
        (`varied_heart`). Slices are 5 to 9 mm thick and 8 to 10.5 mm apart.
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
        acquisition = AS_HOSPITALS if varied else AS_SIMULATED
    rng = np.random.default_rng([int(seed), 0])
    n_controls = round(control_fraction * n_subjects)
    rows = []
    for kind, n in (("ph", n_subjects - n_controls), ("control", n_controls)):
        if n:
            rows += simulate_population(n, kind=kind, rng=rng).to_dict("records")
    rows = [rows[i] for i in rng.permutation(len(rows))]
    acquisitions = [acquisition] * n_subjects
    if varied:
        own = [np.random.default_rng([int(seed), 2, number]) for number in range(n_subjects)]
        rows = [_heart_of_a_hospital(row, rng) for row, rng in zip(rows, own, strict=True)]
        acquisitions = [_slices_of_a_hospital(acquisition, rng) for rng in own]
    items = [(row, how, int(seed), number) for number, (row, how) in enumerate(zip(rows, acquisitions, strict=True))]
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


def _heart_of_a_hospital(row: dict, rng: np.random.Generator) -> dict:
    """A heart of a named kind, or the row's own, varied."""
    if rng.random() < KINDS_SHARE:
        return heart_of_kind(str(rng.choice(list(HEART_KINDS))), rng)
    return varied_heart(row, rng)


def _slices_of_a_hospital(acquisition: AcquisitionSettings, rng: np.random.Generator) -> AcquisitionSettings:
    """The acquisition with slices of another thickness and distance, over the same length."""
    length_mm = acquisition.n_slices * acquisition.slice_distance_mm
    thickness, distance = float(rng.uniform(5.0, 9.0)), float(rng.uniform(8.0, 10.5))
    gap, n_slices = max(distance - thickness, 0.0), round(length_mm / max(distance, thickness))
    return replace(acquisition, thickness_mm=thickness, gap_mm=gap, n_slices=n_slices)


def _image_one(item: tuple[dict, AcquisitionSettings, int, int]) -> SimulatedScan:
    row, acquisition, seed, number = item
    heart = DigitalHeart(parameters_from_row(row))
    rng = np.random.default_rng([seed, 1, number])
    return acquire(heart, acquisition, rng=rng, phases=np.array([0.0, heart.es_phase]))
