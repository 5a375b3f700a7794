"""Readings say what the numbers say, in both directions, and what they cannot say."""

from __future__ import annotations

import pandas as pd
import pytest

from cardiolib.steps import interpretation_readings as interpretation
from cardiolib.steps import motion_readings as motion
from cardiolib.steps import scan_readings as scan
from cardiolib.steps import segmentation_readings as segmentation
from cardiolib.steps import survival_readings as survival
from cardiolib.steps import validation_readings as validation

SURVIVAL = {"network_cv_c_index": 0.74, "pca_cox_cv_c_index": 0.70, "apparent_c_index": 0.91}
VALIDATION = {"network_c_oob": 0.71, "network_c_oob_low": 0.6, "network_c_oob_high": 0.8, "deaths_count": 90}
SEGMENTATION = {"dice_lv_cavity": 0.96, "dice_rv_cavity": 0.93, "lvef_mae_points": 2.0, "scans_count": 20}
INTERPRETATION = {"significant_vertices_count": 61, "significant_vertices_death_count": 12}


def compared(low: float, high: float) -> dict[str, float]:
    return {**VALIDATION, "c_difference": (low + high) / 2, "c_difference_low": low, "c_difference_high": high}


@pytest.mark.parametrize(
    ("said", "holds", "does_not"),
    [
        (
            lambda change: segmentation.conclusion({**SEGMENTATION, **change}, simulated=True),
            ({}, "This run agrees"),
            ({"dice_rv_cavity": 0.6}, "This run does not agree"),
        ),
        (
            lambda change: motion.conclusion(
                {"tracked_subjects_count": 20, "endpoint_es_mm": 1.0, "zero_motion_es_mm": 10.0, **change},
                simulated=True,
            ),
            ({}, "This run agrees"),
            ({"endpoint_es_mm": 6.0}, "This run does not agree"),
        ),
        (
            lambda change: survival.conclusion({**SURVIVAL, **change}, deaths=80, simulated=True),
            ({}, "This run agrees that motion carries risk"),
            ({"network_cv_c_index": 0.5}, "This run does not agree that motion carries risk"),
        ),
        (
            lambda change: validation.conclusion({**compared(0.02, 0.2), **change}, n_replicates=100, simulated=True),
            ({}, "This run agrees"),
            (compared(-0.2, -0.02), "This run does not agree"),
        ),
        (
            lambda change: interpretation.conclusion({**INTERPRETATION, **change}, deaths=80, simulated=True),
            ({}, "This run agrees"),
            ({"significant_vertices_death_count": 0}, "This run does not agree"),
        ),
    ],
    ids=["segmentation", "motion", "survival", "validation", "interpretation"],
)
def test_the_conclusion_follows_the_numbers(said, holds, does_not) -> None:
    for change, verdict in (holds, does_not):
        claim, run, limits = said(change)
        assert claim.startswith("The paper's claim:") and verdict in run
        assert "simulated" in limits and "say nothing about patients" in limits
        assert "too small" not in run


def test_an_interval_that_includes_no_difference_leaves_the_claim_open() -> None:
    [_, run, _] = validation.conclusion(compared(-0.05, 0.2), n_replicates=8, simulated=False)
    assert "leaves it open" in run and "includes no difference" in run and "8 bags are too few" in run
    [_, run, limits] = validation.conclusion(VALIDATION, n_replicates=100, simulated=False)
    assert "cannot compare" in run and "The data are real" in limits


def test_small_runs_decide_nothing() -> None:
    said = {
        "22 deaths": survival.conclusion(SURVIVAL, deaths=22, simulated=True)[1],
        "2 scans": segmentation.conclusion({**SEGMENTATION, "scans_count": 2}, simulated=True)[1],
        "1 death,": validation.conclusion({**compared(0.1, 0.2), "deaths_count": 1}, n_replicates=100, simulated=True)[
            1
        ],
        "21 deaths": interpretation.conclusion(INTERPRETATION, deaths=21, simulated=True)[1],
    }
    for count, run in said.items():
        assert run.startswith("This run is too small to decide") and count in run and "towards the claim" in run
    few = motion.conclusion(
        {"tracked_subjects_count": 1, "endpoint_es_mm": 6.0, "zero_motion_es_mm": 10.0}, simulated=True
    )
    assert "1 tracked heart," in few[1] and "away from the claim" in few[1]


