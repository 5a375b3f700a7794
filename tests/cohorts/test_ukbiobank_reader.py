"""UK Biobank layout: label schemes told from the anatomy or named, outcomes joined by ID."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.imaging import ACDC, MMS, OURS, Cine, LabelMap, write_cine, write_label_map

AFFINE = np.diag([1.8, 1.8, 10.0, 1.0])


def _heart(scheme, *, radius=4.0):
    """A round LV in its wall with an RV beside it, (24, 24, 3)."""
    x, y = np.meshgrid(np.arange(24) - 14, np.arange(24) - 12, indexing="ij")
    r = np.hypot(x, y)
    labels = np.zeros((24, 24, 3), np.uint8)
    labels[(x < -3) & (x > -12) & (np.abs(y) < 2 * radius - 2)] = scheme.code("rv_cavity")
    labels[r < radius + 3] = scheme.code("lv_wall")
    labels[r < radius] = scheme.code("lv_cavity")
    return LabelMap(labels[..., None], AFFINE, scheme)


def make_subject(folder, *, scheme=OURS, cine=True, phases=("ED", "ES"), labels=True):
    rng = np.random.default_rng(3)
    voxels = rng.uniform(0, 100, size=(24, 24, 3, 4)).astype(np.float32)
    if cine:
        write_cine(Cine(voxels, AFFINE), folder / "sa.nii.gz")
    for phase, frame in (("ED", 0), ("ES", 2)):
        if phase in phases:
            write_cine(Cine(voxels[..., [frame]], AFFINE), folder / f"sa_{phase}.nii.gz")
        if labels:
            write_label_map(_heart(scheme, radius=4.0 if phase == "ED" else 2.5), folder / f"label_sa_{phase}.nii.gz")
    return voxels


@pytest.mark.parametrize("scheme", [OURS, ACDC, MMS], ids=lambda s: s.name)
def test_the_label_scheme_is_told_from_the_anatomy(tmp_path, scheme):
    make_subject(tmp_path / "1000001", scheme=scheme)
    cohort = open_cohort(tmp_path)
    labels, frames = cohort.labels("1000001")
    assert cohort.label_scheme == scheme and labels.scheme == scheme
    assert any("told from the anatomy of 1000001" in note for note in cohort.notes)
    assert frames == (0, 2)


def test_a_named_scheme_wins_by_argument_and_by_file(tmp_path):
    make_subject(tmp_path / "s", scheme=MMS)
    assert open_cohort(tmp_path, scheme="mms").label_scheme == MMS
    (tmp_path / "cohort.json").write_text(json.dumps({"name": "mine", "label_scheme": "MMS", "time_unit": "years"}))
    cohort = open_cohort(tmp_path)
    assert cohort.label_scheme == MMS and cohort.name == "mine" and cohort.time_unit == "years"
    assert not any("anatomy" in note for note in cohort.notes)
    with pytest.raises(CohortError, match="no label scheme 'aha'; the named ones are"):
        open_cohort(tmp_path, scheme="aha")
    codes = {"lv_cavity": 1, "lv_wall": 2, "rv_cavity": 3}
    (tmp_path / "cohort.json").write_text(json.dumps({"label_scheme": codes}))
    assert open_cohort(tmp_path).label_scheme == MMS


def test_labels_that_fit_no_scheme_ask_for_one(tmp_path):
    make_subject(tmp_path / "s")
    blob = np.zeros((24, 24, 3, 1), np.uint8)
    blob[5:10, 5:10] = 1
    write_label_map(LabelMap(blob, AFFINE, OURS), tmp_path / "s" / "label_sa_ED.nii.gz")
    write_label_map(LabelMap(blob, AFFINE, OURS), tmp_path / "s" / "label_sa_ES.nii.gz")
    with pytest.raises(CohortError, match=r"none fits.*Name the scheme"):
        open_cohort(tmp_path)


def test_frames_only_make_a_two_frame_cine(tmp_path):
    voxels = make_subject(tmp_path / "s", cine=False)
    cohort = open_cohort(tmp_path / "s")
    cine = cohort.image("s")
    np.testing.assert_array_equal(cine.voxels, voxels[..., [0, 2]])
    assert any("two frames only" in note for note in cine.notes) and cohort.labels("s")[1] == (0, 1)


def test_a_frame_number_that_no_file_tells_is_none(tmp_path):
    make_subject(tmp_path / "s", phases=())
    assert open_cohort(tmp_path).labels("s")[1] == (None, None)


def test_labels_of_every_frame_number_themselves(tmp_path):
    make_subject(tmp_path / "s", labels=False)
    frames = np.concatenate([_heart(OURS, radius=r).labels for r in (4.0, 3.5, 2.5, 3.0)], axis=-1)
    write_label_map(LabelMap(frames, AFFINE, OURS), tmp_path / "s" / "label_sa.nii.gz")
    cohort = open_cohort(tmp_path)
    assert cohort.labels("s")[1] == (0, 1, 2, 3)
    volumes, curve = cohort.volumes().loc["s"], cohort.labels("s")[0].volume_ml("lv_cavity")
    assert volumes["LVEDV"] == curve[0] and volumes["LVESV"] == curve[2]


def test_images_without_labels_are_a_cohort(tmp_path):
    make_subject(tmp_path / "s", labels=False)
    cohort = open_cohort(tmp_path)
    assert cohort.provides == {"images"} and cohort.label_scheme is None


def test_outcomes_are_joined_by_id_as_text(tmp_path):
    for name in ("001", "002", "003"):
        make_subject(tmp_path / name, labels=False)
    (tmp_path / "outcomes.csv").write_text("ID,status,time\n003,1,30\n001,0,10\n002,1,20\n")
    (tmp_path / "covariates.csv").write_text("ID,age\n002,52\n001,51\n003,53\n004,54\n")
    cohort = open_cohort(tmp_path)
    assert cohort.table["time"].to_dict() == {"001": 10.0, "002": 20.0, "003": 30.0}
    assert cohort.table["age"].tolist() == [51.0, 52.0, 53.0]
    assert any("left out: 004" in note for note in cohort.notes)
    (tmp_path / "outcomes.csv").write_text("ID,status,time\n3,1,30\n001,0,10\n002,1,20\n")
    with pytest.raises(CohortError, match=r"no row for subject\(s\) 003 and row\(s\) of unknown subject\(s\) 3"):
        open_cohort(tmp_path)


def test_frames_of_different_grids_are_refused(tmp_path):
    make_subject(tmp_path / "s", cine=False)
    write_cine(Cine(np.zeros((10, 10, 3, 1), np.float32), AFFINE), tmp_path / "s" / "sa_ES.nii.gz")
    with pytest.raises(CohortError, match="not on the same grid"):
        open_cohort(tmp_path).image("s")


def test_folders_without_images_are_left_out_and_named(tmp_path):
    make_subject(tmp_path / "s", labels=False)
    (tmp_path / "empty").mkdir()
    cohort = open_cohort(tmp_path)
    assert cohort.ids == ("s",) and any("left out: empty" in note for note in cohort.notes)


def test_a_damaged_cohort_json_is_named(tmp_path):
    make_subject(tmp_path / "s", labels=False)
    (tmp_path / "cohort.json").write_text("{")
    with pytest.raises(CohortError, match=r"cohort\.json: is not valid JSON"):
        open_cohort(tmp_path)
