"""4Dsegment output folders: joining by ID, frames that are not 20, and the authors' own sample files."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from cardiolib.cohorts import CohortError, open_cohort
from cardiolib.imaging import OURS, Cine, LabelMap, write_cine, write_label_map
from cardiolib.meshes import write_matched_points, write_points_txt

IDS = ("subject_1", "subject_2", "subject_3")
POINTS = np.array([[0, 4], [1, 0], [2, 2]])


@pytest.fixture
def folder(tmp_path):
    """Three subjects whose outcomes are written in another order; subject k moves by k mm a frame along x."""
    (tmp_path / "subjnames.txt").write_text("\n".join(IDS) + "\n")
    (tmp_path / "surv_outcomes.csv").write_text("ID,status,time\nsubject_1,0,245\nsubject_3,1,101\nsubject_2,0,300\n")
    (tmp_path / "covariates.csv").write_bytes(b"ID,age\r\nsubject_2,68\r\nsubject_1,42\r\nsubject_3,61\r\n")
    write_matched_points(POINTS, tmp_path / "matchedpointsnew.txt")
    base = np.arange(15.0).reshape(5, 3)
    for k, name in enumerate(IDS, start=1):
        for t in range(20):
            write_points_txt(base + [k * t, 0, 0], tmp_path / name / "motion" / f"RV_fr{t:02d}.txt")
        (tmp_path / f"{name}_ED.txt").write_text(f"100 90 {k}00 30\n")
        (tmp_path / f"{name}_ES.txt").write_text(f"40 90 {k}0 30\n")
    return tmp_path


def test_motion_and_outcome_stay_with_their_subject(folder):
    cohort = open_cohort(folder)
    assert cohort.layout == "4Dsegment output" and cohort.time_unit == "days"
    assert cohort.table["time"].to_dict() == {"subject_1": 245.0, "subject_2": 300.0, "subject_3": 101.0}
    assert cohort.table["event"].to_dict() == {"subject_1": False, "subject_2": False, "subject_3": True}
    assert cohort.table["age"].to_dict() == {"subject_1": 42.0, "subject_2": 68.0, "subject_3": 61.0}
    ids, matrix = cohort.motion_matrix()
    assert ids == IDS and matrix.shape == (3, 19 * 3 * 3)
    np.testing.assert_allclose(matrix[:, 0], [1, 2, 3])  # frame 1, first point, x: k mm
    np.testing.assert_allclose(matrix[:, 18 * 9], [19, 38, 57])


def test_the_second_column_of_the_point_list_chooses_the_vertices(folder):
    base = np.arange(15.0).reshape(5, 3)
    np.testing.assert_allclose(open_cohort(folder).positions("subject_1")[0], base[[4, 0, 2]])


def test_the_number_of_features_is_stated(folder):
    (note,) = [note for note in open_cohort(folder).notes if "matchedpointsnew" in note]
    assert "3 vertices, 171 features" in note and "a model trained on those cannot read these" in note


def test_volumes_take_the_last_run_and_keep_the_columns_apart(folder):
    with (folder / "subject_2_ED.txt").open("a") as file:
        file.write("110, 91, 210, 31\n")
    volumes = open_cohort(folder).volumes()
    assert volumes.loc["subject_2", ["LVEDV", "LVM", "RVEDV", "RVM"]].tolist() == [110, 91, 210, 31]
    assert volumes.loc["subject_3", "RVEF"] == pytest.approx(90.0)
    assert volumes.loc["subject_1", "LVEF"] == pytest.approx(60.0)
    (folder / "subject_2_ED.txt").write_text("110 91\n")
    with pytest.raises(CohortError, match=r"subject_2_ED\.txt: holds 2 numbers; expected four"):
        open_cohort(folder).volumes()


def test_vtk_frames_are_read_where_there_is_no_text(folder):
    from cardiolib.meshes import SurfaceMesh, write_vtk

    expected = open_cohort(folder).positions("subject_2")
    triangles = np.array([[0, 1, 2], [2, 3, 4]])
    motion = folder / "subject_2" / "motion"
    for t in range(20):
        points = np.loadtxt(motion / f"RV_fr{t:02d}.txt")
        mesh = SurfaceMesh(points=points, triangles=triangles, region=np.zeros(5, np.int8))
        write_vtk(mesh, motion / f"RV_fr{t:02d}.vtk")
        (motion / f"RV_fr{t:02d}.txt").unlink()
    np.testing.assert_allclose(open_cohort(folder).positions("subject_2"), expected, atol=1e-4)


@pytest.mark.parametrize("frames", [[7], [0, 19]])
def test_missing_frames_are_named_with_their_subject(folder, frames):
    for t in frames:
        (folder / "subject_2" / "motion" / f"RV_fr{t:02d}.txt").unlink()
    with pytest.raises(CohortError) as caught:
        open_cohort(folder)
    listed = ", ".join(f"RV_fr{t:02d}" for t in frames)
    assert f"subject_2: no {listed}" in str(caught.value) and "subject_1" not in str(caught.value)


def test_extra_frames_and_a_missing_motion_folder_are_named(folder):
    shutil.copy(folder / "subject_1/motion/RV_fr00.txt", folder / "subject_1/motion/RV_fr20.txt")
    shutil.rmtree(folder / "subject_3" / "motion")
    with pytest.raises(CohortError) as caught:
        open_cohort(folder)
    assert "subject_1: unexpected RV_fr20" in str(caught.value)
    assert "subject_3: no folder motion/" in str(caught.value)


def test_frames_of_unequal_length_are_named(folder):
    write_points_txt(np.zeros((4, 3)), folder / "subject_2" / "motion" / "RV_fr05.txt")
    cohort = open_cohort(folder)
    cohort.positions("subject_1")
    with pytest.raises(CohortError, match=r"most have 5 lines, but not RV_fr05\.txt \(4\)"):
        cohort.motion_matrix()


def test_a_damaged_frame_is_named(folder):
    (folder / "subject_2" / "motion" / "RV_fr05.txt").write_text("1 2 3\n4 five 6\n" * 3)
    with pytest.raises(CohortError, match=r"RV_fr05\.txt: cannot be read as vertex positions"):
        open_cohort(folder).positions("subject_2")


def test_a_point_list_of_another_mesh_is_refused(folder):
    write_matched_points(np.array([[0, 4], [1, 99]]), folder / "matchedpointsnew.txt")
    with pytest.raises(CohortError, match="asks for vertex 99"):
        open_cohort(folder).positions("subject_1")
    (folder / "matchedpointsnew.txt").unlink()
    with pytest.raises(CohortError, match="no matchedpointsnew.txt"):
        open_cohort(folder)


@pytest.mark.parametrize(
    ("outcomes", "message"),
    [
        ("ID,status,time\nsubject_1,0,1\nsubject_2,0,1\n", r"no row for subject\(s\) subject_3"),
        ("ID,status,time\nsubject_1,0,1\nsubject_2,0,1\nsubject_3,1,1\nsubject_4,0,1\n", r"unknown .* subject_4"),
        ("ID,status,time\n1,0,1\n2,0,1\n3,1,1\n", "no row for .*compared as text"),
        ("ID,status,time\nsubject_1,0,1\nsubject_2,2,1\nsubject_3,1,1\n", r"event .* subject_2 \('2'\)"),
        ("ID,status,time\nsubject_1,0,-1\nsubject_2,0,1\nsubject_3,1,\n", r"subject_1 \('-1'\), subject_3 \(''\)"),
        ("ID,dead,days\nsubject_1,0,1\n", "no column status, time"),
    ],
)
def test_outcomes_that_do_not_fit_are_refused_by_row(folder, outcomes, message):
    (folder / "surv_outcomes.csv").write_text(outcomes)
    with pytest.raises(CohortError, match=message):
        open_cohort(folder)


def test_numeric_ids_are_text_on_both_sides(folder):
    for k, name in enumerate(IDS, start=1):
        (folder / name).rename(folder / str(k))
    (folder / "subjnames.txt").write_text("1\n2\n3\n")
    (folder / "surv_outcomes.csv").write_text("ID,status,time\n3,1,101\n1,0,245\n2,0,300\n")
    (folder / "covariates.csv").unlink()
    cohort = open_cohort(folder)
    assert cohort.table["time"].to_dict() == {"1": 245.0, "2": 300.0, "3": 101.0}
    np.testing.assert_allclose(cohort.motion_matrix()[1][:, 0], [1, 2, 3])


def test_a_name_that_leaves_the_folder_is_refused(folder):
    (folder / "subjnames.txt").write_text("../subject_1\n")
    with pytest.raises(CohortError, match="cannot be the name"):
        open_cohort(folder)


def test_columns_of_the_outcomes_may_be_in_any_order(folder):
    (folder / "surv_outcomes.csv").write_text("time,ID,status\n245,subject_1,0\n101,subject_3,1\n300,subject_2,0\n")
    assert open_cohort(folder).table.loc["subject_3"].tolist()[:2] == [101.0, True]


def test_covariates_must_be_complete_numbers(folder):
    (folder / "covariates.csv").write_text("ID,sex\nsubject_1,F\nsubject_2,M\nsubject_3,\n")
    with pytest.raises(CohortError, match=r"column 'sex' must be a number.*subject_1 \('F'\)"):
        open_cohort(folder)


def test_images_and_labels_where_they_are(folder):
    affine = np.diag([1.25, 1.25, 2.0, 1.0])
    write_cine(Cine(np.ones((6, 6, 3, 20), np.float32), affine), folder / "subject_1" / "lvsa_.nii.gz")
    labels = np.zeros((6, 6, 3, 1), np.uint8)
    labels[2:4, 2:4] = 4
    for phase in ("ED", "ES"):
        path = folder / "subject_1" / f"PHsegmentation_{phase}.nii.gz"
        write_label_map(LabelMap(labels, affine, OURS), path)
    cohort = open_cohort(folder)
    assert cohort.ids_with("images") == cohort.ids_with("labels") == ("subject_1",)
    assert cohort.image("subject_1").n_frames == 20
    read, frames = cohort.labels("subject_1")
    assert frames == (0, None) and read.mask("rv_cavity").sum() == 24


def test_gipl_labels(folder):
    pytest.importorskip("SimpleITK", reason=".gipl needs the extra 'gipl'")
    labels = np.zeros((6, 6, 3, 1), np.uint8)
    labels[2:4, 2:4] = 1
    lps = np.diag([-1.25, -1.25, 2.0, 1.0])  # the directions a .gipl file implies
    write_label_map(LabelMap(labels, lps, OURS), folder / "subject_1" / "PHsegmentation_ED.gipl")
    read, frames = open_cohort(folder).labels("subject_1")
    assert frames == (0,) and read.mask("lv_cavity").sum() == 12


def test_the_authors_sample_files_are_joined_by_id(shared_dir):
    cohort = open_cohort(shared_dir / "data" / "4dsegment")
    assert cohort.ids == IDS
    assert cohort.table["time"].to_dict() == {"subject_1": 245.0, "subject_2": 300.0, "subject_3": 101.0}
    assert cohort.table["event"].tolist() == [False, False, True]
    assert cohort.table["6min_WalkingDist"].tolist() == [414.0, 460.0, 182.0]
    assert any("left out: subject_4, subject_5, subject_6" in note for note in cohort.notes)
    assert cohort.provides == {"outcomes"} and "no motion" in cohort.missing_for(["motion"])


def test_the_authors_sample_point_list_has_200_points(shared_dir, folder):
    shutil.copy(shared_dir / "data/4dsegment/matchedpointsnew.txt", folder / "matchedpointsnew.txt")
    assert any("200 vertices, 11,400 features; the paper has 202" in note for note in open_cohort(folder).notes)
