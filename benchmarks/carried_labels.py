"""Labels of end-diastole carried to another frame by a motion, to be compared with the labels drawn there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from cardiolib.imaging import LabelMap, world_from_voxel
from cardiolib.motion.tracking.volumes import CONTOURS, between_slices, signed_distance
from cardiolib.segmentation import dice

STRUCTURES = {"lv": "lv_cavity", "myo": "lv_wall", "rv": "rv_cavity"}
ACROSS_MM, BEYOND = 2.5, 2
"""Distance of levels at which labels are interpolated between slices, and slices by which a stack is continued at its
ends (by its last slice: material from there may come to lie in it)."""

MARGIN = 8


def carried_dice(
    labels: LabelMap, move: Callable[[np.ndarray], np.ndarray], shift_mm: np.ndarray | None = None
) -> dict[str, float]:
    """Dice by structure of frame 0, carried, against frame 1; over the slices in which both show the structure.

    Parameters
    ----------
    labels : LabelMap
        End-diastole and the other frame.
    move : function
        Takes points (N, 3), world mm at end-diastole with slice shifts undone, to where they are in the other frame.
    shift_mm : (K, 2) array, optional
        Slice shifts that `move` takes to be undone.
    """
    moved = carried_labels(labels, move, shift_mm)
    out = {}
    for short, name in STRUCTURES.items():
        a, b = (codes == labels.scheme.code(name) for codes in (moved, labels.frame(1)))
        both = a.any(axis=(0, 1)) & b.any(axis=(0, 1))
        out[short] = dice(a[..., both], b[..., both])
    return out


def carried_labels(
    labels: LabelMap, move: Callable[[np.ndarray], np.ndarray], shift_mm: np.ndarray | None = None
) -> np.ndarray:
    """(I, J, K) codes: every voxel takes the label of the piece of end-diastole that comes to lie nearest to it.

    Between slices labels are interpolated by the distance to their contours, so that a motion across thick slices is
    not punished for their steps.
    """
    points, codes, (low, high) = _pieces(labels)
    shape = labels.labels.shape[:3]
    shift = np.zeros((shape[2], 2)) if shift_mm is None else np.asarray(shift_mm)
    along = labels.affine[:3, :2] / labels.spacing_mm[:2]
    own = np.stack([np.interp(points[:, 2], np.arange(shape[2]), shift[:, axis]) for axis in range(2)], axis=1)
    here = world_from_voxel(labels.affine, points) - own @ along.T
    box = [np.arange(low[0], high[0]), np.arange(low[1], high[1]), np.arange(shape[2])]
    voxels = np.stack(np.meshgrid(*box, indexing="ij"), axis=-1).reshape(-1, 3)
    there = world_from_voxel(labels.affine, voxels.astype(float)) - shift[voxels[:, 2]] @ along.T
    out = np.zeros(shape, labels.labels.dtype)
    out[tuple(voxels.T)] = codes[cKDTree(move(here)).query(there)[1]]
    return out


def _pieces(labels: LabelMap) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Voxel positions (N, 3) on a grid of fine levels, their codes (N,), and the in-plane box that they fill."""
    codes, spacing, code = labels.frame(0), labels.spacing_mm, labels.scheme.code
    masks = [np.isin(codes, [code(name) for name in inside]) for inside in CONTOURS.values()]
    stacks = np.stack([signed_distance(mask[..., None], spacing) for mask in masks]).astype(np.float32)
    steps = max(round(float(spacing[2]) / ACROSS_MM), 1)
    last = codes.shape[2] - 1
    levels = np.arange(-BEYOND * steps, (last + BEYOND) * steps + 1) / steps
    endo, epi, right = between_slices(stacks, np.clip(levels, 0, last))[..., 0]
    fine = np.zeros(endo.shape, codes.dtype)
    fine[right < 0], fine[epi < 0] = code("rv_cavity"), code("lv_wall")
    fine[endo < 0] = code("lv_cavity")
    where = np.argwhere((codes > 0).any(axis=2))
    low = np.maximum(where.min(axis=0) - MARGIN, 0)
    high = np.minimum(where.max(axis=0) + MARGIN + 1, codes.shape[:2])
    fine = fine[low[0] : high[0], low[1] : high[1]]
    axes = [np.arange(low[0], high[0]), np.arange(low[1], high[1]), levels]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return points, fine.ravel(), (low, high)
