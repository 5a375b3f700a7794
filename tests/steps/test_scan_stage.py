"""Notebook 00: the study that it writes, the scan that it looks at, and what is true of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort
from cardiolib.digital_heart import DigitalHeart, acquire
from cardiolib.imaging import Cine, read_scan, write_cine
from cardiolib.motion import TrackingSettings
from cardiolib.segmentation import segmentation_from_labels
from cardiolib.steps import scan as stage
from cardiolib.steps.named_files import REPOSITORY
from cardiolib.work import Work


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return stage.write_example_study(Work(seed=3, folder=tmp_path_factory.mktemp("stage")))


def read(study):
    return read_scan(study.folder, ids={"SIMULATED": "example"}, bar=False)


@pytest.fixture(scope="module")
def example(study):
    return read(study)


class OneScan(Cohort):
    """A real cohort with one cine."""

    def _has(self, subject_id, what):
        return what == "images"

    def _read_image(self, subject_id):
        return Cine(np.ones((8, 8, 4, 3)), np.diag([1.5, 1.5, 10, 1]))


def test_the_study_is_what_a_scanner_exports_and_is_read_as_the_heart_that_was_imaged(study, example):
    assert len(study.listing) == 16 and list(study.listing["files"][:4]) == [1, 1, 1, 20]
    assert example.simulated and example.subject_id == "example" and example.shape[2] == 12
    assert list(example.series["kept"]) == ["left out"] * 4 + ["read"] * 12
    flat = [one.mean(axis=(0, 1)) for one in (example.voxels[..., 0], example.voxels[..., 8])]
    assert not np.allclose(*flat)  # the heart beats


def test_written_again_it_is_the_same_and_another_seed_changes_the_noise_alone(study, example, tmp_path):
    again = read(stage.write_example_study(Work(seed=3, folder=tmp_path)))
    np.testing.assert_array_equal(again.voxels, example.voxels)
    other = read(stage.write_example_study(Work(seed=4, folder=tmp_path)))  # in the place of the first
    assert other.voxels.shape == example.voxels.shape and not np.array_equal(other.voxels, example.voxels)


def test_the_scan_is_the_one_named_else_the_first_of_real_patients_else_the_example(example, tmp_path):
    simulated = Cohort("made", pd.DataFrame(index=["a"]), simulated=True)
    real = OneScan("real", pd.DataFrame(index=["b", "a"]))
    settings = stage.ScanStageSettings()
    assert stage.scan_to_look_at(settings, simulated, example) is example
    first = stage.scan_to_look_at(settings, real, example)
    assert not first.simulated and first.n_frames == 3 and stage.name_of(first) == "scan"
    write_cine(Cine(np.ones((8, 8, 4, 2)), np.diag([1.5, 1.5, 10, 1]), frame_time_ms=50), tmp_path / "mine.nii.gz")
    named = stage.ScanStageSettings(scan=str(tmp_path / "mine.nii.gz"))
    assert named.scan_path == tmp_path / "mine.nii.gz" and not named.scan.startswith("/")
    own = stage.scan_to_look_at(named, simulated, example)
    assert own.n_frames == 2 and not own.simulated and stage.name_of(own) == "mine"


def test_the_network_is_the_shipped_one_whatever_the_environment_names(monkeypatch, tmp_path):
    monkeypatch.setenv("CARDIOLIB_NETWORK", str(tmp_path / "other.pt"))
    assert stage.network_of(stage.ScanStageSettings()).provenance["n_hearts"] > 100


def test_settings_say_what_is_wrong():
    with pytest.raises(ValueError, match="effort must be one of full, fast"):
        stage.ScanStageSettings(effort="slow")
    with pytest.raises(ValueError, match="network"):
        stage.ScanStageSettings(network="")
    assert stage.ScanStageSettings().network_path is None
    assert stage.ScanStageSettings(network="mine.npz").network_path == REPOSITORY / "mine.npz"


def test_what_was_found_stands_beside_the_truth_of_the_example_and_of_no_other_scan(study):
    heart, phases = study.heart, np.arange(8) / 8
    scan = acquire(heart, phases=phases, rng=np.random.default_rng(1))
    found = segmentation_from_labels(scan.labels, scan.cine)
    result = stage.analyse_scan(scan.cine, segmentation=found, settings=TrackingSettings.fast(), scan_id="example")
    truth = stage.against_truth(result, study, scan.cine)
    assert truth.lacks == "" and truth.table["true"].notna().all()
    assert abs(truth.table.loc["lv_ef_mesh_percent", "difference"]) < 5
    true_ef = 100 * DigitalHeart().ejection_fractions()["lvef"]
    assert truth.table.loc["lv_ef_mesh_percent", "true"] == pytest.approx(
        true_ef, abs=3
    )  # at its 20 phases, lids closed
    metrics = stage.scan_metrics(result, truth)
    assert metrics["lv_ef_mesh_error_points"] == abs(truth.table.loc["lv_ef_mesh_percent", "difference"])
    assert stage.beating_heart(result).title == "example: simulated heart, tracked in the images"
    assert stage.contoured(result).frames == {"ED": found.ed, "ES": found.es}

    other = stage.against_truth(replace(result, cine=replace(scan.cine)), study, scan.cine)  # another of the same name
    assert other.lacks and "_error" not in " ".join(stage.scan_metrics(result, other))


def test_a_scan_that_cannot_move_says_so_everywhere(study, example):
    scan = acquire(study.heart, phases=[0.0])
    result = stage.analyse_scan(scan.cine, segmentation=segmentation_from_labels(scan.labels, scan.cine))
    assert "one frame" in stage.beating_heart(result).lacks
    assert np.isnan(stage.scan_metrics(result, stage.against_truth(result, study, example))["lv_ef_mesh_percent"])
