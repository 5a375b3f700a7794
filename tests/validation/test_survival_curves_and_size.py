"""Kaplan-Meier groups against R and lifelines, numbers at risk at the start of a period; Riley sample sizes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cardiolib.validation import (
    compare_groups,
    kaplan_meier_groups,
    max_parameters,
    max_r2_cox_snell,
    minimum_sample_size,
    numbers_at_risk,
    risk_groups,
    survival_at,
)


@pytest.fixture(scope="module")
def lung():
    from lifelines.datasets import load_lung

    return load_lung()


def test_lung_by_sex_against_r(lung, shared_dir):
    text = (shared_dir / "reference" / "survival_known_answers.json").read_text(encoding="utf-8")
    known = {e["id"]: {k: v["value"] for k, v in e["expected"].items()} for e in json.loads(text)["entries"]}
    km, test = known["lung_kaplan_meier"], known["lung_logrank_sex"]
    found = compare_groups(
        lung["sex"] == 1, lung["status"], lung["time"], names=("female", "male"), at_risk_times=[180, 365, 730]
    )
    assert (found.logrank_chi2, found.logrank_p) == pytest.approx((test["chi2"], test["p"]), abs=1e-8)
    for sex in ("female", "male"):
        assert found.summary.loc[sex, "median survival"] == km[f"{sex}_median_days"]
        assert survival_at(found.curves, sex, [180, 365, 730]) == pytest.approx(km[f"{sex}_S_at_180_365_730"], abs=1e-9)
        assert found.at_risk.loc[sex].tolist() == km[f"{sex}_n_at_risk_at_180_365_730"]


def test_gbsg2_log_rank_against_r():
    from lifelines.datasets import load_gbsg2

    gbsg = load_gbsg2()
    found = compare_groups(gbsg["horTh"] == "no", gbsg["cens"], gbsg["time"], names=("treated", "untreated"))
    assert found.logrank_chi2 == pytest.approx(8.56478085354, abs=1e-8)
    assert found.summary["median survival"].tolist() == [2018.0, 1528.0]


def test_numbers_at_risk_count_the_start_of_the_period():
    table = numbers_at_risk([1, 2, 2, 3], np.array([0, 0, 1, 1]), [0, 2, 2.5, 9])
    assert table.loc[0].tolist() == [2, 1, 0, 0]  # time >= t: a patient seen until 2 is at risk at 2
    assert table.loc[1].tolist() == [2, 2, 1, 0]


def test_groups_by_quantile():
    assert risk_groups([0.0, 1, 2, 3]).tolist() == [0, 0, 1, 1]
    assert risk_groups([0.0, 1, 2]).tolist() == [0, 0, 1]  # the median itself is not high risk
    assert risk_groups(np.arange(9.0), n_groups=3).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_tertiles_have_two_hazard_ratios_and_default_times():
    rng = np.random.default_rng(0)
    risk = rng.normal(size=150)
    time, event = rng.exponential(4 * np.exp(-risk)), rng.random(150) < 0.7
    found = kaplan_meier_groups(risk, event, time, n_groups=3)
    assert found.names == ("low risk", "middle risk", "high risk")
    ratios = found.summary["hazard ratio"]
    assert np.isnan(ratios.iloc[0])
    assert 1 < ratios.iloc[1] < ratios.iloc[2]
    assert found.summary["deaths"].sum() == event.sum()
    assert found.at_risk.iloc[:, 0].tolist() == [50, 50, 50]
    assert 4 <= found.at_risk.shape[1] <= 9
    assert (found.curves.groupby("group")["survival"].first() == 1).all()


def test_a_group_without_deaths_has_no_hazard_ratio():
    found = kaplan_meier_groups([0.0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0], [5, 6, 7, 1, 2, 3])
    assert found.summary["hazard ratio"].isna().all()
    assert found.summary.loc["low risk", "median survival"] == np.inf


@pytest.mark.parametrize(
    ("risk", "event", "message"),
    [
        ([0.0, 1, 2], [0, 0, 0], "died"),
        ([0.0, 1], [1, 1, 0], "shape"),
        ([0.0, np.nan, 1], [1, 1, 0], "out-of-bag"),
        ([1.0, 1, 1], [1, 1, 0], "ties"),
    ],
)
def test_what_is_not_accepted(risk, event, message):
    with pytest.raises(ValueError, match=message):
        kaplan_meier_groups(risk, event, [1, 2, 3])


def test_unknown_groups_are_named():
    found = kaplan_meier_groups([0.0, 1, 2, 3], [1, 1, 1, 1], [4, 3, 2, 1])
    with pytest.raises(ValueError, match="low risk"):
        survival_at(found.curves, "middle", [1])
    with pytest.raises(ValueError, match="0 to 1"):
        compare_groups([0, 0, 2], [1, 1, 1], [1, 2, 3], names=("a", "b"))
    with pytest.raises(ValueError, match="n_groups"):
        risk_groups([0.0, 1], n_groups=1)
    with pytest.raises(ValueError, match="one length"):
        numbers_at_risk([1, 2], np.array([0]), [0])


def test_sample_size_against_r_pmsampsize():
    for r2, wanted in ((0.051, (4286, 866)), (0.065, (3335, 859))):
        found = minimum_sample_size(25, r2_cox_snell=r2, event_rate=0.065, mean_follow_up=2.07)
        assert (found.n_shrinkage, found.n_optimism) == wanted
        assert found.n == max(wanted)


def test_parameters_that_the_papers_cohort_supports():
    # 302 patients, 85 deaths: Bello et al. 2019; formula of Riley et al. 2019
    assert max_r2_cox_snell(302, 85) == pytest.approx(0.721005305761, abs=1e-9)
    found = [max_parameters(302, 85, fraction_of_max_r2=f) for f in (0.15, 0.30, 0.50)]
    assert found == pytest.approx([3.86631841138, 8.3013115688, 15.4550582572], abs=1e-6)


def test_sample_size_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="events"):
        max_r2_cox_snell(10, 11)
    with pytest.raises(ValueError, match="not possible"):
        minimum_sample_size(5, r2_cox_snell=0.8, event_rate=0.05, mean_follow_up=1)
    with pytest.raises(ValueError, match="n_parameters"):
        minimum_sample_size(0, r2_cox_snell=0.1, event_rate=0.05, mean_follow_up=1)
    with pytest.raises(ValueError, match="fraction"):
        max_parameters(302, 85, fraction_of_max_r2=15)


@pytest.mark.field_fault("K7")
def test_a_hazard_ratio_that_is_missing_is_explained():
    time = np.arange(1.0, 21.0)
    separated = compare_groups(time <= 10, np.ones(20), time, names=("late", "early"))
    assert separated.summary["hazard ratio"].isna().all()
    assert "note: no hazard ratio" in repr(separated) and "separate the deaths" in repr(separated)
    assert "separate the deaths" in separated._repr_html_()
    nobody = compare_groups(np.arange(20) % 2, np.arange(20) % 2 == 0, time, names=("a", "b"))
    assert nobody.notes == ("no hazard ratio of 'b': nobody in it died",)
    assert compare_groups(np.arange(20) % 2, np.ones(20), time, names=("a", "b")).notes == ()


def test_groups_are_whole_numbers_with_names_of_their_own():
    time, event = np.arange(1.0, 21.0), np.ones(20)
    for group in (np.arange(20) % 2 * 0.7, np.where(np.arange(20) % 2, "1", "0"), [None, *[1, 0] * 9, 1]):
        with pytest.raises(ValueError, match="group must be whole numbers"):
            compare_groups(group, event, time, names=("a", "b"))
    with pytest.raises(ValueError, match="names must be all different"):
        compare_groups(np.arange(20) % 2, event, time, names=("a", "a"))
    with pytest.raises(ValueError, match="group must hold numbers 0 to 1"):
        numbers_at_risk(time, np.where(np.arange(20) % 2, 1, -1), [0], names=("a", "b"))
    with pytest.raises(ValueError, match="n_groups"):
        kaplan_meier_groups(time, event, time, n_groups=2.5)
    small = numbers_at_risk(np.array([1, 250], np.uint8), [0, 1], [-1, 300])
    assert small.to_numpy().tolist() == [[1, 0], [1, 0]]
