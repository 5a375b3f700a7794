"""Landmarks from the network's probabilities, checked against geometry."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.segmentation.placing import place_landmarks
from cardiolib.segmentation.plane import PlaneGrid
from cardiolib.shape.orientation import TURNS, Turn

AFFINE = np.array([[1.2, 0, 0.3, -20], [0, 1.5, 0, 4], [-0.1, 0, 9.9, 7], [0, 0, 0, 1.0]])


def bump(level: float, row: float, column: float, shape=(8, 24, 24)) -> np.ndarray:
    """Probability of one landmark around a place given in full-resolution pixels of the window."""
    axes = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    at = (level, (row - 0.5) / 2, (column - 0.5) / 2)
    squares = sum(((axis - x) / s) ** 2 for axis, x, s in zip(axes, at, (0.5, 1.25, 1.25), strict=True))
    share = np.exp(-0.5 * squares)
    return share / share.sum()


def world(grid: PlaneGrid, level: float, row: float, column: float) -> np.ndarray:
    i, j = grid.voxel_from_network(np.array([row, column]))
    return AFFINE[:3, :3] @ [i, j, level] + AFFINE[:3, 3]


@pytest.mark.parametrize("turn", [Turn(), TURNS[3], TURNS[6]])
def test_a_sure_network_places_landmarks_between_pixels_and_slices(turn):
    grid = PlaneGrid((60, 50), (1.2, 1.5), (31.0, 22.0), (48, 48), 1.6, turn)
    places = [(2.3, 20.0 + n, 30.6 - n) for n in range(6)]
    geometry = np.array([world(grid, *place) for place in places]) + [0, 0, 5.0]
    found = place_landmarks(np.stack([bump(*place) for place in places]), geometry, grid=grid, affine=AFFINE)
    assert (found.source == "network").all()
    expected = np.array([world(grid, *place) for place in places])
    assert np.abs(found.world_mm - expected).max() < 0.6


def test_geometry_overrules_what_is_unsure_or_far_off_and_fills_in():
    grid = PlaneGrid((60, 50), (1.2, 1.5), (31.0, 22.0), (48, 48), 1.6)
    right = world(grid, 3, 20, 20)
    geometry = np.tile(right, (6, 1))
    geometry[4:] = np.nan
    flat = np.full((8, 24, 24), 1 / (8 * 24 * 24))
    shares = np.stack([bump(3, 20, 20), flat, bump(3, 40, 40), bump(3, 20, 20), bump(3, 20, 20), flat])
    found = place_landmarks(shares, geometry, grid=grid, affine=AFFINE)
    assert found.source.tolist() == ["network", "geometry", "geometry", "network", "network", "none"]
    assert np.allclose(found.world_mm[1:3], right) and np.isnan(found.world_mm[5]).all()
    assert np.linalg.norm(found.world_mm[4] - right) < 1


def test_the_input_is_not_changed():
    grid = PlaneGrid((60, 50), (1.2, 1.5), (31.0, 22.0), (48, 48), 1.6)
    geometry = np.tile(world(grid, 3, 20, 20), (6, 1))
    before = geometry.copy()
    place_landmarks(np.stack([bump(3, 21, 20)] * 6), geometry, grid=grid, affine=AFFINE)
    assert np.array_equal(geometry, before)
