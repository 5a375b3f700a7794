"""What notebook 02 reads off its figures, and what it says in the end: sentences made of the run's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cardiolib.steps.small_runs import counted, joined, verdict, whose_numbers

GOOD_SHARE = 0.25
"""Of the true motion that a tracker may miss and still be said to follow it."""


def tracker_at_work(table: pd.DataFrame) -> str:
    """What the iterations gain, and what remains, from the table of `figures.tracker_at_work`."""
    start, end = table.iloc[0], table.iloc[-1]
    if start["error_mm"] == 0:
        return "At end-diastole nothing has moved: choose a later phase."
    share = end["along_mm"] / end["error_mm"] if end["error_mm"] else 0.0
    gained = 1 - end["error_mm"] / start["error_mm"]
    return (
        f"At the start every point rests, and is {start['error_mm']:.1f} mm from where it went. After "
        f"{end['iterations']:.0f} iterations {end['error_mm']:.1f} mm are left ({gained:.0%} are gained). "
        f"{end['along_mm']:.1f} mm lie along the axis of the slices ({share:.0%} of the distance): that direction the "
        "images hardly show."
    )


def motion_of_the_heart(table: pd.DataFrame) -> str:
    """Which wall moves more, from the table of `figures.motion_views`."""
    mean = table.groupby("region")["displacement_mm"].mean()
    if not {"rv_free", "rv_septum"} <= set(mean.index):
        return f"The points move {table['displacement_mm'].mean():.1f} mm on average."
    free, septum = mean["rv_free"], mean["rv_septum"]
    more = "free wall" if free > septum else "septum"
    return (
        f"From ED to ES the free wall moves {free:.1f} mm on average and the septum {septum:.1f} mm: the {more} moves "
        f"more. The farthest point travels {table['displacement_mm'].max():.1f} mm."
    )


def displacement_curves(table: pd.DataFrame) -> str:
    """When motion is largest, and how patients differ, from the table of `figures.displacement_curves`."""
    peak = table.loc[table["mean_mm"].idxmax()]
    spread = peak["high_mm"] - peak["low_mm"]
    return (
        f"The points that move most lie in the region '{peak['region']}': {peak['mean_mm']:.1f} mm on average at "
        f"{peak['percent']:.0f} % of the cycle. There the cohort spreads over {spread:.1f} mm. That spread is what a "
        "model of survival can learn from."
    )


def function(table: pd.DataFrame) -> str:
    """Ejection fractions of the mesh, and of the truth where known, from the table of `figures.function_curves`."""
    parts = []
    for curve in ("LV cavity", "RV cavity"):
        part = table[table["curve"] == curve]
        if not len(part):
            continue
        found = _ejection(part["value"])
        true = _ejection(part["truth"]) if "truth" in part else float("nan")
        known = f" (in truth {true:.0f} %)" if np.isfinite(true) else ""
        parts.append(f"the {curve} ejects {found:.0f} %{known}")
    return f"By the tracked mesh {' and '.join(parts)}." if parts else "There is no curve of a volume."


def endpoint_error(table: pd.DataFrame) -> str:
    """Where and when tracking is worst, from the table of `figures.endpoint_error`."""
    worst = table.loc[table["median_mm"].idxmax()]
    by_region = table[table["phase"] > 0].groupby("region")["median_mm"].mean()
    return (
        f"The error is largest in the {worst['region']}, {worst['median_mm']:.1f} mm at {100 * worst['phase']:.0f} % "
        f"of the cycle. Over the cycle the {by_region.idxmin()} is followed best ({by_region.min():.1f} mm)."
    )


def displacement_encoded(table: pd.DataFrame) -> str:
    """Tracker against measurement at the phase of most motion, from the table of `figures.displacement_encoded`."""
    whole = table[table["region"] == "all points"].dropna(subset=["zero_motion_mm"])
    if not len(whole):
        return "No point could be compared with the measurement."
    row = whole.loc[whole["zero_motion_mm"].idxmax()]
    return (
        f"Where motion is largest, points move {row['zero_motion_mm']:.1f} mm by the measurement, and the tracker is "
        f"{row['error_mean_mm']:.1f} mm from it: {row['in_plane_mm']:.1f} mm in the plane of the slices and "
        f"{row['through_plane_mm']:.1f} mm across them."
    )


def conclusion(metrics: Mapping[str, float], *, simulated: bool) -> list[str]:
    """Claim, what this run says to it, what it cannot say; from the numbers of `motion_metrics`."""
    hearts = int(metrics["tracked_subjects_count"])
    error, moved = metrics.get("endpoint_es_mm"), metrics.get("zero_motion_es_mm")
    if error is None or not moved:
        said = (
            f"This run says nothing to it: {counted(hearts, 'heart')} tracked, and nobody knows where the points went."
        )
    else:
        said = (
            f"{verdict(error <= GOOD_SHARE * moved, hearts=hearts)}: a point of the right ventricle is {error:.1f} mm "
            f"off at end-systole, {error / moved:.0%} of the {moved:.1f} mm that it moved."
        )
        alone, held = (metrics.get(f"{name}_rv_free_es_mm") for name in ("images_alone", "tracking"))
        if alone is not None and held is not None:
            said += (
                f" Tracking alone misses the free wall by {alone:.1f} mm with the images only, and by {held:.1f} mm "
                "with what it knows of other hearts."
            )
    return [
        "The paper's claim: image registration follows the same points of every heart, so that 11,514 numbers "
        "describe its motion.",
        said,
        joined(
            whose_numbers(simulated),
            "It cannot say how well motion across the slices is followed in a patient, where only a measurement such "
            "as DENSE would know.",
        ),
    ]


def _ejection(volume: pd.Series) -> float:
    known = volume.dropna()
    return 100 * float(1 - known.min() / known.iloc[0]) if len(known) and known.iloc[0] > 0 else float("nan")
