"""Scores with the truth and without it: known answers, naive twins, and that they agree where they can."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_study import study_of_world

from cardiolib.cohorts import HABITS, HabitWorld, simulate_habits
from cardiolib.effects import (
    Gains,
    HabitStudy,
    InteractionLearner,
    RatioLearner,
    counterfactual_performance,
    e_value,
    hidden_confounder_dial,
    modification_test,
    negative_control,
    orthogonal_scores,
    score_gains,
    targeting_curve,
    weighted_performance,
)
from cardiolib.effects.modification import _holm, weighted_chi2_tail
from cardiolib.survival import concordance_index
from cardiolib.survival.cox_regression import cox_regression
from cardiolib.validation import brier_score


@pytest.fixture(scope="module")
def study():
    return study_of_world(3000, 21)


def as_gains(values: pd.DataFrame, error: float = 0.1) -> Gains:
    return Gains(values, 0 * values + error, "given", 5.0, "years", simulated=True)


def test_the_truth_is_the_best_and_its_opposite_the_worst(study):
    best, worst = (score_gains(as_gains(sign * study.truth()), study) for sign in (1, -1))
    assert best.share == 1.0 and best.harmed == 0.0 and best.regret == 0.0 and best.fifth_coverage == 1.0
    assert best.by_habit["pehe"].max() == 0 and best.by_habit.loc["exercise", "correlation"] == pytest.approx(1)
    assert worst.harmed == 1.0 and worst.earned < 0


def test_what_is_earned_is_counted_patient_by_patient(study):
    """Naive twin of the policy value."""
    study = study.rows(np.arange(400))
    truth = study.truth()
    gains = as_gains(truth + np.random.default_rng(0).normal(0, 0.2, truth.shape))
    total = harmed = changed = 0.0
    for i in range(len(study)):
        options = [h for h in HABITS if study.fates.habits[h].iloc[i] == 0 and gains.values[h].iloc[i] > 0]
        if not options:
            continue
        chosen = options[int(np.argmax([gains.values[h].iloc[i] for h in options]))]
        total, changed = total + truth[chosen].iloc[i], changed + 1
        harmed += truth[chosen].iloc[i] < 0
    found = score_gains(gains, study)
    assert found.earned == pytest.approx(total / len(study)) and found.harmed == pytest.approx(harmed / changed)
    assert found.by_habit.loc["low_salt", "pehe"] == pytest.approx(
        np.sqrt(np.mean((gains.values["low_salt"] - truth["low_salt"]) ** 2))
    )


def test_equal_estimates_are_one_group(study):
    constant = pd.DataFrame(0.1, index=study.truth().index, columns=list(HABITS))
    found = score_gains(as_gains(constant), study)
    assert len(found.fifths) == 4 and found.by_habit["correlation"].isna().all()
    assert len(score_gains(as_gains(study.truth()), study).fifths.loc["exercise"]) == 5


def test_other_patients_are_refused(study):
    with pytest.raises(ValueError, match="different patients"):
        score_gains(as_gains(study.truth().iloc[::-1]), study)


def test_where_nothing_acts_there_is_nothing_to_earn():
    nothing = study_of_world(500, 2, HabitWorld(no_effect=True))
    found = score_gains(RatioLearner().fit(nothing).gains(nothing), nothing)
    assert found.oracle == 0 and found.earned == 0 and np.isnan(found.share)


def test_right_predictions_pass_the_counterfactual_check():
    train, test = study_of_world(6000, 31), study_of_world(6000, 32)
    table = counterfactual_performance(InteractionLearner().fit(train), test).table
    assert table["O/E"].between(0.85, 1.15).all()
    assert (table["concordance"] > 0.75).all()
    assert (table["Brier"] < table["observed"] * (1 - table["observed"])).all()


def test_weighted_performance_without_weights_is_the_plain_one():
    rng = np.random.default_rng(4)
    death, end = rng.exponential(3, 300), rng.uniform(2.5, 6, 300)
    event, time = death <= end, np.minimum(death, end)
    risk = np.clip(1 / (1 + death) + rng.normal(0, 0.1, 300), 0, 1)
    found = weighted_performance(risk, event, time, 2.0, np.ones(300))  # nobody is censored before
    assert found["Brier"] == pytest.approx(brier_score(risk, event, time, 2.0))
    assert found["observed"] == pytest.approx((death <= 2).mean())
    cut = np.minimum(time, 2.5)
    assert found["concordance"] == pytest.approx(
        np.mean([(a > b) + 0.5 * (a == b) for a in risk[cut <= 2] for b in risk[cut > 2]])
    )
    assert found["concordance"] != pytest.approx(concordance_index(risk, event, time))  # other pairs


def test_a_patient_of_weight_two_is_two_patients():
    rng = np.random.default_rng(5)
    time, risk = rng.exponential(3, 40), rng.uniform(size=40)
    weights = rng.integers(1, 4, 40)
    twice = np.repeat(np.arange(40), weights)
    one = weighted_performance(risk, np.ones(40), time, 2.0, weights.astype(float))
    two = weighted_performance(risk[twice], np.ones(twice.size), time[twice], 2.0, np.ones(twice.size))
    assert one == pytest.approx(two)


def test_targeting_curve_is_the_mean_of_the_top_and_ends_at_none():
    rng = np.random.default_rng(6)
    order, scores = rng.normal(size=400), rng.normal(size=400)
    found = targeting_curve(order, scores, seed=1)
    top = np.argsort(-order)[:100]
    assert found.curve.loc[0.25, "advantage"] == pytest.approx(scores[top].mean() - scores.mean())
    assert found.curve.loc[1.0, "advantage"] == pytest.approx(0, abs=1e-12)
    assert abs(found.area) < 4 * found.area_error
    assert targeting_curve(scores, scores).area > 0.5
    assert targeting_curve(np.zeros(400), scores).area == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="20 at least"):
        targeting_curve([1.0], [1.0])


def test_targeting_without_the_truth_agrees_with_the_truth(study):
    fitted = InteractionLearner().fit(study_of_world(3000, 22)).gains(study)
    scores = orthogonal_scores(study, n_folds=2)
    seen = targeting_curve(fitted.values["low_salt"], scores.values["low_salt"])
    true = targeting_curve(fitted.values["low_salt"], study.truth()["low_salt"])
    assert seen.area > 2 * seen.area_error and abs(seen.area - true.area) < 4 * seen.area_error


def test_modification_is_claimed_where_it_is_built_in(study):
    found = modification_test(study)
    assert {"exercise", "low_salt"} <= set(found.claimed()) and "low_fat" not in found.claimed()


def test_modification_is_not_claimed_more_often_than_it_says():
    world = HabitWorld(no_modification=True)
    p = np.array([modification_test(study_of_world(700, 100 + i, world)).table["p"] for i in range(50)]).ravel()
    assert 0.01 < (p < 0.05).mean() < 0.11 and 0.4 < np.median(p) < 0.6  # 200 tests, 10 expected below .05


def test_one_feature_gives_the_score_test_of_its_product():
    """Known answer: with one feature Q / V is the chi-square of one degree, near the likelihood ratio's."""
    patients = simulate_habits(2000, seed=8)
    one = HabitStudy.of_patients(patients, features=patients.physiology[["x_long"]])
    one = HabitStudy(one.features[["x_long"]], one.habits, one.event, one.time)
    z = (one.features["x_long"] - one.features["x_long"].mean()) / one.features["x_long"].std(ddof=0)
    null = np.column_stack([z, one.habits])
    full = np.column_stack([null, z * one.habits["exercise"]])
    ratio = 2 * (
        cox_regression(full, one.event, one.time).log_likelihood
        - cox_regression(null, one.event, one.time).log_likelihood
    )
    assert modification_test(one).table.loc["exercise", "statistic"] == pytest.approx(ratio, rel=0.1)


