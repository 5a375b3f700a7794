"""ACDC folders: made here in miniature, and the real ones where they are."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import CohortError, open_cohort

ZOOMS = (1.5, 1.5, 8.0)


def _nifti(path, array, zooms):
    image = nib.Nifti1Image(array, np.diag([-1.0, -1.0, 1.0, 1.0]))  # the unset affine of every ACDC file
    image.header.set_zooms(zooms)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)


def make_patient(folder, *, ed=1, es=3, cine=False, info=None):
    name = folder.name
    rng = np.random.default_rng(len(name) + ed)
    frames = rng.integers(0, 200, size=(12, 10, 4, 5)).astype(np.int16)
    labels = np.zeros((12, 10, 4), np.uint8)
    labels[2:8, 2:8, 1:3] = 2
    labels[4:6, 4:6, 1:3] = 3
    labels[8:10, 2:6, 1:3] = 1
    for frame in (ed, es):
        _nifti(folder / f"{name}_frame{frame:02d}.nii.gz", frames[..., frame - 1], ZOOMS)
        _nifti(folder / f"{name}_frame{frame:02d}_gt.nii.gz", labels, ZOOMS)
    if cine:
        _nifti(folder / f"{name}_4d.nii.gz", frames, (*ZOOMS, 1.0))
    text = info or f"ED: {ed}\nES: {es}\nGroup: DCM\nHeight: 184.0\nNbFrame: 5\nWeight: 95.0\n"
    (folder / "Info.cfg").write_text(text)
    return frames


@pytest.fixture
def two_patients(tmp_path):
    frames = make_patient(tmp_path / "training" / "patient001")
    make_patient(tmp_path / "training" / "patient002", ed=4, es=2, cine=True)
    return tmp_path, frames


def test_parent_training_folder_and_single_patient_all_open(two_patients):
    root, _ = two_patients
    for path, n in ((root, 2), (root / "training", 2), (root / "training" / "patient002", 1)):
        cohort = open_cohort(path)
        assert len(cohort) == n and cohort.layout == "ACDC" and not cohort.simulated
    assert cohort.table.loc["patient002"].to_dict() == {"group": "DCM", "height_cm": 184.0, "weight_kg": 95.0}
    assert "outcomes" not in cohort.provides
    assert cohort.missing_for(["outcomes"]).endswith("survival stages have nothing to do")


def test_without_a_cine_the_image_is_two_frames_and_says_so(two_patients):
    root, frames = two_patients
    cohort = open_cohort(root)
    cine = cohort.image("patient001")
    assert cine.n_frames == 2
    np.testing.assert_array_equal(cine.voxels, frames[..., [0, 2]].astype(np.float32))
    assert any("two frames only" in note for note in cine.notes)
    np.testing.assert_allclose(cine.spacing_mm, ZOOMS)
    labels, labelled = cohort.labels("patient001")
    assert labelled == (0, 1) and labels.n_frames == 2


def test_with_a_cine_the_labels_name_its_frames(two_patients):
    cohort = open_cohort(two_patients[0])
    assert cohort.image("patient002").n_frames == 5
    assert cohort.labels("patient002")[1] == (3, 1)


def test_volumes_use_the_header_zooms(two_patients):
    volumes = open_cohort(two_patients[0]).volumes()
    voxel_ml = np.prod(ZOOMS) / 1000
    assert volumes.loc["patient001", "LVEDV"] == pytest.approx(8 * voxel_ml)
    assert volumes.loc["patient001", "RVEDV"] == pytest.approx(16 * voxel_ml)


def test_all_patients_that_cannot_be_read_are_named(two_patients):
    root, _ = two_patients
    (root / "training" / "patient001" / "patient001_frame03.nii.gz").unlink()
    (root / "training" / "patient002" / "Info.cfg").write_text("ED: first\nES: 2\n")
    with pytest.raises(CohortError) as caught:
        open_cohort(root)
    message = str(caught.value)
    assert "patient001: Info.cfg names patient001_frame03.nii.gz" in message
    assert "patient002/Info.cfg: ED: first; expected a frame number from 1" in message


def test_frames_beyond_the_cycle_and_damaged_images_are_named(two_patients):
    root, _ = two_patients
    broken = root / "training" / "patient002" / "patient002_4d.nii.gz"
    broken.write_bytes(broken.read_bytes()[:300])
    with pytest.raises(CohortError, match="the image of subject 'patient002' .* cannot be read"):
        open_cohort(root).image("patient002")
    broken.write_bytes(b"not gzip at all")
    with pytest.raises(CohortError, match="the image of subject 'patient002' .* cannot be read"):
        open_cohort(root).image("patient002")
    (root / "training" / "patient001" / "Info.cfg").write_text("ED: 1\nES: 3\nNbFrame: 2\n")
    with pytest.raises(CohortError, match="ED 1 and ES 3 of only 2 frames"):
        open_cohort(root)


def test_missing_ground_truth_takes_labels_away_and_nothing_else(two_patients):
    root, _ = two_patients
    (root / "training" / "patient001" / "patient001_frame01_gt.nii.gz").unlink()
    cohort = open_cohort(root)
    assert cohort.ids_with("labels") == ("patient002",) and len(cohort.ids_with("images")) == 2
    assert list(cohort.volumes().index) == ["patient002"]
    with pytest.raises(CohortError, match="'patient001' .* has no labels; 1 of 2 subjects have: patient002"):
        cohort.labels("patient001")


def test_testing_split_beside_training_is_left_out_and_noted(two_patients):
    root, _ = two_patients
    make_patient(root / "testing" / "patient101")
    cohort = open_cohort(root)
    assert "patient101" not in cohort.ids and any("testing/ is left out" in note for note in cohort.notes)


def test_real_patient090_starts_at_frame_four(shared_dir):
    cohort = open_cohort(shared_dir / "data" / "acdc")
    assert len(cohort) == 100
    cine, (labels, frames) = cohort.image("patient090"), cohort.labels("patient090")
    assert cine.n_frames == 12 and frames == (3, 10) and cine.frame_time_ms is None
    ed = nib.load(shared_dir / "data/acdc/training/patient090/patient090_frame04.nii.gz")
    np.testing.assert_allclose(cine.frame(frames[0]), np.asarray(ed.dataobj), atol=1e-3)
    assert labels.volume_ml("lv_cavity")[0] > labels.volume_ml("lv_cavity")[1]


def test_real_volumes_against_the_reference_table(shared_dir):
    known = pd.read_csv(shared_dir / "reference" / "acdc_training_volumes.csv", index_col="patient")
    ids = ["patient001", "patient042", "patient061", "patient090", "patient100"]
    volumes = open_cohort(shared_dir / "data" / "acdc").subset(ids).volumes()
    for ours, theirs in {"LVEDV": "LV_ED", "LVESV": "LV_ES", "RVEDV": "RV_ED", "LVEF": "LVEF", "RVEF": "RVEF"}.items():
        np.testing.assert_allclose(volumes[ours], known.loc[ids, theirs], rtol=1e-5)


def test_real_ukbb_folder_and_acdc_patient061_are_the_same_heart(shared_dir):
    acdc = open_cohort(shared_dir / "data" / "acdc").subset(["patient061"]).volumes().iloc[0]
    biobank = open_cohort(shared_dir / "data" / "ukbb_layout_0001")
    assert any("'acdc' is plausible" in note for note in biobank.notes)
    np.testing.assert_allclose(biobank.volumes().iloc[0], acdc, rtol=1e-5)
    np.testing.assert_array_equal(
        biobank.image("ukbb_layout_0001").voxels, open_cohort(shared_dir / "data" / "acdc").image("patient061").voxels
    )


@pytest.mark.field_fault("K11")
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_info_in_other_encodings(two_patients, encoding):
    folder, _ = two_patients
    for info in folder.rglob("Info.cfg"):
        info.write_bytes((info.read_text() + "\nHospital: Orléans\n").encode(encoding))
    assert len(open_cohort(folder)) == 2


@pytest.mark.field_fault("K8")
def test_a_line_of_info_that_is_there_twice(two_patients):
    folder, _ = two_patients
    info = sorted(folder.rglob("Info.cfg"))[0]
    text = info.read_text()
    info.write_text(text + text)
    assert len(open_cohort(folder)) == 2
    info.write_text(f"{text}\nES: 2\n")
    with pytest.raises(CohortError, match="Info.cfg: ES is given twice, as 3 and 2"):
        open_cohort(folder)
