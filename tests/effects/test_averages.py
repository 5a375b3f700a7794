"""Average effects: naive is biased, adjusted is not; scores are right if one of two models is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_study import TRAITS, study_of_world

from cardiolib.cohorts import HABITS, HabitWorld, simulate_habits
from cardiolib.effects import (
    HabitStudy,
    InteractionLearner,
    average_effects,
    balance,
    inverse_weights,
    kaplan_meier_difference,
    orthogonal_scores,
    overlap,
    restricted_mean,
)
from cardiolib.effects.orthogonal import followed_years


@pytest.fixture(scope="module")
def study():
    return study_of_world(6000, 11)


@pytest.fixture(scope="module")
def scores(study):
    return orthogonal_scores(study, n_folds=3)


def test_adjusted_averages_hold_the_truth_and_naive_ones_do_not(study, scores):
    table = average_effects(study, scores=scores).table
    assert set(table.index.unique("method")) == {"naive", "weighted", "standardised", "doubly robust"}
    off = ((table["gain"] - table["truth"]) / table["error"]).unstack("method")
    assert abs(off.loc["exercise", "naive"]) > 6 and abs(off.loc["low_salt", "naive"]) > 2.5
    assert (off[["doubly robust"]].abs() < 3.3).all(axis=None)
    assert (off[["weighted"]].abs() < 4).all(axis=None)
    assert table.loc[("exercise", "naive"), "gain"] > table.loc[("exercise", "naive"), "truth"]  # the fit exercise
    assert table.loc[("low_salt", "naive"), "gain"] < table.loc[("low_salt", "naive"), "truth"]  # the sick eat less


def test_in_the_randomised_twin_naive_is_right():
    twin = study_of_world(6000, 11, HabitWorld(randomised=True))
    for habit in HABITS:
        gain, error = kaplan_meier_difference(twin, habit)
        assert abs(gain - twin.truth()[habit].mean()) < 3.5 * error
        assert balance(twin, habit)["before"].abs().max() < 0.1


@pytest.mark.parametrize("wrong", ["survival", "habit"])
def test_either_of_two_models_may_be_wrong(study, scores, wrong):
    """The score written out, with a model of survival that knows nothing, or one of the habit that knows nothing."""
    fitted = InteractionLearner().fit(study)
    years, has = fitted.model.years(study.horizon), study.habits["exercise"].to_numpy()
    mean = [years(fitted.log_risks(study, "exercise", a)) for a in (0, 1)]
    e = scores.propensity["exercise"].to_numpy()
    if wrong == "survival":
        mean = [np.full(len(study), 2.0), np.full(len(study), 2.5)]
    else:
        e = np.full(len(study), has.mean())
    residual = scores.years - np.where(has == 1, mean[1], mean[0])
    values = mean[1] - mean[0] + np.where(has == 1, 1 / e, -1 / (1 - e)) * residual
    truth = study.truth()["exercise"].mean()
    assert values.mean() == pytest.approx(truth, abs=4 * values.std() / np.sqrt(len(study)))
    neither = 0.5 + np.where(has == 1, 1 / has.mean(), -1 / (1 - has.mean())) * (
        scores.years - np.where(has == 1, 2.5, 2.0)
    )
    assert abs(neither.mean() - truth) > 4 * neither.std() / np.sqrt(len(study))  # both wrong: biased


def test_made_up_time_has_the_mean_of_time_without_censoring(study, scores):
    """Naive twin: the simulated patients' own times of death, which censoring hid."""
    own = np.minimum(study.fates.times, study.horizon)
    error = (scores.years - own).std() / np.sqrt(len(study))
    assert scores.years.mean() == pytest.approx(own.mean(), abs=4 * error)
    naive = restricted_mean(study.event, study.time, study.horizon).value
    assert scores.years.mean() == pytest.approx(naive, abs=0.05)


