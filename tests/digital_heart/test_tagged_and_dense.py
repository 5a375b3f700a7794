"""Tags and encoded phases show where tissue was at end-diastole, fade as physics says, and have the noise asked for."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from cardiolib.digital_heart import (
    AcquisitionSettings,
    DenseSettings,
    DigitalHeart,
    TaggingSettings,
    acquire,
    acquire_dense,
    acquire_tagged,
    ed_origins,
    mean_parameters,
    true_displacement,
)
from cardiolib.digital_heart.acquisition import sample_points
from cardiolib.digital_heart.beat import prepared
from cardiolib.digital_heart.tagging import modulation
from cardiolib.digital_heart.tissue import TISSUES, fading_per_ms, spoiled_signal
from cardiolib.meshes import template_mesh

PHASES = (0.0, 0.15, 0.4)
PLAIN = AcquisitionSettings(
    grid_size=72,
    spacing_mm=2.0,
    sub_slices=1,
    noise_sd=0.0,
    bias_sd=0.0,
    texture_sd=0.0,
    papillary=False,
    trabeculae=False,
)
QUIET_TAGS, QUIET_DENSE = TaggingSettings(snr=inf), DenseSettings(snr=inf)


@pytest.fixture(scope="module")
def heart():
    return DigitalHeart(mean_parameters("ph"))


@pytest.fixture(scope="module")
def scan(heart):
    """Without noise or averaging over the slice, but with breath-hold shifts."""
    return acquire(heart, PLAIN, rng=np.random.default_rng(5), phases=PHASES)


@pytest.fixture(scope="module")
def dense(heart, scan):
    return acquire_dense(heart, scan, QUIET_DENSE)


def inside(mask):
    """Voxels whose neighbours in the slice are of the same kind: no soft edge reaches them."""
    return np.logical_and.reduce([np.roll(mask, (i, j), axis=(0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)])


def inside_muscle(scan, t):
    return inside(scan.labels.mask("lv_wall")[..., t])


def scanner_mm(scan, ijk):
    to_scanner = scan.pose.voxel_to_scanner
    return ijk @ to_scanner[:3, :3].T + to_scanner[:3, 3]


# -- where tissue was ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [0.15, 0.4, 0.8])
@pytest.mark.parametrize(("sheet", "structure"), [("lv", "lv_wall"), ("rv", "rv_wall")])
def test_muscle_is_traced_back_to_where_it_was(heart, scan, sheet, structure, t):
    then = scan.heart_from_voxel(np.argwhere(scan.labels.mask(structure)[..., 0]))
    now = heart.move(*heart.material(then, 0.0, sheet=sheet), t, sheet=sheet)
    inside = heart.locate(now, t).label == {"lv": 2, "rv": 3}[sheet]
    assert inside.mean() > 0.99
    np.testing.assert_allclose(ed_origins(heart, now[inside], t), then[inside], atol=1e-6)


def test_blood_beside_the_septum_goes_with_it_and_not_with_the_free_wall(heart):
    septum = template_mesh().region_mask("rv_septum")
    now, then = (heart.surface(t).points[septum] for t in (0.4, 0.0))
    away = np.linalg.norm(ed_origins(heart, now, 0.4) - then, axis=1)
    assert (away < 1e-6).mean() > 0.9  # but for the border, where both walls meet


def test_true_displacement_is_that_of_the_wall_and_nothing_at_end_diastole(heart, scan):
    field = true_displacement(heart, scan)
    assert field.simulated and field.magnitude_mm(0).max() < 1e-4
    np.testing.assert_array_equal(field.mask, scan.labels.mask("lv_wall") | scan.labels.mask("rv_wall"))
    moved = np.linalg.norm(heart.surface(0.4).points - heart.surface(0.0).points, axis=1)
    assert 0.5 * np.median(moved) < np.median(field.magnitude_mm(2)) < 1.5 * np.median(moved)


# -- tags ----------------------------------------------------------------------------------------------------------


def test_tags_are_dark_once_in_their_spacing_and_a_grid_is_two_sets():
    lines = TaggingSettings(pattern="lines", angle_deg=30.0, spacing_mm=8.0)
    across = np.array([np.cos(np.pi / 6), np.sin(np.pi / 6), 0.0])
    along = np.array([-np.sin(np.pi / 6), np.cos(np.pi / 6), 0.0])
    places = np.linspace(0, 24, 25)[:, None] * across
    np.testing.assert_allclose(modulation(places, lines), (1 - np.cos(2 * np.pi * np.arange(25) / 8)) / 2, atol=1e-12)
    np.testing.assert_allclose(modulation(places + 5.3 * along + [0, 0, 9], lines), modulation(places, lines))
    grid, other = replace(lines, pattern="grid"), replace(lines, angle_deg=120.0)
    anywhere = np.random.default_rng(0).normal(size=(50, 3)) * 20
    both = modulation(anywhere, lines) * modulation(anywhere, other)
    np.testing.assert_allclose(modulation(anywhere, grid), both, atol=1e-12)


def test_pulses_of_90_degrees_turn_the_magnetisation_over():
    inverted = modulation(np.zeros((1, 3)), TaggingSettings(pattern="lines", flip_deg=90.0))
    np.testing.assert_allclose(inverted, -1.0)
    np.testing.assert_allclose(modulation(np.ones((4, 3)), TaggingSettings(flip_deg=0.0)), 1.0)


@pytest.mark.parametrize("t", [0, 1, 2])
def test_muscle_shows_the_tags_of_where_it_was(heart, scan, t):
    tagged = acquire_tagged(heart, scan, QUIET_TAGS)
    field = true_displacement(heart, scan, structures=["lv_wall"])
    mine = inside_muscle(scan, t)
    then = scanner_mm(scan, np.argwhere(mine)) - field.along_axes_mm()[..., t, :][mine]
    rate = fading_per_ms(TISSUES["myocardium"].t1_ms, tr_ms=8.0, flip_rad=np.deg2rad(10))
    beat_ms = 60000 / heart.parameters.heart_rate_per_min
    written = prepared(modulation(then, QUIET_TAGS), rate, beat_ms)
    readout = {"tr_ms": 8.0, "te_ms": 3.0, "flip_rad": np.deg2rad(10)}
    fresh = np.sin(np.deg2rad(10)) * np.exp(-3.0 / TISSUES["blood"].t2_ms)
    expected = 1 + (written - 1) * np.exp(-rate * PHASES[t] * beat_ms)
    expected *= spoiled_signal(TISSUES["myocardium"], **readout) / fresh
    np.testing.assert_allclose(tagged.voxels[..., t][mine], expected, atol=2e-4)


def test_tags_of_the_resting_chest_stay_and_fade_with_the_t1_of_its_tissues(heart, scan):
    tagged = acquire_tagged(heart, scan, QUIET_TAGS)
    plain = acquire_tagged(heart, scan, replace(QUIET_TAGS, flip_deg=0.0))
    _, near, _ = sample_points(heart, scan.settings, scan.pose, scan.phases)
    chest = plain.voxels.transpose(2, 1, 0, 3)[..., 0] > 0.02
    chest.reshape(-1)[near] = False
    chest = chest.transpose(2, 1, 0)
    lost = 1 - tagged.voxels[chest] / plain.voxels[chest]
    strong = lost[:, 0] > 0.3
    left = lost[strong, 2] / lost[strong, 0]
    beat_ms = 60000 / heart.parameters.heart_rate_per_min
    rates = [fading_per_ms(one.t1_ms, tr_ms=8.0, flip_rad=np.deg2rad(10)) for one in TISSUES.values()]
    allowed = np.exp(-np.array(rates) * PHASES[2] * beat_ms)
    assert strong.sum() > 1000
    assert np.abs(left[:, None] - allowed).min(axis=1).max() < 1e-3


def test_tags_of_the_blood_wash_out_before_those_of_the_muscle(heart, scan):
    tagged, plain = (acquire_tagged(heart, scan, s) for s in (QUIET_TAGS, replace(QUIET_TAGS, flip_deg=0.0)))
    blood = inside(scan.labels.mask("lv_cavity").all(axis=-1))

    def pattern_in(mask, t):
        return (tagged.voxels[mask, t] / plain.voxels[mask, t]).std()

    pattern = [pattern_in(blood, t) for t in range(3)]
    muscle = [pattern_in(inside_muscle(scan, t), t) for t in range(3)]
    assert pattern[0] > 0.2 and pattern[2] < 0.02 * pattern[0]
    assert muscle[2] > 0.2 * muscle[0]


def test_the_steady_state_of_repeated_tagging_is_kept_from_beat_to_beat():
    m, rate, beat = 0.3, 0.004, 800.0
    after = prepared(np.array(m), rate, beat)
    before_next = 1 + (after - 1) * np.exp(-rate * beat)
    assert after == pytest.approx(m * before_next)


# -- encoded phases ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("t", [0, 1, 2])
def test_the_phase_is_the_wrapped_displacement(heart, scan, dense, t):
    mine = inside_muscle(scan, t)
    turns = true_displacement(heart, scan).along_axes_mm()[..., t, :][mine] * (0.08, 0.08, 0.05)
    expected = 2 * np.pi * (turns - np.rint(turns))
    off = dense.phase[..., t, :][mine] - expected
    np.testing.assert_allclose((off + np.pi) % (2 * np.pi) - np.pi, 0, atol=1e-4)
    assert (np.abs(turns) > 0.5).any() == (t == 2)


def test_the_echo_fades_with_t1_and_readout(heart, scan, dense):
    both = inside_muscle(scan, 0) & inside_muscle(scan, 2)
    rate = fading_per_ms(TISSUES["myocardium"].t1_ms, tr_ms=30.0, flip_rad=np.deg2rad(10))
    expected = np.exp(-rate * PHASES[2] * 60000 / heart.parameters.heart_rate_per_min)
    np.testing.assert_allclose(dense.magnitude[both, 2] / dense.magnitude[both, 0], expected, rtol=1e-4)
    np.testing.assert_allclose(dense.magnitude[both, 0], 1.0, rtol=1e-4)


def test_phase_noise_follows_from_the_magnitude(heart, scan, dense):
    noisy = acquire_dense(heart, scan, DenseSettings(snr=25.0), rng=np.random.default_rng(1))
    for t in (0, 2):
        mine = inside_muscle(scan, t)
        error = noisy.phase[..., t, :][mine] - dense.phase[..., t, :][mine]
        error = (error + np.pi) % (2 * np.pi) - np.pi
        expected = np.sqrt(2) / 25.0 / dense.magnitude[..., t][mine].mean()
        assert error.std(axis=0) == pytest.approx(expected, rel=0.06)
        together = np.corrcoef(error.T)[np.triu_indices(3, 1)]
        assert together == pytest.approx(0.5, abs=0.08)  # all share the reference


def test_a_slice_whose_depths_move_differently_loses_magnitude(heart):
    thick = replace(PLAIN, sub_slices=9, thickness_mm=10.0, gap_mm=0.0)
    scan = acquire(heart, thick, rng=np.random.default_rng(5), phases=PHASES)
    weak, strong = (
        acquire_dense(heart, scan, replace(QUIET_DENSE, through_plane_per_mm=k)).magnitude[..., 2] for k in (0.005, 0.3)
    )
    mine = inside_muscle(scan, 2)
    assert np.median(strong[mine] / weak[mine]) < 0.97


# -- both ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [acquire_tagged, acquire_dense])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(heart, scan, make):
    def numbers(seed):
        image = make(heart, scan, rng=np.random.default_rng(seed))
        return image.voxels if hasattr(image, "voxels") else image.phase

    np.testing.assert_array_equal(numbers(3), numbers(3))
    assert not np.array_equal(numbers(3), numbers(4))


@pytest.mark.parametrize("make", [acquire_tagged, acquire_dense, true_displacement])
def test_a_scan_that_does_not_begin_at_end_diastole_is_refused(heart, make):
    late = acquire(heart, PLAIN, phases=[0.2, 0.4])
    with pytest.raises(ValueError, match="begins at phase 0.2"):
        make(heart, late)


def test_the_images_are_on_the_grid_of_the_cine_and_say_that_they_are_simulated(heart, scan, dense):
    tagged = acquire_tagged(heart, scan)
    for image in (tagged, dense):
        assert image.simulated and image.shape == scan.cine.shape and image.n_frames == 3
        np.testing.assert_array_equal(image.affine, scan.cine.affine)
        assert "simulated" in repr(image)
    assert tagged.frame_time_ms == scan.cine.frame_time_ms == dense.frame_time_ms


@pytest.mark.parametrize(
    ("settings", "wrong", "name"),
    [
        (TaggingSettings, {"spacing_mm": 0.5}, "TaggingSettings.spacing_mm"),
        (TaggingSettings, {"pattern": "radial"}, "TaggingSettings.pattern"),
        (TaggingSettings, {"snr": 0.0}, "TaggingSettings.snr"),
        (DenseSettings, {"in_plane_per_mm": 0.0}, "DenseSettings.in_plane_per_mm"),
        (DenseSettings, {"readout_flip_deg": 90.0}, "DenseSettings.readout_flip_deg"),
    ],
)
def test_settings_that_no_scanner_has_are_refused(settings, wrong, name):
    with pytest.raises(ValueError, match=name):
        settings(**wrong)
