"""Fitting a model of the heart's shape, in one phase or in many at once, to contours of a segmented heart.

Found together, by least squares: where the heart lies and how it is turned (six numbers), its shape (one number for
each mode of the model, held near zero by the spread of the hearts that the model was learnt from), and how far each
slice was shifted by its breath-hold. Contours draw the nearest surface along its normal; the rims at the base and the
poles at the apex are drawn to the level at which the labels end above and below them. A last step lets the surface
leave the model where the contours insist, by a smooth displacement: a real heart is more than a mixture of simulated
ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from cardiolib.imaging import LabelMap
from cardiolib.meshes import SurfaceMesh
from cardiolib.shape.evidence import CONTOURS, Evidence
from cardiolib.shape.model import ShapeModel, heart_shape_model
from cardiolib.shape.orientation import orientation_is_stated
from cardiolib.shape.pulls import Pull, ShapeFitSettings, contour_pulls, level_pulls


@dataclass(frozen=True, eq=False)
class FittedShape:
    """The template on a segmented heart.

    Attributes
    ----------
    mesh : SurfaceMesh
        Template topology, world mm.
    landmarks_mm : (6, 3) array
        Where the model has them, world mm.
    slice_shift_mm : (K, 2) array
        In-plane displacement of each slice along I and J.
    coefficients : (M,) array
        Of the model's modes, in standard deviations.
    residual_mm : dict of str to float
        Mean distance of the contours' points (shifts undone) to the surface, by contour.
    mirrored : bool
        The image's world is a mirror image of the body: its header states no orientation, and stores slices against
        what the placeholder says (ACDC). The mesh is mirrored with it, and its triangles still face outwards.
    """

    mesh: SurfaceMesh
    landmarks_mm: np.ndarray
    slice_shift_mm: np.ndarray
    coefficients: np.ndarray
    residual_mm: dict[str, float]
    mirrored: bool = False


def fit_shape(
    label_map: LabelMap,
    *,
    frame: int = 0,
    slice_shift_mm: np.ndarray | None = None,
    settings: ShapeFitSettings | None = None,
    model: ShapeModel | None = None,
) -> FittedShape:
    """Fit the shape model to one frame of a label map.

    Parameters
    ----------
    label_map : LabelMap
        Any scheme that names lv_cavity, lv_wall and rv_cavity; K is the slice axis.
    frame : int
    slice_shift_mm : (K, 2) array, optional
        Shifts that are known already (they are the same in all frames); found by default.
    settings : ShapeFitSettings, optional
    model : ShapeModel, optional

    Raises
    ------
    ValueError
        When a structure is present in fewer than two slices, or the landmarks that fix the first pose are missing.
    """
    settings = ShapeFitSettings() if settings is None else settings
    model = heart_shape_model() if model is None else model
    evidence = Evidence.of(label_map, frame)
    fitted = fit_model([evidence], model, settings, slice_shift_mm=slice_shift_mm)
    points = released(fitted.points[0], evidence, fitted.slice_shift_mm, model.template, settings)
    n = model.template.n_points
    mesh = model.template.with_points(points[:n])
    if fitted.mirrored:
        mesh = SurfaceMesh(mesh.points, mesh.triangles[:, ::-1], mesh.region, mesh.region_names)
    return FittedShape(
        mesh, points[n:], fitted.slice_shift_mm, fitted.coefficients, fitted.residual_mm, fitted.mirrored
    )


class FittedModel(NamedTuple):
    """A model on F phases of a heart."""

    points: np.ndarray  # (F, P, 3) world mm
    slice_shift_mm: np.ndarray  # (K, 2)
    coefficients: np.ndarray  # (M,)
    residual_mm: dict[str, float]
    rotation: np.ndarray  # (3, 3) from the model's frame to the world; with a mirror image where that is `mirrored`
    translation: np.ndarray  # (3,)

    @property
    def mirrored(self) -> bool:
        """See `FittedShape`."""
        return bool(np.linalg.det(self.rotation) < 0)

    def place(self, points: np.ndarray) -> np.ndarray:
        """World mm of points (..., 3) in the model's frame."""
        return points @ self.rotation.T + self.translation


