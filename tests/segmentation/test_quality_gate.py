"""The quality gate: known errors lower the predicted Dice, plain rules catch what no heart does."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest

import cardiolib as cl
from cardiolib.digital_heart import SimulatedScan
from cardiolib.imaging import ACDC, OURS, LabelMap, LabelScheme
from cardiolib.segmentation.damaged_labels import DAMAGES, damage
from cardiolib.segmentation.image_evidence import image_features
from cardiolib.segmentation.quality_features import (
    IMAGE_FEATURES,
    JUDGED,
    LABEL_FEATURES,
    NETWORK_FEATURES,
    PHASES,
    label_features,
)
from cardiolib.segmentation.quality_gate import (
    FEATURES,
    SegmentationQuality,
    assess_segmentation,
    read_gate,
    shipped_gate,
)
from cardiolib.segmentation.quality_rules import broken_rules
from cardiolib.verdicts import VERDICTS


@cache
def heart(seed: int = 1) -> SimulatedScan:
    """A scan with its true labels: ED, ES."""
    one = cl.DigitalHeart()
    return cl.acquire(one, phases=[0.0, one.es_phase], rng=np.random.default_rng(seed))


def judged(labels: LabelMap, **more: object) -> SegmentationQuality:
    return assess_segmentation(labels, ed=0, es=1, **more)


def rules_of(labels: LabelMap, *, es: int) -> list:
    return broken_rules(labels, label_features(labels, ed=0, es=es), ed=0, es=es)


def discs(lv_ed: float, lv_es: float, rv_ed: float, rv_es: float, *, slices: int = 9) -> LabelMap:
    """Two frames of round ventricles of these volumes in mL, the LV in a wall, each a stack of equal discs."""
    labels = np.zeros((120, 160, slices + 2, 2), np.uint8)
    i, j = np.mgrid[:120, :160]
    for frame, (left, right) in enumerate(((lv_ed, rv_ed), (lv_es, rv_es))):
        inner, outer = (np.sqrt(ml * 1000 / (10.0 * slices) / np.pi) / 1.5 for ml in (left, left + 90.0))
        radius = np.sqrt(right * 1000 / (10.0 * slices) / np.pi) / 1.5
        plane = np.zeros((120, 160), np.uint8)
        plane[(i - 60) ** 2 + (j - 105) ** 2 < radius**2] = OURS.code("rv_cavity")
        plane[(i - 60) ** 2 + (j - 55) ** 2 < outer**2] = OURS.code("lv_wall")
        plane[(i - 60) ** 2 + (j - 55) ** 2 < inner**2] = OURS.code("lv_cavity")
        labels[:, :, 1:-1, frame] = plane[..., None]
    return LabelMap(labels, np.diag([1.5, 1.5, 10.0, 1.0]), OURS)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_truth_of_a_simulated_scan_is_ok(seed):
    """Of labels that nobody's doubt is known of, less is said: they are not refused."""
    scan = heart(seed)
    sure = {(phase, name): dict.fromkeys(NETWORK_FEATURES, 0.0) for phase in PHASES for name in JUDGED}
    quality = judged(scan.labels, cine=scan.cine, by_network=sure)
    assert quality.ok and quality.verdict == "ok" and quality.reasons == (), quality
    assert quality.predicted_dice >= shipped_gate().limits["look"]
    for quality in (judged(scan.labels), judged(scan.labels, cine=scan.cine)):
        assert quality.verdict != "do not use", quality


@pytest.mark.parametrize("kind", DAMAGES)
def test_damage_lowers_the_score_and_much_of_it_is_not_ok(kind):
    scan, scores = heart(), []
    for amount in (0.0, 0.2, 0.5, 1.0):
        worse = damage(scan.labels, kind, amount, rng=np.random.default_rng(5))
        quality = judged(worse, cine=scan.cine)
        scores.append(quality.table["predicted_dice"].mean())
    assert scores[0] > max(scores[1:]) and scores[3] < scores[1], scores
    if kind in ("remove", "islands", "shift"):  # where ventricles are exchanged in half of the slices, labels jump more
        assert scores == sorted(scores, reverse=True), scores
    assert not quality.ok and quality.reasons


def test_damage_needs_a_known_kind_and_an_amount():
    with pytest.raises(ValueError, match="swap, remove"):
        damage(heart().labels, "burn", 0.5, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="0 to 1"):
        damage(heart().labels, "swap", 1.5, rng=np.random.default_rng(0))
    empty = LabelMap(np.zeros((4, 4, 3), np.uint8), np.eye(4), OURS)
    assert damage(empty, "swap", 1.0, rng=np.random.default_rng(0)) is empty


def test_the_verdict_names_the_cause_with_its_number_and_usual_range():
    swapped = judged(damage(heart().labels, "swap", 1.0, rng=np.random.default_rng(0)))
    assert swapped.verdict == "do not use"
    reason = swapped.table.loc["lv_cavity", "reason"]
    assert "predicted at E" in reason and "usually up to" in reason
    assert any(words in reason for words in LABEL_FEATURES.values())
    assert "DO NOT USE" in repr(swapped) and reason in repr(swapped)


@pytest.mark.parametrize(
    ("volumes", "structure", "words"),
    [
        ((150, 70, 424, 300), "rv_cavity", "424 mL at ED"),
        ((150, 70, 150, 158), "rv_cavity", "ejection fraction is -"),
        ((60, 25, 200, 120), "rv_cavity", "RV over LV volume is 3.3"),
        ((150, 0, 150, 80), "lv_cavity", "there is no lv_cavity at ED or ES"),
    ],
)
def test_what_no_heart_does_is_not_to_be_used(volumes, structure, words):
    labels = discs(*volumes)
    found = judged(labels)
    assert found.table.loc[structure, "verdict"] == "do not use" and found.verdict == "do not use"
    assert words in found.table.loc[structure, "reason"], found


