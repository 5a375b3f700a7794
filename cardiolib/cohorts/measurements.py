"""The numbers that later stages take from a subject: a row of displacements, a row of volumes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

VOLUME_COLUMNS = ("RVEDV", "RVESV", "RVEF", "LVEDV", "LVESV", "LVEF")


def displacements(positions: np.ndarray) -> np.ndarray:
    """(T, V, 3) positions to the ((T-1)*3V,) row of displacements from frame 0 (same unit).

    Column ``(t-1)*3V + 3v + c`` holds coordinate c of point v in frame t minus frame 0: 19 x 202 x 3 =
    11,514 columns in the paper. Nothing is rotated, scaled or centred, as in the released code
    (UK-Digital-Heart-Project/4Dsurvival, inputdata_setup.py).
    """
    positions = np.asarray(positions, dtype=np.float64)
    return (positions[1:] - positions[0]).reshape(-1)


def ejection_fraction_percent(end_diastolic_ml: float, end_systolic_ml: float) -> float:
    """Share of the end-diastolic volume that is ejected, in percent."""
    return 100.0 * (1.0 - end_systolic_ml / end_diastolic_ml) if end_diastolic_ml > 0 else float("nan")


def volumes_row(volumes_ml: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """{"RV": (EDV, ESV), "LV": (EDV, ESV)} in mL to one row of a volumes table."""
    row = {}
    for side, (end_diastolic, end_systolic) in volumes_ml.items():
        row[f"{side}EDV"], row[f"{side}ESV"] = float(end_diastolic), float(end_systolic)
        row[f"{side}EF"] = ejection_fraction_percent(end_diastolic, end_systolic)
    return row
