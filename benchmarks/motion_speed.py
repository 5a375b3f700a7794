"""Time of one subject's tracking: prior, tracker, template, on two threads. For a machine that does nothing else."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import numpy as np
import torch

from benchmarks.motion import CLINICAL, SEED
from benchmarks.record import record
from cardiolib.digital_heart import DigitalHeart, acquire, parameters_from_row, simulate_population
from cardiolib.motion import fit_template, track
from cardiolib.motion.tracking.population import heart_motion_model
from cardiolib.segmentation.device import threads
from cardiolib.shape import heart_shape_model

REPEATS = 5


def measure() -> list[dict[str, Any]]:
    """Row ``motion.subject_s``."""
    heart_motion_model(), heart_shape_model()  # built once a process, and not charged to a subject
    row = simulate_population(1, rng=np.random.default_rng(SEED)).iloc[0]
    scan = acquire(DigitalHeart(parameters_from_row(row)), CLINICAL, rng=np.random.default_rng(SEED))
    seconds = []
    with threads(2):
        for _ in range(1 + REPEATS):
            started = time.perf_counter()
            field = track(scan.cine, scan.labels, generator=torch.Generator().manual_seed(SEED))
            fit_template(scan.labels, frame=field.ed_frame, slice_shift_mm=field.slice_shift_mm)
            seconds.append(time.perf_counter() - started)
    return [
        {
            "id": "motion.subject_s",
            "value": round(median(seconds[1:]), 3),
            "unit": "s",
            "reach": 5,
            "aim": 2,
            "better": "lower",
            "how": f"20 phases x 12 slices of 96 x 96, two threads, median of {REPEATS}",
        }
    ]


if __name__ == "__main__":
    record("motion_speed", measure())
