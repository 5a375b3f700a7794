"""M&Ms-2 folders as distributed, in miniature: ED and ES are found in the cine by their voxels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_files import N_FRAMES, cine, counted_ml, heart, labels, put

from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.cohorts.mms2 import frame_in
from cardiolib.imaging import MMS

HEADER = "SUBJECT_CODE,DISEASE,VENDOR,SCANNER,FIELD\n"


def patient(folder, *, seed=0, ed=5, es=2, labelled=("ED", "ES"), whole=True, simulated=False):
    image = cine(seed, simulated=simulated)
    name = folder.name
    if whole:
        put(image, folder / f"{name}_SA_CINE.nii.gz")
        put(image, folder / f"{name}_LA_CINE.nii.gz")
    for phase, frame, radius in (("ED", ed, 4.0), ("ES", es, 2.5)):
        single = replace(image, voxels=image.voxels[..., [frame]], frame_time_ms=None)
        put(single, folder / f"{name}_SA_{phase}.nii.gz")
        if phase in labelled:
            put(labels(MMS, [radius], simulated=simulated), folder / f"{name}_SA_{phase}_gt.nii.gz")
    return image


@pytest.fixture
def data_set(tmp_path):
    images = {
        "001": patient(tmp_path / "dataset/001", seed=1),
        "027": patient(tmp_path / "dataset/027", seed=2, ed=0, es=3),
    }
    (tmp_path / "dataset_information.csv").write_text(HEADER + "1,NOR,Siemens,Symphony,1.5\n27,FALL,GE,Signa,3\n")
    return tmp_path, images


def test_the_data_set_its_folder_and_a_patient_open_with_covariates(data_set):
    root, _ = data_set
    for path, ids in ((root, ("001", "027")), (root / "dataset", ("001", "027")), (root / "dataset/027", ("027",))):
        cohort = open_cohort(path)
        assert cohort.ids == ids and cohort.layout == "M&Ms-2" and not cohort.simulated
        wanted = {"disease": "FALL", "vendor": "GE", "scanner": "Signa", "field": 3.0}
        assert cohort.table.loc["027"].to_dict() == wanted
    assert any("long-axis images are left out" in note for note in cohort.notes)


def test_frames_are_found_in_the_cine_and_labels_stand_on_them(data_set):
    root, images = data_set
    cohort = open_cohort(root)
    np.testing.assert_array_equal(cohort.image("001").voxels, images["001"].voxels)
    found, frames = cohort.labels("001")
    assert frames == (5, 2) and cohort.labels("027")[1] == (0, 3) and found.scheme == MMS
    np.testing.assert_array_equal(found.frame(0), heart(MMS, 4.0))
    np.testing.assert_array_equal(found.frame(1), heart(MMS, 2.5))
    volumes = cohort.volumes()
    np.testing.assert_allclose(volumes["LVEDV"], counted_ml(MMS, 4.0, "lv_cavity"), rtol=1e-5)
    np.testing.assert_allclose(volumes["RVESV"], counted_ml(MMS, 2.5, "rv_cavity"), rtol=1e-5)


def test_without_a_cine_the_image_is_the_two_frames(tmp_path):
    image = patient(tmp_path / "003", whole=False)
    cohort = open_cohort(tmp_path)
    read = cohort.image("003")
    np.testing.assert_array_equal(read.voxels, image.voxels[..., [5, 2]])
    assert any("two frames only: ED and ES" in note for note in read.notes) and cohort.labels("003")[1] == (0, 1)


def test_labels_of_one_phase_or_none_give_what_they_can(tmp_path):
    patient(tmp_path / "003", labelled=("ES",))
    patient(tmp_path / "004", labelled=())
    cohort = open_cohort(tmp_path)
    assert cohort.ids_with("labels") == ("003",) and cohort.labels("003")[1] == (2,)
    assert "volumes" not in cohort.provides
    assert any("no labels, images only: 004" in note for note in cohort.notes)
    assert any("no table with the columns SUBJECT_CODE, DISEASE" in note for note in cohort.notes)


def test_rows_and_folders_that_do_not_match_are_named(data_set):
    root, _ = data_set
    (root / "dataset/200").mkdir()
    patient(root / "dataset/300")
    with (root / "dataset_information.csv").open("a") as table:
        table.write("9,HCM,GE,Signa,3\n")
    notes = open_cohort(root).notes
    assert any("has no row for 300" in note for note in notes)
    assert any("rows of patients without a scan here left out: 009" in note for note in notes)
    assert any("without short-axis images left out: 200" in note for note in notes)
    with (root / "dataset_information.csv").open("a") as table:
        table.write("009,HCM,GE,Signa,3\n")
    with pytest.raises(CohortError, match="009 appear more than once.*with and without leading zeros"):
        open_cohort(root)


@given(seed=st.integers(0, 10_000), frame=st.integers(0, N_FRAMES - 1))
def test_a_frame_is_found_also_when_it_was_rounded(seed, frame):
    whole = cine(seed)
    single = replace(whole, voxels=whole.voxels[..., [frame]], frame_time_ms=None)
    assert frame_in(whole, single) == (frame, None)
    rounded = replace(single, voxels=np.rint(single.voxels / 4) * 4 + 1)
    found, remark = frame_in(whole, rounded)
    assert found == frame and "clearly the closest" in remark


def test_a_frame_that_is_not_of_this_cine_is_not_made_one(data_set):
    whole, other = cine(1), cine(2, n_frames=1)
    assert frame_in(whole, other) == (None, "no frame of the cine has its voxels: which frame it is, is not known")
    smaller = replace(other, voxels=other.voxels[:-1])
    assert "which frame" not in str(frame_in(whole, smaller)) and frame_in(whole, smaller)[0] is None
    twice = replace(whole, voxels=np.concatenate([whole.voxels, whole.voxels[..., :1]], axis=-1))
    first = replace(whole, voxels=whole.voxels[..., :1])
    assert frame_in(twice, first) == (0, "frames 0, 6 have the same voxels: the first is taken")
    root, _ = data_set
    put(other, root / "dataset/001/001_SA_ED.nii.gz")
    found, frames = open_cohort(root).labels("001")
    assert frames == (None, 2) and any(note.startswith("ED: no frame of the cine") for note in found.notes)


def test_the_mark_of_simulated_hearts_is_found(tmp_path):
    patient(tmp_path / "002", simulated=True)
    marked = open_cohort(tmp_path)
    assert marked.simulated and marked.image("002").simulated and marked.labels("002")[0].simulated
    patient(tmp_path / "001")
    mixed = open_cohort(tmp_path)
    assert not mixed.simulated and not mixed.labels("001")[0].simulated
    with pytest.raises(CohortError, match="label map of subject '002' says that it is SIMULATED"):
        mixed.labels("002")
