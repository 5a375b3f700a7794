"""Plane sections of a closed surface: what a stack of slices sees of it."""

from __future__ import annotations

import numpy as np

from cardiolib.meshes.surface import SurfaceMesh
from cardiolib.meshes.topology import boundary_loops


def section_areas_mm2(
    mesh: SurfaceMesh, positions: np.ndarray, *, origin_mm: np.ndarray, normal: np.ndarray, heights_mm: np.ndarray
) -> np.ndarray:
    """Areas in which parallel planes cut a surface that moves; its openings are closed by flat fans.

    Parameters
    ----------
    mesh : SurfaceMesh
        Triangles oriented alike.
    positions : (T, V, 3) array
        Vertices in mm.
    origin_mm, normal : (3,) array
        Of the planes; the normal has length 1.
    heights_mm : (K,) array
        Of each plane along the normal, from the origin.

    Returns
    -------
    (T, K) array
        mm^2; 0 where a plane misses the surface. Holes in a section count against it.

    Examples
    --------
    >>> import pyvista as pv
    >>> ball = pv.Icosphere(radius=10, nsub=4)
    >>> mesh = SurfaceMesh(np.asarray(ball.points, float), ball.regular_faces)
    >>> up = np.array([0.0, 0, 1])
    >>> section_areas_mm2(mesh, mesh.points[None], origin_mm=0 * up, normal=up, heights_mm=[0.1, 6, 11]).round()
    array([[314., 201.,   0.]])
    """
    loops, positions = boundary_loops(mesh), np.asarray(positions, float)
    lids = [
        np.column_stack([np.roll(loop, -1), loop, np.full(len(loop), mesh.n_points + number)])
        for number, loop in enumerate(loops)
    ]
    triangles = np.concatenate([mesh.triangles, *lids])
    middles = [positions[:, loop].mean(axis=1, keepdims=True) for loop in loops]
    points = np.concatenate([positions, *middles], axis=1) - np.asarray(origin_mm, float)
    return np.array([_areas(frame, triangles, np.asarray(normal, float), np.asarray(heights_mm)) for frame in points])


def _areas(points: np.ndarray, triangles: np.ndarray, normal: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """(K,) by the shoelace formula over the segments, which need no order: each knows which side is inside."""
    above = (points @ normal)[triangles][:, None] >= heights[:, None]  # (N, K, 3)
    count = above.sum(axis=2)
    triangle, plane = np.nonzero((count == 1) | (count == 2))
    # the corner that is alone on its side comes first
    alone = np.where(count == 1, above.argmax(axis=2), above.argmin(axis=2))[triangle, plane]
    turned = np.take_along_axis(triangles[triangle], (alone[:, None] + np.arange(3)) % 3, axis=1)
    corners = points[turned]  # (S, 3, 3)
    level = corners @ normal - heights[plane, None]
    ends = [
        corners[:, 0] + (level[:, 0] / (level[:, 0] - level[:, i]))[:, None] * (corners[:, i] - corners[:, 0])
        for i in (1, 2)
    ]
    sign = np.where(count[triangle, plane] == 1, 1.0, -1.0)
    twice = sign * (np.cross(*ends) @ normal)
    return np.abs(np.bincount(plane, weights=twice, minlength=len(heights))) / 2
