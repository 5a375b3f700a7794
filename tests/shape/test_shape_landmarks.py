"""Landmarks by geometry, on hearts whose landmarks are known."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.imaging import ACDC, OURS, LabelMap
from cardiolib.segmentation import simulate_training_scans
from cardiolib.shape import landmarks_from_labels
from cardiolib.shape.landmarks import base_is_last_slice
from cardiolib.shape.orientation import orientation_is_stated

AFFINE = np.diag([1.6, 1.6, 10.0, 1.0])
AFFINE[:3, 3] = [-88.0, -76.0, -85.0]
SHAPE = (96, 96, 12)
IDENTITY = np.eye(3)
BASE = np.array([0.64, -0.56, 0.53]) / np.linalg.norm([0.64, -0.56, 0.53])
INFERIOR = np.cross(BASE, np.cross([0, 0, -1.0], BASE))
INFERIOR /= np.linalg.norm(INFERIOR)
OBLIQUE = np.column_stack([np.cross(INFERIOR, BASE), INFERIOR, BASE])  # heart frame (lateral, inferior, base) to RAS


def painted(heart, affine, shape=SHAPE, turn=IDENTITY):
    """Labels of the heart on the grid `affine`; `turn` takes the heart frame to the world."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    return heart.labels_at(world @ turn)


def turned(turn):
    affine = AFFINE.copy()
    affine[:3] = turn @ AFFINE[:3]
    return affine


def known_landmarks(heart):
    """Heart frame: apex, LV lateral, RV insertions (anterior: -y), RV lateral, mitral centre."""
    apex, base = np.array([0, 0, -heart.length - heart.wall]), np.zeros(3)
    z = apex[2] + 0.55 * (base[2] - apex[2])
    epi = (heart.radius + heart.wall) * np.sqrt(1 - (z / (heart.length + heart.wall)) ** 2)
    rv = heart.rv_radius * np.sqrt(1 - (z / (0.8 * heart.length)) ** 2)
    x = (rv**2 - epi**2 - heart.rv_offset**2) / (2 * heart.rv_offset)  # circles meet: |p| = epi, |p + offset| = rv
    y = np.sqrt(epi**2 - x**2)
    return np.array([apex, [epi, 0, z], [x, -y, z], [x, y, z], [-heart.rv_offset - rv, 0, z], base])


def test_known_landmarks_are_found(analytic_heart):
    affine = turned(OBLIQUE)
    found = landmarks_from_labels(painted(analytic_heart, affine, turn=OBLIQUE), affine) @ OBLIQUE
    error = found - known_landmarks(analytic_heart)
    assert np.linalg.norm(error[:, :2], axis=1).max() < 5.0  # mm in the plane
    assert np.abs(error[:, 2]).max() < 7.0  # less than a slice step of 10 mm
    assert np.linalg.norm(error[1, :2]) < 2.5 and np.linalg.norm(error[5, :2]) < 1.6


@pytest.mark.parametrize("flips", [(), (0,), (1,), (2,), (0, 1), (0, 2), (0, 1, 2)])
def test_landmarks_do_not_depend_on_how_voxels_are_stored(analytic_heart, flips):
    """Reversing axes, with the affine following, moves nothing in the world: anterior stays anterior."""
    affine = turned(OBLIQUE)
    labels = painted(analytic_heart, affine, turn=OBLIQUE)
    expected = landmarks_from_labels(labels, affine)
    for axis in flips:
        labels = np.flip(labels, axis)
        affine = affine.copy()
        affine[:3, 3] += affine[:3, axis] * (labels.shape[axis] - 1)
        affine[:3, axis] *= -1
    assert np.allclose(landmarks_from_labels(labels, affine), expected, atol=1.7)


def test_rows_and_columns_may_be_exchanged(analytic_heart):
    affine = turned(OBLIQUE)
    labels = painted(analytic_heart, affine, turn=OBLIQUE)
    expected = landmarks_from_labels(labels, affine)
    found = landmarks_from_labels(labels.transpose(1, 0, 2), affine[:, [1, 0, 2, 3]])
    assert np.allclose(found, expected, atol=1e-6)


def test_base_end_is_recognised_either_way(analytic_heart):
    labels = painted(analytic_heart, AFFINE)
    assert base_is_last_slice(labels, AFFINE) and not base_is_last_slice(labels[:, :, ::-1], AFFINE)
    assert base_is_last_slice(np.stack([labels, labels], axis=-1), AFFINE)
    nothing = np.zeros_like(labels)  # a header that states the direction needs no heart
    assert base_is_last_slice(nothing, turned(OBLIQUE))
    assert not base_is_last_slice(nothing, turned(OBLIQUE) @ np.diag([1, 1, -1, 1]))


def test_header_without_orientation_falls_back_on_the_display(analytic_heart):
    """ACDC: affine diag(-,-,+), base first. Displayed, the RV is left and anterior is up (small j)."""
    assert not orientation_is_stated(np.diag([-1.5, -1.5, 10, 1])) and orientation_is_stated(turned(OBLIQUE))
    labels = painted(analytic_heart, AFFINE)[:, :, ::-1]  # i lateral, j inferior, base first
    affine = np.diag([-1.6, -1.6, 10.0, 1.0])
    ijk = landmarks_from_labels(labels, affine) @ np.linalg.inv(affine[:3, :3]).T
    assert ijk[2, 1] < ijk[3, 1]  # anterior insertion above the inferior one
    assert ijk[4, 0] < ijk[0, 0] < ijk[1, 0]


def test_other_schemes_give_the_same_landmarks(analytic_heart):
    affine = turned(OBLIQUE)
    ours = LabelMap(painted(analytic_heart, affine, turn=OBLIQUE), affine, OURS)
    acdc = ours.to_scheme(ACDC, drop=("rv_wall",))
    assert np.array_equal(
        landmarks_from_labels(ours.frame(0), affine), landmarks_from_labels(acdc.frame(0), affine, scheme=ACDC)
    )


def test_missing_structures_give_nan_rows_and_never_a_guess(analytic_heart):
    labels = painted(analytic_heart, AFFINE)
    without_rv = np.where(labels >= 3, 0, labels)
    found = landmarks_from_labels(without_rv, AFFINE)
    assert np.isfinite(found[[0, 5]]).all() and np.isnan(found[1:5]).all()
    assert np.isnan(landmarks_from_labels(np.zeros_like(labels), AFFINE)).all()
    one_slice = landmarks_from_labels(labels[:, :, 5:6], AFFINE)
    assert np.isfinite(one_slice).all()
    with pytest.raises(ValueError, match="one frame"):
        landmarks_from_labels(labels[..., None], AFFINE)


def test_geometry_finds_the_simulators_landmarks():
    scans = simulate_training_scans(3, seed=3, acquisition=AcquisitionSettings(sub_slices=3))
    errors = []
    for _, scan in scans:
        up = scan.cine.affine[:3, 2] / 10
        for t in range(2):
            found = landmarks_from_labels(scan.labels.frame(t), scan.labels.affine)
            offset = found - scan.as_imaged(scan.landmarks_world_mm)[t]
            along = offset @ up
            in_plane = np.linalg.norm(offset - along[:, None] * up, axis=1)
            errors.append(np.stack([in_plane, np.abs(along) / 10], axis=1))
    in_plane, slices = np.mean(errors, axis=0).T
    assert in_plane.max() < 7 and slices.max() < 0.8
