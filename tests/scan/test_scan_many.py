"""Many scans: one that fails does not stop the others, finished ones are kept, and all are listed."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_scans import QUICK

import cardiolib as cl
from cardiolib.files import read_json
from cardiolib.imaging import write_cine
from cardiolib.scan import ScanInput, ScanPlan, exit_status, find_scans, scan_many, summary
from cardiolib.scan.many import ScanOutcome, image_digest
from cardiolib.segmentation import TrainedNetwork
from cardiolib.work import Work


@pytest.fixture(scope="module")
def network() -> TrainedNetwork:
    return TrainedNetwork.untrained(widths=(2, 4))


@pytest.fixture(scope="module")
def files(scan, tmp_path_factory):
    """A scan, one that is damaged, and one of a single slice."""
    folder = tmp_path_factory.mktemp("images")
    write_cine(scan.cine, folder / "good.nii.gz")
    (folder / "damaged.nii.gz").write_bytes((folder / "good.nii.gz").read_bytes()[:2000])
    write_cine(replace(scan.cine, voxels=scan.cine.voxels[:, :, 5:6]), folder / "flat.nii.gz")
    return folder


def test_one_that_fails_does_not_stop_the_others(files, network, known_labels, tmp_path) -> None:
    inputs, _ = find_scans([files / name for name in ("damaged.nii.gz", "flat.nii.gz", "good.nii.gz")])
    outcomes = scan_many(inputs, ScanPlan(network, QUICK), Work(1, tmp_path / "out"))
    assert [one.state for one in outcomes] == ["failed", "failed", "done"] and exit_status(outcomes) == 1
    assert outcomes[0].sentence.startswith("damaged is damaged or incomplete") and "one slice" in outcomes[1].sentence
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"good", "index.html", "scans.csv"}
    table = pd.read_csv(tmp_path / "out" / "scans.csv").set_index("ID")
    assert table["state"].to_dict() == {"good": "finished", "damaged": "failed", "flat": "failed"}
    assert table.loc["good", "simulated"] == 1 and table.loc["good", "lv_edv_labels_ml"] > 100
    page = (tmp_path / "out" / "index.html").read_text()
    assert str(files) not in page + (tmp_path / "out" / "scans.csv").read_text()
    assert "href='good/report.html'" in page and "one slice" in page and "1 of 1 scans are SIMULATED" in page
    assert not re.search(r"(?:src|href)='https?:", page)


def test_a_finished_scan_is_kept_until_something_changes(files, scan, network, known_labels, tmp_path) -> None:
    inputs, _ = find_scans([files / "good.nii.gz"])
    plan, work = ScanPlan(network, QUICK), Work(1, tmp_path)
    assert [one.state for one in scan_many(inputs, plan, work)] == ["done"]
    before = (tmp_path / "good" / "result.json").stat().st_mtime_ns
    again = scan_many(inputs, plan, work)
    assert [one.state for one in again] == ["kept"] and known_labels.asked == 1
    assert (tmp_path / "good" / "result.json").stat().st_mtime_ns == before
    record = summary(again, tmp_path)["scans"][0]
    assert record["state"] == "kept" and record["indices"]["lv_edv_labels_ml"]["value"] > 100
    (tmp_path / "good" / "label_sa.nii.gz").unlink()
    for changed in (plan, replace(plan, seed=2), replace(plan, seed=2, code="other")):
        assert [one.state for one in scan_many(inputs, changed, work)] == ["done"]
    assert known_labels.asked == 4


def test_another_image_of_the_same_name_is_refused(files, scan, network, known_labels, tmp_path) -> None:
    plan, work = ScanPlan(network, QUICK), Work(1, tmp_path / "out")
    scan_many(find_scans([files / "good.nii.gz"])[0], plan, work)
    other = replace(scan.cine, voxels=scan.cine.voxels + 1)
    write_cine(other, tmp_path / "good.nii.gz")
    (outcome,) = scan_many(find_scans([tmp_path / "good.nii.gz"])[0], plan, work)
    assert outcome.state == "failed" and "results of another scan" in outcome.sentence
    assert read_json(tmp_path / "out" / "good" / "result.json")["key"]["input"] != image_digest(other)


def test_what_nobody_expected_is_told_with_its_kind(files, network, monkeypatch, tmp_path, caplog) -> None:
    def broken(*_, **__):
        raise IndexError("list index out of range")

    monkeypatch.setattr("cardiolib.scan.many.analyse_scan", broken)
    (outcome,) = scan_many(find_scans([files / "good.nii.gz"])[0], ScanPlan(network, QUICK), Work(1, tmp_path))
    assert outcome.sentence == "good: unexpected IndexError: list index out of range"
    assert "broken" in caplog.text


def test_ctrl_c_leaves_nothing_half_written(files, network, known_labels, monkeypatch, tmp_path) -> None:
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cardiolib.scan.writing.scan_page", stopped)
    with pytest.raises(KeyboardInterrupt):
        scan_many(find_scans([files / "good.nii.gz"])[0], ScanPlan(network, QUICK), Work(1, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_results_that_cannot_be_written_are_told_before_the_work(files, network, known_labels, tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="cannot be written to"):
        scan_many(find_scans([files / "good.nii.gz"])[0], ScanPlan(network), Work(1, tmp_path / "file" / "out"))
    assert known_labels.asked == 0


@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ([], 0),
        ([("done", "ok"), ("kept", "look at it")], 0),
        ([("done", "ok"), ("kept", "do not use")], 3),
        ([("failed", ""), ("done", "do not use")], 1),
    ],
)
def test_the_exit_status_says_the_worst(outcomes, status) -> None:
    assert exit_status([ScanOutcome("a", *one) for one in outcomes]) == status


def test_a_cohort_gives_all_its_subjects_and_one_folder_of_it_gives_one(scan, tmp_path) -> None:
    for name in ("p1", "p2"):
        write_cine(replace(scan.cine, simulated=False), tmp_path / name / "sa.nii.gz")
    inputs, cohorts = find_scans([tmp_path])
    assert [one.scan_id for one in inputs] == ["p1", "p2"] and inputs[1].read(cohorts).shape == scan.cine.shape
    inputs, cohorts = find_scans([tmp_path / "p2"])
    assert [one.subject for one in inputs] == ["p2"]


def test_files_of_the_same_name_are_told_apart(scan, tmp_path) -> None:
    small = cl.Cine(np.zeros((4, 4, 3, 2)), np.eye(4))
    for name in ("a b", "c"):
        write_cine(small, tmp_path / name / "sa.nii.gz")
    inputs, _ = find_scans([tmp_path / "a b" / "sa.nii.gz", tmp_path / "c" / "sa.nii.gz"])
    assert [one.scan_id for one in inputs] == ["a_b_sa", "c_sa"]
    with pytest.raises(ValueError, match="would overwrite each other"):
        find_scans([tmp_path / "c" / "sa.nii.gz"] * 2)


def test_what_is_no_scan_is_refused(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="there is nothing at"):
        find_scans([tmp_path / "nothing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no scan that can be read"):
        find_scans([tmp_path / "empty"])
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(ValueError, match="notes.txt holds no scan"):
        find_scans([tmp_path / "notes.txt"])


def test_the_example_is_simulated() -> None:
    cine = ScanInput("example").read([])
    assert cine.simulated and cine.n_frames == 20
