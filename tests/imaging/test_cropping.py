"""Cropping, turning and resampling never move anything in the world."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.imaging import (
    OURS,
    Cine,
    LabelMap,
    crop_to_heart,
    flip_axis,
    normalise_intensity,
    pad_or_crop,
    pad_or_crop_image,
    resample_in_plane,
    resample_like,
    slice_axis_last,
    voxel_from_world,
    world_from_voxel,
)

AFFINE = np.array([[0.9, 0.8, 0.5, -30], [-0.8, 0.9, 0.2, 14], [-0.3, -0.4, 7.9, 2], [0, 0, 0, 1.0]])


def world_cine(shape=(9, 8, 5), n_frames=2):
    """A cine whose grey value is a linear function of the world position, plus the frame number."""
    ijk = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1)
    value = world_from_voxel(AFFINE, ijk) @ (1.0, -2.0, 0.5)
    return Cine(np.stack([value + t for t in range(n_frames)], -1), AFFINE)


def assert_values_follow_the_world(cine, inside=None):
    ijk = np.stack(np.meshgrid(*[np.arange(n) for n in cine.shape], indexing="ij"), -1)
    expected = world_from_voxel(cine.affine, ijk) @ (1.0, -2.0, 0.5)
    inside = np.ones(cine.shape, bool) if inside is None else inside
    for t in range(cine.n_frames):
        np.testing.assert_allclose(cine.frame(t)[inside], (expected + t)[inside], atol=2e-4)


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(1, 14)] * 3), st.tuples(*[st.floats(-3, 12)] * 3))
def test_every_voxel_keeps_its_world_position(shape, centre):
    cine = world_cine()
    cut = pad_or_crop_image(cine, shape, centre=centre, fill=-1e6)
    assert cut.shape == shape
    assert_values_follow_the_world(cut, inside=cut.frame(0) > -1e5)
    middle = voxel_from_world(cine.affine, world_from_voxel(cut.affine, (np.array(shape) - 1) / 2))
    assert (np.abs(middle - centre) <= 0.5 + 1e-6).all()


def test_pad_then_crop_gives_the_image_back():
    cine = world_cine()
    back = pad_or_crop_image(pad_or_crop_image(cine, (20, 21, 9)), cine.shape)
    np.testing.assert_array_equal(back.voxels, cine.voxels)
    np.testing.assert_allclose(back.affine, cine.affine, atol=1e-12)


def test_array_window_by_hand_and_outside():
    array = np.arange(5)
    np.testing.assert_array_equal(pad_or_crop(array, (3,), (4,)), [3, 4, 0])
    np.testing.assert_array_equal(pad_or_crop(array, (3,), (0,), fill=9), [9, 0, 1])
    np.testing.assert_array_equal(pad_or_crop(array, (2,), (40,), fill=7), [7, 7])
    assert pad_or_crop(np.zeros((4, 4, 3, 2)), (6, 2)).shape == (6, 2, 3, 2)
    for bad in ((0,), (1, 1), (1.5,)):
        with pytest.raises(ValueError, match="window"):
            pad_or_crop(array, bad)


def test_crop_to_heart_holds_all_frames_and_the_margin():
    labels = np.zeros((40, 40, 4, 2), np.uint8)
    labels[20, 18, 1, 0] = labels[25, 15, 2, 1] = 1
    affine = np.diag([2.0, 2, 8, 1])
    label_map = LabelMap(labels, affine, OURS)
    cut = crop_to_heart(label_map, label_map, margin_mm=5)
    assert cut.shape == (5 + 1 + 6, 3 + 1 + 6, 4) and (cut.labels > 0).sum() == 2
    np.testing.assert_allclose(cut.affine[:3, 3], (34, 24, 0))
    assert crop_to_heart(label_map, label_map, margin_mm=0, slices=True).shape == (6, 4, 2)
    assert crop_to_heart(Cine(np.zeros((40, 40, 4)), affine), label_map, margin_mm=500).shape == (40, 40, 4)


def test_crop_to_heart_refuses_what_it_cannot_place():
    empty = LabelMap(np.zeros((4, 4, 4)), np.eye(4), OURS)
    with pytest.raises(ValueError, match="empty"):
        crop_to_heart(empty, empty)
    heart = LabelMap(np.ones((4, 4, 4)), np.eye(4), OURS)
    with pytest.raises(ValueError, match="same voxels"):
        crop_to_heart(Cine(np.zeros((4, 4, 4)), 2 * np.eye(4) - np.diag([0, 0, 0, 1])), heart)
    with pytest.raises(ValueError, match="margin"):
        crop_to_heart(heart, heart, margin_mm=-1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flip_keeps_the_world_and_undoes_itself(axis):
    cine = world_cine()
    flipped = flip_axis(cine, axis)
    assert_values_follow_the_world(flipped)
    np.testing.assert_allclose(flip_axis(flipped, axis).affine, cine.affine)


def test_slice_axis_goes_last():
    turned = world_cine()
    turned = Cine(turned.voxels.transpose(2, 0, 1, 3), turned.affine[:, [2, 0, 1, 3]])
    again = slice_axis_last(turned)
    assert again.shape == (9, 8, 5)
    assert_values_follow_the_world(again)
    isotropic = Cine(np.zeros((3, 4, 5)), np.eye(4))
    assert slice_axis_last(isotropic).shape == (3, 4, 5)
    assert slice_axis_last(isotropic, axis=0).shape == (4, 5, 3)
    for call in (slice_axis_last, flip_axis):
        with pytest.raises(ValueError, match="axis"):
            call(isotropic, axis=3)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.4, 3.0))
def test_resampling_a_linear_image_is_exact_inside(spacing):
    cine = world_cine((16, 15, 3))
    fine = resample_in_plane(cine, spacing)
    np.testing.assert_allclose(fine.spacing_mm[:2], spacing)
    ijk = np.stack(np.meshgrid(*[np.arange(n) for n in fine.shape], indexing="ij"), -1)
    old = voxel_from_world(cine.affine, world_from_voxel(fine.affine, ijk))
    inside = ((old > -1e-9) & (old < np.array(cine.shape) - 1 + 1e-9)).all(-1)
    assert_values_follow_the_world(fine, inside)
    corner = world_from_voxel(cine.affine, (-0.5, -0.5, 0))
    np.testing.assert_allclose(world_from_voxel(fine.affine, (-0.5, -0.5, 0)), corner, atol=1e-9)


def test_labels_go_to_twice_the_resolution_and_back_unchanged():
    labels = np.random.default_rng(0).integers(0, 5, (6, 7, 3, 2))
    label_map = LabelMap(labels, np.diag([1.5, 1.5, 8, 1]), OURS)
    fine = resample_in_plane(label_map, 0.75)
    assert fine.shape == (12, 14, 3)
    np.testing.assert_array_equal(fine.labels, labels.repeat(2, 0).repeat(2, 1))
    assert fine.volume_ml("lv_wall") == pytest.approx(label_map.volume_ml("lv_wall"))
    back = resample_like(fine, label_map.affine, label_map.shape)
    np.testing.assert_array_equal(back.labels, labels)


def test_outside_the_old_image_is_background():
    cine = Cine(np.ones((4, 4, 2)), np.eye(4))
    shifted = np.eye(4)
    shifted[0, 3] = 3
    result = resample_like(cine, shifted, (4, 4, 2)).frame(0)
    assert (result[0] == 1).all() and (result[1:] == 0).all()
    for bad in (0, -1, np.nan):
        with pytest.raises(ValueError, match="positive"):
            resample_in_plane(cine, bad)
    with pytest.raises(ValueError, match="shape"):
        resample_like(cine, np.eye(4), (4, 4))


def test_normalised_percentiles_become_zero_and_one():
    voxels = np.linspace(-50, 450, 1001)
    result = normalise_intensity(voxels)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[10], 0, atol=1e-6)
    np.testing.assert_allclose(result[990], 1, atol=1e-6)
    np.testing.assert_allclose(result[500], 0.5, atol=1e-6)
    assert result.min() == 0 and result.max() == 1
    assert not normalise_intensity(np.full((3, 3), 7.0)).any()
    with pytest.raises(ValueError, match="percentiles"):
        normalise_intensity(voxels, percentiles=(99, 1))
