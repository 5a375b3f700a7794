"""A cine and its segmentation made ready for tracking: one cropped, fine, normalised volume a frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cardiolib.imaging import Cine, LabelMap, same_place
from cardiolib.imaging.alignment import described
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.shape import estimate_slice_shifts

MARGIN_MM = 20.0
"""In-plane margin kept around the heart."""

DISTANCE_MM = 10.0
"""Signed distances are cut off here, and divided by it."""

BLOOD, MYOCARDIUM = 1.0, 0.3
"""What the median intensities of the two tissues become in every frame."""

ED_TOLERANCE = 0.03
"""Frame 0 counts as end-diastole when its LV volume is within this share of the largest."""

CONTOURS = {"lv_endo": ("lv_cavity",), "lv_epi": ("lv_cavity", "lv_wall"), "rv_endo": ("rv_cavity",)}
"""Contour -> structures it encloses."""

RV_RING_MM = 4.0


@dataclass(frozen=True, eq=False)
class HeartVolumes:
    """What the trackers read. Local mm = voxel index of the fine grid times `spacing_mm`.

    Parameters
    ----------
    channels : (T, C, X, Y, Z) float32 array
        Normalised intensity, then signed distances (divided by 10 mm, positive outside) of LV endocardium, LV
        epicardium and RV cavity. Frames start at end-diastole and follow the cycle.
    phases : (T,) array
        Fraction of the cycle; 0 for frame 0.
    mask : (X, Y, Z) bool array
        The heart at end-diastole, dilated, and continued over two slices above the base.
    wall : (X, Y, Z) bool array
        Myocardium at end-diastole, with a ring around the RV cavity.
    lv_wall : (X, Y, Z) bool array
        The LV's part of it.
    spacing_mm : (3,) array
    local_to_world : (4, 4) array
        Of local mm.
    ed_frame : int
        Frame of the given cine that became frame 0.
    slice_shift_mm : (K, 2) array
        Shifts that were undone.
    """

    channels: np.ndarray
    phases: np.ndarray
    mask: np.ndarray
    wall: np.ndarray
    lv_wall: np.ndarray
    spacing_mm: np.ndarray
    local_to_world: np.ndarray
    ed_frame: int
    slice_shift_mm: np.ndarray

    @property
    def low_mm(self) -> np.ndarray:
        """Lower corner of the mask's box."""
        return np.argwhere(self.mask).min(axis=0) * self.spacing_mm

    @property
    def high_mm(self) -> np.ndarray:
        """Upper corner of the mask's box."""
        return np.argwhere(self.mask).max(axis=0) * self.spacing_mm


def prepare_volumes(
    cine: Cine,
    labels: LabelMap,
    settings: TrackingSettings,
    *,
    ed_frame: int,
    slice_shift_mm: np.ndarray | None = None,
) -> HeartVolumes:
    """Crop, undo slice shifts, interpolate between slices, normalise.

    Parameters
    ----------
    cine : Cine
        T >= 2 frames of one cardiac cycle (or two frames of it), at least 3 slices.
    labels : LabelMap
        On the same grid, for every frame; names lv_cavity, lv_wall and rv_cavity.
    settings : TrackingSettings
    ed_frame : int
    slice_shift_mm : (K, 2) array, optional
        Shifts to undo; by default estimated from the LV's centres, see `mean_slice_shift`.

    Raises
    ------
    ValueError
        When cine and labels do not belong together, are too small, or a structure is missing at
        end-diastole or blood and myocardium cannot be told apart.
    """
    check_pair(cine, labels)
    order = np.r_[ed_frame : cine.n_frames, 0:ed_frame]
    codes = labels.labels[..., order]
    structure = {name: codes == labels.scheme.code(name) for name in ("lv_cavity", "lv_wall", "rv_cavity")}
    missing = [name for name, mask in structure.items() if mask[..., 0].any(axis=(0, 1)).sum() < 2]
    if missing:
        raise ValueError(
            f"{', '.join(missing)} is labelled in fewer than two slices at end-diastole (frame {ed_frame})"
        )
    shift = slice_shift_mm
    if shift is None:
        shift = mean_slice_shift(codes, labels) if settings.correct_shifts else np.zeros((cine.shape[2], 2))
    spacing = cine.spacing_mm
    box = _box(codes > 0, spacing)
    voxels = cine.voxels[..., order][box].astype(np.float64)
    structure = {name: mask[box] for name, mask in structure.items()}
    voxels = _normalised(voxels, structure)
    contours = [signed_distance(sum(structure[name] for name in names) > 0, spacing) for names in CONTOURS.values()]
    stacks = np.stack([_unshifted(stack.astype(np.float32), shift, spacing) for stack in (voxels, *contours)])
    fine_k, fine_mm = _fine_levels(cine.shape[2], spacing[2], settings.slice_mm)
    fine = between_slices(stacks, fine_k)  # (C, X, Y, Z, T)
    fine[1:] = np.clip(fine[1:], -DISTANCE_MM, DISTANCE_MM) / DISTANCE_MM
    fine_spacing = np.array([spacing[0], spacing[1], fine_mm])
    mask, wall, lv_wall = _masks(fine[1:, ..., 0] * DISTANCE_MM, fine_spacing, spacing[2], settings.mask_dilation_mm)
    to_world = cine.affine.copy()
    to_world[:3, 3] += cine.affine[:3, :2] @ np.array([box[0].start, box[1].start])
    to_world[:3, :3] /= spacing
    channels = np.ascontiguousarray(np.moveaxis(fine, -1, 0), dtype=np.float32)
    phases = np.arange(cine.n_frames) / cine.n_frames
    return HeartVolumes(channels, phases, mask, wall, lv_wall, fine_spacing, to_world, int(ed_frame), shift)


