"""A simulated scan shows the heart where it says it does, as a short-axis cine would."""

from dataclasses import replace

import numpy as np
import pytest

from cardiolib.digital_heart import AcquisitionSettings, acquire
from cardiolib.digital_heart.heart import PHASES, DigitalHeart
from cardiolib.digital_heart.painting import reach_of
from cardiolib.digital_heart.parameters import mean_parameters, parameters_at_severity
from cardiolib.digital_heart.pose import short_axis_directions
from cardiolib.digital_heart.tissue import TissueSignals
from cardiolib.imaging import OURS, voxel_from_world, world_from_voxel

ED_ES = (0.0, 0.4)
STILL = AcquisitionSettings(in_plane_shift_mm=0.0, through_plane_shift_mm=0.0)
CLEAN = replace(STILL, noise_sd=0.0, bias_sd=0.0, texture_sd=0.0)


@pytest.fixture(scope="module")
def heart():
    return DigitalHeart(mean_parameters("ph"))


@pytest.fixture(scope="module")
def scan(heart):
    """As settings come, full cycle."""
    return acquire(heart, rng=np.random.default_rng(1))


def scan_of(heart, chosen, seed=2, phases=ED_ES):
    return acquire(heart, chosen, rng=np.random.default_rng(seed), phases=phases)


def voxel_grid(volume):
    return np.stack(np.indices(volume.shape[:3]), axis=-1)


# -- geometry ------------------------------------------------------------------------------------------------------


def test_shapes_types_and_scheme(scan):
    assert scan.cine.voxels.shape == scan.labels.labels.shape == (96, 96, 12, 20)
    assert scan.cine.voxels.dtype == np.float32 and scan.labels.labels.dtype == np.uint8
    assert scan.labels.scheme == OURS and set(np.unique(scan.labels.labels)) == {0, 1, 2, 3, 4}
    assert scan.landmarks_world_mm.shape == (20, 6, 3) and scan.slice_shift_mm.shape == (12, 3)
    assert np.isfinite(scan.cine.voxels).all() and scan.cine.voxels.min() >= 0
    assert scan.cine.frame_time_ms == pytest.approx(60000 / mean_parameters("ph").heart_rate_per_min / 20)


def test_affine_is_an_oblique_proper_rotation_with_the_spacing(scan):
    affine = scan.cine.affine
    np.testing.assert_array_equal(affine, scan.labels.affine)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    np.testing.assert_allclose(spacing, [1.6, 1.6, 10.0], rtol=1e-12)
    rotation = affine[:3, :3] / spacing
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    assert np.abs(rotation).max(axis=0).max() < 0.95  # no axis along a world axis
    right, anterior, superior = rotation[:, 2]  # apex to base
    assert right > 0.3 and anterior < -0.3 and superior > 0.2
    assert rotation[2, 1] < -0.5  # rows run downwards


def test_heart_frame_is_placed_rigidly_and_points_the_same_way(scan):
    rotation = scan.heart_to_world[:3, :3]
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    np.testing.assert_allclose(rotation[:, 2], scan.cine.affine[:3, 2] / 10.0, atol=1e-12)


def test_typical_directions_are_a_rotation():
    directions = short_axis_directions()
    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-12)
    assert np.linalg.det(directions) == pytest.approx(1.0)


@pytest.mark.parametrize("severity", [0.0, 1.0])
@pytest.mark.parametrize("t", [0, 1])
def test_a_labelled_voxel_locates_to_its_structure(severity, t):
    heart = DigitalHeart(parameters_at_severity(severity))
    scan = scan_of(heart, replace(STILL, sub_slices=1))
    labels = scan.labels.frame(t)
    world = world_from_voxel(scan.labels.affine, voxel_grid(labels))
    truth = heart.locate(scan.heart_from_world(world), ED_ES[t])
    z = scan.heart_from_world(world)[..., 2]
    expected = np.where(z > 0, truth.label, 0)
    shown = (labels > 0) | (expected > 0)
    assert shown.sum() > 5000
    assert (labels == expected)[shown].mean() > 0.999  # float32 painting against float64


def test_averaged_labels_still_agree_with_the_slice_centre(heart):
    scan = scan_of(heart, STILL)
    labels = scan.labels.frame(0)
    truth = heart.locate(scan.heart_from_voxel(voxel_grid(labels)), 0.0).label
    assert (labels == truth).mean() > 0.97


