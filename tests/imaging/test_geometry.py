"""Affines: what survives when header and affine disagree, and voxel <-> world."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.imaging import reconcile_affine, spacing_of, voxel_from_world, world_from_voxel

finite = st.floats(-200, 200, allow_nan=False)


@st.composite
def affines(draw):
    """Rotated, flipped and scaled, as scanners write them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    spacing = draw(st.tuples(*[st.floats(0.5, 12)] * 3))
    affine = np.eye(4)
    affine[:3, :3] = rotation * spacing
    affine[:3, 3] = draw(st.tuples(finite, finite, finite))
    return affine


def test_acdc_trap_zooms_win_and_directions_survive():
    affine, note = reconcile_affine(np.diag([-1.0, -1, 1, 1]), (1.5625, 1.5625, 10.0))
    np.testing.assert_allclose(affine, np.diag([-1.5625, -1.5625, 10, 1]))
    assert "zooms believed" in note and "unset" in note


def test_agreeing_header_is_left_alone():
    given_affine = np.diag([1.25, 1.25, 8, 1])
    affine, note = reconcile_affine(given_affine, (1.25 * (1 + 1e-6), 1.25, 8))
    assert note is None
    np.testing.assert_array_equal(affine, given_affine)


@pytest.mark.parametrize("zooms", [(1, 1, 1), (0, 0, 0), (np.nan, 1, 1)])
def test_unset_zooms_lose_against_an_affine_that_knows(zooms):
    affine, note = reconcile_affine(np.diag([1.25, 1.25, 8, 1]), zooms)
    np.testing.assert_array_equal(spacing_of(affine), (1.25, 1.25, 8))
    assert "affine" in note and "believed" in note


def test_negative_zoom_means_its_size():
    assert reconcile_affine(np.diag([2.0, 2, 8, 1]), (-2, 2, 8))[1] is None


@pytest.mark.parametrize(
    "bad", [np.eye(3), np.diag([1.0, 0, 1, 1]), np.diag([np.nan, 1, 1, 1]), np.diag([1.0, 1, 1, 2])]
)
def test_unusable_affine_is_refused(bad):
    with pytest.raises(ValueError, match="affine"):
        reconcile_affine(bad, (1, 1, 1))


def test_zooms_need_three_values():
    with pytest.raises(ValueError, match="three zooms"):
        reconcile_affine(np.eye(4), (1, 1))


@settings(max_examples=30, deadline=None)
@given(affines(), st.tuples(*[st.floats(1.1, 12)] * 3))
def test_reconciled_spacing_is_the_zooms_and_directions_stay(affine, zooms):
    fixed, _ = reconcile_affine(affine, zooms)
    np.testing.assert_allclose(spacing_of(fixed), zooms, rtol=2e-3)
    np.testing.assert_allclose(fixed[:3, :3] / spacing_of(fixed), affine[:3, :3] / spacing_of(affine), atol=1e-9)
    np.testing.assert_array_equal(fixed[:3, 3], affine[:3, 3])


@settings(max_examples=30, deadline=None)
@given(affines(), st.lists(st.tuples(finite, finite, finite), min_size=1, max_size=5))
def test_voxel_and_world_are_inverse(affine, ijk):
    ijk = np.array(ijk)
    np.testing.assert_allclose(voxel_from_world(affine, world_from_voxel(affine, ijk)), ijk, atol=1e-7)


def test_world_from_voxel_by_hand_keeps_leading_axes():
    affine = np.array([[0, -2, 0, 10], [1.5, 0, 0, 20], [0, 0, 8, 30], [0, 0, 0, 1.0]])
    xyz = world_from_voxel(affine, np.array([[[1, 2, 3]]]))
    assert xyz.shape == (1, 1, 3)
    np.testing.assert_allclose(xyz[0, 0], (10 - 4, 20 + 1.5, 30 + 24))
