"""The statistical shape model fitted to hearts that it was not learnt from, whose true surfaces are known."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, acquire, parameters_from_row, simulate_population
from cardiolib.imaging import LabelMap, voxel_from_world, world_from_voxel
from cardiolib.meshes import enclosed_volume_ml, extract_regions, surface_distance
from cardiolib.shape import fit_shape, heart_shape_model, learn_shape_model, refine_shape
from cardiolib.shape.orientation import Turn, turn_from_affine
from cardiolib.shape.refine import SURFACES


@pytest.fixture(scope="module")
def unseen():
    """Hearts that the model was not learnt from, with shifted slices of 10 mm, and their true surfaces."""
    rng = np.random.default_rng(61)
    cases = []
    for row in simulate_population(3, rng=rng).to_dict("records"):
        heart = DigitalHeart(parameters_from_row(row))
        scan = acquire(heart, AcquisitionSettings(), rng=rng, phases=[0.0, heart.es_phase])
        cases.append((heart, scan))
    return cases


def test_the_model_finds_surfaces_and_corresponding_points_of_unseen_hearts(unseen):
    """Mean over three hearts at ED: interpolation is 0.9 (LV) and 1.8 mm (RV) off the true surfaces."""
    distances, points, interpolated = [], [], []
    for heart, scan in unseen:
        truth = heart.surface(0.0)
        truth = truth.with_points(scan.world_from_heart(truth.points))
        shape = refine_shape(scan.labels)
        plain = refine_shape(scan.labels, method="interpolation")
        parts = {name: extract_regions(truth, *regions)[0] for name, regions in SURFACES.items()}
        distances.append([surface_distance(shape.surfaces[n], part).assd_mm for n, part in parts.items()])
        interpolated.append([surface_distance(plain.surfaces[n], part).assd_mm for n, part in parts.items()])
        points.append(np.linalg.norm(shape.fit.mesh.points - truth.points, axis=1).mean())
    assert np.mean(distances, axis=0).max() < 0.9
    assert (np.mean(distances, axis=0) < np.mean(interpolated, axis=0)).all()
    assert np.mean(points) < 2.2  # zero motion of the mean shape would be several times as far


def test_the_model_finds_the_slice_shifts(unseen):
    for _, scan in unseen:
        held = np.flatnonzero((scan.labels.frame(0) == 1).any(axis=(0, 1)))[1:-1]
        left = refine_shape(scan.labels).slice_shift_mm[held] - scan.slice_shift_mm[held, :2]
        left = left - left.mean(axis=0)  # a shift of all slices is the place of the heart
        assert np.sqrt((left**2).mean()) < 0.6 * np.sqrt((scan.slice_shift_mm[held, :2] ** 2).mean())


def test_known_shifts_are_taken_as_they_are(unseen):
    _, scan = unseen[0]
    given = np.linspace(0, 1, 2 * scan.labels.shape[2]).reshape(-1, 2)
    assert np.array_equal(fit_shape(scan.labels, slice_shift_mm=given).slice_shift_mm, given)
    with pytest.raises(ValueError, match="one row of two for each of 12 slices"):
        fit_shape(scan.labels, slice_shift_mm=given[:3])


@pytest.mark.parametrize("slice_sign", [1, -1])
def test_a_placeholder_orientation_may_be_a_mirror_image(unseen, slice_sign):
    """ACDC's headers are placeholders, and its stacks run against what they say: the heart is mirrored with them."""
    heart, scan = unseen[0]
    assert turn_from_affine(scan.labels.affine) == Turn()  # stored in the usual display
    step_i, step_j, step_k = scan.labels.spacing_mm
    placeholder = np.diag([-step_i, -step_j, slice_sign * step_k, 1.0])
    truth = scan.world_from_heart(heart.surface(0.0).points)
    there = world_from_voxel(placeholder, voxel_from_world(scan.labels.affine, truth))
    fit = fit_shape(LabelMap(scan.labels.labels, placeholder, scan.labels.scheme))
    plain = fit_shape(scan.labels)
    body = np.linalg.det(scan.labels.affine[:3, :3]) * np.linalg.det(placeholder[:3, :3])
    assert fit.mirrored == (body < 0) and not plain.mirrored
    error, usual = (
        np.linalg.norm(found.mesh.points - true, axis=1).mean() for found, true in ((fit, there), (plain, truth))
    )
    assert error < usual + 0.5
    assert enclosed_volume_ml(extract_regions(fit.mesh, "lv_endo")[0], cap=True) == pytest.approx(
        enclosed_volume_ml(extract_regions(plain.mesh, "lv_endo")[0], cap=True), rel=0.03
    )
    outwards = fit.mesh.points + fit.mesh.vertex_normals()
    centre = fit.mesh.points[fit.mesh.region_mask("lv_endo")].mean(axis=0)
    left = fit.mesh.region_mask("lv_epi")
    grown = np.linalg.norm(outwards[left] - centre, axis=1) > np.linalg.norm(fit.mesh.points[left] - centre, axis=1)
    assert grown.mean() > 0.95


