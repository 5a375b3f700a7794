"""The network, resampling there and back, and augmentation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.imaging import Cine
from cardiolib.segmentation import SegmentationNetwork
from cardiolib.segmentation.augment import AugmentationSettings, augment_batch, heat_maps
from cardiolib.segmentation.losses import IGNORE
from cardiolib.segmentation.orientation import TURNS, Turn, orientation_is_stated, turn_from_affine
from cardiolib.segmentation.plane import PlaneGrid, heart_window, neighbour_indices, whole_plane_grid

STILL = AugmentationSettings(
    rotation_rad=0, mirror_probability=0, reverse_probability=0, log_scale=0, shift_px=0, log_gamma=0, gain=0, noise=0,
    log_shading=0,
)


def network(seed: int = 0, widths=(4, 8, 16)) -> SegmentationNetwork:
    return SegmentationNetwork(widths).initialise(torch.Generator().manual_seed(seed))


def test_default_size_and_output_shapes():
    net = SegmentationNetwork()
    assert 0.4e6 < net.n_parameters() < 0.6e6
    labels, landmarks = net(torch.zeros(2, 3, 32, 48))
    assert labels.shape == (2, 5, 32, 48) and landmarks.shape == (2, 6, 32, 48)


def test_every_weight_gets_a_gradient_from_both_heads():
    net = network()
    output = net(torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    (output.labels.square().sum() + output.landmarks.square().sum()).backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def test_all_three_slices_are_used():
    net = network().eval()
    slices = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(2), requires_grad=True)
    net(slices).labels.sum().backward()
    assert (slices.grad.abs().sum(dim=(0, 2, 3)) > 0).all()


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone():
    first, second, other = network(5), network(5), network(6)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.encoder[0][0].weight, other.encoder[0][0].weight)


@pytest.mark.parametrize("shape", [(1, 2, 16, 16), (3, 16, 16), (1, 3, 18, 16)])
def test_wrong_input_shapes_are_refused(shape):
    with pytest.raises(ValueError):
        network()(torch.zeros(shape))


def test_too_few_levels_are_refused():
    with pytest.raises(ValueError, match="two levels"):
        SegmentationNetwork((16,))


@settings(max_examples=20, deadline=None)
@given(
    spacing=st.tuples(st.floats(0.7, 2.2), st.floats(0.7, 2.2)),
    shape=st.tuples(st.integers(60, 130), st.integers(60, 130)),
)
def test_positions_go_to_the_window_and_back(spacing, shape):
    grid = PlaneGrid(shape, spacing, (shape[0] / 3, shape[1] / 2), (64, 64), 1.6)
    ij = np.array([[3.0, 5.0], [40.2, 17.9]])
    assert np.allclose(grid.voxel_from_network(grid.network_from_voxel(ij)), ij)
    assert np.allclose(grid.network_from_voxel(np.array(grid.centre_voxel)), 31.5)


def test_resampling_moves_a_linear_ramp_exactly_and_says_zero_outside():
    grid = PlaneGrid((80, 70), (1.0, 1.3), (39.5, 34.5), (40, 32), 1.6)
    i, j = np.meshgrid(np.arange(80.0), np.arange(70.0), indexing="ij")
    ramp = 5 + 0.2 * i - 0.1 * j
    rows, columns = np.meshgrid(np.arange(40.0), np.arange(32.0), indexing="ij")
    at = grid.voxel_from_network(np.stack([rows, columns], axis=-1))
    expected = 5 + 0.2 * at[..., 0] - 0.1 * at[..., 1]
    found = grid.to_network(ramp[None])[0]
    assert np.allclose(found[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-4)
    outside = PlaneGrid((10, 10), (1.6, 1.6), (4.5, 4.5), (40, 40), 1.6).to_network(np.ones((1, 10, 10)))
    assert outside.sum() == pytest.approx(100, rel=1e-5)


def test_resampling_equal_grids_changes_nothing():
    image = np.random.default_rng(0).normal(size=(2, 48, 48)).astype(np.float32)
    grid = PlaneGrid((48, 48), (1.6, 1.6), (23.5, 23.5), (48, 48), 1.6)
    assert np.allclose(grid.to_network(image), image, atol=1e-6)
    assert np.allclose(grid.to_native(image), image, atol=1e-6)


def test_whole_plane_window_covers_the_image():
    image = Cine(np.zeros((101, 60, 2)), np.diag([1.9, 1.2, 8.0, 1.0]))
    grid = whole_plane_grid(image, pixel_mm=1.6, multiple=8, turn=Turn())
    assert all(n % 8 == 0 for n in grid.size_px)
    corners = grid.network_from_voxel(np.array([[-0.5, -0.5], [100.5, 59.5]]))
    assert (corners[0] > -0.6).all() and (corners[1] < np.array(grid.size_px) - 0.4).all()


def test_a_heart_window_of_equal_pixels_blurs_nothing():
    image = np.random.default_rng(1).normal(size=(3, 70, 90)).astype(np.float32)
    cine = Cine(np.moveaxis(image, 0, 2), np.diag([1.6, 1.6, 8.0, 1.0]))
    grid = heart_window(cine, (33.3, 41.8), size_px=32, pixel_mm=1.6, turn=Turn())
    assert np.allclose(grid.to_network(image), image[:, 18:50, 26:58], atol=1e-6)


@pytest.mark.parametrize("turn", TURNS)
def test_turns_are_undone_and_carry_positions(turn):
    plane = np.arange(12.0).reshape(3, 4)
    turned = turn.apply(plane)
    assert turned.shape == turn.turned_shape((3, 4)) and np.array_equal(turn.undo(turned), plane)
    for position in np.argwhere(plane >= 0):
        new = turn.apply_to_positions(position, (3, 4))
        assert turned[tuple(new.astype(int))] == plane[tuple(position)]
        assert np.array_equal(turn.undo_positions(new, (3, 4)), position)
    image = np.random.default_rng(2).normal(size=(2, 40, 36)).astype(np.float32)
    grid = PlaneGrid((40, 36), (1.6, 1.6), (19.5, 17.5), (40, 36), 1.6, turn)
    assert np.allclose(grid.to_native(grid.to_network(image)), image, atol=1e-6)


@pytest.mark.parametrize("turn", TURNS)
def test_however_voxels_are_stored_the_network_sees_the_same_display(turn):
    first, second = np.array([-0.56, -0.64, 0.1]), np.array([0.34, -0.3, -0.72])
    third = np.cross(first, second)
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([first, second, third]) * [1.5, 1.5, 9]
    assert turn_from_affine(affine) == Turn() and orientation_is_stated(affine)
    stored = affine.copy()
    if turn.transpose:
        stored[:, [0, 1]] = stored[:, [1, 0]]
    for axis, reverse in ((0, turn.reverse_first), (1, turn.reverse_second)):
        stored[:3, axis] *= -1 if reverse else 1
    plane = np.arange(12.0).reshape(3, 4)
    as_stored = plane.T if turn.transpose else plane
    as_stored = as_stored[:: -1 if turn.reverse_first else 1, :: -1 if turn.reverse_second else 1]
    assert np.array_equal(turn_from_affine(stored).apply(as_stored), plane)


def test_placeholder_headers_are_read_as_the_display():
    assert turn_from_affine(np.diag([-1.5, -1.5, 10, 1])) == Turn()  # ACDC's
    assert not orientation_is_stated(np.diag([-1.5, -1.5, 10, 1]))
    assert not orientation_is_stated(np.eye(4))


def test_training_crop_keeps_the_middle():
    images, labels, points = blob_batch()
    new = augment_batch(
        images, labels, points, settings=STILL, generator=torch.Generator().manual_seed(0), size_px=37
    )
    assert torch.allclose(new[0], images[:, :, 2:39, 2:39], atol=1e-4)
    assert torch.equal(new[1], labels[:, 2:39, 2:39].long())
    assert torch.allclose(new[2][0, 0], points[0, 0] - 2, atol=1e-4)


def test_neighbours_are_about_ten_millimetres_away():
    assert neighbour_indices(4, slice_step_mm=10, neighbour_mm=10).tolist() == [
        [0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3],
    ]
    assert neighbour_indices(5, slice_step_mm=5, neighbour_mm=10)[2].tolist() == [0, 2, 4]
    assert neighbour_indices(1, slice_step_mm=10, neighbour_mm=10).tolist() == [[0, 0, 0]]


def blob_batch():
    """A bright square with a landmark in its middle, off centre."""
    images = torch.full((1, 3, 41, 41), -0.5)
    labels = torch.zeros(1, 41, 41, dtype=torch.uint8)
    images[:, :, 8:13, 24:29] = 0.5
    labels[:, 8:13, 24:29] = 4
    return images, labels, torch.tensor([[[10.0, 26.0], [math.nan, math.nan]]])


def test_no_augmentation_changes_nothing():
    images, labels, points = blob_batch()
    new = augment_batch(images, labels, points, settings=STILL, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(new[0], images, atol=1e-4)
    assert torch.equal(new[1], labels.long())
    assert torch.allclose(new[2][0, 0], points[0, 0], atol=1e-4) and new[2][0, 1].isnan().all()


@pytest.mark.parametrize("seed", range(8))
def test_image_labels_and_landmarks_move_together(seed):
    images, labels, points = blob_batch()
    settings = AugmentationSettings(
        rotation_rad=math.pi, mirror_probability=0.5, log_gamma=0, gain=0, noise=0, log_shading=0
    )
    new_images, new_labels, new_points = augment_batch(
        images, labels, points, settings=settings, generator=torch.Generator().manual_seed(seed)
    )
    where = torch.nonzero(new_labels[0] == 4).float().mean(dim=0)
    assert torch.allclose(where, new_points[0, 0], atol=0.6)
    weight = (new_images[0, 1] + 0.5).clamp_min(0)
    rows = torch.arange(41.0)
    bright = torch.stack([(weight.sum(1) * rows).sum(), (weight.sum(0) * rows).sum()]) / weight.sum()
    assert torch.allclose(bright, new_points[0, 0], atol=0.6)
    assert set(new_labels.unique().tolist()) <= {0, 4, IGNORE}


def test_augmentation_reverses_the_neighbours_but_not_the_slice_itself():
    images = torch.stack([torch.full((9, 9), value) for value in (-0.3, 0.0, 0.3)])[None].repeat(30, 1, 1, 1)
    labels, points = torch.zeros(30, 9, 9, dtype=torch.uint8), torch.full((30, 6, 2), math.nan)
    settings = AugmentationSettings(**{**STILL.__dict__, "reverse_probability": 0.5})
    new, _, _ = augment_batch(images, labels, points, settings=settings, generator=torch.Generator().manual_seed(0))
    first = new[:, 0, 4, 4]
    assert torch.allclose(new[:, 1], images[:, 1], atol=1e-5)
    assert 5 < int((first > 0).sum()) < 25


def test_shading_is_smooth_and_the_same_for_the_three_neighbours():
    images = torch.full((6, 3, 21, 21), 0.1)
    settings = AugmentationSettings(**{**STILL.__dict__, "log_shading": 0.4})
    new, _, _ = augment_batch(
        images, torch.zeros(6, 21, 21, dtype=torch.uint8), torch.full((6, 6, 2), math.nan), settings=settings,
        generator=torch.Generator().manual_seed(0),
    )
    assert torch.equal(new[:, 0], new[:, 2])
    gain = (new[:, 0] + 0.5) / 0.6
    assert gain.std(dim=(1, 2)).min() > 0.02
    third = gain.log().diff(n=3, dim=1)  # a polynomial of second degree has no third difference
    assert third.abs().max() < 1e-4


def test_heat_maps_peak_at_the_landmark_and_fade_over_slices():
    points = torch.tensor([[[3.0, 5.0], [3.0, 5.0], [math.nan, math.nan]]])
    heat = heat_maps(points, torch.tensor([[0.0, 1.0, 0.0]]), shape=(8, 9))
    assert heat[0, 0].argmax() == 3 * 9 + 5 and heat[0, 0, 3, 5] == 1
    assert heat[0, 1, 3, 5] == pytest.approx(math.exp(-0.5 / 0.36))
    assert torch.equal(heat[0, 2], torch.zeros(8, 9))


@pytest.mark.parametrize("field, value", [("rotation_rad", -1), ("noise", "a"), ("mirror_probability", 1.5)])
def test_bad_augmentation_settings_name_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        AugmentationSettings(**{field: value})
