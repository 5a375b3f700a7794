"""What draws the vertices of a shape model: contours along the surface's normal, ends of structures along the axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from cardiolib.imaging import voxel_from_world
from cardiolib.meshes import SurfaceMesh, boundary_loops
from cardiolib.shape.evidence import CONTOURS, Evidence

LOOKS = 6
"""As so many independent observations count all vertices of a rim, or of a pole, together."""


@dataclass(frozen=True)
class ShapeFitSettings:
    """How the model is fitted.

    Parameters
    ----------
    contour_sd_mm : float
        How far a contour is off.
    correlation_mm : float
        Points of a contour nearer than this err together.
    level_sd : float
        How far off, in slices, the level is at which a structure ends.
    landmark_sd_mm : float
    shift_sd_mm : float
        Spread of breath-hold shifts along each axis of a slice.
    outlier_mm : float
        Distances beyond this count less and less.
    iterations : int
    freedom_sd_mm, freedom_mm : float
        Size and smoothness of what the surface may leave the model by; 0 holds it to the model.
    """

    contour_sd_mm: float = 1.0
    correlation_mm: float = 20.0
    level_sd: float = 0.5
    landmark_sd_mm: float = 6.0
    shift_sd_mm: float = 2.5
    outlier_mm: float = 4.0
    iterations: int = 12
    freedom_sd_mm: float = 4.0
    freedom_mm: float = 20.0


class Pull(NamedTuple):
    """What draws some vertices: the way to go (mm) along a direction each, and how much it counts (mm^-2)."""

    vertex: np.ndarray  # (n,)
    direction: np.ndarray  # (n, 3) unit vectors
    gap: np.ndarray  # (n,)
    weight: np.ndarray  # (n,)
    slices: np.ndarray | None = None  # (n,) where the shift of a slice would do as well


def contour_pulls(
    points: np.ndarray, evidence: Evidence, shift_mm: np.ndarray, template: SurfaceMesh, settings: ShapeFitSettings
) -> list[Pull]:
    """Every point of a contour draws the vertex nearest to it, along the surface's normal; one Pull a contour."""
    normals = template.with_points(points[: template.n_points]).vertex_normals()
    pulls = []
    for contour, mine in _vertices_of(template).items():
        k = evidence.slices[contour]
        there = evidence.points[contour] - shift_mm[k] @ evidence.in_plane.T
        vertex = mine[cKDTree(points[mine]).query(there)[1]]
        gap = ((there - points[vertex]) * normals[vertex]).sum(axis=1)
        together = max(1.0, settings.correlation_mm / evidence.spacing[contour])
        weight = evidence.trust.get(contour, 1.0) / (
            settings.contour_sd_mm**2 * together * (1 + (gap / settings.outlier_mm) ** 2)
        )
        pulls.append(Pull(vertex, normals[vertex], gap, weight, k))
    return pulls


def level_pulls(
    points: np.ndarray, evidence: Evidence, template: SurfaceMesh, settings: ShapeFitSettings
) -> Iterator[Pull]:
    """Rims end half a slice above the last slice that shows their structure there, poles half a slice below the first.

    The poles are the lowest vertices of a structure.
    """
    for contour, both in _ends_of(template).items():
        for which, vertices in enumerate(both):
            yield _level_pull(contour, vertices, which, points, evidence, settings)


@lru_cache(maxsize=4)
def _vertices_of(template: SurfaceMesh) -> dict[str, np.ndarray]:
    """Vertices of each contour's surface."""
    return {name: np.flatnonzero(template.region_mask(*regions)) for name, (_, regions) in CONTOURS.items()}


@lru_cache(maxsize=4)
def _ends_of(template: SurfaceMesh) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Poles and rim of each contour's surface."""
    rims = np.concatenate(boundary_loops(template))
    ends = {}
    for contour, mine in _vertices_of(template).items():
        lowest = np.argsort(template.points[mine, 2], kind="stable")[:5]
        ends[contour] = mine[lowest], np.intersect1d(rims, mine)
    return ends


def _level_pull(
    contour: str, vertices: np.ndarray, which: int, points: np.ndarray, evidence: Evidence, settings: ShapeFitSettings
) -> Pull:
    voxel = voxel_from_world(evidence.affine, points[vertices])
    ends = evidence.columns[contour][which]
    at = [np.clip(np.rint(voxel[:, axis]).astype(int), 0, ends.shape[axis] - 1) for axis in (0, 1)]
    end = ends[at[0], at[1]]
    # where the labels reach the first or last slice, the apex lies beyond what was imaged
    seen = (end >= 0) if which else (end > 0) & (end < evidence.n_slices - 1)
    upwards = 1 if evidence.up else -1
    gap = (end + (0.5 if which else -0.5) * upwards - voxel[:, 2]) * evidence.slice_step_mm * upwards
    sd = settings.level_sd * evidence.slice_step_mm
    weight = seen * min(1.0, LOOKS / max(len(vertices), 1)) / (sd**2 * (1 + (gap / evidence.slice_step_mm) ** 2))
    return Pull(vertices, np.tile(evidence.normal, (len(vertices), 1)), np.where(seen, gap, 0.0), weight)
