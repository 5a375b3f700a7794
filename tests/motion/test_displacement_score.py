"""Points are followed through a displacement field, and a tracker is given the error against it that it has."""

import numpy as np
import pytest

from cardiolib.digital_heart import DigitalHeart, acquire, true_displacement
from cardiolib.imaging import DisplacementField
from cardiolib.meshes import template_mesh
from cardiolib.motion import DisplacementScore, follow_field, score_displacement
from cardiolib.motion.tracking.bspline import SplineGrid
from cardiolib.motion.tracking.field import MotionField
from cardiolib.motion.tracking.temporal import LinearBasis

SHAPE, SPACING, N = (30, 30, 6), np.array([1.5, 1.5, 8.0]), 6


def affine_field(matrix, shift, oblique, *, slice_shift=None):
    """A field of x = A X + b (at full amount), A growing with the phase, on an oblique grid; in its middle A is about
    the origin of world."""
    affine = np.eye(4)
    affine[:3, :3] = oblique * SPACING
    affine[:3, 3] = -affine[:3, :3] @ (np.array(SHAPE) - 1) / 2
    places = np.argwhere(np.ones(SHAPE)) @ affine[:3, :3].T + affine[:3, 3]
    if slice_shift is not None:  # slice k shows the heart displaced: what is seen at x is at x less the shift
        places = places - slice_shift[np.argwhere(np.ones(SHAPE))[:, 2]] @ oblique.T
    mm = np.empty((*SHAPE, N, 3), np.float32)
    for t in range(N):
        then = (places - amount(t) * shift) @ np.linalg.inv(grown(matrix, t)).T
        mm[..., t, :] = (places - then).reshape(*SHAPE, 3)
    return DisplacementField(mm, affine)


def amount(t):
    return np.sin(np.pi * t / N) ** 2


def grown(matrix, t):
    return np.eye(3) + amount(t) * (matrix - np.eye(3))


def moved(points, matrix, shift):
    return np.stack([points @ grown(matrix, t).T + amount(t) * shift for t in range(N)])


@pytest.fixture
def motion(oblique):
    """Shrinks around, twists, and goes along its axis."""
    turn = np.array([[np.cos(0.2), -np.sin(0.2), 0], [np.sin(0.2), np.cos(0.2), 0], [0, 0, 1]])
    return oblique @ turn @ np.diag([0.8, 0.8, 0.9]) @ oblique.T, oblique @ [1.0, -2.0, 3.0]


@pytest.fixture
def points(oblique):
    rng = np.random.default_rng(4)
    angle, radius = rng.uniform(0, 2 * np.pi, 300), rng.uniform(9, 15, 300)
    local = np.stack([radius * np.cos(angle), radius * np.sin(angle), rng.uniform(-10, 10, 300)], axis=1)
    return local @ oblique.T


def test_points_are_followed_where_they_go(motion, points, oblique):
    followed = follow_field(points, affine_field(*motion, oblique))
    np.testing.assert_allclose(followed, moved(points, *motion), atol=0.1)
    np.testing.assert_array_equal(followed[0], points)


def test_the_shifts_of_slices_are_undone(motion, points, oblique):
    shift = np.random.default_rng(0).normal(size=(6, 3)) * [3, 3, 1]
    field = affine_field(*motion, oblique, slice_shift=shift)
    truth = moved(points, *motion)
    undone = np.linalg.norm(follow_field(points, field, slice_shift_mm=shift) - truth, axis=-1)
    left = np.linalg.norm(follow_field(points, field) - truth, axis=-1)
    assert undone.max() < 0.15 and np.nanmean(left[3]) > 3 * undone[3].mean()
    with pytest.raises(ValueError, match="a row of two or three numbers for each of 6 slices"):
        follow_field(points, field, slice_shift_mm=shift[:4])


def test_a_point_that_leaves_what_is_known_is_lost_from_then_on(oblique):
    field = affine_field(np.eye(3), oblique @ [12.0, 0, 0], oblique)
    mm = field.mm.copy()
    mm[18:] = np.nan  # from 5 mm on; the point goes 12
    followed = follow_field(np.array([[0.0, 0, 0]]), DisplacementField(mm, field.affine))
    known = np.isfinite(followed[:, 0, 0])
    assert known[0] and not known[3] and not known[-1]


def test_the_cycle_may_begin_in_another_frame(motion, points, oblique):
    field = affine_field(*motion, oblique)
    rolled = DisplacementField(np.roll(field.mm, 2, axis=3), field.affine, ed_frame=2)
    np.testing.assert_allclose(follow_field(points, rolled), follow_field(points, field), atol=1e-9)


def test_a_perfect_tracker_has_no_error_and_a_wrong_one_the_error_it_has(motion, points, oblique):
    field, truth = affine_field(*motion, oblique), moved(points, *motion)
    perfect = score_displacement(truth, field)
    assert perfect.errors["mean_mm"].max() < 0.05 and perfect.covered == 1.0 and perfect.es_phase == 3
    off = truth.copy()
    off[3] += 2.0 * field.normal
    across = score_displacement(off, field).summary.loc["all points"]
    assert across["through_plane_mm"] == pytest.approx(2, abs=0.05) and across["in_plane_mm"] < 0.05
    off = truth.copy()
    off[3] += 1.5 * oblique[:, 0]
    within = score_displacement(off, field).summary.loc["all points"]
    assert within["in_plane_mm"] == pytest.approx(1.5, abs=0.05) and within["through_plane_mm"] < 0.05
    assert within["n"] == 300 and within["median_mm"] == pytest.approx(1.5, abs=0.05)


