"""Six landmarks of one volume: where the network puts them, checked against the geometry of the labels.

The network's landmark head gives, for each landmark, a probability for every place in the stack. Where that is
concentrated in one spot and agrees with what geometry reads off the label map (`landmarks.landmarks_from_labels`), the
network's place is taken; where not, the geometry's. Which of the two was used is kept with every landmark.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cardiolib.imaging import world_from_voxel
from cardiolib.segmentation.plane import PlaneGrid

NETWORK, GEOMETRY, NONE = "network", "geometry", "none"

SURE = 0.5
"""Least share of the probability within reach of its peak for the network to be believed."""

AGREEMENT_MM = 20.0
"""Farthest that the network's landmark may lie from the geometry's."""

_REACH_PX, _REACH_SLICES = 4, 1


class PlacedLandmarks(NamedTuple):
    """Landmarks of one volume."""

    world_mm: np.ndarray  # (6, 3), NaN where one could not be placed
    source: np.ndarray  # (6,) "network", "geometry" or "none"


def place_landmarks(
    shares: np.ndarray, geometry_mm: np.ndarray, *, grid: PlaneGrid, affine: np.ndarray, slices_per_step: int = 1
) -> PlacedLandmarks:
    """Choose between the network's and the geometry's landmarks.

    Parameters
    ----------
    shares : (6, K, H/2, W/2) array
        Probability of each landmark's place, summing to 1 over the volume.
    geometry_mm : (6, 3) array
        What geometry reads off the labels, world mm; NaN where it cannot.
    grid : PlaneGrid
        Of the network.
    affine : (4, 4) array
        Voxel to world mm.
    slices_per_step : int
        Slices of the volume for each step of about 10 mm that the network sees.
    """
    world, source = geometry_mm.copy(), np.where(np.isfinite(geometry_mm).all(axis=1), GEOMETRY, NONE).astype(object)
    for i, share in enumerate(shares):
        position, sure = _centre_of_peak(share, reach_slices=_REACH_SLICES * slices_per_step)
        voxel = [*grid.voxel_from_network(2 * position[1:] + 0.5), position[0]]
        found = world_from_voxel(affine, np.array(voxel))
        checked = source[i] == NONE or np.linalg.norm(found - geometry_mm[i]) <= AGREEMENT_MM
        if sure >= SURE and checked:
            world[i], source[i] = found, NETWORK
    return PlacedLandmarks(world, source.astype(str))


def _centre_of_peak(share: np.ndarray, *, reach_slices: int) -> tuple[np.ndarray, float]:
    """Mean place (slice, row, column) of what lies within reach of the highest value, and how much that is."""
    peak = np.unravel_index(int(share.argmax()), share.shape)
    near = tuple(
        slice(max(p - r, 0), p + r + 1) for p, r in zip(peak, (reach_slices, _REACH_PX, _REACH_PX), strict=True)
    )
    part = share[near].astype(float)
    total = part.sum()
    axes = np.meshgrid(*(np.arange(s.start, s.start + n) for s, n in zip(near, part.shape, strict=True)), indexing="ij")
    return np.array([(part * axis).sum() for axis in axes]) / max(total, 1e-12), float(total)
