import pickle
from dataclasses import replace

import numpy as np
import pytest

from cardiolib.digital_heart import MATCHED_POINTS, PHASES, DigitalHeart, mean_parameters, template_mesh
from cardiolib.digital_heart.acquisition import AcquisitionSettings, acquire
from cardiolib.imaging import LabelMap
from cardiolib.meshes import read_motion_folder
from cardiolib.motion import (
    TrackedSubject,
    TrackingSettings,
    TrackingUnit,
    cohort_matrix,
    fit_template,
    quality_table,
    subject_seed,
    track_subject,
    track_units,
)

HURRIED = TrackingSettings.fast(coarse_iterations=6, fine_iterations=4)


@pytest.fixture(scope="module")
def heart():
    return DigitalHeart(mean_parameters("ph"))


@pytest.fixture(scope="module")
def scan(heart):
    quiet = AcquisitionSettings(noise_sd=0.01, in_plane_shift_mm=0.0, through_plane_shift_mm=0.0, bias_sd=0.0)
    return acquire(heart, quiet, rng=np.random.default_rng(0), phases=PHASES[::2])


@pytest.fixture(scope="module")
def unit(scan, tmp_path_factory):
    return TrackingUnit("007", scan.cine, scan.labels, settings=HURRIED, seed=4,
                        folder=tmp_path_factory.mktemp("tracked"), known_points_mm=scan.landmarks_world_mm[0])


@pytest.fixture(scope="module")
def tracked(unit) -> TrackedSubject:
    return track_subject(unit)


def world(scan, points):
    return points @ scan.heart_to_world[:3, :3].T + scan.heart_to_world[:3, 3]


def test_template_lands_on_its_own_heart(heart, scan):
    """The subject is the template's own heart, so the truth of every vertex is known."""
    fitted = fit_template(scan.labels)
    truth = world(scan, template_mesh().points)
    right = template_mesh().region_mask("rv_free", "rv_septum")
    error = np.linalg.norm(fitted.mesh.points - truth, axis=1)
    assert error[right].mean() < 3.5
    assert error[~right].mean() < 3.5
    assert fitted.mean_distance_mm < 1.0
    assert fitted.flipped == 0
    assert 0.5 < fitted.edge_ratio[0] < fitted.edge_ratio[1] < 1.7


def test_template_needs_both_ventricles(scan):
    alone = np.where(scan.labels.labels >= 3, 0, scan.labels.labels)
    with pytest.raises(ValueError, match="rv_endo"):
        fit_template(LabelMap(alone, scan.labels.affine, scan.labels.scheme))
    with pytest.raises(ValueError, match="slice_shift_mm"):
        fit_template(scan.labels, slice_shift_mm=np.zeros((3, 2)))


def test_a_subject_in_the_files_of_4dsegment(unit, tracked):
    assert tracked.positions.shape == (20, 202, 3)
    assert np.allclose(tracked.positions, tracked.template_positions[:, MATCHED_POINTS], atol=1e-3)
    written = read_motion_folder(unit.folder / "007" / "motion")
    assert np.allclose(written, tracked.positions, atol=1e-3)
    assert tracked.known_positions.shape == (20, 6, 3)
    assert {"fit_mm", "jacobian_sd", "ed_frame"} <= set(quality_table([tracked]).columns)


def test_a_finished_subject_is_not_tracked_again(unit, tracked, monkeypatch):
    monkeypatch.setattr("cardiolib.motion.subjects.track", lambda *a, **k: pytest.fail("tracked again"))
    again = track_subject(unit)
    assert again.positions.tobytes() == tracked.positions.tobytes()
    assert again.quality == tracked.quality
    with pytest.raises(pytest.fail.Exception):
        track_subject(replace(unit, seed=5))


def test_a_damaged_file_is_tracked_again(unit, tracked, monkeypatch, tmp_path):
    (tmp_path / "007").mkdir()
    (tmp_path / "007" / "tracked.npz").write_bytes(b"half a file")
    monkeypatch.setattr("cardiolib.motion.subjects._track", lambda *a: tracked)
    assert track_subject(replace(unit, folder=tmp_path)) is tracked


def test_a_scan_that_fails_does_not_end_the_run(scan, tracked):
    nothing = LabelMap(np.zeros_like(scan.labels.labels), scan.labels.affine, scan.labels.scheme)
    failed = track_units([TrackingUnit("empty", scan.cine, nothing, settings=HURRIED)])[0]
    assert failed.quality.flags == ("failed",) and "lv_cavity" in failed.quality.reasons[0]
    assert np.isnan(failed.positions).all()
    ids, X = cohort_matrix([failed, tracked])
    assert ids == ("007",) and X.shape == (1, 11514)
    with pytest.raises(ValueError, match="no subject"):
        cohort_matrix([failed])


def test_a_mirrored_world_is_mirrored_back(tracked):
    template = template_mesh().points[MATCHED_POINTS]
    quality = replace(tracked.quality, measures=tracked.quality.measures | {"mirrored": 1.0})
    mirrored = replace(tracked, positions=tracked.positions * [1, 1, -1], quality=quality)
    assert np.allclose(mirrored.in_heart_frame(template), tracked.in_heart_frame(template), atol=1e-6)


def test_heart_frame_takes_the_scanner_out(tracked):
    turned = replace(tracked, positions=tracked.positions[..., [1, 2, 0]])
    both = cohort_matrix([tracked, turned])[1]
    assert np.allclose(both[0], both[1], atol=1e-8)
    scanner = cohort_matrix([tracked, turned], heart_frame=False)[1]
    assert np.abs(scanner[0] - scanner[1]).max() > 1


def test_units_travel_and_seeds_depend_on_the_id_alone(unit):
    assert pickle.loads(pickle.dumps(unit)).subject_id == "007"
    assert subject_seed(1, "a") == subject_seed(1, "a") != subject_seed(1, "b")
    assert subject_seed(2, "a") != subject_seed(1, "a")
    with pytest.raises(ValueError, match="same subject ID"):
        track_units([unit, unit])
