"""Calibrating the gate recovers known costs, in features that are related, and says what it cannot do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib.files import write_json
from cardiolib.segmentation.quality_calibration import as_content, calibrate, left_out_predictions
from cardiolib.segmentation.quality_features import JUDGED, PHASES
from cardiolib.segmentation.quality_gate import FEATURES, read_gate


def made_rows(n_scans: int = 160, *, noise: float = 0.02, seed: int = 0, largest: float = 1.0) -> pd.DataFrame:
    """Scans whose Dice is .95 less .5 of "unstable" and .2 of "mixed"; all other features are chance."""
    rng = np.random.default_rng(seed)
    rows = []
    for scan in range(n_scans):
        for phase in PHASES:
            for structure in JUDGED:
                row = {name: rng.uniform(0, largest) for name in FEATURES["network"]}
                dice = 0.95 - 0.5 * row["unstable"] - 0.2 * row["mixed"] + noise * rng.standard_normal()
                about = {"scan": str(scan), "phase": phase, "structure": structure, "group": "abcd"[scan % 4]}
                rows.append(row | about | {"network": "one", "typical": True, "weight": 1.0, "dice": dice})
    return pd.DataFrame(rows)


def test_known_costs_are_found_and_chance_costs_nothing(tmp_path):
    rows = made_rows()
    gate = calibrate(rows, about={"on": "made rows"})
    write_json(tmp_path / "gate.json", as_content(gate))
    gate = read_gate(tmp_path / "gate.json")
    assert gate.calibration == {"on": "made rows"}
    features = dict.fromkeys(FEATURES["network"], 0.0)
    for structure in JUDGED:
        best = gate.predict(structure, features).dice
        assert best == pytest.approx(0.95, abs=0.04)
        unstable = gate.predict(structure, features | {"unstable": 0.9}).dice
        assert unstable == pytest.approx(0.95 - 0.45, abs=0.06)
        costs = gate.costs(structure, dict.fromkeys(FEATURES["network"], 0.9))
        assert list(costs)[:2] == ["unstable", "mixed"]
        assert sum(cost for name, cost in costs.items() if name not in ("unstable", "mixed")) < 0.08


def test_the_interval_holds_eight_of_ten_new_scans():
    gate = calibrate(made_rows(noise=0.05), about={})
    new = made_rows(80, noise=0.05, seed=1)
    inside = []
    for row in new.to_dict("records"):
        one = gate.predict(row["structure"], {name: row[name] for name in FEATURES["network"]})
        assert one.low <= one.dice <= one.high
        inside.append(one.low <= row["dice"] <= one.high)
    assert 0.72 < np.mean(inside) < 0.97


def test_scans_are_predicted_without_their_group():
    rows = made_rows(60)
    odd = rows.assign(dice=np.where(rows["group"] == "a", 0.0, rows["dice"]))
    predicted = left_out_predictions(odd, FEATURES["network"])
    own = (odd["group"] == "a").to_numpy()
    assert np.corrcoef(predicted[own], rows["dice"][own])[0, 1] > 0.95  # nothing of the group's zeros was learnt


def test_the_limit_rises_until_bad_structures_no_longer_pass():
    rows = made_rows(60, largest=0.3)
    clean = calibrate(rows, about={}).limits
    hidden = np.random.default_rng(2).random(len(rows)) < 0.05
    rows.loc[hidden, "dice"] = 0.3  # wrong, and nothing shows it
    strict = calibrate(rows, about={}).limits
    assert clean["look"] == 0.7 and strict["look"] > 0.7


def test_rows_that_cannot_be_calibrated_on_are_named():
    rows = made_rows(8)
    with pytest.raises(ValueError, match="lack unstable"):
        calibrate(rows.drop(columns="unstable"), about={})
    with pytest.raises(ValueError, match="not a number in mixed"):
        calibrate(rows.assign(mixed=np.nan), about={})
    with pytest.raises(ValueError, match="at least two groups"):
        calibrate(rows.assign(group="a"), about={})
