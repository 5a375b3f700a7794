"""The shape step on an analytic heart: shifts undone, volumes kept, surfaces near the true ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cardiolib.imaging import ACDC, OURS, LabelMap
from cardiolib.meshes import boundary_loops, enclosed_volume_ml
from cardiolib.shape import estimate_slice_shifts, refine_shape
from cardiolib.shape.refine import METHODS

SHAPE = (96, 96, 12)
AFFINE = np.diag([1.6, 1.6, 8.0, 1.0])
AFFINE[:3, 3] = [-88.0, -76.0, -84.0]  # planes at -84, ..., 4: the base z = 0 lies half a slice above the last


def painted(heart, *, shifts=None, affine=AFFINE):
    index = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    if shifts is not None:
        world = world - np.pad(shifts, ((0, 0), (0, 1)))
    return LabelMap(heart.labels_at(world), affine, OURS)


def random_shifts(seed):
    return np.random.default_rng(seed).normal(0, 2.5, (SHAPE[2], 2))


def ellipsoid_distance(points, half_axes):
    """First-order distance of points to an ellipsoid around the origin."""
    value = np.sqrt(((points / half_axes) ** 2).sum(axis=1))
    gradient = np.linalg.norm(points / half_axes**2, axis=1) / value
    return np.abs(value - 1) / gradient


@pytest.mark.parametrize("seed", [0, 1])
def test_slice_shifts_are_recovered_up_to_a_straight_line(analytic_heart, seed):
    shifts = random_shifts(seed)
    labels = painted(analytic_heart, shifts=shifts)
    found = estimate_slice_shifts(labels.frame(0), spacing_mm=labels.spacing_mm, scheme=OURS)
    held = np.flatnonzero(np.isin(labels.frame(0), [1, 2]).any(axis=(0, 1)))[1:]
    left = shifts[held] - found[held]
    line = np.polynomial.polynomial.polyfit(held, left, 1)
    left = left - np.polynomial.polynomial.polyval(held, line).T
    assert np.sqrt((left**2).mean()) < 0.4 < 1.0 < np.sqrt((shifts[held] ** 2).mean())


def test_an_unshifted_heart_is_left_alone(analytic_heart):
    labels = painted(analytic_heart)
    assert np.abs(estimate_slice_shifts(labels.frame(0), spacing_mm=labels.spacing_mm, scheme=OURS)).max() < 0.3


@pytest.mark.parametrize("method", METHODS)
def test_shifts_are_read_at_end_diastole_for_every_frame(analytic_heart, method):
    shifts = random_shifts(2)
    small = type(analytic_heart)(radius=14.0, rv_radius=25.0)
    frames = [painted(heart, shifts=shifts).labels for heart in (small, analytic_heart)]
    both = LabelMap(np.concatenate(frames, axis=-1), AFFINE, OURS)
    at_es, at_ed = (refine_shape(both, frame=t, method=method).slice_shift_mm for t in (0, 1))
    assert np.array_equal(at_es, at_ed) and np.abs(at_es).max() > 1


def test_too_few_slices_tell_nothing_about_shifts(analytic_heart):
    labels = painted(analytic_heart, shifts=random_shifts(0)).frame(0)[:, :, 6:9]
    assert np.array_equal(
        estimate_slice_shifts(labels, spacing_mm=np.array([1.6, 1.6, 8.0]), scheme=OURS), np.zeros((3, 2))
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shifted", [False, True])
def test_surfaces_lie_on_the_true_ellipsoids(analytic_heart, shifted, method):
    """Ellipsoids are no hearts of the model's: what the contours show must win over what the model expects."""
    shape = refine_shape(painted(analytic_heart, shifts=random_shifts(3) if shifted else None), method=method)
    heart = analytic_heart
    for name, grow in (("lv_endo", 0.0), ("lv_epi", heart.wall)):
        axes = np.array([heart.radius + grow] * 2 + [heart.length + grow])
        points = shape.surfaces[name].points
        if shifted:  # a straight line of shifts cannot be told from a tilted heart
            points = without_tilt(points)
        distance = ellipsoid_distance(points[points[:, 2] < -4], axes)
        assert distance.mean() < (1.2 if shifted else 0.8), name
        assert np.percentile(distance, 95) < (4.0 if shifted else 3.0), name


