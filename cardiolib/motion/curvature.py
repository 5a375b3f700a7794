"""Curvature of the septum over the cycle: a right ventricle under pressure flattens it or bows it to the left."""

from __future__ import annotations

import numpy as np

from cardiolib.meshes import enclosed_volumes_ml, extract_regions, section_areas_mm2, template_mesh
from cardiolib.motion.strain import AROUND, RINGS, left_walls

_HALF_ARC = AROUND // 8
"""Vertices to each side of the middle of a wall: 45 degrees, which is septum in every heart."""
_MIDDLE = {"septum": AROUND // 2, "free wall": 0}  # vertex 0 of a ring is lateral


def wall_curvature(positions: np.ndarray, wall: str = "septum") -> np.ndarray:
    """Curvature of the LV's mid-wall at mid-ventricle, in the short axis.

    Parameters
    ----------
    positions : (T, V, 3) array
        Vertices of the whole template, mm, any frame of reference.
    wall : {"septum", "free wall"}
        The middle 90 degrees of the septum, or the free wall opposite to it.

    Returns
    -------
    (T,) array
        1/mm: one over the radius of the circle through the wall. Positive where the wall is convex seen from outside
        the LV (the normal septum), 0 where it is flat, negative where it is bowed into the LV.

    Notes
    -----
    The wall's points are projected onto the plane of their ring (its two longest principal axes, phase by phase) and
    given coordinates u along the ring and v outwards (away from the opposite wall). The circle is the least-squares
    solution of v = a (u^2 + v^2) + b u + c, which holds for circles and straight lines alike; its curvature is
    2 a / sqrt(1 + b^2 - 4 a c), with the sign changed so that a circle about the LV counts as positive.
    """
    if wall not in _MIDDLE:
        raise ValueError(f"wall must be one of {', '.join(_MIDDLE)}; given {wall!r}")
    inner, outer = left_walls(positions)
    rings = (inner[:, RINGS // 2] + outer[:, RINGS // 2]) / 2
    rings -= rings.mean(axis=1, keepdims=True)
    arc = np.arange(-_HALF_ARC, _HALF_ARC + 1) + _MIDDLE[wall]
    return np.array([_curvature(ring, arc) for ring in rings])


def septal_curvature(positions: np.ndarray) -> dict[str, float]:
    """The septum's curvature as numbers for a table.

    Parameters
    ----------
    positions : (T, V, 3) array
        Vertices of the whole template at T phases from end-diastole, mm.

    Returns
    -------
    dict of str to float
        septal_curvature_ed_per_mm, septal_curvature_es_per_mm (where the LV cavity is smallest),
        septal_curvature_min_per_mm (the flattest of all phases: with pressure in the RV often after the LV's
        end-systole), and septal_curvature_ratio_es: septum / free wall of the LV at end-systole, which is free of the
        heart's size (1 is round, 0 flat, below 0 bowed to the left).
    """
    septum, side = wall_curvature(positions), wall_curvature(positions, "free wall")
    es = end_systole(positions)
    return {
        "septal_curvature_ed_per_mm": float(septum[0]),
        "septal_curvature_es_per_mm": float(septum[es]),
        "septal_curvature_min_per_mm": float(septum.min()),
        "septal_curvature_ratio_es": float(septum[es] / side[es]),
    }


def end_systole(positions: np.ndarray) -> int:
    """Phase at which the LV cavity of the whole template (T, V, 3) is smallest."""
    return int(cavity_volumes_ml(positions, "lv_endo").argmin())


CAVITIES = {"lv": ("lv_endo",), "rv": ("rv_free", "rv_septum")}
"""Cavity -> regions of the template that enclose it."""


def cavity_volumes_ml(positions: np.ndarray, *regions: str) -> np.ndarray:
    """(T,) volume in mL inside the named surfaces of the whole template (T, V, 3), closed by flat caps."""
    part, index = extract_regions(template_mesh(), *regions)
    return enclosed_volumes_ml(part, np.asarray(positions, float)[:, index], cap=True)


def imaged_volumes_ml(positions: np.ndarray, affine: np.ndarray, n_slices: int, *regions: str) -> np.ndarray:
    """(T,) volume in mL inside the named surfaces as a stack of slices sees it: areas in its planes times their step.

    A stack that ends below the base, or above the apex, shows less of a cavity than the whole mesh encloses; volumes of
    labels compare with these.

    Parameters
    ----------
    positions : (T, V, 3) array
        Vertices of the whole template, world mm.
    affine : (4, 4) array
        Voxel indices to world mm; the third axis counts `n_slices` slices.
    """
    part, index = extract_regions(template_mesh(), *regions)
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    normal /= np.linalg.norm(normal)
    heights = np.arange(n_slices) * (affine[:3, 2] @ normal)
    moving = np.asarray(positions, float)[:, index]
    areas = section_areas_mm2(part, moving, origin_mm=affine[:3, 3], normal=normal, heights_mm=heights)
    return areas.sum(axis=1) * abs(affine[:3, 2] @ normal) / 1000.0


def _curvature(ring: np.ndarray, arc: np.ndarray) -> float:
    """Signed curvature of the points `arc` of a centred ring (n, 3)."""
    plane = np.linalg.svd(ring, full_matrices=False)[2][:2]
    flat = ring @ plane.T
    points, opposite = flat[arc % len(ring)], flat[(arc + len(ring) // 2) % len(ring)]
    outward = points.mean(axis=0) - opposite.mean(axis=0)
    outward /= np.linalg.norm(outward)
    u, v = points @ [-outward[1], outward[0]], points @ outward
    v = v - v.mean()  # near 0, where the equation is well conditioned
    a, b, c = np.linalg.lstsq(np.column_stack([u * u + v * v, u, np.ones_like(u)]), v, rcond=None)[0]
    return float(-2 * a / np.sqrt(1 + b * b - 4 * a * c))