def test_a_frame_is_fitted_although_the_largest_has_no_right_ventricle(unseen):
    _, scan = unseen[0]
    labels = scan.labels.labels.copy()
    labels[..., 0][labels[..., 0] >= 3] = 0
    spoilt = LabelMap(labels, scan.labels.affine, scan.labels.scheme)
    with pytest.raises(ValueError, match="rv_endo is present in 0 slice"):
        refine_shape(spoilt, frame=0)
    assert refine_shape(spoilt, frame=1).fit.residual_mm["rv_endo"] < 2


def test_an_apex_that_was_not_imaged_is_left_to_the_model(unseen):
    """Without its lowest slices the heart does not become shorter."""
    heart, scan = unseen[1]
    first = int(np.flatnonzero((scan.labels.frame(0) == 1).any(axis=(0, 1)))[0]) + 2
    affine = scan.labels.affine.copy()
    affine[:3, 3] += first * affine[:3, 2]
    cut = LabelMap(scan.labels.labels[:, :, first:], affine, scan.labels.scheme)
    apex = scan.world_from_heart(heart.surface(0.0).points[:1])[0]
    found = fit_shape(cut).mesh.points[0]
    assert np.linalg.norm(found - apex) < 10 < 20 < np.linalg.norm(affine[:3, 2]) * 3


def test_a_slice_that_was_labelled_wrongly_is_outvoted(unseen):
    """The LV's contours of a middle slice moved by 12 mm, as a slip of the network or the reader would."""
    _, scan = unseen[1]
    labels = scan.labels.labels.copy()
    labels[:, :, 5] = np.roll(labels[:, :, 5], 7, axis=0)
    spoilt = LabelMap(labels, scan.labels.affine, scan.labels.scheme)
    clean, found = (refine_shape(item).surfaces["lv_endo"].points for item in (scan.labels, spoilt))
    moved = found - clean
    assert np.linalg.norm(moved, axis=1).mean() < 1.5  # the whole heart follows a little
    assert np.linalg.norm(moved - moved.mean(axis=0), axis=1).mean() < 0.7  # its shape hardly


def test_modes_are_orthogonal_and_scaled_to_the_spread_of_hearts():
    model = learn_shape_model()
    flat = model.modes.reshape(len(model.modes), -1)
    gram = flat @ flat.T
    assert np.abs(gram - np.diag(np.diag(gram))).max() < 1e-6 * gram[0, 0]
    assert (np.diff(np.diag(gram)) <= 0).all()
    assert np.allclose(model.points(np.zeros(len(flat))), model.mean)
    assert model.mean.shape == (1, model.template.n_points + 6, 3)
    shipped = heart_shape_model()  # what comes with cardiolib is what is learnt
    assert np.abs(shipped.mean - model.mean).max() < 0.01 and np.abs(shipped.modes - model.modes).max() < 0.01
    np.testing.assert_array_equal(shipped.template.points, shipped.mean[0, : model.template.n_points])
