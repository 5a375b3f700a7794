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

from cardiolib.digital_heart import DigitalHeart, mean_parameters, template_mesh
from cardiolib.imaging import LabelMap
from cardiolib.meshes import SurfaceMesh
from cardiolib.motion.bspline import SplineGrid
from cardiolib.motion.matching import Sheets, Target, landmark_matches, surface_matches
from cardiolib.motion.quality import edge_ratios, flipped_fraction


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
    target = Target.of(labels, frame, shift)
    template, marks = template_mesh(), _template_landmarks()
    known = np.isfinite(target.landmarks).all(axis=1)
    if known.sum() < 4 or not known[[0, 5]].all():
        raise ValueError("apex, mitral centre and two RV landmarks must be found in the segmentation to place the "
                         "template; is a ventricle missing at end-diastole?")
    scale, rotation, translation = similarity(marks[known], target.landmarks[known])
    points = scale * template.points @ rotation.T + translation
    marks = scale * marks @ rotation.T + translation
    sheet = Sheets.of(template)
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


def _affine_step(
    points: np.ndarray,
    marks: np.ndarray,
    known: np.ndarray,
    sheet: Sheets,
    target: Target,
    template: SurfaceMesh,
    settings: FitSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Move vertices and landmarks by the affine map that best follows the present matches."""
    everything = np.concatenate([points, marks])
    basis = np.column_stack([(everything - everything.mean(axis=0)) / 50.0, np.ones(len(everything))])
    weights, goal = _all_matches(points, marks, known, sheet, target, template, settings)
    change = basis @ _solve(sparse.csr_array(basis), weights, goal - everything, np.eye(4))
    return points + change[: len(points)], marks + change[len(points) :]


def _bend(
    points: np.ndarray,
    marks: np.ndarray,
    known: np.ndarray,
    sheet: Sheets,
    target: Target,
    template: SurfaceMesh,
    settings: FitSettings,
) -> np.ndarray:
    """Deform the vertices by a B-spline, matching anew after each solution."""
    everything = np.concatenate([points, marks])
    grid = SplineGrid.covering(everything.min(axis=0) - 1, everything.max(axis=0) + 1, settings.spacing_mm)
    basis = sparse.csr_array(grid.design(everything))
    rough = grid.bending_matrix() * 100.0  # per (cm^-1)^2
    moved = everything
    for iteration in range(settings.iterations):
        # Stiff at first, so that matches settle before details are followed.
        stiffness = settings.bending * 4.0 ** max(3 - iteration, 0)
        now, now_marks = np.split(moved, [len(points)])
        weights, goal = _all_matches(now, now_marks, known, sheet, target, template, settings)
        penalty = len(points) * (stiffness * rough + 1e-6 * np.eye(len(rough)))
        moved = everything + basis @ _solve(basis, weights, goal - everything, penalty)
    return moved[: len(points)]


def _all_matches(
    points: np.ndarray,
    marks: np.ndarray,
    known: np.ndarray,
    sheet: Sheets,
    target: Target,
    template: SurfaceMesh,
    settings: FitSettings,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (V + 6, 3, 3) and goals (V + 6, 3) of vertices and landmarks."""
    goal, weight, trust = surface_matches(points, sheet, target, template)
    mark_goal, mark_weight = landmark_matches(marks, known, target, settings.landmark_weight, len(points))
    return np.concatenate([weight * trust[:, None, None], mark_weight]), np.concatenate([goal, mark_goal])


def _solve(basis: sparse.csr_array, weights: np.ndarray, offset: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """(n, 3) coefficients c minimising sum_p (B c - offset)_p' W_p (B c - offset)_p + c' penalty c."""
    n = basis.shape[1]
    left, right = np.zeros((3 * n, 3 * n)), np.zeros((3, n))
    for a in range(3):
        for b in range(3):
            right[a] += basis.T @ (weights[:, a, b] * offset[:, b])
        for b in range(a, 3):  # the weights are symmetric
            block = (basis.T @ (basis * weights[:, a, b, None])).toarray()
            left[a * n : (a + 1) * n, b * n : (b + 1) * n] = block
            left[b * n : (b + 1) * n, a * n : (a + 1) * n] = block
        left[a * n : (a + 1) * n, a * n : (a + 1) * n] += penalty
    return np.linalg.solve(left, right.reshape(-1)).reshape(3, n).T
