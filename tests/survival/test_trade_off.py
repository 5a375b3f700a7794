"""What alpha trades, and the loss of a fitted network, part by part."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.survival import NetworkSettings, SurvivalData, fit_network
from cardiolib.survival.network import alpha_trade_off

QUICK = NetworkSettings(hidden=64, latent=8, epochs=100)


@pytest.fixture(scope="module")
def data() -> SurvivalData:
    rng = np.random.default_rng(1)
    # two wide axes that can be given back, and a narrower one that carries the risk
    modes = rng.normal(size=(90, 3))
    X = (modes * [3.0, 2.0, 1.5] @ rng.normal(size=(3, 60))).astype(np.float32)
    time = rng.exponential(np.exp(-2 * modes[:, 2]))
    ids = tuple(f"P{i}" for i in range(90))
    return SurvivalData(ids, X, time < 2, time.clip(max=2), None, (1, 20, 3), "years")


def test_more_weight_gives_more_motion_back(data: SurvivalData) -> None:
    found = alpha_trade_off(data, QUICK, alphas=[0.99, 0.01])
    assert found.alphas == [0.01, 0.99]
    assert found.table["motion_explained"].iloc[1] > found.table["motion_explained"].iloc[0]
    assert found.table["c_trained"].iloc[0] > 0.6
    assert found.held_out.sum() == 30 and found.codes[0.01].shape == (90, 8)


def test_the_same_seed_holds_the_same_patients_out(data: SurvivalData) -> None:
    one, other = (alpha_trade_off(data, QUICK, alphas=[0.5], seed=3) for _ in range(2))
    assert np.array_equal(one.held_out, other.held_out)
    assert np.array_equal(one.log_risks[0.5], other.log_risks[0.5])


@pytest.mark.parametrize("protocol", ["exact", "published"])
def test_the_loss_of_four_patients_is_what_the_formula_gives(data: SurvivalData, protocol: str) -> None:
    settings = QUICK if protocol == "exact" else NetworkSettings.published(hidden=64, latent=8, epochs=5)
    model = fit_network(data, settings=settings)
    rows = np.r_[np.flatnonzero(data.event)[:2], np.flatnonzero(~data.event)[:2]]
    X, event, time = data.X[rows], data.event[rows], data.time[rows]
    eta = model.predict_log_risk(X)
    nll = sum(np.log(np.exp(eta[time >= time[i]]).sum()) - eta[i] for i in np.flatnonzero(event))
    cox = nll / 2 if protocol == "exact" else nll
    x, back = model.standardiser.apply(X), model.standardiser.apply(model.reconstruct(X))
    reconstruction = ((x - back) ** 2).mean()
    found = model.loss(X, event, time)
    assert found.cox == pytest.approx(cox, rel=1e-6) and found.reconstruction == pytest.approx(reconstruction, rel=1e-6)
    weighted = settings.alpha * reconstruction + (1 - settings.alpha) * cox + 10**settings.log10_l1 * found.activity
    assert found.total == pytest.approx(weighted, rel=1e-6)