def test_without_censoring_the_time_is_the_patients_own(study):
    few = study.rows(np.arange(500))
    fitted = InteractionLearner().fit(few)
    model, event = fitted.model, np.ones(500, dtype=bool)
    time = few.fates.times
    nobody = type(model)(
        model.coefficients, model.covariance, model.centre, {}, type(model.baseline)(np.array([1e9]), np.zeros(1)), 0.0
    )
    years = followed_years(event, time, model.years(5.0), (model, fitted.log_risks(few)), (nobody, np.zeros(500)))
    np.testing.assert_allclose(years, np.minimum(time, 5.0))


def test_no_patient_meets_a_model_that_has_seen_it(study, scores):
    """Scores of one fold change only with what lies in the others: their outcomes may be exchanged freely."""
    few = study.rows(np.arange(400))
    one = orthogonal_scores(few, n_folds=2, seed=1)
    fold = one.fold
    changed = few.rows(np.arange(400))
    time = changed.time.copy()
    time[fold == 0] = np.minimum(time[fold == 0] * 1.7, few.time.max())
    object.__setattr__(changed, "time", time)
    two = orthogonal_scores(changed, n_folds=2, seed=1)
    assert (two.fold == fold).all()
    np.testing.assert_allclose(two.plug_in[fold == 0], one.plug_in[fold == 0])
    assert not np.allclose(two.plug_in[fold == 1], one.plug_in[fold == 1])


def test_balance_is_the_textbook_number_and_weighting_mends_it(study):
    table = balance(study, "exercise")
    has = study.habits["exercise"] == 1
    one, none = study.features["x_long"][has], study.features["x_long"][~has]
    expected = (one.mean() - none.mean()) / np.sqrt((one.var() + none.var()) / 2)
    assert table.loc["x_long", "before"] == pytest.approx(expected) and expected > 0.3
    assert table["after"].abs().max() < 0.1


def test_stabilised_weights_sum_to_the_patients(study):
    found = overlap(study)
    weights = inverse_weights(study.habits["low_fat"], found.propensity["low_fat"])
    assert weights.mean() == pytest.approx(1.0, abs=0.02)
    assert (found.table["effective patients"] < len(study)).all()


def test_lost_positivity_is_seen_and_refused():
    patients = simulate_habits(3000, HabitWorld(lost_positivity=True), seed=3)
    walk = patients.covariates[["six_minute_walk_m"]]
    features = patients.physiology[TRAITS].join(walk).assign(short=(walk["six_minute_walk_m"] < 300).astype(float))
    found = overlap(HabitStudy.of_patients(patients, features=features))
    assert found.poor == ("exercise",)
    with pytest.raises(ValueError, match=r"no overlap in exercise \(\d+% of patients\)"):
        found.require()
    assert overlap(study_of_world(3000, 3)).poor == ()


def test_a_study_refuses_what_does_not_fit():
    study = study_of_world(300, 4)
    with pytest.raises(ValueError, match="habit 'exercise' must be 1"):
        HabitStudy(study.features, study.habits.assign(exercise=2), study.event, study.time)
    with pytest.raises(ValueError, match="all of the 300 patients have habit 'exercise'"):
        overlap(HabitStudy(study.features, study.habits.assign(exercise=1), study.event, study.time))
    with pytest.raises(ValueError, match="horizon of 500 years must lie within the follow-up"):
        average_effects(HabitStudy(study.features, study.habits, study.event, study.time, 500.0))
    with pytest.raises(ValueError, match="horizon must be a positive number"):
        HabitStudy(study.features, study.habits, study.event, study.time, 0.0)
    with pytest.raises(ValueError, match="not finite"):
        HabitStudy(study.features.assign(x_lag=np.nan), study.habits, study.event, study.time)
    with pytest.raises(ValueError, match="different patients"):
        HabitStudy(study.features, study.habits.iloc[::-1], study.event, study.time)
    real = HabitStudy(study.features, study.habits, study.event, study.time)
    with pytest.raises(ValueError, match="nobody knows both fates"):
        real.truth()
    assert "invented" in repr(study) and "invented" not in repr(real)


def test_rows_keep_patients_together():
    study = study_of_world(300, 4)
    few = study.rows([5, 5, 7])
    pd.testing.assert_frame_equal(few.truth(), study.truth().iloc[[5, 5, 7]])
    assert few.time.tolist() == study.time[[5, 5, 7]].tolist() and len(few.control_outcome) == 3