def test_without_a_truth_nothing_is_claimed() -> None:
    assert "no reference" in segmentation.conclusion({"scans_count": 12}, simulated=False)[1]
    assert "nobody knows" in motion.conclusion({"tracked_subjects_count": 12}, simulated=False)[1]
    found = scan.conclusion({"lv_ef_labels_percent": 60.0, "lv_ef_mesh_percent": 58.0}, simulated=False)
    assert "only the verdicts warn" in found[2] and "simulated" not in found[2]
    known = scan.conclusion({"lv_ef_labels_percent": 60.0, "lv_ef_labels_error_points": 12.0}, simulated=True)
    assert "which is large" in known[1] and "nothing could be tracked" in known[1] and "simulated" in known[2]
    good = scan.conclusion({"lv_ef_labels_percent": 60.0, "lv_ef_labels_error_points": 1.0}, simulated=True)
    assert "which is small" in good[1]
    assert "no ejection fraction" in scan.conclusion({}, simulated=False)[1]


def volumes(labels: float, mesh: float) -> pd.DataFrame:
    rows = [
        {"ventricle": side, "source": source, "percent": percent, "volume_ml": volume}
        for side in ("lv", "rv")
        for source, ejected in (("labels", labels), ("tracked mesh", mesh))
        for percent, volume in ((0, 100.0), (40, 100 - ejected))
    ]
    return pd.DataFrame(rows)


def test_two_sources_agree_or_do_not() -> None:
    assert scan.volumes(volumes(60, 59)).count("they agree") == 2
    assert scan.volumes(volumes(60, 57)).count("they nearly agree") == 2
    assert scan.volumes(volumes(60, 40)).count("20 points apart") == 2
    assert "one curve only" in scan.volumes(volumes(60, 59).query("source == 'labels'"))


def test_volume_by_slices_names_the_share_of_the_last_slice() -> None:
    table = pd.DataFrame({"structure": "lv_cavity", "pixels": [0, 30, 10], "volume_ml": [0.0, 30.0, 10.0]})
    assert "fills 2 slices and 40 mL; its last slice at the base alone holds 25%" in scan.volume_by_slices(table)
    assert "no slice holds any" in scan.volume_by_slices(table.assign(pixels=0))


def dice_table(ends: float, middle: float) -> pd.DataFrame:
    return pd.DataFrame({"structure": "lv_cavity", "slice": range(4), "dice": [ends, middle, middle, ends]})


def test_dice_is_lost_at_the_ends_or_in_the_middle() -> None:
    assert "Most is lost at the two ends" in segmentation.dice_by_slice(dice_table(0.6, 0.9))
    assert "Most is lost in the middle" in segmentation.dice_by_slice(dice_table(0.9, 0.6))
    assert "no reference" in segmentation.dice_by_slice(dice_table(0.9, 0.6).drop(columns="dice"))
    assert segmentation.dice_by_slice(dice_table(0.9, 0.6).head(2)).startswith("Too few")


def test_training_is_over_or_not() -> None:
    table = pd.DataFrame({"epoch": [1, 2, 3], "dice_mean": [0.5, 0.8, 0.9]})
    assert "still rising" in segmentation.training(table)
    assert "levelled off" in segmentation.training(table.assign(dice_mean=[0.5, 0.9, 0.9]))
    assert "too few epochs" in segmentation.training(table.head(1))


