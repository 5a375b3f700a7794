"""Notebook 04: both models on the same bags, everything read from the stored predictions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cardiolib import figures
from cardiolib.steps import validation as stage
from cardiolib.steps.survival import train_final
from cardiolib.survival import concordance_index
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.validation.absolute_performance import horizons
from cardiolib.work import Work

pytestmark = pytest.mark.processor

N = 140
RISK = np.random.default_rng(4).normal(size=N)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory):
    """Motion that shows the risk plainly: what the tests ask of a trained network must not hang on a few patients."""
    rng = np.random.default_rng(3)
    X = 0.3 * rng.normal(size=(N, 19 * 2 * 3)) + np.linspace(0, 2, 114) * RISK[:, None]
    time = 0.5 * rng.exponential(np.exp(-1.2 * RISK)) + 1e-3
    volumes = pd.DataFrame(
        {
            "RVEDV": rng.normal(200, 20, N),
            "RVESV": rng.normal(100, 9, N),
            "RVEF": rng.normal(40, 9, N),
        }
    )
    data = SurvivalData(
        tuple(f"p{i}" for i in range(N)), X.astype(np.float32), rng.random(N) < 0.7, time, volumes, (19, 2, 3), "years"
    )
    folder = tmp_path_factory.mktemp("stage")
    train_final(
        data, NetworkSettings(hidden=8, latent=3, epochs=60, log10_learning_rate=-2.5), Work(seed=1, folder=folder)
    )
    settings = stage.ValidationStageSettings(n_replicates=8, n_folds=3, n_repeats=1)
    stores = stage.bootstrap_models(data, settings, Work(seed=5, folder=folder, inputs={"survival": folder}))
    return folder, data, stores, stage.validate_models(stores)


@pytest.fixture(scope="module")
def folds(results):
    folder, data, _, _ = results
    settings = stage.ValidationStageSettings(n_replicates=8, n_folds=3, n_repeats=1)
    return stage.cross_validate_models(data, settings, Work(seed=5, folder=folder, inputs={"survival": folder}))


@pytest.fixture(scope="module")
def found_probabilities(results):
    _, data, stores, _ = results
    return stage.probabilities(stores, data)


def test_models_share_their_bags(results) -> None:
    _, _, stores, _ = results
    assert np.array_equal(stores["network"].in_bag, stores["conventional"].in_bag)


def test_motion_that_carries_the_risk_beats_volumes_that_do_not(results) -> None:
    _, data, _, found = results
    truth = concordance_index(RISK, data.event, data.time)
    assert found.models["network"].out_of_bag.c == pytest.approx(truth, abs=0.1)
    assert abs(found.models["conventional"].out_of_bag.c - 0.5) < 0.15
    low, high = found.comparison.interval()
    assert low < found.comparison.difference < high and found.comparison.difference > 0


def test_metrics_groups_and_tables_agree(results, folds, found_probabilities) -> None:
    _, data, stores, found = results
    groups = stage.risk_groups(stores)
    metrics = stage.validation_metrics(found, groups, folds, stores, found_probabilities, data)
    assert metrics["network_c_oob"] == found.models["network"].out_of_bag.c
    assert metrics["network_c_632plus_low"] < metrics["network_c_632plus"] < metrics["network_c_632plus_high"]
    assert metrics["network_c_cross_validated"] == folds["network"].c
    assert metrics["network_hazard_ratio"] > 1 and metrics["network_hazard_ratio_per_sd"] > 1
    explained = found_probabilities.summary.set_index("model")["explained"]
    assert metrics["network_brier_explained"] == explained["network on motion"]
    assert metrics["conventional_brier_explained"] == explained["Cox on RV volumes"]
    assert metrics["deaths_count"] == data.event.sum()
    _, forest = figures.concordance_forest(found)
    assert set(forest["model"]) == {"network on motion", "Cox on RV volumes", "linear model of motion"}
    assert len(forest) == 15
    whole = stage.whole_risk_table(stores).set_index("model")
    assert whole.loc["network on motion", "hazard ratio"] == metrics["network_hazard_ratio_per_sd"]


def test_folds_and_bags_tell_the_same_story(results, folds) -> None:
    _, _, _, found = results
    assert set(folds) == {"network", "conventional", "linear"}
    assert folds["network"].c == pytest.approx(found.models["network"].out_of_bag.c, abs=0.1)


def test_probabilities_are_judged_where_the_follow_up_allows(results, found_probabilities) -> None:
    _, data, stores, _ = results
    found = found_probabilities
    assert found.horizons == (1.0, 3.0)  # fewer than ten are observed beyond 5 years
    assert set(found.calibration_table["model"]) == {"network on motion", "Cox on RV volumes"}
    assert found.calibration_table["predicted"].between(0, 1).all()
    assert set(found.decisions["model"]) == {"network on motion", "Cox on RV volumes", "treat all", "treat none"}
    assert found.over_time.groupby("model")["time"].is_monotonic_increasing.all()
    assert horizons(data.event, data.time * 365.25, "days") == (365.25, 3 * 365.25)
    assert len(horizons(data.event, data.time, "as in the files")) == 3


def test_a_follow_up_that_is_too_short_is_said_and_not_drawn(results) -> None:
    _, data, stores, _ = results
    short = replace(data, time_unit="days")
    found = stage.probabilities(stores, short)  # 1 year = 365 days, beyond every patient
    assert found.horizons == () and found.calibrations == {}
    for drawing in (figures.calibration(found), figures.risk_over_time(found)):
        assert drawing.figure is None and "five deaths" in drawing.reason == found.lacks


def test_figures_of_probabilities_draw_the_tables_given(found_probabilities) -> None:
    found = found_probabilities
    figure, table = figures.calibration(found)
    assert len(figure.axes) == len(found.horizons)
    curve = table[(table["kind"] == "curve") & (table["model"] == "network on motion") & (table["time"] == 1)]
    np.testing.assert_array_equal(curve["observed"], found.calibrations["network on motion"][0].curve["observed"])
    figure, table = figures.risk_over_time(found)
    assert [ax.get_title(loc="left")[0] for ax in figure.axes] == ["a", "b", "c"]
    assert table["panel"].value_counts().to_dict() == {
        "over time": len(found.over_time),
        "decision": len(found.decisions),
    }


def test_models_that_gain_nothing_are_drawn_with_zero_on_top(found_probabilities) -> None:
    harm = found_probabilities.decisions.assign(net_benefit=lambda rows: -0.1 - rows["net_benefit"].abs())
    figure, _ = figures.risk_over_time(replace(found_probabilities, decisions=harm))
    low, high = figure.axes[2].get_ylim()
    assert low < 0 < high


def test_the_papers_statistics_stand_beside_the_right_ones(results) -> None:
    _, _, stores, _ = results
    assert len(stage.paper_table(stores)) == 6
    assert len(stage.paper_table({"network": stores["network"]})) == 5


def test_stored_predictions_hold_no_clock(results) -> None:
    folder, _, _, _ = results
    with np.load(folder / "network_bootstrap.npz") as stored:
        assert np.isnan(stored["seconds"]).all()  # the same run gives the same bytes


def test_without_volumes_there_is_no_comparison_and_it_says_so(results, tmp_path: Path) -> None:
    _, _, stores, _ = results
    alone = stage.validate_models({"network": stores["network"]})
    assert alone.comparison is None
    assert "no volumes" in alone.lacks and alone.comparison_table.empty
    assert len(stage.validate_models(stores).comparison_table) == 1


def test_sample_size_is_said_plainly_with_a_warning(results) -> None:
    _, data, _, _ = results
    supported, warning = stage.sample_size_statement(data)
    assert f"{N} patients with" in supported
    assert warning.startswith("**Warning.**") and "114 numbers" in warning


@pytest.mark.field_fault("K7")
def test_without_a_finite_estimate_there_is_no_conventional_model_and_the_reason_is_told(results, tmp_path) -> None:
    folder, data, _, _ = results
    order = np.argsort(np.argsort(data.time))
    separated = replace(data, volumes=data.volumes.assign(RVEF=order / 3.0))
    settings = stage.ValidationStageSettings(n_replicates=4, n_folds=3, n_repeats=1)
    work = Work(seed=5, folder=tmp_path, inputs={"survival": folder})
    stores = stage.bootstrap_models(separated, settings, work)
    assert list(stores) == ["network", "linear"]
    found = stage.validate_models(stores)
    assert found.comparison_table.empty
    assert "no conventional model" in found.lacks and "separate the deaths" in found.lacks
    assert found.lacks in found.notes
    folds = stage.cross_validate_models(separated, settings, work)
    assert np.isnan(folds["conventional"].c) and "separate the deaths" in folds["conventional"].table()["remark"].item()
    assert folds["network"].table()["remark"].item() == ""
    groups, probabilities = stage.risk_groups(stores), stage.probabilities(stores, separated)
    metrics = stage.validation_metrics(found, groups, folds, stores, probabilities, separated)
    assert "conventional_c_oob" not in metrics and 0 < metrics["network_c_cross_validated"] < 1
    assert len(stage.paper_table(stores)) > 3
