"""The resampling engine: same bags for everybody, resumable, order-independent, honest about failures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib.validation import (
    BootstrapSettings,
    BootstrapStore,
    Prediction,
    draw_bag,
    read_bootstrap,
    run_bootstrap,
    write_bootstrap,
)

N = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
TIME = RNG.exponential(np.exp(-X[:, 0]))
EVENT = RNG.random(N) < 0.6
IDS = [f"patient_{i:03d}" for i in range(N)]


class MarginalSlopes:
    """A small pipeline: slope of each column on the event; some noise from its seed."""

    def __init__(self, fail_when=lambda groups: False):
        self.calls, self.fail_when = 0, fail_when

    def __call__(self, X, event, time, *, X_new, groups, seed):
        self.calls += 1
        if self.fail_when(groups):
            raise RuntimeError("this bag did not converge")
        slope = X.T @ (event - event.mean()) / len(X)
        jitter = 0.01 * np.random.default_rng(seed).normal()
        return Prediction(X_new @ slope + jitter, {"largest_slope": np.abs(slope).max()})


def run(folder, *, pipeline=None, n=6, seed=7, map_units=map, model="slopes", retry_failed=False, data=X):
    return run_bootstrap(
        pipeline or MarginalSlopes(),
        data,
        EVENT,
        TIME,
        ids=IDS,
        settings=BootstrapSettings(n, retry_failed),
        seed=seed,
        folder=folder,
        model=model,
        map_units=map_units,
    )


def last_first(function, items):
    """A map that evaluates in reverse order and yields in order, as a busy cluster might."""
    return iter([function(item) for item in reversed(list(items))][::-1])


def same(a: BootstrapStore, b: BootstrapStore) -> None:
    np.testing.assert_array_equal(a.in_bag, b.in_bag)
    np.testing.assert_array_equal(a.log_risk, b.log_risk)
    np.testing.assert_array_equal(a.log_risk_apparent, b.log_risk_apparent)
    assert a.message == b.message
    pd.testing.assert_frame_equal(a.parameters, b.parameters)
    assert a.meta == b.meta


def test_bags_are_those_of_spawned_seed_sequences_and_do_not_depend_on_the_model(tmp_path):
    store = run(tmp_path / "a")
    other = run(tmp_path / "b", pipeline=lambda X, event, time, *, X_new, groups, seed: X_new[:, 0], model="other")
    for b, child in enumerate(np.random.SeedSequence(7).spawn(6)):
        np.testing.assert_array_equal(store.in_bag[b], np.random.default_rng(child).integers(0, N, size=N))
    np.testing.assert_array_equal(store.in_bag, other.in_bag)
    assert not np.array_equal(store.in_bag[0], draw_bag(8, 0, N))
    assert other.parameters is None


def test_the_pipeline_sees_the_bag_and_predicts_everybody(tmp_path):
    seen = {}

    def pipeline(X_bag, event, time, *, X_new, groups, seed):
        np.testing.assert_array_equal(X_bag, X[groups])
        np.testing.assert_array_equal(time, TIME[groups])
        np.testing.assert_array_equal(X_new, X)
        seen[seed] = groups
        return X_new[:, 0]

    store = run(tmp_path, pipeline=pipeline)
    assert len(seen) == 7  # every unit has its own seed
    np.testing.assert_array_equal(next(iter(seen.values())), np.arange(N))  # trained on everybody first
    np.testing.assert_array_equal(np.array(list(seen.values())[1:]), store.in_bag)
    np.testing.assert_array_equal(store.out_of_bag[2], ~np.isin(np.arange(N), store.in_bag[2]))


def test_resumed_run_equals_one_run(tmp_path):
    whole = run(tmp_path / "whole")

    def killed_after_four(function, items):
        for done, item in enumerate(items):
            if done == 4:
                raise KeyboardInterrupt
            yield function(item)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "resumed", map_units=killed_after_four)
    pipeline = MarginalSlopes()
    resumed = run(tmp_path / "resumed", pipeline=pipeline)
    assert pipeline.calls == 3
    same(whole, resumed)


def test_more_replicates_keep_the_first_ones(tmp_path):
    few = run(tmp_path, n=3)
    pipeline = MarginalSlopes()
    more = run(tmp_path, n=6, pipeline=pipeline)
    assert pipeline.calls == 3
    np.testing.assert_array_equal(more.log_risk[:3], few.log_risk)


def test_order_of_evaluation_does_not_matter(tmp_path):
    same(run(tmp_path / "forward"), run(tmp_path / "backward", map_units=last_first))


def test_failed_replicates_are_kept_reported_and_retried_on_demand(tmp_path):
    bad = draw_bag(7, 2, N)
    pipeline = MarginalSlopes(fail_when=lambda groups: np.array_equal(groups, bad))
    store = run(tmp_path, pipeline=pipeline)
    assert store.succeeded.tolist() == [True, True, False, True, True, True]
    assert np.isnan(store.log_risk[2]).all()
    assert store.failures()["replicate"].tolist() == [2]
    assert store.failures()["message"].item() == "RuntimeError: this bag did not converge"
    assert "1 failed" in repr(store)
    untouched = MarginalSlopes()
    assert not run(tmp_path, pipeline=untouched).succeeded.all()
    assert untouched.calls == 0
    assert run(tmp_path, retry_failed=True).succeeded.all()


def test_predictions_that_are_not_finite_are_a_failure(tmp_path):
    def pipeline(X, event, time, *, X_new, groups, seed):
        return np.where(groups[0] == groups[1], X_new[:, 0], np.nan) if len(set(groups)) < N else X_new[:, 0]

    assert "not finite" in run(tmp_path, pipeline=pipeline).failures()["message"].iloc[0]


def test_a_pipeline_that_fails_on_everybody_is_an_error(tmp_path):
    with pytest.raises(RuntimeError, match="did not converge"):
        run(tmp_path, pipeline=MarginalSlopes(fail_when=lambda groups: True))


def test_a_folder_of_another_run_is_refused(tmp_path):
    run(tmp_path)
    for change in ({"seed": 8}, {"model": "other"}, {"data": X + 1}):
        with pytest.raises(ValueError, match="use another folder"):
            run(tmp_path, **change)


def test_store_survives_writing_and_reading(tmp_path):
    store = run(tmp_path)
    same(store, read_bootstrap(tmp_path / "bootstrap.npz"))
    bare = BootstrapStore(IDS, EVENT, TIME, store.in_bag, store.log_risk)
    write_bootstrap(bare, tmp_path / "bare.npz")
    again = read_bootstrap(tmp_path / "bare.npz")
    assert again.log_risk_apparent is None
    assert again.parameters is None
    assert again.patient_id.tolist() == IDS
    np.savez(tmp_path / "else.npz", a=1)
    with pytest.raises(ValueError, match="not a bootstrap store"):
        read_bootstrap(tmp_path / "else.npz")


def test_what_is_not_accepted(tmp_path):
    def give(**changes):
        given = {"X": X, "event": EVENT, "time": TIME, "ids": IDS, **changes}
        return run_bootstrap(
            MarginalSlopes(),
            given["X"],
            given["event"],
            given["time"],
            ids=given["ids"],
            settings=BootstrapSettings(2),
            seed=1,
            folder=tmp_path / "no",
            model="m",
        )

    with pytest.raises(ValueError, match="all different"):
        give(ids=["a"] * N)
    with pytest.raises(ValueError, match="one row a patient"):
        give(X=X[:-1])
    with pytest.raises(ValueError, match="died"):
        give(event=np.zeros(N))
    with pytest.raises(ValueError, match="numbers"):
        give(X=X.astype(str))
    with pytest.raises(ValueError, match="n_replicates"):
        BootstrapSettings(0)
    with pytest.raises(ValueError, match="retry_failed"):
        BootstrapSettings(5, "yes")
    with pytest.raises(ValueError, match="row numbers"):
        BootstrapStore(IDS, EVENT, TIME, np.full((1, N), N), np.zeros((1, N)))
    with pytest.raises(ValueError, match="not finite"):
        BootstrapStore(IDS, EVENT, TIME, np.zeros((1, N), int), np.full((1, N), np.nan))


def test_recipes_of_the_survival_package_run_on_shared_bags(tmp_path):
    from cardiolib.survival import CoxRecipe, NetworkRecipe, NetworkSettings
    from cardiolib.validation import FitRecipe, compare_models, validate

    tiny = NetworkSettings(hidden=4, latent=2, epochs=3)
    stores = {
        name: run(tmp_path / name, pipeline=FitRecipe(recipe), model=name, n=4)
        for name, recipe in (("cox", CoxRecipe()), ("network", NetworkRecipe(tiny)))
    }
    assert all(store.succeeded.all() for store in stores.values())
    assert stores["network"].parameters["hidden"].tolist() == [4] * 5
    assert stores["cox"].parameters.shape == (5, 3)
    assert stores["cox"].parameters["coefficient_0"].mean() > 0.3  # the hazard rises with the first column
    assert validate(stores["cox"]).out_of_bag.c > 0.6
    assert np.isfinite(compare_models(stores["cox"], stores["network"]).p_value)
