"""What differs between two beating right ventricles, in the terms of the clinic."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.meshes import SurfaceMesh, enclosed_volumes_ml
from cardiolib.motion import annular_excursion_mm, ejection_fraction, right_ventricular_indices

UNITS = {
    "TAPSE": "mm",
    "RV ejection fraction": "%",
    "longitudinal strain, free wall": "%",
    "circumferential strain, free wall": "%",
    "septal strain": "%",
    "septal shift to the left at end-systole": "mm",
    "septum-to-free-wall shortening": "%",
    "time of end-systole": "% of the cycle",
}
"""Rows of :func:`physiology`, and their units.

TAPSE and strains as `cardiolib.motion.right_ventricular_indices`; the rest from the closed surface of the 202 vertices.
"End-systole" is where the right ventricle is smallest, read between phases by a parabola; a delayed right ventricle
reaches it late. The septum shifts to the left (away from the free wall) where it flattens and bows into the left
ventricle; a round, well working septum moves less to the left or to the right.
"""


def physiology(positions: ArrayLike, mesh: SurfaceMesh) -> dict[str, float]:
    """Measures of one beating right ventricle.

    Parameters
    ----------
    positions : (T, 202, 3) array
        mm; frame 0 is end-diastole.
    mesh : SurfaceMesh
        Triangles and regions ("rv_free", "rv_septum") of these points.

    Returns
    -------
    dict of str to float
        Keys and units as in `UNITS`.

    Raises
    ------
    ValueError
        If positions and mesh do not fit, or the mesh has no septum.
    """
    positions, curves = np.asarray(positions, dtype=float), function_over_cycle(positions, mesh)
    indices = right_ventricular_indices(positions)
    volume, n_phases = curves["rv_volume_percent"].to_numpy(), len(positions)
    end_systole = int(volume.argmin())
    values = (
        indices["tapse_mm"],
        100 * ejection_fraction(volume),
        100 * indices["longitudinal_strain"],
        100 * indices["circumferential_strain"],
        100 * indices["septal_strain"],
        curves["septal_shift_mm"].iloc[end_systole],
        curves["shortening_percent"].iloc[end_systole],
        100 * _lowest(volume) / n_phases,
    )
    return {name: float(value) for name, value in zip(UNITS, values, strict=True)}


def function_over_cycle(positions: ArrayLike, mesh: SurfaceMesh) -> pd.DataFrame:
    """What moves, phase by phase.

    Parameters
    ----------
    positions, mesh
        As :func:`physiology`.

    Returns
    -------
    DataFrame
        phase (share of the cycle), rv_volume_percent (of end-diastole), base_descent_mm (highest fifth of the free wall
        along the line to the lowest point), septal_shift_mm (middle of the septum away from the free wall),
        shortening_percent (distance of septum and free wall at mid-level).
    """
    positions = np.asarray(positions, dtype=float)
    if positions.ndim != 3 or positions.shape[1:] != mesh.points.shape or len(positions) < 4:
        raise ValueError(f"positions must be (T, {mesh.n_points}, 3) with at least 4 phases, got {positions.shape}")
    volume = enclosed_volumes_ml(mesh, positions, cap=True)
    septum, free, height = mesh.region_mask("rv_septum"), mesh.region_mask("rv_free"), mesh.points[:, 2]
    if not septum.any() or not free.any():
        raise ValueError("the measures need points of both 'rv_septum' and 'rv_free'")
    middle = septum & _central(mesh, septum)
    left = positions[0, septum].mean(axis=0) - positions[0, free].mean(axis=0)
    shift = (positions - positions[0])[:, middle].mean(axis=1) @ (left / np.linalg.norm(left))
    gap = np.linalg.norm(positions[:, middle].mean(axis=1) - _opposite(positions, mesh, middle, free), axis=1)
    ring = free & (height >= np.quantile(height[free], 0.8))
    return pd.DataFrame(
        {
            "phase": np.arange(len(positions)) / len(positions),
            "rv_volume_percent": 100 * volume / volume[0],
            "base_descent_mm": annular_excursion_mm(positions[:, ring], positions[0, height.argmin()]),
            "septal_shift_mm": shift,
            "shortening_percent": 100 * (1 - gap / gap[0]),
        }
    )


def change_with_risk(
    low: Mapping[str, float],
    high: Mapping[str, float],
    true_low: Mapping[str, float] | None = None,
    true_high: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Measures at low and high risk, their change and, where the truth is known, the true change.

    Parameters
    ----------
    low, high, true_low, true_high : mapping
        From :func:`physiology`.

    Returns
    -------
    DataFrame
        One row a measure: unit, low risk, high risk, change; with a truth also ``true change`` and ``same direction``
        (bool).
    """
    table = pd.DataFrame({"unit": UNITS, "low risk": dict(low), "high risk": dict(high)})
    table["change"] = table["high risk"] - table["low risk"]
    if true_low is not None and true_high is not None:
        table["true change"] = pd.Series(dict(true_high)) - pd.Series(dict(true_low))
        table["same direction"] = np.sign(table["change"]) == np.sign(table["true change"])
    return table.rename_axis("measure")


def describe_change(table: pd.DataFrame) -> list[str]:
    """The rows of :func:`change_with_risk` as sentences, largest change first (relative to the low-risk value)."""
    relative = (table["change"] / table["low risk"].abs()).abs().sort_values(ascending=False, kind="stable")
    sentences = []
    for measure in relative.index:
        row = table.loc[measure]
        text = f"{measure}: {row['low risk']:.1f} {row['unit']} at low risk, {row['high risk']:.1f} at high risk"
        if "true change" in row:
            verdict = "the same direction" if row["same direction"] else "the OTHER direction"
            text += f" (change {row['change']:+.1f}; in truth {row['true change']:+.1f}, {verdict})"
        sentences.append(text)
    return sentences


def _central(mesh: SurfaceMesh, septum: np.ndarray) -> np.ndarray:
    """Points in the middle half of the septum's height and of its width."""
    low, high = np.quantile(mesh.points[septum][:, 1:], [0.25, 0.75], axis=0)
    return ((mesh.points[:, 1:] >= low) & (mesh.points[:, 1:] <= high)).all(axis=1)


def _opposite(positions: np.ndarray, mesh: SurfaceMesh, middle: np.ndarray, free: np.ndarray) -> np.ndarray:
    """(T, 3) mean of the free-wall points at the height and side of the middle of the septum."""
    centre = mesh.points[middle].mean(axis=0)
    wall = np.flatnonzero(free)
    distance = np.linalg.norm(mesh.points[wall][:, 1:] - centre[1:], axis=1)
    outer = mesh.points[wall, 0] < np.median(mesh.points[wall, 0])  # x runs from the free wall to the septum
    near = wall[outer][np.argsort(distance[outer], kind="stable")[:8]]
    return positions[:, near].mean(axis=1)


def _lowest(curve: np.ndarray) -> float:
    """Where a closed curve is lowest, between its samples, by a parabola through three neighbours."""
    at = int(curve.argmin())
    before, here, after = (curve[(at + step) % len(curve)] for step in (-1, 0, 1))
    bend = before - 2 * here + after
    return at + (0.5 * (before - after) / bend if bend > 0 else 0.0)
