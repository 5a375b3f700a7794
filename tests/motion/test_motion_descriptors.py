import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.cohorts import N_FEATURES, column_index, from_matrix, open_cohort, read_matrix, to_matrix, write_matrix
from cardiolib.motion import kabsch, resample_phases, to_heart_frame


def rotation_of(seed):
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.linalg.det(q)  # a proper rotation in three dimensions


def test_columns_against_three_loops():
    positions = np.random.default_rng(0).normal(size=(2, 20, 202, 3))
    X = to_matrix(positions)
    assert X.shape == (2, N_FEATURES) == (2, 11514)
    expected = np.zeros_like(X)
    for t in range(1, 20):
        for v in range(202):
            for c in range(3):
                expected[:, (t - 1) * 606 + v * 3 + c] = positions[:, t, v, c] - positions[:, 0, v, c]
                assert column_index(t, v, c) == (t - 1) * 606 + v * 3 + c
    assert (X == expected).all()


@given(st.integers(1, 3), st.integers(2, 6), st.integers(1, 5))
@settings(max_examples=15, deadline=None)
def test_matrix_round_trip(n, t, v):
    positions = np.random.default_rng(n * 100 + t * 10 + v).normal(size=(n, t, v, 3))
    back = from_matrix(to_matrix(positions), reference=positions[:, 0], n_phases=t)
    assert np.allclose(back, positions, atol=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_kabsch_recovers_a_rotation(seed):
    rng, turn = np.random.default_rng(seed), rotation_of(seed)
    points, move = rng.normal(size=(12, 3)), rng.normal(size=3)
    found, translation = kabsch(points, points @ turn.T + move)
    assert np.allclose(found, turn, atol=1e-9)
    assert np.allclose(translation, move, atol=1e-9)


def test_kabsch_gives_no_mirror_image():
    points = np.random.default_rng(1).normal(size=(9, 3))
    assert np.linalg.det(kabsch(points, points * [1, 1, -1])[0]) == pytest.approx(1)
    with pytest.raises(ValueError, match="line"):
        kabsch(np.outer(np.arange(5), [1.0, 2, 3]), np.outer(np.arange(5), [1.0, 0, 0]))


def test_scanner_orientation_is_no_feature():
    rng = np.random.default_rng(2)
    template, turn = 30 * rng.normal(size=(202, 3)), rotation_of(5)
    positions = template + rng.normal(size=(20, 202, 3)) * np.arange(20)[:, None, None]
    seen = positions @ turn.T + [100, -40, 7]
    assert np.allclose(to_heart_frame(seen, template), positions, atol=1e-9)
    assert np.abs(to_matrix(seen[None]) - to_matrix(positions[None])).max() > 5


def test_resampling_keeps_end_diastole_and_a_linear_cycle():
    cycle = np.concatenate([np.arange(15), np.arange(15, 0, -1)]).astype(float)  # 30 frames, up and down
    positions = cycle[:, None, None] * np.ones((1, 4, 3))
    out = resample_phases(positions, 20)
    assert out.shape == (20, 4, 3)
    assert (out[0] == positions[0]).all()
    assert np.allclose(out[:, 0, 0], np.interp(np.arange(20) * 1.5, np.arange(31), np.append(cycle, 0)))
    assert np.allclose(resample_phases(positions, 30), positions)


def test_file_round_trip_and_the_cohort_reader(tmp_path):
    X = np.random.default_rng(0).normal(size=(3, 19 * 4 * 3))
    path = write_matrix(
        tmp_path / "motion.npz",
        X,
        ["a", "007", "c"],
        point_rows=np.array([5, 1, 9, 2]),
        about={"seed": 1},
        simulated=False,
    )
    stored = read_matrix(path)
    assert (stored.X == X).all() and stored.ids == ("a", "007", "c")
    assert (stored.phase[[0, -1]] == [1, 19]).all() and (stored.vertex[:4] == [0, 0, 0, 1]).all()
    assert json.loads((tmp_path / "motion.json").read_text())["units"] == "mm"
    ids, again = open_cohort(path).motion_matrix()
    assert tuple(ids) == stored.ids and (again == X).all()
    write_matrix(path, X[:2], ["a", "b"], point_rows=np.array([5, 1, 9, 3]), simulated=False)
    assert read_matrix(path).point_list_sha256 != stored.point_list_sha256
    assert sorted(p.name for p in tmp_path.iterdir()) == ["motion.json", "motion.npz"]


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: to_matrix(np.zeros((20, 202, 3))), "N, T, V, 3"),
        (lambda: to_matrix(np.zeros((2, 1, 202, 3))), "T >= 2"),
        (lambda: to_matrix(np.where(np.arange(2)[:, None, None, None] == 1, np.nan, np.zeros((2, 3, 4, 3)))), r"\[1\]"),
        (lambda: from_matrix(np.zeros((2, 100))), "19 phases"),
        (lambda: from_matrix(np.zeros((2, 57)), reference=np.zeros((2, 3))), "reference"),
        (lambda: kabsch(np.zeros((4, 3)), np.zeros((5, 3))), "V >= 3"),
        (lambda: resample_phases(np.zeros((2, 4, 3))), "3 frames"),
        (lambda: write_matrix("x.csv", np.zeros((1, 57)), ["a"], simulated=False), ".npz"),
        (lambda: write_matrix("x.npz", np.zeros((2, 57)), ["a", "a"], simulated=False), "different IDs"),
    ],
)
def test_errors_say_what_is_wrong(call, words):
    with pytest.raises(ValueError, match=words):
        call()
