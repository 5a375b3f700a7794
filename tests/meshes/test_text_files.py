"""Vertices and matched points as text, and folders of motion."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardiolib.meshes import (
    SurfaceMesh,
    read_matched_points,
    read_motion_folder,
    read_point_scalars_txt,
    read_points_txt,
    read_vtk,
    write_matched_points,
    write_motion_folder,
    write_points_txt,
)

MOTION = np.random.default_rng(0).normal(scale=40, size=(20, 7, 3))
FACES = np.array([[0, 1, 2], [3, 4, 5], [4, 5, 6]])


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.floats(-500, 500)] * 3), min_size=1, max_size=6))
def test_points_round_trip_to_a_millionth_of_a_mm(tmp_path, points):
    write_points_txt(np.array(points), tmp_path / "a.txt")
    np.testing.assert_allclose(read_points_txt(tmp_path / "a.txt"), points, atol=5.1e-7)


def test_columns_are_taken_by_count(tmp_path):
    (tmp_path / "a.txt").write_text("1 2 3 9.5\r\n4\t5  6 8.5\r\n\r\n")
    np.testing.assert_array_equal(read_points_txt(tmp_path / "a.txt"), [[1, 2, 3], [4, 5, 6]])
    points, scalars = read_point_scalars_txt(tmp_path / "a.txt")
    np.testing.assert_array_equal(scalars, [9.5, 8.5])
    write_points_txt(points, tmp_path / "b.txt", scalars=scalars)
    np.testing.assert_array_equal(read_point_scalars_txt(tmp_path / "b.txt")[1], scalars)
    with pytest.raises(ValueError, match="one scalar"):
        write_points_txt(points, tmp_path / "b.txt", scalars=[1.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("1 2\n", r"found \[2\]"),
        ("1 2 3\n1 2 3 4\n", r"found \[3, 4\]"),
        ("x y z\n1 2 3\n", "not a number"),
        ("1 2 3\n1 nan 3\n", "row 2"),
    ],
)
def test_broken_text_is_refused(tmp_path, text, message):
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_points_txt(tmp_path / "a.txt")


def test_matched_points_round_trip_and_layout(tmp_path):
    write_matched_points(np.array([126, 172, 119]), tmp_path / "m.txt")
    assert (tmp_path / "m.txt").read_bytes() == b"0\t126\n1\t172\n2\t119\n"
    matched = read_matched_points(tmp_path / "m.txt")
    np.testing.assert_array_equal(matched, [[0, 126], [1, 172], [2, 119]])
    write_matched_points(matched, tmp_path / "n.txt")
    assert (tmp_path / "n.txt").read_bytes() == (tmp_path / "m.txt").read_bytes()


@pytest.mark.parametrize(
    ("text", "message"), [("0\t1.5\n", "whole"), ("0\t-1\n", "whole"), ("0\t4\n1\t4\n", "twice"), ("1\n", "2 col")]
)
def test_broken_matched_points_are_refused(tmp_path, text, message):
    (tmp_path / "m.txt").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_matched_points(tmp_path / "m.txt")
    with pytest.raises(ValueError, match="whole numbers"):
        write_matched_points(np.array([0.5]), tmp_path / "m.txt")


def test_authors_matched_points(shared_dir):
    matched = read_matched_points(shared_dir / "data" / "4dsegment" / "matchedpointsnew.txt")
    assert matched.shape == (200, 2)
    assert sorted(matched[:, 0]) == list(range(200)) and matched[:, 1].max() == 18021


@pytest.mark.parametrize("kind", ["txt", "vtk"])
def test_motion_round_trip(tmp_path, kind):
    mesh = SurfaceMesh(MOTION[0], FACES)
    write_motion_folder(MOTION, tmp_path / "motion", formats=(kind,), mesh=mesh)
    assert (tmp_path / "motion" / f"RV_fr19.{kind}").is_file()
    np.testing.assert_allclose(read_motion_folder(tmp_path / "motion"), MOTION, atol=5.1e-7)
    if kind == "vtk":
        np.testing.assert_array_equal(read_vtk(tmp_path / "motion" / "RV_fr07.vtk").triangles, FACES)


def test_variant_names_of_the_folder(tmp_path):
    write_motion_folder(MOTION[:3], tmp_path, prefix="LV_endo")
    write_motion_folder(MOTION[:3] + 1, tmp_path, prefix="")
    assert (tmp_path / "fr02.txt").is_file()
    np.testing.assert_allclose(read_motion_folder(tmp_path, prefix="LV_endo", n_frames=3), MOTION[:3], atol=1e-6)
    np.testing.assert_allclose(read_motion_folder(tmp_path, prefix="", n_frames=3), MOTION[:3] + 1, atol=1e-6)


def test_missing_and_unequal_frames_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no motion folder"):
        read_motion_folder(tmp_path / "motion")
    write_motion_folder(MOTION, tmp_path)
    with pytest.raises(ValueError, match="more than the 3.*RV_fr03.txt"):
        read_motion_folder(tmp_path, n_frames=3)
    write_points_txt(MOTION[0, :5], tmp_path / "RV_fr11.txt")
    with pytest.raises(ValueError, match=r"7 vertices, but not RV_fr11.txt \(5\)"):
        read_motion_folder(tmp_path)
    for frame in (4, 11):
        (tmp_path / f"RV_fr{frame:02d}.txt").unlink()
    with pytest.raises(FileNotFoundError, match="lacks 2 of 20 frames: RV_fr04.txt, RV_fr11.txt"):
        read_motion_folder(tmp_path)


def test_writing_checks_what_it_is_given(tmp_path):
    with pytest.raises(ValueError, match="mesh="):
        write_motion_folder(MOTION, tmp_path, formats=("vtk",))
    with pytest.raises(ValueError, match="formats"):
        write_motion_folder(MOTION, tmp_path, formats=("stl",))
    with pytest.raises(ValueError, match=r"\(T, V, 3\)"):
        write_motion_folder(MOTION[0], tmp_path)


@pytest.mark.field_fault("K1")
def test_points_that_were_cut_are_refused(tmp_path):
    path = tmp_path / "RV_fr03.txt"
    write_points_txt(np.random.default_rng(1).normal(size=(6, 3)) * 30, path)
    data = path.read_bytes()
    whole = read_points_txt(path)
    for less in range(1, 20):
        path.write_bytes(data[:-less])
        if less == 1:  # the line end alone, as some editors leave it away
            np.testing.assert_array_equal(read_points_txt(path), whole)
            continue
        with pytest.raises(ValueError, match="RV_fr03.txt.*(again|decimals with a point)"):
            read_points_txt(path)


@pytest.mark.field_fault("K1")
def test_a_frame_that_ends_otherwise_than_the_others_is_refused(tmp_path):
    for frame in range(20):
        (tmp_path / f"RV_fr{frame:02d}.txt").write_text("1.5 2 3\n4 5.25 16.125\n")
    read_motion_folder(tmp_path)
    (tmp_path / "RV_fr07.txt").write_text("1.5 2 3\n4 5.25 1")
    with pytest.raises(ValueError, match="RV_fr07.txt end.s. within a line, the other frames do not"):
        read_motion_folder(tmp_path)
    for frame in range(20):  # an editor or a script that leaves out the last line end
        (tmp_path / f"RV_fr{frame:02d}.txt").write_text("1.5 2 3\n4 5.25 16.125")
    assert read_motion_folder(tmp_path)[7, 1, 2] == 16.125


@pytest.mark.field_fault("K11")
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_points_in_other_encodings(tmp_path, encoding):
    (tmp_path / "p.txt").write_text("1 2 3\n4 5 6\n", encoding=encoding)
    assert read_points_txt(tmp_path / "p.txt").tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    "text", ["1,5 2,5 3,5\n", "1.5,2.5,3.5\n", "1 2 inf\n", "1 2 3\n4 5\n", "1e400 0 0\n", "1 2 0x3\n"]
)
def test_other_numbers_are_refused(tmp_path, text):
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(ValueError, match="p.txt"):
        read_points_txt(tmp_path / "p.txt")