def without_tilt(points):
    """The straight line through the centres of rings at four heights, taken off."""
    heights = np.array([-48.0, -36, -24, -12])
    rings = [points[np.abs(points[:, 2] - z) < 4] for z in heights]
    centres = np.array([(ring[:, :2].min(axis=0) + ring[:, :2].max(axis=0)) / 2 for ring in rings])
    line = np.polynomial.polynomial.polyfit(heights, centres, 1)
    moved = points.copy()
    moved[:, :2] -= np.polynomial.polynomial.polyval(points[:, 2], line).T
    return moved


@pytest.mark.parametrize("method", METHODS)
def test_volume_of_the_fine_labels_is_that_of_the_heart(analytic_heart, method):
    labels = painted(analytic_heart)
    shape = refine_shape(labels, method=method)
    assert shape.labels.volume_ml("lv_cavity")[0] == pytest.approx(analytic_heart.lv_volume_ml(), rel=0.05)
    assert enclosed_volume_ml(shape.surfaces["lv_endo"], cap=True) == pytest.approx(
        analytic_heart.lv_volume_ml(), rel=0.06
    )
    assert shape.labels.volume_ml("rv_wall")[0] == pytest.approx(labels.volume_ml("rv_wall")[0], rel=0.12)
    assert np.allclose(shape.labels.spacing_mm, [1.25, 1.25, 2.0])


@pytest.mark.parametrize("method", METHODS)
def test_surfaces_are_open_at_the_base_only_and_nested(analytic_heart, method):
    shape = refine_shape(painted(analytic_heart), method=method)
    assert len(boundary_loops(shape.surfaces["lv_endo"])) == 1
    assert set(shape.surfaces) == {"lv_endo", "lv_epi", "rv_endo", "rv_epi"}
    rv = shape.surfaces["rv_endo"]
    septum = rv.points[rv.region_mask("rv_septum")]
    free = rv.points[rv.region_mask("rv_free")]
    assert len(septum) > 100 and septum[:, 0].mean() > free[:, 0].mean() + 10
    labels = shape.labels.frame(0)
    beside = (labels[1:] == 1) & ~np.isin(labels[:-1], [1, 2])
    assert not beside[:, :, :-2].any()  # no hole in the LV wall


def test_stored_order_of_slices_does_not_matter(analytic_heart):
    straight = painted(analytic_heart)
    affine = AFFINE.copy()
    affine[:3, 3] += affine[:3, 2] * (SHAPE[2] - 1)
    affine[:3, 2] *= -1
    reversed_map = LabelMap(straight.labels[:, :, ::-1], affine, OURS)
    first, second = (refine_shape(item).surfaces["lv_epi"].points for item in (straight, reversed_map))
    assert np.allclose(first.min(axis=0), second.min(axis=0), atol=1.0)
    assert np.allclose(first.max(axis=0), second.max(axis=0), atol=2.1)  # fine planes fall elsewhere


def test_an_unknown_method_is_refused(analytic_heart):
    with pytest.raises(ValueError, match="model, interpolation; given 'atlas'"):
        refine_shape(painted(analytic_heart), method="atlas")


def test_a_scheme_without_rv_wall_is_enough(analytic_heart):
    shape = refine_shape(painted(analytic_heart).to_scheme(ACDC, drop=("rv_wall",)))
    assert set(shape.surfaces) == {"lv_endo", "lv_epi", "rv_endo"}
    assert shape.labels.scheme == OURS and not shape.labels.mask("rv_wall").any()


def test_what_cannot_be_interpolated_is_refused(analytic_heart):
    labels = painted(analytic_heart)
    with pytest.raises(ValueError, match="empty"):
        refine_shape(LabelMap(np.zeros_like(labels.labels), AFFINE, OURS))
    single = np.zeros_like(labels.labels)
    single[:, :, 6] = labels.labels[:, :, 6]
    with pytest.raises(ValueError, match="1 slice"):
        refine_shape(LabelMap(single, AFFINE, OURS))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("simulated", [True, False])
def test_a_shape_is_marked_as_its_labels_are(analytic_heart, method, simulated):
    labels = replace(painted(analytic_heart), simulated=simulated)
    assert refine_shape(labels, method=method).labels.simulated is simulated
