"""Learners find what is built in, agree where they must, and know how unsure they are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_study import study_of_world

from cardiolib.cohorts import HABITS, HabitWorld
from cardiolib.effects import (
    LEARNERS,
    ConstantLearner,
    HonestForestLearner,
    InteractionLearner,
    RatioLearner,
    TwoModelLearner,
    fit_grouped_cox,
    score_gains,
)
from cardiolib.survival import CoxSettings, breslow_baseline, fit_cox

N = 3000


@pytest.fixture(scope="module")
def study():
    return study_of_world(N, 1)


@pytest.fixture(scope="module")
def others():
    return study_of_world(4000, 2)


@pytest.fixture(scope="module")
def scored(study, others):
    return {learner.name: score_gains(learner.fit(study).gains(others), others) for learner in LEARNERS}


def test_every_learner_earns_and_none_more_than_the_oracle(scored):
    assert len(scored) == 6
    for found in scored.values():
        assert 0 < found.earned <= found.oracle
        assert found.regret == pytest.approx(found.oracle - found.earned)
    names = [learner.name for learner in LEARNERS]
    assert scored[names[3]].share > scored[names[1]].share + 0.1  # modification is there, and is found
    assert scored[names[4]].share > 0.8


def test_individual_gains_are_nearer_than_one_for_all(scored):
    for name in (InteractionLearner.name, "doubly robust"):
        table = scored[name].by_habit
        assert table.loc["exercise", "pehe"] < 0.7 * table.loc["exercise", "spread"]
        assert table.loc["exercise", "correlation"] > 0.8 and table.loc["low_salt", "correlation"] > 0.8


def test_the_one_model_finds_the_modifiers_that_are_built_in(study):
    ratios = InteractionLearner().fit(study).log_ratios(study)
    truth = study.fates.effects
    assert np.corrcoef(ratios["exercise"], truth["exercise"])[0, 1] > 0.85
    assert ratios["low_fat"].std() < 0.5 * ratios["exercise"].std()


def test_one_ratio_without_penalty_is_cox_regression_with_the_habits(study):
    """Naive twin: `fit_cox` on the same columns, survival curves with and without the habit, integrated by hand."""
    few = study.rows(np.arange(400))
    fitted = RatioLearner().fit(few)
    Z = np.column_stack([(few.features - few.features.mean()) / few.features.std(ddof=0), few.habits])
    loose = fit_grouped_cox(Z, few.event, few.time, np.array(["all"] * Z.shape[1]), fixed={"all": 1e4})
    np.testing.assert_allclose(
        loose.coefficients, fit_cox(Z, few.event, few.time, CoxSettings()).coefficients, atol=1e-4
    )
    model = fitted.model
    beta = model.coefficients
    baseline = breslow_baseline((Z - Z.mean(axis=0)) @ beta, few.event, few.time)
    grid = np.linspace(0, 5, 5001)
    lived = []
    for has in (0, 1):
        changed = Z.copy()
        changed[:, few.features.shape[1]] = has
        curve = baseline.survival((changed - Z.mean(axis=0)) @ beta, (grid[1:] + grid[:-1]) / 2)
        lived.append(curve.mean(axis=1) * 5)
    np.testing.assert_allclose(fitted.gains(few).values["exercise"], lived[1] - lived[0], atol=3e-3)


def test_constant_is_the_mean_of_one_ratio(study):
    constant = ConstantLearner().fit(study).gains(study).values
    np.testing.assert_allclose(constant.iloc[0], RatioLearner().fit(study).gains(study).values.mean())


def test_penalties_vanish_where_nothing_is_modified():
    study = study_of_world(N, 5, HabitWorld(no_modification=True))
    fitted = InteractionLearner().fit(study)
    sizes = [fitted.model.prior_sd[f"products with {habit}"] for habit in HABITS]
    assert max(sizes) < 0.12
    with_it = InteractionLearner().fit(study_of_world(N, 5)).model.prior_sd["products with exercise"]
    assert with_it > max(0.15, max(sizes))


def test_delta_errors_are_those_of_draws(study):
    fitted = InteractionLearner().fit(study)
    few = study.rows(np.arange(12))
    draws = fitted.draws(few, n=1500, seed=1)
    assert draws.shape == (1500, 12, 4)
    np.testing.assert_allclose(draws.std(axis=0), fitted.gains(few).errors, rtol=0.15)


def test_errors_cover_the_truth_of_patients():
    """Without an error of measurement 95 % intervals of single patients hold the truth about as often as they say."""
    held = []
    for seed in range(4):
        study = study_of_world(1500, 50 + seed)
        gains = InteractionLearner().fit(study).gains(study)
        low, high = gains.interval()
        held.append(((low <= study.truth()) & (study.truth() <= high)).to_numpy().mean())
    assert 0.85 < np.mean(held) <= 1.0


def test_a_fit_knows_its_features_and_nobody_is_in_its_own_forest_leaf(study):
    fitted = RatioLearner().fit(study)
    renamed = study_of_world(200, 3)
    object.__setattr__(renamed, "features", renamed.features.rename(columns={"x_lag": "other"}))
    with pytest.raises(ValueError, match="was fitted on the features"):
        fitted.gains(renamed)
    forest = HonestForestLearner(n_pairs=2, n_folds=2, least_in_leaf=30).fit(study.rows(np.arange(600)))
    for tree in forest.trees["exercise"]:
        assert tree.tree.tree_.n_node_samples[tree.tree.tree_.children_left == -1].min() >= 30


def test_too_few_patients_are_refused(study):
    with pytest.raises(ValueError, match="needs 160 patients, there are 100"):
        HonestForestLearner().fit(study.rows(np.arange(100)))
    alive = study.rows(np.arange(200))
    event = alive.event & (alive.habits["exercise"].to_numpy() == 0)
    object.__setattr__(alive, "event", event)
    with pytest.raises(ValueError, match="nobody died among those with exercise = 1"):
        TwoModelLearner().fit(alive)


def test_gains_say_that_they_are_invented_and_refuse_one_real_person(study):
    gains = RatioLearner().fit(study).gains(study)
    assert "built in and invented" in repr(gains) and gains.of_one(3).shape == (4, 3)
    real = type(gains)(gains.values, gains.errors, gains.method, 5.0, "years", simulated=False)
    assert "invented" not in repr(real)
    with pytest.raises(ValueError, match="no estimate is given for one real person"):
        real.of_one(3)


def test_best_missing_is_missing_and_best(study):
    gains = RatioLearner().fit(study).gains(study)
    chosen = gains.best_missing(study.habits)
    for i in range(200):
        open_to = [h for h in HABITS if study.habits[h].iloc[i] == 0 and gains.values[h].iloc[i] > 0]
        best = max(open_to, key=lambda h: gains.values[h].iloc[i], default=None)  # noqa: B023
        assert chosen.iloc[i] == best or (best is None and pd.isna(chosen.iloc[i]))