def test_tail_of_weighted_squares_is_that_of_draws():
    weights = np.array([3.0, 1.0, 1.0, 0.2])
    draws = np.random.default_rng(3).standard_normal((200_000, 4)) ** 2 @ weights
    for value, off in ((5.0, 0.02), (12.0, 0.006), (20.0, 0.003)):
        assert weighted_chi2_tail(value, weights) == pytest.approx((draws > value).mean(), abs=off)
    with pytest.raises(ValueError, match="deaths are too few for a test of modification"):
        modification_test(study_of_world(80, 1))


def test_holm_is_the_textbook_number():
    np.testing.assert_allclose(_holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_e_values_of_the_paper():
    """VanderWeele & Ding 2017: 3.9 (1.8 to 8.7) gives 7.26 and 3.0; 0.80 (0.71 to 0.91) gives 1.8 and 1.4."""
    found = e_value(3.9, 1.8, 8.7)
    assert found.estimate == pytest.approx(7.26, abs=0.005) and found.limit == pytest.approx(3.0, abs=0.005)
    found = e_value(0.80, 0.71, 0.91)
    assert round(found.estimate, 1) == 1.8 and round(found.limit, 1) == 1.4
    # printed by the vignette "unmeasured-confounding" of R EValue: evalues.RR(est = 10.73, lo = 8.02, hi = 14.36)
    assert e_value(10.73, 8.02, 14.36) == pytest.approx((20.94777, 15.52336), abs=5e-6)
    assert e_value(1.2, 0.9, 1.6).limit == 1.0 and np.isnan(e_value(2.0).limit)
    assert e_value(0.56, common_outcome=True).estimate < e_value(0.56).estimate


@given(st.floats(0.05, 0.99))
def test_a_confounder_as_strong_as_the_e_value_explains_it_all(ratio):
    needed = e_value(ratio).estimate
    assert hidden_confounder_dial(ratio, with_habit=[needed], with_death=[needed]).iloc[0, 0] == pytest.approx(1.0)
    assert e_value(1 / ratio).estimate == pytest.approx(needed)


def test_dial_leaves_a_ratio_where_one_of_the_associations_is_none():
    dial = hidden_confounder_dial(2.0)
    assert (dial.loc[1.0] == 2.0).all() and (dial[1.0] == 2.0).all() and dial.loc[3.0, 3.0] < 1.2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: e_value(-1.0), "positive, finite"),
        (lambda: e_value(2.0, 1.0), "give both limits"),
        (lambda: e_value(2.0, 2.5, 3.0), "around the ratio"),
        (lambda: hidden_confounder_dial(0.5, with_habit=[0.5]), "1 or more"),
    ],
)
def test_impossible_ratios_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_negative_control_warns_of_the_hidden_confounder_and_not_without_it():
    shown = negative_control(study_of_world(8000, 41))
    assert (shown["p"] > 0.002).all()
    hidden = negative_control(study_of_world(8000, 41, HabitWorld(hidden_confounder=True, confounder_strength=0.6)))
    assert hidden.loc["exercise", "p"] < 1e-4 and hidden.loc["exercise", "difference"] < 0
    bare = study_of_world(200, 41)
    object.__setattr__(bare, "control_outcome", None)
    with pytest.raises(ValueError, match="no control outcome"):
        negative_control(bare)
