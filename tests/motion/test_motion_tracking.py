from dataclasses import replace

import numpy as np
import pytest
import torch

from cardiolib.imaging import Cine, LabelMap
from cardiolib.motion import TrackingSettings, track
from cardiolib.motion.tracking.objective import determinants
from cardiolib.motion.tracking.volumes import prepare_volumes

QUICK = TrackingSettings(
    coarse_iterations=30,
    fine_iterations=20,
    harmonics=2,
    slice_mm=4.0,
    lattice_mm=5.0,
    fine_mm=16.0,
    phases=10,
    correct_shifts=False,
    prior="none",
)
"""The phantoms are no hearts of the population: what is tested here is what the images alone give."""


def seeded():
    return torch.Generator().manual_seed(0)


def es_error(field, phantom):
    moved, middle = field.displace(phantom.points), len(phantom.truth) // 2
    return np.linalg.norm(moved[middle] - phantom.truth[middle], axis=1).mean()


def zero_motion(phantom):
    return np.linalg.norm(phantom.truth[len(phantom.truth) // 2] - phantom.points, axis=1).mean()


def rotation(w):
    a = np.deg2rad(12) * w
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])


def contraction(w):
    """Thinner and longer, volume kept."""
    s = 1 - 0.1 * w
    return np.diag([s, s, 1 / s**2])


def squeeze(w):
    return np.diag([1 - 0.1 * w, 1 - 0.1 * w, 1])


@pytest.fixture(scope="module")
def moving(make_phantom):
    return make_phantom(shift=lambda w: np.array([6.0, -4.0, 0.0]) * w)


@pytest.fixture(scope="module")
def tracked(moving):
    return track(moving.cine, moving.labels, QUICK, generator=seeded())


def test_translation_is_recovered(moving, tracked):
    assert zero_motion(moving) == pytest.approx(np.hypot(6, 4))
    assert es_error(tracked, moving) < 0.6


def test_rotation_is_recovered(make_phantom):
    phantom = make_phantom(rotation)
    field = track(phantom.cine, phantom.labels, QUICK, generator=seeded())
    assert zero_motion(phantom) > 3
    assert es_error(field, phantom) < 1.0


def test_contraction_is_recovered(make_phantom, oblique):
    """Shortening in all directions; where the whole heart lies along the axis is known to half a slice only."""
    phantom = make_phantom(contraction)
    field = track(phantom.cine, phantom.labels, QUICK, generator=seeded(), ed_frame=0)
    error = np.abs((field.displace(phantom.points)[5] - phantom.truth[5]) @ oblique).mean(axis=0)
    still = np.abs((phantom.points - phantom.truth[5]) @ oblique).mean(axis=0)
    assert (error[:2] < 0.4 * still[:2]).all()
    assert error[2] < 4.0
    strain = oblique.T @ field.jacobian(phantom.points)[5].mean(axis=0) @ oblique
    assert np.allclose(strain, contraction(1), atol=0.06)


def test_end_diastole_stays_and_the_cycle_closes_exactly(moving, tracked):
    assert (tracked.displace(moving.points)[0] == moving.points).all()
    assert (tracked.displace(moving.points, phases=np.array([1.0]))[0] == moving.points).all()
    assert tracked.measures["closure_mm"] == 0


def test_jacobian_against_differences(moving, tracked):
    point, h = moving.points[:5], 1e-3
    jacobian = tracked.jacobian(point)
    for axis in range(3):
        step = np.eye(3)[axis] * h
        difference = (tracked.displace(point + step) - tracked.displace(point - step)) / (2 * h)
        assert np.allclose(jacobian[..., axis], difference, atol=1e-4)


def test_determinant_of_gradients():
    gradient = torch.randn(4, 3, 3, 6, generator=seeded(), dtype=torch.float64)
    expected = torch.linalg.det(torch.eye(3) + gradient.permute(0, 3, 1, 2))
    assert torch.allclose(determinants(gradient), expected)


def test_incompressibility_keeps_volume(make_phantom):
    phantom = make_phantom(contraction)
    spread = [
        track(
            phantom.cine,
            phantom.labels,
            replace(QUICK, incompressibility=weight, fine_iterations=10),
            generator=seeded(),
        ).measures["jacobian_sd"]
        for weight in (0.0, 0.3)
    ]
    assert spread[1] < 0.8 * spread[0]


def test_same_generator_same_bytes(moving):
    short = replace(QUICK, coarse_iterations=3, fine_iterations=2)
    one, two = (track(moving.cine, moving.labels, short, generator=seeded()) for _ in range(2))
    for a, b in zip(one.coefficients, two.coefficients, strict=True):
        assert a.tobytes() == b.tobytes()


