"""The stand-in: starts where the full fit starts, makes the same noise, learns the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_motion import wide_motion

from cardiolib.survival import NetworkSettings, fit_network
from cardiolib.survival.network.accelerated.screening import corruption, screened_log_risk, thin_rows

pytestmark = pytest.mark.processor

BASE = {
    "exact": NetworkSettings.on_inputs(hidden=24, latent=6, epochs=10, log10_learning_rate=-3.0),
    "published": NetworkSettings.published(
        hidden=24, latent=6, epochs=12, log10_learning_rate=-3.0, dropout=0.2, standardise="columns"
    ),
}


def both(wide, settings, seed=5, n_kept=200):
    """Log risks of the test rows by the full fit and by the stand-in."""
    train, test = wide
    X, new = (np.ascontiguousarray(rows.X, dtype=np.float32) for rows in (train, test))
    full = fit_network(X, train.event, train.time, settings, seed=seed).predict_log_risk(new)
    rows = thin_rows(X, new, settings.standardise, n_kept=n_kept)
    return full, screened_log_risk(rows, X, new, train.event, train.time, settings, seed=seed)


@pytest.mark.parametrize("protocol", BASE)
@pytest.mark.parametrize("standardise", ["none", "global", "columns"])
def test_before_training_it_is_the_full_network(wide, protocol, standardise):
    still = replace(BASE[protocol], log10_learning_rate=-12.0, standardise=standardise)
    full, screened = both(wide, still)
    assert np.ptp(full) > 0
    np.testing.assert_allclose(screened - screened.mean(), full - full.mean(), atol=2e-4 * np.ptp(full))


@pytest.mark.parametrize("protocol", BASE)
def test_trained_on_a_tenth_of_the_inputs_it_stands_for_the_fit_of_its_seed(protocol):
    """Its risks are nearer to those of its own fit than a fit of another seed is, over eight cohorts."""
    own, refitted = [], []
    for cohort in range(0, 80, 10):
        wide = wide_motion(cohort)
        full, screened = np.moveaxis([both(wide, BASE[protocol], seed=s) for s in (5, 6, 7)], 1, 0)
        agreement = np.corrcoef(screened, full)
        own += list(np.diag(agreement[:3, 3:]))  # stand-ins against full fits
        refitted += list(agreement[3:, 3:][np.triu_indices(3, 1)])
    assert np.mean(own) > np.mean(refitted)


@pytest.mark.parametrize("dropout", [0.1, 0.5, 0.9])
def test_noise_is_that_of_the_inputs_that_one_stands_for(dropout):
    rng = np.random.default_rng(0)
    X = rng.uniform(1, 2, size=(160, 3000)).astype(np.float32)
    rows = thin_rows(X, X[:2], "none", n_kept=300)
    assert rows.ratio == 10
    at_start, noise = np.zeros((160, 500), np.float32), np.full((160, 1), 3.0, np.float32)
    corrupt = corruption(rows, at_start, noise, dropout, np.random.Generator(np.random.SFC64(1)))
    initial, read, learned = corrupt(rows.train, slice(None))
    factors = np.array([read / rows.train, learned / rows.train]).reshape(2, -1)
    odds = dropout / (1 - dropout)
    np.testing.assert_allclose(factors.mean(axis=1), 1, atol=0.15)
    np.testing.assert_allclose(np.cov(factors), [[odds / 10, odds / 10], [odds / 10, odds]], rtol=0.15)
    assert initial.std() == pytest.approx(3, rel=0.05)


def test_divergence_is_an_error(wide):
    wild = replace(BASE["exact"], log10_learning_rate=1.0, standardise="none")
    train, test = wide
    X, new = (rows.X.astype(np.float32) * np.float32(1e18) for rows in (train, test))
    rows = thin_rows(X, new, "none", n_kept=200)
    with pytest.raises(FloatingPointError):
        screened_log_risk(rows, X, new, train.event, train.time, wild, seed=0)
