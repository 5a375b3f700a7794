import pickle
from dataclasses import replace

import numpy as np
import pytest
import pyvista as pv

from cardiolib.digital_heart import PHASES, AcquisitionSettings, DigitalHeart, acquire, mean_parameters
from cardiolib.imaging import LabelMap
from cardiolib.meshes import MATCHED_VERTICES, enclosed_volume_ml, read_motion_folder, read_vtk, template_mesh
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
    write_surfaces,
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
    return TrackingUnit(
        "007",
        scan.cine,
        scan.labels,
        settings=HURRIED,
        seed=4,
        folder=tmp_path_factory.mktemp("tracked"),
        known_points_mm=scan.landmarks_world_mm[0],
    )


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
    assert np.allclose(tracked.positions, tracked.template_positions[:, MATCHED_VERTICES], atol=1e-3)
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


def test_the_images_may_be_read_when_their_turn_comes(unit, tracked, scan):
    read = []

    def image():
        read.append(unit.subject_id)
        return scan.cine

    waiting = replace(unit, cine=image)
    assert not read
    again = track_units([waiting])[0]  # the same inputs: found in the folder
    assert read == [unit.subject_id]
    np.testing.assert_array_equal(again.positions, tracked.positions)


def test_a_damaged_file_is_tracked_again(unit, monkeypatch, tmp_path):
    def track(*args, **settings):
        raise ValueError("asked to track")

    (tmp_path / "007").mkdir()
    (tmp_path / "007" / "tracked.npz").write_bytes(b"half a file")
    monkeypatch.setattr("cardiolib.motion.subjects.track", track)
    assert track_subject(replace(unit, folder=tmp_path)).quality.reasons == ("asked to track",)


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
    template = template_mesh().points[MATCHED_VERTICES]
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


def test_a_subject_as_surfaces_that_vtk_reads(unit, tracked):
    folder = unit.folder / "007" / "motion"
    assert sorted(path.name for path in folder.glob("*.vtk")) == [f"RV_fr{t:02d}.vtk" for t in range(20)]
    seen = pv.read(folder / "RV_fr08.vtk")
    assert seen.n_points == 202 and seen.is_all_triangles and seen.n_open_edges == tracked_rim(seen)
    assert np.array_equal(seen.points, tracked.template_positions[8, MATCHED_VERTICES].astype(float))
    moving = read_motion_folder(folder, file_format="vtk")
    assert np.allclose(moving, read_motion_folder(folder, file_format="txt"), atol=1e-3)


def tracked_rim(surface) -> int:
    """Edges of the valves' border, the only opening: one loop around both sheets of the RV."""
    rim = surface.extract_feature_edges(
        boundary_edges=True, feature_edges=False, manifold_edges=False, non_manifold_edges=False
    )
    assert rim.connectivity()["RegionId"].max() == 0
    return rim.n_cells


def test_all_surfaces_are_added_to_a_subject_that_is_stored(unit, tracked, monkeypatch):
    """Without tracking again; what is there is left alone, and other choices are refused."""
    monkeypatch.setattr("cardiolib.motion.subjects.track", lambda *a, **k: pytest.fail("tracked again"))
    track_subject(replace(unit, meshes="all"))
    folder = unit.folder / "007" / "motion"
    left = np.stack([read_vtk(folder / f"{name}_fr19.vtk").points for name in ("LV_endo", "LV_epi")])
    template = template_mesh()
    assert np.array_equal(
        left, tracked.template_positions[19, template.region_mask("lv_endo", "lv_epi")].reshape(2, 961, 3).astype(float)
    )
    right = read_vtk(folder / "RV_endo_fr00.vtk")
    assert right.region_names == template.region_names and right.n_points == 1761
    ml = enclosed_volume_ml(right, cap=True)
    assert ml == pytest.approx(DigitalHeart(mean_parameters("ph")).parameters.rvedv_ml, rel=0.15)
    monkeypatch.setattr("cardiolib.motion.subjects.write_surfaces", lambda *a, **k: pytest.fail("written again"))
    track_subject(replace(unit, meshes="all"))
    with pytest.raises(ValueError, match="rv, all"):
        replace(unit, meshes="some")


def test_surfaces_of_other_points_are_refused(tmp_path):
    with pytest.raises(ValueError, match="3683"):
        write_surfaces(np.zeros((2, 202, 3)), tmp_path)
    assert write_surfaces(np.zeros((2, 3683, 3)), tmp_path, meshes="none") == ()
    with pytest.raises(ValueError, match="finite"):
        write_surfaces(np.full((2, 3683, 3), np.nan), tmp_path)
    assert not list(tmp_path.iterdir())
