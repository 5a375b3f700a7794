"""Meshes of a digital heart: vertex i is the same material point in every phase and every subject.

The full mesh has 3,683 vertices in the order lv_endo, lv_epi, rv_free, rv_septum. Each ventricular surface
of the LV is a pole at the apex and rings up to the base; the RV surface is two sheets over (psi/al, U),
welded along the insertions (psi = +-al) and the RV apex (U = 0), whose vertices count as rv_free. Surfaces
are open at the base. Triangles are oriented so that normals point out of the cavity they bound (out of the
wall for lv_epi).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cardiolib.meshes import SurfaceMesh

from .anatomy import Bearing, wrap
from .kinematics import Kinematics

LV_ENDO, LV_EPI, RV_FREE, RV_SEPTUM = range(4)
_RINGS, _AROUND = 20, 48  # LV: rings above the pole, vertices on a ring
_LEVELS, _ACROSS = 28, 33  # RV: vertices from apex to base, and from insertion to insertion


class Lattice(NamedTuple):
    """Where each vertex lies, in coordinates that are the same for every heart."""

    region: NDArray[np.int8]  # LV_ENDO ... RV_SEPTUM
    side: NDArray[np.float64]  # LV: angle Th in radians; RV: psi/al in [-1, 1]
    level: NDArray[np.float64]  # 0 apex to 1 base

    def select(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> Lattice:
        return Lattice(self.region[index], self.side[index], self.level[index])


def surface_points(
    motion: Kinematics, phases: NDArray[np.float64], lattice: Lattice | None = None
) -> NDArray[np.float64]:
    """Vertices (T, V, 3) in mm at phases (T,); of the full mesh, or of another `lattice`."""
    lattice = full_lattice() if lattice is None else lattice
    points = np.empty((len(phases), lattice.region.size, 3))
    phase = motion.phase(phases, 1)
    free = lattice.region == RV_FREE
    rows = lattice.select(~free)
    at, Z = _material(motion, rows)
    left = motion.left(at, Z, phase)
    q = np.where(rows.region == LV_ENDO, left.endo, left.epi)
    # Rounding may leave -1e-13 at the poles.
    points[:, ~free] = motion.place(np.maximum(q, 0.0), left.bearing.psi + np.pi, left.z, phase)
    if free.any():
        at, Z = _material(motion, lattice.select(free))
        right = motion.right(at, Z, phase)
        points[:, free] = motion.place(right.endo, right.bearing.psi + np.pi, right.z, phase)
    return points


@lru_cache(maxsize=1)
def full_lattice() -> Lattice:
    """Lattice of the full mesh."""
    ring_side, ring_level = _grid(2.0 * np.pi * np.arange(_AROUND) / _AROUND, np.arange(1, _RINGS + 1) / _RINGS)
    ring_side, ring_level = np.append(0.0, ring_side), np.append(0.0, ring_level)
    # Finer near the apex, where the RV's depth starts steeply.
    s = np.linspace(0.0, 1.0, _LEVELS)
    side, level = _grid(np.linspace(-1.0, 1.0, _ACROSS), 0.5 * (s + s * s))
    inner = (np.abs(side) < 1.0) & (level > 0.0)
    return Lattice(
        np.repeat(
            np.array([LV_ENDO, LV_EPI, RV_FREE, RV_SEPTUM], np.int8),
            [ring_side.size, ring_side.size, side.size, int(inner.sum())],
        ),
        np.concatenate([ring_side, ring_side, side, side[inner]]),
        np.concatenate([ring_level, ring_level, level, level[inner]]),
    )


@lru_cache(maxsize=1)
def full_triangles() -> NDArray[np.int64]:
    """Triangles (F, 3) of the full mesh."""
    n_left = 1 + _RINGS * _AROUND
    ring = np.arange(_RINGS * _AROUND).reshape(_RINGS, _AROUND) + 1
    ring = np.column_stack([ring, ring[:, 0]])  # close the ring
    pole = np.column_stack([np.zeros(_AROUND, int), ring[0, 1:], ring[0, :-1]])
    left = np.vstack([pole, _quads(ring)])
    free = np.arange(_LEVELS * _ACROSS).reshape(_LEVELS, _ACROSS) + 2 * n_left
    septum = free.copy()  # the border belongs to both sheets
    septum[1:, 1:-1] = np.arange((_LEVELS - 1) * (_ACROSS - 2)).reshape(_LEVELS - 1, -1) + free[-1, -1] + 1
    return np.vstack([left, left + n_left, _quads(free), _quads(septum)[:, ::-1]]).astype(np.int64)


@lru_cache(maxsize=1)
def template_topology() -> SurfaceMesh:
    """Topology and regions of the full mesh (its points are all zero: give it yours by `with_points`)."""
    region = full_lattice().region
    return SurfaceMesh(np.zeros((region.size, 3)), full_triangles(), region)


def _material(motion: Kinematics, lattice: Lattice) -> tuple[Bearing, NDArray[np.float64]]:
    """Angle and height of lattice points in one heart.

    LV: Z = Zmin + s^2 (L - Zmin), which spaces the rings evenly near the pole, where the radius grows like
    the root of the height. RV: Z = z_r + U (L_RV(psi) - z_r).
    """
    p, z_r = motion.parameters, motion.anatomy.rv_apex_mm
    on_left = lattice.region < RV_FREE
    psi = np.where(on_left, wrap(lattice.side - np.pi), lattice.side * p.rv_half_angle_rad)
    bottom = np.where(lattice.region == LV_ENDO, p.apex_height_mm, 0.0)
    Z = np.where(
        on_left,
        bottom + lattice.level**2 * (p.length_mm - bottom),
        z_r + lattice.level * (motion.anatomy.rv_base(psi) - z_r),
    )
    return Bearing.of(psi), Z


def _grid(side: NDArray[np.float64], level: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All pairs, level by level."""
    level, side = np.meshgrid(level, side, indexing="ij")
    return side.ravel(), level.ravel()


def _quads(index: NDArray[np.integer]) -> NDArray[np.integer]:
    """Two triangles for each cell of a grid of vertex indices.

    The diagonal leans outward-down on both halves: at a corner where two welded borders meet, the other
    diagonal would cut off a triangle of border vertices, which both sheets would own.
    """
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    half = a.shape[1] // 2
    left = [part[:, :half].ravel() for part in (a, b, c, d)]
    right = [part[:, half:].ravel() for part in (b, c, d, a)]  # the same cell, started one corner later
    a, b, c, d = (np.concatenate(pair) for pair in zip(left, right, strict=True))
    return np.vstack([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