def test_slice_shifts_are_the_ones_reported(heart):
    chosen = replace(STILL, sub_slices=1, in_plane_shift_mm=4.0, through_plane_shift_mm=2.0)
    scan = scan_of(heart, chosen)
    labels = scan.labels.frame(0)
    directions = scan.cine.affine[:3, :3] / scan.cine.spacing_mm
    world = world_from_voxel(scan.labels.affine, voxel_grid(labels))
    undone = world - scan.slice_shift_mm[None, None] @ directions.T
    for points in (scan.heart_from_world(undone), scan.heart_from_voxel(voxel_grid(labels))):
        agree = heart.locate(points, 0.0).label == labels
        assert agree[labels > 0].mean() > 0.999
    ignoring = heart.locate(scan.heart_from_world(world), 0.0).label == labels
    assert ignoring[labels > 0].mean() < 0.95


def test_slice_shifts_can_be_measured_from_the_labels(heart):
    """The LV centroid of each slice moves by the shift, against the same scan without shifts."""
    still = scan_of(heart, replace(STILL, sub_slices=1))
    moved = scan_of(heart, replace(STILL, sub_slices=1, in_plane_shift_mm=3.0))  # same seed, same pose
    np.testing.assert_array_equal(still.cine.affine, moved.cine.affine)
    assert not still.slice_shift_mm.any()
    np.testing.assert_array_equal(moved.slice_shift_mm[:, 2], 0)
    for k in range(2, 7):
        centroids = [np.argwhere(s.labels.frame(0)[:, :, k] == 1).mean(axis=0) * 1.6 for s in (still, moved)]
        np.testing.assert_allclose(centroids[1] - centroids[0], moved.slice_shift_mm[k, :2], atol=0.3)  # pixels: 1.6 mm


def test_landmarks_are_the_hearts_and_lie_in_the_image(scan, heart):
    np.testing.assert_allclose(scan.heart_from_world(scan.landmarks_world_mm), heart.landmarks(PHASES), atol=1e-9)
    np.testing.assert_allclose(scan.world_from_heart(heart.landmarks(0.0)), scan.landmarks_world_mm[0], atol=1e-9)
    voxel = voxel_from_world(scan.cine.affine, scan.landmarks_world_mm)
    assert (voxel > -1).all() and (voxel < np.array([96, 96, 12])).all()
    assert (voxel[:, 5, 2] > voxel[:, 0, 2] + 5).all()  # mitral centre above the apex: K runs to the base


def test_points_appear_displaced_by_the_shift_of_their_slice(scan):
    directions = scan.cine.affine[:3, :3] / scan.cine.spacing_mm
    world = world_from_voxel(scan.cine.affine, np.array([[40.0, 50.0, 3.2], [40.0, 50.0, 7.9]]))
    expected = world + scan.slice_shift_mm[[3, 8]] @ directions.T
    np.testing.assert_allclose(scan.as_imaged(world), expected, atol=1e-9)


def test_right_ventricle_lies_to_the_left_of_the_image(scan):
    mid = scan.labels.frame(0)[:, :, 5]
    assert np.argwhere(mid == 4)[:, 0].mean() < np.argwhere(mid == 1)[:, 0].mean() - 10


def test_label_volumes_are_the_true_volumes(heart):
    fine = replace(STILL, grid_size=76, spacing_mm=2.0, n_slices=44, thickness_mm=2.8, gap_mm=0.0, sub_slices=1)
    scan = scan_of(heart, fine)
    truth = heart.volumes_ml(np.array(ED_ES))
    for structure in ("lv_cavity", "lv_wall", "rv_cavity"):
        np.testing.assert_allclose(scan.labels.volume_ml(structure), truth[structure], rtol=0.03)
    wall = scan.labels.volume_ml("lv_wall")
    assert wall[1] == pytest.approx(wall[0], rel=0.02)


def test_clinical_slices_estimate_the_volumes_without_much_bias(heart):
    truth = heart.volumes_ml(0.0)["lv_cavity"]
    coarse = replace(STILL, grid_size=64, spacing_mm=2.4)
    found = [scan_of(heart, coarse, seed, (0.0,)).labels.volume_ml("lv_cavity")[0] for seed in range(12)]
    assert np.mean(found) == pytest.approx(truth, rel=0.08)
    assert np.std(found) < 0.08 * truth


