"""Conventional indices of function, from label maps, landmarks and tracked points."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.imaging import LabelMap
from cardiolib.meshes import MATCHED_VERTICES, decimated_mesh, edges, template_mesh
from cardiolib.motion.strain import AROUND, left_walls


def volume_table(labels: LabelMap, *, ed_frame: int = 0) -> pd.DataFrame:
    """Cavity volumes over the cycle.

    Returns
    -------
    DataFrame
        One row a frame from end-diastole: phase, lv_cavity_ml, lv_wall_ml, rv_cavity_ml (those that the scheme names).
    """
    columns = {
        f"{name}_ml": np.roll(labels.volume_ml(name), -ed_frame)
        for name in ("lv_cavity", "lv_wall", "rv_cavity")
        if name in labels.scheme.codes
    }
    return pd.DataFrame({"phase": np.arange(labels.n_frames) / labels.n_frames, **columns})


def ejection_fraction(volume_ml: np.ndarray) -> float:
    """1 - least volume / volume at phase 0, of a curve (T,) that begins at end-diastole."""
    volume = np.asarray(volume_ml, float)
    if volume.ndim != 1 or len(volume) < 2 or not volume[0] > 0:
        raise ValueError(f"a volume curve has at least two frames and begins above 0; given {volume}")
    return float(1 - volume.min() / volume[0])


def annular_excursion_mm(base: np.ndarray, apex: np.ndarray) -> np.ndarray:
    """Movement of a point of a valve ring towards the apex (TAPSE for the tricuspid, MAPSE for the mitral ring).

    Parameters
    ----------
    base : (T, 3) or (T, n, 3) array
        Point(s) of the ring in mm; the mean of several is taken.
    apex : (3,) array
        Apex at end-diastole.

    Returns
    -------
    (T,) array
        mm towards the apex along the line from ring to apex at end-diastole; its maximum is the excursion.
    """
    ring = np.asarray(base, float)
    ring = ring.mean(axis=1) if ring.ndim == 3 else ring
    return _towards(apex, ring[:, None])[:, 0]


def _towards(apex: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """(T, n) movement of a ring's points (T, n, 3) along the line from its centre to the apex (3,) at the start."""
    axis = np.asarray(apex, float) - ring[0].mean(axis=0)
    return (ring - ring[0]) @ (axis / np.linalg.norm(axis))


def mitral_excursion_mm(positions: np.ndarray) -> np.ndarray:
    """Movement of the mitral ring towards the apex, point by point.

    Parameters
    ----------
    positions : (T, V, 3) array
        Vertices of the whole template at T phases from end-diastole, mm, any frame of reference.

    Returns
    -------
    (T, 48) array
        mm along the line from the ring's centre to the LV's endocardial apex at end-diastole, for the points of the
        LV's basal ring (in the middle of the wall), from the lateral one over the inferior wall and the septum.

    Raises
    ------
    ValueError
        If these are not the template's vertices, or not finite.
    """
    inner, outer = left_walls(positions)
    ring = (inner[:, -1] + outer[:, -1]) / 2
    apex = np.asarray(positions, float)[0, template_mesh().region_mask("lv_endo")][0]
    return _towards(apex, ring)


def mitral_indices(positions: np.ndarray) -> dict[str, float]:
    """MAPSE of the whole template (T, V, 3): the largest excursion of the mitral ring.

    Returns
    -------
    dict of str to float
        mapse_mm (mean of the ring), mapse_septal_mm and mapse_lateral_mm (the ring's 45 degrees at the middle of the
        septum and opposite to it, where echocardiography measures it).
    """
    excursion = mitral_excursion_mm(positions)
    near = np.arange(-(AROUND // 16), AROUND // 16 + 1)
    parts = {"": np.arange(AROUND), "septal_": near + AROUND // 2, "lateral_": near}
    return {f"mapse_{name}mm": float(excursion[:, part].mean(axis=1).max()) for name, part in parts.items()}


def right_ventricular_indices(positions: np.ndarray) -> dict[str, float]:
    """TAPSE and strains of the right ventricle from its 202 vertices.

    Parameters
    ----------
    positions : (T, 202, 3) array
        mm, any frame of reference.

    Returns
    -------
    dict of str to float
        tapse_mm (highest fifth of the free wall against the lowest point), longitudinal_strain and
        circumferential_strain (least, over the phases, mean relative change of length of the free wall's edges that
        run mostly up, or mostly across), septal_strain (all edges of the septum).
    """
    positions = np.asarray(positions, float)
    if positions.ndim != 3 or positions.shape[1:] != (len(MATCHED_VERTICES), 3):
        raise ValueError(f"positions is a (T, {len(MATCHED_VERTICES)}, 3) array; given {positions.shape}")
    template = decimated_mesh(template_mesh().points[MATCHED_VERTICES])
    free, height = template.region_mask("rv_free"), template.points[:, 2]
    ring = free & (height >= np.quantile(height[free], 0.8)) & (np.abs(template.points[:, 1]) < 25)
    tapse = annular_excursion_mm(positions[:, ring], positions[0, height.argmin()]).max()
    a, b = edges(template).T
    direction = template.points[a] - template.points[b]
    direction = np.abs(direction / np.linalg.norm(direction, axis=1, keepdims=True))
    wall, septum = free[a] & free[b], ~free[a] & ~free[b]
    kinds = {
        "longitudinal_strain": wall & (direction[:, 2] > 0.8),
        "circumferential_strain": wall & (direction[:, 2] < 0.4),
        "septal_strain": septum,
    }
    return {"tapse_mm": float(tapse)} | {
        name: float(edge_strain(positions, a[mine], b[mine]).min()) for name, mine in kinds.items()
    }


def edge_strain(positions: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(T,) engineering strain: total length of the edges from points `start` to `end` / that at phase 0 - 1."""
    length = np.linalg.norm(positions[:, start] - positions[:, end], axis=-1).sum(axis=1)
    return length / length[0] - 1
