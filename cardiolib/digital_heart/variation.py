"""Hearts beyond the population: dilated, thick-walled, hardly moving, as real cohorts have them."""

from __future__ import annotations

import numpy as np

from .heart import DigitalHeart
from .population import parameters_from_row

VARIATION = {
    "wall_mm": (0.75, 2.0),
    "rv_wall_mm": (0.7, 1.2),
    "lvedv_ml": (0.7, 2.0),
    "rvedv_ml": (0.6, 1.3),
    "length_mm": (0.9, 1.15),
    "outflow_mm": (0.5, 1.3),
    "rv_half_angle_rad": (0.8, 1.2),
    "tapse_mm": (0.3, 1.2),
    "mapse_mm": (0.3, 1.2),
}
"""Factors (smallest, largest) on what a population's heart has, drawn evenly on a logarithmic scale."""

EJECTION = (0.12, 0.75)
"""Ejection fractions of varied hearts, both ventricles each by itself."""

_MAX_DRAWS = 50


def varied_heart(row: dict, rng: np.random.Generator) -> dict:
    """The row with its shape and function changed at random, by draws that the simulator can build."""
    for _ in range(_MAX_DRAWS):
        new = dict(row)
        for name, (low, high) in VARIATION.items():
            new[name] = row[name] * float(np.exp(rng.uniform(np.log(low), np.log(high))))
        new["lvef"], new["rvef"] = rng.uniform(*EJECTION, size=2)
        new["septal_flattening_ed"] = rng.uniform(0.0, 0.5)
        new["septal_flattening_es"] = rng.uniform(0.0, 0.8)
        try:
            DigitalHeart(parameters_from_row(new))
        except ValueError:
            continue
        return new
    return row  # as it was: every row of a population can be built
