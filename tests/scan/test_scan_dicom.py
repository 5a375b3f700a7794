"""A DICOM study through `cardiolib scan`: its ID, its page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cardiolib.imaging import read_scan
from cardiolib.imaging.dicom import write_simulated_study
from cardiolib.motion import TrackingSettings
from cardiolib.scan import ScanPlan, find_scans
from cardiolib.scan.many import scan_one
from cardiolib.scan.page import scan_page
from cardiolib.scan.writing import provenance
from cardiolib.segmentation import TrainedNetwork


@pytest.fixture(scope="module")
def study(scan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dicom") / "study"
    cine = replace(scan.cine, frame_time_ms=70.0)
    write_simulated_study(replace(cine, voxels=cine.voxels.repeat(2, axis=3)), folder, scouts=True)
    return folder


def test_its_id_comes_from_a_table_or_from_a_salt(study, tmp_path):
    (tmp_path / "ids.csv").write_text("PatientID,ID\nSIMULATED,case-7\n")
    [one], [cohort] = find_scans([study], dicom={"ids": str(tmp_path / "ids.csv")})
    assert one.scan_id == "case-7" and cohort.simulated
    salted = [find_scans([study], dicom={"salt": text})[0][0].scan_id for text in ("a", "a", "b")]
    assert salted[0] == salted[1] != salted[2] and "SIMULATED" not in salted[0]


def test_a_table_of_patients_is_refused_for_what_is_not_dicom(tmp_path):
    (tmp_path / "notes.txt").write_text("no scan")
    with pytest.raises(ValueError, match="DICOM"):
        find_scans([tmp_path], dicom={"salt": "a"})


def test_the_page_lists_the_series_of_the_study(result, study):
    read = read_scan(study, ids={"SIMULATED": "example"}, bar=False)
    page = scan_page(replace(result, cine=read_like(read, result)), risk=None, made_with=provenance())
    assert "Series of the study" in page and page.count("scout") >= 3
    assert "Series of the study" not in scan_page(result, risk=None, made_with=provenance())


def read_like(scan, result):
    """The voxels of the result with the series of the study."""
    return replace(scan, voxels=result.cine.voxels, affine=result.cine.affine, notes=scan.notes)


def test_a_file_that_cannot_be_read_is_told_of_without_its_place(tmp_path):
    home = tmp_path / "Doe_John"
    for name in ("one", "two"):
        (home / name).mkdir(parents=True)
        (home / name / "sa.nii.gz").write_bytes(b"no image")
    inputs, cohorts = find_scans([home])
    plan = ScanPlan(TrainedNetwork.untrained(widths=(2, 4)), TrackingSettings.fast(), 0, None, "code")
    out = tmp_path / "out"
    told = [scan_one(item, plan=plan, folder=out, cohorts=cohorts).sentence for item in inputs]
    assert len(told) == 2 and all(item.scan_id in text for item, text in zip(inputs, told, strict=True))
    assert "Doe_John" not in " ".join(told) and str(tmp_path) not in " ".join(told)
