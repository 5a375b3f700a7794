"""The project's own motion file: round trip, meaning of columns, damaged files."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort, CohortError, column_meaning, open_cohort, point_list_sha256, write_motion_file


@pytest.fixture
def cohort() -> Cohort:
    table = pd.DataFrame({"time": [3.0, 0.5], "event": [True, False], "age": [40, 50]}, index=["007", "b"])
    motion = np.random.default_rng(0).normal(size=(2, 19 * 2 * 3))
    return Cohort("mine", table, motion=motion, time_unit="years", simulated=True)


def test_round_trip_keeps_ids_follow_up_and_that_it_is_simulated(cohort, tmp_path):
    path = write_motion_file(cohort, tmp_path / "motion.npz", point_rows=np.array([5, 9]), about={"seed": 3})
    back = open_cohort(path)
    assert back.ids == ("007", "b") and back.simulated and back.time_unit == "years" and back.name == "mine"
    np.testing.assert_array_equal(back.motion_matrix()[1], cohort.motion_matrix()[1])
    assert back.table["event"].tolist() == [True, False] and back.table["time"].tolist() == [3.0, 0.5]
    assert any(point_list_sha256(np.array([5, 9]))[:12] in note for note in back.notes)
    assert json.loads((tmp_path / "motion.json").read_text())["about"] == {"seed": 3}


def test_columns_are_described_by_frame_point_and_coordinate():
    frame, vertex, coordinate = column_meaning(11_514)
    column = (7 - 1) * 606 + 101 * 3 + 1
    assert (frame[column], vertex[column], coordinate[column]) == (7, 101, 1)
    assert frame[-1] == 19 and vertex[-1] == 201 and coordinate[-1] == 2
    with pytest.raises(ValueError, match="100 columns are not 19 phases"):
        column_meaning(100)


def test_the_same_cohort_gives_the_same_bytes(cohort, tmp_path):
    first, second = (write_motion_file(cohort, tmp_path / f"{name}.npz") for name in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_nothing_is_overwritten_and_the_point_list_must_fit(cohort, tmp_path):
    path = write_motion_file(cohort, tmp_path / "motion.npz")
    with pytest.raises(FileExistsError):
        write_motion_file(cohort, path)
    with pytest.raises(ValueError, match=r"ends in \.npz"):
        write_motion_file(cohort, tmp_path / "motion.csv")
    with pytest.raises(ValueError, match="names 3 vertices, but the motion has 2"):
        write_motion_file(cohort, tmp_path / "other.npz", point_rows=np.arange(3))


def test_damaged_foreign_and_pickled_files_are_refused(tmp_path):
    path = tmp_path / "motion.npz"
    path.write_bytes(b"PK\x03\x04 not a zip")
    with pytest.raises(CohortError, match="not a readable motion file"):
        open_cohort(path)
    np.savez(path, X=np.zeros((2, 57)))
    with pytest.raises(CohortError, match=r"lacks the array\(s\) ids, vertex"):
        open_cohort(path)
    np.savez(path, X=np.array([{"a": 1}], dtype=object))
    with pytest.raises(CohortError, match="not a readable motion file"):
        open_cohort(path)


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize(
    ("side", "message"),
    [
        ("{", "motion.json: is not valid JSON"),
        ("[1]", "motion.json.*JSON object"),
        ('{"notes": 3}', "notes must be"),
    ],
)
def test_a_broken_side_file_is_refused_by_name(cohort, tmp_path, side, message):
    path = write_motion_file(cohort, tmp_path / "motion.npz")
    path.with_suffix(".json").write_text(side)
    with pytest.raises(CohortError, match=message):
        open_cohort(path)


@pytest.mark.field_fault("K10")
def test_a_side_file_of_something_else_takes_nothing_away(cohort, tmp_path):
    path = write_motion_file(cohort, tmp_path / "motion.npz")
    for content in ("{}", '{"created": "today", "about": "words"}'):
        path.with_suffix(".json").write_text(content)
        again = open_cohort(path)
        assert again.ids == cohort.ids and again.name == "motion" and again.simulated == cohort.simulated


@pytest.mark.parametrize(("name", "wrong"), [("ids", ["a"]), ("vertex", [0]), ("time", [1.0]), ("X", [1.0, 2.0])])
def test_arrays_that_do_not_fit_are_refused(cohort, tmp_path, name, wrong):
    path = write_motion_file(cohort, tmp_path / "motion.npz")
    with np.load(path) as stored:
        content = {**{key: stored[key] for key in stored.files}, name: np.array(wrong)}
    np.savez(path, **content)
    with pytest.raises(CohortError, match=f"motion.npz.*{name}"):
        open_cohort(path)
