"""Planted hazards: the hazard reads the patch and nothing else, and a map that knows it finds the patch."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.interpretation import plant_hazard, planted_table, planted_tests
from cardiolib.interpretation.planted import BASELINE, CEILING, KINDS, STRENGTH
from cardiolib.survival import NetworkSettings

pytestmark = pytest.mark.processor

N, V, PHASES = 150, 202, 2
RNG = np.random.default_rng(0)
X = 3 + RNG.normal(size=(N, PHASES * V * 3))  # every point moves on its own


@pytest.mark.parametrize("kind", KINDS)
def test_the_hazard_reads_the_patch_and_nothing_else(rv_mesh, kind):
    found = plant_hazard(X, rv_mesh, centre=150, kind=kind, rng=np.random.default_rng(1))
    assert found.patch.sum() == 20
    assert found.patch[150]
    assert len(set(rv_mesh.region[found.patch])) == 1
    outside = np.tile(np.repeat(~found.patch, 3), PHASES)
    noise = np.where(outside, np.random.default_rng(2).normal(size=X.shape), 0)
    same = plant_hazard(X + noise, rv_mesh, centre=150, kind=kind, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(same.time, found.time)
    changed = plant_hazard(
        X + np.where(outside, 0, noise + RNG.normal(size=X.shape)),
        rv_mesh,
        centre=150,
        kind=kind,
        rng=np.random.default_rng(1),
    )
    assert not np.array_equal(changed.log_hazard, found.log_hazard)


def test_less_motion_is_worse_and_worse_is_sooner(rv_mesh):
    found = plant_hazard(X, rv_mesh, centre=10, kind="amplitude", rng=np.random.default_rng(0))
    length = np.linalg.norm(X.reshape(N, PHASES, V, 3)[:, :, found.patch], axis=3).mean(axis=(1, 2))
    assert np.corrcoef(length, found.log_hazard)[0, 1] == pytest.approx(-1)
    assert found.log_hazard.std() == pytest.approx(STRENGTH)
    assert found.event.mean() == pytest.approx(0.28, abs=0.01)
    assert found.log_hazard[found.event].mean() > found.log_hazard[~found.event].mean() + 0.5


def test_maps_of_points_that_move_on_their_own_find_the_patch(rv_mesh):
    settings = NetworkSettings(hidden=12, latent=4, epochs=60, log10_learning_rate=-3.0, dropout=0.2)
    tests = planted_tests(X, rv_mesh, settings, n_patches=8, seed=3)
    fewer = planted_tests(X, rv_mesh, settings, n_patches=3, seed=3)
    assert [one.average_precision for one in tests[:3]] == [one.average_precision for one in fewer]
    assert [one.kind for one in fewer] == [KINDS[0], KINDS[0], KINDS[1]]
    assert len({int(rv_mesh.region[one.centre]) for one in fewer}) == 2  # both walls
    table = planted_table(tests)["times chance, mean"]
    assert table[CEILING] > table["correlation"] > table[BASELINE]  # truth, a trained network, nothing known


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"centre": 202}, "centre"),
        ({"kind": "strain"}, "kind"),
        ({"n_points": 200}, "n_points"),
    ],
)
def test_what_is_not_accepted(rv_mesh, change, message):
    with pytest.raises(ValueError, match=message):
        plant_hazard(X, rv_mesh, **{"centre": 0, "rng": np.random.default_rng(0), **change})
