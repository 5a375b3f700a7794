"""Six anatomical landmarks read off a label map by geometry, in world millimetres.

They check and replace those of the network's landmark head (see `placing`). The landmarks are those of
`cardiolib.digital_heart.LANDMARKS`.
"""

from __future__ import annotations

import numpy as np

from cardiolib.imaging import OURS, LabelScheme, world_from_voxel
from cardiolib.shape.orientation import Turn, orientation_is_stated, turn_from_affine

APEX_AREA_MM2 = 38.0
"""Smallest LV area (cavity and wall) of a slice that belongs to the ventricle (15 pixels of 1.6 mm)."""

BASE_AREA_MM2 = 77.0
"""Smallest LV cavity area of the basal slice (30 pixels of 1.6 mm)."""

APEX_TO_BASE = np.array([0.64, -0.56, 0.53])
"""Usual direction of the long axis, RAS+."""

LEVEL = 0.55
"""Fraction of the way from apex to base at which the four in-plane landmarks are read."""


def landmarks_from_labels(
    labels: np.ndarray,
    affine: np.ndarray,
    *,
    scheme: LabelScheme = OURS,
    base_is_last: bool | None = None,
    turn: Turn | None = None,
) -> np.ndarray:
    """Place the six landmarks of one frame.

    Parameters
    ----------
    labels : (I, J, K) array
        K is the slice axis.
    affine : (4, 4) array
        Voxel to world mm.
    scheme : LabelScheme
    base_is_last : bool, optional
        Whether the slice index grows towards the base; decided from the labels when not given, see
        `base_is_last_slice`.
    turn : Turn, optional
        How slices are turned to the usual display where the header does not state it; needed only to tell the
        anterior from the inferior insertion then. By default `turn_from_affine`.

    Returns
    -------
    (6, 3) array
        World mm, rows in the order apex, lv_lateral, rv_insertion_anterior, rv_insertion_inferior,
        rv_lateral, mitral_centre. NaN rows where a landmark cannot be placed (no right ventricle, say).

    Notes
    -----
    Apex: centroid of cavity and wall in the first slice that holds the ventricle, half a slice lower.
    Mitral centre: cavity centroid in the last such slice, half a slice higher. The other four lie 0.55 of the way
    between them; their in-plane positions come from the nearest slice that shows both ventricles, with c the
    centroid of the LV there. RV insertions: outermost directions in which the RV is seen from c, at the
    epicardium. RV lateral: the end of the RV cavity in the direction of the RV's centroid. LV lateral: the
    epicardium on the opposite side.
    """
    labels = np.asarray(labels)
    if labels.ndim != 3:
        raise ValueError(f"labels must be one frame (I, J, K), got shape {labels.shape}")
    points = np.full((6, 3), np.nan)
    cavity = labels == scheme.code("lv_cavity")
    ventricle = cavity | (labels == scheme.code("lv_wall"))
    right = labels == scheme.code("rv_cavity")
    pixel_mm = np.linalg.norm(affine[:3, :2], axis=0)
    area = float(pixel_mm.prod())
    in_ventricle = np.flatnonzero(ventricle.sum(axis=(0, 1)) * area > APEX_AREA_MM2)
    in_cavity = np.flatnonzero(cavity.sum(axis=(0, 1)) * area > BASE_AREA_MM2)
    if in_ventricle.size == 0 or in_cavity.size == 0:
        return points
    up = base_is_last_slice(labels, affine, scheme=scheme) if base_is_last is None else base_is_last
    step = 1 if up else -1
    apex_slice, base_slice = (in_ventricle[0], in_cavity[-1]) if up else (in_ventricle[-1], in_cavity[0])
    points[0] = [*_centroid(ventricle[:, :, apex_slice]), apex_slice - 0.5 * step]
    points[5] = [*_centroid(cavity[:, :, base_slice]), base_slice + 0.5 * step]
    middle = points[0, 2] + LEVEL * (points[5, 2] - points[0, 2])
    with_right = np.flatnonzero(
        (right.sum(axis=(0, 1)) * area > APEX_AREA_MM2) & (ventricle.sum(axis=(0, 1)) * area > APEX_AREA_MM2)
    )
    if with_right.size:
        level = int(with_right[np.abs(with_right - middle).argmin()])
        ring = _landmarks_in_plane(ventricle[:, :, level], right[:, :, level], pixel_mm=pixel_mm)
        height = middle if abs(middle - level) <= 0.5 else level
        ring = np.column_stack([ring / pixel_mm, np.full(4, height)])
        lateral, first, second, far = ring
        if not _first_is_anterior(first - second, ring[0] - ring[3], affine, base_step=step, turn=turn):
            first, second = second, first
        points[1:5] = lateral, first, second, far
    return world_from_voxel(affine, points)


