"""Pixels of a planned stack as a cine on one grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift

from cardiolib.imaging.dicom.cardiac_cycle import common_cycle
from cardiolib.imaging.dicom.files_given import GivenFiles
from cardiolib.imaging.dicom.pixels import read_pixels
from cardiolib.imaging.dicom.planning import ScanPlan
from cardiolib.imaging.dicom.stacks import SliceStack
from cardiolib.imaging.dicom.study import numbered
from cardiolib.imaging.dicom.tags import DicomError
from cardiolib.imaging.geometry import spacing_of
from cardiolib.imaging.plausibility import believed_cycle, check_extent
from cardiolib.imaging.scan import Scan

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
STRAIGHT_PIXELS = 0.25
"""Slices that are shifted in their plane by more than this are resampled to one straight stack."""


def load_scan(files: GivenFiles, plan: ScanPlan) -> Scan:
    """Read the pixels of a plan.

    Returns
    -------
    Scan
        Voxels (I, J, K, T): I along rows of the image (columns increase), J down its columns, K along the normal
        ``I x J``, so that the axes are right-handed.

    Raises
    ------
    DicomError
        Pixels are damaged in so many files that a slice cannot be made whole.
    """
    frames = [frame for one in plan.stack.slices for frame in one.frames]
    images, damaged = read_pixels(files, frames)
    notes = list(plan.notes)
    stack, cycle = plan.stack, plan.cycle
    if damaged:
        lost = {(frame.file, frame.index) for frame in frames} - images.keys()
        slices = tuple(one.without(lost) for one in stack.slices)
        told = f"pixels of {len(damaged)} file(s) are damaged or incomplete (file {numbered(damaged)})"
        empty = [k for k, one in enumerate(slices, 1) if len(one.frames) < 2]
        if empty:
            raise DicomError(f"{told}: slice {numbered(empty)} cannot be read. Copy or export the files again")
        try:
            cycle = common_cycle(slices)
        except DicomError as error:
            raise DicomError(f"{told}: {error}") from None
        stack = replace(stack, slices=slices)
        notes.append(told)
    affine, drift = stack_geometry(stack)
    voxels = _voxels(stack, images, cycle.weights)
    if np.abs(drift).max() > STRAIGHT_PIXELS:
        notes.append(_straightened(voxels, drift))
    try:
        check_extent(spacing_of(affine), voxels.shape)
    except ValueError as error:
        raise DicomError(f"the short-axis series: {error}") from None
    time, rate = cycle.frame_time_ms, None if cycle.cycle_ms is None else 60000.0 / cycle.cycle_ms
    if time is not None:
        time, why_not = believed_cycle(time, cycle.n_frames)
        if why_not is not None:
            rate = None
            notes.append(why_not)
    return Scan(
        voxels,
        affine,
        time,
        (*notes, *cycle.notes),
        plan.simulated,
        subject_id=plan.subject_id,
        series=plan.table,
        heart_rate_per_min=rate,
    )


def stack_geometry(stack: SliceStack) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Affine of a stack, and how far each slice lies beside it.

    Returns
    -------
    affine : (4, 4) array
        Voxel to world, RAS+ mm.
    drift : (K, 2) array
        Pixels along I and J from the straight stack to the slice.
    """
    first = stack.slices[0].first
    assert first.directions is not None and first.spacing_mm is not None
    i, j = first.directions
    normal = first.normal
    between_rows, between_columns = first.spacing_mm
    positions = np.array([one.position for one in stack.slices])
    in_plane = np.stack([positions @ i, positions @ j], axis=1)
    middle = np.median(in_plane, axis=0)
    drift = (in_plane - middle) / (between_columns, between_rows)
    k = np.arange(len(positions))
    gap = stack.gap_mm if len(positions) > 1 else first.thickness_mm or first.between_mm or 1.0
    start = float(np.mean(stack.offsets_mm - gap * k))
    lps = np.eye(4)
    lps[:3, :3] = np.column_stack([i * between_columns, j * between_rows, normal * gap])
    lps[:3, 3] = middle[0] * i + middle[1] * j + start * normal
    return LPS_TO_RAS @ lps, drift


def _voxels(
    stack: SliceStack,
    images: dict[tuple[int, int], NDArray[np.float32]],
    weights: tuple[NDArray[np.float64], ...],
) -> NDArray[np.float32]:
    """(I, J, K, T); padding gets the darkest value of the stack."""
    slices = [np.stack([images[frame.file, frame.index] for frame in one.frames]) for one in stack.slices]
    darkest = min((float(np.nanmin(part)) for part in slices if np.isfinite(part).any()), default=0.0)
    rows, columns = slices[0].shape[1:]
    voxels = np.empty((columns, rows, len(slices), len(weights[0])), np.float32)
    for k, (part, weight) in enumerate(zip(slices, weights, strict=True)):
        part = np.where(np.isfinite(part), part, np.float32(darkest))
        exact = weight.shape[0] == weight.shape[1] and np.array_equal(weight, np.eye(len(weight)))
        if not exact:
            # a spline may swing beyond what was measured
            part = np.tensordot(weight, part, axes=1).clip(part.min(), part.max())
        voxels[:, :, k] = part.transpose(2, 1, 0)
    return voxels


def _straightened(voxels: NDArray[np.float32], drift: NDArray[np.float64]) -> str:
    """Move slices within their plane onto the straight stack, in place."""
    size = np.array(voxels.shape[:2])
    if (np.abs(drift) > 0.5 * size).any():
        raise DicomError("the short-axis slices hardly overlap in their plane: they are no stack of one heart")
    for k in range(voxels.shape[2]):
        if np.abs(drift[k]).max() > STRAIGHT_PIXELS:
            voxels[:, :, k] = shift(voxels[:, :, k], (*drift[k], 0), order=1, mode="nearest", prefilter=False)
    return (
        f"slices were planned beside each other, by up to {np.abs(drift).max():.1f} pixels: resampled in their plane "
        "to a straight stack"
    )
