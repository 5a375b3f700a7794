"""Folds, the isolated swarm, screening and the search."""

from __future__ import annotations

import itertools
import logging
import os
import pickle
import statistics
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_motion import simulate_motion

from cardiolib.survival import (
    NetworkRecipe,
    NetworkSettings,
    SearchSettings,
    concordance_index,
    cross_validate,
    fit_network,
    patient_folds,
)
from cardiolib.survival.cross_validation import fold_seed
from cardiolib.survival.network import search
from cardiolib.survival.network.search_state import read_state
from cardiolib.survival.network.swarm import ParticleSwarm

BASE = NetworkSettings.on_inputs(epochs=8, standardise="columns")
PRINCIPAL = NetworkSettings(epochs=8, standardise="columns")
TINY = SearchSettings(
    n_particles=3,
    n_generations=3,
    n_folds=3,
    n_confirm=0,
    margin_se=0.0,
    hidden=(8, 16),
    latent=(2, 4),
    log10_learning_rate=(-4.0, -2.5),
)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_folds_never_split_the_copies_of_a_patient(seed, n_folds):
    rng = np.random.default_rng(seed)
    died = np.arange(60) < 20
    bag = rng.integers(0, 60, size=60)
    fold = patient_folds(died[bag], n_folds=n_folds, groups=bag, rng=rng)
    for patient in np.unique(bag):
        assert np.unique(fold[bag == patient]).size == 1
    assert np.all(np.bincount(fold[died[bag]], minlength=n_folds) > 0)
    assert np.ptp(np.bincount(fold, minlength=n_folds)) <= 8


def test_folds_are_even_without_copies_and_repeatable():
    event = np.arange(302) < 85
    folds = [patient_folds(event, n_folds=6, rng=np.random.default_rng(s)) for s in (1, 1, 2)]
    assert set(np.bincount(folds[0])) <= {50, 51} and set(np.bincount(folds[0][event])) <= {14, 15}
    np.testing.assert_array_equal(folds[0], folds[1])
    assert not np.array_equal(folds[0], folds[2])
    text = patient_folds(event, n_folds=6, rng=np.random.default_rng(1), groups=[f"p{i:03d}" for i in range(302)])
    np.testing.assert_array_equal(text, folds[0])


def test_folds_refuse_too_few_deaths():
    with pytest.raises(ValueError, match="4 folds need 4 different patients who died, got 2"):
        patient_folds([1, 1, 1, 1, 0, 0], groups=[0, 0, 0, 1, 2, 3], n_folds=4, rng=np.random.default_rng(0))


def bowl(position):
    return np.sum((position - 0.3) ** 2, axis=1)


def test_swarm_finds_the_bottom_and_stays_in_the_cube():
    swarm = ParticleSwarm(10, 6, seed=0)
    costs = []
    for _ in range(30):
        position = swarm.position
        assert position.min() >= 0 and position.max() <= 1
        costs.append(bowl(position))
        swarm.tell(costs[-1])
    assert swarm.best_cost == np.min(costs) < 1e-3
    assert bowl(swarm.best_position[None])[0] == swarm.best_cost


def test_swarm_touches_nothing_outside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = (list(root.handlers), root.level, dict(os.environ))
    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random(4)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    swarm = ParticleSwarm(4, 2, seed=0)
    drawn = []
    for _ in range(4):
        drawn.append(np.random.random())  # noqa: NPY002  the caller draws while the swarm runs
        swarm.tell(bowl(swarm.position))
    np.testing.assert_array_equal(drawn, expected)
    undisturbed = ParticleSwarm(4, 2, seed=0)
    for _ in range(4):
        undisturbed.tell(bowl(undisturbed.position))
    np.testing.assert_array_equal(swarm.position, undisturbed.position)
    assert (list(root.handlers), root.level, dict(os.environ)) == before
    assert list(tmp_path.iterdir()) == []


