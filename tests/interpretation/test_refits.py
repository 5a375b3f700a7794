"""Networks trained again: bags, agreement of maps, and a network that has nothing to learn."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.interpretation import fit_null_network, latent_stability, pca_map, refit_networks
from cardiolib.interpretation.refits import aligned_coordinates, direction_stability
from cardiolib.survival import NetworkSettings
from cardiolib.validation import draw_bag

SETTINGS = NetworkSettings(hidden=10, latent=4, epochs=10)


def test_refits_are_repeatable_and_see_only_their_bag(hearts):
    X, event, time, _ = hearts
    a, b = (refit_networks(X, event, time, SETTINGS, n_refits=2, n_vertices=202, seed=5) for _ in range(2))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.code, other.code)
        np.testing.assert_array_equal(one.risk_motion.field_mm, other.risk_motion.field_mm)
    for number, one in enumerate(a):
        assert set(np.flatnonzero(~one.out_of_bag)) == set(draw_bag(5, number, len(X)))
        assert one.code.shape == (60, 4)
        assert one.phase_importance.shape == (19, 202)
    assert not np.array_equal(a[0].log_risk, a[1].log_risk)
    table = direction_stability(a)
    assert table["mean"].iloc[0] == pytest.approx(a[0].risk_motion.cosine(a[1].risk_motion))
    with pytest.raises(ValueError, match="at least two"):
        direction_stability(a[:1])


def test_equal_maps_agree_up_to_turn_and_scale_and_unrelated_ones_do_not():
    rng = np.random.default_rng(0)
    code = rng.normal(size=(200, 3)) * [3, 2, 0.1]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    own, same, other = pca_map(code), pca_map(5 * code @ turn + 1), pca_map(rng.normal(size=(200, 3)))
    table = latent_stability(own, [same, other], n_neighbours=10)
    assert table["disparity"].iloc[0] == pytest.approx(0, abs=1e-9)
    assert table["neighbours kept"].iloc[0] == 1
    assert table["disparity"].iloc[1] > 0.9
    assert table["neighbours kept"].iloc[1] == pytest.approx(table["by chance"].iloc[1], abs=0.02)
    places = aligned_coordinates(own, [same, other])
    assert places.shape == (3, 200, 2)
    np.testing.assert_allclose(places[0], places[1], atol=1e-9)
    with pytest.raises(ValueError, match="same patients"):
        latent_stability(own, [], n_neighbours=10)


def test_a_network_learns_shuffled_outcomes_by_heart(hearts):
    X, event, time, _ = hearts
    flexible = NetworkSettings.on_inputs(hidden=20, latent=6, epochs=60, log10_learning_rate=-3.5)
    null = fit_null_network(X, event, time, flexible, seed=1)
    assert sorted(zip(null.event.tolist(), null.time.tolist(), strict=True)) == sorted(
        zip(event.tolist(), time.tolist(), strict=True)
    )
    assert not np.array_equal(null.time, time)
    assert null.c_index > 0.75
