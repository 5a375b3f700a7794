"""BIDS-like folders: which image is the cine and why, sidecars, participants, derivatives."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from scan_files import N_FRAMES, cine, counted_ml, heart, labels, oblique, put

from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.imaging import MMS

RADII = [4.0, 3.5, 3.0, 2.5, 3.0, 3.5]


def image(path, *, seed=0, zoom=1.0, unit="sec", n_frames=N_FRAMES, sidecar=None):
    """A 4D image whose fourth zoom is what the test says."""
    voxels = cine(seed, n_frames=n_frames).voxels
    nifti = nib.Nifti1Image(voxels if n_frames > 1 else voxels[..., 0], oblique())
    if n_frames > 1:
        nifti.header.set_zooms((*nifti.header.get_zooms()[:3], zoom))
    nifti.header.set_xyzt_units("mm", unit)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nifti, path)
    if sidecar is not None:
        path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(sidecar))
    return path


@pytest.fixture
def folder(tmp_path):
    image(tmp_path / "sub-01/cardiac/sub-01_acq-sax_cine.nii.gz", seed=1, zoom=0.04)
    image(tmp_path / "sub-01/cardiac/sub-01_acq-4ch_cine.nii.gz", seed=9, zoom=0.04)
    image(tmp_path / "sub-01/anat/sub-01_T1w.nii.gz", n_frames=1)
    image(tmp_path / "sub-02/anat/sub-02_cine.nii.gz", seed=2, zoom=0.03)
    put(labels(MMS, RADII), tmp_path / "derivatives/manual/sub-01/cardiac/sub-01_acq-sax_desc-expert_dseg.nii.gz")
    (tmp_path / "participants.tsv").write_text(
        "participant_id\tage\tsex\tnote\nsub-02\tn/a\tF\tof, two\nsub-01\t61\tM\t\n"
    )
    return tmp_path


def test_the_short_axis_cine_is_taken_and_said(folder):
    cohort = open_cohort(folder)
    assert cohort.ids == ("sub-01", "sub-02") and cohort.layout == "BIDS" and not cohort.simulated
    one = cohort.image("sub-01")
    np.testing.assert_array_equal(one.voxels, cine(1).voxels)
    np.testing.assert_allclose(one.affine, oblique(), atol=1e-4)
    assert "sub-01_acq-sax_cine.nii.gz taken: short-axis cine by its name" in one.notes
    assert "sub-02_cine.nii.gz taken: cine by its name" in cohort.image("sub-02").notes
    left_out = "other images of these subjects left out: sub-01_T1w.nii.gz, sub-01_acq-4ch_cine.nii.gz"
    assert left_out in cohort.notes
    assert open_cohort(folder / "sub-02").ids == ("sub-02",)


def test_participants_are_covariates_joined_by_id(folder):
    table = open_cohort(folder).table
    assert table["age"].fillna(-1).to_dict() == {"sub-01": 61.0, "sub-02": -1.0}
    assert table["sex"].to_dict() == {"sub-01": "M", "sub-02": "F"} and table.loc["sub-02", "note"] == "of, two"
    (folder / "participants.tsv").write_text("participant_id\ttime\tevent\nsub-02\t3\t1\nsub-01\t4\t0\nsub-09\t1\t1\n")
    cohort = open_cohort(folder)
    assert cohort.table["event"].to_dict() == {"sub-01": False, "sub-02": True}
    assert any("rows of subjects without a cine left out: sub-09" in note for note in cohort.notes)
    (folder / "participants.tsv").write_text("participant_id\tage\nsub-02\t3\n")
    assert any("participants.tsv has no row for sub-01" in note for note in open_cohort(folder).notes)


def test_derivatives_give_labels_once_their_scheme_is_stated(folder):
    cohort = open_cohort(folder)
    assert "labels" not in cohort.provides
    assert any("labels of sub-01 are not read" in note for note in cohort.notes)
    cohort = open_cohort(folder, scheme="mms")
    found, frames = cohort.labels("sub-01")
    assert frames == tuple(range(N_FRAMES)) and cohort.ids_with("labels") == ("sub-01",)
    np.testing.assert_array_equal(found.frame(3), heart(MMS, 2.5))
    assert cohort.volumes().loc["sub-01", "LVEDV"] == pytest.approx(counted_ml(MMS, 4.0, "lv_cavity"), rel=1e-5)
    assert cohort.volumes().loc["sub-01", "LVESV"] == pytest.approx(counted_ml(MMS, 2.5, "lv_cavity"), rel=1e-5)
    (folder / "cohort.json").write_text('{"label_scheme": "mms", "name": "ours"}')
    assert open_cohort(folder).ids_with("labels") == ("sub-01",) and open_cohort(folder).name == "ours"


def test_several_label_maps_are_named_and_none_is_taken(folder):
    put(labels(MMS, RADII), folder / "derivatives/net/sub-01/sub-01_acq-sax_dseg.nii.gz")
    cohort = open_cohort(folder, scheme="mms")
    assert "labels" not in cohort.provides
    (note,) = [note for note in cohort.notes if "several label maps, none taken" in note]
    assert "derivatives/net/sub-01/sub-01_acq-sax_dseg.nii.gz" in note and "cohort.csv" in note


def test_equally_good_images_are_refused_for_every_subject_and_a_table_chooses(folder):
    for subject in ("01", "02"):
        for run in (1, 2):
            image(folder / f"sub-{subject}/cardiac/sub-{subject}_acq-sax_run-{run}_cine.nii.gz", seed=run, zoom=0.04)
    (folder / "sub-01/cardiac/sub-01_acq-sax_cine.nii.gz").unlink()
    with pytest.raises(CohortError) as caught:
        open_cohort(folder)
    message = str(caught.value)
    assert "several images could be the short-axis cine" in message and "cohort.csv" in message
    for subject in ("01", "02"):
        assert f"sub-{subject}: sub-{subject}_acq-sax_run-1_cine.nii.gz, sub-{subject}_acq-sax_run-2_cine" in message
    (folder / "cohort.csv").write_text("ID,file\nsub-01,sub-01/cardiac/sub-01_acq-sax_run-2_cine.nii.gz\n")
    chosen = open_cohort(folder)
    np.testing.assert_array_equal(chosen.image("sub-01").voxels, cine(2).voxels)
    assert "layout='BIDS'" in chosen.layout_reason


def test_sessions_are_rows_where_a_subject_has_several(folder):
    image(folder / "sub-02/ses-b/cardiac/sub-02_ses-b_cine.nii.gz", seed=5, zoom=0.03)
    (folder / "sub-02/anat/sub-02_cine.nii.gz").unlink()
    assert open_cohort(folder).ids == ("sub-01", "sub-02")
    image(folder / "sub-02/ses-a/cardiac/sub-02_ses-a_cine.nii.gz", seed=6, zoom=0.03)
    cohort = open_cohort(folder)
    assert cohort.ids == ("sub-01", "sub-02_ses-a", "sub-02_ses-b")
    assert cohort.table["sex"].tolist() == ["M", "F", "F"]
    assert any("rows of one subject are not independent" in note for note in cohort.notes)
    np.testing.assert_array_equal(cohort.image("sub-02_ses-b").voxels, cine(5).voxels)


@pytest.mark.parametrize(
    ("zoom", "sidecar", "expected"),
    [
        (1.0, {"RepetitionTime": 0.035}, 35.0),
        (0.03, {"RepetitionTime": 0.035}, 30.0),
        (0.03, {"VolumeTiming": [0, 0.02, 0.04, 0.06, 0.08, 0.1]}, 20.0),
        (0.03, {"VolumeTiming": [0, 0.02, 0.09, 0.1, 0.2, 0.3]}, 30.0),
        (1.0, {"RepetitionTime": 0.003}, None),
        (1.0, {"RepetitionTime": True, "VolumeTiming": "even"}, None),
        (1.0, [], None),
    ],
)
def test_frame_times_of_header_and_sidecar(tmp_path, zoom, sidecar, expected):
    unit = "unknown" if expected != 30.0 and zoom == 1.0 else "sec"
    image(tmp_path / "sub-1/func/sub-1_task-rest_bold.nii.gz", zoom=zoom, unit=unit, sidecar=sidecar)
    read = open_cohort(tmp_path).image("sub-1")
    assert read.frame_time_ms == (None if expected is None else pytest.approx(expected, rel=1e-4))
    assert any("taken: the only 4D image left" in note for note in read.notes)


def test_series_that_are_no_cine_are_left_out_with_their_reason(folder):
    image(folder / "sub-03/func/sub-03_task-rest_bold.nii.gz", zoom=2.0)
    image(folder / "sub-03/anat/sub-03_T1w.nii.gz", n_frames=1)
    image(folder / "sub-03/cardiac/sub-03_acq-lax_cine.nii.gz", zoom=0.04)
    (note,) = [
        note for note in open_cohort(folder).notes if "cannot" not in note and "sub-03" in note and "that can" in note
    ]
    assert "volumes 2 s apart are no cine" in note and "sub-03_T1w.nii.gz has one frame" in note
    assert "another view by its name (lax)" in note
    with pytest.raises(CohortError, match="no subject has an image that can be a cine: sub-03"):
        open_cohort(folder / "sub-03")


def test_a_damaged_sidecar_is_named(folder):
    (folder / "sub-02/anat/sub-02_cine.json").write_text("{")
    with pytest.raises(CohortError, match=r"sub-02_cine\.json: is not valid JSON"):
        open_cohort(folder)


def test_the_mark_of_simulated_hearts_is_found(tmp_path):
    put(cine(simulated=True), tmp_path / "sub-2/cardiac/sub-2_cine.nii.gz")
    assert open_cohort(tmp_path).simulated and open_cohort(tmp_path).image("sub-2").simulated
    put(cine(), tmp_path / "sub-1/cardiac/sub-1_cine.nii.gz")
    mixed = open_cohort(tmp_path)
    assert not mixed.simulated and not mixed.image("sub-1").simulated
    with pytest.raises(CohortError, match="image of subject 'sub-2' says that it is SIMULATED"):
        mixed.image("sub-2")
    (tmp_path / "participants.tsv").write_text("participant_id\tsimulated\nsub-1\t1\nsub-2\t1\n")
    assert open_cohort(tmp_path).image("sub-1").simulated