def end_diastole(labels: LabelMap) -> int:
    """Frame of end-diastole: frame 0 (the R wave in gated scans) unless another LV volume is clearly larger."""
    volume = labels.volume_ml("lv_cavity")
    if volume.max() <= 0:
        raise ValueError("the label map holds no lv_cavity in any frame: there is no heart to track")
    return 0 if volume[0] >= (1 - ED_TOLERANCE) * volume.max() else int(volume.argmax())


def mean_slice_shift(codes: np.ndarray, labels: LabelMap) -> np.ndarray:
    """(K, 2) mm: the median over frames of `estimate_slice_shifts`; a breath-hold lasts the whole cycle."""
    shifts = [
        estimate_slice_shifts(codes[..., t], spacing_mm=labels.spacing_mm, scheme=labels.scheme)
        for t in range(codes.shape[3])
    ]
    return np.median(shifts, axis=0)


def check_pair(cine: Cine, labels: LabelMap) -> None:
    """Raise ValueError unless cine and labels share grid and frames and are large enough to be tracked."""
    if cine.voxels.shape != labels.labels.shape:
        raise ValueError(
            f"cine {cine.voxels.shape} and label map {labels.labels.shape} must have the same voxels and frames; cut "
            "the cine to the frames that are labelled"
        )
    if not same_place(cine.affine, labels.affine, cine.shape):
        raise ValueError(
            f"cine ({described(cine.affine, cine.shape)}) and label map ({described(labels.affine, labels.shape)}) lie "
            "in different places"
        )
    if cine.n_frames < 2:
        raise ValueError("motion needs at least 2 frames; given 1")
    if cine.shape[2] < 3:
        raise ValueError(f"tracking needs at least 3 slices; given {cine.shape[2]}")


def _box(heart: np.ndarray, spacing: np.ndarray) -> tuple[slice, slice]:
    """In-plane bounding box of the heart over all frames, with a margin; all slices are kept."""
    where = np.argwhere(heart.any(axis=(2, 3)))
    margin = np.ceil(MARGIN_MM / spacing[:2]).astype(int)
    low = np.maximum(where.min(axis=0) - margin, 0)
    high = np.minimum(where.max(axis=0) + margin + 1, heart.shape[:2])
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def contrast_to_noise(cine: Cine, labels: LabelMap) -> float:
    """How many times the spread within blood and myocardium the difference of the two is; the median over frames.

    The spread is the median absolute deviation, as the standard deviation of a normal distribution.
    """
    blood = np.isin(labels.labels, [labels.scheme.code(name) for name in ("lv_cavity", "rv_cavity")])
    wall = labels.labels == labels.scheme.code("lv_wall")
    found = []
    for t in range(cine.n_frames):
        tissues = [cine.voxels[..., t][mask[..., t]] for mask in (blood, wall)]
        if min(map(len, tissues)):
            levels = [np.median(values) for values in tissues]
            spread = [1.4826 * np.median(np.abs(values - level)) for values, level in zip(tissues, levels, strict=True)]
            found.append(abs(levels[0] - levels[1]) / max(np.mean(spread), 1e-30))
    return float(np.median(found))


