"""The hand-written gradient against autograd, both protocols against a plain torch loop, and fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_motion import simulate_motion

from cardiolib.survival import NetworkSettings, concordance_index, fit_network
from cardiolib.survival.network.accelerated.batch_step import FusedBatchStep
from cardiolib.survival.network.accelerated.gradient import LossGradient, Weights
from cardiolib.survival.network.accelerated.principal import LOST_VARIANCE, principal_rows
from cardiolib.survival.network.autoencoder import SupervisedAutoencoder, hybrid_loss, train_plainly
from cardiolib.survival.network.corruption import Dropout
from cardiolib.survival.network.training import initialise
from cardiolib.survival.risk_sets import RiskSets

pytestmark = pytest.mark.processor

SMALL = NetworkSettings(hidden=12, latent=4, epochs=15, dropout=0.3, standardise="columns", log10_learning_rate=-2.5)
ON_INPUTS = replace(SMALL, coordinates="inputs", weight_decay=0.0)


def torch_network(weights: Weights) -> SupervisedAutoencoder:
    return torch_network_of(weights.views)


def torch_network_of(arrays: dict[str, np.ndarray], activation: str = "relu") -> SupervisedAutoencoder:
    hidden, n_features = arrays["encoder_hidden.weight"].shape
    network = SupervisedAutoencoder(n_features, hidden, arrays["encoder_code.bias"].size, activation)
    network.load_state_dict({k: torch.tensor(v) for k, v in arrays.items()}, assign=True)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    return network


@pytest.mark.parametrize("activation", ["relu", "linear"])
@pytest.mark.parametrize("protocol", ["exact", "published"])
@pytest.mark.parametrize(("n", "hidden"), [(30, 9), (7, 20), (1, 5)])  # with and without the Gram form; one row
def test_gradient_equals_autograd(protocol, n, hidden, activation):
    rng = np.random.default_rng(n)
    settings = NetworkSettings(
        protocol=protocol,
        coordinates="inputs",
        hidden=hidden,
        latent=3,
        alpha=0.4,
        log10_l1=-1.0,
        activation=activation,
    )
    weights = Weights(40, hidden, 3, np.float64)
    weights.flat[:] = 0.3 * rng.normal(size=weights.flat.size)
    clean = rng.normal(size=(n, 40))
    noisy = clean * (rng.random((n, 40)) < 0.7) / 0.7
    event, time = rng.random(n) < 0.6, rng.integers(1, 8, size=n)
    loss = LossGradient(weights, alpha=0.4, l1=0.1, exact=protocol == "exact", linear=activation == "linear")
    ties = "efron" if protocol == "exact" else "breslow"
    fast = loss(noisy, clean, RiskSets(event, time, ties=ties))
    network = torch_network_of(weights.views, activation)
    slow = hybrid_loss(network(torch.tensor(noisy)), torch.tensor(clean), event, time, settings)
    slow.total.backward()
    np.testing.assert_allclose(fast, [part.item() for part in slow], rtol=1e-11, atol=1e-12)
    for name, parameter in network.named_parameters():
        np.testing.assert_allclose(loss.gradient[name], parameter.grad, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
@pytest.mark.parametrize(("protocol", "frozen"), [("exact", True), ("published", True), ("published", False)])
def test_training_equals_a_plain_torch_loop(motion, protocol, frozen, weight_decay, dropout):
    settings = replace(
        ON_INPUTS,
        protocol=protocol,
        frozen_batches=frozen,
        epochs=3,
        dropout=dropout,
        standardise="none",
        log10_l1=-3.0,
        weight_decay=weight_decay,
    )
    fitted = fit_network(motion.X, motion.event, motion.time, settings, seed=4)
    weights = Weights(motion.X.shape[1], settings.hidden, settings.latent)
    initialise(weights, np.random.SeedSequence(4).spawn(3)[0])
    network, x = torch_network(weights), motion.X.astype(np.float32)
    history = train_plainly(network, x, motion.event, motion.time, settings, seed=4)
    for name, value in network.state_dict().items():
        np.testing.assert_allclose(fitted.weights[name], value, atol=2e-4, err_msg=name)
    with torch.no_grad():
        np.testing.assert_allclose(fitted.predict_log_risk(motion.X), network(torch.from_numpy(x)).log_risk, atol=5e-3)
    np.testing.assert_allclose(fitted.history.drop(columns="epoch"), history, rtol=2e-3)


def test_the_plain_loop_takes_the_steps_that_the_protocols_name(motion, monkeypatch):
    """What the loop itself rests on: optimiser, rate, epsilon, decay, and which patients are in a step."""
    made, steps = [], []
    for name in ("Adam", "AdamW"):
        kind = getattr(torch.optim, name)
        monkeypatch.setattr(
            torch.optim, name, lambda *a, kind=kind, **given: made.append((kind.__name__, given)) or kind(*a, **given)
        )
    monkeypatch.setattr(
        "cardiolib.survival.network.autoencoder.hybrid_loss",
        lambda out, clean, *rest: steps.append(clean.numpy()) or hybrid_loss(out, clean, *rest),
    )
    x = motion.X.astype(np.float32)
    for protocol in ("exact", "published"):
        settings = replace(ON_INPUTS, protocol=protocol, epochs=2, weight_decay=0.5)
        train_plainly(SupervisedAutoencoder(x.shape[1], 12, 4), x, motion.event, motion.time, settings, seed=4)
    given = {"lr": 10**-2.5, "weight_decay": 0.5}
    assert made == [("AdamW", {**given, "eps": 1e-8}), ("Adam", {**given, "eps": 1e-7})]
    order = np.random.default_rng(np.random.SeedSequence(4).spawn(3)[2]).permutation(90)
    expected = [np.arange(90)] * 2 + np.split(order, np.arange(16, 90, 16)) * 2
    assert len(steps) == len(expected)
    for seen, rows in zip(steps, expected, strict=True):
        np.testing.assert_array_equal(seen, x[rows])


def test_the_plain_loop_refuses_principal_coordinates(motion):
    with pytest.raises(ValueError, match='coordinates="inputs"'):
        train_plainly(SupervisedAutoencoder(5, 3, 2), motion.X, motion.event, motion.time, SMALL, seed=0)


@pytest.mark.parametrize(("n_features", "hidden", "n"), [(40, 9, 16), (901, 120, 14), (90_001, 2, 3)])
def test_fused_batch_step_equals_gradient_and_adam(n_features, hidden, n):
    rng = np.random.default_rng(0)
    weights = [Weights(n_features, hidden, 3, np.float64) for _ in range(2)]
    weights[0].flat[:] = 0.3 * rng.normal(size=weights[0].flat.size)
    weights[1].flat[:] = weights[0].flat
    terms = {"alpha": 0.4, "l1": 0.1, "exact": False}
    fused = FusedBatchStep(weights[0], learning_rate=0.01, epsilon=1e-7, weight_decay=0.3, **terms)
    plain = LossGradient(weights[1], **terms)
    parameter = torch.from_numpy(weights[1].flat)
    parameter.grad = torch.from_numpy(plain.gradient.flat)
    adam = torch.optim.Adam([parameter], lr=0.01, eps=1e-7, weight_decay=0.3)
    for _ in range(4):
        clean = rng.normal(size=(n, n_features))
        noisy = clean * (rng.random(clean.shape) < 0.7)
        risk_sets = RiskSets(rng.random(n) < 0.6, rng.exponential(size=n), ties="breslow")
        expected = plain(noisy, clean, risk_sets)
        np.testing.assert_allclose(fused(noisy, clean, risk_sets), expected, rtol=1e-10)
        adam.step()
        for name, moved in weights[0].views.items():
            np.testing.assert_allclose(moved, weights[1][name], atol=1e-9, err_msg=name)


def test_principal_coordinates_are_a_rotation_of_the_same_network(motion):
    x = ((motion.X - motion.X.mean(axis=0)) / motion.X.std()).astype(np.float32)
    rows = principal_rows(x)
    k = rows.scores.shape[1]
    np.testing.assert_allclose(rows.axes.T @ rows.axes, np.eye(k), atol=1e-4)
    np.testing.assert_allclose(rows.project(x), rows.scores, atol=1e-5)
    assert np.sum((rows.scores @ rows.axes.T * rows.unit - x) ** 2) < LOST_VARIANCE * np.sum(x**2)
    weights = Weights(k, 12, 4)
    weights.flat[:] = np.random.default_rng(0).normal(size=weights.flat.size)
    full, narrow = torch_network_of(rows.unfold(weights)), torch_network_of(weights.views)
    with torch.no_grad():
        seen = torch.tensor(rows.scores @ rows.axes.T * np.float32(rows.unit))
        wide, on_axes = full(seen), narrow(torch.tensor(rows.scores))
    np.testing.assert_allclose(wide.log_risk, on_axes.log_risk, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(wide.reconstruction, on_axes.reconstruction.numpy() @ rows.axes.T * rows.unit, atol=2e-3)
    errors = [
        np.sum((wide.reconstruction.numpy() - seen.numpy()) ** 2) / x.shape[1],
        np.sum((on_axes.reconstruction.numpy() - rows.scores) ** 2) / rows.scale,
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)  # the loss is on the scale of the features


def test_principal_noise_has_the_strength_of_dropout(motion):
    """Patient by patient in all directions together, and along the axes that are kept for all patients together."""
    rng = np.random.default_rng(0)
    x = ((motion.X - motion.X.mean(axis=0)) / motion.X.std(axis=0)).astype(np.float32)
    rows = principal_rows(x)
    masks = (rng.random((400, *x.shape), dtype=np.float32) >= 0.3) / np.float32(0.7)
    dropped = (masks * x - x) / np.float32(rows.unit)  # (draws, N, D)
    corrupt = rows.corruption(replace(SMALL, dropout=0.3), rng)
    drawn = np.stack([corrupt(rows.scores, slice(None)) - rows.scores for _ in range(400)])  # (draws, N, k)
    strength = drawn.var(axis=0).mean(axis=1)
    np.testing.assert_allclose(strength, dropped.var(axis=0).mean(axis=1), rtol=0.1)
    assert strength.mean() == pytest.approx((dropped @ rows.axes).var(axis=0).mean(), rel=0.05)
    assert abs(drawn.mean()) < 0.01 * np.sqrt(strength.mean())


def test_more_patients_than_features_have_the_same_axes(motion):
    x = (motion.X[:, :40] - motion.X[:, :40].mean(axis=0)).astype(np.float32)
    rows = principal_rows(x)  # 90 patients, 40 features
    values = np.linalg.svd(x, compute_uv=False)
    np.testing.assert_allclose(
        np.linalg.norm(rows.scores * rows.unit, axis=0), values[: rows.scores.shape[1]], rtol=1e-3
    )
    np.testing.assert_allclose(rows.project(x), rows.scores, atol=1e-5)


def test_batch_without_a_death_trains_on_reconstruction_alone(motion):
    event = np.zeros(90, dtype=bool)
    event[0] = True
    settings = NetworkSettings.published(hidden=10, latent=3, epochs=2)
    fitted = fit_network(motion.X, event, motion.time, settings, seed=0)
    assert np.isfinite(fitted.history.to_numpy()).all()
    assert fitted.n_events == 1


@pytest.mark.parametrize("start", [SMALL, ON_INPUTS])
def test_network_recovers_the_hazard(start):
    """On new patients, over eight cohorts, trained networks stand between untrained ones and the true hazard."""
    settings = replace(start, epochs=100, hidden=60, alpha=0.5)
    c = {"untrained": [], "trained": [], "truth": []}
    for seed in range(8):
        train, new = simulate_motion(90, 2 * seed + 1), simulate_motion(400, 2 * seed + 2)
        still, fitted = (
            fit_network(train.X, train.event, train.time, each, seed=seed)
            for each in (replace(settings, log10_learning_rate=-12.0, epochs=1), settings)
        )
        risks = still.predict_log_risk(new.X), fitted.predict_log_risk(new.X), new.log_hazard
        for name, risk in zip(c, risks, strict=True):
            c[name].append(concordance_index(risk, new.event, new.time))
        assert fitted.history["total"].iloc[-1] < fitted.history["total"].iloc[0]
        errors = [np.mean((one.reconstruct(new.X) - new.X) ** 2) for one in (still, fitted)]
        assert errors[1] < errors[0]
    untrained, trained, truth = (np.mean(values) for values in c.values())
    assert untrained + (truth - untrained) / 4 < trained < truth


@pytest.mark.parametrize("protocol", ["exact", "published"])
def test_same_seed_same_bytes_other_seed_not(motion, protocol):
    settings = replace(SMALL if protocol == "exact" else ON_INPUTS, protocol=protocol, epochs=3, frozen_batches=False)
    fits = [fit_network(motion.X, motion.event, motion.time, settings, seed=s) for s in (1, 1, 2)]
    for name in fits[0].weights:
        assert fits[0].weights[name].tobytes() == fits[1].weights[name].tobytes()
    assert not np.array_equal(fits[0].predict_log_risk(motion.X), fits[2].predict_log_risk(motion.X))


def test_global_random_streams_are_not_touched(motion):
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    expected = np.random.random(), torch.rand(1).item()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    fitted = fit_network(motion.X, motion.event, motion.time, replace(SMALL, epochs=1), seed=0)
    fitted.predict_log_risk(motion.X)
    assert (np.random.random(), torch.rand(1).item()) == expected  # noqa: NPY002


def test_dropout_keeps_the_mean_and_shares_its_numbers_across_probabilities():
    x = np.ones((300, 200), dtype=np.float32)
    masks = {}
    for p in (0.0, 0.3, 0.7):
        out = Dropout(p, np.random.default_rng(0))(x, np.empty_like(x))
        assert out.mean() == pytest.approx(1.0, abs=0.02)
        assert np.mean(out == 0) == pytest.approx(p, abs=0.01)
        masks[p] = out != 0
    assert not np.any(masks[0.7] & ~masks[0.3])  # what survives strong dropout survives weak dropout
    dropout = Dropout(0.5, np.random.default_rng(0))
    first, second = (dropout(x, np.empty_like(x)) != 0 for _ in range(2))
    agreement = [np.mean(first == second), np.mean(first[1:] == first[:-1]), np.mean(first[:, 1:] == first[:, :-1])]
    np.testing.assert_allclose(agreement, 0.5, atol=0.015)


def test_bad_training_data_is_refused(motion):
    X, event, time, _ = motion
    broken = X.copy()
    broken[[3, 7], 5] = np.nan, np.inf
    with pytest.raises(ValueError, match=r"not finite in 2 rows: \[3, 7\]"):
        fit_network(broken, event, time, SMALL, seed=0)
    with pytest.raises(ValueError, match="X has 89 rows, event and time have 90"):
        fit_network(X[:-1], event, time, SMALL, seed=0)
    with pytest.raises(ValueError, match="one death, got 90 patients and 0 deaths"):
        fit_network(X, np.zeros(90), time, SMALL, seed=0)
    with pytest.raises(ValueError, match="holds 170 numbers, but X has 171 columns"):
        fit_network(X, event, time, SMALL, seed=0, feature_shape=(17, 10))
    with pytest.raises(ValueError, match="X must be a matrix"):
        fit_network(X[0], event, time, SMALL, seed=0)


def test_divergence_is_an_error(motion):
    with pytest.raises(FloatingPointError, match="lower log10_learning_rate"):
        fit_network(
            motion.X * 1e18,
            motion.event,
            motion.time,
            replace(ON_INPUTS, standardise="none", log10_learning_rate=1.0),
            seed=0,
        )
