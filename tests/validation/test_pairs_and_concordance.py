"""Concordance: R's printed counts, a naive twin, the meaning of the standard error, and errors."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.survival import concordance_counts
from cardiolib.validation import compare_concordance, concordance, uncensored_probability, uno_concordance
from cardiolib.validation.concordance import logit_interval

AML_TIME = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161]
AML_EVENT = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0]
AML_X = np.array([1, 6, 2, 7, 3, 7, 3, 8, 4, 4, 5])


def naive_concordance(risk, event, time, weight, strata):
    """O(n^2), pair by pair: concordant, tied, comparable, and the influence of each patient."""
    n = len(risk)
    right, comparable = np.zeros(n), np.zeros(n)
    concordant = tied = total = 0.0
    for i in range(n):
        for j in range(n):
            if not event[i] or strata[i] != strata[j]:
                continue
            if time[j] > time[i] or (time[j] == time[i] and not event[j]):
                score = 1.0 if risk[i] > risk[j] else 0.5 if risk[i] == risk[j] else 0.0
                concordant += weight[i] * (score == 1.0)
                tied += weight[i] * (score == 0.5)
                total += weight[i]
                for k in (i, j):
                    right[k] += weight[i] * score
                    comparable[k] += weight[i]
    c = (concordant + 0.5 * tied) / total if total else np.nan
    return concordant, tied, total, (right - c * comparable) / total if total else right


@pytest.fixture(scope="module")
def known(shared_dir):
    text = (shared_dir / "reference" / "survival_known_answers.json").read_text(encoding="utf-8")
    return {entry["id"]: {k: v["value"] for k, v in entry["expected"].items()} for entry in json.loads(text)["entries"]}


@pytest.fixture(scope="module")
def lung():
    from lifelines.datasets import load_lung

    return load_lung()


@pytest.fixture(scope="module")
def rossi():
    from lifelines.datasets import load_rossi

    return load_rossi()


def cox_predictor(table, columns, time, event):
    """Linear predictor of an Efron Cox model."""
    from lifelines import CoxPHFitter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = CoxPHFitter().fit(table[[*columns, time, event]], time, event, fit_options={"precision": 1e-12})
    return table[columns].to_numpy() @ fit.params_.to_numpy()


def test_aml_counts_against_r_and_the_sign_matters():
    low = concordance(-AML_X, AML_EVENT, AML_TIME)
    assert (low.concordant, low.discordant, low.tied_risk, low.comparable) == (24, 14, 2, 40)
    assert low.c == 0.625
    assert low.se == pytest.approx(0.128847050801, abs=1e-9)
    high = concordance(AML_X, AML_EVENT, AML_TIME)
    assert (high.concordant, high.discordant, high.tied_risk) == (14, 24, 2)


def test_aml_case_weights_against_r_by_repeating_rows():
    rows = np.repeat(np.arange(11), [1, 2, 3, 2, 1, 2, 3, 4, 3, 2, 1])
    c = concordance(AML_X[rows], np.array(AML_EVENT)[rows], np.array(AML_TIME)[rows])
    assert (c.concordant, c.discordant, c.tied_risk) == (70, 91, 7)


def test_lung_against_r(lung, known):
    ecog = lung.dropna(subset=["ph.ecog"])
    cases = {
        "lung_concordance_phecog": (ecog["ph.ecog"], ecog, None),
        "lung_concordance_age": (lung["age"], lung, None),
        "lung_concordance_age_strata_sex": (lung["age"], lung, lung["sex"]),
        "lung_concordance_age_sex": (cox_predictor(lung, ["age", "sex"], "time", "status"), lung, None),
    }
    for name, (risk, rows, strata) in cases.items():
        c, answer = concordance(risk, rows["status"], rows["time"], strata=strata), known[name]
        assert (c.concordant, c.discordant, c.tied_risk) == (
            answer["concordant"],
            answer["discordant"],
            answer["tied_risk"],
        )
        assert c.c == pytest.approx(answer["C"], abs=1e-9)
        assert c.se == pytest.approx(answer["ij_se"], abs=1e-9)


def test_uno_on_lung_against_left_continuous_references(lung, known):
    ecog = lung.dropna(subset=["ph.ecog"])
    age = uno_concordance(lung["age"], lung["status"], lung["time"])
    assert age.c == pytest.approx(known["lung_concordance_age"]["uno_C_left_continuous_G"], abs=1e-9)
    assert age.se == pytest.approx(known["lung_concordance_age"]["uno_ij_se_weights_fixed"], abs=1e-9)
    performance = uno_concordance(ecog["ph.ecog"], ecog["status"], ecog["time"])
    assert performance.c == pytest.approx(known["lung_concordance_phecog"]["uno_C_left_continuous_G"], abs=1e-9)


def test_rossi_and_gbsg2_against_r(rossi, known):
    from lifelines.datasets import load_gbsg2

    columns = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    gbsg = load_gbsg2()
    markers = ["age", "tsize", "pnodes", "progrec", "estrec"]
    found = {
        "rossi_cox_all7": concordance(cox_predictor(rossi, columns, "week", "arrest"), rossi["arrest"], rossi["week"]),
        "gbsg2": concordance(cox_predictor(gbsg, markers, "time", "cens"), gbsg["cens"], gbsg["time"]),
    }
    for name, c in found.items():
        assert (c.concordant, c.discordant) == (known[name]["concordant"], known[name]["discordant"])
        assert c.c == pytest.approx(known[name]["C"], abs=1e-8)
        assert c.se == pytest.approx(known[name]["ij_se"], abs=1e-8)


def test_paired_comparison_against_references(lung, rossi, known):
    ecog = lung.dropna(subset=["ph.ecog"])
    rng = np.random.default_rng(4)
    z = rng.normal(size=302)
    death, end = rng.exponential(np.exp(-0.9 * z)), rng.exponential(0.42, size=302)
    a, b = z + rng.normal(size=302), z + rng.normal(size=302)
    money = cox_predictor(rossi, ["fin", "wexp", "mar"], "week", "arrest")
    found = {
        "lung_paired_age_vs_phecog": compare_concordance(ecog["age"], ecog["ph.ecog"], ecog["status"], ecog["time"]),
        "rossi_paired_age_prio_vs_fin_wexp_mar": compare_concordance(
            cox_predictor(rossi, ["age", "prio"], "week", "arrest"), money, rossi["arrest"], rossi["week"]
        ),
        "generated_pair_seed4": compare_concordance(a, b, death <= end, np.minimum(death, end)),
    }
    for name, pair in found.items():
        answer = known[name]
        assert (pair.a.c, pair.b.c, pair.a.se, pair.b.se) == pytest.approx(
            (answer["C_A"], answer["C_B"], answer["se_A"], answer["se_B"]), abs=1e-7
        )
        assert (pair.difference, pair.se) == pytest.approx(
            (answer["difference_A_minus_B"], answer["ij_se_of_difference"]), abs=1e-7
        )
        assert pair.correlation == pytest.approx(answer["correlation"], abs=1e-6)
        assert (pair.z, pair.p_value) == pytest.approx((answer["z"], answer["p_two_sided"]), abs=1e-5)


rows_of_patients = st.lists(
    st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 4), st.integers(0, 1)), min_size=2, max_size=25
)


@settings(max_examples=60, deadline=None)
@given(rows_of_patients)
def test_fenwick_equals_the_naive_twin_with_ties_and_strata(rows):
    risk, event, time, strata = (np.array(column) for column in zip(*rows, strict=True))
    concordant, tied, total, influence = naive_concordance(risk, event, time, np.ones(len(risk)), strata)
    if total == 0:
        with pytest.raises(ValueError, match="comparable pair"):
            concordance(risk, event, time, strata=strata)
        return
    c = concordance(risk, event, time, strata=strata)
    assert (c.concordant, c.tied_risk, c.comparable) == (concordant, tied, total)
    np.testing.assert_allclose(c.influence, influence, atol=1e-14)
    assert c.influence.sum() == pytest.approx(0, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(rows_of_patients)
def test_counts_equal_those_of_the_survival_package(rows):
    risk, event, time, _ = (np.array(column) for column in zip(*rows, strict=True))
    counts = concordance_counts(risk, event, time)
    if counts.comparable:
        c = concordance(risk, event, time)
        assert (c.concordant, c.discordant, c.tied_risk, c.comparable) == counts


@settings(max_examples=40, deadline=None)
@given(rows_of_patients)
def test_uno_equals_the_naive_twin_with_its_weights(rows):
    risk, event, time, _ = (np.array(column) for column in zip(*rows, strict=True))
    weight = 1 / uncensored_probability(event, time) ** 2
    concordant, tied, total, influence = naive_concordance(risk, event, time, weight, np.zeros(len(risk)))
    if total:
        c = uno_concordance(risk, event, time)
        assert (c.concordant, c.tied_risk, c.comparable) == pytest.approx((concordant, tied, total))
        np.testing.assert_allclose(c.influence, influence, atol=1e-12)


def simulated(seed, n=200, effect=0.9):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    death, end = rng.exponential(np.exp(-effect * z)), rng.exponential(0.42, size=n)
    return z + rng.normal(size=n), death <= end, np.minimum(death, end)


def test_influence_is_the_derivative_with_respect_to_case_weight():
    risk, event, time = simulated(1, n=60)
    c = concordance(risk, event, time)
    copies = 400  # one extra copy among 400 is a step of 1/400 in one case weight
    everyone = np.tile(np.arange(60), copies)
    for patient in (3, 17, 41):
        rows = np.append(everyone, patient)
        more = concordance(risk[rows], event[rows], time[rows]).c
        base = concordance(risk[everyone], event[everyone], time[everyone]).c
        # copies of one patient share time and outcome, so they are never compared with each other
        assert (more - base) * copies == pytest.approx(c.influence[patient], rel=0.02, abs=2e-5)


def test_order_of_rows_shift_scale_and_reversal():
    risk, event, time = simulated(2)
    c = concordance(risk, event, time)
    order = np.random.default_rng(0).permutation(risk.size)
    assert concordance(risk[order], event[order], time[order]).c == c.c
    assert concordance(3 * risk + 100, event, time).c == c.c
    assert concordance(1e-12 * risk, event, time).c == c.c
    assert concordance(-risk, event, time).c == pytest.approx(1 - c.c, abs=1e-14)
    assert concordance(-risk, event, time).se == pytest.approx(c.se, rel=1e-10)


def test_a_monotone_map_of_the_risks_changes_nothing():
    risk, event, time = simulated(6, n=300)
    other = np.random.default_rng(0).normal(size=300)
    expected, paired = concordance(risk, event, time), compare_concordance(risk, other, event, time)
    for transform in (lambda r: np.exp(8 * r), lambda r: np.exp(12 * r), np.arctan, lambda r: r**3 * 1e-200):
        found = concordance(transform(risk), event, time)
        assert (found.c, found.se, found.tied_risk) == (expected.c, expected.se, 0)
        assert uno_concordance(transform(risk), event, time).c == uno_concordance(risk, event, time).c
        assert compare_concordance(transform(risk), transform(other), event, time).p_value == paired.p_value


def test_one_enormous_risk_ties_nobody_else():
    risk, event, time = simulated(6, n=300)
    top = np.argmax(risk)
    expected = concordance(risk, event, time).c
    risk[top] = 1e10
    assert concordance(risk, event, time).c == expected
    risk[top] = np.inf
    for statistic in (concordance, uno_concordance):
        with pytest.raises(ValueError, match=rf"log_risk is not finite in rows \[{top}\]"):
            statistic(risk, event, time)


def test_standard_error_agrees_with_the_spread_over_data_sets():
    results = [concordance(*simulated(seed, n=150)) for seed in range(200)]
    spread = np.std([c.c for c in results], ddof=1)
    assert np.mean([c.se for c in results]) == pytest.approx(spread, rel=0.15)  # 3 Monte-Carlo SE of a spread
    truth = np.mean([c.c for c in results])
    covered = np.mean([low <= truth <= high for low, high in (c.interval() for c in results)])
    assert 0.90 <= covered <= 0.99


def test_paired_test_of_equal_models_rejects_about_five_percent():
    rejected = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        z = rng.normal(size=150)
        death, end = rng.exponential(np.exp(-0.9 * z)), rng.exponential(0.42, size=150)
        a, b = z + rng.normal(size=150), z + rng.normal(size=150)
        rejected.append(compare_concordance(a, b, death <= end, np.minimum(death, end)).p_value < 0.05)
    assert 0.01 <= np.mean(rejected) <= 0.10


def test_same_ranking_compares_as_identical():
    risk, event, time = simulated(3)
    pair = compare_concordance(risk, np.exp(risk), event, time)
    assert (pair.difference, pair.se, pair.p_value) == (0, 0, 1)
    assert "p (approximate)" in pair.table().columns


def test_perfect_ranking_keeps_its_interval_inside_the_unit_interval():
    c = concordance([3, 2, 1, 0], [1, 1, 1, 0], [1, 2, 3, 4])
    assert (c.c, c.interval()) == (1.0, (1.0, 1.0))
    assert logit_interval(0.97, 0.05)[1] < 1
    assert c.table()["deaths"].item() == 3


def test_uncensored_probability_of_a_table_done_by_hand():
    # 5 patients: death 1, censored 2, death and censoring together at 3, censored 4
    found = uncensored_probability([1, 0, 1, 0, 0], [1, 2, 3, 3, 4])
    # at 2 four are at risk: 3/4 stay. At 3 the death leaves first: of 2 left one is censored: 3/4 * 1/2.
    np.testing.assert_allclose(found, [1, 1, 0.75, 0.75, 0.375])


def test_uno_tau_drops_late_deaths():
    risk, event, time = simulated(5)
    tau = np.quantile(time, 0.6)
    early = event & (time < tau)
    weight = np.where(early, 1 / uncensored_probability(event, time) ** 2, 0)
    concordant, tied, total, _ = naive_concordance(risk, event, time, weight, np.zeros(risk.size))
    assert uno_concordance(risk, event, time, tau=tau).c == pytest.approx((concordant + tied / 2) / total)


def test_tau_is_a_time_with_a_death_before_it():
    risk, event, time = simulated(5)
    for tau in (np.nan, 0, -1, "1", True):
        with pytest.raises(ValueError, match="tau must be a time"):
            uno_concordance(risk, event, time, tau=tau)
    with pytest.raises(ValueError, match="no death lies before tau"):
        uno_concordance(risk, event, time, tau=time[event].min())


@pytest.mark.field_fault("K15")
def test_the_second_risk_is_named_when_it_is_wrong():
    risk, event, time = simulated(5)
    with pytest.raises(ValueError, match=r"log_risk_b is not finite in rows \[3\]"):
        compare_concordance(risk, np.where(np.arange(risk.size) == 3, np.inf, risk), event, time)
    index = [f"P{i}" for i in range(risk.size)]
    a, b = pd.Series(risk, index), pd.Series(risk, index[::-1])
    with pytest.raises(ValueError, match="log_risk_a and log_risk_b name the same patients in different order"):
        compare_concordance(a, b, event, time)
