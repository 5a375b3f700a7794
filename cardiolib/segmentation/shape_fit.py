"""Fitting the shape model to the outlines of a segmented heart.

Found together, by least squares: where the heart lies and how it is turned (six numbers), its shape (one number for
each mode of the model, held near zero by the spread of the hearts that the model was learnt from), and how far each
slice was shifted by its breath-hold. Outlines draw the nearest surface along its normal; the rims at the base and the
poles at the apex are drawn to the level at which the labels end above and below them. A last step lets the surface
leave the model where the outlines insist, by a smooth displacement: a real heart is more than a mixture of simulated
ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation
from skimage.measure import find_contours

from cardiolib.imaging import LabelMap, world_from_voxel
from cardiolib.meshes import SurfaceMesh, boundary_loops
from cardiolib.segmentation.landmarks import base_is_last_slice, landmarks_from_labels
from cardiolib.segmentation.shape_model import ShapeModel, heart_shape_model

OUTLINES = {
    "lv_endo": (("lv_cavity",), ("lv_endo",)),
    "lv_epi": (("lv_cavity", "lv_wall"), ("lv_epi",)),
    "rv_endo": (("rv_cavity",), ("rv_free", "rv_septum")),
}
"""Outline -> structures it encloses in a slice, and regions of the template that it is the outline of."""

LOOKS = 6
"""As so many independent observations count all vertices of a rim, or of a pole, together."""


@dataclass(frozen=True)
class ShapeFitSettings:
    """How the model is fitted.

    Parameters
    ----------
    outline_sd_mm : float
        How far an outline is off.
    correlation_mm : float
        Points of an outline nearer than this err together.
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

    outline_sd_mm: float = 1.0
    correlation_mm: float = 20.0
    level_sd: float = 0.5
    landmark_sd_mm: float = 6.0
    shift_sd_mm: float = 2.5
    outlier_mm: float = 4.0
    iterations: int = 12
    freedom_sd_mm: float = 4.0
    freedom_mm: float = 20.0


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
        Mean distance of the outlines' points (shifts undone) to the surface, by outline.
    """

    mesh: SurfaceMesh
    landmarks_mm: np.ndarray
    slice_shift_mm: np.ndarray
    coefficients: np.ndarray
    residual_mm: dict[str, float]


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
    evidence = _Evidence.of(label_map, frame)
    state = _State.start(evidence, model, slice_shift_mm)
    solver = _Solver(evidence, model, settings, find_shifts=slice_shift_mm is None)
    for _ in range(settings.iterations):
        state = solver.step(state)
    points, residual = solver.released(state)
    n = model.template.n_points
    return FittedShape(model.template.with_points(points[:n]), points[n:], state.shift, state.coefficients, residual)


@dataclass(frozen=True, eq=False)
class _Evidence:
    """What the labels say: outline points by outline, with their slices; where structures end; landmarks."""

    points: dict[str, np.ndarray]  # (n, 3) world mm
    slices: dict[str, np.ndarray]  # (n,)
    spacing: dict[str, float]  # mean distance of neighbouring points, mm
    columns: dict[str, tuple[np.ndarray, np.ndarray]]  # (I, J) first and last slice of each structure, -1 for none
    landmarks: np.ndarray
    affine: np.ndarray
    in_plane: np.ndarray  # (3, 2) unit vectors along I and J
    normal: np.ndarray  # unit vector towards the base
    slice_step_mm: float
    up: bool
    n_slices: int

    @classmethod
    def of(cls, label_map: LabelMap, frame: int) -> _Evidence:
        labels, scheme, affine = label_map.frame(frame), label_map.scheme, label_map.affine
        if not (labels > 0).any():
            raise ValueError("the label map is empty in this frame: there is no heart to refine")
        up = base_is_last_slice(labels, affine, scheme=scheme)
        points, slices, spacing, columns = {}, {}, {}, {}
        pixel_mm = label_map.spacing_mm[:2]
        for outline, (structures, _) in OUTLINES.items():
            mask = np.isin(labels, [scheme.code(name) for name in structures])
            held = np.flatnonzero(mask.any(axis=(0, 1)))
            if len(held) < 2:
                raise ValueError(f"{outline} is present in {len(held)} slice(s); two are needed to interpolate between")
            voxels = outline_points(mask)
            points[outline] = world_from_voxel(affine, voxels)
            slices[outline] = voxels[:, 2].astype(int)
            steps = np.linalg.norm(np.diff(voxels[:, :2], axis=0) * pixel_mm, axis=1)
            spacing[outline] = float(np.median(steps))
            columns[outline] = _ends(mask, up, reach_px=max(1, round(4.0 / float(pixel_mm.mean()))))
        marks = landmarks_from_labels(labels, affine, scheme=scheme)
        normal = affine[:3, 2] / np.linalg.norm(affine[:3, 2]) * (1 if up else -1)
        return cls(points, slices, spacing, columns, marks, affine,
                   affine[:3, :2] / pixel_mm, normal, float(label_map.spacing_mm[2]), up, labels.shape[2])


def outline_points(mask: np.ndarray) -> np.ndarray:
    """Points of the outlines of a mask (I, J, K), slice by slice, with the pixels' staircase taken off.

    Returns
    -------
    (n, 3) array
        Voxel positions; the third is a slice number. Points of one outline follow one another.
    """
    parts = [np.zeros((0, 3))]
    for k in np.flatnonzero(mask.any(axis=(0, 1))):
        soft = ndimage.gaussian_filter(np.pad(mask[:, :, k], 4).astype(float), 0.7)
        parts += [np.column_stack([contour[:-1] - 4, np.full(len(contour) - 1, k)])
                  for contour in find_contours(soft, 0.5) if len(contour) > 4]
    return np.concatenate(parts)


def _ends(mask: np.ndarray, up: bool, *, reach_px: int) -> tuple[np.ndarray, np.ndarray]:
    """For every column of voxels the apical and basal slice of the structure in or near it; -1 where it is absent."""
    near = ndimage.binary_dilation(mask, ndimage.generate_binary_structure(3, 1) & _FLAT, iterations=reach_px)
    first = np.where(near.any(axis=2), near.argmax(axis=2), -1)
    last = np.where(near.any(axis=2), near.shape[2] - 1 - near[:, :, ::-1].argmax(axis=2), -1)
    return (first, last) if up else (last, first)


_FLAT = np.zeros((3, 3, 3), bool)
_FLAT[:, :, 1] = True


@dataclass(frozen=True, eq=False)
class _State:
    """World position = rotation @ model point + translation; shifts by slice."""

    rotation: np.ndarray
    translation: np.ndarray
    coefficients: np.ndarray
    shift: np.ndarray

    @classmethod
    def start(cls, evidence: _Evidence, model: ShapeModel, shift: np.ndarray | None) -> _State:
        """Pose by the landmarks, without a change of size: that is the modes' business."""
        marks, known = model.mean[-6:], np.isfinite(evidence.landmarks).all(axis=1)
        if known.sum() < 4 or not known[[0, 5]].all():
            raise ValueError("apex, mitral centre and two RV landmarks must be found in the segmentation to place the "
                             "template; is a ventricle missing in this frame?")
        a, b = marks[known], evidence.landmarks[known]
        rotation = Rotation.align_vectors(b - b.mean(axis=0), a - a.mean(axis=0))[0].as_matrix()
        shift = np.zeros((evidence.n_slices, 2)) if shift is None else np.asarray(shift, float)
        if shift.shape != (evidence.n_slices, 2):
            raise ValueError(f"slice_shift_mm has one row of two for each of {evidence.n_slices} slices; "
                             f"given {shift.shape}")
        return cls(rotation, b.mean(axis=0) - rotation @ a.mean(axis=0), np.zeros(len(model.modes)), shift)

    def place(self, points: np.ndarray) -> np.ndarray:
        return points @ self.rotation.T + self.translation


