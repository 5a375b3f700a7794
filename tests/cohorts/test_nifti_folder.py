"""NIfTI files with any names: images, label maps by their endings, and a scheme that is never guessed."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_files import N_FRAMES, cine, counted_ml, heart, labels, oblique, put

from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.cohorts.nifti_names import LABEL_ENDINGS, labelled_stem
from cardiolib.imaging import ACDC, MMS, LabelScheme


@pytest.fixture
def folder(tmp_path):
    put(cine(1), tmp_path / "Heart of A.nii.gz")
    put(labels(ACDC, [3.0, 3.5, 4.0, 3.0, 2.5, 3.0]), tmp_path / "Heart of A_seg.nii.gz")
    put(cine(2), tmp_path / "b.nii")
    return tmp_path


def test_every_image_is_a_subject_named_by_its_file(folder):
    cohort = open_cohort(folder)
    assert cohort.ids == ("Heart of A", "b") and cohort.layout == "NIfTI files" and not cohort.simulated
    np.testing.assert_array_equal(cohort.image("b").voxels, cine(2).voxels)
    np.testing.assert_allclose(cohort.image("b").affine, oblique(), atol=1e-4)
    assert cohort.image("b").frame_time_ms == pytest.approx(40)
    assert "found: NIfTI files, none named as in another layout" in repr(cohort)


def test_labels_are_not_read_until_their_scheme_is_stated(folder):
    cohort = open_cohort(folder)
    assert "labels" not in cohort.provides
    assert any("labels of Heart of A are not read: which structure" in note for note in cohort.notes)
    assert any("open_cohort(..., scheme='acdc')" in note for note in cohort.notes)
    (folder / "cohort.json").write_text(json.dumps({"label_scheme": "ACDC", "name": "mine", "about": "three hearts"}))
    stated = open_cohort(folder)
    assert stated.name == "mine" and "three hearts" in stated.notes
    for one in (stated, open_cohort(folder, scheme="acdc"), open_cohort(folder, scheme=ACDC)):
        found, frames = one.labels("Heart of A")
        assert frames == tuple(range(N_FRAMES)) and found.scheme == ACDC
        np.testing.assert_array_equal(found.frame(2), heart(ACDC, 4.0))
        volumes = one.volumes().loc["Heart of A"]
        assert volumes["LVEDV"] == pytest.approx(counted_ml(ACDC, 4.0, "lv_cavity"), rel=1e-5)
        assert volumes["RVESV"] == pytest.approx(counted_ml(ACDC, 2.5, "rv_cavity"), rel=1e-5)
    with pytest.raises(CohortError, match="no label scheme 'aha'"):
        open_cohort(folder, scheme="aha")


def test_one_file_is_a_cohort_of_one_with_the_labels_beside_it(folder):
    cohort = open_cohort(folder / "Heart of A.nii.gz", scheme="acdc")
    assert cohort.ids == ("Heart of A",) and cohort.ids_with("labels") == cohort.ids
    assert open_cohort(folder / "b.nii").provides == {"images"}
    with pytest.raises(CohortError, match="Heart of A_seg.nii.gz is a label map by its name"):
        open_cohort(folder / "Heart of A_seg.nii.gz")


def test_a_label_map_of_one_frame_belongs_to_a_frame_that_nothing_says(folder):
    put(labels(MMS, [4.0]), folder / "b_gt.nii.gz")
    put(cine(3, n_frames=1), folder / "c.nii.gz")
    put(labels(MMS, [4.0]), folder / "c_mask.nii.gz")
    cohort = open_cohort(folder, scheme="mms")
    assert cohort.labels("b")[1] == (None,) and cohort.labels("c")[1] == (0,)
    assert cohort.ids_with("volumes") == ("Heart of A",)
    assert any("one frame only, so that nothing moves: c" in note for note in cohort.notes)


def test_codes_that_the_scheme_lacks_name_the_subject_and_the_codes(folder):
    two = LabelScheme("two", {"lv_cavity": 3, "lv_wall": 2})
    with pytest.raises(
        CohortError, match=r"label map of subject 'Heart of A'.*labels \[1\] are not in scheme"
    ) as caught:
        open_cohort(folder, scheme=two).labels("Heart of A")
    assert "Copy the file again" not in str(caught.value)


def test_what_is_left_out_is_named(folder):
    put(labels(MMS, [4.0]), folder / "orphan_gt.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((4, 4), np.int16), np.eye(4)), folder / "flat.nii.gz")
    (folder / "torn.nii.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (folder / "._b.nii").write_bytes(b"resource fork")
    cohort = open_cohort(folder)
    assert cohort.ids == ("Heart of A", "b")
    assert any("label maps without their image left out: orphan_gt.nii.gz" in note for note in cohort.notes)
    (note,) = [note for note in cohort.notes if "no 3D or 4D image" in note]
    assert "flat.nii.gz" in note and "torn.nii.gz" in note and str(folder) not in note


def test_a_label_map_under_the_name_of_an_image_is_not_handed_out_as_one(folder):
    put(labels(ACDC, [4.0] * N_FRAMES), folder / "truth of b.nii.gz")
    with pytest.raises(CohortError, match="whole numbers from 0 to 3 only: it is a label map"):
        open_cohort(folder).image("truth of b")


def test_two_files_of_one_name_and_two_label_maps_of_one_image_are_refused(folder):
    put(cine(2), folder / "b.nii.gz")
    with pytest.raises(CohortError, match=r"b\.nii and b\.nii\.gz would be the same subject|b\.nii\.gz and b\.nii"):
        open_cohort(folder)
    (folder / "b.nii.gz").unlink()
    for ending in ("gt", "seg"):
        put(labels(ACDC, [4.0]), folder / f"b_{ending}.nii.gz")
    with pytest.raises(CohortError, match="both b_gt.nii.gz and b_seg.nii.gz are label maps of b"):
        open_cohort(folder)


def test_folders_without_images_say_what_to_do(tmp_path):
    with pytest.raises(CohortError, match="NIfTI files: no .nii.gz or .nii file in it$"):
        open_cohort(tmp_path, layout="NIfTI files")
    put(cine(), tmp_path / "deep" / "x.nii.gz")
    with pytest.raises(CohortError, match=r"some in its folders \(deep/x.nii.gz\): list them in a cohort.csv"):
        open_cohort(tmp_path)
    put(labels(ACDC, [4.0]), tmp_path / "only_gt.nii.gz")
    with pytest.raises(CohortError, match="no NIfTI file here is an image that can be read: only_gt.nii.gz"):
        open_cohort(tmp_path)


def test_a_table_that_names_no_files_is_not_passed_over(folder):
    (folder / "cohort.csv").write_text("ID,age\nb,50\n")
    with pytest.raises(CohortError, match="the columns ID and file are needed"):
        open_cohort(folder)


def test_the_more_specific_layout_wins_and_says_how_to_force_the_other(tmp_path):
    put(cine(), tmp_path / "s1" / "sa.nii.gz")
    cohort = open_cohort(tmp_path / "s1")
    assert cohort.layout == "UK Biobank layout"
    assert "open_cohort(..., layout='NIfTI files') would read it too" in cohort.layout_reason
    forced = open_cohort(tmp_path / "s1", layout="NIfTI files")
    assert forced.ids == ("sa",) and forced.layout_reason == "asked for"


def test_the_mark_of_simulated_hearts_is_found(tmp_path):
    put(cine(simulated=True), tmp_path / "b.nii.gz")
    assert open_cohort(tmp_path).simulated and open_cohort(tmp_path / "b.nii.gz").image("b").simulated
    put(cine(), tmp_path / "a.nii.gz")
    mixed = open_cohort(tmp_path)
    assert not mixed.simulated
    with pytest.raises(CohortError, match="image of subject 'b' says that it is SIMULATED"):
        mixed.image("b")
    (tmp_path / "cohort.json").write_text('{"simulated": true}')
    assert open_cohort(tmp_path).image("a").simulated


@given(st.text("ab_ .-", min_size=1, max_size=8), st.sampled_from(LABEL_ENDINGS), st.booleans())
def test_endings_name_the_image_in_any_case(name, ending, upper):
    assert labelled_stem(name + (ending.upper() if upper else ending)) == name
    assert labelled_stem(name + "_scan") is None


def test_real_cropped_cines_open_as_they_are(shared_dir):
    cohort = open_cohort(shared_dir / "data" / "acdc_cine")
    assert len(cohort) == 8 and cohort.provides == {"images"}
    assert cohort.image("patient001_4d").shape == (100, 95, 7)


def test_volumes_need_two_labelled_frames(folder):
    put(labels(ACDC, [0, 4.0, 0, 0, 0, 0]), folder / "b_seg.nii.gz")
    cohort = open_cohort(folder, scheme="acdc")
    assert cohort.labels("b")[1] == (1,)
    with pytest.raises(CohortError, match="subject 'b' .*b_seg.nii.gz labels one frame only; volumes need ED and ES"):
        cohort.volumes()
    put(labels(ACDC, [4.0] * N_FRAMES), folder / "b_seg.nii.gz")
    with pytest.raises(CohortError, match="subject 'b' .*ED and ES cannot be told apart. State ED and ES"):
        open_cohort(folder, scheme="acdc").volumes()
