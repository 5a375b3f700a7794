"""The simulated cohort on disk: truth agrees with the hearts, resumes, and never depends on the workers."""

from __future__ import annotations

import hashlib
import json
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cardiolib.cohorts import (
    CohortError,
    SimulatedCohortSettings,
    build_simulated_cohort,
    open_cohort,
    write_4dsegment,
)
from cardiolib.digital_heart import PHASES
from cardiolib.imaging import OURS, check_scheme

SMALL = SimulatedCohortSettings(n_subjects=6, n_imaged=2, death_fraction=0.5)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohorts") / "simulated"
    build_simulated_cohort(folder, settings=SMALL, seed=11)
    return folder


@pytest.fixture
def cohort(built):
    return open_cohort(built)


def _digests(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _unpack_and_call(packed: bytes):
    function, item = pickle.loads(packed)
    return function(item)


def test_it_opens_by_folder_and_by_name_and_says_that_it_is_simulated(built):
    cohort = open_cohort("simulated", root=built.parent)
    assert cohort.simulated and cohort.name == "simulated" and cohort.time_unit == "years"
    assert cohort.ids == tuple(f"PH{i:03d}" for i in range(1, 7))
    everything = {"images", "labels", "landmarks", "motion", "outcomes", "volumes", "truth", "displacement"}
    assert cohort.provides == everything
    assert cohort.ids_with("images") == ("PH001", "PH002") and len(cohort.ids_with("motion")) == 6
    assert any(note.startswith("SIMULATED") for note in cohort.notes)
    declared = json.loads((built / "cohort.json").read_text())
    assert declared["simulated"] is True and declared["label_scheme"] == "ours"
    assert set(cohort.table.columns) <= set(declared["columns"]) >= set(cohort.volumes().columns)


def test_the_same_cohort_is_simulated_however_it_is_mapped(built, tmp_path):
    def threads_last_first(function, items):
        """Two threads, starting with the last item, everything through pickle as on its way to a worker."""
        packed = [pickle.dumps((function, item)) for item in items][::-1]
        with ThreadPoolExecutor(2) as pool:
            results = list(pool.map(_unpack_and_call, packed))
        return results[::-1]

    build_simulated_cohort(tmp_path / "again", settings=SMALL, seed=11, map_units=threads_last_first)
    again, first = _digests(tmp_path / "again"), _digests(built)
    assert again == first and len(first) > 15


def test_another_seed_is_another_cohort(built, tmp_path):
    settings = SimulatedCohortSettings(n_subjects=6, n_imaged=0, death_fraction=0.5)
    other = build_simulated_cohort(tmp_path / "other", settings=settings, seed=12)
    assert (other.table["time"] != open_cohort(built).table["time"]).all()
    assert "images" not in other.provides and "no cine images" in other.missing_for(["images"])


def test_stored_motion_landmarks_and_volumes_are_those_of_the_rebuilt_heart(cohort):
    for subject_id in ("PH001", "PH006"):
        heart = cohort.heart(subject_id)
        np.testing.assert_allclose(cohort.true_positions(subject_id), heart.points202(PHASES), atol=1e-4)
        np.testing.assert_allclose(cohort.true_landmarks(subject_id), heart.landmarks(PHASES), atol=1e-4)
        volumes, row = heart.volumes_ml(PHASES), cohort.volumes().loc[subject_id]
        assert row["RVEDV"] == pytest.approx(volumes["rv_cavity"][0], rel=1e-12)
        assert row["LVESV"] == pytest.approx(volumes["lv_cavity"].min(), rel=1e-12)
        assert row["RVEF"] == pytest.approx(100 * heart.ejection_fractions()["rvef"], rel=1e-9)
        assert row["LVM"] == pytest.approx(1.05 * volumes["lv_wall"][0], rel=1e-12)


def test_motion_matrix_has_the_papers_columns(cohort):
    ids, matrix = cohort.motion_matrix()
    assert ids == cohort.ids and matrix.shape == (6, 11_514)
    positions = cohort.positions("PH003")
    assert matrix[2, (4 - 1) * 606 + 17 * 3 + 2] == positions[4, 17, 2] - positions[0, 17, 2]


def test_the_image_shows_the_heart_where_the_truth_says(cohort):
    labels, frames = cohort.labels("PH002")
    cine, truth = cohort.image("PH002"), cohort.scan_truth("PH002")
    assert cine.n_frames == labels.n_frames == 20 and frames == tuple(range(20)) and labels.scheme == OURS
    assert "plausible" in check_scheme(labels)
    volumes = cohort.volumes().loc["PH002"]
    counted = labels.volume_ml("lv_cavity")
    assert counted[truth["ed_frame"]] == pytest.approx(volumes["LVEDV"], rel=0.15)
    assert counted[truth["es_frame"]] == pytest.approx(volumes["LVESV"], rel=0.25, abs=8)
    np.testing.assert_allclose(
        cohort.landmarks("PH002"),
        cohort.true_landmarks("PH002") @ truth["heart_to_world"][:3, :3].T + truth["heart_to_world"][:3, 3],
        atol=0.01,
    )
    # the mitral centre at ED lies on top of the LV: the centre of its label lies between it and the apex
    cavity = np.argwhere(labels.mask("lv_cavity")[..., 0]).mean(axis=0)
    centre = labels.affine[:3, :3] @ cavity + labels.affine[:3, 3]
    apex, mitral = cohort.landmarks("PH002")[0, [0, 5]]
    assert np.linalg.norm(centre - (apex + mitral) / 2) < 15


def test_true_world_positions_surround_the_rv_label(cohort):
    points = cohort.true_world_positions("PH001")[0]
    labels, _ = cohort.labels("PH001")
    voxels = np.argwhere(labels.mask("rv_cavity")[..., 0] | labels.mask("rv_wall")[..., 0])
    rv = voxels @ labels.affine[:3, :3].T + labels.affine[:3, 3]
    nearest = np.sqrt(((points[:, None] - rv[None]) ** 2).sum(axis=2)).min(axis=1)
    assert np.median(nearest) < 4 and nearest.max() < 20


def test_world_truth_needs_an_image(cohort):
    with pytest.raises(CohortError, match="'PH005' .* has no images; 2 of 6 subjects have: PH001, PH002"):
        cohort.true_world_positions("PH005")


def test_log_hazard_and_times_belong_to_the_table(cohort):
    times = cohort.true_times()
    earlier = times.min(axis=1)
    np.testing.assert_allclose(cohort.table["time"], earlier, rtol=1e-12)
    assert (cohort.table["event"] == (times["event_time"] <= times["censoring_time"])).all()
    assert int(cohort.table["event"].sum()) == 3
    part = cohort.subset(["PH004", "PH002"])
    assert part.log_hazard().tolist() == cohort.log_hazard()[["PH004", "PH002"]].tolist()
    traits = cohort.parameters.loc[list(cohort.ids)]
    expected = -0.60 * traits["x_long"] - 0.90 * traits["x_septal"] + 0.55 * traits["x_lag"]
    np.testing.assert_allclose(cohort.log_hazard(), expected, rtol=1e-9)


def test_a_stopped_build_goes_on_where_it_stopped(built, tmp_path):
    class Stopped(Exception):
        pass

    def one_image_only(function, items):
        if function.__name__ != "image_subject":
            return map(function, items)
        function(next(iter(items)))
        raise Stopped

    folder = tmp_path / "cohort"
    with pytest.raises(Stopped):
        build_simulated_cohort(folder, settings=SMALL, seed=11, map_units=one_image_only)
    with pytest.raises(CohortError, match="was not finished"):
        open_cohort(folder)
    done = {path: path.stat().st_mtime_ns for path in (folder / "images" / "PH001").iterdir()}
    assert len(done) == 5 and not (folder / "images" / "PH002").exists()
    called = []
    build_simulated_cohort(
        folder,
        settings=SMALL,
        seed=11,
        map_units=lambda function, items: map(lambda item: called.append(function.__name__) or function(item), items),
    )
    assert called == ["image_subject", "image_subject"]  # the tables were done, and so was PH001:
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert _digests(folder) == _digests(built)


def test_a_damaged_or_outdated_subject_is_imaged_again(built, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(built, folder)
    (folder / "units" / "PH002.txt").write_text("made by other code")
    (folder / "images" / "PH002" / "sa.nii.gz").write_bytes(b"stale")
    (folder / "images" / "PH001" / "truth.npz").unlink()
    (folder / "images" / ".writing-killed").mkdir()
    build_simulated_cohort(folder, settings=SMALL, seed=11)
    assert _digests(folder) == _digests(built)


def test_a_folder_of_another_cohort_is_refused_with_the_differences(built):
    other = SimulatedCohortSettings(n_subjects=6, n_imaged=1, death_fraction=0.5)
    with pytest.raises(CohortError, match="n_imaged: 2 there, 1 asked for; seed: 11 there, 12 asked for"):
        build_simulated_cohort(built, settings=other, seed=12)


def test_the_images_alone_are_a_uk_biobank_folder_that_says_it_is_simulated(built):
    images = open_cohort(built / "images")
    assert images.layout == "UK Biobank layout" and images.simulated and images.label_scheme == OURS
    assert images.ids == ("PH001", "PH002") and any(note.startswith("SIMULATED") for note in images.notes)


def test_missing_files_are_named(built, tmp_path):
    folder = tmp_path / "cohort"
    shutil.copytree(built, folder)
    (folder / "truth.npz").unlink()
    shutil.rmtree(folder / "images" / "PH002")
    with pytest.raises(CohortError, match="missing: truth.npz, images/PH002/sa.nii.gz"):
        open_cohort(folder)


def test_a_simulated_cohort_is_sent_to_workers_without_its_arrays(cohort):
    cohort.true_positions("PH001")
    sent = pickle.dumps(cohort)
    assert len(sent) < 50_000
    np.testing.assert_array_equal(pickle.loads(sent).true_positions("PH001"), cohort.true_positions("PH001"))


def test_round_trip_through_the_authors_layout(cohort, tmp_path):
    back = open_cohort(write_4dsegment(cohort, tmp_path / "out", images=True))
    assert back.ids == cohort.ids and back.ids_with("images") == cohort.ids_with("images")
    np.testing.assert_allclose(back.motion_matrix()[1], cohort.motion_matrix()[1], atol=2e-6)
    np.testing.assert_allclose(back.table["time"] / 365.25, cohort.table["time"], rtol=1e-12)
    assert (back.table["event"] == cohort.table["event"]).all()
    np.testing.assert_allclose(back.volumes()["RVEF"], cohort.volumes()["RVEF"])
    assert any("202 vertices, 11,514 features" in note for note in back.notes)


@pytest.mark.parametrize("kind", ["simulated-volume-hazard", "simulated-null-hazard", "simulated-controls"])
def test_the_other_named_cohorts(tmp_path, kind):
    settings = SimulatedCohortSettings(kind=kind, n_subjects=5, n_imaged=0, death_fraction=0.4)
    cohort = build_simulated_cohort(tmp_path / kind, settings=settings, seed=1)
    eta = cohort.log_hazard()
    if kind == "simulated-volume-hazard":
        np.testing.assert_allclose(eta, -1.2 * cohort.parameters["x_rvef"], rtol=1e-9)
    else:
        assert (eta == 0).all()
    assert open_cohort(kind, root=tmp_path).ids == cohort.ids
