"""Wrapped phases give back the displacement that made them: exactly without noise, closely with it."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from cardiolib.digital_heart import (
    AcquisitionSettings,
    DenseSettings,
    DigitalHeart,
    acquire,
    acquire_dense,
    parameters_at_severity,
    true_displacement,
)
from cardiolib.imaging import OURS, DenseCine, LabelMap, displacement_from_dense

ENCODING = (0.1, 0.08, 0.05)


def wrapped(mm_along_axes, affine=None):
    turns = mm_along_axes * np.asarray(ENCODING)
    phase = 2 * np.pi * (turns - np.rint(turns))
    return DenseCine(np.ones(phase.shape[:-1]), phase, np.eye(4) if affine is None else affine, ENCODING)


def growing(shape=(20, 18, 2), n=24):
    """A displacement of several wavelengths that bends in the plane and grows and falls over the cycle."""
    i, j, k = np.meshgrid(*map(np.arange, shape), indexing="ij")
    amount = np.sin(np.pi * np.arange(n) / n) ** 2
    most = np.stack([14 + 0.4 * i - 0.02 * j**2, -9 + 0.5 * j, 25 + 0.3 * i - 2.0 * k], axis=-1)
    return most[:, :, :, None] * amount[:, None]


def test_several_wavelengths_are_found_again():
    truth = growing()
    assert (np.abs(truth).max(axis=(0, 1, 2, 3)) * ENCODING > (2, 0.7, 1.5)).all()
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turn * [1.5, 1.5, 8.0]
    found = displacement_from_dense(wrapped(truth, affine), np.ones(truth.shape[:-1], bool))
    np.testing.assert_allclose(found.along_axes_mm(), truth, atol=1e-4)
    np.testing.assert_allclose(found.mm, truth @ turn.T, atol=1e-4)


def test_outside_the_mask_nothing_is_known():
    truth = growing()
    mask = np.zeros(truth.shape[:-1], bool)
    mask[4:12, 5:14, 1] = True
    found = displacement_from_dense(wrapped(truth), mask)
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_allclose(found.mm[mask], truth[mask], atol=1e-4)


def test_muscle_that_comes_late_takes_its_turns_from_beside_it():
    truth = growing()
    mask = np.zeros(truth.shape[:-1], bool)
    mask[4:12, 5:14, 0] = True
    mask[5:11, 6:12, 1, 9:15] = True  # enters slice 1 in frame 9, with more than a turn
    found = displacement_from_dense(wrapped(truth), mask)
    np.testing.assert_allclose(found.mm[mask], truth[mask], atol=1e-4)
    lonely = mask.copy()
    lonely[4:12, 5:14, 1, 12] = True
    lonely[18:, 16:, 1, 12] = True  # far from all that is known: left out rather than guessed
    assert not displacement_from_dense(wrapped(truth), lonely).mask[18:, 16:, 1, 12].any()


def test_a_voxel_that_is_a_turn_off_is_brought_back():
    truth = growing()
    dense = wrapped(truth)
    phase = dense.phase.copy()
    phase[7, 7, 0, 12] += np.pi * 0.9  # strong noise in one voxel may tip it over
    phase = (phase + np.pi) % (2 * np.pi) - np.pi
    found = displacement_from_dense(replace(dense, phase=phase), np.ones(truth.shape[:-1], bool))
    off = np.abs(found.mm - truth) * np.asarray(ENCODING)
    assert (off[..., :] > 0.6).sum() == 0 and (off > 1e-3).sum() <= 3


def test_walls_of_a_label_map_are_its_muscle():
    truth = growing()
    labels = np.zeros(truth.shape[:-1], np.uint8)
    labels[4:12, 5:14, 1], labels[4:12, 5:14, 0] = OURS.code("lv_wall"), OURS.code("rv_wall")
    labels[6:9, 7:10] = OURS.code("lv_cavity")
    found = displacement_from_dense(wrapped(truth), LabelMap(labels, np.eye(4), OURS))
    np.testing.assert_array_equal(found.mask, np.isin(labels, (OURS.code("lv_wall"), OURS.code("rv_wall"))))


def test_masks_that_do_not_fit_are_refused():
    dense = wrapped(growing())
    with pytest.raises(ValueError, match=r"mask has the axes of the magnitude \(20, 18, 2, 24\)"):
        displacement_from_dense(dense, np.ones((20, 18, 2), bool))
    late = np.zeros(dense.magnitude.shape, bool)
    late[..., 3] = True
    with pytest.raises(ValueError, match="empty at end-diastole"):
        displacement_from_dense(dense, late)


def test_the_simulator_s_truth_is_found_exactly_without_noise():
    heart = DigitalHeart(parameters_at_severity(1.0))
    thin = AcquisitionSettings(sub_slices=1, papillary=False, trabeculae=False)
    scan = acquire(heart, thin, rng=np.random.default_rng(2))
    found = displacement_from_dense(acquire_dense(heart, scan, DenseSettings(snr=inf)), scan.labels)
    away = np.linalg.norm(found.mm - true_displacement(heart, scan).mm, axis=-1)
    walls = scan.labels.mask("lv_wall") | scan.labels.mask("rv_wall")
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    within = np.logical_and.reduce([np.roll(walls, step, axis=(0, 1)) for step in steps])
    assert np.isfinite(away[walls]).mean() > 0.999 and within.sum() > 20000
    # the others share their voxel with blood, fat or chest; at the junction of the ventricles two walls share it
    assert np.percentile(away[within], 99.9) < 1e-3 and away[within].max() < 0.05
    assert np.nanpercentile(away[walls], 99.5) < 3.0


def test_with_typical_noise_and_thick_slices_half_a_millimetre_is_left():
    heart = DigitalHeart(parameters_at_severity(0.0))
    scan = acquire(heart, rng=np.random.default_rng(2))
    found = displacement_from_dense(acquire_dense(heart, scan, rng=np.random.default_rng(3)), scan.labels)
    away = np.linalg.norm(found.mm - true_displacement(heart, scan).mm, axis=-1)
    wall = scan.labels.mask("lv_wall")
    systole = slice(0, 10)
    assert np.nanmean(away[..., systole][wall[..., systole]]) < 0.5
    assert np.nanmedian(away[wall]) < 0.5
    assert np.nanpercentile(away[wall], 99.9) < 5.0
