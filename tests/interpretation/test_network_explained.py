"""Integrated gradients and the decoded risk direction, on functions and networks whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cardiolib.interpretation import (
    attribute_network,
    decode_risk_direction,
    integrated_gradients,
    log_risk_function,
)
from cardiolib.survival import NetworkSettings, fit_network

N, V, PHASES = 60, 4, 3
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, PHASES * V * 3))
TIME = RNG.exponential(np.exp(-2 * X[:, 0]))
EVENT = RNG.random(N) < 0.7


@pytest.fixture(scope="module")
def model():
    settings = NetworkSettings(hidden=12, latent=4, epochs=60, log10_learning_rate=-2.5, dropout=0.2)
    return fit_network(X, EVENT, TIME, settings, seed=0)


def test_attributions_of_a_linear_risk_are_weight_times_difference():
    weight = np.linspace(-1, 1, X.shape[1])
    found = integrated_gradients(lambda x: x @ torch.as_tensor(weight), X, n_steps=1)
    np.testing.assert_allclose(found.values, (X - X.mean(axis=0)) * weight, atol=1e-12)
    assert found.n_steps == 1


def test_attributions_of_a_product_are_shared_equally():
    found = integrated_gradients(lambda x: x[:, 0] * x[:, 1], [[2.0, 3.0, 9.0]], baseline=np.zeros(3), n_steps=4)
    np.testing.assert_allclose(found.values, [[3, 3, 0]], atol=1e-12)


def test_the_differentiable_risk_is_the_risk_of_the_model(model):
    found = log_risk_function(model)(torch.as_tensor(X)).numpy()
    np.testing.assert_allclose(found, model.predict_log_risk(X), atol=1e-9)


def test_a_network_without_relus_is_explained_in_steps_and_refused_by_the_exact_way():
    settings = NetworkSettings(hidden=6, latent=3, epochs=10, activation="linear")
    linear = fit_network(X, EVENT, TIME, settings, seed=0)
    risk = log_risk_function(linear)
    np.testing.assert_allclose(risk(torch.as_tensor(X)).numpy(), linear.predict_log_risk(X), atol=1e-9)
    assert integrated_gradients(risk, X, n_steps=1).n_steps == 1  # a constant gradient needs no more
    with pytest.raises(ValueError, match="network of ReLUs, not 'linear'"):
        attribute_network(linear, X)


def test_attributions_of_a_network_are_complete_and_repeatable(model):
    risk = log_risk_function(model)
    found, again = integrated_gradients(risk, X), integrated_gradients(risk, X)
    np.testing.assert_array_equal(found.values, again.values)
    gain = model.predict_log_risk(X) - model.predict_log_risk(X.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(found.values.sum(axis=1), gain, atol=0.01 * np.ptp(model.predict_log_risk(X)))
    assert found.completeness_error <= 0.01 * np.ptp(found.log_risk) + 1e-9
    shares = found.by_phase_and_vertex(n_vertices=V)
    assert shares.shape == (N, PHASES, V)
    np.testing.assert_allclose(shares.sum(axis=(1, 2)), found.values.sum(axis=1), atol=1e-12)


@pytest.mark.parametrize("standardise", ["none", "global", "columns"])
def test_exact_attributions_are_the_limit_of_those_in_steps(standardise):
    settings = NetworkSettings(hidden=12, latent=4, epochs=20, log10_learning_rate=-2.5, standardise=standardise)
    model = fit_network(X, EVENT, TIME, settings, seed=0)
    baseline = X[0]
    exact = attribute_network(model, X, baseline=baseline)
    numerical = integrated_gradients(log_risk_function(model), X, baseline=baseline, n_steps=1024)
    np.testing.assert_allclose(exact.values, numerical.values, atol=2e-3 * np.ptp(numerical.log_risk))
    np.testing.assert_allclose(exact.log_risk, model.predict_log_risk(X), atol=1e-9)
    assert exact.baseline_log_risk == pytest.approx(numerical.baseline_log_risk)


def test_exact_attributions_are_complete_to_rounding_patient_by_patient(model):
    found = attribute_network(model, X)
    gain = found.log_risk - found.baseline_log_risk
    np.testing.assert_allclose(found.values.sum(axis=1), gain, atol=1e-10)
    assert found.relative_completeness_error < 1e-12
    assert found.completeness_error == np.abs(found.values.sum(axis=1) - gain).max()
    assert 1 < found.n_steps <= 2 + 12 + 13 * 4  # hidden units switch once, code units once a piece


def test_the_vertex_that_the_hazard_reads_is_the_most_important():
    rng = np.random.default_rng(1)
    many = rng.normal(size=(500, X.shape[1]))
    column = 1 * 3 * V + 3 * 2 + 1  # phase 2, vertex 2, y
    death = rng.exponential(np.exp(-2 * many[:, column]))
    settings = NetworkSettings(hidden=12, latent=4, epochs=60, log10_learning_rate=-2.5, dropout=0.2)
    model = fit_network(many, np.ones(500, bool), death, settings, seed=0)
    found = integrated_gradients(log_risk_function(model), many[:100])
    assert found.vertex_importance(n_vertices=V).argmax() == 2
    assert np.unravel_index(found.phase_importance(n_vertices=V).argmax(), (PHASES, V)) == (1, 2)


def test_more_steps_are_taken_until_attributions_are_complete():
    def steep(x):
        return torch.sigmoid(60 * (x[:, 0] - 0.3))

    found = integrated_gradients(steep, [[1.0], [0.0]], baseline=np.zeros(1), n_steps=2, tolerance=1e-3)
    assert found.n_steps > 2
    assert found.completeness_error < 1e-3
    with pytest.raises(ValueError, match="max_steps"):
        integrated_gradients(
            lambda x: torch.round(x[:, 0]) + 0 * x[:, 0], [[1.0], [0.0]], baseline=np.zeros(1), max_steps=128
        )


def test_what_attribution_does_not_accept():
    def risk(x):
        return x.sum(dim=1)

    with pytest.raises(ValueError, match="finite"):
        integrated_gradients(risk, np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match="baseline"):
        integrated_gradients(risk, X, baseline=np.zeros(2))
    with pytest.raises(ValueError, match="n_steps"):
        integrated_gradients(risk, X, n_steps=0)


def test_the_risk_direction_starts_at_the_mean_code_and_rises(model):
    code = model.code(X)
    found = decode_risk_direction(model, code, amounts=(-1, 0, 1, 2), n_vertices=V)
    np.testing.assert_allclose(found.code[1], code.mean(axis=0))
    np.testing.assert_allclose(found.displacement_mm[1].reshape(1, -1), model.decode(code.mean(axis=0)[None]))
    assert found.displacement_mm.shape == (4, PHASES, V, 3)
    assert (np.diff(found.log_risk) > 0).all()
    assert (found.code >= 0).all()
    assert found.mahalanobis[1] == pytest.approx(0, abs=1e-6)
    assert found.table()["inside"].iloc[1]


def test_a_step_of_one_is_one_sd_of_the_codes_along_the_risk_head(model):
    code = model.code(X) + 50.0  # far from 0, so nothing is clamped
    found = decode_risk_direction(model, code, amounts=(0, 1), n_vertices=V)
    head = model.weights["risk.weight"].reshape(-1).astype(float)
    spread = (code @ head / np.linalg.norm(head)).std(ddof=1)
    assert np.linalg.norm(found.code[1] - found.code[0]) == pytest.approx(spread)
    assert found.clamped.tolist() == [0, 0]


def test_what_the_risk_direction_does_not_accept(model):
    with pytest.raises(ValueError, match="finite numbers"):
        decode_risk_direction(model, np.zeros((5, 3)), n_vertices=V)
    with pytest.raises(ValueError, match="do not vary"):
        decode_risk_direction(model, np.ones((5, 4)), n_vertices=V)
