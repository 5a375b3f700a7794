"""What draws each vertex of the template where: the subject's surfaces, rims, seam and landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from cardiolib.imaging import LabelMap, voxel_from_world
from cardiolib.meshes import SurfaceMesh, boundary_loops, edges
from cardiolib.segmentation import landmarks_from_labels, refine_shape

TARGETS = {"lv_endo": ("lv_endo", 0), "lv_epi": ("lv_epi", 1), "rv_free": ("rv_endo", 2), "rv_septum": ("rv_endo", 3)}
"""Region of the template -> surface of the refined shape and region on it."""

SLIDE = 0.02
"""Weight of a match across the surface beside its weight along the normal (1)."""

IN_PLANE_LANDMARKS = (1, 2, 3, 4)
"""Landmarks whose level along the axis is a convention; only their place in the slice is matched."""

MATCH_LIMIT_MM = 15.0
RIM_RADIUS_MM = 6.0


@dataclass(frozen=True, eq=False)
class Sheets:
    """Which vertices of the template are interior, on a rim, or on the seam of the RV; by region."""

    rim: np.ndarray
    seam: np.ndarray

    @classmethod
    def of(cls, mesh: SurfaceMesh) -> Sheets:
        rim, seam = np.zeros(mesh.n_points, bool), np.zeros(mesh.n_points, bool)
        rim[np.concatenate(boundary_loops(mesh))] = True
        seam[_seam_vertices(mesh)] = True
        return cls(rim, seam)


@dataclass(frozen=True, eq=False)
class Target:
    """The subject's surfaces, by template region: points with normals; rims; the seam; landmarks; slice normal."""

    points: dict[str, np.ndarray]
    normals: dict[str, np.ndarray]
    trees: dict[str, cKDTree]
    rims: dict[str, np.ndarray]
    seam: np.ndarray
    landmarks: np.ndarray
    slice_normal: np.ndarray  # towards the base

    @classmethod
    def of(cls, labels: LabelMap, frame: int, shift_mm: np.ndarray) -> Target:
        refined = refine_shape(labels, frame=frame, correct_shifts=bool(np.abs(shift_mm).max() > 0))
        points, normals, rims, seam = {}, {}, {}, np.zeros((0, 3))
        for region, (surface, number) in TARGETS.items():
            mesh = refined.surfaces[surface]
            # Only one estimate of the shifts may hold in the whole pipeline: the tracker's.
            placed = _moved(mesh.points, labels, refined.slice_shift_mm - shift_mm)
            mine = np.flatnonzero(mesh.region == number)
            if not len(mine):
                raise ValueError(f"the segmentation has no {region} at frame {frame}")
            points[region], normals[region] = placed[mine], mesh.vertex_normals()[mine]
            border = np.concatenate([*boundary_loops(mesh), np.zeros(0, int)]).astype(int)
            rims[region] = placed[border[mesh.region[border] == number]]
            if surface == "rv_endo":
                seam = placed[_seam_vertices(mesh)]
        marks = landmarks_from_labels(labels.frame(frame), labels.affine, scheme=labels.scheme)
        axis = labels.affine[:3, 2] / np.linalg.norm(labels.affine[:3, 2])
        if (marks[5] - marks[0]) @ axis < 0:
            axis = -axis
        trees = {region: cKDTree(part) for region, part in points.items()}
        return cls(points, normals, trees, rims, seam, _moved(marks, labels, -shift_mm), axis)

    def distances(self, mesh: SurfaceMesh) -> dict[str, float]:
        """Mean distance along the normal from the vertices of each region to the surface."""
        out = {}
        for region, tree in self.trees.items():
            near = tree.query(mesh.points[mesh.region_mask(region)])[1]
            gap = mesh.points[mesh.region_mask(region)] - self.points[region][near]
            out[region] = float(np.abs((gap * self.normals[region][near]).sum(axis=1)).mean())
        return out