def base_is_last_slice(labels: np.ndarray, affine: np.ndarray, *, scheme: LabelScheme = OURS) -> bool:
    """Whether the slice index grows from apex to base.

    Where the header states an orientation, it decides: seen from the apex the base lies to the right, back and up.
    Where it does not (ACDC's stacks run against what their placeholder says), the shape of the ventricles does:
    both cavities are wider towards the base, so the area-weighted mean level of each lies on the basal side of its
    middle, and the right ventricle lies more basal than the left. Of several frames that with the largest LV is looked
    at.

    Parameters
    ----------
    labels : (I, J, K) or (I, J, K, T) array
    affine : (4, 4) array
    scheme : LabelScheme
    """
    along = np.asarray(affine, float)[:3, 2]
    cosine = float(along @ APEX_TO_BASE) / np.linalg.norm(along)
    if orientation_is_stated(affine) and abs(cosine) > 0.3:
        return cosine > 0
    if labels.ndim == 4:  # in other frames the base has come down, and its slice is empty
        largest = int((labels == scheme.code("lv_cavity")).sum(axis=(0, 1, 2)).argmax())
        labels = labels[..., largest]
    k = np.arange(labels.shape[2])
    evidence = 0.0
    means = {}
    for structure in ("lv_cavity", "rv_cavity"):
        area = (labels == scheme.code(structure)).sum(axis=(0, 1)).astype(float)
        if area.sum() > 0:
            inside = np.flatnonzero(area > 0.02 * area.max())
            means[structure] = float((k * area).sum() / area.sum())
            evidence += means[structure] - (inside[0] + inside[-1]) / 2
    if len(means) == 2:
        evidence += means["rv_cavity"] - means["lv_cavity"]
    return evidence >= 0


def _landmarks_in_plane(ventricle: np.ndarray, right: np.ndarray, *, pixel_mm: np.ndarray) -> np.ndarray:
    """LV lateral, the two RV insertions (in no particular order), RV lateral: (4, 2) mm in the plane."""
    lv, rv = np.argwhere(ventricle) * pixel_mm, np.argwhere(right) * pixel_mm
    centre = lv.mean(axis=0)
    to_right = rv.mean(axis=0) - centre
    to_right /= np.linalg.norm(to_right)
    side = np.array([-to_right[1], to_right[0]])

    def polar(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x, y = (points - centre) @ to_right, (points - centre) @ side
        return np.arctan2(y, x), np.hypot(x, y)

    def outermost(points: np.ndarray, angle: float) -> np.ndarray:
        """Where the ray from the centre leaves the points; half a pixel beyond the last pixel's centre."""
        angles, radii = polar(points)
        near = np.abs(np.angle(np.exp(1j * (angles - angle)))) < 0.15
        radius = (radii[near] if near.any() else radii).max() + pixel_mm.mean() / 2
        return centre + radius * (np.cos(angle) * to_right + np.sin(angle) * side)

    first, second = np.quantile(polar(rv)[0], (0.005, 0.995))
    return np.array([outermost(lv, np.pi), outermost(lv, first), outermost(lv, second), outermost(rv, 0.0)])


def _first_is_anterior(
    first_minus_second: np.ndarray,
    lateral_minus_septal: np.ndarray,
    affine: np.ndarray,
    *,
    base_step: int,
    turn: Turn | None,
) -> bool:
    """Whether the first insertion is the anterior one.

    Seen along the direction to the base with the lateral wall on the right, the inferior wall is below:
    inferior = base x lateral in a right-handed world. Where the header states no orientation, the slices as
    displayed decide: down is inferior.
    """
    if not orientation_is_stated(affine):
        turn = turn_from_affine(affine) if turn is None else turn
        return bool(turn.apply_to_positions(first_minus_second[:2], (1, 1))[1] < 0)
    to_world = np.asarray(affine, float)[:3, :3]
    inferior = np.cross(base_step * to_world[:, 2], to_world @ lateral_minus_septal)
    return bool((to_world @ first_minus_second) @ inferior < 0)


def _centroid(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)
