"""Choosing few points that cover a surface evenly."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from cardiolib.meshes.surface import SurfaceMesh, check_points


def farthest_point_indices(points: np.ndarray, n: int, *, start: int = 0) -> np.ndarray:
    """Greedy farthest-point sampling: each new point is the one farthest from all chosen before.

    Parameters
    ----------
    points : (V, 3) array
        mm. Where the points themselves are spread evenly over a surface, so are the chosen ones.
    n : int
        How many to choose, 1 to V.
    start : int
        Index of the first.

    Returns
    -------
    (n,) int64 array
        Indices in the order chosen; among equally far points the lowest index. Straight-line distances.

    Examples
    --------
    >>> farthest_point_indices(np.array([[0.0, 0, 0], [1, 0, 0], [4, 0, 0], [9, 0, 0]]), 3).tolist()
    [0, 3, 2]
    """
    points = check_points(points)
    if not 1 <= n <= len(points) or not 0 <= start < len(points):
        raise ValueError(f"choose 1 to {len(points)} points, starting at one of them; given n={n}, start={start}")
    chosen = np.empty(n, np.int64)
    chosen[0] = start
    nearest = np.full(len(points), np.inf)
    for i in range(1, n):
        np.minimum(nearest, ((points - points[chosen[i - 1]]) ** 2).sum(axis=1), out=nearest)
        nearest[chosen[:i]] = -1.0
        chosen[i] = nearest.argmax()
    return chosen


def covered_areas_mm2(mesh: SurfaceMesh, indices: np.ndarray) -> np.ndarray:
    """Area of the surface that is nearest to each chosen vertex; a check that a choice is even.

    Parameters
    ----------
    mesh : SurfaceMesh
    indices : (n,) int array
        Chosen vertices.

    Returns
    -------
    (n,) array
        mm^2; sums to the area of the mesh. Its standard deviation over its mean is 0 for a perfectly
        even choice, about 0.2 for farthest points and 0.5 or more for a random choice.

    Examples
    --------
    >>> from cardiolib.meshes import template_mesh
    >>> mesh = template_mesh()
    >>> areas = covered_areas_mm2(mesh, farthest_point_indices(mesh.points, 50))
    >>> areas.shape, bool(np.isclose(areas.sum(), mesh.vertex_areas_mm2().sum()))
    ((50,), True)
    """
    indices = np.asarray(indices)
    nearest = cKDTree(mesh.points[indices]).query(mesh.points)[1]
    return np.bincount(nearest, mesh.vertex_areas_mm2(), minlength=len(indices))


def surface_samples(mesh: SurfaceMesh, spacing_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly by area over a surface.

    Parameters
    ----------
    mesh : SurfaceMesh
    spacing_mm : float
        About one point for each square of this side.

    Returns
    -------
    points : (S, 3) array
        mm. No random numbers: the same mesh gives the same points.
    triangle : (S,) int64 array
        The triangle each point lies in.
    """
    if not (np.isfinite(spacing_mm) and spacing_mm > 0):
        raise ValueError(f"spacing_mm is positive; given {spacing_mm}")
    areas = mesh.triangle_areas_mm2()
    total = np.cumsum(areas)
    n = max(16, int(np.ceil(total[-1] / spacing_mm**2)))
    # Equal steps along the summed area choose the triangles; the additive recurrence of the plastic
    # number (an even, non-random sequence) then spreads the points inside them.
    triangle = np.searchsorted(total, (np.arange(n) + 0.5) / n * total[-1], side="right").clip(max=len(areas) - 1)
    plastic = 1.32471795724474602596
    u = (0.5 + np.arange(1, n + 1) / plastic) % 1.0
    v = (0.5 + np.arange(1, n + 1) / plastic**2) % 1.0
    outside = u + v > 1
    u, v = np.where(outside, 1 - u, u), np.where(outside, 1 - v, v)
    a, b, c = (mesh.points[mesh.triangles[triangle, corner]] for corner in range(3))
    return a + u[:, None] * (b - a) + v[:, None] * (c - a), triangle
