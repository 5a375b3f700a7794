"""Real hearts: volumes by voxel counting against stored values, and the affine trap."""

import csv

import numpy as np
import pytest

from cardiolib.imaging import ed_es_frames, read_cine, read_label_map
from cardiolib.imaging.labels import check_scheme

PATIENTS = ("patient001", "patient022", "patient061", "patient090", "patient100")


def acdc_labels(shared_dir, patient, frame):
    folder = shared_dir / "data" / "acdc" / "training" / patient
    return read_label_map(folder / f"{patient}_frame{int(frame):02d}_gt.nii.gz", "acdc")


@pytest.fixture(scope="module")
def stored(shared_dir):
    with open(shared_dir / "reference" / "acdc_training_volumes.csv", newline="") as file:
        return {row["patient"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("patient", PATIENTS)
def test_acdc_volumes_against_stored_values(shared_dir, stored, patient):
    row = stored[patient]
    for phase in ("ED", "ES"):
        label_map = acdc_labels(shared_dir, patient, row[phase])
        for column, structure in (("RV", "rv_cavity"), ("MYO", "lv_wall"), ("LV", "lv_cavity")):
            assert label_map.volume_ml(structure)[0] == pytest.approx(float(row[f"{column}_{phase}"]), rel=1e-4)
        assert "zooms believed" in label_map.notes[0]
        np.testing.assert_array_equal(np.sign(np.diag(label_map.affine)), (-1, -1, 1, 1))


def test_the_same_heart_with_a_right_affine_has_equal_volumes(shared_dir, stored):
    folder = shared_dir / "data" / "ukbb_layout_0001"
    row = stored["patient061"]
    fractions = []
    for source in ("ukbb", "acdc"):
        volumes = {}
        for phase in ("ED", "ES"):
            if source == "ukbb":
                label_map = read_label_map(folder / f"label_sa_{phase}.nii.gz", "acdc")
                assert label_map.notes == ()
            else:
                label_map = acdc_labels(shared_dir, "patient061", row[phase])
            volumes[phase] = {name: label_map.volume_ml(name)[0] for name in label_map.scheme.codes}
        fractions.append((volumes, 1 - volumes["ES"]["lv_cavity"] / volumes["ED"]["lv_cavity"]))
    (ukbb, ukbb_ef), (acdc, acdc_ef) = fractions
    for phase in ("ED", "ES"):
        for name, volume in ukbb[phase].items():
            assert volume == pytest.approx(acdc[phase][name], rel=1e-6)
    assert ukbb_ef == pytest.approx(acdc_ef, abs=1e-9)
    assert 100 * acdc_ef == pytest.approx(float(row["LVEF"]), abs=1e-3)


def test_scheme_check_on_real_hearts(shared_dir, stored):
    for patient in PATIENTS:
        label_map = acdc_labels(shared_dir, patient, stored[patient]["ED"])
        assert "plausible" in check_scheme(label_map)
        swapped = read_label_map(
            shared_dir
            / "data"
            / "acdc"
            / "training"
            / patient
            / f"{patient}_frame{int(stored[patient]['ED']):02d}_gt.nii.gz",
            "mms",
        )
        with pytest.raises(ValueError, match="does not fit"):
            check_scheme(swapped)


def test_real_cine_has_no_frame_time_and_says_so(shared_dir):
    cine = read_cine(shared_dir / "data" / "acdc_cine" / "patient001_4d.nii.gz")
    assert cine.voxels.shape == (100, 95, 7, 30)
    assert cine.frame_time_ms is None
    assert any("frame time unknown" in note for note in cine.notes)
    np.testing.assert_allclose(cine.spacing_mm, (1.5625, 1.5625, 10))


def test_end_diastole_is_not_always_first(shared_dir, stored):
    row = stored["patient090"]
    volumes = [acdc_labels(shared_dir, "patient090", row[phase]).volume_ml("lv_cavity")[0] for phase in ("ES", "ED")]
    assert ed_es_frames(volumes) == (1, 0)
    assert row["ED"] == "4"


@pytest.mark.slow
def test_scheme_check_on_all_of_acdc(shared_dir, stored):
    for patient, row in stored.items():
        for phase in ("ED", "ES"):
            assert "plausible" in check_scheme(acdc_labels(shared_dir, patient, row[phase]))
