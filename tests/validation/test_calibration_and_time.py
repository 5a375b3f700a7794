"""Absolute risk, Brier score, AUC at a time, calibration and net benefit: known answers, naive twins, known truth."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.survival.cox import breslow_baseline
from cardiolib.validation import (
    BootstrapStore,
    brier_score,
    calibrate,
    draw_bag,
    hazard_ratio_per_sd,
    integrated_brier_score,
    net_benefit,
    null_brier_score,
    out_of_bag_absolute_risk,
    performance_over_time,
    replicate_slopes,
    time_dependent_auc,
    uncensored_probability,
)
from cardiolib.validation.absolute_risk import calibration_slope, replicate_baseline
from cardiolib.validation.time_dependent import observed_risk


@pytest.fixture(scope="module")
def rossi():
    """Linear predictor, event, time and risk at week 50 of an Efron Cox model, Breslow baseline."""
    from lifelines import CoxPHFitter
    from lifelines.datasets import load_rossi

    table = load_rossi()
    columns = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = CoxPHFitter().fit(table, "week", "arrest", fit_options={"precision": 1e-12})
    eta = table[columns].to_numpy() @ fit.params_[columns].to_numpy()
    event, time = table["arrest"].to_numpy(bool), table["week"].to_numpy(float)
    risk = 1 - breslow_baseline(eta, event, time).survival(eta, 50.0)[:, 0]
    return eta, event, time, risk


@pytest.fixture(scope="module")
def answer(shared_dir):
    text = (shared_dir / "reference" / "survival_known_answers.json").read_text(encoding="utf-8")
    entry = next(entry for entry in json.loads(text)["entries"] if entry["id"] == "rossi_risk_at_week_50")
    return {name: item["value"] for name, item in entry["expected"].items()}


def test_rossi_at_week_50_against_known_answers(rossi, answer):
    eta, event, time, risk = rossi
    assert risk[:3] == pytest.approx(answer["risk_first_three_rows"], abs=1e-7)
    found = calibrate(risk, event, time, 50)
    assert found.predicted == pytest.approx(answer["mean_predicted_risk"], abs=1e-7)
    assert found.observed == pytest.approx(answer["observed_KM_risk"], abs=1e-9)
    assert found.observed_over_expected == pytest.approx(answer["observed_over_expected"], abs=1e-6)
    assert time_dependent_auc(eta, event, time, 50) == pytest.approx(answer["AUC"], abs=1e-9)
    score = brier_score(risk, event, time, 50)
    assert score == pytest.approx(answer["Brier"], abs=1e-7)
    assert 1 - score / null_brier_score(event, time, 50) == pytest.approx(answer["IPA"], abs=1e-6)
    curve = net_benefit(risk, event, time, 50, [0.1, 0.2, 0.3]).set_index("threshold")
    for threshold in (0.1, 0.2, 0.3):
        for column, name in (("model", "model"), ("treat_all", "treat_all")):
            assert curve.loc[threshold, column] == pytest.approx(answer[f"net_benefit_{name}_at_{threshold}"], abs=1e-9)


def test_a_cox_model_on_its_own_patients_has_slope_one(rossi):
    eta, event, time, risk = rossi
    assert calibration_slope(eta, event, time) == pytest.approx(1.0, abs=1e-6)
    assert calibrate(risk, event, time, 50).slope == pytest.approx(1.0, abs=1e-4)
    assert calibration_slope(2 * eta, event, time) == pytest.approx(0.5, abs=1e-6)


def naive_at(score, event, time, at):
    """Weighted AUC and the weights, pair by pair."""
    before = uncensored_probability(event, time)
    beyond = np.array(
        [
            np.prod(
                [
                    1 - np.sum((time == t) & ~event) / (np.sum(time >= t) - np.sum((time == t) & event))
                    for t in np.unique(time[~event])
                    if t <= at
                ]
            )
        ]
    )
    top = bottom = 0.0
    for i in range(len(time)):
        for j in range(len(time)):
            if event[i] and time[i] <= at < time[j]:
                w = 1 / before[i] / beyond[0]
                top += w * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
                bottom += w
    return top / bottom if bottom else np.nan, beyond[0], before


patients = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 8)), min_size=4, max_size=25)


@settings(max_examples=60, deadline=None)
@given(patients, st.integers(1, 7))
def test_auc_and_brier_against_naive_twins(rows, at):
    score, event, time = (np.array(column) for column in zip(*rows, strict=True))
    time = time.astype(float)
    if not (time > at).any():
        with pytest.raises(ValueError, match="outside the follow-up"):
            brier_score(np.zeros(time.size), event, time, at)
        return
    auc, beyond, before = naive_at(score, event, time, at)
    risk = score / 5
    by_hand = (
        sum(
            (1 - r) ** 2 / b if e and t <= at else r**2 / beyond if t > at else 0.0
            for r, e, t, b in zip(risk, event, time, before, strict=True)
        )
        / time.size
    )
    assert brier_score(risk, event, time, at) == pytest.approx(by_hand, abs=1e-12)
    if np.isnan(auc):
        with pytest.raises(ValueError, match="needs deaths"):
            time_dependent_auc(score, event, time, at)
    else:
        assert time_dependent_auc(score, event, time, at) == pytest.approx(auc, abs=1e-12)


def simulated(n=4000, seed=0, slope=1.0):
    """Exponential survival with known risk at time 1, a third censored; `slope` stretches what is predicted."""
    rng = np.random.default_rng(seed)
    eta = rng.normal(size=n)
    death, end = rng.exponential(np.exp(-eta) / 0.4), rng.exponential(3.0, size=n)
    event, time = death <= end, np.minimum(death, end)
    return eta, event, time, 1 - np.exp(-0.4 * np.exp(eta / slope))


def test_weights_for_censoring_recover_what_no_censoring_would_give():
    rng = np.random.default_rng(1)
    eta, _, _, risk = simulated(n=20000)
    death = rng.exponential(np.exp(-eta) / 0.4)
    end = rng.exponential(2.0, size=eta.size)
    everyone = np.ones(eta.size, bool)
    full = brier_score(risk, everyone, death, 1.0), time_dependent_auc(eta, everyone, death, 1.0)
    event, time = death <= end, np.minimum(death, end)
    censored = brier_score(risk, event, time, 1.0), time_dependent_auc(eta, event, time, 1.0)
    assert censored == pytest.approx(full, abs=0.006)


def test_true_risks_are_calibrated_and_stretched_ones_are_not():
    eta, event, time, risk = simulated()
    good = calibrate(risk, event, time, 1.0)
    assert good.slope == pytest.approx(1, abs=0.06)
    assert good.observed_over_expected == pytest.approx(1, abs=0.05)
    assert good.ici < 0.015
    assert good.e50 <= good.e90
    _, _, _, stretched = simulated(slope=0.5)
    bad = calibrate(stretched, event, time, 1.0)
    assert bad.slope == pytest.approx(0.5, abs=0.04)
    assert bad.ici > 5 * good.ici
    inside = (good.groups["low"] <= good.groups["predicted"]) & (good.groups["predicted"] <= good.groups["high"])
    assert inside.sum() >= 4


def test_smooth_curve_goes_through_the_groups():
    eta, event, time, _ = simulated()
    bad = calibrate(1 - np.exp(-0.4 * np.exp(2 * eta)), event, time, 1.0)
    curve = np.interp(bad.groups["predicted"], bad.curve["predicted"], bad.curve["observed"])
    np.testing.assert_allclose(curve, bad.groups["observed"], atol=0.06)


def test_explained_is_zero_for_kaplan_meier_and_positive_for_the_truth():
    eta, event, time, risk = simulated()
    table = performance_over_time(
        np.column_stack([risk, np.full(risk.size, observed_risk(event, time, 1.0))]), event, time, [1.0, 1.0]
    )
    assert table["explained"].iloc[0] > 0.1
    assert table["explained"].iloc[1] == pytest.approx(0, abs=1e-12)
    assert table["auc"].iloc[1] == 0.5
    assert integrated_brier_score(np.column_stack([risk, risk]), event, time, [0.9, 1.0]) == pytest.approx(
        (brier_score(risk, event, time, 0.9) + brier_score(risk, event, time, 1.0)) / 2
    )


def test_treating_nobody_gains_nothing_and_a_useless_model_gains_nothing_over_both():
    eta, event, time, risk = simulated()
    curve = net_benefit(np.full(risk.size, 0.3), event, time, 1.0, [0.2, 0.5])
    assert curve["model"].iloc[0] == pytest.approx(curve["treat_all"].iloc[0])
    assert curve["model"].iloc[1] == 0
    good = net_benefit(risk, event, time, 1.0, np.linspace(0.1, 0.7, 7))
    assert (good["model"] >= np.maximum(good["treat_all"], 0) - 0.01).all()


def bootstrap_store(spread=1.0, n=200, replicates=40):
    eta, event, time, _ = simulated(n=n, seed=3)
    bags = np.stack([draw_bag(0, b, n) for b in range(replicates)])
    return BootstrapStore([str(i) for i in range(n)], event, time, bags, np.tile(spread * eta, (replicates, 1))), eta


def test_absolute_risk_comes_from_the_bag_of_each_model():
    store, eta = bootstrap_store()
    risk = out_of_bag_absolute_risk(store, [0.5, 1.0])
    assert (np.diff(risk, axis=1) >= 0).all()
    patient = 7
    outside = np.flatnonzero(store.out_of_bag[:, patient])
    by_hand = np.mean([1 - np.exp(-replicate_baseline(store, b)(1.0) * np.exp(eta[patient])) for b in outside])
    assert risk[patient, 1] == pytest.approx(by_hand, rel=1e-12)
    np.testing.assert_allclose(risk[:, 1], 1 - np.exp(-0.4 * np.exp(eta)), atol=0.12)
    shifted = BootstrapStore(store.patient_id, store.event, store.time, store.in_bag, store.log_risk + 5)
    np.testing.assert_allclose(out_of_bag_absolute_risk(shifted, [0.5, 1.0]), risk, rtol=1e-9)


def test_slopes_of_replicates_show_a_model_that_is_too_sure():
    store, eta = bootstrap_store()
    right = replicate_slopes(store)
    assert right.mean() == pytest.approx(calibration_slope(eta, store.event, store.time), abs=0.1)
    np.testing.assert_allclose(replicate_slopes(bootstrap_store(spread=4.0)[0]), right / 4, rtol=1e-6)
    flat = BootstrapStore(store.patient_id, store.event, store.time, store.in_bag, np.zeros(store.in_bag.shape))
    assert replicate_slopes(flat).isna().all()


def test_hazard_ratio_per_sd_recovers_the_truth():
    eta, event, time, _ = simulated()
    row = hazard_ratio_per_sd(3 * eta, event, time)
    assert np.log(row["hazard ratio"]) == pytest.approx(eta.std(ddof=1), abs=0.07)
    assert row["95% low"] < row["hazard ratio"] < row["95% high"]
    assert row["p"] < 1e-20


def test_what_is_not_accepted():
    eta, event, time, risk = simulated(n=50)
    with pytest.raises(ValueError, match="between 0 and 1, not log risks"):
        brier_score(eta, event, time, 0.5)
    with pytest.raises(ValueError, match="one value a patient"):
        brier_score(risk[:-1], event, time, 0.5)
    with pytest.raises(ValueError, match="ascending"):
        integrated_brier_score(np.column_stack([risk, risk]), event, time, [1.0, 0.5])
    with pytest.raises(ValueError, match="one value a patient"):
        time_dependent_auc(eta[:-1], event, time, 0.5)
    with pytest.raises(ValueError, match="equal"):
        calibrate(np.full(50, 0.2), event, time, 0.5)
    with pytest.raises(ValueError, match="thresholds are risks"):
        net_benefit(risk, event, time, 0.5, [0.0])
    with pytest.raises(ValueError, match="not all equal"):
        hazard_ratio_per_sd(np.zeros(50), event, time)
    with pytest.raises(ValueError, match="nobody|none of the 50"):
        hazard_ratio_per_sd(eta, np.zeros(50, bool), time)
    message = ["boom"] + [""] * 39
    store, _ = bootstrap_store()
    failed = BootstrapStore(store.patient_id, store.event, store.time, store.in_bag, store.log_risk, message=message)
    with pytest.raises(ValueError, match="boom"):
        replicate_baseline(failed, 0)


@pytest.mark.field_fault("K14")
@pytest.mark.parametrize("values", [(0.2, 0.6), (0.0, 1.0), (0.2, 0.4, 0.6)])
def test_a_risk_score_of_few_values_is_calibrated_in_as_many_groups(values):
    eta, event, time, _ = simulated(n=300)
    risk = np.asarray(values)[np.searchsorted(np.quantile(eta, np.arange(1, len(values)) / len(values)), eta)]
    found = calibrate(risk, event, time, 1.0)
    assert np.isfinite([found.slope, found.ici, found.e90]).all()
    assert found.groups["predicted"].tolist() == pytest.approx(values)
    assert found.groups["patients"].sum() == 300
    for predicted, observed in found.groups[["predicted", "observed"]].to_numpy():
        rows = np.isclose(risk, predicted)
        assert observed == pytest.approx(observed_risk(event[rows], time[rows], 1.0))


@pytest.mark.field_fault("K14")
def test_equal_risks_are_called_equal_whatever_their_rounding():
    _, event, time, _ = simulated(n=50)
    for risk in (np.full(50, 0.1), 0.1 * (1 + 1e-16 * np.arange(50)), np.zeros(50)):
        with pytest.raises(ValueError, match="all predicted risks are equal"):
            calibrate(risk, event, time, 0.5)


@pytest.mark.field_fault("K15")
def test_times_outside_the_follow_up_are_refused_everywhere():
    eta, event, time, risk = simulated(n=80)
    doors = (
        lambda at: calibrate(risk, event, time, at),
        lambda at: net_benefit(risk, event, time, at, [0.2]),
        lambda at: brier_score(risk, event, time, at),
        lambda at: null_brier_score(event, time, at),
        lambda at: time_dependent_auc(eta, event, time, at),
    )
    for door in doors:
        for at in (time.max(), 2 * time.max(), 0, -1.0, np.nan, np.inf):
            with pytest.raises(ValueError, match="outside the follow-up"):
                door(at)
        for at in ("1", [0.5], None, np.timedelta64(1, "D"), True):
            with pytest.raises(ValueError, match="must be one number"):
                door(at)
        door(np.float32(0.5))


@pytest.mark.field_fault("K15")
def test_deaths_that_the_risk_separates_have_no_slope_and_it_is_said_why():
    time = np.arange(1.0, 41.0)
    everybody, perfect = np.ones(40, bool), np.linspace(0.95, 0.05, 40)
    assert np.isnan(calibration_slope(perfect, everybody, time))
    assert np.isnan(calibration_slope(np.where(time < 20, 1.0, 0.0), time < 20, time))
    found = calibrate(perfect, everybody, time, 20)
    assert np.isnan(found.slope)
    assert "note: the predictions separate" in repr(found)
    ratio = hazard_ratio_per_sd(perfect, everybody, time)
    assert ratio.isna().all()
    assert "separate the deaths" in ratio.attrs["note"]
    assert np.isnan(calibration_slope(perfect, ~everybody, time))
    assert np.isnan(calibration_slope(np.full(40, 0.1), everybody, time))
    with pytest.raises(ValueError, match="none of the 40 patients died"):
        calibrate(perfect, ~everybody, time, 20)


def test_risks_and_times_must_fit_each_other():
    _, event, time, risk = simulated(n=50)
    for wrong in (risk, np.column_stack([risk] * 3)):
        with pytest.raises(ValueError, match="one column for each of the times"):
            integrated_brier_score(wrong, event, time, [0.4, 0.5])
        with pytest.raises(ValueError, match="one column for each of the times"):
            performance_over_time(wrong, event, time, [0.4, 0.5])
    for thresholds in ([], [np.nan], [1.0], [[0.1]]):
        with pytest.raises(ValueError, match="thresholds"):
            net_benefit(risk, event, time, 0.5, thresholds)
    with pytest.raises(ValueError, match="n_groups"):
        calibrate(risk, event, time, 0.5, n_groups=0)
