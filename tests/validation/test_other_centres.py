"""A frozen model at another centre: expected concordance, membership, updates, heterogeneity, sizes."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import beta as beta_distribution

import cardiolib as cl
from cardiolib.survival import BaselineHazard, breslow_baseline
from cardiolib.validation import (
    concordance,
    external_sample_size,
    heterogeneity,
    internal_external,
    membership_model,
    model_based_concordance,
    slope_sample_size,
    update_model,
)

LINE = np.linspace(0.001, 3, 3000)
EXPONENTIAL = BaselineHazard(LINE, np.log(LINE))  # a hazard of 1 a year for three years


def patients(n, seed, *, ratio=1.0, slope=1.0, end=1.0):
    """Log risk, event, time; the frozen model is right but for the ratio and the slope."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    time = rng.exponential(np.exp(-slope * risk) / ratio)
    return risk, time < end, time.clip(max=end)


# -- model-based concordance ----------------------------------------------------------------------------------------


def test_expected_concordance_of_few_patients_is_the_mean_over_their_pairs():
    risk = np.array([0.3, -1.0, 2.0, 0.3])
    pairs = [(i, j) for i in range(4) for j in range(i)]
    expected = np.mean([1 / (1 + np.exp(-abs(risk[i] - risk[j]))) for i, j in pairs])
    assert model_based_concordance(risk) == pytest.approx(expected, rel=1e-12)
    assert model_based_concordance([1.0, 1.0, 1.0]) == 0.5


def test_expected_concordance_is_that_of_uncensored_deaths():
    rng = np.random.default_rng(1)
    risk = rng.normal(size=1500)
    time = rng.exponential(np.exp(-risk))
    assert model_based_concordance(risk) == pytest.approx(concordance(risk, np.ones(1500), time).c, abs=0.015)


def test_under_censoring_it_is_what_is_observed_on_average_and_the_plain_one_is_not():
    gaps, plain = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        risk = 1.4 * rng.normal(size=500)
        time, censored = 4 * rng.exponential(np.exp(-risk)), 0.8 * rng.exponential(size=500) + 0.6 * rng.random(500)
        event, time = time <= censored, np.minimum(time, censored)
        observed = concordance(risk, event, time).c
        gaps.append(model_based_concordance(risk, event, time, baseline=breslow_baseline(risk, event, time)) - observed)
        plain.append(model_based_concordance(risk) - observed)
    assert abs(np.mean(gaps)) < 0.015  # standard error .005
    assert np.mean(plain) < np.mean(gaps) - 0.015


def test_expected_concordance_needs_all_or_nothing_of_the_follow_up():
    with pytest.raises(ValueError, match="together, or none"):
        model_based_concordance([1.0, 2.0], [1, 1], [1.0, 2.0])
    with pytest.raises(ValueError, match="at least 2"):
        model_based_concordance([1.0])


# -- membership -----------------------------------------------------------------------------------------------------


def test_patients_of_one_population_cannot_be_told_apart():
    found = [
        membership_model(*(np.random.default_rng([seed, k]).normal(size=(120, 3)) for k in (0, 1)), seed=seed).c
        for seed in range(8)
    ]
    assert np.mean(found) == pytest.approx(0.5, abs=0.04)  # judged on its own patients it would be .56


def test_a_shift_of_d_sd_is_told_by_phi_of_d_over_root_two():
    rng = np.random.default_rng(2)
    home = pd.DataFrame({"age": rng.normal(size=800), "risk": rng.normal(size=800)})
    found = membership_model(home, home + [1.0, 0.0])
    assert found.c == pytest.approx(0.760, abs=0.03)
    assert found.difference.loc["age", "other mean"] - found.difference.loc["age", "home mean"] == pytest.approx(1.0)


def test_other_columns_are_refused():
    home = pd.DataFrame({"age": np.arange(20.0)})
    with pytest.raises(ValueError, match="same columns"):
        membership_model(home, home.rename(columns={"age": "sex"}))
    with pytest.raises(ValueError, match="at least 10"):
        membership_model(home, home.head(5))


# -- updating -------------------------------------------------------------------------------------------------------


