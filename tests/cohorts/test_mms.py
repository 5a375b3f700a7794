"""M&Ms folders as distributed, in miniature: splits, labelled frames, the table, and what does not agree."""

from __future__ import annotations

import numpy as np
import pytest
from scan_files import N_FRAMES, cine, counted_ml, heart, labels, oblique, put

from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.imaging import MMS

TABLE = "211230_M&Ms_Dataset_information_diagnosis_opendataset.csv"
HEADER = ",External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight\n"


def patient(folder, *, seed=0, ed=4, es=1, labelled=True, simulated=False):
    """One patient: labels of radius 4 at ED and 2.5 at ES, in one map of all frames."""
    image = cine(seed, simulated=simulated)
    put(image, folder / f"{folder.name}_sa.nii.gz")
    if labelled:
        radii = [{ed: 4.0, es: 2.5}.get(t, 0) for t in range(N_FRAMES)]
        put(labels(MMS, radii, simulated=simulated), folder / f"{folder.name}_sa_gt.nii.gz")
    return image


@pytest.fixture
def data_set(tmp_path):
    images = {
        "A0S9V9": patient(tmp_path / "Training/Labeled/A0S9V9", seed=1),
        "C4K8M1": patient(tmp_path / "Testing/C4K8M1", seed=2, ed=0, es=3),
        "B2F4T5": patient(tmp_path / "Training/Unlabeled/B2F4T5", seed=3, labelled=False),
    }
    rows = [
        "0,A0S9V9,Siemens,A,1,4,1,52,HCM,F,170,63",
        "1,C4K8M1,Canon,D,5,0,3,,DCM,M,181.5,90",
        "2,B2F4T5,GE,C,4,2,5,33,NOR,F,,",
    ]
    (tmp_path / TABLE).write_text(HEADER + "\n".join(rows) + "\n")
    return tmp_path, images


def test_the_data_set_a_split_and_a_patient_open(data_set):
    root, _ = data_set
    for path, ids in (
        (root, ("A0S9V9", "B2F4T5", "C4K8M1")),
        (root / "Training", ("A0S9V9", "B2F4T5")),
        (root / "Training/Labeled", ("A0S9V9",)),
        (root / "Testing/C4K8M1", ("C4K8M1",)),
    ):
        cohort = open_cohort(path)
        assert cohort.ids == ids and cohort.layout == "M&Ms" and not cohort.simulated
        assert cohort.table["vendor"].notna().all()
    assert "layout: M&Ms (found: <code>/<code>_sa.nii.gz" in repr(cohort)


def test_images_labels_and_frames_are_those_of_the_files(data_set):
    root, images = data_set
    cohort = open_cohort(root)
    for name, image in images.items():
        read = cohort.image(name)
        np.testing.assert_array_equal(read.voxels, image.voxels)
        np.testing.assert_allclose(read.affine, oblique(), atol=1e-4)
    found, frames = cohort.labels("A0S9V9")
    assert frames == (4, 1) and found.scheme == MMS and not any("table" in note for note in found.notes)
    np.testing.assert_array_equal(found.frame(0), heart(MMS, 4.0))
    np.testing.assert_array_equal(found.frame(1), heart(MMS, 2.5))


def test_volumes_are_counted_at_ed_and_es(data_set):
    volumes = open_cohort(data_set[0]).volumes()
    assert list(volumes.index) == ["A0S9V9", "C4K8M1"]
    for column, radius, structure in (
        ("LVEDV", 4.0, "lv_cavity"),
        ("LVESV", 2.5, "lv_cavity"),
        ("RVEDV", 4.0, "rv_cavity"),
        ("RVESV", 2.5, "rv_cavity"),
    ):
        np.testing.assert_allclose(volumes[column], counted_ml(MMS, radius, structure), rtol=1e-5)


def test_covariates_are_kept_as_numbers_and_text_with_the_split(data_set):
    table = open_cohort(data_set[0]).table
    row = table.loc["C4K8M1"]
    assert row["vendor_name"] == "Canon" and row["vendor"] == "D" and row["pathology"] == "DCM" and row["sex"] == "M"
    assert row["height"] == 181.5 and np.isnan(row["age"]) and row["split"] == "Testing"
    assert table["centre"].tolist() == [1.0, 4.0, 5.0]
    assert table.loc["B2F4T5", "split"] == "Training/Unlabeled"
    assert not {"ed", "es", "", "unnamed:_0"} & set(table.columns)


def test_patients_without_labels_give_images_only(data_set):
    cohort = open_cohort(data_set[0])
    assert cohort.ids_with("images") == cohort.ids and cohort.ids_with("labels") == ("A0S9V9", "C4K8M1")
    assert any("1 of 3 patients have no labels, images only: B2F4T5" in note for note in cohort.notes)
    with pytest.raises(CohortError, match="'B2F4T5' .* has no labels"):
        cohort.labels("B2F4T5")


def test_labelled_frames_win_over_the_table_and_say_so(data_set):
    root, _ = data_set
    patient(root / "Testing/C4K8M1", ed=0, es=5)
    cohort = open_cohort(root)
    found, frames = cohort.labels("C4K8M1")
    assert frames == (0, 5)
    assert any("labelled frames are 0, 5 (from 0), the table says ED 0 and ES 3" in note for note in found.notes)
    assert cohort.volumes().loc["C4K8M1", "LVEDV"] == pytest.approx(counted_ml(MMS, 4.0, "lv_cavity"), rel=1e-5)