@pytest.mark.parametrize("severity", [0.0, 1.0])
def test_reach_leaves_no_part_of_the_heart_out(severity):
    heart = DigitalHeart(parameters_at_severity(severity))
    points = np.stack(np.meshgrid(*(np.arange(-90, 91, 4.0),) * 2, np.arange(0.5, 110, 5), indexing="ij"), -1)
    near = reach_of(heart, PHASES, points)
    for t in PHASES[::3]:
        assert near[heart.locate(points, t).label > 0].all()
    assert near.mean() < 0.5  # and is worth having


# -- appearance ----------------------------------------------------------------------------------------------------


def test_standard_signals_are_those_of_the_note():
    signals = TissueSignals.standard()
    expected = {"blood": 1, "myocardium": 0.303, "fat": 1.435, "lung": 0.040, "liver": 0.508, "muscle": 0.274}
    for name, value in expected.items():
        assert getattr(signals, name) == pytest.approx(value, abs=1e-3), name


def test_blood_is_bright_and_muscle_dark(heart):
    scan = scan_of(heart, replace(CLEAN, papillary=False))
    image, labels = scan.cine.frame(0)[:, :, 4], scan.labels.frame(0)[:, :, 4]
    ratio = np.median(image[labels == 1]) / np.median(image[labels == 2])
    assert ratio == pytest.approx(3.30, abs=0.05)
    assert np.median(image[labels == 4]) == pytest.approx(1.0, abs=0.02)
    assert np.median(image[labels == 3]) < 0.6


def test_noise_has_the_asked_size_and_changes_from_frame_to_frame(heart):
    chosen = replace(STILL, noise_sd=0.03, bias_sd=0.0)
    scan = scan_of(heart, chosen, phases=tuple(np.linspace(0, 0.004, 12)))  # hardly any motion
    voxels, labels = scan.cine.voxels, scan.labels.labels
    bright = (labels == 1).all(axis=3)
    assert voxels[bright].std(axis=1).mean() == pytest.approx(0.03, rel=0.1)


def test_noise_is_rician_where_there_is_no_signal(heart):
    """Lung: mean of a Rician magnitude well above its signal of .04."""
    quiet, loud = (scan_of(heart, replace(CLEAN, noise_sd=sd)).cine.frame(0) for sd in (0.0, 0.2))
    dark = np.abs(quiet) < 0.02
    assert dark.sum() > 50
    assert loud[dark].mean() == pytest.approx(0.2 * np.sqrt(np.pi / 2), rel=0.05)


def test_clean_background_does_not_move(heart):
    scan = scan_of(heart, CLEAN)
    for corner in np.ix_([0, -12], [0, -12]), np.ix_(range(12), range(12)), np.ix_(range(84, 96), range(84, 96)):
        np.testing.assert_array_equal(scan.cine.frame(0)[corner], scan.cine.frame(1)[corner])
    assert (scan.cine.frame(0) != scan.cine.frame(1)).mean() > 0.05  # but the heart does


def test_bias_field_changes_the_image_by_the_asked_amount(heart):
    plain, biased = (scan_of(heart, replace(CLEAN, bias_sd=sd)).cine.frame(0) for sd in (0.0, 0.25))
    where = plain > 0.1
    log_gain = np.log(biased[where] / plain[where])
    assert 0.1 < log_gain.std() < 0.4


def test_papillary_muscles_are_dark_and_labelled_cavity(heart):
    with_them, without = (scan_of(heart, replace(CLEAN, papillary=flag)) for flag in (True, False))
    np.testing.assert_array_equal(with_them.labels.labels, without.labels.labels)
    darker = with_them.cine.frame(0) < without.cine.frame(0) - 0.3
    assert 40 < darker.sum() < 800
    assert (with_them.labels.frame(0)[darker] == 1).all()


def test_trabeculae_and_atria_can_be_left_out(heart):
    reference = scan_of(heart, CLEAN)
    for name, code in (("trabeculae", 4), ("atria", 0)):
        other = scan_of(heart, replace(CLEAN, **{name: False}))
        np.testing.assert_array_equal(other.labels.labels, reference.labels.labels)
        changed = np.abs(other.cine.voxels - reference.cine.voxels) > 0.2
        assert changed.sum() > 50
        assert (reference.labels.labels[changed] == code).mean() > 0.6, name


def test_outflow_tract_can_be_left_out_of_the_labels_only(heart):
    whole, cut = (scan_of(heart, replace(CLEAN, exclude_outflow=flag)) for flag in (False, True))
    np.testing.assert_array_equal(whole.cine.voxels, cut.cine.voxels)
    removed = whole.labels.labels != cut.labels.labels
    assert removed.sum() > 100
    assert set(np.unique(whole.labels.labels[removed])) == {3, 4} and not cut.labels.labels[removed].any()
    height = scan_heights(cut)
    assert (height[removed[..., 0]] > heart.parameters.length_mm - 12).all()


