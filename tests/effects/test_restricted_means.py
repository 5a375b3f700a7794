"""Restricted means: the area below Kaplan-Meier, its influence values, and years as a function of risk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.effects import YearsOfRisk, restricted_mean
from cardiolib.survival import breslow_baseline


def follow_up(seed: int, n: int = 60, *, ties: bool = True):
    rng = np.random.default_rng(seed)
    death, end = rng.exponential(3.0, n), rng.exponential(4.0, n)
    time = np.minimum(death, end)
    return death <= end, np.ceil(time * 4) / 4 if ties else time


def naive_area(event, time, horizon, weights):
    """The curve stepped through one death time after the other."""
    s, last, area = 1.0, 0.0, 0.0
    for t in sorted(set(time[event & (time <= horizon)])):
        area += s * (t - last)
        s *= 1 - weights[event & (time == t)].sum() / weights[time >= t].sum()
        last = t
    return area + s * (horizon - last)


@given(seed=st.integers(0, 10_000), horizon=st.floats(0.3, 6.0))
@settings(max_examples=40, deadline=None)
def test_it_is_the_area_below_the_curve(seed, horizon):
    event, time = follow_up(seed)
    weights = np.random.default_rng(seed).uniform(0.5, 2, event.size)
    found = restricted_mean(event, time, horizon, weights=weights)
    assert found.value == pytest.approx(naive_area(event, time, horizon, weights), rel=1e-10)
    assert found.influence.sum() == pytest.approx(0.0, abs=1e-8)


def test_influence_is_the_derivative_by_a_patients_weight():
    event, time = follow_up(3)
    weights = np.random.default_rng(1).uniform(0.5, 2, event.size)
    found, n, step = restricted_mean(event, time, 2.5, weights=weights), event.size, 1e-6
    for i in range(0, n, 7):
        more = weights.copy()
        more[i] *= 1 + step
        change = (restricted_mean(event, time, 2.5, weights=more).value - found.value) / step
        assert found.influence[i] == pytest.approx(n * change, rel=1e-3, abs=1e-5)


def test_pseudo_values_are_near_the_jackknifes():
    event, time = follow_up(4, 300, ties=False)
    found, n = restricted_mean(event, time, 2.0), event.size
    jackknife = [
        n * found.value - (n - 1) * restricted_mean(np.delete(event, i), np.delete(time, i), 2.0).value
        for i in range(n)
    ]
    np.testing.assert_allclose(found.value + found.influence, jackknife, atol=0.03)


def test_the_error_is_that_of_repeated_samples():
    runs = [restricted_mean(*follow_up(seed, 200, ties=False), 3.0) for seed in range(300)]
    spread = np.std([run.value for run in runs], ddof=1)
    assert np.mean([run.standard_error for run in runs]) == pytest.approx(spread, rel=0.15)


def test_without_censoring_it_is_the_mean_of_capped_times():
    time = np.random.default_rng(5).exponential(2, 50)
    found = restricted_mean(np.ones(50), time, 3.0)
    capped = np.minimum(time, 3.0)
    assert found.value == pytest.approx(capped.mean())
    np.testing.assert_allclose(found.value + found.influence, capped, atol=1e-9)


def test_years_of_risk_integrate_the_predicted_curve():
    event, time = follow_up(6, 200)
    baseline = breslow_baseline(np.zeros(200), event, time)
    eta, grid = np.array([-2.0, 0.0, 1.3]), np.linspace(0, 4, 40_001)
    curve = baseline.survival(eta, (grid[1:] + grid[:-1]) / 2)
    years = YearsOfRisk(baseline, 4.0)
    np.testing.assert_allclose(years(eta), curve.mean(axis=1) * 4, atol=2e-4)
    np.testing.assert_allclose(years.slope(eta), (years(eta + 0.1) - years(eta - 0.1)) / 0.2, atol=5e-3)


@pytest.mark.parametrize(
    ("given", "said"),
    [({"horizon": 0.0}, "horizon must be positive"), ({"weights": [1.0, -1.0]}, "weights must be positive")],
)
def test_bad_input_is_refused(given, said):
    with pytest.raises(ValueError, match=said):
        restricted_mean([1, 0], [1.0, 2.0], **{"horizon": 1.0, **given})
