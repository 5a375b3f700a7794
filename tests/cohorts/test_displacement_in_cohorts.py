"""Displacement fields of cohorts: made by simulated ones when asked, read beside the cine in folders."""

import shutil

import numpy as np
import pandas as pd
import pytest
from test_acdc_reader import make_patient
from test_ukbiobank_reader import AFFINE, make_subject

from cardiolib.cohorts import (
    Cohort,
    CohortError,
    SimulatedCohortSettings,
    build_simulated_cohort,
    open_cohort,
    write_motion_images,
)
from cardiolib.files import read_json, write_json
from cardiolib.imaging import DisplacementField, read_cine, read_dense, write_displacement

SETTINGS = SimulatedCohortSettings(n_subjects=3, n_imaged=1, n_phases=12, death_fraction=0.5)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return build_simulated_cohort(tmp_path_factory.mktemp("c"), settings=SETTINGS, seed=3)


@pytest.fixture(scope="module")
def field(cohort):
    return cohort.displacement("PH001")


def test_subjects_with_images_have_a_field_and_nothing_is_stored_for_it(cohort, field):
    assert cohort.ids_with("displacement") == ("PH001",) and "displacement" in cohort.provides
    assert field.simulated and field.n_frames == 12
    field.check_beside(cohort.image("PH001"))
    assert sorted(path.name for path in (cohort.folder / "images/PH001").iterdir()) == [
        "label_sa.nii.gz",
        "label_sa_ED.nii.gz",
        "label_sa_ES.nii.gz",
        "sa.nii.gz",
        "truth.npz",
    ]
    with pytest.raises(CohortError, match="subject 'PH002' .* has no displacement; 1 of 3 subjects have"):
        cohort.displacement("PH002")


def test_it_is_what_the_encoded_images_show_of_the_true_displacement(cohort, field):
    truth, labels = cohort.true_displacement("PH001"), cohort.labels("PH001")[0]
    away = np.linalg.norm(field.mm - truth.mm, axis=-1)
    wall = labels.mask("lv_wall")[..., :6]
    assert 0.02 < np.nanmedian(away[..., :6][wall]) < 0.5
    np.testing.assert_array_equal(truth.mask, labels.mask("lv_wall") | labels.mask("rv_wall"))


def test_the_scan_made_again_is_the_scan_that_was_stored(cohort):
    again, stored = cohort.scan("PH001"), cohort.image("PH001")
    step = np.abs(stored.voxels).max() / 4095
    np.testing.assert_allclose(again.cine.voxels, stored.voxels, atol=step)
    np.testing.assert_array_equal(again.labels.labels, cohort.labels("PH001")[0].labels)


def test_a_cohort_that_was_scanned_otherwise_is_refused(cohort, tmp_path):
    other = shutil.copytree(cohort.folder, tmp_path / "other")
    declared = read_json(other / "cohort.json")
    declared["request"]["seed"] = 4
    write_json(other / "cohort.json", declared)
    with pytest.raises(CohortError, match="scanned by another version of the simulator"):
        open_cohort(other).tagged("PH001")


@pytest.fixture(scope="module")
def written(cohort, tmp_path_factory):
    """The same cohort with the files beside its cines."""
    copy = open_cohort(shutil.copytree(cohort.folder, tmp_path_factory.mktemp("w") / "copy"))
    assert "displacement" not in open_cohort(copy.folder / "images").provides
    (folder,) = write_motion_images(copy, copy.folder / "images", ids=["PH001"])
    assert folder == copy.folder / "images" / "PH001"
    return copy


def test_files_of_tags_phases_and_displacement(cohort, field, written):
    folder = written.folder / "images" / "PH001"
    tagged, dense = read_cine(folder / "tagged_sa.nii.gz"), read_dense(folder)
    assert tagged.simulated and dense.simulated and tagged.shape == dense.shape == field.shape
    np.testing.assert_array_equal(dense.phase, cohort.dense("PH001").phase)


def test_beside_the_cines_they_are_found_by_the_folder_s_own_reader(field, written):
    after = open_cohort(written.folder / "images")
    assert after.layout == "UK Biobank layout" and after.simulated
    for reader in (after, written):
        found = reader.displacement("PH001")
        np.testing.assert_array_equal(found.mm, field.mm)
        assert found.simulated


def _field(shape, affine, **more):
    return DisplacementField(np.ones((*shape, 3), np.float32), affine, **more)


def test_a_real_folder_with_a_field_is_read_and_a_wrong_field_is_named(tmp_path):
    make_subject(tmp_path / "1000001")
    make_subject(tmp_path / "1000002")
    path = tmp_path / "1000001" / "displacement_sa.nii.gz"
    write_displacement(_field((24, 24, 3, 4), AFFINE), path)
    cohort = open_cohort(tmp_path)
    assert cohort.ids_with("displacement") == ("1000001",) and not cohort.displacement("1000001").simulated
    write_displacement(_field((24, 24, 3, 5), AFFINE), path)
    with pytest.raises(CohortError, match="displacement field of subject '1000001'.*5 frames, the cine beside it 4"):
        cohort.displacement("1000001")
    write_displacement(_field((24, 24, 3, 4), AFFINE, simulated=True), path)
    make_subject(tmp_path / "1000000")
    with pytest.raises(CohortError, match="displacement field of subject '1000001' says that it is SIMULATED"):
        open_cohort(tmp_path).displacement("1000001")


def test_of_an_acdc_patient_it_counts_from_the_frame_of_end_diastole(tmp_path):
    make_patient(tmp_path / "patient001", ed=4, es=2, cine=True)
    cohort = open_cohort(tmp_path)
    assert "displacement" not in cohort.provides
    cine = cohort.image("patient001")
    write_displacement(_field((12, 10, 4, 5), cine.affine), tmp_path / "patient001" / "displacement_sa.nii.gz")
    assert open_cohort(tmp_path).displacement("patient001").ed_frame == 3


def test_a_cohort_without_says_what_cannot_be_done():
    bare = Cohort("bare", pd.DataFrame(index=["a"]))
    assert "tracking cannot be compared with measured motion" in bare.missing_for(["displacement"])
    with pytest.raises(CohortError, match="no displacement fields"):
        bare.displacement("a")
