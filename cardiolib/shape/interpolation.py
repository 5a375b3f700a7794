"""The shape step without a model: contours of slices joined by interpolation.

A short-axis stack is a poor solid: slices are 8 to 10 mm thick, and each was acquired in a breath-hold of its
own, so they do not lie straight above one another. This step (i) moves the slices so that the centres of the left
ventricle follow a smooth line, (ii) turns each slice's contours into signed distances, which can be
interpolated between slices where contours cannot, and (iii) reads labels and surfaces off the
interpolated distances. It knows nothing of hearts, so it follows any shape, and it cannot repair a slice that was
labelled wrongly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import make_interp_spline
from skimage.measure import marching_cubes

from cardiolib.imaging import OURS, LabelMap, LabelScheme
from cardiolib.meshes import SurfaceMesh
from cardiolib.shape.landmarks import base_is_last_slice

CONTOURS = {
    "lv_endo": ("lv_cavity",),
    "lv_epi": ("lv_cavity", "lv_wall"),
    "rv_endo": ("rv_cavity",),
    "rv_epi": ("rv_cavity", "rv_wall"),
}
"""Closed contours of a slice, and the structures each encloses."""

SEPTUM_MM = 3.0
"""Right-ventricular surface nearer than this to the LV epicardium is septum."""

MARGIN_MM = 12.0


def interpolated_shape(
    label_map: LabelMap, *, frame: int, spacing_mm: tuple[float, float, float], smoothing_mm: float = 1.5
) -> tuple[LabelMap, dict[str, SurfaceMesh], np.ndarray]:
    """Labels on the fine grid, surfaces, and the slice shifts that were undone; see `shape.refine_shape`.

    Shifts are the same in all frames and are read off the frame with the largest LV, where the long axis is
    straightest (at end-systole the error is five times larger).
    """
    labels, scheme = label_map.frame(frame), label_map.scheme
    largest = label_map.frame(int(label_map.volume_ml("lv_cavity").argmax()))
    shift_mm = estimate_slice_shifts(largest, spacing_mm=label_map.spacing_mm, scheme=scheme)
    fine = FineGrid.around(labels > 0, native_mm=label_map.spacing_mm, spacing_mm=np.asarray(spacing_mm))
    up = base_is_last_slice(labels, label_map.affine, scheme=scheme)
    distances: dict[str, np.ndarray] = {}
    for contour, structures in CONTOURS.items():
        if any(name not in scheme.codes for name in structures):
            continue
        mask = np.isin(labels, [scheme.codes[name] for name in structures])
        distances[contour] = _distance_volume(
            mask, fine, shift_mm=shift_mm, base_is_last=up, smoothing_mm=smoothing_mm, contour=contour
        )
    for contour in ("rv_endo", "rv_epi"):
        if contour in distances:  # the septum belongs to the left ventricle
            distances[contour] = np.minimum(distances[contour], -np.nan_to_num(distances["lv_epi"], nan=-np.inf))
    affine = label_map.affine @ fine.native_from_fine()
    surfaces = {name: _surface(name, distances, affine) for name in distances}
    inside = {name: np.nan_to_num(distance, nan=-1.0) > 0 for name, distance in distances.items()}
    fine_labels = LabelMap(nested_labels(inside), affine, OURS, simulated=label_map.simulated)
    return fine_labels, surfaces, shift_mm


def estimate_slice_shifts(
    labels: np.ndarray, *, spacing_mm: np.ndarray, scheme: LabelScheme, degree: int = 1
) -> np.ndarray:
    """In-plane shift of each slice against a smooth long axis.

    Parameters
    ----------
    labels : (I, J, K) array
    spacing_mm : (3,) array
    scheme : LabelScheme
    degree : int
        Of the polynomial in z that the LV centres should follow; 1 is a straight long axis.

    Returns
    -------
    (K, 2) array
        Mm along I and J; zero in slices without a left ventricle, and everywhere when fewer than
        degree + 3 slices hold one (nothing could be told from the fit).

    Notes
    -----
    The centre is the centroid of LV cavity and wall. The fit is iteratively reweighted (weights 1/(1 + (r/2 mm)^2),
    a Cauchy loss) so that one bad slice does not bend the axis. A tilt or bend of the true axis
    beyond `degree` is indistinguishable from shifts and would be removed with them.
    """
    ventricle = np.isin(labels, [scheme.code("lv_cavity"), scheme.code("lv_wall")])
    area = ventricle.sum(axis=(0, 1))
    held = np.flatnonzero(area > 0.05 * max(area.max(), 1))
    shift = np.zeros((labels.shape[2], 2))
    if len(held) < degree + 3:
        return shift
    centres = np.array([np.argwhere(ventricle[:, :, k]).mean(axis=0) for k in held]) * spacing_mm[:2]
    z = (held - held.mean()) / max(np.ptp(held), 1)
    basis = np.vander(z, degree + 1)
    weight = np.ones(len(held))
    for _ in range(10):
        root = np.sqrt(weight)[:, None]
        fitted = basis @ np.linalg.lstsq(basis * root, centres * root, rcond=None)[0]
        residual = centres - fitted
        weight = 1 / (1 + (residual**2).sum(axis=1) / 2.0**2)
    shift[held] = residual
    return shift


@dataclass(frozen=True)
class FineGrid:
    """Fine voxels over the heart's bounding box; positions in native voxel units are start + step * index."""

    start: np.ndarray
    step: np.ndarray
    shape: tuple[int, int, int]
    native_mm: np.ndarray

    @classmethod
    def around(cls, heart: np.ndarray, *, native_mm: np.ndarray, spacing_mm: np.ndarray) -> FineGrid:
        if not heart.any():
            raise ValueError("the label map is empty in this frame: there is no heart to refine")
        where = np.argwhere(heart)
        margin = np.array([MARGIN_MM, MARGIN_MM, native_mm[2]]) / native_mm
        low, high = where.min(axis=0) - margin, where.max(axis=0) + margin
        shape = np.ceil((high - low) * native_mm / spacing_mm).astype(int) + 1
        return cls(low, spacing_mm / native_mm, tuple(shape.tolist()), np.asarray(native_mm, float))

    def native_from_fine(self) -> np.ndarray:
        matrix = np.diag([*self.step, 1.0])
        matrix[:3, 3] = self.start
        return matrix

    def levels(self) -> np.ndarray:
        """Native slice coordinate of each fine slice."""
        return self.start[2] + self.step[2] * np.arange(self.shape[2])