def test_end_diastole_may_be_any_frame(make_phantom):
    short = replace(QUICK, coarse_iterations=5, fine_iterations=0)
    plain, rolled = make_phantom(squeeze), make_phantom(squeeze, ed=4)
    volumes = [prepare_volumes(p.cine, p.labels, short, ed_frame=ed) for p, ed in ((plain, 0), (rolled, 4))]
    for name in ("channels", "phases", "mask", "wall", "lv_wall"):  # all that the tracker sees is the same
        np.testing.assert_array_equal(*(getattr(one, name) for one in volumes), err_msg=name)
    field = track(rolled.cine, rolled.labels, short, generator=seeded())
    assert field.ed_frame == 4
    assert es_error(field, rolled) < zero_motion(rolled) / 2


@pytest.mark.parametrize("method", ["groupwise", "published"])
def test_two_frames_are_registered(make_phantom, method):
    phantom = make_phantom(shift=lambda w: np.array([5.0, 3.0, 0.0]) * w, n_frames=2)
    settings = replace(QUICK, method=method)
    field = track(phantom.cine, phantom.labels, settings, generator=seeded())
    assert field.displace(phantom.points).shape == (2, len(phantom.points), 3)
    assert es_error(field, phantom) < 1.0


def test_intensities_may_be_scaled_frame_by_frame(moving, tracked):
    gain = np.linspace(1, 3, moving.cine.n_frames)
    brighter = Cine(moving.cine.voxels * gain + 40, moving.cine.affine)
    field = track(brighter, moving.labels, QUICK, generator=seeded())
    assert np.allclose(field.displace(moving.points), tracked.displace(moving.points), atol=0.4)


def test_a_frame_in_which_blood_and_muscle_are_equally_bright_is_tracked_by_its_contours(moving, tracked):
    voxels = moving.cine.voxels.copy()
    voxels[..., 3] = 0.5
    field = track(Cine(voxels, moving.cine.affine), moving.labels, QUICK, generator=seeded())
    assert np.allclose(field.displace(moving.points), tracked.displace(moving.points), atol=1.5)


def test_slice_shifts_are_undone(make_phantom):
    phantom = make_phantom(shift=lambda w: np.array([6.0, -4.0, 0.0]) * w)
    move = np.array([0, 2, -2, 0, 2, -1, 0, 0, 0])
    voxels, labels = phantom.cine.voxels.copy(), phantom.labels.labels.copy()
    for k, by in enumerate(move):
        voxels[:, :, k], labels[:, :, k] = np.roll(voxels[:, :, k], by, 0), np.roll(labels[:, :, k], by, 0)
    field = track(
        Cine(voxels, phantom.cine.affine),
        LabelMap(labels, phantom.labels.affine, phantom.labels.scheme),
        replace(QUICK, correct_shifts=True, fine_iterations=0),
        generator=seeded(),
    )
    assert np.corrcoef(field.slice_shift_mm[:6, 0], 2.5 * move[:6])[0, 1] > 0.9
    assert es_error(field, phantom) < 1.0


def test_pairs_that_do_not_belong_together_are_refused(moving):
    cine, labels = moving.cine, moving.labels
    fewer = LabelMap(labels.labels[..., :4], labels.affine, labels.scheme)
    elsewhere = LabelMap(labels.labels, labels.affine + _offset(5.0), labels.scheme)
    empty = LabelMap(np.zeros_like(labels.labels), labels.affine, labels.scheme)
    one = Cine(cine.voxels[..., :1], cine.affine), LabelMap(labels.labels[..., :1], labels.affine, labels.scheme)
    thin = Cine(cine.voxels[:, :, :2], cine.affine), LabelMap(labels.labels[:, :, :2], labels.affine, labels.scheme)
    flat = Cine(np.ones_like(cine.voxels), cine.affine), labels
    cases = (
        (cine, fewer, "same voxels"),
        (cine, elsewhere, "different places"),
        (cine, empty, "no lv_cavity"),
        (*one, "2 frames"),
        (*thin, "3 slices"),
        (*flat, "same intensity"),
    )
    for images, segmentation, words in cases:
        with pytest.raises(ValueError, match=words):
            track(images, segmentation, QUICK, generator=seeded())
    with pytest.raises(ValueError, match="ed_frame"):
        track(cine, labels, QUICK, generator=seeded(), ed_frame=99)
    with pytest.raises(ValueError, match="finite"):
        Cine(np.where(cine.voxels > 0.9, np.nan, cine.voxels), cine.affine)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "demons"},
        {"fine_mm": -1.0},
        {"phases": 1},
        {"harmonics": 2.5},
        {"correct_shifts": 1},
        {"bending": float("nan")},
    ],
)
def test_settings_name_the_wrong_field(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        TrackingSettings(**change)


def _offset(mm):
    out = np.zeros((4, 4))
    out[0, 3] = mm
    return out