def _normalised(voxels: np.ndarray, structure: dict[str, np.ndarray]) -> np.ndarray:
    """Blood to 1 and myocardium to 0.3 in every frame, by medians.

    A frame without labels, or in which the two happen to be equally bright, takes the levels of the frame before (at
    the start those of the first that has them).
    """
    blood, wall = structure["lv_cavity"] | structure["rv_cavity"], structure["lv_wall"]
    levels = []
    for t in range(voxels.shape[3]):
        if blood[..., t].any() and wall[..., t].any():
            bright, dark = (float(np.median(voxels[..., t][mask[..., t]])) for mask in (blood, wall))
            told_apart = abs(bright - dark) >= 1e-6 * max(abs(bright), abs(dark), 1e-30)
            levels.append((bright, dark) if told_apart else None)
        else:
            levels.append(None)
    known = [pair for pair in levels if pair is not None]
    if not known:
        raise ValueError("blood and myocardium have the same intensity in every frame: they cannot be told apart")
    out, (bright, dark) = np.empty_like(voxels), known[0]
    for t, pair in enumerate(levels):
        bright, dark = pair or (bright, dark)
        out[..., t] = MYOCARDIUM + (BLOOD - MYOCARDIUM) * (voxels[..., t] - dark) / (bright - dark)
    return np.clip(out, -0.5, 2.0)


def signed_distance(mask: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """In-plane distance in mm to the contour in every slice and frame, negative inside, cut off.

    Where a slice holds nothing it is the cut-off, so that interpolation lets a contour end between slices.
    """
    out = np.full(mask.shape, DISTANCE_MM)
    pixel = spacing[:2]
    half = pixel.mean() / 2  # the contour runs midway between the last pixel inside and the first outside
    for k, t in zip(*np.nonzero(mask.any(axis=(0, 1))), strict=True):
        plane = mask[:, :, k, t]
        inside = ndimage.distance_transform_edt(np.pad(plane, 1), sampling=pixel)[1:-1, 1:-1]
        outside = ndimage.distance_transform_edt(~plane, sampling=pixel)
        out[:, :, k, t] = np.where(plane, half - inside, outside - half)
    return np.clip(out, -DISTANCE_MM, DISTANCE_MM)


def _unshifted(stack: np.ndarray, shift_mm: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """(I, J, K, T) with each slice moved back by its shift."""
    if not np.abs(shift_mm).max() > 0.05:
        return stack
    out = np.empty_like(stack)
    for k, move in enumerate(shift_mm / spacing[:2]):
        out[:, :, k] = _moved(_moved(stack[:, :, k], move[0], 0), move[1], 1)
    return out


def _moved(plane: np.ndarray, pixels: float, axis: int) -> np.ndarray:
    """Linear interpolation at positions further on by `pixels` along one axis; continued as constants outside."""
    at = np.arange(plane.shape[axis]) + pixels
    below = np.floor(at).astype(int)
    low, high = (plane.take(np.clip(below + i, 0, len(at) - 1), axis=axis) for i in (0, 1))
    share = (at - below).astype(plane.dtype).reshape(-1, *(1,) * (plane.ndim - axis - 1))
    return low + (high - low) * share


def _fine_levels(n_slices: int, slice_mm: float, wanted_mm: float) -> tuple[np.ndarray, float]:
    """Levels (in slice indices) of the fine slices, from the first slice to the last, and their distance in mm."""
    length = (n_slices - 1) * slice_mm
    n = max(int(round(length / wanted_mm)), n_slices - 1) + 1
    return np.linspace(0, n_slices - 1, n), length / (n - 1)


def between_slices(stacks: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Linear interpolation along the slice axis (3) of (C, I, J, K, T)."""
    out = np.empty((*stacks.shape[:3], len(level), stacks.shape[4]), np.float32)
    for k, at in enumerate(level):
        below = min(int(at), stacks.shape[3] - 2)
        share = np.float32(at - below)
        out[:, :, :, k] = stacks[:, :, :, below] * (1 - share) + stacks[:, :, :, below + 1] * share
    return out


def _masks(
    distance: np.ndarray, spacing: np.ndarray, slice_mm: float, dilation_mm: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Masks at ED, from the contours' distances in mm: of comparison, tissue held to the prior, the LV's wall."""
    endo, epi, right = distance
    inside = (epi < 0) | (right < 0)
    near = ndimage.distance_transform_edt(~inside, sampling=spacing) <= dilation_mm
    ring = ndimage.distance_transform_edt(right >= 0, sampling=spacing) <= RV_RING_MM
    lv_wall = (epi < 0) & (endo >= 0)
    wall = lv_wall | (ring & (right >= 0) & (endo >= 0))
    return _continued(near, inside, round(2 * slice_mm / spacing[2])), wall, lv_wall


def _continued(mask: np.ndarray, inside: np.ndarray, levels: int) -> np.ndarray:
    """The mask with its basal plane repeated over `levels` more; the base is the end with the larger area."""
    held = np.flatnonzero(inside.any(axis=(0, 1)))
    area = inside.sum(axis=(0, 1))
    out = mask.copy()
    if area[held[-1]] >= area[held[0]]:
        out[:, :, held[-1] : held[-1] + levels + 1] |= mask[:, :, held[-1], None]
    else:
        first = max(held[0] - levels, 0)
        out[:, :, first : held[0] + 1] |= mask[:, :, held[0], None]
    return out
