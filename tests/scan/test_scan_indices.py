"""The numbers of a heart: right for a heart that is known, and placed among simulated controls."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib.digital_heart import DigitalHeart
from cardiolib.scan import INDICES, simulated_controls
from cardiolib.scan.control_hearts import build_controls, control_values
from cardiolib.scan.controls import percentile
from cardiolib.scan.indices import label_values, mesh_values

PHASES = np.arange(20) / 20


def test_labels_of_a_known_heart_give_its_volumes(found) -> None:
    values, heart = label_values(found), DigitalHeart()
    truth = heart.volumes_ml(np.arange(0, 1, 0.2))
    for side in ("lv", "rv"):
        curve = truth[f"{side}_cavity"]
        assert values[f"{side}_edv_labels_ml"] == pytest.approx(curve[0], rel=0.1)
        assert values[f"{side}_ef_labels_percent"] == pytest.approx(100 * (1 - curve.min() / curve[0]), abs=4)
        assert values[f"{side}_sv_labels_ml"] == pytest.approx(
            values[f"{side}_edv_labels_ml"] - values[f"{side}_esv_labels_ml"]
        )
    assert values["lv_mass_g"] == pytest.approx(1.05 * truth["lv_wall"][0], rel=0.1)


def test_the_true_surfaces_of_a_known_heart_give_its_function() -> None:
    heart = DigitalHeart()
    values = mesh_values(heart.surface_sequence(PHASES))
    assert values["lv_ef_mesh_percent"] == pytest.approx(100 * heart.ejection_fractions()["lvef"], abs=1)
    assert values["tapse_mm"] == pytest.approx(heart.parameters.tapse_mm, abs=3)
    assert values["gcs_percent"] < 0 < values["grs_percent"] and set(values) <= set(INDICES)


def test_every_index_has_value_unit_source_and_verdict(result) -> None:
    table = result.indices
    assert set(table.index) <= set(INDICES) and set(table["unit"]) == {"mL", "%", "g", "mm", "1"}
    assert set(table["source"]) == {"labels", "tracked mesh"} and table["verdict"].notna().all()
    assert np.isfinite(table["value"]).all()
    for name, row in table.iterrows():
        assert name.endswith({"mL": "_ml", "%": "_percent", "g": "_g", "mm": "_mm"}.get(row["unit"], ""))


def test_a_structure_that_was_not_found_has_no_number(found) -> None:
    from dataclasses import replace

    without = found.labels.labels.copy()
    without[found.labels.mask("rv_cavity") | found.labels.mask("rv_wall")] = 0
    values = label_values(replace(found, labels=replace(found.labels, labels=without)))
    assert np.isnan([value for name, value in values.items() if name.startswith("rv_")]).all()
    assert np.isfinite(values["lv_edv_labels_ml"])


def test_percentiles_follow_the_order_of_the_controls() -> None:
    table = simulated_controls()
    column = table["lv_edv_labels_ml"]
    assert percentile("lv_edv_labels_ml", float(column.median())) == pytest.approx(50, abs=1)
    ranks = [percentile("lv_edv_labels_ml", value) for value in (1.0, *column.quantile([0.1, 0.9]), 1e3)]
    assert ranks == sorted(ranks) and ranks[0] == 0 and ranks[-1] == 100
    assert np.isnan(percentile("lv_edv_labels_ml", float("nan")))
    assert np.isnan(percentile("rv_mass_g", 30.0))


def test_the_shipped_controls_are_marked_and_can_be_made_again() -> None:
    table = simulated_controls()
    assert table.attrs["simulated"] and set(table.columns) <= set(INDICES)
    again = build_controls(rows=slice(7, 9))
    pd.testing.assert_frame_equal(again[table.columns], table.loc[again.index], rtol=1e-3, check_names=False)


def test_the_mean_control_lies_in_the_middle_of_the_controls() -> None:
    values = control_values(DigitalHeart())
    ranks = {
        name: percentile(name, values[name]) for name in ("lv_edv_labels_ml", "rv_ef_labels_percent", "gls_percent")
    }
    assert all(25 < rank < 75 for rank in ranks.values()), ranks