def fit_model(
    evidence: Sequence[Evidence], model: ShapeModel, settings: ShapeFitSettings, *, slice_shift_mm: np.ndarray | None
) -> FittedModel:
    """Fit a model of F phases to F frames, whose slices share their shifts.

    Parameters
    ----------
    evidence : sequence of F Evidence
    model : ShapeModel
        Mean (F, P, 3) and modes (M, F, P, 3); the first phase is the one whose landmarks give the first pose.
    settings : ShapeFitSettings
    slice_shift_mm : (K, 2) array or None
        None to find them.

    Raises
    ------
    ValueError
        When the landmarks that fix the first pose are missing, or the shifts are not one row for each slice.
    """
    solver = _Solver(evidence, model, settings, find_shifts=slice_shift_mm is None)
    state = _State.start(evidence[0], model, slice_shift_mm)
    for _ in range(settings.iterations):
        state = solver.step(state)
    points = state.place(model.points(state.coefficients))
    gaps: dict[str, list[np.ndarray]] = {name: [] for name in CONTOURS}
    for frame, one in enumerate(evidence):
        for name, pull in zip(
            CONTOURS, contour_pulls(points[frame], one, state.shift, model.template, settings), strict=True
        ):
            gaps[name].append(np.abs(pull.gap))
    residual = {name: float(np.concatenate(parts).mean()) for name, parts in gaps.items()}
    return FittedModel(points, state.shift, state.coefficients, residual, state.rotation, state.translation)


