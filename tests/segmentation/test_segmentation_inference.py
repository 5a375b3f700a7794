"""Inference: any image in, labels on exactly the same voxels out. The network here is an oracle, not trained."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from cardiolib.imaging import OURS, Cine
from cardiolib.segmentation import (
    SegmentationNetwork,
    SegmentationSettings,
    TrainedNetwork,
    clean_labels,
    compare_label_maps,
    segment_scan,
)
from cardiolib.segmentation.device import threads
from cardiolib.segmentation.heart_place import locate_heart
from cardiolib.segmentation.network import NetworkOutput
from cardiolib.segmentation.prediction import predict_stack
from cardiolib.shape import landmarks_from_labels

GREY = (0.0, 1.0, 0.4, 0.2, 0.8)  # of background, LV, LV wall, RV wall, RV


class Oracle(SegmentationNetwork):
    """Classifies each pixel by its grey value; the images below are painted with the labels."""

    def forward(self, stack: torch.Tensor) -> NetworkOutput:
        places = super().forward(stack).landmarks  # also its checks of the input
        grey = torch.tensor(GREY)[None, :, None, None]
        return NetworkOutput(-500 * (stack[:, None] + 0.5 - grey) ** 2, torch.zeros_like(places))


@pytest.fixture
def oracle() -> TrainedNetwork:
    settings = dataclasses.asdict(SegmentationSettings(size_px=96))
    return TrainedNetwork(Oracle((4, 8)).eval(), settings)


def scan(make_scan, **shape):
    """Heart painted in its grey values, without noise, ED and ES; marked simulated, so it is read in one view."""
    _, labels = make_scan(5, **shape)
    return Cine(np.array(GREY, np.float32)[labels.labels], labels.affine, simulated=True), labels


@pytest.mark.parametrize(
    "shape, spacing",
    [
        ((96, 96, 12), (1.6, 1.6, 10.0)),
        ((131, 88, 9), (1.2, 1.9, 11.0)),
        ((150, 200, 13), (1.5, 1.5, 7.0)),
        ((40, 44, 7), (3.6, 3.5, 14.0)),
    ],
)
def test_labels_come_back_on_the_images_own_voxels(oracle, make_scan, shape, spacing):
    cine, truth = scan(make_scan, shape=shape, spacing=spacing)
    found = segment_scan(oracle, cine)
    assert found.labels.labels.shape == cine.voxels.shape
    assert np.array_equal(found.labels.affine, cine.affine) and found.labels.scheme == OURS
    table = compare_label_maps(found.labels, truth).groupby("structure")["dice"].min()
    coarse = max(spacing[:2]) > 3
    assert table["lv_cavity"] > 0.93 and table["rv_cavity"] > 0.9
    assert table["lv_wall"] > (0.75 if coarse else 0.85)
    assert any("mm apart" in note for note in found.notes) == (spacing[2] > 12.5)


def test_at_the_networks_own_pixel_size_nothing_is_lost(oracle, make_scan):
    cine, truth = scan(make_scan, shape=(96, 96, 12), spacing=(1.6, 1.6, 10.0))
    found = segment_scan(oracle, cine, clean=False)
    inner = compare_label_maps(found.labels, truth).set_index("structure")["dice"]
    assert inner[["lv_cavity", "lv_wall", "rv_wall", "rv_cavity"]].min() > 0.97


def test_real_scans_are_read_in_several_views_and_simulated_ones_in_one(oracle, make_scan):
    simulated, _ = scan(make_scan)
    real = dataclasses.replace(simulated, simulated=False)

    def read(cine, **how):
        return segment_scan(oracle, cine, clean=False, **how).labels.labels

    once, several = read(simulated), read(real)
    assert np.array_equal(read(real, several_views=False), once)
    assert np.array_equal(read(simulated, several_views=True), several)
    assert (once == several).mean() > 0.98 and not np.array_equal(once, several)


def test_frames_are_independent_and_ed_es_follow_the_volume(oracle, make_scan):
    cine, _ = scan(make_scan, shape=(80, 80, 9), spacing=(2.0, 2.0, 11.0))
    swapped = Cine(cine.voxels[..., [1, 0, 1, 0, 1]], cine.affine, simulated=True)
    found = segment_scan(oracle, swapped)
    assert (found.ed, found.es) == (1, 0)
    assert np.array_equal(found.labels.frame(0), found.labels.frame(2))
    assert found.volumes.shape == (5, 4) and found.landmarks_world_mm.shape == (5, 6, 3)
    row = found.measures()
    assert row["lv_edv_ml"] > row["lv_esv_ml"] > 0 and row["lvef_percent"] > 0


def test_the_heart_is_found_off_centre_and_beside_a_bright_still_object(oracle, make_scan):
    cine, labels = scan(make_scan, shape=(64, 64, 8), spacing=(2.4, 2.4, 12.0))
    voxels = np.zeros((200, 160, 8, 2), np.float32)
    voxels[120:184, 20:84] = cine.voxels
    voxels[10:60, 90:140] = 1.0  # looks like a huge LV to the oracle, but does not move
    wide = Cine(voxels, cine.affine, simulated=True)
    place = locate_heart(oracle, wide)
    heart = np.argwhere((labels.labels > 0).any(axis=(2, 3))).mean(axis=0) + [120, 20]
    assert np.linalg.norm((np.array(place.grid.centre_voxel) - heart) * 2.4) < 15 and not place.notes


def test_thin_slices_are_read_as_interleaved_stacks(oracle, make_scan):
    cine, truth = scan(make_scan, shape=(64, 64, 24), spacing=(2.4, 2.4, 4.0))
    found = segment_scan(oracle, cine)
    table = compare_label_maps(found.labels, truth).groupby("structure")["dice"].min()
    assert table["lv_cavity"] > 0.93 and table["rv_cavity"] > 0.9


def test_landmarks_of_an_unsure_network_come_from_geometry(oracle, make_scan):
    cine, _ = scan(make_scan)
    found = segment_scan(oracle, cine)
    assert found.landmark_source.shape == (2, 6) and set(found.landmark_source.flat) == {"geometry"}
    for t in range(2):
        expected = landmarks_from_labels(found.labels.frame(t), cine.affine)
        assert np.allclose(found.landmarks_world_mm[t], expected)


def test_units_of_the_intensities_do_not_matter(oracle, make_scan):
    """Also where the window reaches beyond the image: the rim must stay as dark as the darkest voxel."""
    cine, _ = scan(make_scan, shape=(60, 56, 8), spacing=(1.9, 1.9, 12.0))
    expected = segment_scan(oracle, cine).labels.labels
    other = Cine(cine.voxels * 4 + 8, cine.affine, simulated=True)
    assert expected.any() and (segment_scan(oracle, other).labels.labels == expected).mean() > 0.9999


def test_reversed_slices_give_reversed_labels(oracle, make_scan):
    cine, _ = scan(make_scan)
    expected = segment_scan(oracle, cine).labels.labels
    reverse = Cine(cine.voxels[:, :, ::-1], cine.affine, simulated=True)
    assert np.array_equal(segment_scan(oracle, reverse).labels.labels[:, :, ::-1], expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_swapped_axes_are_recognised_and_labels_stored_as_the_image_is(oracle, make_scan, axis):
    cine, _ = scan(make_scan)
    order = [2, 0, 1] if axis == 0 else [0, 2, 1]
    affine = cine.affine.copy()
    affine[:, :3] = affine[:, order]
    swapped = Cine(cine.voxels.transpose(*order, 3), affine, simulated=True)
    expected, found = segment_scan(oracle, cine), segment_scan(oracle, swapped)
    assert np.array_equal(found.labels.labels, expected.labels.labels.transpose(*order, 3))
    assert np.array_equal(found.labels.affine, affine)
    assert np.allclose(found.landmarks_world_mm, expected.landmarks_world_mm, equal_nan=True)
    assert any(f"slices lie along {'IJ'[axis]}" in note for note in found.notes)


def test_integer_and_float_intensities_of_any_scale_give_the_same_labels(oracle, make_scan):
    cine, _ = scan(make_scan)
    expected = segment_scan(oracle, cine).labels.labels
    for voxels in (
        (cine.voxels * 1000).astype(np.int16),
        (cine.voxels * 200).astype(np.uint8),
        cine.voxels.astype(np.float64) * 3e4 - 500,
    ):
        assert np.array_equal(segment_scan(oracle, Cine(voxels, cine.affine, simulated=True)).labels.labels, expected)


def test_the_number_of_threads_does_not_change_the_labels(oracle, make_scan):
    cine, _ = scan(make_scan)
    alone = segment_scan(oracle, cine)
    with threads(2):
        shared = segment_scan(oracle, cine)
    assert np.array_equal(alone.labels.labels, shared.labels.labels)
    assert np.array_equal(alone.landmarks_world_mm, shared.landmarks_world_mm, equal_nan=True)


def test_one_slice_and_one_frame_work_and_say_so(oracle, make_scan):
    cine, _ = scan(make_scan)
    found = segment_scan(oracle, Cine(cine.voxels[:, :, 5:6, :1], cine.affine, simulated=True))
    assert found.labels.labels.shape == (64, 64, 1, 1) and found.volumes["lv_cavity_ml"][0] > 0
    assert (found.ed, found.es) == (0, 0) and any("cannot be told apart" in note for note in found.notes)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_an_image_without_a_heart_gives_an_empty_map_and_a_warning_note(oracle, value):
    empty = Cine(np.full((64, 64, 4, 2), value, np.float32), np.diag([2.0, 2.0, 10.0, 1.0]))
    found = segment_scan(oracle, empty)
    assert not found.labels.labels.any() and np.isnan(found.landmarks_world_mm).all()
    assert set(found.landmark_source.flat) == {"none"}
    assert any("no heart" in note for note in found.notes)
    assert np.isnan(found.measures()["lvef_percent"])


def test_islands_go_and_ventricles_stay(make_scan):
    _, truth = scan(make_scan)
    labels = truth.frame(0).copy()
    dirty = labels.copy()
    dirty[1:3, 1:3, 0] = 1
    dirty[60:62, 2:4, 7] = 4
    cleaned, n_removed = clean_labels(dirty)
    assert np.array_equal(cleaned, labels) and n_removed == 8


def test_a_right_ventricle_cut_off_from_the_left_is_kept():
    labels = np.zeros((30, 30, 6), np.uint8)
    labels[18:26, 10:20] = 1
    labels[2:10, 5:25, 2:5] = 4  # nothing connects it
    labels[0, 0, 0] = 4
    cleaned, n_removed = clean_labels(labels)
    assert (cleaned[2:10, 5:25, 2:5] == 4).all() and n_removed == 1


def test_of_a_real_scan_the_largest_piece_of_cavities_and_lv_wall_is_kept_alone():
    labels = np.zeros((40, 40, 4), np.uint8)
    radius = np.hypot(*(np.mgrid[:40, :40] - 14.5))
    labels[radius < 10.5] = 2
    labels[radius < 5] = 1
    labels[25:38, 5:25] = 4
    labels[25:38, 4] = 3
    labels[30:33, 25, 1:3] = 3  # thin walls come in pieces
    labels[8:10, 26:36] = 2  # a tendril beside the heart, apart from the wall
    labels[28:38, 28:38] = 4
    loose, _ = clean_labels(labels)
    alone, n_removed = clean_labels(labels, largest_only=True)
    assert (loose[28:38, 28:38] == 4).all() and not alone[28:38, 28:38].any()
    assert not alone[8:10, 26:36].any() and n_removed == 4 * (2 * 10 + 10 * 10)
    heart = labels.copy()
    heart[:, 26:] = 0
    np.testing.assert_array_equal(alone, heart)


@pytest.mark.parametrize("cavity", [1, 4])
def test_a_larger_piece_that_no_wall_borders_is_no_cavity(cavity):
    labels = np.zeros((40, 40, 3), np.uint8)
    labels[5:17, 5:17] = 2
    labels[8:14, 8:14] = cavity
    labels[22:36, 22:36] = cavity  # a stomach
    labels[4:6, 30:34] = 2
    kept, n_removed = clean_labels(labels, largest_only=True)
    assert (kept == cavity).sum() == 6 * 6 * 3 and (kept[8:14, 8:14] == cavity).all()
    assert not kept[22:36, 22:36].any() and not kept[4:6, 30:34].any() and n_removed < 1.2 * 3 * (14 * 14 + 2 * 4)
    without_wall = np.where(labels == 2, 0, labels).astype(np.uint8)
    assert (clean_labels(without_wall, largest_only=True)[0] == cavity).sum() == 14 * 14 * 3


def test_what_sticks_out_of_the_left_ventricle_is_no_wall_and_a_thin_or_oval_one_is_left_alone():
    i, j = np.mgrid[:80, :80] - 40.0
    for stretch, inner in ((1.0, 12), (1.25, 17), (0.85, 6)):
        radius = np.hypot(i, j * stretch)
        heart = np.where(radius < inner, 1, np.where(radius < 20, 2, 0)).astype(np.uint8)
        labels = np.repeat(heart[:, :, None], 3, axis=2)
        kept, _ = clean_labels(labels, largest_only=True)
        assert (kept != labels).sum() < 0.01 * (labels > 0).sum()
        labels[36:42, 58:76, 1] = 2  # hangs on the wall
        labels[28:50, 66:78, 1] = 2
        found, _ = clean_labels(labels, largest_only=True)
        extra = (labels[..., 1] == 2) & (heart == 0)
        assert (found[..., 1] == 2)[extra].mean() < 0.15
        np.testing.assert_array_equal(found[..., [0, 2]], kept[..., [0, 2]])
        assert (found == 1).sum() == (labels == 1).sum()


def test_cleaning_an_empty_map_is_harmless():
    cleaned, n_removed = clean_labels(np.zeros((4, 4, 2), np.uint8))
    assert not cleaned.any() and n_removed == 0


def without_rv_wall(oracle: TrainedNetwork) -> TrainedNetwork:
    known = {"labelled": ["lv_cavity", "lv_wall", "rv_cavity"], "landmarks": False}
    return dataclasses.replace(oracle, provenance=known)


def test_a_structure_that_training_did_not_label_is_background_with_a_reason(oracle, make_scan):
    cine, truth = scan(make_scan)
    every, fewer = segment_scan(oracle, cine), segment_scan(without_rv_wall(oracle), cine)
    assert every.measures()["rv_mass_g"] > 0 and not any("labelled no" in note for note in every.notes)
    assert not fewer.labels.mask("rv_wall").any() and np.isnan(fewer.measures()["rv_mass_g"])
    assert fewer.volumes["rv_wall_ml"].isna().all() and (fewer.volumes["rv_cavity_ml"] > 0).all()
    assert sum("training labelled no RV wall" in note for note in fewer.notes) == 1
    table = compare_label_maps(fewer.labels, truth).groupby("structure")["dice"].min()
    assert table[["lv_cavity", "rv_cavity"]].min() > 0.9 and table["rv_wall"] == 0


def test_unlabelled_probability_goes_to_the_background_as_in_the_loss(oracle):
    stack = np.random.default_rng(0).uniform(-0.5, 0.5, (3, 16, 16)).astype(np.float32)
    every = predict_stack(oracle, stack, slice_step_mm=10.0)
    fewer = predict_stack(without_rv_wall(oracle), stack, slice_step_mm=10.0)
    assert np.allclose(fewer.classes[:, 0], every.classes[:, 0] + every.classes[:, 3], atol=1e-6)
    assert np.allclose(fewer.classes[:, [1, 2, 4]], every.classes[:, [1, 2, 4]], atol=1e-6)
    assert not fewer.classes[:, 3].any()


def test_a_network_without_landmarks_in_its_training_places_none(oracle):
    """Every landmark of the oracle is as likely anywhere; what is placed must then come from geometry."""
    stack = np.zeros((3, 16, 16), np.float32)
    assert np.allclose(predict_stack(oracle, stack, slice_step_mm=10.0).landmarks.sum(axis=(1, 2, 3)), 1)
    assert not predict_stack(without_rv_wall(oracle), stack, slice_step_mm=10.0).landmarks.any()
