"""Can a subject's motion be used? Flags with their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cardiolib.imaging import volume_jump
from cardiolib.meshes import SurfaceMesh, edges
from cardiolib.motion.indices import ejection_fraction

FOLDED_FRACTION = 0.001
"""Share of myocardium with a negative volume ratio above which a field is flagged."""

SPREAD = 0.35
"""SD of the volume ratio in the myocardium above which it is not believed."""

CLOSURE_MM = 2.0
FIT_MM = 3.0
FLIPPED_FRACTION = 0.005
EF_GAP_POINTS = 5.0
"""Difference of a ventricle's ejection fraction between tracked mesh and labels, both in the imaged slices."""


@dataclass(frozen=True)
class Quality:
    """Verdict on one subject.

    Parameters
    ----------
    ok : bool
        No flag was raised.
    flags : tuple of str
        Short names: "folding", "volume_ratio", "closure", "volume_jump", "fit", "fit_folding",
        "ejection_fraction".
    reasons : tuple of str
        One sentence a flag, with the number and its limit.
    measures : dict of str to float
        Everything that was looked at.
    """

    ok: bool
    flags: tuple[str, ...]
    reasons: tuple[str, ...]
    measures: dict[str, float]

    def __repr__(self) -> str:
        return "quality: nothing to object to" if self.ok else f"quality: DOUBTFUL, {'; '.join(self.reasons)}"


def assess_quality(
    measures: Mapping[str, float],
    *,
    volumes_ml: Mapping[str, np.ndarray] | None = None,
    mesh_volumes_ml: Mapping[str, np.ndarray] | None = None,
) -> Quality:
    """Judge a tracked subject.

    Parameters
    ----------
    measures : mapping of str to float
        Of the field (`MotionField.measures`) and of the fit ("fit_mm", "fit_flipped"); what is absent is not judged.
    volumes_ml : mapping of str to (T,) array, optional
        Cavity volumes of the labels over the cycle (lv_cavity, rv_cavity), to find frames whose segmentation jumps.
    mesh_volumes_ml : mapping of str to (T,) array, optional
        Cavity volumes of the tracked mesh over its phases, under the same names and in the same slices (see
        `cardiolib.motion.curvature.imaged_volumes_ml`). Where their ejection fraction contradicts that of the labels,
        one of the two is wrong.

    Returns
    -------
    Quality
    """
    found = {name: float(value) for name, value in measures.items()}
    volumes_ml, mesh_volumes_ml = volumes_ml or {}, mesh_volumes_ml or {}
    for name, curve in volumes_ml.items():
        found[f"jump_{name}"] = volume_jump(curve)
        if name in mesh_volumes_ml:
            found |= _ejection_fractions(name, curve, mesh_volumes_ml[name])
    limits = (
        ("folding", "folded_fraction", FOLDED_FRACTION, "of the myocardium is folded"),
        ("volume_ratio", "jacobian_sd", SPREAD, "is the SD of the myocardium's volume ratio"),
        ("closure", "closure_mm", CLOSURE_MM, "mm are left between the last frame and end-diastole"),
        ("fit", "fit_mm", FIT_MM, "mm is the mean distance of the fitted template from the segmentation"),
        ("fit_folding", "fit_flipped", FLIPPED_FRACTION, "of the template's triangles turned over in the fit"),
        *(("volume_jump", f"jump_{name}", 1.0, f"times the limit: {name} jumps between frames") for name in volumes_ml),
        *(
            ("ejection_fraction", f"ef_gap_{name}_points", EF_GAP_POINTS, _contradiction(name, found))
            for name in mesh_volumes_ml
        ),
    )
    flags, reasons = [], []
    for flag, name, limit, words in limits:
        if name in found and not found[name] <= limit:
            flags.append(flag)
            reasons.append(f"{found[name]:.3g} {words} (limit {limit:g})")
    return Quality(not flags, tuple(dict.fromkeys(flags)), tuple(reasons), found)


def _ejection_fractions(name: str, labels_ml: np.ndarray, mesh_ml: np.ndarray) -> dict[str, float]:
    """Ejection fractions in percent and their difference; none of labels that hold no cavity at end-diastole."""
    if not labels_ml[0] > 0:
        return {}
    labels, mesh = 100 * ejection_fraction(labels_ml), 100 * ejection_fraction(mesh_ml)
    return {f"ef_labels_{name}_pct": labels, f"ef_mesh_{name}_pct": mesh, f"ef_gap_{name}_points": abs(mesh - labels)}


def _contradiction(name: str, found: Mapping[str, float]) -> str:
    labels, mesh = (found.get(f"ef_{of}_{name}_pct", np.nan) for of in ("labels", "mesh"))
    return (
        f"points lie between the {name}'s ejection fraction of the mesh ({mesh:.0f} %) and the labels ({labels:.0f} %)"
    )


def edge_ratios(mesh: SurfaceMesh, points: np.ndarray) -> np.ndarray:
    """(E,) length of every edge with the vertices at `points`, relative to its length in `mesh`."""
    a, b = edges(mesh).T
    before = np.linalg.norm(mesh.points[a] - mesh.points[b], axis=1)
    return np.linalg.norm(points[a] - points[b], axis=1) / np.maximum(before, 1e-9)


def flipped_fraction(mesh: SurfaceMesh, points: np.ndarray) -> float:
    """Share of triangles whose normal points to the other side with the vertices at `points`.

    A common rotation of the whole mesh would count: compare meshes in about the same pose.
    """
    before, after = mesh.triangle_normals(), mesh.with_points(points).triangle_normals()
    return float(((before * after).sum(axis=1) < 0).mean())