def test_updates_are_poisson_regressions():
    risk, event, time = patients(400, 3, ratio=1.5, slope=0.6)
    columns = np.random.default_rng(4).normal(size=(400, 2))
    found = update_model(risk, event, time, EXPONENTIAL, columns=columns)
    offset, family = np.log(EXPONENTIAL(time)), sm.families.Poisson()
    large = sm.GLM(event.astype(float), np.ones((400, 1)), family=family, offset=offset + risk).fit()
    slope = sm.GLM(event.astype(float), sm.add_constant(risk), family=family, offset=offset).fit()
    z = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    refit = sm.GLM(event.astype(float), sm.add_constant(np.column_stack([risk, z])), family=family, offset=offset).fit()
    np.testing.assert_allclose(found.coefficients["in the large"], large.params, atol=1e-6)
    np.testing.assert_allclose(found.coefficients["slope"], slope.params, atol=1e-6)
    np.testing.assert_allclose(found.coefficients["refit"] + [0, 1, 0, 0], refit.params, atol=1e-6)
    likelihood = found.table["log likelihood"]
    assert likelihood["slope"] - likelihood["in the large"] == pytest.approx(slope.llf - large.llf, abs=1e-6)
    assert found.table.loc["none", "df"] == 4
    np.testing.assert_allclose(found.updated(risk, step="slope"), slope.params[0] + slope.params[1] * risk, atol=1e-6)
    linear = sm.add_constant(np.column_stack([risk, z])) @ refit.params
    np.testing.assert_allclose(found.updated(risk, columns=columns, step="refit"), linear, atol=1e-5)


def test_in_the_large_makes_expected_deaths_the_observed_ones():
    risk, event, time = patients(300, 5, ratio=2.0)
    found = update_model(risk, event, time, EXPONENTIAL)
    expected = np.sum(EXPONENTIAL(time) * np.exp(found.updated(risk, step="in the large")))
    assert expected == pytest.approx(event.sum(), rel=1e-6)
    moved = found.updated_baseline(EXPONENTIAL)
    assert np.sum(moved(time) * np.exp(risk)) == pytest.approx(event.sum(), rel=1e-6)


def test_the_closed_test_leaves_a_right_model_alone_and_finds_what_is_wrong():
    chosen = [update_model(*patients(150, seed), EXPONENTIAL).chosen for seed in range(200)]
    assert np.mean([step != "none" for step in chosen]) < 0.12  # nominal .05, standard error .015
    assert update_model(*patients(600, 6, ratio=2.0), EXPONENTIAL).chosen == "in the large"
    assert update_model(*patients(600, 7, slope=0.4), EXPONENTIAL).chosen == "slope"


def test_a_code_that_holds_the_log_risk_counts_once():
    risk, event, time = patients(300, 8)
    other = np.random.default_rng(9).normal(size=300)
    code = np.column_stack([risk + other, other])
    assert update_model(risk, event, time, EXPONENTIAL, columns=code).table.loc["refit", "parameters"] == 3


def test_beyond_the_last_death_of_home_nobody_counts():
    short = BaselineHazard(np.array([0.5, 1.0]), np.log([0.5, 1.0]))
    risk, event, time = patients(200, 10, end=3.0)
    early = update_model(risk, event & (time <= 1), time.clip(max=1.0), short)
    assert update_model(risk, event, time, short).log_ratio == pytest.approx(early.log_ratio)
    with pytest.raises(ValueError, match="none of the 200 patients died before the baseline ends"):
        update_model(risk, event & (time > 1), time, short)


# -- heterogeneity --------------------------------------------------------------------------------------------------

BCG = np.array(
    [
        [4, 119, 11, 128], [6, 300, 29, 274], [3, 228, 11, 209], [62, 13536, 248, 12619], [33, 5036, 47, 5761],
        [180, 1361, 372, 1079], [8, 2537, 10, 619], [505, 87886, 499, 87892], [29, 7470, 45, 7232],
        [17, 1699, 65, 1600], [186, 50448, 141, 27197], [5, 2493, 3, 2338], [27, 16886, 29, 17825],
    ],
    float,
)  # fmt: skip
"""BCG vaccine: ill and well among the vaccinated, ill and well among the others (Colditz et al. 1994)."""


def bcg(**changes):
    a, b, c, d = BCG.T
    log_ratio, variance = np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)
    return heterogeneity(log_ratio, np.sqrt(variance), **changes)