def _moved(points: np.ndarray, labels: LabelMap, by_mm: np.ndarray) -> np.ndarray:
    """Points moved in-plane by (K, 2) mm, interpolated between slices."""
    level = voxel_from_world(labels.affine, points)[:, 2]
    directions = labels.affine[:3, :2] / labels.spacing_mm[:2]
    moves = np.stack([np.interp(level, np.arange(len(by_mm)), column) for column in by_mm.T], axis=1)
    return points + moves @ directions.T


def _seam_vertices(mesh: SurfaceMesh) -> np.ndarray:
    """Vertices of region rv_free that share an edge with region rv_septum."""
    pairs = edges(mesh)
    region = mesh.region[pairs]
    crossing = (region.min(axis=1) == 2) & (region.max(axis=1) == 3)
    return np.unique(np.where(region[crossing] == 2, pairs[crossing], 0).max(axis=1))


def surface_matches(
    points: np.ndarray, sheet: Sheets, target: Target, template: SurfaceMesh
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every vertex where it is drawn to, and with which (3, 3) weight; then how much (V,)."""
    goal, weight, trust = points.copy(), np.zeros((len(points), 3, 3)), np.ones(len(points))
    for region, tree in target.trees.items():
        mine = np.flatnonzero(template.region_mask(region))
        distance, near = tree.query(points[mine])
        goal[mine] = target.points[region][near]
        normal = target.normals[region][near]
        weight[mine] = normal[:, :, None] * normal[:, None, :] + SLIDE * np.eye(3)
        trust[mine] = 1 / (1 + (distance / MATCH_LIMIT_MM) ** 4)
        rim = mine[sheet.rim[mine]]
        if region.startswith("rv"):
            _drawn_to_height(points, rim, target, goal, weight)
        elif len(target.rims[region]) and len(rim):
            _drawn_to_line(points, rim, target.rims[region], goal, weight)
    seam = np.flatnonzero(sheet.seam & ~sheet.rim)
    if len(target.seam) and len(seam):
        _drawn_to_line(points, seam, target.seam, goal, weight)
    return goal, weight, trust


def _drawn_to_line(
    points: np.ndarray, vertices: np.ndarray, line: np.ndarray, goal: np.ndarray, weight: np.ndarray
) -> None:
    goal[vertices] = line[cKDTree(line).query(points[vertices])[1]]
    weight[vertices] = np.eye(3)


def _drawn_to_height(
    points: np.ndarray, vertices: np.ndarray, target: Target, goal: np.ndarray, weight: np.ndarray
) -> None:
    """The RV's base is higher on the outflow side: each rim vertex is drawn to the top of the surface near it."""
    axis = target.slice_normal
    surface = np.concatenate([target.points["rv_free"], target.points["rv_septum"]])
    height = surface @ axis
    flat = cKDTree(surface - height[:, None] * axis)
    for vertex in vertices:
        level = points[vertex] @ axis
        near = flat.query_ball_point(points[vertex] - level * axis, RIM_RADIUS_MM)
        if near:
            along = np.outer(axis, axis)
            normal_part = weight[vertex] @ (goal[vertex] - points[vertex])
            weight[vertex] = weight[vertex] + along
            # Two wishes, one quadratic form: its minimum is where both pulls balance.
            pull = normal_part + (height[near].max() - level) * axis
            goal[vertex] = points[vertex] + np.linalg.solve(weight[vertex], pull)


def landmark_matches(
    marks: np.ndarray, known: np.ndarray, target: Target, weight: float, total: float
) -> tuple[np.ndarray, np.ndarray]:
    goal = np.where(known[:, None], target.landmarks, marks)
    plane = np.eye(3) - np.outer(target.slice_normal, target.slice_normal)
    weights = np.stack([plane if i in IN_PLANE_LANDMARKS else np.eye(3) for i in range(6)])
    return goal, weights * (weight * total) * known[:, None, None]
