"""Drawing simulated controls and computing their indices: the table that `cardiolib.scan.controls` reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.digital_heart import DigitalHeart, simulate_population
from cardiolib.digital_heart.population import parameters_from_row
from cardiolib.files import write_table
from cardiolib.scan.controls import CONTROLS_FILE
from cardiolib.scan.indices import mesh_values
from cardiolib.segmentation.measures import TISSUE_DENSITY_G_PER_ML

N_CONTROLS = 500
SEED = 20190211
_PHASES = np.arange(20) / 20


def build_controls(n: int = N_CONTROLS, *, seed: int = SEED, rows: slice = slice(None)) -> pd.DataFrame:
    """Draw simulated controls and compute their indices.

    Parameters
    ----------
    n : int
        Of the population.
    seed : int
    rows : slice
        Only these of the n.

    Returns
    -------
    DataFrame
        Index ID.
    """
    population = simulate_population(n, kind="control", rng=np.random.default_rng(seed)).iloc[rows]
    hearts = {f"control{i:03d}": DigitalHeart(parameters_from_row(row)) for i, row in population.iterrows()}
    table = pd.DataFrame([control_values(heart) for heart in hearts.values()], index=pd.Index(hearts, name="ID"))
    return table


def control_values(heart: DigitalHeart) -> dict[str, float]:
    """The indices of one digital heart: cavities as labels would show them, and its true surfaces."""
    volumes = heart.volumes_ml(_PHASES)
    values: dict[str, float] = {}
    for side in ("lv", "rv"):
        curve = volumes[f"{side}_cavity"]
        edv, esv = float(curve[0]), float(curve.min())
        values |= {f"{side}_edv_labels_ml": edv, f"{side}_esv_labels_ml": esv, f"{side}_sv_labels_ml": edv - esv}
        values[f"{side}_ef_labels_percent"] = 100 * (1 - esv / edv)
    values["lv_mass_g"] = TISSUE_DENSITY_G_PER_ML * float(volumes["lv_wall"][0])
    return values | mesh_values(heart.surface_sequence(_PHASES))


def write_controls(path: Path = CONTROLS_FILE) -> None:
    """Compute the shipped table and write it."""
    write_table(build_controls(), path, simulated=True, digits=5)
