"""Figures of notebook 03 that show the network, its search and its predictions: what is drawn, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_results import search_result

from cardiolib.figures import architecture, hazard_scatter, latent_code, predicted_survival, searched_settings
from cardiolib.survival import NetworkSettings, SurvivalData, fit_network
from cardiolib.survival.fold_comparison import HazardComparison
from cardiolib.survival.network import tables


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    X, n = rng.normal(size=(40, 60)), 40
    time = rng.exponential(size=n) * np.exp(-X[:, 0])
    event = rng.random(n) < 0.6
    network = fit_network(X, event, time, NetworkSettings(hidden=7, latent=3, epochs=5), seed=0)
    return network, SurvivalData(tuple(f"p{i}" for i in range(n)), X, event, time, None, (4, 5, 3), "years")


def test_architecture_is_that_of_the_weights(cohort):
    network, _ = cohort
    figure, table = architecture(network)
    assert table.set_index("layer")["units"].to_dict() == {
        "motion": 60,
        "hidden": 7,
        "code": 3,
        "log risk": 1,
        "decoder": 7,
        "reconstruction": 60,
    }
    assert table["parameters"].sum() == sum(w.size for w in network.weights.values())
    written = {text.get_text() for text in figure.axes[0].texts}
    assert {"log risk", "60\ndropout 0.30", "7\nReLU", "427"} <= written  # 60 x 7 weights and 7 biases


def test_searched_settings_follow_the_best_so_far():
    history = pd.DataFrame(
        {
            "generation": [0, 0, 1, 1],
            "score": [0.6, np.nan, 0.7, 0.65],
            "alpha": [0.1, 0.2, 0.3, 0.4],
            "hidden": [80, 90, 100, 110],
        }
    )
    figure, table = searched_settings(search_result(history), ["alpha", "hidden"])
    assert table["best_alpha"].tolist() == [0.1, 0.1, 0.3, 0.3] and table["best_hidden"].iloc[-1] == 100
    assert [ax.get_ylabel() for ax in figure.axes[:2]] == ["weight of reconstruction", "hidden units"]
    with pytest.raises(ValueError, match="dropout"):
        searched_settings(search_result(history), ["dropout"])


def test_latent_code_is_ordered_by_risk_and_harm(cohort):
    network, data = cohort
    _, drawn = latent_code(network, data)
    assert drawn["log_risk"].is_monotonic_increasing and len(drawn.columns) == 2 + 3
    units = drawn.columns[2:]
    assert drawn[units].to_numpy().max() <= 1 and drawn[units].to_numpy().min() >= 0
    weight = network.weights["risk.weight"][0]
    harm = [weight[int(name[1:]) - 1] * network.code(data.X)[:, int(name[1:]) - 1].std() for name in units]
    assert harm == sorted(harm, reverse=True)


def test_predicted_survival_of_chosen_patients(cohort):
    network, data = cohort
    patients = tables.chosen_patients(network, data)
    assert patients["log_risk"].is_monotonic_increasing and len(patients) == 5
    until = tables.followed_time(data.time)
    assert np.sum(data.time >= until) == 10
    curves = tables.predicted_curves(network, data, patients, until=until)
    assert curves["time"].max() == until and (curves.loc[curves["time"] == 0, "survival"] == 1).all()
    last = curves.groupby("ID", sort=False)["survival"].last()
    assert last.is_monotonic_decreasing  # higher risk, lower survival
    np.testing.assert_allclose(last, network.survival_curve(data.X[patients["row"]], [until * (1 - 1e-12)])[:, 0])
    _, drawn = predicted_survival(network, data)
    np.testing.assert_array_equal(drawn["survival"], curves["survival"])
    assert set(drawn.columns) == {"ID", "time", "survival", "quantile", "event", "end"}


def test_hazard_scatter_states_rank_and_slope():
    predicted = np.linspace(-1, 1, 20)
    table = pd.DataFrame({"true": 2 * predicted, "predicted": predicted, "event": np.arange(20) % 2 == 0})
    figure, _ = hazard_scatter(HazardComparison(table))
    assert figure.axes[0].get_title(loc="left") == "rank correlation 1.00, slope 2.00"
    figure, _ = hazard_scatter(HazardComparison(table.assign(true=0.0)))
    assert "same for all" in figure.axes[0].get_title(loc="left")
    nothing = hazard_scatter(HazardComparison(pd.DataFrame(), "Real patients."))
    assert nothing.figure is None and nothing.reason == "Real patients."
    with pytest.raises(ValueError, match="predicted"):
        hazard_scatter(HazardComparison(table.drop(columns="predicted")))