def test_bias_has_a_direction_and_the_gate_its_misses() -> None:
    pairs = pd.DataFrame({"quantity": ["LV ejection fraction"] * 2, "unit": "%", "difference": [2.0, 4.0]})
    assert "3.0 points too high" in segmentation.agreement(pairs)
    assert "3.0 points too low" in segmentation.agreement(pairs.assign(difference=-pairs["difference"]))
    gate = pd.DataFrame({"ID": ["a", "b"], "dice": [0.9, 0.5], "predicted_dice": [0.9, 0.9], "verdict": "ok"})
    assert "1 structure passed with a Dice below 0.8" in segmentation.quality(gate)
    assert "cannot be tested" in segmentation.quality(gate.assign(dice=float("nan")))


def test_the_network_is_sure_or_says_of_what_it_is_not() -> None:
    panels = ["class lv_cavity", "class rv_wall", "landmark apex"]
    table = pd.DataFrame({"panel": panels, "probability_max": [1.0, 0.6, 0.1], "share": [0.1, 0.1, 0.8]})
    said = segmentation.network_output(table)
    assert "least sure of the RV wall: at most 0.60" in said and "80% of the probability of the apex" in said
    assert "sure of each" in segmentation.network_output(table.assign(probability_max=[1.0, 1.0, 0.1]))
    assert "no place is claimed for the apex" in segmentation.network_output(
        table.assign(probability_max=[1.0, 0.6, 0])
    )


def test_the_tracker_gains_and_leaves_what_lies_along_the_axis() -> None:
    table = pd.DataFrame({"iterations": [0, 20], "error_mm": [10.0, 4.0], "along_mm": [5.0, 3.0]})
    assert "60% are gained" in motion.tracker_at_work(table) and "75% of the distance" in motion.tracker_at_work(table)
    assert "choose a later phase" in motion.tracker_at_work(table.assign(error_mm=[0.0, 0.1]))


def test_the_wall_that_moves_more_is_named() -> None:
    table = pd.DataFrame({"region": ["rv_free", "rv_septum"], "displacement_mm": [12.0, 6.0]})
    assert "the free wall moves more" in motion.motion_of_the_heart(table)
    assert "the septum moves more" in motion.motion_of_the_heart(table.assign(displacement_mm=[6.0, 12.0]))


def pushed(*gradient: float) -> pd.DataFrame:
    return pd.DataFrame({"patient": list("abcd")[: len(gradient)], "gradient": gradient})


def test_whom_the_loss_pushes() -> None:
    sentence = survival.partial_likelihood(pushed(-0.5, 0.2, 0.3))
    assert "a higher risk for 1 of the 3 patients and a lower one for 2" in sentence and "up by 0.50" in sentence
    assert "down by 0.50" in survival.partial_likelihood(pushed(0.5, -0.2, -0.3))


def test_the_peak_of_alpha_lies_within_or_at_an_end() -> None:
    table = pd.DataFrame({"alpha": [0.1, 0.5, 0.9], "motion_explained": [0.2, 0.6, 0.8], "c_trained": [0.9, 0.9, 0.6]})
    assert "in between" in survival.alpha_trade_off(table.assign(c_held_out=[0.6, 0.7, 0.65]))
    assert "at an end" in survival.alpha_trade_off(table.assign(c_held_out=[0.7, 0.6, 0.5]))
    assert "held out" not in survival.alpha_trade_off(table.assign(c_held_out=float("nan")))


def test_the_network_is_better_equal_or_worse_than_the_linear_model() -> None:
    words = {0.74: "as good as", 0.60: "better than", 0.80: "worse than"}
    for linear, word in words.items():
        said = survival.conclusion({**SURVIVAL, "pca_cox_cv_c_index": linear}, deaths=80, simulated=True)[1]
        assert f"It is {word} principal components" in said


def test_the_swarm_gains_or_not() -> None:
    table = pd.DataFrame({"generation": [1, 1, 2, 2], "best_so_far": [0.7, 0.7, 0.7, 0.75]})
    assert "more than the seed" in survival.search(table)
    assert "hardly more than nothing" in survival.search(table.assign(best_so_far=0.7))
    assert "has not moved" in survival.search(table.head(2))