def test_assuming_no_motion_errs_by_the_motion(motion, points, oblique):
    still = score_displacement(np.repeat(points[None], N, axis=0), affine_field(*motion, oblique))
    np.testing.assert_allclose(still.errors["mean_mm"], still.errors["zero_motion_mm"])
    expected = np.linalg.norm(moved(points, *motion)[3] - points, axis=1).mean()
    assert still.summary.loc["all points", "mean_mm"] == pytest.approx(expected, abs=0.05)


def test_strain_of_any_points_is_that_of_their_motion(motion, points, oblique):
    half = points + 0.5 * (moved(points, *motion) - points)
    peaks = score_displacement(half, affine_field(*motion, oblique)).peaks.loc["whole wall"]
    for kind in ("circumferential", "radial"):
        assert peaks[f"{kind}_field_percent"] == pytest.approx(-20, abs=0.5)
        assert -12 < peaks[f"{kind}_tracked_percent"] < -8
        bias = peaks[f"{kind}_tracked_percent"] - peaks[f"{kind}_field_percent"]
        assert peaks[f"{kind}_bias_percent"] == pytest.approx(bias)


def test_regions_are_reported_beside_all(motion, points, oblique):
    truth = moved(points, *motion)
    truth[:, 200:] += 1.0 * (np.arange(N) > 0)[:, None, None]
    names = np.where(np.arange(300) < 200, "good", "bad")
    table = score_displacement(truth, affine_field(*motion, oblique), region=names).summary
    assert list(table.index) == ["all points", "good", "bad"] and table["n"].tolist() == [300, 200, 100]
    assert table.loc["good", "mean_mm"] < 0.05 and table.loc["bad", "mean_mm"] == pytest.approx(3**0.5, abs=0.05)


def test_another_number_of_phases_is_read_between(motion, points, oblique):
    fine = np.stack(
        [points @ grown_at(motion[0], s).T + s * motion[1] for s in np.sin(np.pi * np.arange(24) / 24) ** 2]
    )
    score = score_displacement(fine, affine_field(*motion, oblique))
    assert score.errors["phase"].max() == N - 1 and score.errors["mean_mm"].max() < 0.05


def grown_at(matrix, s):
    return np.eye(3) + s * (matrix - np.eye(3))


def test_a_motion_field_is_asked_for_the_voxels_of_the_displacement_field(motion, oblique):
    grid = SplineGrid.covering(np.full(3, -60.0), np.full(3, 60.0), 40.0)
    still = MotionField(
        (grid,),
        (np.zeros((N - 1, 3, *grid.shape)),),
        LinearBasis(tuple(np.arange(1, N) / N)),
        np.eye(4),
        np.arange(N) / N,
    )
    field = affine_field(*motion, oblique)
    score = score_displacement(still, field)
    assert score.errors["n"].max() == field.mask[..., 0].sum() and score.summary.loc["all points", "mean_mm"] > 1


def test_what_cannot_be_scored_is_refused(motion, points, oblique):
    field, truth = affine_field(*motion, oblique), moved(points, *motion)
    with pytest.raises(ValueError, match=r"finite \(T, V, 3\) array"):
        score_displacement(truth[0], field)
    with pytest.raises(ValueError, match="knows none of the tracked points"):
        score_displacement(truth + 500.0, field)
    with pytest.raises(ValueError, match="region names each of 300 points; given 2"):
        score_displacement(truth, field, region=["a", "b"])


def test_no_score_says_why():
    none = DisplacementScore.none("nothing was measured")
    assert none.lacks in repr(none) and none.summary.empty and none.peaks.empty


@pytest.fixture(scope="module")
def scored():
    heart = DigitalHeart()
    scan = acquire(heart, phases=np.arange(10) / 10, rng=np.random.default_rng(1))
    truth = scan.world_from_heart(heart.surface_sequence(scan.phases))
    field = true_displacement(heart, scan)
    return truth, field, scan.slice_shift_mm


def test_the_true_surface_follows_the_true_field(scored):
    truth, field, shift = scored
    score = score_displacement(truth, field, slice_shift_mm=shift)
    table = score.summary
    assert score.simulated and "SIMULATED" in repr(score) and score.covered > 0.8
    assert list(table.index) == ["all points", *template_mesh().region_names]
    assert table.loc["all points", "mean_mm"] < 0.6 and table["mean_mm"].max() < 0.9
    assert table.loc["all points", "zero_motion_mm"] > 7
    peaks = score.peaks
    assert len(peaks) == 17 and peaks.index[0] == "whole wall"
    assert abs(peaks.loc["whole wall", "circumferential_bias_percent"]) < 1.5
    assert abs(peaks.loc["whole wall", "radial_bias_percent"]) < 6


def test_a_damped_tracker_is_seen_to_be_damped(scored):
    truth, field, shift = scored
    damped = truth[:1] + 0.7 * (truth - truth[:1])
    peaks = score_displacement(damped, field, slice_shift_mm=shift).peaks.loc["whole wall"]
    assert peaks["circumferential_bias_percent"] > 3 and peaks["radial_bias_percent"] < -6
