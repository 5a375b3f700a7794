"""What the labels of one frame say to a shape model: contours, where structures end, landmarks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from contourpy import contour_generator
from scipy import ndimage

from cardiolib.imaging import LabelMap, world_from_voxel
from cardiolib.shape.landmarks import base_is_last_slice, landmarks_from_labels

CONTOURS = {
    "lv_endo": (("lv_cavity",), ("lv_endo",)),
    "lv_epi": (("lv_cavity", "lv_wall"), ("lv_epi",)),
    "rv_endo": (("rv_cavity",), ("rv_free", "rv_septum")),
}
"""Contour -> structures it encloses in a slice, and regions of the template that it is the contour of."""

_MARGIN_PX = 4


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the labels of one frame say.

    Attributes
    ----------
    points : dict of str to (n, 3) array
        Points of the contours, world mm.
    slices : dict of str to (n,) array
        The slice of each point.
    spacing : dict of str to float
        Distance of neighbouring points, mm.
    columns : dict of str to pair of (I, J) arrays
        Apical and basal slice of each structure in every column of voxels; -1 where there is none.
    landmarks : (6, 3) array
        World mm, NaN where one cannot be placed.
    affine : (4, 4) array
    in_plane : (3, 2) array
        Unit vectors along I and J.
    normal : (3,) array
        Unit vector across the slices, towards the base.
    slice_step_mm : float
    up : bool
        Whether the slice number grows towards the base.
    n_slices : int
    trust : dict of str to float
        How much contours count whose neighbouring tissues are hard to tell apart; 1 where nothing is said.
    """

    points: dict[str, np.ndarray]
    slices: dict[str, np.ndarray]
    spacing: dict[str, float]
    columns: dict[str, tuple[np.ndarray, np.ndarray]]
    landmarks: np.ndarray
    affine: np.ndarray
    in_plane: np.ndarray
    normal: np.ndarray
    slice_step_mm: float
    up: bool
    n_slices: int
    trust: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, label_map: LabelMap, frame: int, *, base_is_last: bool | None = None) -> Evidence:
        """Read one frame; `base_is_last_slice` of the label map may be given where it is known already.

        Raises
        ------
        ValueError
            When a structure is present in fewer than two slices.
        """
        labels, scheme, affine = label_map.frame(frame), label_map.scheme, label_map.affine
        if not (labels > 0).any():
            raise ValueError("the label map is empty in this frame: there is no heart to refine")
        up = base_is_last  # the same in all frames
        if up is None:
            up = base_is_last_slice(label_map.labels, affine, scheme=scheme)
        points, slices, spacing, columns = {}, {}, {}, {}
        pixel_mm = label_map.spacing_mm[:2]
        for contour, (structures, _) in CONTOURS.items():
            mask = np.logical_or.reduce([labels == scheme.code(name) for name in structures])
            voxels = contour_points(mask)
            n_held = len(np.unique(voxels[:, 2]))
            if n_held < 2:
                raise ValueError(f"{contour} is present in {n_held} slice(s); two are needed to interpolate between")
            points[contour] = world_from_voxel(affine, voxels)
            slices[contour] = voxels[:, 2].astype(int)
            steps = np.linalg.norm(np.diff(voxels[:, :2], axis=0) * pixel_mm, axis=1)
            spacing[contour] = float(np.median(steps))
            columns[contour] = _ends(mask, up, reach_px=max(1, round(4.0 / float(pixel_mm.mean()))))
        marks = landmarks_from_labels(labels, affine, scheme=scheme, base_is_last=up)
        normal = affine[:3, 2] / np.linalg.norm(affine[:3, 2]) * (1 if up else -1)
        return cls(
            points,
            slices,
            spacing,
            columns,
            marks,
            affine,
            affine[:3, :2] / pixel_mm,
            normal,
            float(label_map.spacing_mm[2]),
            up,
            labels.shape[2],
        )

    def thinned(self, step: int) -> Evidence:
        """With every `step`-th point of the contours only: neighbours say nearly the same."""
        return replace(
            self,
            points={name: points[::step] for name, points in self.points.items()},
            slices={name: slices[::step] for name, slices in self.slices.items()},
            spacing={name: spacing * step for name, spacing in self.spacing.items()},
        )


def contour_points(mask: np.ndarray) -> np.ndarray:
    """Points of the contours of a mask (I, J, K), slice by slice, with the pixels' staircase taken off.

    Returns
    -------
    (n, 3) array
        Voxel positions; the third is a slice number. Points of one contour follow one another.
    """
    held = np.flatnonzero(mask.any(axis=(0, 1)))
    if not held.size:
        return np.zeros((0, 3))
    where = np.argwhere(mask.any(axis=2))
    low, high = where.min(axis=0), where.max(axis=0) + 1
    box = mask[low[0] : high[0], low[1] : high[1], held].astype(float)
    margin = (_MARGIN_PX, _MARGIN_PX)
    soft = ndimage.gaussian_filter(np.pad(box, (margin, margin, (0, 0))), 0.7, axes=(0, 1))
    # one long picture of all slices side by side: nothing reaches from one to the next
    width = soft.shape[1]
    lines = contour_generator(z=soft.transpose(0, 2, 1).reshape(len(soft), -1)).lines(0.5)  # (n, 2): column, row
    parts = [np.zeros((0, 3))]
    for line in lines:
        if len(line) > 4:
            index = int(line[0, 0] // width)
            rows, columns = line[:-1, 1] + low[0] - _MARGIN_PX, line[:-1, 0] - index * width + low[1] - _MARGIN_PX
            parts.append(np.column_stack([rows, columns, np.full(len(rows), held[index])]))
    return np.concatenate(parts)


def _ends(mask: np.ndarray, up: bool, *, reach_px: int) -> tuple[np.ndarray, np.ndarray]:
    """For every column of voxels the apical and basal slice of the structure in or near it; -1 where it is absent."""
    near = ndimage.binary_dilation(mask, ndimage.generate_binary_structure(3, 1) & _FLAT, iterations=reach_px)
    first = np.where(near.any(axis=2), near.argmax(axis=2), -1)
    last = np.where(near.any(axis=2), near.shape[2] - 1 - near[:, :, ::-1].argmax(axis=2), -1)
    return (first, last) if up else (last, first)


_FLAT = np.zeros((3, 3, 3), bool)
_FLAT[:, :, 1] = True
