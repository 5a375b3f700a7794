"""Between an image's own pixels and the network's: in-plane resampling, there and back.

The network sees every heart at the same pixel size. Only scaling and cropping are needed, so resampling is
separable: two small matrices, one for each axis, applied to all slices at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cardiolib.imaging import Cine, LabelMap, normalise_intensity
from cardiolib.shape.orientation import Turn


@dataclass(frozen=True)
class PlaneGrid:
    """A window of `size_px` pixels of `pixel_mm`, laid on an image plane.

    Attributes
    ----------
    native_shape : (int, int)
        In-plane size (I, J) of the image.
    native_spacing_mm : (float, float)
        Its pixel size.
    centre_voxel : (float, float)
        Voxel position (i, j) on which the window is centred.
    size_px : (int, int)
        Window size in network pixels (rows along I, columns along J).
    pixel_mm : float
        Network pixel size.
    turn : Turn
        Applied after resampling, so that the network sees the usual display. `size_px` is the size before it.
    """

    native_shape: tuple[int, int]
    native_spacing_mm: tuple[float, float]
    centre_voxel: tuple[float, float]
    size_px: tuple[int, int]
    pixel_mm: float
    turn: Turn = Turn()

    def to_network(self, planes: np.ndarray) -> np.ndarray:
        """Resample planes (..., I, J) to the window, (..., H, W); zero outside the image."""
        first, second = self._forward
        planes = first @ np.ascontiguousarray(planes, np.float32) @ second.T
        return np.ascontiguousarray(self.turn.apply(planes))

    def to_native(self, planes: np.ndarray) -> np.ndarray:
        """Resample window planes (..., H, W) back to the image, (..., I, J); zero outside the window."""
        first, second = self._backward
        return np.asarray(first @ np.ascontiguousarray(self.turn.undo(planes), np.float32) @ second.T)

    def network_from_voxel(self, ij: np.ndarray) -> np.ndarray:
        """Window position (row, column) of voxel positions (..., 2)."""
        return self.turn.apply_to_positions(self._window_from_voxel(ij), self.size_px)

    def voxel_from_network(self, row_column: np.ndarray) -> np.ndarray:
        """Voxel position (i, j) of window positions (..., 2)."""
        return self._voxel_from_window(self.turn.undo_positions(row_column, self.size_px))

    def _window_from_voxel(self, ij: np.ndarray) -> np.ndarray:
        scale = np.asarray(self.native_spacing_mm) / self.pixel_mm
        return (np.asarray(ij) - np.asarray(self.centre_voxel)) * scale + (np.asarray(self.size_px) - 1) / 2

    def _voxel_from_window(self, position: np.ndarray) -> np.ndarray:
        scale = self.pixel_mm / np.asarray(self.native_spacing_mm)
        return (np.asarray(position) - (np.asarray(self.size_px) - 1) / 2) * scale + np.asarray(self.centre_voxel)

    @cached_property
    def _forward(self) -> list[np.ndarray]:
        return [
            _resampling_matrix(
                n_in=self.native_shape[axis],
                positions=self._voxel_from_window(_diagonal(self.size_px[axis]))[:, axis],
                step=self.pixel_mm / self.native_spacing_mm[axis],
            )
            for axis in (0, 1)
        ]

    @cached_property
    def _backward(self) -> list[np.ndarray]:
        return [
            _resampling_matrix(
                n_in=self.size_px[axis],
                positions=self._window_from_voxel(_diagonal(self.native_shape[axis]))[:, axis],
                step=self.native_spacing_mm[axis] / self.pixel_mm,
            )
            for axis in (0, 1)
        ]


def _diagonal(n: int) -> np.ndarray:
    """Positions (0, 0), (1, 1) ... (n - 1, n - 1)."""
    return np.tile(np.arange(n)[:, None], 2)


def _resampling_matrix(*, n_in: int, positions: np.ndarray, step: float) -> np.ndarray:
    """Weights (n_out, n_in) of linear interpolation at `positions` (in input samples).

    Where the output is coarser than the input (`step` > 1) the interpolant is averaged over a box, which avoids
    aliasing; the box shrinks to nothing at equal size. A linear image is reproduced exactly either way.
    Positions outside the input give zero rows.
    """
    distance = positions[:, None] - np.arange(n_in)[None, :]
    width = np.sqrt(max(step**2 - 1.0, 0.0))
    if width > 1e-6:
        weights = (_hat_integral(distance + width / 2) - _hat_integral(distance - width / 2)) / width
    else:
        weights = np.clip(1 - np.abs(distance), 0, None)
    inside = (positions > -0.5 - 1e-9) & (positions < n_in - 0.5 + 1e-9)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(inside[:, None], weights / np.maximum(total, 1e-9), 0)
    return weights.astype(np.float32)


def _hat_integral(x: np.ndarray) -> np.ndarray:
    """Integral from minus infinity to x of the hat function max(1 - |x|, 0)."""
    x = np.clip(x, -1, 1)
    return 0.5 + x - 0.5 * x * np.abs(x)


def heart_window(
    image: Cine | LabelMap,
    centre_voxel: Sequence[float] | np.ndarray,
    *,
    size_px: tuple[int, int],
    pixel_mm: float,
    turn: Turn,
) -> PlaneGrid:
    """Window about a heart, moved by less than half a voxel so that window pixels fall on voxels.

    `size_px` is that along I and J, before the turn.

    With equal pixel sizes the window's pixels then are the image's, and nothing is blurred; thin structures
    such as the right-ventricular wall would not survive being interpolated twice.
    """
    halves = [(side - 1) / 2 for side in size_px]
    snapped = tuple(float(np.round(c - half) + half) for c, half in zip(centre_voxel, halves, strict=True))
    spacing = tuple(float(mm) for mm in image.spacing_mm[:2])
    return PlaneGrid(image.shape[:2], spacing, snapped, size_px, pixel_mm, turn)  # type: ignore[arg-type]


def whole_plane_grid(image: Cine | LabelMap, *, pixel_mm: float, multiple: int, turn: Turn) -> PlaneGrid:
    """Window that covers the whole image plane, its sides multiples of `multiple` pixels."""
    spacing = tuple(float(mm) for mm in image.spacing_mm[:2])
    sides = [round(n * mm / pixel_mm, 3) for n, mm in zip(image.shape, spacing, strict=False)]  # 96.0001 is 96
    size = tuple(int(-(-side // multiple) * multiple) for side in sides)
    centre = tuple((n - 1) / 2 for n in image.shape[:2])
    return PlaneGrid(image.shape[:2], spacing, centre, size, pixel_mm, turn)  # type: ignore[arg-type]


def network_stacks(grid: PlaneGrid, voxels: np.ndarray) -> np.ndarray:
    """Intensities (T, K, H, W) as the network reads them, -0.5 to 0.5, from voxels (I, J, K, T).

    One scale for all frames. What lies outside the image is as dark as its darkest voxel, so that neither an
    offset nor a factor of the intensities makes a difference.
    """
    planes = grid.to_network(np.transpose(voxels - voxels.min(), (3, 2, 0, 1)))
    return normalise_intensity(planes) - np.float32(0.5)


def stack_slices(n_slices: int, *, slice_step_mm: float, neighbour_mm: float) -> list[np.ndarray]:
    """Which slices the network reads together: index arrays that share the slices out among them.

    The slices of one array lie about `neighbour_mm` apart, so that a scan of 5 mm steps shows the network what a scan
    of 10 mm steps does: it becomes two stacks, of the even and of the odd slices.
    """
    if n_slices < 1:
        raise ValueError("a stack needs at least one slice")
    step = min(max(1, round(neighbour_mm / slice_step_mm)), n_slices)
    return [np.arange(first, n_slices, step) for first in range(step)]