def scan_heights(scan):
    return scan.heart_from_voxel(voxel_grid(scan.labels.frame(0)))[..., 2]


def test_thick_slices_blur_through_the_plane(heart):
    """At the apex, where the wall slants, more voxels are between blood and muscle when planes are averaged."""
    thin, thick = (scan_of(heart, replace(CLEAN, papillary=False, sub_slices=s)) for s in (1, 5))
    np.testing.assert_array_equal(thin.cine.affine, thick.cine.affine)
    between = []
    for scan in (thin, thick):
        lv = scan.cine.frame(0)[:, :, 2][np.isin(thin.labels.frame(0)[:, :, 2], (1, 2))]
        between.append(((lv > 0.4) & (lv < 0.9)).mean())
    assert between[1] > 1.5 * between[0]


def test_domain_randomisation_changes_contrast_but_not_geometry(heart):
    chosen = replace(STILL, grid_size=48, spacing_mm=3.2, sub_slices=1)
    ratios = []
    for seed in range(12):
        scan = scan_of(heart, replace(chosen, randomise=True), seed, (0.0,))
        plain = scan_of(heart, chosen, seed, (0.0,))
        np.testing.assert_array_equal(scan.labels.labels, plain.labels.labels)
        image, labels = scan.cine.frame(0), scan.labels.frame(0)
        ratios.append(np.log(np.median(image[labels == 1]) / np.median(image[labels == 2])))
    assert np.std(ratios) > 0.2


def test_randomised_signals_are_sometimes_anything():
    rng = np.random.default_rng(5)
    drawn = [TissueSignals.randomised(TissueSignals.standard(), rng) for _ in range(400)]
    muscle_over_blood = np.array([s.myocardium / s.blood for s in drawn])
    assert 0.02 < (muscle_over_blood > 1).mean() < 0.15  # only the U(.05, 1.2) branch reaches there
    for share, expected in ((0.0, 0.0), (1.0, 0.5)):  # of two equal draws each is the larger in one half
        drawn = [TissueSignals.standard().randomised(rng, scrambled_share=share) for _ in range(400)]
        assert np.mean([s.myocardium > s.blood for s in drawn]) == pytest.approx(expected, abs=0.1)


# -- randomness and errors -----------------------------------------------------------------------------------------


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(heart):
    chosen = replace(AcquisitionSettings(), grid_size=48, spacing_mm=3.2)
    first, again, other = (scan_of(heart, chosen, seed) for seed in (4, 4, 5))
    for name in ("cine", "labels"):
        a, b = getattr(first, name), getattr(again, name)
        np.testing.assert_array_equal(a.affine, b.affine)
    assert first.cine.voxels.tobytes() == again.cine.voxels.tobytes()
    assert first.labels.labels.tobytes() == again.labels.labels.tobytes()
    assert first.cine.voxels.tobytes() != other.cine.voxels.tobytes()
    assert not np.allclose(first.cine.affine, other.cine.affine)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grid_size", 96.0),
        ("grid_size", 4),
        ("spacing_mm", -1.6),
        ("spacing_mm", "1.6"),
        ("n_slices", 0),
        ("n_slices", True),
        ("noise_sd", float("nan")),
        ("in_plane_shift_mm", 99.0),
        ("randomise", 1),
        ("exclude_outflow", "no"),
    ],
)
def test_settings_name_the_field_that_is_wrong(field, value):
    with pytest.raises(ValueError, match=field):
        AcquisitionSettings(**{field: value})


@pytest.mark.parametrize("phases", [[], [0.0, 1.0], [-0.1], [[0.0]], [np.nan]])
def test_phases_outside_the_cycle_are_an_error(heart, phases):
    with pytest.raises(ValueError, match="phases"):
        acquire(heart, rng=np.random.default_rng(0), phases=phases)


def test_without_a_generator_the_same_heart_gives_the_same_scan():
    coarse = AcquisitionSettings(grid_size=48, spacing_mm=3.2)
    first, second = (acquire(DigitalHeart(), coarse, phases=[0.0]) for _ in range(2))
    assert np.array_equal(first.cine.voxels, second.cine.voxels)
    other = acquire(DigitalHeart(), coarse, phases=[0.0], rng=np.random.default_rng(1))
    assert not np.array_equal(first.cine.voxels, other.cine.voxels)
