"""A folder of DICOM studies as a cohort: one subject a patient."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import generate_uid

from benchmarks.dicom_arrangements import ARRANGEMENTS
from benchmarks.dicom_making import flat, save, study_of, truth, worst_difference
from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.imaging import read_scan, write_cine
from cardiolib.progress import bars_to


@pytest.fixture
def two(tmp_path: Path) -> Path:
    ARRANGEMENTS["two_patients"](tmp_path / "given")
    return tmp_path / "given"


IDS = {"SIMULATED": "a", "SOMEBODY ELSE": "b"}


def test_each_patient_is_a_subject(two: Path) -> None:
    cohort = open_cohort(two, ids=IDS)
    assert sorted(cohort.ids) == ["a", "b"] and cohort.provides == {"images"} and cohort.simulated
    assert worst_difference(cohort.image("b"), truth()) == 0
    assert cohort.table.loc["a", ["slices", "frames"]].tolist() == [5, 12]
    assert abs(cohort.table.loc["a", "heart_rate_per_min"] - 66.7) < 0.1
    assert "files of several patients lie together" in repr(cohort)
    assert len(cohort.series("a")) == 5


def test_a_cohort_travels_to_workers(two: Path) -> None:
    cohort = pickle.loads(pickle.dumps(open_cohort(two, ids=IDS)))
    assert worst_difference(cohort.image("a"), truth()) == 0


def test_one_of_several_patients_can_be_read(two: Path) -> None:
    assert worst_difference(read_scan(two, ids=IDS, patient="b"), truth()) == 0
    with pytest.raises(ValueError, match="none of whom has the ID asked for"):
        read_scan(two, ids=IDS, patient="c")


def test_a_patient_without_a_cine_is_said(tmp_path: Path) -> None:
    save(tmp_path, flat(study_of(truth())))
    other = flat(study_of(truth((9, 7, 1)), first_series=30))
    for frame in other:
        frame.PatientID, frame.StudyInstanceUID = "SOMEBODY ELSE", generate_uid(entropy_srcs=["another"])
    save(tmp_path, other)
    cohort = open_cohort(tmp_path, ids=IDS)
    assert cohort.ids_with("images") == ("a",) and len(cohort) == 2
    assert any(note.startswith("b has no cine") and "a stack has 3 or more" in note for note in cohort.notes)
    with pytest.raises(CohortError, match="subject 'b'.*has no images"):
        cohort.image("b")


def test_no_patient_with_a_cine_is_refused_with_what_was_found(tmp_path: Path) -> None:
    ARRANGEMENTS["one_phase"](tmp_path)
    with pytest.raises(CohortError, match="rows 1 to 5: .*one frame a slice") as caught:
        open_cohort(tmp_path, salt="x")
    assert tmp_path.name not in str(caught.value)


def test_the_newest_study_is_read_or_the_one_asked_for(tmp_path: Path) -> None:
    ARRANGEMENTS["several_studies"](tmp_path)
    newest, oldest = open_cohort(tmp_path, ids=IDS), open_cohort(tmp_path, ids=IDS, study=1)
    assert newest.table["study_day"].tolist() == [365] and oldest.table["study_day"].tolist() == [0]
    assert worst_difference(newest.image("a"), truth()) == 0
    assert not oldest.image("a").voxels.any()
    with pytest.raises(CohortError, match='"newest" or a number from 1 .the oldest. to 2; given 3'):
        open_cohort(tmp_path, ids=IDS, study=3)


def test_studies_without_dates_are_not_guessed(tmp_path: Path) -> None:
    ARRANGEMENTS["several_studies"](tmp_path)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        data = pydicom.dcmread(path)
        for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
            setattr(data, name, "")
        data.save_as(path)
    with pytest.raises(CohortError, match="do not say which is the newest: study 1: 5 series.*without a date"):
        open_cohort(tmp_path, ids=IDS)


def test_simulated_and_real_patients_are_not_mixed(two: Path) -> None:
    for path in (path for path in two.rglob("*") if path.is_file()):
        data = pydicom.dcmread(path)
        if data.PatientID == "SIMULATED":
            data.ImageType, data.ImageComments, data.Manufacturer = ["ORIGINAL", "PRIMARY"], "", "GE"
            data.save_as(path)
    with pytest.raises(CohortError, match="must not be mixed"):
        open_cohort(two, ids=IDS)
    assert not read_scan(two, ids=IDS, patient="a").simulated and read_scan(two, ids=IDS, patient="b").simulated


def test_a_zip_is_a_cohort_too(tmp_path: Path) -> None:
    ARRANGEMENTS["a_zip"](tmp_path)
    cohort = open_cohort(tmp_path / "study.zip", ids=IDS)
    assert worst_difference(cohort.image("a"), truth()) == 0


def test_a_bar_is_shown_over_many_files(tmp_path: Path) -> None:
    save(tmp_path, flat(study_of(truth((9, 7, 5), 50))))
    stream = io.StringIO()
    with bars_to(stream):
        open_cohort(tmp_path, ids=IDS)
    assert "DICOM headers" in stream.getvalue() and "250/250" in stream.getvalue()


def test_no_dicom_is_among_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_text("no DICOM but for its name")
    with pytest.raises(CohortError, match="DICOM: no file in it, at any depth, that is DICOM by what it holds"):
        open_cohort(tmp_path)
    with pytest.raises(ValueError, match="1 files, none of them DICOM or NIfTI"):
        read_scan(tmp_path)


def test_nifti_is_read_by_the_same_door(tmp_path: Path) -> None:
    known = truth()
    from cardiolib.imaging import Cine

    cine = Cine(known.voxels, known.affine, known.frame_time_ms, simulated=True)
    write_cine(cine, tmp_path / "heart.nii.gz")
    write_cine(Cine(np.ones((4, 4, 3)), np.eye(4)), tmp_path / "mask.nii.gz")
    for path in (tmp_path, tmp_path / "heart.nii.gz"):
        scan = read_scan(path)
        assert worst_difference(scan, known) < 1e-3 and scan.subject_id == "heart" and scan.series.empty
    with pytest.raises(ValueError, match="holds one frame"):
        read_scan(tmp_path / "mask.nii.gz")
    write_cine(cine, tmp_path / "again.nii.gz")
    with pytest.raises(ValueError, match="of 3 NIfTI files 2 are cines"):
        read_scan(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_scan(tmp_path / "nowhere")
