"""How far apart two surfaces are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from cardiolib.meshes.sampling import surface_samples
from cardiolib.meshes.surface import SurfaceMesh, check_points


@dataclass(frozen=True)
class SurfaceDistance:
    """Distances between two surfaces in mm, both directions.

    Parameters
    ----------
    assd_mm : float
        Average symmetric surface distance: the mean over all samples of both surfaces, evenly by area.
    hd95_mm : float
        The larger of the two directed 95th percentiles.
    hausdorff_mm : float
        The largest distance of a sample.
    """

    assd_mm: float
    hd95_mm: float
    hausdorff_mm: float


def surface_distance(one: SurfaceMesh, other: SurfaceMesh, *, spacing_mm: float = 1.0) -> SurfaceDistance:
    """Average and 95th-percentile distance between two surfaces.

    Parameters
    ----------
    one, other : SurfaceMesh
        In the same world; they need not share vertices or triangles.
    spacing_mm : float
        Distance between samples. Distances themselves are to the triangles, not to samples, so
        equal surfaces have distance 0.

    Returns
    -------
    SurfaceDistance
    """
    there = distance_to_surface(surface_samples(one, spacing_mm)[0], other, spacing_mm=spacing_mm)
    back = distance_to_surface(surface_samples(other, spacing_mm)[0], one, spacing_mm=spacing_mm)
    return SurfaceDistance(
        assd_mm=float(np.concatenate([there, back]).mean()),
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))),
        hausdorff_mm=float(max(there.max(), back.max())),
    )


def distance_to_surface(
    points: np.ndarray, mesh: SurfaceMesh, *, spacing_mm: float = 1.0, candidates: int = 8
) -> np.ndarray:
    """Unsigned distance of points to a surface.

    Parameters
    ----------
    points : (N, 3) array
        mm.
    mesh : SurfaceMesh
    spacing_mm : float
        Density of the samples that find the candidate triangles.
    candidates : int
        The distance itself is computed to the triangles of this many nearest samples.

    Returns
    -------
    (N,) array
        mm.
    """
    points = check_points(points)
    samples, triangle = surface_samples(mesh, spacing_mm)
    # Corners too: a triangle too small to receive a sample is still found.
    samples = np.concatenate([samples, mesh.points[mesh.triangles].reshape(-1, 3)])
    triangle = np.concatenate([triangle, np.repeat(np.arange(len(mesh.triangles)), 3)])
    nearest = cKDTree(samples).query(points, k=min(candidates, len(samples)))[1].reshape(len(points), -1)
    best = np.full(len(points), np.inf)
    for column in nearest.T:
        np.minimum(best, _point_triangle(points, mesh.points[mesh.triangles[triangle[column]]]), out=best)
    return best


def _point_triangle(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(N,) distance of each point to its triangle; corners is (N, 3, 3).

    The nearest point is the foot of the perpendicular when that lies inside, else it is on an edge.
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    squared = np.minimum.reduce([_point_segment(points, *ends) for ends in ((a, b), (b, c), (c, a))])
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    solid = area > 1e-12
    normal = normal / np.where(solid, area, 1.0)[:, None]
    inside = solid.copy()
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= np.einsum("ij,ij->i", np.cross(end - start, points - start), normal) >= 0
    height = np.einsum("ij,ij->i", points - a, normal)
    return np.where(inside, np.abs(height), np.sqrt(squared))


def _point_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    along = end - start
    length = np.einsum("ij,ij->i", along, along)
    share = np.einsum("ij,ij->i", points - start, along) / np.where(length > 0, length, 1.0)
    foot = start + share.clip(0, 1)[:, None] * along
    return ((points - foot) ** 2).sum(axis=1)
