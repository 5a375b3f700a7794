"""What a cohort answers: what it provides, what is missing, and refusals that help."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import PROVIDABLE, Cohort, CohortError, to_matrix


@pytest.fixture
def small() -> Cohort:
    table = pd.DataFrame({"time": [3.0, 1.0, 2.0], "event": [1, 0, 1], "age": [40, 50, 60]}, index=["a", "b", "c"])
    volumes = pd.DataFrame({"RVEDV": [1.0, 2.0, 3.0]}, index=["c", "b", "a"])
    return Cohort("small", table, volumes=volumes, motion=np.arange(9.0).reshape(3, 3))


def test_volumes_and_motion_are_joined_by_id(small):
    assert small.volumes()["RVEDV"].to_dict() == {"a": 3.0, "b": 2.0, "c": 1.0}
    ids, matrix = small.motion_matrix()
    assert ids == ("a", "b", "c") and matrix.tolist() == np.arange(9.0).reshape(3, 3).tolist()


def test_provides_and_missing_for(small):
    assert small.provides == {"outcomes", "volumes", "motion"}
    assert small.missing_for(["outcomes", "motion"]) == ""
    reason = small.missing_for(["images", "truth", "outcomes"])
    assert "no cine images" in reason and "no known truth" in reason and "follow-up" not in reason
    without = Cohort("bare", pd.DataFrame(index=["a"]))
    assert without.missing_for(["outcomes"]) == (
        "this cohort has no follow-up (time, event): survival stages have nothing to do"
    )
    with pytest.raises(ValueError, match="asked for 'image'"):
        small.missing_for(["image"])


def test_a_subset_keeps_rows_with_their_subjects(small):
    part = small.subset(["c", "a"])
    assert part.ids == ("c", "a") and len(part) == 2
    assert part.motion_matrix()[1][:, 0].tolist() == [6.0, 0.0]
    assert part.volumes()["RVEDV"].tolist() == [1.0, 3.0]
    assert small.ids == ("a", "b", "c")
    with pytest.raises(CohortError, match="zz"):
        small.subset(["a", "zz"])


@pytest.mark.parametrize(
    "ask", ["image", "labels", "landmarks", "true_positions", "true_landmarks", "true_world_positions", "heart"]
)
def test_asking_for_what_is_absent_says_so(small, ask):
    with pytest.raises(CohortError, match="this cohort has no"):
        getattr(small, ask)("a")


def test_unknown_subjects_are_named(small):
    with pytest.raises(CohortError, match="no subject 'z'; its IDs are a, b, c"):
        small.image("z")


def test_displacements_alone_cannot_be_drawn(small):
    with pytest.raises(CohortError, match="displacements from frame 0 only"):
        small.positions("a")


def test_the_summary_tells_simulated_from_real(small):
    assert "SIMULATED" not in repr(small) and "2 deaths" in repr(small)
    assert "SIMULATED" in repr(Cohort("s", pd.DataFrame(index=["a"]), simulated=True))


def test_a_cohort_can_be_sent_to_a_worker(small):
    assert pickle.loads(pickle.dumps(small)).ids == small.ids


def test_wrong_motion_or_volumes_are_refused(small):
    table = small.table
    with pytest.raises(CohortError, match="a row for each of the 3 subjects"):
        Cohort("x", table, motion=np.zeros((2, 3)))
    with pytest.raises(CohortError, match="motion of subject.s. b "):
        Cohort("x", table, motion=np.array([[0.0], [np.nan], [0.0]]))
    with pytest.raises(CohortError, match="no row for subject.s. c"):
        Cohort("x", table, volumes=pd.DataFrame({"RVEDV": [1, 2]}, index=["a", "b"]))
    with pytest.raises(CohortError, match="must be numbers"):
        Cohort("x", table, volumes=pd.DataFrame({"RVEDV": ["a", "b", "c"]}, index=["a", "b", "c"]))


def test_displacement_columns_follow_the_papers_layout():
    positions = np.random.default_rng(0).normal(size=(20, 202, 3))
    [row] = to_matrix(positions[None])
    assert row.shape == (11_514,)
    for t, v, c in [(1, 0, 0), (1, 0, 2), (7, 101, 1), (19, 201, 2)]:
        assert row[(t - 1) * 606 + v * 3 + c] == positions[t, v, c] - positions[0, v, c]


def test_every_kind_of_data_has_a_reason_when_it_is_missing():
    reason = Cohort("bare", pd.DataFrame(index=["a"])).missing_for(PROVIDABLE)
    assert reason.count("this cohort has no") == len(PROVIDABLE)