def released(
    points: np.ndarray, evidence: Evidence, shift_mm: np.ndarray, template: SurfaceMesh, settings: ShapeFitSettings
) -> np.ndarray:
    """Points (P, 3) after the free step: a smooth displacement towards what the model cannot follow.

    The expected value of a Gaussian process of SD `freedom_sd_mm` and length `freedom_mm`, given the pulls.
    """
    if settings.freedom_sd_mm == 0:
        return points
    pulls = [
        *contour_pulls(points, evidence, shift_mm, template, settings),
        *level_pulls(points, evidence, template, settings),
    ]
    vertex, direction, gap, weight, _ = _together(pulls)
    step = max(1, len(vertex) // _RELEASE_POINTS)
    used = np.flatnonzero(weight > 0)[::step]
    vertex, direction, gap, weight = vertex[used], direction[used], gap[used], weight[used] * step

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return settings.freedom_sd_mm**2 * np.exp(-cdist(a, b, "sqeuclidean") / (2 * settings.freedom_mm**2))

    between = kernel(points[vertex], points[vertex]) * (direction @ direction.T) + np.diag(1 / weight)
    return points + kernel(points, points[vertex]) @ (direction * np.linalg.solve(between, gap)[:, None])


_RELEASE_POINTS = 900


@dataclass(frozen=True, eq=False)
class _State:
    """World position = rotation @ model point + translation; shifts by slice."""

    rotation: np.ndarray
    translation: np.ndarray
    coefficients: np.ndarray
    shift: np.ndarray

    @classmethod
    def start(cls, evidence: Evidence, model: ShapeModel, shift: np.ndarray | None) -> _State:
        """Pose by the landmarks, without a change of size: that is the modes' business."""
        marks, known = model.mean[0, -6:], np.isfinite(evidence.landmarks).all(axis=1)
        if known.sum() < 4 or not known[[0, 5]].all():
            raise ValueError(
                "apex, mitral centre and two RV landmarks must be found in the segmentation to place the "
                "template; is a ventricle missing in this frame?"
            )
        a, b = marks[known], evidence.landmarks[known]
        rotation = _alignment(a - a.mean(axis=0), b - b.mean(axis=0), evidence.affine)
        shift = np.zeros((evidence.n_slices, 2)) if shift is None else np.asarray(shift, float)
        if shift.shape != (evidence.n_slices, 2):
            raise ValueError(
                f"slice_shift_mm has one row of two for each of {evidence.n_slices} slices; given {shift.shape}"
            )
        return cls(rotation, b.mean(axis=0) - rotation @ a.mean(axis=0), np.zeros(len(model.modes)), shift)

    def place(self, points: np.ndarray) -> np.ndarray:
        return points @ self.rotation.T + self.translation


def _alignment(points: np.ndarray, target: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Rotation that brings points nearest to target; a mirror image too, where no orientation is stated and it fits."""
    rotation, gap = Rotation.align_vectors(target, points)
    mirror = np.diag([1.0, -1.0, 1.0])
    mirrored, mirrored_gap = Rotation.align_vectors(target, points @ mirror)
    if not orientation_is_stated(affine) and mirrored_gap < gap:
        return mirrored.as_matrix() @ mirror
    return rotation.as_matrix()


class _Solver:
    """One Gauss-Newton step after another; unknowns: turn (3), translation (3), modes (M), shifts (2K)."""

    def __init__(
        self, evidence: Sequence[Evidence], model: ShapeModel, settings: ShapeFitSettings, *, find_shifts: bool
    ) -> None:
        self.evidence, self.model, self.settings, self.find_shifts = evidence, model, settings, find_shifts

    def step(self, state: _State) -> _State:
        n_modes, n_slices = len(self.model.modes), self.evidence[0].n_slices
        size = 6 + n_modes + 2 * n_slices
        prior = np.concatenate([np.full(6, 1e-9), np.ones(n_modes), np.repeat(self._shift_prior(state), 2)])
        now = np.concatenate(
            [np.zeros(6), state.coefficients, state.shift.ravel() if self.find_shifts else np.zeros(2 * n_slices)]
        )
        left, right = np.diag(prior), -prior * now
        placed = state.place(self.model.points(state.coefficients))
        centre = placed.mean(axis=(0, 1))
        for frame, evidence in enumerate(self.evidence):
            pull = _together(self._pulls(state, placed[frame], evidence))
            jacobian = np.zeros((len(pull.vertex), size))
            jacobian[:, :3] = np.cross(placed[frame, pull.vertex] - centre, pull.direction)
            jacobian[:, 3:6] = pull.direction
            turned = pull.direction @ state.rotation
            modes = self.model.modes[:, frame].take(pull.vertex, axis=1)
            jacobian[:, 6 : 6 + n_modes] = np.einsum("mvc,vc->vm", modes, turned)
            if self.find_shifts:
                rows = np.flatnonzero(pull.slices >= 0)
                along = pull.direction[rows] @ evidence.in_plane
                for axis in range(2):
                    jacobian[rows, 6 + n_modes + 2 * pull.slices[rows] + axis] = along[:, axis]
            left += jacobian.T @ (jacobian * pull.weight[:, None])
            right += jacobian.T @ (pull.weight * pull.gap)
        change = np.linalg.solve(left, right)
        turn = Rotation.from_rotvec(change[:3]).as_matrix()
        translation = turn @ (state.translation - centre) + centre + change[3:6]
        shift = state.shift + change[6 + n_modes :].reshape(-1, 2) if self.find_shifts else state.shift
        return _State(turn @ state.rotation, translation, state.coefficients + change[6 : 6 + n_modes], shift)

    def _shift_prior(self, state: _State) -> np.ndarray:
        """(K,) inverse variances. A slice that was labelled in the wrong place lies further off than breath-holds do,
        and must not pull the rest."""
        if not self.find_shifts:
            return np.full(len(state.shift), 1e12)
        far = np.linalg.norm(state.shift, axis=1) / (2 * self.settings.shift_sd_mm)
        return 1 / (self.settings.shift_sd_mm**2 * (1 + far**2))

    def _pulls(self, state: _State, points: np.ndarray, evidence: Evidence) -> Iterator[Pull]:
        template = self.model.template
        yield from contour_pulls(points, evidence, state.shift, template, self.settings)
        yield from level_pulls(points, evidence, template, self.settings)
        known = np.isfinite(evidence.landmarks).all(axis=1)
        marks = template.n_points + np.flatnonzero(known)
        weight = np.full(len(marks), self.settings.landmark_sd_mm**-2)
        for axis in np.eye(3):
            gap = (evidence.landmarks[known] - points[marks]) @ axis
            yield Pull(marks, np.tile(axis, (len(marks), 1)), gap, weight)


def _together(pulls: Iterable[Pull]) -> Pull:
    """Several pulls as one; slice -1 where a slice's shift would not do."""
    vertex, direction, gap, weight, slices = zip(*pulls, strict=True)
    slices = [np.full(len(v), -1) if k is None else k for v, k in zip(vertex, slices, strict=True)]
    return Pull(*(np.concatenate(part) for part in (vertex, direction, gap, weight, slices)))
