"""The one scan of a student: two frames, their true labels, and labels with the faults of a network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cardiolib.digital_heart import (
    AcquisitionSettings,
    DigitalHeart,
    acquire,
    parameters_from_row,
    simulate_population,
)
from cardiolib.exercises.students import generator
from cardiolib.imaging import Cine, LabelMap

ED, ES = 0, 1


@dataclass(frozen=True)
class StudentScan:
    """A SIMULATED scan at ED (frame 0) and ES (frame 1).

    Attributes
    ----------
    cine : Cine
    truth, found : LabelMap
        What is there, and what a network with faults found.
    lost_slice : int
        A slice that a careless reader forgot.
    """

    cine: Cine
    truth: LabelMap
    found: LabelMap
    lost_slice: int


def student_scan(student: str) -> StudentScan:
    """Scan a heart of the student's own; spacing and thickness are the student's own too."""
    rng = generator(student, "scan")
    heart = DigitalHeart(parameters_from_row(simulate_population(1, rng=rng).iloc[0]))
    settings = AcquisitionSettings(
        spacing_mm=round(rng.uniform(1.35, 1.75), 3),
        thickness_mm=round(rng.uniform(7.0, 8.5), 2),
        gap_mm=round(rng.uniform(1.0, 2.5), 2),
    )
    scan = acquire(heart, settings, rng=rng, phases=[0.0, heart.es_phase])
    truth = replace(scan.labels, labels=_fixed(scan.labels.labels.copy()))
    found = replace(truth, labels=_fixed(_with_faults(truth, rng)))
    counts = truth.mask("rv_cavity")[..., ED].sum(axis=(0, 1))
    lost = int(rng.choice(np.flatnonzero(counts > 0.4 * counts.max())))
    return StudentScan(scan.cine, truth, found, lost)


def _with_faults(truth: LabelMap, rng: np.random.Generator) -> np.ndarray:
    """Labels moved in the plane by a voxel or two, slice by slice, and pixels of the RV cavity that were missed."""
    labels = np.zeros_like(truth.labels)
    for k in range(truth.labels.shape[2]):
        move = rng.integers(-2, 3, 2)
        labels[:, :, k] = np.roll(truth.labels[:, :, k], move, axis=(0, 1))
    missed = rng.random(labels.shape) < rng.uniform(0.06, 0.14)
    labels[missed & (labels == truth.scheme.code("rv_cavity"))] = 0
    return labels


def _fixed(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