def test_the_code_brings_patients_together_or_not() -> None:
    rows = [
        ("low", "motion", 10.0),
        ("high", "motion", 6.0),
        ("low", "reconstruction", 9.0),
        ("high", "reconstruction", 8.0),
    ]
    table = pd.DataFrame(rows, columns=["risk", "kind", "displacement_mm"])
    assert "differ by 4.0 mm, in the reconstruction by 1.0 mm: the code brings" in survival.reconstruction(table)
    assert "keeps them apart" in survival.reconstruction(table.assign(displacement_mm=[8.0, 8.0, 9.0, 7.0]))


def test_units_of_the_code_are_counted() -> None:
    table = pd.DataFrame({"log_risk": [1.0, 2, 3, 4], "z1": [1.0, 2, 3, 4], "z2": [4.0, 3, 2, 1], "z3": [0.0] * 4})
    assert "2 of 3 units are active" in survival.latent_code(table) and "1 rise with" in survival.latent_code(table)
    assert "has died" in survival.latent_code(table[["log_risk", "z3"]])


def bag(*risk: float) -> pd.DataFrame:
    return pd.DataFrame({"drawn": [0, 0, 2], "log_risk": risk, "time": [1.0, 2.0, 3.0], "event": [True, False, True]})


def test_the_c_of_one_bag_counts_the_pairs_outside_it() -> None:
    assert "They make 1 pair, 1 right: C = 1.00" in validation.one_bag(bag(2, 1, 0))
    assert "1 pair, 0 right: C = 0.00" in validation.one_bag(bag(1, 2, 0))
    assert "no pair can be compared" in validation.one_bag(bag(1, 2, 0).assign(event=False))


def test_who_loses_most_from_apparent_to_out_of_bag() -> None:
    rows = [("deep", "apparent", 0.9), ("deep", "out-of-bag aggregate", 0.7)]
    rows += [("plain", "apparent", 0.62), ("plain", "out-of-bag aggregate", 0.6)]
    said = validation.concordance(pd.DataFrame(rows, columns=["model", "estimator", "value"]))
    assert "falls most for 'deep': from 0.90 to 0.70" in said and "least for 'plain', by 0.02" in said


def curves(*ends: float) -> pd.DataFrame:
    groups = [("low", 0), ("middle", 1), ("high", 2)]
    return pd.DataFrame([{"model": "m", "group": g, "time": 5.0, "survival": ends[i]} for g, i in groups])


def test_thirds_fall_evenly_or_do_not() -> None:
    assert "m, survival falls each time" in validation.thirds(curves(0.9, 0.7, 0.4))
    assert "m, survival does not fall" in validation.thirds(curves(0.7, 0.9, 0.4))


def test_the_heart_at_high_risk_moves_less_or_more() -> None:
    table = pd.DataFrame({"heart": ["low risk", "high risk"], "displacement_mm": [8.0, 5.0]})
    assert "moves less" in interpretation.risk_hearts(table)
    assert "moves more" in interpretation.risk_hearts(table.assign(displacement_mm=[5.0, 8.0]))


def test_maps_that_name_the_true_region_are_counted() -> None:
    rows = [("apex", "paper", 0.7), ("base", "paper", 0.3), ("apex", "true hazard", 0.6), ("base", "true hazard", 0.4)]
    table = pd.DataFrame(rows, columns=["region", "method", "share"])
    assert "1 of 1 maps" in interpretation.region_shares(table)
    assert "0 of 1 maps" in interpretation.region_shares(table.assign(share=[0.3, 0.7, 0.6, 0.4]))
    assert "truth is not known" in interpretation.region_shares(table.head(2))


def test_one_vertex_has_a_direction() -> None:
    table = pd.DataFrame({"motion_mm": [1.0, 2, 3], "log_risk": [1.0, 2, 3]})
    assert "have a higher risk (correlation +1.00)" in interpretation.one_vertex(table)
    assert "have a lower risk (correlation -1.00)" in interpretation.one_vertex(table.assign(log_risk=[3.0, 2, 1]))