def test_heterogeneity_is_that_of_metafor():
    # printed by R: rma(yi, vi, data = dat) and rma(..., test = "knha"); predict(res, transf = exp, digits = 2)
    normal, few = bcg(knapp_hartung=False), bcg()
    assert round(normal.tau2, 4) == round(few.tau2, 4) == 0.3132
    assert round(100 * normal.i2, 2) == 92.22 and round(normal.q, 3) == 152.233
    assert (round(normal.mean, 4), round(normal.se, 4)) == (-0.7145, 0.1798)
    np.testing.assert_array_equal(np.round(normal.interval(), 4), [-1.0669, -0.3622])
    assert round(few.se, 4) == 0.1808
    np.testing.assert_array_equal(np.round(few.interval(), 4), [-1.1084, -0.3206])
    np.testing.assert_array_equal(np.round(np.exp(few.prediction_interval()), 2), [0.14, 1.76])


def test_centres_that_agree_have_no_heterogeneity_and_scales_go_there_and_back():
    found = heterogeneity([0.7, 0.7, 0.7], [0.05, 0.03, 0.04], scale="logit")
    assert found.tau2 == 0 and found.i2 == 0 and found.average == pytest.approx(0.7)
    assert heterogeneity([2.0, 2.0], [0.1, 0.2], scale="log").average == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([0.7], [0.1]), "fewer than 2"),
        (([0.7, 0.6], [0.1, 0.0]), "above 0"),
        (([0.7, 1.2], [0.1, 0.1], "logit"), "does not suit"),
        (([0.7, 0.6], [0.1, 0.1], "probit"), "scale must be one of"),
    ],
)
def test_estimates_that_cannot_be_pooled_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        heterogeneity(*given[:2], scale=(*given, "identity")[2])


def test_each_centre_is_judged_by_a_model_that_never_saw_it():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(360, 2))
    time = rng.exponential(np.exp(-X[:, 0]))
    event, time, centre = time < 2, time.clip(max=2), np.repeat(["a", "b", "c"], 120)
    found = internal_external(cl.CoxRecipe(), X, event, time, centre)
    alone = cl.CoxRecipe().fit(X[120:], event[120:], time[120:])
    np.testing.assert_allclose(found.log_risk[:120], alone.predict_log_risk(X[:120]))
    assert found.table.loc["a", "C"] == concordance(found.log_risk[:120], event[:120], time[:120]).c
    assert found.observed_over_expected.average == pytest.approx(1.0, abs=0.3)
    with pytest.raises(ValueError, match="at least three centres"):
        internal_external(cl.CoxRecipe(), X, event, time, np.repeat(["a", "b"], 180))
    with pytest.raises(ValueError, match="centre 'a' cannot be judged"):
        internal_external(cl.CoxRecipe(), X, event & (centre != "a"), time, centre)


# -- sizes ----------------------------------------------------------------------------------------------------------


def test_published_sizes_of_external_validation():
    # pmvalsampsize: 905, 4544 (by simulation), 4252 for the published example; 2958 (by simulation) in all
    needed = external_sample_size(0.018, concordance=0.8, log_odds_mean=-5, log_odds_sd=2.5, oe_width=1)
    assert (needed.n_observed_over_expected, needed.n_concordance) == (905, 4252)
    assert needed.n_slope == pytest.approx(4544, rel=0.005) and needed.n == needed.n_slope
    assert needed.n_deaths == np.ceil(0.018 * needed.n)
    common = external_sample_size(0.2, concordance=0.78, log_odds_mean=-1.75, log_odds_sd=1.22)
    assert common.n == pytest.approx(2958, rel=0.005)


def test_published_size_for_the_slope_of_a_beta_distribution():
    p = beta_distribution.ppf(
        (np.arange(100_001) + 0.5) / 100_001, 0.5, 0.5
    )  # pmvalsampsize(lpbeta = (0.5, 0.5)): 1644
    assert slope_sample_size(np.log(p / (1 - p))) == pytest.approx(1644, rel=0.003)


def test_sizes_out_of_range_are_refused():
    with pytest.raises(ValueError, match="share lies in"):
        external_sample_size(1.2, concordance=0.8, log_odds_mean=0, log_odds_sd=1)
    with pytest.raises(ValueError, match="must be above 0"):
        external_sample_size(0.2, concordance=0.8, log_odds_mean=0, log_odds_sd=0)
    with pytest.raises(ValueError, match="differ from each other"):
        slope_sample_size([1.0, 1.0])