def _distance_volume(
    mask: np.ndarray,
    fine: FineGrid,
    *,
    shift_mm: np.ndarray,
    base_is_last: bool,
    smoothing_mm: float,
    contour: str,
) -> np.ndarray:
    """Signed distance (mm, positive inside) on the fine grid; NaN above the structure's base."""
    held = np.flatnonzero(mask.any(axis=(0, 1)))
    if len(held) < 2:
        raise ValueError(f"{contour} is present in {len(held)} slice(s); two are needed to interpolate between")
    held = np.arange(held[0], held[-1] + 1)
    planes = {k: _fine_plane(mask[:, :, k], fine, shift_mm[k]) for k in held if mask[:, :, k].any()}
    knots = np.array(sorted(planes))
    values = np.stack([planes[k] for k in knots])
    apex, base, toward_apex = (knots[0], knots[-1], -1) if base_is_last else (knots[-1], knots[0], 1)
    order = 0 if base_is_last else -1
    # beyond the apical slice the contour goes on shrinking and has vanished at the next slice's centre
    inner = values[1] if base_is_last else values[-2]
    beyond = 2 * values[order] - inner
    beyond = beyond - max(float(beyond.max()), 0.0)
    # beyond the basal slice it stays as it is for half a slice, where the base is cut
    pairs = {int(k): v for k, v in zip(knots, values, strict=True)}
    pairs[int(apex + toward_apex)] = beyond
    pairs[int(base - toward_apex)] = values[-1 if base_is_last else 0]
    knots = np.array(sorted(pairs))
    levels = fine.levels()
    spline = make_interp_spline(knots, np.stack([pairs[int(k)] for k in knots]), k=1 if len(knots) < 4 else 3)
    volume = np.moveaxis(spline(np.clip(levels, knots[0], knots[-1])), 0, 2)
    volume = ndimage.gaussian_filter(volume, smoothing_mm / (fine.step * fine.native_mm), mode="nearest")
    past_apex = (levels - (apex + toward_apex)) * toward_apex > 0
    volume[:, :, past_apex] = np.minimum(volume[:, :, past_apex], -0.5)
    cut = base - 0.5 * toward_apex
    volume[:, :, (levels - cut) * -toward_apex > 0] = np.nan
    return volume


