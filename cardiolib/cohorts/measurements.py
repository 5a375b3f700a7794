"""Volumes of a subject as the row of numbers that later stages take."""

from __future__ import annotations

from collections.abc import Mapping

VOLUME_COLUMNS = ("RVEDV", "RVESV", "RVEF", "LVEDV", "LVESV", "LVEF")


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
