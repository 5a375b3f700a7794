"""What notebook 00 reads off its figures, and what it says in the end: sentences made of the run's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cardiolib.steps.small_runs import joined, whose_numbers

CLOSE_POINTS, SAME_POINTS = 5.0, 2.0
"""Ejection fractions that differ by more than the first are in conflict, and by less than the second agree."""


def volume_by_slices(table: pd.DataFrame) -> str:
    """Which slices hold the volume, from the table of `figures.slices_to_volume`."""
    parts = []
    for structure, part in table.groupby("structure", sort=False):
        used = part[part["pixels"] > 0]
        name = "left" if str(structure).startswith("lv") else "right"
        if not len(used):
            parts.append(f"no slice holds any of the {name} cavity")
            continue
        last = used.iloc[-1]
        share = last["volume_ml"] / part["volume_ml"].sum()
        parts.append(
            f"the {name} cavity fills {len(used)} slices and {part['volume_ml'].sum():.0f} mL; its last slice at the "
            f"base alone holds {share:.0%}"
        )
    return f"In this frame {'; '.join(parts)}. One slice more or less at the base changes the volume by that much."


def contours(table: pd.DataFrame) -> str:
    """How the areas change from ED to ES, from the table of `figures.short_axis_mosaic`."""
    cavity = table[table["structure"] == "lv_cavity"].groupby("row", sort=False)["predicted_mm2"]
    largest, slices = cavity.max() / 100, cavity.apply(lambda area: int((area > 0).sum()))
    if not {"ED", "ES"} <= set(largest.index):
        return "The scan shows one of end-diastole and end-systole only, so nothing can be compared."
    return (
        f"The largest contour of the left cavity encloses {largest['ED']:.1f} cm² at ED and {largest['ES']:.1f} cm² "
        f"at ES. Of the drawn slices {slices['ED']} show that cavity at ED and {slices['ES']} at ES"
        + (": the heart also shortens along its axis." if slices["ES"] < slices["ED"] else ".")
    )


def volumes(table: pd.DataFrame) -> str:
    """Ejection fraction by labels and by mesh, from the table of `figures.volume_curves`."""
    parts = []
    for side, name in (("lv", "left"), ("rv", "right")):
        part = table[table["ventricle"] == side]
        found = {str(source): _ejection(one["volume_ml"].to_numpy()) for source, one in part.groupby("source")}
        if len(found) < 2:
            parts.append(f"the {name} ventricle has one curve only")
            continue
        labels, mesh = found["labels"], found["tracked mesh"]
        apart = abs(labels - mesh)
        verdict = (
            "they agree"
            if apart < SAME_POINTS
            else f"they are {apart:.0f} points apart, so one of them is wrong"
            if apart > CLOSE_POINTS
            else "they nearly agree"
        )
        parts.append(
            f"the {name} ventricle ejects {labels:.0f} % by the labels and {mesh:.0f} % by the mesh: {verdict}"
        )
    return f"Here {'; '.join(parts)}."


def strain(table: pd.DataFrame) -> str:
    """Which segments shorten most and least, from the table of `figures.strain_bullseye`."""
    around = table[table["kind"] == "circumferential"].set_index("segment")["peak_percent"].dropna()
    if around.empty:
        return "No segment could be measured."
    most, least = around.idxmin(), around.idxmax()
    return (
        f"Around the heart, segment {most} shortens most ({-around[most]:.0f} %) and segment {least} least "
        f"({-around[least]:.0f} %); the mean is {-around.mean():.0f} %."
    )


def conclusion(metrics: Mapping[str, float], *, simulated: bool) -> list[str]:
    """Claim, what this scan says to it, what it cannot say; from the numbers of `scan_metrics`."""
    labels, mesh = (float(metrics.get(f"lv_ef_{source}_percent", np.nan)) for source in ("labels", "mesh"))
    said = (
        f"This scan: the left ventricle ejects {labels:.0f} % by its labels"
        if np.isfinite(labels)
        else "This scan: no ejection fraction could be computed from labels"
    )
    said += f" and {mesh:.0f} % by its tracked mesh." if np.isfinite(mesh) else "; nothing could be tracked."
    error = metrics.get("lv_ef_labels_error_points")
    if error is not None:
        size = "small" if error <= CLOSE_POINTS else "large"
        said += f" The first is off by {error:.1f} points, which is {size} beside the {CLOSE_POINTS:.0f} that matter."
    return [
        "The paper's claim: labels, volumes and motion of the heart can be computed from cine MR, with nothing drawn "
        "by hand.",
        said,
        joined(
            "It cannot say how often such numbers are right: this is one scan.",
            "Where no truth is known, only the verdicts warn." if error is None else "",
            whose_numbers(simulated).replace("All hearts here are", "This heart is") if simulated else "",
        ),
    ]


def _ejection(volume: np.ndarray) -> float:
    return 100 * float(1 - volume.min() / volume.max()) if volume.max() > 0 else float("nan")