class _Solver:
    """One Gauss-Newton step after another; unknowns: turn (3), translation (3), modes (M), shifts (2K)."""

    def __init__(
        self, evidence: _Evidence, model: ShapeModel, settings: ShapeFitSettings, *, find_shifts: bool
    ) -> None:
        self.evidence, self.model, self.settings, self.find_shifts = evidence, model, settings, find_shifts
        template = model.template
        self.vertices = {
            outline: np.flatnonzero(np.any([template.region_mask(region) for region in regions], axis=0))
            for outline, (_, regions) in OUTLINES.items()
        }
        rims = np.concatenate(boundary_loops(template))
        self.rims = {outline: np.intersect1d(rims, mine) for outline, mine in self.vertices.items()}
        self.poles = {  # the lowest vertices in the mean heart
            outline: mine[np.argsort(model.mean[mine, 2])[:5]] for outline, mine in self.vertices.items()
        }

    def step(self, state: _State) -> _State:
        n_modes, n_shift = len(self.model.modes), 2 * self.evidence.n_slices
        size = 6 + n_modes + n_shift
        left, right = np.zeros((size, size)), np.zeros(size)
        # a slice that was labelled in the wrong place lies further off than breath-holds do, and must not pull the rest
        far = np.linalg.norm(state.shift, axis=1) / (2 * self.settings.shift_sd_mm)
        known_shift = 1 / (self.settings.shift_sd_mm**2 * (1 + far**2)) if self.find_shifts else np.full(len(far), 1e12)
        prior = np.concatenate([np.full(6, 1e-9), np.ones(n_modes), np.repeat(known_shift, 2)])
        now = np.concatenate([np.zeros(6), state.coefficients, state.shift.ravel() if self.find_shifts else
                              np.zeros(n_shift)])
        left[np.diag_indices(size)] += prior
        right -= prior * now
        placed = state.place(self.model.points(state.coefficients))
        centre = placed.mean(axis=0)
        for vertex, direction, gap, weight, k in self._wishes(state, placed):
            jacobian = np.zeros((len(vertex), size))
            jacobian[:, :3] = np.cross(placed[vertex] - centre, direction)
            jacobian[:, 3:6] = direction
            turned = direction @ state.rotation
            jacobian[:, 6 : 6 + n_modes] = np.einsum("mvc,vc->vm", self.model.modes[:, vertex], turned)
            if k is not None and self.find_shifts:
                rows = np.arange(len(vertex))
                along = direction @ self.evidence.in_plane
                jacobian[rows, 6 + n_modes + 2 * k] = along[:, 0]
                jacobian[rows, 6 + n_modes + 2 * k + 1] = along[:, 1]
            left += jacobian.T @ (jacobian * weight[:, None])
            right += jacobian.T @ (weight * gap)
        change = np.linalg.solve(left, right)
        turn = Rotation.from_rotvec(change[:3]).as_matrix()
        rotation = turn @ state.rotation
        translation = turn @ (state.translation - centre) + centre + change[3:6]
        shift = state.shift
        if self.find_shifts:
            shift = state.shift + change[6 + n_modes :].reshape(-1, 2)
        return _State(rotation, translation, state.coefficients + change[6 : 6 + n_modes], shift)

    def _wishes(self, state: _State, placed: np.ndarray):
        """Tuples of (vertices, directions, distances to go along them, weights, slices or None)."""
        settings, evidence = self.settings, self.evidence
        normals = self.model.template.with_points(placed[: self.model.template.n_points]).vertex_normals()
        for outline, mine in self.vertices.items():
            k = evidence.slices[outline]
            points = evidence.points[outline] - state.shift[k] @ evidence.in_plane.T
            vertex = mine[cKDTree(placed[mine]).query(points)[1]]
            direction = normals[vertex]
            gap = ((points - placed[vertex]) * direction).sum(axis=1)
            together = max(1.0, settings.correlation_mm / evidence.spacing[outline])
            weight = 1 / (settings.outline_sd_mm**2 * together * (1 + (gap / settings.outlier_mm) ** 2))
            yield vertex, direction, gap, weight, k
            for ends, which in ((self.poles[outline], 0), (self.rims[outline], 1)):
                yield self._levels(outline, ends, which, placed)
        known = np.isfinite(evidence.landmarks).all(axis=1)
        marks = self.model.template.n_points + np.flatnonzero(known)
        for axis in np.eye(3):
            gap = (evidence.landmarks[known] - placed[marks]) @ axis
            yield (marks, np.tile(axis, (len(marks), 1)), gap,
                   np.full(len(marks), settings.landmark_sd_mm**-2), None)

    def _levels(self, outline: str, vertices: np.ndarray, which: int, placed: np.ndarray):
        """Rims (1) end half a slice above the last slice that shows the structure there, poles (0) below the first."""
        evidence = self.evidence
        inverse = np.linalg.inv(evidence.affine)
        voxel = placed[vertices] @ inverse[:3, :3].T + inverse[:3, 3]
        ends = evidence.columns[outline][which]
        at = [np.clip(np.rint(voxel[:, axis]).astype(int), 0, ends.shape[axis] - 1) for axis in (0, 1)]
        end = ends[at[0], at[1]]
        seen = end >= 0
        sign = (1 if evidence.up else -1) * (1 if which else -1)
        gap = (end + 0.5 * sign - voxel[:, 2]) * evidence.slice_step_mm * (1 if evidence.up else -1)
        sd = self.settings.level_sd * evidence.slice_step_mm
        weight = seen * min(1.0, LOOKS / max(len(vertices), 1)) / (sd**2 * (1 + (gap / evidence.slice_step_mm) ** 2))
        return vertices, np.tile(evidence.normal, (len(vertices), 1)), np.where(seen, gap, 0.0), weight, None

    def released(self, state: _State) -> tuple[np.ndarray, dict[str, float]]:
        """World positions of vertices and landmarks after the free step, and how far the outlines are from them."""
        settings = self.settings
        placed = state.place(self.model.points(state.coefficients))
        wishes = list(self._wishes(state, placed))[:-3]  # without the landmarks, which no surface has to pass
        outlines = [gap for _, _, gap, _, k in wishes if k is not None]
        residual = {name: float(np.abs(gap).mean()) for name, gap in zip(OUTLINES, outlines, strict=True)}
        if settings.freedom_sd_mm > 0:
            used = [weight > 0 for _, _, _, weight, _ in wishes]
            vertex, direction, gap, weight = (
                np.concatenate([w[i][use] for w, use in zip(wishes, used, strict=True)]) for i in range(4)
            )
            step = max(1, len(vertex) // 900)
            vertex, direction, gap, weight = vertex[::step], direction[::step], gap[::step], weight[::step] * step

            def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
                squared = cdist(a, b, "sqeuclidean")
                return settings.freedom_sd_mm**2 * np.exp(-squared / (2 * settings.freedom_mm**2))

            between = kernel(placed[vertex], placed[vertex]) * (direction @ direction.T) + np.diag(1 / weight)
            pull = direction * np.linalg.solve(between, gap)[:, None]
            placed = placed + kernel(placed, placed[vertex]) @ pull
        return placed, residual
