"""How motion changes with risk: identities of the methods, recovery of a known field, and the truth."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.cohorts import SimulatedCohortSettings, build_simulated_cohort
from cardiolib.interpretation import (
    RiskMotion,
    compare_risk_motions,
    decoded_motions,
    physiology,
    regression_motion,
    true_risk_motion,
)
from cardiolib.interpretation.risk_motion import (
    LEAST_SQUARES_HEAD,
    LEAST_SQUARES_PATTERN,
    NETWORK_DECODER,
    REGRESSION,
)
from cardiolib.survival import NetworkSettings, fit_network

pytestmark = pytest.mark.processor

N, V, PHASES = 80, 5, 3
RNG = np.random.default_rng(0)
FIELD = RNG.normal(size=(PHASES, V, 3))
RISK = RNG.normal(size=N)
X = 4 + RISK[:, None] * FIELD.reshape(-1) + 0.3 * RNG.normal(size=(N, PHASES * V * 3))


@pytest.fixture(scope="module")
def model():
    time, event = np.random.default_rng(1).exponential(np.exp(-2 * RISK)), np.ones(N, bool)
    settings = NetworkSettings(hidden=12, latent=4, epochs=60, log10_learning_rate=-2.5, dropout=0.2)
    return fit_network(X, event, time, settings, seed=0)


def test_regression_recovers_the_field_and_its_size():
    truth = RiskMotion("truth", np.full((PHASES, V, 3), 4.0), FIELD * RISK.std(ddof=1))
    found = regression_motion(RISK, X, n_vertices=V)
    assert found.cosine(truth) > 0.99
    assert found.size_mm() == pytest.approx(truth.size_mm(), rel=0.05)
    np.testing.assert_allclose(found.mean_mm.reshape(-1), X.mean(axis=0))
    slope = [np.polyfit(RISK, column, 1)[0] for column in X.T]  # one regression a column
    np.testing.assert_allclose(found.field_mm.reshape(-1), np.array(slope) * RISK.std(ddof=1), rtol=1e-9)


def test_regression_does_not_see_the_scale_of_the_risk_nor_patients_without_one():
    found = regression_motion(RISK, X, n_vertices=V)
    np.testing.assert_allclose(regression_motion(7 * RISK + 3, X, n_vertices=V).field_mm, found.field_mm)
    np.testing.assert_allclose(regression_motion(-RISK, X, n_vertices=V).field_mm, -found.field_mm)
    some = np.where(np.arange(N) < 50, RISK, np.nan)
    np.testing.assert_allclose(
        regression_motion(some, X, n_vertices=V).field_mm, regression_motion(RISK[:50], X[:50], n_vertices=V).field_mm
    )


def test_a_least_squares_decoder_along_the_pattern_is_the_regression_on_the_networks_risk(model):
    found = {one.method: one for one in decoded_motions(model, X, n_vertices=V)}
    regression = regression_motion(model.predict_log_risk(X), X, n_vertices=V)
    np.testing.assert_allclose(found[LEAST_SQUARES_PATTERN].field_mm, regression.field_mm, atol=1e-6)
    assert list(found) == [NETWORK_DECODER, LEAST_SQUARES_HEAD, LEAST_SQUARES_PATTERN]
    assert found[LEAST_SQUARES_PATTERN].distance == pytest.approx(1)
    assert found[NETWORK_DECODER].distance == found[LEAST_SQUARES_HEAD].distance >= 1
    # no decoder is better than the one of least squares
    assert found[NETWORK_DECODER].explained <= found[LEAST_SQUARES_HEAD].explained <= 1


def test_decoding_finds_the_field_that_the_hazard_is_made_of(model):
    truth = RiskMotion("truth", np.zeros_like(FIELD), FIELD)
    table = compare_risk_motions(decoded_motions(model, X, n_vertices=V), truth)
    assert table.loc[LEAST_SQUARES_PATTERN, "cosine with truth"] > 0.95
    assert "cosine with truth" not in compare_risk_motions(decoded_motions(model, X, n_vertices=V), None)


def test_hearts_begin_at_the_reference_and_move_by_mean_and_field():
    motion, reference = regression_motion(RISK, X, n_vertices=V), np.arange(15.0).reshape(V, 3)
    positions = motion.positions_mm(reference, 2.0)
    assert positions.shape == (PHASES + 1, V, 3)
    np.testing.assert_array_equal(positions[0], reference)
    np.testing.assert_allclose(positions[1:], reference + motion.mean_mm + 2 * motion.field_mm)
    np.testing.assert_allclose(motion.vertex_size_mm() ** 2, (motion.field_mm**2).sum(axis=2).mean(axis=0))


def test_what_is_not_accepted():
    motion = regression_motion(RISK, X, n_vertices=V)
    with pytest.raises(ValueError, match="constant"):
        regression_motion(np.ones(N), X, n_vertices=V)
    with pytest.raises(ValueError, match="shapes"):
        regression_motion(RISK[:-1], X, n_vertices=V)
    with pytest.raises(ValueError, match="reference"):
        motion.positions_mm(np.zeros((V + 1, 3)), 1.0)
    with pytest.raises(ValueError, match="differ in shape"):
        motion.cosine(RiskMotion(REGRESSION, np.zeros((1, V, 3)), np.zeros((1, V, 3))))


def test_the_true_high_risk_heart_is_late_stiff_and_bows_its_septum(tmp_path, rv_mesh):
    settings = SimulatedCohortSettings(n_subjects=4, n_imaged=0)
    cohort = build_simulated_cohort(tmp_path / "motion", settings=settings, seed=1)
    truth = true_risk_motion(cohort, n_frames=20, n_hearts=240, seed=2)  # fewer would leave more to the draw
    low, high = (physiology(truth.positions_mm(rv_mesh.points, amount), rv_mesh) for amount in (-2, 2))
    assert high["TAPSE"] < low["TAPSE"] - 2
    assert high["time of end-systole"] > low["time of end-systole"] + 2
    assert high["septal shift to the left at end-systole"] > low["septal shift to the left at end-systole"] + 1
    one, again = (true_risk_motion(cohort, n_frames=20, n_hearts=10, seed=2) for _ in range(2))
    np.testing.assert_array_equal(again.field_mm, one.field_mm)
    null = SimulatedCohortSettings(kind="simulated-null-hazard", n_subjects=4, n_imaged=0)
    assert (
        true_risk_motion(
            build_simulated_cohort(tmp_path / "null", settings=null, seed=1), n_frames=20, seed=2, n_hearts=10
        )
        is None
    )
