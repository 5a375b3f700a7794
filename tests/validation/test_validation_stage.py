"""Notebook 04: both models on the same bags, everything read from the stored predictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cardiolib.survival.settings import NetworkSettings
from cardiolib.survival.stage import SurvivalData, train_final
from cardiolib.validation import stage


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory):
    rng = np.random.default_rng(3)
    n = 90
    risk = rng.normal(size=n)
    X = rng.normal(size=(n, 19 * 2 * 3)).astype(np.float32) + np.linspace(0, 2, 114, dtype=np.float32) * risk[:, None]
    time = rng.exponential(np.exp(-1.2 * risk)) + 1e-3
    volumes = pd.DataFrame({
        "RVEDV": rng.normal(200, 20, n), "RVESV": rng.normal(100, 9, n), "RVEF": rng.normal(40, 9, n),
    })
    data = SurvivalData(tuple(f"p{i}" for i in range(n)), X.astype(np.float32), rng.random(n) < 0.7, time, volumes,
                        (19, 2, 3), "years")
    folder = tmp_path_factory.mktemp("stage")
    train_final(data, NetworkSettings(hidden=8, latent=3, epochs=40, log10_learning_rate=-3.0), seed=1, folder=folder)
    settings = stage.ValidationStageSettings(n_replicates=8)
    stores = stage.bootstrap_models(data, folder, settings, seed=5, folder=folder)
    return folder, data, stores, stage.validate_models(stores)


def test_models_share_their_bags(results) -> None:
    _, _, stores, _ = results
    assert np.array_equal(stores["network"].in_bag, stores["conventional"].in_bag)


def test_motion_that_carries_the_risk_beats_volumes_that_do_not(results) -> None:
    _, _, _, found = results
    assert found.models["network"].out_of_bag.c > 0.65
    assert abs(found.models["conventional"].out_of_bag.c - 0.5) < 0.15
    low, high = found.comparison.interval()
    assert low < found.comparison.difference < high and found.comparison.difference > 0.1


def test_metrics_groups_and_tables_agree(results) -> None:
    _, _, stores, found = results
    groups = stage.risk_groups(stores)
    metrics = stage.validation_metrics(found, groups)
    assert metrics["network_c_oob"] == found.models["network"].out_of_bag.c
    assert metrics["network_hazard_ratio"] > 1
    forest = stage.forest_table(found)
    assert set(forest["model"]) == {"network on motion", "Cox on RV volumes", "linear model of motion"}
    assert len(forest) == 15


def test_stored_predictions_hold_no_clock(results) -> None:
    folder, _, _, _ = results
    with np.load(folder / "network_bootstrap.npz") as stored:
        assert np.isnan(stored["seconds"]).all()  # the same run gives the same bytes


def test_without_volumes_there_is_no_comparison_and_it_says_so(results, tmp_path: Path) -> None:
    _, _, stores, _ = results
    alone = stage.validate_models({"network": stores["network"]})
    assert alone.comparison is None
    assert "no volumes" in stage.comparison_statement(alone)


def test_sample_size_is_one_plain_sentence(results) -> None:
    _, data, _, _ = results
    assert "90 patients with" in stage.sample_size_statement(data)