def _fine_plane(mask: np.ndarray, fine: FineGrid, shift_mm: np.ndarray) -> np.ndarray:
    """Signed in-plane distance of one slice, moved back by its shift, on the fine in-plane grid."""
    pixel_mm = fine.native_mm[:2]
    padded = np.pad(mask, 1)
    inside = ndimage.distance_transform_edt(padded, sampling=pixel_mm)
    outside = ndimage.distance_transform_edt(~padded, sampling=pixel_mm)
    half = pixel_mm.mean() / 2  # the contour runs midway between the last pixel inside and the first outside
    signed = np.where(padded, inside - half, half - outside)
    signed = ndimage.gaussian_filter(signed, 0.7, mode="nearest")  # takes off the pixels' staircase
    offset = fine.start[:2] + shift_mm / pixel_mm + 1  # +1: the padding
    plane = ndimage.affine_transform(
        signed, fine.step[:2], offset=offset, output_shape=fine.shape[:2], order=1, mode="nearest"
    )
    return plane


def nested_labels(inside: dict[str, np.ndarray]) -> np.ndarray:
    """Labels from what each contour encloses, inner structures over outer ones."""
    labels = np.zeros(inside["lv_endo"].shape, np.uint8)
    for contour, structure in (
        ("rv_epi", "rv_wall"),
        ("rv_endo", "rv_cavity"),
        ("lv_epi", "lv_wall"),
        ("lv_endo", "lv_cavity"),
    ):
        if contour in inside:
            labels[inside[contour]] = OURS.code(structure)
    return labels


def _surface(name: str, distances: dict[str, np.ndarray], affine: np.ndarray) -> SurfaceMesh:
    """Zero level of a distance volume as a mesh in world mm, open where the volume is NaN (the base)."""
    volume = distances[name]
    kept = np.flatnonzero(np.isfinite(volume).any(axis=(0, 1)))
    solid = volume[:, :, kept[0] : kept[-1] + 1]
    points, triangles, _, _ = marching_cubes(solid, level=0.0)
    points = points + [0, 0, kept[0]]
    if name.startswith("rv"):
        to_lv = ndimage.map_coordinates(
            np.nan_to_num(distances["lv_epi"], nan=-99.0), points.T, order=1, mode="nearest"
        )
        region = np.where(to_lv > -SEPTUM_MM, 3, 2)
    else:
        region = np.full(len(points), 0 if name == "lv_endo" else 1)
    world = points @ affine[:3, :3].T + affine[:3, 3]
    return _facing_outwards(SurfaceMesh(world, triangles.astype(np.int64), region))


def _facing_outwards(mesh: SurfaceMesh) -> SurfaceMesh:
    """Turn all triangles over when the surface encloses a negative volume about its centre."""
    a, b, c = (mesh.points[mesh.triangles[:, corner]] - mesh.points.mean(axis=0) for corner in range(3))
    if np.einsum("ij,ij->", a, np.cross(b, c)) >= 0:
        return mesh
    return SurfaceMesh(mesh.points, mesh.triangles[:, ::-1], mesh.region, mesh.region_names)
