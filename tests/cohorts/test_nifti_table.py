"""NIfTI files that a table names: joined by ID, frames counted as stated, every missing file named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scan_files import N_FRAMES, cine, counted_ml, heart, labels, put

from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.imaging import ACDC, MMS


@pytest.fixture
def folder(tmp_path):
    put(cine(1), tmp_path / "scans/one.nii.gz")
    put(labels(ACDC, [4.0, 2.5]), tmp_path / "truth/one.nii.gz")
    put(cine(2), tmp_path / "two.nii.gz")
    put(labels(MMS, [4.0]), tmp_path / "two ed.nii.gz")
    put(labels(MMS, [2.5]), tmp_path / "two es.nii.gz")
    put(cine(3), tmp_path / "three.nii.gz")
    table(
        tmp_path,
        "ID,file,ED,ES,count_from,labels,labels_ED,labels_ES,scheme,time,status,age,site",
        "007,scans/one.nii.gz,3,6,1,truth/one.nii.gz,,,ACDC,30,1,51,north",
        "7,two.nii.gz,5,2,0,,two ed.nii.gz,two es.nii.gz,mms,20,0,,south",
        "8,three.nii.gz,,,,,,,,10,0,70,south",
    )
    return tmp_path


def table(folder, *lines):
    (folder / "cohort.csv").write_text("\n".join(lines) + "\n")


def test_rows_are_subjects_with_images_follow_up_and_covariates(folder):
    cohort = open_cohort(folder)
    assert cohort.ids == ("007", "7", "8") and cohort.layout == "NIfTI files of a table"
    assert cohort.layout_reason == "found: cohort.csv names the files"
    with pytest.raises(CohortError, match="NIfTI files: cohort.csv names the files"):
        open_cohort(folder, layout="NIfTI files")
    for name, seed in (("007", 1), ("7", 2), ("8", 3)):
        np.testing.assert_array_equal(cohort.image(name).voxels, cine(seed).voxels)
    assert cohort.table["time"].tolist() == [30, 20, 10] and cohort.table["event"].tolist() == [True, False, False]
    assert list(cohort.covariates.columns) == ["age", "site"]
    assert cohort.covariates["age"].fillna(-1).tolist() == [51.0, -1.0, 70.0]


def test_labels_have_the_scheme_and_frames_of_their_row(folder):
    cohort = open_cohort(folder)
    one, frames = cohort.labels("007")
    assert frames == (2, 5) and one.scheme == ACDC
    np.testing.assert_array_equal(one.frame(0), heart(ACDC, 4.0))
    two, frames = cohort.labels("7")
    assert frames == (5, 2) and two.scheme == MMS
    volumes = cohort.volumes()
    assert list(volumes.index) == ["007", "7"]
    for name, scheme in (("007", ACDC), ("7", MMS)):
        assert volumes.loc[name, "LVEDV"] == pytest.approx(counted_ml(scheme, 4.0, "lv_cavity"), rel=1e-5)
        assert volumes.loc[name, "LVESV"] == pytest.approx(counted_ml(scheme, 2.5, "lv_cavity"), rel=1e-5)
    with pytest.raises(CohortError, match="'007'.*label codes of scheme 'mms' are exchanged"):
        open_cohort(folder, scheme="mms").labels("007")


def test_frames_that_are_not_said_to_count_from_0_or_1_are_refused(folder):
    table(folder, "ID,file,ED,ES", "a,two.nii.gz,1,3", "b,three.nii.gz,,")
    with pytest.raises(CohortError, match="not whether the first frame is 0 or 1, for a. Add a column count_from"):
        open_cohort(folder)
    (folder / "cohort.json").write_text(json.dumps({"count_from": 1, "label_scheme": "mms", "time_unit": "years"}))
    table(folder, "ID,file,ED,ES,labels", "a,two.nii.gz,1,,two ed.nii.gz", "b,three.nii.gz,,,")
    cohort = open_cohort(folder)
    assert cohort.labels("a")[1] == (0,) and cohort.time_unit == "years"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ed=st.integers(-1, N_FRAMES + 1), first=st.sampled_from([0, 1]))
def test_frames_lie_within_the_cine(folder, ed, first):
    table(folder, "ID,file,ED,count_from,labels", f"a,two.nii.gz,{ed},{first},two ed.nii.gz")
    if first <= ed < N_FRAMES + first:
        assert open_cohort(folder, scheme="mms").labels("a")[1] == (ed - first,)
    else:
        with pytest.raises(CohortError, match=rf"frames that the cine has not: a \(ED {ed} of 6 frames, counted from"):
            open_cohort(folder)


@pytest.mark.parametrize("text", ["first", "1.5", "inf", "nan"])
def test_a_frame_that_is_no_number_is_named(folder, text):
    table(folder, "ID,file,ED,count_from", f"a,two.nii.gz,{text},0")
    with pytest.raises(CohortError, match=f"frames that the cine has not: a .ED {text}"):
        open_cohort(folder)


def test_missing_files_are_named_all_at_once(folder):
    lines = [f"{i},missing{i}.nii.gz," for i in range(12)]
    table(folder, "ID,file,labels", *lines, "x,,", "y,two.nii.gz,none.nii.gz")
    with pytest.raises(CohortError) as caught:
        open_cohort(folder)
    message = str(caught.value)
    assert "14 file(s) are not there" in message and "x (no file named)" in message and "y (none.nii.gz)" in message
    assert all(f"{i} (missing{i}.nii.gz)" in message for i in range(12))


@pytest.mark.parametrize("path", ["../two.nii.gz", "/tmp/two.nii.gz", "C:\\two.nii.gz", "scans\\..\\..\\two.nii.gz"])
def test_paths_stay_inside_the_folder(folder, path):
    table(folder, "ID,file", f"a,{path}")
    with pytest.raises(CohortError, match="relative to the folder of the table and stay inside it; they do not for a"):
        open_cohort(folder)


def test_paths_may_be_written_as_windows_writes_them(folder):
    table(folder, "ID,file", "a,scans\\one.nii.gz")
    cohort = open_cohort(folder)
    np.testing.assert_array_equal(cohort.image("a").voxels, cine(1).voxels)
    assert any("does not name left out: three.nii.gz, two ed.nii.gz" in note for note in cohort.notes)


def test_labels_without_a_scheme_are_not_read(folder):
    table(folder, "ID,file,labels", "a,two.nii.gz,two ed.nii.gz")
    cohort = open_cohort(folder)
    assert cohort.provides == {"images"} and any("labels of a are not read" in note for note in cohort.notes)


def test_wrong_follow_up_and_doubled_ids_are_refused_by_name(folder):
    table(folder, "ID,file,time,event", "a,two.nii.gz,-3,1")
    with pytest.raises(CohortError, match="time must be a finite number"):
        open_cohort(folder)
    table(folder, "ID,file", "a,two.nii.gz", "a,three.nii.gz")
    with pytest.raises(CohortError, match="a appear more than once"):
        open_cohort(folder)
    table(folder, "ID,image", "a,two.nii.gz")
    with pytest.raises(CohortError, match="NIfTI files of a table: cohort.csv has no column file"):
        open_cohort(folder, layout="NIfTI files of a table")


def test_a_table_wins_over_what_names_would_tell(folder):
    put(cine(4), folder / "P1" / "P1_sa.nii.gz")
    assert open_cohort(folder).ids == ("007", "7", "8")
    assert "layout='M&Ms'" in open_cohort(folder).layout_reason
    assert open_cohort(folder, layout="M&Ms").ids == ("P1",)


def test_the_mark_of_simulated_hearts_is_found(folder):
    table(folder, "ID,file,simulated", "a,two.nii.gz,1")
    marked = open_cohort(folder)
    assert marked.simulated and marked.image("a").simulated and list(marked.table.columns) == []
    put(cine(5, simulated=True), folder / "five.nii.gz")
    table(folder, "ID,file", "a,two.nii.gz", "b,five.nii.gz")
    with pytest.raises(CohortError, match="image of subject 'b' says that it is SIMULATED"):
        open_cohort(folder).image("b")
    table(folder, "ID,file", "b,five.nii.gz")
    assert open_cohort(folder).simulated
