"""Template to subject: the same vertex on the same anatomical point of every heart at end-diastole.

Six landmarks give a similarity transform, closest points an affine one, and then a B-spline deformation bends the
template onto the subject's surfaces. Interior vertices are drawn along the surface's normal only (they may slide),
vertices of the rims at the base and of the seams at the RV insertions towards rim and seam themselves, because
those lines are what fixes the place of everything between them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from cardiolib.digital_heart import DigitalHeart, mean_parameters, template_mesh
from cardiolib.imaging import LabelMap, voxel_from_world
from cardiolib.meshes import SurfaceMesh, boundary_loops, edges
from cardiolib.motion.bspline import SplineGrid
from cardiolib.motion.quality import edge_ratios, flipped_fraction
from cardiolib.segmentation import landmarks_from_labels, refine_shape
from cardiolib.segmentation.landmarks import base_is_last_slice

TARGETS = {"lv_endo": ("lv_endo", 0), "lv_epi": ("lv_epi", 1), "rv_free": ("rv_endo", 2), "rv_septum": ("rv_endo", 3)}
"""Region of the template -> surface of the refined shape and region on it."""

SLIDE = 0.02
"""Weight of a match across the surface beside its weight along the normal (1)."""

IN_PLANE_LANDMARKS = (1, 2, 3, 4)
"""Landmarks whose level along the axis is a convention; only their place in the slice is matched."""

MATCH_LIMIT_MM = 15.0
RIM_RADIUS_MM = 6.0


@dataclass(frozen=True)
class FitSettings:
    """How the template is fitted.

    Parameters
    ----------
    spacing_mm : float
        Distance between control points of the deformation.
    bending : float
        Weight of its mean squared second derivative (in cm^-1) against the mean squared distance (in mm).
    affine_iterations, iterations : int
    landmark_weight : float
        Of one landmark, relative to all surface matches together.
    """

    spacing_mm: float = 25.0
    bending: float = 30.0
    affine_iterations: int = 8
    iterations: int = 8
    landmark_weight: float = 0.02

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kind = int if field.type == "int" else (int, float)
            if not isinstance(value, kind) or isinstance(value, bool) or not value >= 0:
                raise ValueError(f"{field.name} is a {field.type}, not negative; given {value!r}")
        if self.spacing_mm <= 0:
            raise ValueError(f"spacing_mm must be positive; given {self.spacing_mm!r}")


@dataclass(frozen=True, eq=False)
class FittedTemplate:
    """The template on a subject.

    Parameters
    ----------
    mesh : SurfaceMesh
        Template topology, world mm, at end-diastole.
    distance_mm : dict of str to float
        Mean distance of the vertices of each region to the subject's surface.
    edge_ratio : (2,) float
        1st and 99th percentile of fitted edge length / edge length after the affine step: how much the bending
        alone stretched neighbours apart.
    flipped : float
        Share of triangles turned over by the bending.
    """

    mesh: SurfaceMesh
    distance_mm: dict[str, float]
    edge_ratio: tuple[float, float]
    flipped: float

    @property
    def mean_distance_mm(self) -> float:
        """Mean over the regions."""
        return float(np.mean(list(self.distance_mm.values())))


def fit_template(
    labels: LabelMap,
    *,
    frame: int = 0,
    slice_shift_mm: np.ndarray | None = None,
    settings: FitSettings | None = None,
) -> FittedTemplate:
    """Fit the digital heart's template to a segmented heart.

    Parameters
    ----------
    labels : LabelMap
        Any scheme with lv_cavity, lv_wall and rv_cavity.
    frame : int
        End-diastole.
    slice_shift_mm : (K, 2) array, optional
        In-plane shifts to undo, as the tracker found them; none by default.
    settings : FitSettings, optional

    Raises
    ------
    ValueError
        When a structure is missing, or the landmarks that fix the pose cannot be placed.
    """
    settings = FitSettings() if settings is None else settings
    shift = np.zeros((labels.shape[2], 2)) if slice_shift_mm is None else np.asarray(slice_shift_mm, float)
    if shift.shape != (labels.shape[2], 2):
        raise ValueError(f"slice_shift_mm has one row of two for each of {labels.shape[2]} slices; given {shift.shape}")
    target = _Target.of(labels, frame, shift)
    template, marks = template_mesh(), _template_landmarks()
    known = np.isfinite(target.landmarks).all(axis=1)
    if known.sum() < 4 or not known[[0, 5]].all():
        raise ValueError("apex, mitral centre and two RV landmarks must be found in the segmentation to place the "
                         "template; is a ventricle missing at end-diastole?")
    scale, rotation, translation = similarity(marks[known], target.landmarks[known])
    points = scale * template.points @ rotation.T + translation
    marks = scale * marks @ rotation.T + translation
    sheet = _Sheets.of(template)
    for _ in range(settings.affine_iterations):
        points, marks = _affine_step(points, marks, known, sheet, target, template, settings)
    affine_points = points
    points = _bend(affine_points, marks, known, sheet, target, template, settings)
    mesh = template.with_points(points)
    ratio = edge_ratios(template.with_points(affine_points), points)
    return FittedTemplate(
        mesh, target.distances(mesh), (float(np.percentile(ratio, 1)), float(np.percentile(ratio, 99))),
        flipped_fraction(template.with_points(affine_points), points),
    )


def similarity(points: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale s, rotation R and translation t with target ~ s * points @ R.T + t by least squares (Umeyama 1991)."""
    a, b = points - points.mean(axis=0), target - target.mean(axis=0)
    u, size, vt = np.linalg.svd(b.T @ a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = float((size * signs).sum() / (a**2).sum())
    return scale, rotation, target.mean(axis=0) - scale * rotation @ points.mean(axis=0)


@lru_cache(maxsize=1)
def _template_landmarks() -> np.ndarray:
    return DigitalHeart(mean_parameters("ph")).landmarks(0.0)


@dataclass(frozen=True, eq=False)
class _Sheets:
    """Which vertices of the template are interior, on a rim, or on the seam of the RV; by region."""

    rim: np.ndarray
    seam: np.ndarray

    @classmethod
    def of(cls, mesh: SurfaceMesh) -> _Sheets:
        rim, seam = np.zeros(mesh.n_points, bool), np.zeros(mesh.n_points, bool)
        rim[np.concatenate(boundary_loops(mesh))] = True
        seam[_seam_vertices(mesh)] = True
        return cls(rim, seam)


@dataclass(frozen=True, eq=False)
class _Target:
    """The subject's surfaces, by template region: points with normals; rims; the seam; landmarks; slice normal."""

    points: dict[str, np.ndarray]
    normals: dict[str, np.ndarray]
    trees: dict[str, cKDTree]
    rims: dict[str, np.ndarray]
    seam: np.ndarray
    landmarks: np.ndarray
    slice_normal: np.ndarray  # towards the base

    @classmethod
    def of(cls, labels: LabelMap, frame: int, shift_mm: np.ndarray) -> _Target:
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
        axis = axis if base_is_last_slice(labels.frame(frame), scheme=labels.scheme) else -axis
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


def _matches(
    points: np.ndarray, sheet: _Sheets, target: _Target, template: SurfaceMesh
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
    points: np.ndarray, vertices: np.ndarray, target: _Target, goal: np.ndarray, weight: np.ndarray
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


def _landmark_matches(
    marks: np.ndarray, known: np.ndarray, target: _Target, weight: float, total: float
) -> tuple[np.ndarray, np.ndarray]:
    goal = np.where(known[:, None], target.landmarks, marks)
    plane = np.eye(3) - np.outer(target.slice_normal, target.slice_normal)
    weights = np.stack([plane if i in IN_PLANE_LANDMARKS else np.eye(3) for i in range(6)])
    return goal, weights * (weight * total) * known[:, None, None]


def _affine_step(points, marks, known, sheet, target, template, settings):  # noqa: ANN001, ANN202
    goal, weight, trust = _matches(points, sheet, target, template)
    mark_goal, mark_weight = _landmark_matches(marks, known, target, settings.landmark_weight, len(points))
    everything = np.concatenate([points, marks])
    centre = everything.mean(axis=0)
    basis = np.column_stack([(everything - centre) / 50.0, np.ones(len(everything))])
    offset = np.concatenate([goal - points, mark_goal - marks])
    weights = np.concatenate([weight * trust[:, None, None], mark_weight])
    change = basis @ _solve(sparse.csr_array(basis), weights, offset, 1e-3 * len(points) / 1e3 * np.eye(4))
    return points + change[: len(points)], marks + change[len(points) :]


def _bend(points, marks, known, sheet, target, template, settings):  # noqa: ANN001, ANN202
    everything = np.concatenate([points, marks])
    grid = SplineGrid.covering(everything.min(axis=0) - 1, everything.max(axis=0) + 1, settings.spacing_mm)
    basis = sparse.csr_array(grid.design(everything))
    rough = grid.bending_matrix() * 100.0
    moved, moved_marks = points, marks
    for iteration in range(settings.iterations):
        # Stiff at first, so that matches settle before details are followed.
        stiffness = settings.bending * 4.0 ** max(3 - iteration, 0)
        goal, weight, trust = _matches(moved, sheet, target, template)
        mark_goal, mark_weight = _landmark_matches(moved_marks, known, target, settings.landmark_weight, len(points))
        weights = np.concatenate([weight * trust[:, None, None], mark_weight])
        offset = np.concatenate([goal - points, mark_goal - marks])
        penalty = len(points) * (stiffness * rough + 1e-6 * np.eye(len(rough)))
        change = basis @ _solve(basis, weights, offset, penalty)
        moved, moved_marks = points + change[: len(points)], marks + change[len(points) :]
    return moved


def _solve(basis: sparse.csr_array, weights: np.ndarray, offset: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """(n, 3) coefficients c minimising sum_p (B c - offset)_p' W_p (B c - offset)_p + c' penalty c."""
    n = basis.shape[1]
    left, right = np.zeros((3 * n, 3 * n)), np.zeros((3, n))
    for a in range(3):
        for b in range(3):
            block = weights[:, a, b]
            left[a * n : (a + 1) * n, b * n : (b + 1) * n] = (basis.T @ (basis * block[:, None])).toarray()
            right[a] += basis.T @ (block * offset[:, b])
        left[a * n : (a + 1) * n, a * n : (a + 1) * n] += penalty
    return np.linalg.solve(left, right.reshape(-1)).reshape(3, n).T
