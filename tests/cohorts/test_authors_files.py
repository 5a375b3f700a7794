"""The authors' released files, against the known answers, and refusals of files of another layout."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from cardiolib.cohorts import CohortError, open_cohort, read_bootout, read_inputdata, read_model_cstats


@pytest.fixture(scope="module")
def answers(shared_dir):
    content = json.loads((shared_dir / "reference" / "authors_released_results.json").read_text())
    return {answer["id"]: answer["values"] for answer in content["answers"]}


@pytest.fixture
def released(shared_dir):
    return shared_dir / "data" / "4dsurvival"


def _dump(path, content):
    path.write_bytes(pickle.dumps(content, protocol=3))
    return path


def _inputs(n=4, d=19 * 2 * 3):
    rng = np.random.default_rng(1)
    return rng.normal(size=(n, d)), np.column_stack([np.arange(n) % 2, np.arange(n) + 0.5])


@pytest.mark.parametrize("model", ["DL", "conv"])
def test_bootout_against_released_facts(released, answers, model):
    facts = answers["file_facts"]["bootout"]
    boot = read_bootout(released / f"bootout_{model}.pkl")
    assert boot.predictions.shape == boot.in_bag.shape == (100, facts["n"])
    assert int(boot.event.sum()) == facts["events"] and len(np.unique(boot.time)) == facts["distinct_times"]
    assert boot.time.max() == pytest.approx(facts["time_max"], rel=1e-12)
    assert boot.predictions.min() == pytest.approx(facts[model]["prediction_min"], rel=1e-12)
    assert boot.predictions.max() == pytest.approx(facts[model]["prediction_max"], rel=1e-12)
    assert len(np.unique(boot.in_bag[0])) == facts[model]["distinct_rows_in_bootstrap_0"]
    out = np.array([np.setdiff1d(np.arange(302), bag, assume_unique=False).size for bag in boot.in_bag])
    assert (out > 0).all()
    assert boot.scale == {"DL": "log risk", "conv": "partial hazard"}[model]
    assert np.isfinite(boot.log_risk).all()


def test_bootouts_share_patients_but_not_resamples(released, answers):
    deep, conventional = (read_bootout(released / f"bootout_{m}.pkl") for m in ("DL", "conv"))
    np.testing.assert_array_equal(deep.time, conventional.time)
    equal = (deep.in_bag == conventional.in_bag).mean()
    assert equal == pytest.approx(answers["file_facts"]["bootout"]["inbag_equal_fraction_DL_vs_conv"], rel=1e-9)


@pytest.mark.parametrize("model", ["DL", "conv"])
def test_model_cstats_against_released_results(released, answers, model):
    stats, known = read_model_cstats(released / f"modelCstats_{model}.pkl"), answers[f"modelcomp_{model}"]
    assert stats.c_apparent == pytest.approx(known["C_app"], rel=1e-12)
    assert stats.optimism.shape == (100,)
    assert stats.optimism.mean() == pytest.approx(known["optimism_mean"], rel=1e-12)
    assert int((stats.optimism < 0).sum()) == known["optimism_negative_count"]


def test_the_released_conventional_inputs_open_as_a_cohort(released, answers):
    facts = answers["file_facts"]["inputdata_conv"]
    for path in (released, released / "inputdata_conv.pkl"):
        cohort = open_cohort(path)
        assert len(cohort) == facts["n"] and int(cohort.table["event"].sum()) == facts["events"]
        assert cohort.provides == {"outcomes", "volumes"} and not cohort.simulated
        volumes = cohort.volumes()
        np.testing.assert_allclose(volumes.mean(), facts["column_means"], rtol=1e-12)
        assert list(volumes.columns) == ["RVEDV", "RVESV", "RVEF"]
        assert any("no IDs" in note for note in cohort.notes)


def test_paper_sized_inputs_make_a_motion_cohort(tmp_path):
    features, y = _inputs(d=11_514)
    path = _dump(tmp_path / "inputdata_DL.pkl", [features, y, ["p9", "p2", "p1", "p4"]])
    cohort = open_cohort(path)
    ids, matrix = cohort.motion_matrix()
    assert ids == ("p9", "p2", "p1", "p4")
    np.testing.assert_array_equal(matrix, features)
    assert cohort.table["event"].tolist() == [False, True, False, True]
    assert any("202 vertices" in note and "cannot" not in note for note in cohort.notes)


def test_inputs_without_outcome_are_a_cohort_without_follow_up(tmp_path):
    features, _ = _inputs()
    path = _dump(tmp_path / "inputdata_DL_nooutcome.pkl", [features, ["a", "b", "c", "d"]])
    assert read_inputdata(path).time is None
    cohort = open_cohort(path)
    assert cohort.provides == {"motion"} and cohort.ids == ("a", "b", "c", "d")
    assert "no follow-up" in cohort.missing_for(["outcomes"])


def test_other_point_counts_are_accepted_and_stated(tmp_path):
    features, y = _inputs(d=11_400)
    path = _dump(tmp_path / "inputdata_DL.pkl", [features, y])
    assert read_inputdata(path).n_vertices == 200
    (note,) = [note for note in open_cohort(tmp_path).notes if "11,400" in note]
    assert "200 vertices" in note and "11,514 (202 vertices): a model trained on those cannot read these" in note


def test_both_input_files_of_the_same_patients_are_put_together(tmp_path):
    features, y = _inputs()
    _dump(tmp_path / "inputdata_DL.pkl", [features, y])
    _dump(tmp_path / "inputdata_conv.pkl", [features[:, :3], y])
    assert open_cohort(tmp_path).provides == {"outcomes", "motion", "volumes"}
    _dump(tmp_path / "inputdata_conv.pkl", [features[:, :3], y[::-1]])
    with pytest.raises(CohortError, match="different patients"):
        open_cohort(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: [x], r"expected \[X, y\]"),
        (lambda x, y: [x[:, :50], y], "50 columns.*not a multiple of 57"),
        (lambda x, y: [x[:3], y], "X has 3 rows and y has 4"),
        (lambda x, y: [x, y[:, :1]], "two columns status and time"),
        (lambda x, y: [x, y * [2, 1]], "status must be 0 or 1.*row 2: status 2.0"),
        (lambda x, y: [x, y * [1, -1]], "time zero or more"),
        (lambda x, y: [x, y, ["a", "b", "c"]], "3 IDs for 4 rows"),
        (lambda x, y: [x, y, ["a", "b", "c", "a"]], "more than once"),
        (lambda x, y: "a", "found a str"),
    ],
)
def test_inputs_of_another_layout_are_refused_in_words(tmp_path, change, message):
    path = _dump(tmp_path / "inputdata_DL.pkl", change(*_inputs()))
    with pytest.raises(CohortError, match=message):
        read_inputdata(path)


def test_result_files_of_another_layout_are_refused(tmp_path):
    features, y = _inputs()
    path = _dump(tmp_path / "bootout_DL.pkl", [y, [features[:, :1]], [np.array([0, 1, 2, 9])]])
    with pytest.raises(CohortError, match="row numbers from 0 to 3"):
        read_bootout(path)
    with pytest.raises(CohortError, match="arrays of 4 numbers"):
        read_bootout(_dump(path, [y, [features[:2, :1]], [np.arange(4)]]))
    with pytest.raises(CohortError, match="2 predictions but 1 arrays"):
        read_bootout(_dump(path, [y, [features[:, :1]] * 2, [np.arange(4)]]))
    with pytest.raises(CohortError, match="expected .C_app"):
        read_model_cstats(path)


def test_a_folder_of_results_only_is_told_how_to_be_read(tmp_path):
    _dump(tmp_path / "bootout_DL.pkl", [1])
    with pytest.raises(CohortError, match=r"it holds bootout_DL\.pkl: read those with read_bootout"):
        open_cohort(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_displacements_that_are_not_finite_are_refused_with_file_and_subject(tmp_path, value):
    motion, outcomes = _inputs()
    motion[2, 5] = value
    path = _dump(tmp_path / "inputdata_DL.pkl", [motion, outcomes, ["a", "b", "c", "d"]])
    for given in (path, tmp_path):
        with pytest.raises(CohortError, match=r"inputdata_DL\.pkl: X of subject\(s\) c holds values"):
            open_cohort(given)


def test_results_that_are_not_finite_are_refused(tmp_path):
    outcomes = _inputs(n=3)[1]
    predictions, in_bag = [np.zeros((3, 1)), np.array([[0.0], [np.nan], [1.0]])], [np.arange(3), np.arange(3)]
    with pytest.raises(CohortError, match=r"boot.pkl: predictions hold values that are not finite, first in array 2"):
        read_bootout(_dump(tmp_path / "boot.pkl", [outcomes, predictions, in_bag]))
    with pytest.raises(CohortError, match=r"stats.pkl: C_app or a value of optimism is not finite"):
        read_model_cstats(_dump(tmp_path / "stats.pkl", [0.7, [0.1, np.inf]]))
