"""The network, resampling there and back, and augmentation."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.imaging import Cine
from cardiolib.segmentation import SegmentationNetwork
from cardiolib.segmentation.augment import AugmentationSettings, augment_batch, change_stack
from cardiolib.segmentation.examples import Example
from cardiolib.segmentation.losses import IGNORE
from cardiolib.segmentation.network import equalised, with_neighbours
from cardiolib.segmentation.plane import PlaneGrid, heart_window, network_stacks, stack_slices, whole_plane_grid
from cardiolib.shape.orientation import TURNS, Turn, orientation_is_stated, turn_from_affine

STILL = AugmentationSettings(
    rotation_rad=0,
    mirror_probability=0,
    reverse_probability=0,
    slices_left_out=0,
    log_scale=0,
    shift_px=0,
    log_gamma=0,
    gain=0,
    noise=0,
    log_shading=0,
)


def network(seed: int = 0, widths=(4, 8, 16)) -> SegmentationNetwork:
    return SegmentationNetwork(widths).initialise(torch.Generator().manual_seed(seed))


def noise(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_default_size_and_output_shapes():
    net = SegmentationNetwork()
    assert 0.5e6 < net.n_parameters() < 0.8e6
    labels, landmarks = net(torch.zeros(7, 32, 48))
    assert labels.shape == (7, 5, 32, 48) and landmarks.shape == (6, 7, 16, 24)


def test_every_weight_gets_a_gradient_from_both_heads():
    net = network()
    output = net(noise(9, 16, 16))
    (output.labels.square().sum() + output.landmarks.square().sum()).backward()
    for name, weight in net.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


def test_a_slice_is_read_together_with_the_whole_stack():
    net = network().eval()
    stack = noise(15, 16, 16, seed=2).requires_grad_()
    net(stack).labels[7].square().sum().backward()
    assert (stack.grad.abs().sum(dim=(1, 2)) > 0).all()


def test_training_and_use_see_the_same_network():
    net, stack = network(), noise(5, 16, 16)
    trained = net.train()(stack).labels
    assert torch.equal(net.eval()(stack).labels, trained) and torch.equal(net(stack).labels, trained)


def test_the_gain_and_the_offset_of_the_receiver_change_nothing():
    voxels = np.random.default_rng(0).gamma(2.0, 100.0, (20, 24, 3, 2)).astype(np.float32)
    grid = PlaneGrid((20, 24), (1.6, 1.6), (9.5, 11.5), (16, 16), 1.6)
    first, second = (network_stacks(grid, gain * voxels + offset) for gain, offset in ((1, 0), (3, 70)))
    assert np.allclose(first, second, atol=1e-4)


def test_one_slice_is_a_stack_too():
    assert torch.isfinite(network()(noise(1, 16, 16)).labels).all()


def test_neighbours_are_repeated_at_the_ends():
    triples = with_neighbours(torch.arange(4.0).reshape(4, 1, 1))[..., 0, 0].tolist()
    assert triples == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]
    assert with_neighbours(torch.ones(1, 2, 2)).shape == (1, 3, 2, 2)


def test_equalising_gives_ranks_whatever_the_grey_scale():
    stack = torch.randperm(4 * 6 * 8, generator=torch.Generator().manual_seed(0)).reshape(4, 6, 8).float()
    assert torch.allclose(equalised(stack), (stack + 0.5) / stack.numel() - 0.5, atol=1e-6)
    assert torch.equal(equalised(8 * stack - 64), equalised(stack))
    two = torch.tensor([[[0.0, 0.0], [0.0, 5.0]]])
    assert equalised(two).flatten().tolist() == [-0.125, -0.125, -0.125, 0.375]  # ties share the mean of their ranks
    assert not equalised(torch.full((2, 3, 3), 7.0)).any()


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone():
    first, second, other = network(5), network(5), network(6)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(first.encoder[0][0].weight, other.encoder[0][0].weight)


@pytest.mark.parametrize("shape", [(1, 2, 16, 16), (16, 16), (3, 18, 16)])
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
    grid = heart_window(cine, (33.3, 41.8), size_px=(32, 32), pixel_mm=1.6, turn=Turn())
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
    new = augment_batch(images, labels, points, settings=STILL, generator=torch.Generator().manual_seed(0), size_px=37)
    assert torch.allclose(new[0], images[:, :, 2:39, 2:39], atol=1e-4)
    assert torch.equal(new[1], labels[:, :, 2:39, 2:39].long())
    assert torch.allclose(new[2][0, 0], points[0, 0] - torch.tensor([0, 2, 2]), atol=1e-4)


def test_slices_read_together_are_about_ten_millimetres_apart():
    def slices(n, step_mm):
        return [part.tolist() for part in stack_slices(n, slice_step_mm=step_mm, neighbour_mm=10)]

    assert slices(4, 10) == [[0, 1, 2, 3]] and slices(4, 7) == [[0, 1, 2, 3]]
    assert slices(5, 5) == [[0, 2, 4], [1, 3]]
    assert slices(1, 10) == [[0]] and slices(2, 1.0) == [[0], [1]]
    with pytest.raises(ValueError, match="at least one slice"):
        slices(0, 10)


def blob_batch():
    """A bright square with a landmark in its middle, off centre."""
    images = torch.full((1, 3, 41, 41), -0.5)
    labels = torch.zeros(1, 3, 41, 41, dtype=torch.uint8)
    images[:, :, 8:13, 24:29] = 0.5
    labels[:, :, 8:13, 24:29] = 4
    return images, labels, torch.tensor([[[1.0, 10.0, 26.0], [math.nan, math.nan, math.nan]]])


def test_no_augmentation_changes_nothing():
    images, labels, points = blob_batch()
    new = augment_batch(images, labels, points, settings=STILL, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(new[0], images, atol=1e-4)
    assert torch.equal(new[1], labels.long())
    assert torch.allclose(new[2][0, 0], points[0, 0], atol=1e-4) and new[2][0, 1].isnan().all()


@pytest.mark.parametrize("deform_px", [0.0, 1.5])
@pytest.mark.parametrize("seed", range(8))
def test_image_labels_and_landmarks_move_together(seed, deform_px):
    images, labels, points = blob_batch()
    settings = dataclasses.replace(
        STILL, rotation_rad=math.pi, mirror_probability=0.5, log_scale=0.15, shift_px=7.0, deform_px=deform_px
    )
    new_images, new_labels, new_points = augment_batch(
        images, labels, points, settings=settings, generator=torch.Generator().manual_seed(seed)
    )
    where = torch.nonzero(new_labels[0, 1] == 4).float().mean(dim=0)
    assert torch.allclose(where, new_points[0, 0, 1:], atol=0.6)
    weight = (new_images[0, 1] + 0.5).clamp_min(0)
    rows = torch.arange(41.0)
    bright = torch.stack([(weight.sum(1) * rows).sum(), (weight.sum(0) * rows).sum()]) / weight.sum()
    assert torch.allclose(bright, new_points[0, 0, 1:], atol=0.6)
    assert set(new_labels.unique().tolist()) <= {0, 4, IGNORE}


def test_a_deformation_moves_pixels():
    images, labels, points = blob_batch()
    settings = dataclasses.replace(STILL, deform_px=4.0)
    _, _, new = augment_batch(images, labels, points, settings=settings, generator=torch.Generator().manual_seed(1))
    assert 0.3 < float((new[0, 0] - points[0, 0]).norm()) < 6


def ramp_stack(n: int) -> Example:
    """Slice k holds k everywhere; the landmark lies on slice 2."""
    stack = np.repeat(np.arange(n, dtype=np.float32)[:, None, None], 4, axis=1)
    landmarks = np.full((6, 3), np.nan)
    landmarks[0] = [2, 1, 1]
    return Example(stack, stack.astype(np.uint8), np.ones(5, bool), landmarks, "a", "ED")


def test_stacks_lose_end_slices_and_are_reversed_with_their_landmarks():
    generator = torch.Generator().manual_seed(0)
    settings = dataclasses.replace(STILL, slices_left_out=2, reverse_probability=0.5)
    seen = set()
    for _ in range(40):
        new = change_stack(ramp_stack(12), settings, generator)
        values = new.stack[:, 0, 0]
        level = new.landmarks[0, 0]
        assert 8 <= len(values) <= 12 and np.array_equal(new.labels[:, 0, 0], values)
        assert np.interp(level, np.arange(len(values)), values) == pytest.approx(2)
        seen.add((len(values), bool(values[0] > values[-1])))
    assert len(seen) > 5 and {reverse for _, reverse in seen} == {True, False}
    assert len(change_stack(ramp_stack(6), settings, generator).stack) == 6  # short stacks keep all


def evenly_grey_stacks_changed(n_slices: int, **settings: float) -> torch.Tensor:
    """Six stacks of 0.1 after the one change that the settings ask for."""
    new, _, _ = augment_batch(
        torch.full((6, n_slices, 21, 21), 0.1),
        torch.zeros(6, n_slices, 21, 21, dtype=torch.uint8),
        torch.full((6, 6, 3), math.nan),
        settings=AugmentationSettings(**{**STILL.__dict__, **settings}),
        generator=torch.Generator().manual_seed(0),
    )
    return new


def test_shading_is_smooth_and_the_same_for_all_slices():
    new = evenly_grey_stacks_changed(3, log_shading=0.4)
    assert torch.equal(new[:, 0], new[:, 2])
    gain = (new[:, 0] + 0.5) / 0.6
    assert gain.std(dim=(1, 2)).min() > 0.02
    third = gain.log().diff(n=3, dim=1)  # a polynomial of second degree has no third difference
    assert third.abs().max() < 1e-4


def test_brightness_along_the_stack_is_smooth_and_leaves_the_mean_slice_of_no_tilt_alone():
    new = evenly_grey_stacks_changed(5, log_brightness_along=0.4)
    gain = ((new + 0.5) / 0.6).log()
    assert gain[:, 2].std(dim=(1, 2)).max() < 1e-5  # the middle slice is as bright on the left as on the right
    assert gain.mean(dim=(2, 3)).std(dim=1).min() > 0.02
    assert gain[:, -1].std(dim=(1, 2)).min() > 0.01
    assert gain.diff(n=3, dim=1).abs().max() < 1e-4


@pytest.mark.parametrize(
    "field, value",
    [("rotation_rad", -1), ("noise", "a"), ("mirror_probability", 1.5), ("surroundings", 2), ("slices_left_out", 0.5)],
)
def test_bad_augmentation_settings_name_the_field(field, value):
    with pytest.raises(ValueError, match=field):
        AugmentationSettings(**{field: value})
