"""Simulated hearts that resemble ACDC's cines: cropped stacks, vigorous, thick-walled and dilated ventricles.

The cohorts that the tracker was developed on are patients with pulmonary hypertension in full stacks. These are not:
ejection fractions up to 75 %, walls of 14 mm, thin dilated ventricles that hardly move, no slice at the base and none
at the apex, papillary muscles counted as cavity. Their material motion is known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, SimulatedScan, acquire, mean_parameters
from cardiolib.imaging import Cine, LabelMap, pad_or_crop_image

SEED = 4031
CHANGES = {
    "vigorous": {"lvef": 0.75, "rvef": 0.70, "lvedv_ml": 110.0},
    "vigorous, large": {"lvef": 0.70, "rvef": 0.65, "lvedv_ml": 180.0, "rvedv_ml": 200.0},
    "thick walls": {"wall_mm": 14.0, "lvef": 0.75, "lvedv_ml": 100.0, "mapse_mm": 10.0},
    "thick walls, normal ejection": {"wall_mm": 12.0, "lvef": 0.62, "lvedv_ml": 120.0, "mapse_mm": 9.0},
    "dilated": {"wall_mm": 6.0, "lvef": 0.25, "lvedv_ml": 260.0, "mapse_mm": 6.0, "tapse_mm": 14.0, "twist_rad": 0.08},
    "dilated, both ventricles": {
        "wall_mm": 6.0,
        "lvef": 0.15,
        "lvedv_ml": 300.0,
        "rvedv_ml": 240.0,
        "rvef": 0.25,
        "mapse_mm": 5.0,
        "tapse_mm": 9.0,
        "twist_rad": 0.05,
    },
}
"""What each heart has that the mean healthy one has not."""


def lookalikes() -> Iterator[tuple[str, DigitalHeart, SimulatedScan, Cine, LabelMap]]:
    """Name, heart, whole scan, and cine and labels without the slices at the base and at the apex."""
    for number, (name, changes) in enumerate(CHANGES.items()):
        heart = DigitalHeart(replace(mean_parameters("control"), **changes))
        scan = acquire(heart, AcquisitionSettings(), rng=np.random.default_rng([SEED, number]))
        yield name, heart, scan, *cropped(scan)


def cropped(scan: SimulatedScan) -> tuple[Cine, LabelMap]:
    """The slices between base and apex: those that show the LV's cavity in every frame, but for the outermost two."""
    held = np.flatnonzero(scan.labels.mask("lv_cavity").any(axis=(0, 1)).all(axis=1))
    low, high = held[0] + 1, held[-1] - 1
    size = (*scan.cine.shape[:2], high - low + 1)
    centre = [(size[0] - 1) / 2, (size[1] - 1) / 2, (low + high) / 2]
    return (
        pad_or_crop_image(scan.cine, size, centre=centre),
        pad_or_crop_image(scan.labels, size, centre=centre),
    )
