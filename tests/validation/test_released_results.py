"""Everything that follows from the authors' released result files, without refitting (files not distributed)."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cardiolib.cohorts.authors_files import read_bootout, read_model_cstats
from cardiolib.validation import (
    BootstrapStore,
    compare_concordance,
    compare_models,
    concordance,
    kaplan_meier_groups,
    out_of_bag_risk,
    paper_beside_right,
    paper_out_of_bag_risk,
    paper_percentile_interval,
    paper_wilcoxon,
    replicate_concordances,
    survival_at,
    validate,
)

MODELS = ("DL", "conv")


@pytest.fixture(scope="module")
def answers(shared_dir):
    text = (shared_dir / "reference" / "authors_released_results.json").read_text(encoding="utf-8")
    found = {entry["id"]: entry["values"] for entry in json.loads(text)["answers"]}
    text = (shared_dir / "reference" / "survival_known_answers.json").read_text(encoding="utf-8")
    for entry in json.loads(text)["entries"]:
        found[entry["id"]] = {name: item["value"] for name, item in entry["expected"].items()}
    return found


@pytest.fixture(scope="module")
def released(shared_dir):
    folder = shared_dir / "data" / "4dsurvival"
    return {
        model: (read_bootout(folder / f"bootout_{model}.pkl"), read_model_cstats(folder / f"modelCstats_{model}.pkl"))
        for model in MODELS
    }


def as_store(bootout, predictions):
    ids = [f"row{i}" for i in range(bootout.time.size)]
    return BootstrapStore(ids, bootout.event, bootout.time, bootout.in_bag, predictions)


@pytest.fixture(scope="module")
def stores(released):
    """As released: log risks of the network, partial hazards of the conventional model."""
    return {model: as_store(bootout, bootout.predictions) for model, (bootout, _) in released.items()}


@pytest.fixture(scope="module")
def validated(stores, released):
    return {model: validate(stores[model], apparent_c=released[model][1].c_apparent) for model in MODELS}


@pytest.mark.parametrize("model", MODELS)
def test_stored_optimism_is_reproduced_exactly(model, validated, released, answers):
    replicates, answer = validated[model].replicates, answers[f"optimism_reproduced_{model}"]
    np.testing.assert_allclose(replicates["optimism"], released[model][1].optimism, rtol=0, atol=1e-15)
    assert replicates["c_bag"].iloc[:5].tolist() == pytest.approx(answer["C_boot_first_5"], rel=1e-12)
    assert replicates["c_all"].iloc[:5].tolist() == pytest.approx(answer["C_full_first_5"], rel=1e-12)
    assert replicates["c_bag"].mean() == pytest.approx(answer["C_boot_mean"], rel=1e-12)
    assert replicates["c_all"].mean() == pytest.approx(answer["C_full_mean"], rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_estimators_against_the_known_answers(model, validated, stores, answers):
    found, answer, per_model = validated[model], answers[f"released_{model}"], answers[f"oob_per_model_{model}"]
    assert found.harrell == pytest.approx(answer["harrell_corrected"], abs=1e-10)
    assert found.replicate_oob == pytest.approx(per_model["C_oob_mean"], rel=1e-12)
    assert found.replicates["c_oob"].iloc[:5].tolist() == pytest.approx(per_model["C_oob_first_5"], rel=1e-12)
    assert found.overfitting_rate == pytest.approx(per_model["overfit_rate_R"], rel=1e-12)
    assert found.weight_632plus == pytest.approx(per_model["weight_w"], rel=1e-12)
    assert found.c632plus == pytest.approx(per_model["C_632plus"], rel=1e-12)
    assert found.out_of_bag.c == pytest.approx(answer["oob_aggregate_C_centred"], abs=1e-9)
    assert found.out_of_bag.se == pytest.approx(answer["oob_aggregate_ij_se_centred"], abs=1e-9)
    assert found.harrell_interval == pytest.approx(answer["abcloc_95"], abs=1e-6)
    counts = stores[model].out_of_bag.sum(axis=0)
    assert [counts.min(), counts.max()] == answer["oob_count_min_max"]


@pytest.mark.parametrize("model", MODELS)
def test_centred_log_risks_against_the_known_answers(model, released, answers):
    bootout, answer = released[model][0], answers[f"oob_centred_{model}"]
    store = as_store(bootout, bootout.log_risk)
    for combine, value in (("centred", answer["C"]), ("z-score", answer["C_if_also_divided_by_sd_ddof0"])):
        risk = out_of_bag_risk(store, combine=combine)
        assert concordance(risk, store.event, store.time).c == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_raw_out_of_bag_risk_its_concordance_and_kaplan_meier(model, stores, answers):
    store, answer = stores[model], answers[f"km_{model}"]
    risk = paper_out_of_bag_risk(store)
    assert risk[:5].tolist() == pytest.approx(answer["oob_first_5"], rel=1e-9)
    assert risk.sum() == pytest.approx(answer["oob_sum"], rel=1e-9)

    c, pairs = concordance(risk, store.event, store.time), answers[f"concordance_oob_{model}"]
    assert (c.concordant, c.discordant, c.tied_risk, c.comparable) == (
        pairs["concordant"],
        pairs["discordant"],
        pairs["tied_risk"],
        pairs["comparable"],
    )
    assert (c.c, c.se) == pytest.approx((pairs["C"], pairs["se_infinitesimal_jackknife"]), rel=1e-10)

    curves = kaplan_meier_groups(risk, store.event, store.time)
    assert curves.logrank_chi2 == pytest.approx(answer["logrank_chi2"], rel=1e-9)
    assert curves.logrank_p == pytest.approx(answer["logrank_p"], rel=1e-6)
    low, high = curves.summary.loc["low risk"], curves.summary.loc["high risk"]
    assert (low["patients"], high["patients"]) == (answer["n_low"], answer["n_high"])
    assert (low["deaths"], high["deaths"]) == (answer["events_low"], answer["events_high"])
    assert low["median survival"] == pytest.approx(answer["median_survival_low"], rel=1e-9)
    assert high["median survival"] == pytest.approx(answer["median_survival_high"], rel=1e-9)
    assert high["hazard ratio"] == pytest.approx(answer["HR_high_vs_low"], rel=1e-5)
    assert [high["95% low"], high["95% high"]] == pytest.approx(answer["HR_ci95"], rel=1e-5)
    for time, survival in answer["S_low_high"].items():
        found = [survival_at(curves.curves, name, [float(time)])[0] for name in curves.names]
        assert found == pytest.approx(survival, rel=1e-9)


@pytest.mark.parametrize("model", MODELS)
def test_centring_moves_patients_across_the_median(model, stores, answers):
    store, answer = stores[model], answers[f"released_{model}"]
    raw, centred = (
        kaplan_meier_groups(out_of_bag_risk(store, combine=how), store.event, store.time) for how in ("raw", "centred")
    )
    assert (raw.group != centred.group).sum() == answer["patients_moved_across_median_by_centring"]
    assert centred.logrank_chi2 == pytest.approx(answer["logrank_chi2_median_split_centred"], abs=1e-5)


def test_two_models_over_patients(stores, answers):
    with pytest.raises(ValueError, match="different bags"):
        compare_models(stores["DL"], stores["conv"])
    pair = compare_models(stores["DL"], stores["conv"], allow_different_bags=True)
    answer = answers["released_comparison"]
    fixed = pair.fixed
    assert (fixed.difference, fixed.se) == pytest.approx((answer["difference"], answer["ij_se"]), abs=1e-9)
    assert fixed.z == pytest.approx(answer["z"], abs=1e-5)
    assert pair.difference == fixed.difference and pair.se >= fixed.se

    dl, conv = (paper_out_of_bag_risk(stores[model]) for model in MODELS)
    raw = compare_concordance(dl, conv, stores["DL"].event, stores["DL"].time)
    answer = answers["concordance_oob_difference"]
    assert (raw.difference, raw.se, raw.z, raw.p_value) == pytest.approx(
        (answer["difference"], answer["se"], answer["z"], answer["p"]), rel=1e-9
    )
    assert raw.interval() == pytest.approx(answer["ci95"], rel=1e-9)


def test_the_papers_own_statistics(released, answers):
    corrected = {}
    for model in MODELS:
        cstats, answer = released[model][1], answers[f"modelcomp_{model}"]
        corrected[model] = cstats.c_apparent - cstats.optimism
        found = paper_percentile_interval(cstats.c_apparent, cstats.optimism)
        assert found == pytest.approx([answer["C_adj"], *answer["interval_2_5_97_5"]], rel=1e-12)
    test = paper_wilcoxon(corrected["DL"], corrected["conv"])
    answer = answers["modelcomp_p_published_method"]
    assert test.statistic == answer["statistic_W"]
    assert test.p_value == pytest.approx(answer["p"], rel=1e-9)
    by_b = [paper_wilcoxon(corrected["DL"][:b], corrected["conv"][:b]).p_value for b in (5, 10, 20, 50, 100)]
    assert by_b == pytest.approx(answers["released_comparison"]["wilcoxon_p_by_B_5_10_20_50_100"], rel=1e-3)


def test_a_network_that_harrell_flatters_is_named(validated):
    assert any("too flexible" in note for note in validated["DL"].notes)
    assert not any("too flexible" in note for note in validated["conv"].notes)


def test_replicates_are_not_touched_by_the_apparent_value(stores, validated):
    again = replicate_concordances(stores["conv"])
    np.testing.assert_array_equal(again.to_numpy(), validated["conv"].replicates.to_numpy())


def test_the_papers_statistics_beside_the_right_ones(stores, released):
    apparent = tuple(released[model][1].c_apparent for model in MODELS)
    table = paper_beside_right(stores["DL"], stores["conv"], apparent_c=apparent, allow_different_bags=True)
    rows = table.set_index("statistic")
    assert rows.loc["C-index of the network", ["paper", "right"]].tolist() == ["0.829", "0.786"]
    assert rows.loc["95 % interval", "paper"] == "0.808 to 0.854"
    assert rows.loc["network against the other model", "paper"] == "P = 3.9e-18"
    assert rows.loc["log-rank of the halves", "paper"].startswith("chi2 72.3")
    assert rows.loc["log-rank of the halves", "right"].startswith("chi2 64.1")
    assert "(8 patients change halves)" in rows.loc["log-rank of the halves", "because"]
    assert rows.iloc[-1][["paper", "right"]].tolist() == ["57 %", "0 %"]