def test_plausible_discs_break_no_rule():
    assert rules_of(discs(150, 70, 160, 80), es=1) == []


def test_a_frame_that_jumps_is_looked_at():
    share = 0.5 + 0.5 * np.cos(2 * np.pi * np.arange(12) / 12)
    frames = [discs(70 + 80 * one, 70, 80 + 80 * one, 80, slices=3) for one in share]
    labels = np.stack([one.frame(0) for one in frames], axis=-1)
    assert rules_of(LabelMap(labels, frames[0].affine, OURS), es=6) == []
    labels[..., 2][labels[..., 2] == OURS.code("rv_cavity")] = 0
    rules = rules_of(LabelMap(labels, frames[0].affine, OURS), es=6)
    assert [rule.structures for rule in rules] == [("rv_cavity",)] and "jumps between frames" in rules[0].sentence


def test_an_empty_map_scores_nothing():
    quality = judged(LabelMap(np.zeros((8, 8, 4, 2), np.uint8), np.eye(4), OURS))
    assert quality.verdict == "do not use" and quality.predicted_dice < 0.3
    assert (quality.table["verdict"] == "do not use").all()


def test_features_do_not_depend_on_voxels_or_scheme():
    labels = discs(150, 70, 160, 80)
    one = label_features(labels, ed=0, es=1)
    bigger = LabelMap(labels.labels, labels.affine * [[1.3], [1.3], [1.3], [1]], OURS)
    other = label_features(bigger, ed=0, es=1)
    turned = label_features(LabelMap(np.rot90(labels.labels), labels.affine, OURS).to_scheme(ACDC), ed=0, es=1)
    for key, values in one.items():
        assert values == pytest.approx(other[key]) and values == pytest.approx(turned[key], abs=1e-9)


def test_image_features_do_not_depend_on_the_scanners_units_or_sign():
    scan = heart()
    one = image_features(scan.cine, scan.labels, ed=0, es=1)
    scaled = cl.Cine(3000 - 7 * scan.cine.voxels, scan.cine.affine)
    other = image_features(scaled, scan.labels, ed=0, es=1)
    for key, values in one.items():
        assert {**values, "dark_blood": 0.0} == pytest.approx({**other[key], "dark_blood": 0.0}, abs=1e-3)
        assert values["dark_blood"] != other[key]["dark_blood"]
    lung = scan.labels.labels.copy()
    lung[:40, :40][lung[:40, :40] == 0] = OURS.code("rv_cavity")
    worse = image_features(scan.cine, LabelMap(lung, scan.labels.affine, OURS), ed=0, es=1)
    assert worse["ED", "rv_cavity"]["mixed"] > one["ED", "rv_cavity"]["mixed"]


def test_every_cost_grows_with_its_feature():
    gate = shipped_gate()
    for name, features in FEATURES.items():
        assert set(gate.models[name]) == set(JUDGED)
        for model in gate.models[name].values():
            assert set(model["costs"]) <= set(features)
            for curve in model["costs"].values():
                assert (
                    (np.diff(curve["at"]) > 0).all() and (np.diff(curve["lost"]) >= 0).all() and curve["lost"][0] == 0
                )
    for curves in gate.spread.values():
        at, low, high = (np.array(curves[key]) for key in ("predicted", "low", "high"))
        assert (low <= at).all() and (high >= at).all() and (np.diff(low) >= 0).all() and (np.diff(high) >= 0).all()
    assert 0 < gate.limits["do_not_use"] < gate.limits["look"] < 1


def test_a_network_that_changes_its_mind_is_believed_less():
    scan = heart()
    calm = {(phase, name): dict.fromkeys(NETWORK_FEATURES, 0.02) for phase in PHASES for name in JUDGED}
    torn = {key: dict.fromkeys(NETWORK_FEATURES, 0.7) for key in calm}
    first, second = (judged(scan.labels, cine=scan.cine, by_network=one) for one in (calm, torn))
    assert first.ok and second.verdict == "do not use"
    assert any(words in second.reasons[0] for words in NETWORK_FEATURES.values())
    columns = set(first.features.columns)
    assert columns == {*LABEL_FEATURES, *IMAGE_FEATURES, *NETWORK_FEATURES, "predicted_dice"}


def test_one_row_a_scan_says_it_all():
    row = judged(damage(heart().labels, "leak", 1.0, rng=np.random.default_rng(0))).as_row()
    assert row["verdict"] in VERDICTS[1:] and row["reasons"].startswith(("lv", "rv"))
    assert row["predicted_dice"] == min(row[f"{name}_dice"] for name in JUDGED)
    assert pd.DataFrame([row]).notna().all(axis=None)


def test_bad_input_is_named(tmp_path):
    scan = heart()
    with pytest.raises(ValueError, match="not both frames"):
        assess_segmentation(scan.labels, ed=0, es=2)
    only_left = LabelScheme("left", {"lv_cavity": 1, "lv_wall": 2})
    with pytest.raises(ValueError, match="lacks rv_cavity"):
        judged(LabelMap(np.zeros((4, 4, 3, 2), np.uint8), np.eye(4), only_left))
    with pytest.raises(ValueError, match="cannot speak for labels"):
        judged(scan.labels, cine=cl.Cine(scan.cine.voxels[..., :1], scan.cine.affine))
    with pytest.raises(ValueError, match="give cine as well"):
        judged(scan.labels, by_network={})
    (tmp_path / "gate.json").write_text(json.dumps({"format": "other"}), encoding="utf-8")
    with pytest.raises(ValueError, match="quality_calibration"):
        read_gate(tmp_path / "gate.json")