def test_first_import_of_pyswarms_touches_nothing(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "pyswarms"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    before = (list(root.handlers), root.level, dict(os.environ))
    ParticleSwarm(3, 2, seed=0).tell(np.zeros(3))
    assert "pyswarms" in sys.modules
    assert (list(root.handlers), root.level, dict(os.environ)) == before
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_importing_the_package_does_not_import_pyswarms(tmp_path):
    code = "import sys, cardiolib.survival; assert 'pyswarms' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []


def test_swarm_survives_failures_and_keeps_personal_bests():
    swarm = ParticleSwarm(3, 2, seed=0)
    swarm.tell(np.full(3, np.nan))
    assert swarm.best_cost == np.inf
    first = swarm.position
    swarm.tell(np.array([1.0, np.inf, 2.0]))
    swarm.tell(np.array([5.0, 3.0, np.nan]))
    state = swarm.state()
    assert state["pbest_cost"] == [1.0, 3.0, 2.0]  # a worse visit does not overwrite the memory
    np.testing.assert_array_equal(state["pbest_pos"][0], first[0])
    np.testing.assert_array_equal(swarm.best_position, first[0])
    with pytest.raises(ValueError, match="3 particles need as many costs"):
        swarm.tell(np.zeros(2))


def without_seconds(result):
    return result.history.drop(columns="seconds")


def test_resumed_search_equals_an_uninterrupted_one(motion, tmp_path):
    data = motion.X, motion.event, motion.time
    whole = search(*data, TINY, base=BASE, seed=5)
    state = tmp_path / "search.json"
    part = search(*data, TINY, base=BASE, seed=5, state_path=state, stop_after=1)
    assert not part.complete and len(part.history) == 3
    resumed = search(*data, TINY, base=BASE, seed=5, state_path=state)
    assert resumed.complete and resumed.best_settings == whole.best_settings
    assert without_seconds(resumed).equals(without_seconds(whole))
    with pytest.raises(ValueError, match="state of another search"):
        search(*data, TINY, base=BASE, seed=6, state_path=state)


def test_search_stays_in_range_and_reports_its_best(motion):
    result = search(motion.X, motion.event, motion.time, TINY, base=BASE, seed=0)
    history = result.history
    assert len(history) == 9 and history["screened"].all() and result.best_is_screened
    assert history["hidden"].between(8, 16).all() and history["latent"].between(2, 4).all()
    assert result.best_score == history["score"].max()
    np.testing.assert_allclose(history[["fold_0", "fold_1", "fold_2"]].mean(axis=1), history["score"])
    assert (result.best_settings.epochs, result.best_settings.standardise) == (8, BASE.standardise)


def test_confirmed_score_is_an_exact_one_on_the_same_folds(motion):
    # confirmed are the two best of the screen and the settings one would have used without a search
    result = search(motion.X, motion.event, motion.time, replace(TINY, n_generations=1, n_confirm=2), base=BASE, seed=0)
    confirmed = result.history[~result.history["screened"].astype(bool)]
    assert len(confirmed) == 3 and not result.best_is_screened and (confirmed["generation"] == -1).all()
    again = cross_validate(motion.X, motion.event, motion.time, [result.best_settings], n_folds=3, seed=0)
    assert again["score"][0] == result.best_score == confirmed["score"].max()


def test_units_run_in_other_processes_with_the_same_result(motion):
    data = motion.X, motion.event, motion.time
    tiny = replace(TINY, n_generations=1, screening=False)
    # not a fork: that of a process with threads may hang
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        elsewhere = search(*data, tiny, base=BASE, seed=1, map_units=pool.map)
    np.testing.assert_allclose(elsewhere.history["score"], search(*data, tiny, base=BASE, seed=1).history["score"])


def test_failed_fits_are_recorded_and_an_all_failed_search_is_an_error(motion):
    wild = replace(TINY, n_generations=1, log10_learning_rate=(1.0, 1.0), screening=False)
    base = replace(BASE, standardise="none")
    with pytest.raises(ValueError, match="every fit of the search failed.*FloatingPoint"):
        search(motion.X * 1e18, motion.event, motion.time, wild, base=base, seed=0)


def test_screened_scores_follow_those_of_full_fits():
    """What learns is told from what does not, over several cohorts: one cohort's scores are noisy."""
    base = NetworkSettings.on_inputs(epochs=30, hidden=20, latent=4, standardise="columns")
    candidates = [replace(base, dropout=p, log10_learning_rate=rate) for p in (0.2, 0.8) for rate in (-6.0, -3.0)]
    cohorts = [simulate_motion(90, seed) for seed in (1, 11, 21, 31, 41, 51)]
    full, screened = (
        np.array(
            [
                cross_validate(one.X, one.event, one.time, candidates, n_folds=3, seed=0, screening=screening)["score"]
                for one in cohorts
            ]
        )
        for screening in (False, True)
    )
    hardly, learned = [0, 2], [1, 3]
    for scores in (full, screened):
        assert (scores[:, learned].mean(axis=0) > scores[:, hardly].mean(axis=0)).all()
    np.testing.assert_allclose(screened[:, learned], full[:, learned], atol=0.08)


def test_published_protocol_can_be_searched(motion):
    tiny = replace(SearchSettings.published(), n_particles=2, n_generations=1, n_folds=2, hidden=(8, 8), n_confirm=1)
    assert tiny.log10_learning_rate == (-6.0, -4.5)
    base = NetworkSettings.published(epochs=2)
    result = search(motion.X, motion.event, motion.time, tiny, base=base, seed=0)
    assert result.best_settings.protocol == "published" and result.history["score"].notna().all()


def test_recipe_searches_inside_a_bag_and_pickles(motion):
    bag = np.random.default_rng(0).integers(0, 90, size=90)
    recipe = NetworkRecipe(BASE, replace(TINY, n_generations=1))
    recipe = pickle.loads(pickle.dumps(recipe))
    model = recipe.fit(motion.X[bag], motion.event[bag], motion.time[bag], groups=bag, seed=2)
    assert 8 <= model.settings.hidden <= 16
    assert model.predict_log_risk(motion.X).shape == (90,)


def test_ranges_match_protocol_and_coordinates():
    rates = [
        SearchSettings.matching(base).log10_learning_rate
        for base in (NetworkSettings(), NetworkSettings.on_inputs(), NetworkSettings.published())
    ]
    assert rates == [(-3.25, -2.0), (-6.0, -4.0), (-6.0, -4.5)]
    assert SearchSettings.matching(NetworkSettings.published(), n_folds=3) == SearchSettings.published(n_folds=3)


def test_what_is_found_must_beat_the_defaults_by_more_than_the_noise():
    """The rule once more from the history, whoever wins; defaults that do not learn make both outcomes happen."""
    base = replace(PRINCIPAL, hidden=8, latent=4, log10_learning_rate=-12.0)
    some = replace(TINY, n_generations=1, n_folds=5, log10_learning_rate=(-3.0, -2.0))
    kept = []
    for seed, margin in itertools.product((1, 2, 3), (0.0, 10.0)):
        one = simulate_motion(90, seed)
        found = search(one.X, one.event, one.time, replace(some, margin_se=margin), base=base, seed=seed)
        last, best = found.history.iloc[-1], found.history.loc[found.history["score"].idxmax()]
        assert last["generation"] == -1 and (last["hidden"], last["latent"]) == (8, 4)  # the defaults on the same folds
        gain = [best[f"fold_{k}"] - last[f"fold_{k}"] for k in range(5)]
        kept.append(statistics.mean(gain) <= margin * statistics.stdev(gain) / 5**0.5)
        assert (found.best_settings == base) == kept[-1]
        assert found.best_score == (last if kept[-1] else best)["score"]
    assert set(kept) == {True, False}


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize("content", ["{", "", "[]", "{}"])
def test_a_broken_state_names_its_file_and_what_to_do(tmp_path, content):
    (tmp_path / "state.json").write_text(content)
    with pytest.raises(ValueError, match="state.json.*delete the file to start"):
        read_state(tmp_path / "state.json", "key")


def test_search_settings_are_validated():
    assert SearchSettings(dropout=[0.1, 0.5]).dropout == (0.1, 0.5)
    for change, message in [
        ({"n_folds": 1}, "n_folds must be at least 2"),
        ({"n_particles": 2.0}, "must be int"),
        ({"alpha": (0.7, 0.3)}, "low <= high"),
        ({"screening": 1}, "must be bool"),
    ]:
        with pytest.raises(ValueError, match=message):
            SearchSettings(**change)


def test_search_in_principal_coordinates_scores_full_fits(motion):
    data = motion.X, motion.event, motion.time
    result = search(*data, replace(TINY, n_generations=1, log10_learning_rate=(-3.0, -2.0)), base=PRINCIPAL, seed=3)
    assert not result.best_is_screened and not result.history["screened"].any()
    fold = patient_folds(motion.event, n_folds=3, rng=np.random.default_rng(np.random.SeedSequence([3, 1])))
    for k in range(3):
        train, test = fold != k, fold == k
        network = fit_network(
            motion.X[train], motion.event[train], motion.time[train], result.best_settings, seed=fold_seed(3, k)
        )
        c = concordance_index(network.predict_log_risk(motion.X[test]), motion.event[test], motion.time[test])
        best = result.history.sort_values("score", ascending=False, kind="stable").iloc[0]
        assert best["score"] == result.best_score
        assert c == pytest.approx(best[f"fold_{k}"], abs=1e-9)
