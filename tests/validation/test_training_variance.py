"""The variance of training: the exact derivative by enumeration, a naive twin, and what it must not do."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from benchmarks.validation_coverage import fit_ridge
from cardiolib.survival.ridge import fit_ridge_cox
from cardiolib.validation import BootstrapStore, compare_models, draw_bag, pair_out_of_bag, validate
from cardiolib.validation.training_variance import variance_of_difference, variance_with_training

N = 5
TIME = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
EVENT = np.array([1, 1, 0, 1, 0], bool)
X = np.array([0.9, -0.4, 0.1, 0.6, -0.8])


def model(bag):
    """A made-up model whose ranking depends on its bag: distance to the bag's mean, with a tilt."""
    return np.round(0.3 * X - (X - X[bag].mean()) ** 2, 10)


def every_bag():
    bags = np.array(list(product(range(N), repeat=N)))
    return BootstrapStore([str(i) for i in range(N)], EVENT, TIME, bags, np.stack([model(bag) for bag in bags]))


def weighted_c(store, weight):
    """C over pairs as a function of case weights: of the patients judged, and of the chance to be drawn."""
    drawn = np.stack([np.bincount(bag, minlength=N) for bag in store.in_bag])
    chance = np.prod((weight / weight.sum()) ** drawn, axis=1)
    top = bottom = 0.0
    for i in range(N):
        for j in range(N):
            if EVENT[i] and TIME[j] > TIME[i]:
                outside = (drawn[:, i] == 0) & (drawn[:, j] == 0)
                a, b = store.log_risk[outside, i], store.log_risk[outside, j]
                score = np.average((a > b) + 0.5 * (a == b), weights=chance[outside])
                top, bottom = top + weight[i] * weight[j] * score, bottom + weight[i] * weight[j]
    return top / bottom


def test_influence_is_the_derivative_over_all_bags_that_exist():
    store = every_bag()
    pairs = pair_out_of_bag(store)
    assert pairs.c == pytest.approx(weighted_c(store, np.ones(N)), rel=1e-12)
    step = 1e-5
    derivative = [
        (weighted_c(store, 1 + step * unit) - weighted_c(store, 1 - step * unit)) / (2 * step) for unit in np.eye(N)
    ]
    assert np.abs(pairs.training_influence).max() > 0.01  # training matters here
    np.testing.assert_allclose(pairs.influence + pairs.training_influence, derivative, atol=1e-8)


def random_store(seed=0, n=40, replicates=30, noise=1.0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    time = np.round(rng.exponential(np.exp(-z)), 1) + 0.1  # with ties
    event = rng.random(n) < 0.6
    bags = np.stack([draw_bag(seed, b, n) for b in range(replicates)])
    log_risk = np.round(z + noise * rng.normal(size=(replicates, n)), 1)
    return BootstrapStore([str(i) for i in range(n)], event, time, bags, log_risk, z)


def test_pairs_against_a_naive_twin_with_ties():
    store = random_store()
    outside, event, time = store.out_of_bag, store.event, store.time
    shares, missing = [], 0
    for i in np.flatnonzero(event):
        for j in range(store.n_patients):
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                both = outside[:, i] & outside[:, j]
                a, b = store.log_risk[both, i], store.log_risk[both, j]
                missing += not both.any()
                if both.any():
                    shares.append(np.mean((a > b) + 0.5 * (a == b)))
    found = pair_out_of_bag(store)
    assert found.c == pytest.approx(np.mean(shares), rel=1e-12)
    assert (found.n_pairs, found.n_without_model) == (len(shares), missing)
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)
    assert found.deviation.sum() == pytest.approx(0, abs=1e-12)


def test_models_that_never_change_have_no_variance_of_training():
    store = random_store(noise=0.0)
    pairs = pair_out_of_bag(store)
    np.testing.assert_allclose(pairs.deviation, 0, atol=1e-15)
    found = validate(store)
    assert found.out_of_bag_se == pytest.approx(found.out_of_bag.se, rel=1e-12)


def test_training_only_widens():
    store = random_store(seed=1)
    found = validate(store)
    assert found.out_of_bag_se >= found.out_of_bag.se
    assert found.c632plus_se >= found.out_of_bag.se
    influence = np.zeros(40)
    pairs = pair_out_of_bag(store)
    assert variance_with_training(influence, pairs) >= 0
    assert variance_of_difference(influence, pairs, pairs, same_bags=True) == 0


def test_noise_of_models_that_ignore_their_bags_is_subtracted():
    """Scores drawn anew for each replicate: the sum of squares is noise, and of the size that is subtracted."""
    found = [pair_out_of_bag(random_store(seed=seed, replicates=60)) for seed in range(40)]
    ratio = np.mean([np.sum(pairs.training_influence**2) for pairs in found]) / np.mean([p.noise for p in found])
    assert ratio == pytest.approx(1.0, abs=0.15)


def test_a_model_compared_with_itself_is_the_same_model():
    store = random_store()
    same = compare_models(store, store)
    assert (same.difference, same.se, same.p_value) == (0, 0, 1)


def test_few_replicates_are_warned_of_and_none_is_an_error():
    assert any("too narrow" in note for note in validate(random_store(replicates=30)).notes)
    assert not any("too narrow" in note for note in validate(random_store(replicates=60)).notes)
    bags = np.tile(np.arange(40), (2, 1))
    everybody_drawn = BootstrapStore(
        [str(i) for i in range(40)], random_store().event, random_store().time, bags, np.zeros((2, 40))
    )
    with pytest.raises(ValueError, match="outside any of the 2 bags"):
        pair_out_of_bag(everybody_drawn)


def test_quick_fit_of_the_simulation_agrees_with_the_library():
    rng = np.random.default_rng(2)
    X, time, event = rng.normal(size=(80, 6)), np.sort(rng.exponential(size=80))[::-1], rng.random(80) < 0.6
    wanted = fit_ridge_cox(X, event, time, penalty=3.0 / 80, ties="breslow")
    np.testing.assert_allclose(fit_ridge(X, event, np.ones(80), 3.0, np.zeros(6)), wanted, atol=1e-6)
    weight = rng.integers(1, 4, size=80)
    rows = np.repeat(np.arange(80), weight)
    wanted = fit_ridge_cox(X[rows], event[rows], time[rows], penalty=3.0 / len(rows), ties="breslow")
    np.testing.assert_allclose(fit_ridge(X, event, weight.astype(float), 3.0, np.zeros(6)), wanted, atol=1e-6)