def test_a_patient_the_table_lacks_is_named_and_read_by_its_labels(data_set):
    root, _ = data_set
    patient(root / "Testing/Z9Z9Z9", ed=5, es=2)
    cohort = open_cohort(root)
    assert any("has no row for Z9Z9Z9" in note for note in cohort.notes)
    assert cohort.labels("Z9Z9Z9")[1] == (2, 5)
    assert cohort.volumes().loc["Z9Z9Z9", "LVEF"] > 0
    assert np.isnan(cohort.table.loc["Z9Z9Z9", "age"]) and cohort.table.loc["Z9Z9Z9", "vendor"] == ""


def test_folders_without_files_and_rows_without_folders_are_named(data_set):
    root, _ = data_set
    (root / "Testing/E1E1E1").mkdir()
    with (root / TABLE).open("a") as table:
        table.write("3,Q1Q1Q1,GE,C,4,0,1,,,,,\n")
    notes = open_cohort(root).notes
    assert any("without a <code>_sa.nii.gz left out: E1E1E1" in note for note in notes)
    assert any("rows of patients without a scan here left out: Q1Q1Q1" in note for note in notes)
    assert not any("Q1Q1Q1" in note for note in open_cohort(root / "Testing").notes)


def test_without_a_table_the_labels_tell_ed_and_es(data_set):
    root, _ = data_set
    (root / TABLE).unlink()
    cohort = open_cohort(root)
    assert any("no table with the columns External code, ED, ES" in note for note in cohort.notes)
    assert cohort.volumes()["LVEF"].gt(0).all() and list(cohort.table.columns) == ["split"]


def test_frames_that_are_no_numbers_or_beyond_the_cine(data_set):
    root, _ = data_set
    text = (root / TABLE).read_text()
    (root / TABLE).write_text(text.replace(",4,1,52", ",four,1,52"))
    with pytest.raises(CohortError, match="ED and ES must be whole numbers, counted from 0; .* A0S9V9 .ED 'four'"):
        open_cohort(root)
    (root / TABLE).write_text(text.replace(",4,1,52", ",4,25,52"))
    cohort = open_cohort(root)
    assert any("beyond the cine and is not used: A0S9V9 (ED 4, ES 25 of 6 frames)" in note for note in cohort.notes)
    assert cohort.labels("A0S9V9")[1] == (1, 4)


def test_two_tables_that_fit_and_a_patient_twice_are_refused(data_set):
    root, _ = data_set
    (root / "older.csv").write_text(HEADER)
    with pytest.raises(CohortError, match="211230.*older.csv all have the columns External code, ED, ES"):
        open_cohort(root)
    (root / "older.csv").unlink()
    patient(root / "Validation/A0S9V9")
    with pytest.raises(CohortError, match="patient A0S9V9 is there twice"):
        open_cohort(root)


def test_labels_of_another_grid_or_place_or_of_nothing_are_refused(data_set):
    root, _ = data_set
    file = root / "Testing/C4K8M1/C4K8M1_sa_gt.nii.gz"
    radii = [4.0, 0, 0, 2.5, 0, 0]
    moved = oblique()
    moved[0, 3] += 5
    put(labels(MMS, radii, affine=moved), file)
    with pytest.raises(CohortError, match="'C4K8M1': the label map lies elsewhere than the image .*up to 5 mm"):
        open_cohort(root).labels("C4K8M1")
    moved[0, 3] -= 4.8
    put(labels(MMS, radii, affine=moved), file)
    near = open_cohort(root).labels("C4K8M1")[0]
    np.testing.assert_allclose(near.affine, oblique(), atol=1e-4)
    assert any("affine of the image taken" in note for note in near.notes)
    put(labels(MMS, radii[:4]), file)
    with pytest.raises(CohortError, match="has 4 frames, and its cine 6"):
        open_cohort(root).labels("C4K8M1")
    put(labels(MMS, [0] * 6), file)
    with pytest.raises(CohortError, match="holds no label in any frame"):
        open_cohort(root).labels("C4K8M1")


def test_a_scheme_is_refused_and_damaged_files_are_named(data_set):
    root, _ = data_set
    with pytest.raises(ValueError, match="'M&Ms', which has its own label scheme: leave out scheme"):
        open_cohort(root, scheme="acdc")
    file = root / "Testing/C4K8M1/C4K8M1_sa.nii.gz"
    file.write_bytes(file.read_bytes()[:400])
    cohort = open_cohort(root)
    with pytest.raises(CohortError, match="the image of subject 'C4K8M1' .* cannot be read"):
        cohort.image("C4K8M1")


def test_the_mark_of_simulated_hearts_is_found(tmp_path):
    patient(tmp_path / "S1", simulated=True)
    marked = open_cohort(tmp_path)
    assert marked.simulated and marked.image("S1").simulated and marked.labels("S1")[0].simulated
    patient(tmp_path / "R1")
    mixed = open_cohort(tmp_path)
    assert not mixed.simulated and not mixed.image("R1").simulated
    with pytest.raises(CohortError, match="image of subject 'S1' says that it is SIMULATED"):
        mixed.image("S1")
    with pytest.raises(CohortError, match="'S1' says that it is SIMULATED"):
        mixed.volumes()
