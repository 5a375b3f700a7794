"""Repeated cross-validation: nobody is predicted by a model that saw them, resumable, pooled within folds."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import numpy as np
import pytest

from cardiolib.validation import (
    BootstrapSettings,
    CrossValidation,
    CrossValidationSettings,
    concordance,
    cross_validate,
    run_bootstrap,
    validate_folds,
    write_bootstrap,
)

N = 60
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 2))
TIME = RNG.exponential(np.exp(-X[:, 0]))
EVENT = RNG.random(N) < 0.6
IDS = [f"p{i}" for i in range(N)]


class Memory:
    """Knows the outcome of those it was trained on and nothing of the others."""

    calls = 0

    def __call__(self, X, event, time, *, X_new, groups, seed):
        Memory.calls += 1
        risk = np.random.default_rng(seed).normal(size=len(X_new))
        risk[groups] = 100.0
        return risk


def slope(X, event, time, *, X_new, groups, seed):
    """A pipeline that can be sent to another process."""
    return X_new @ (X.T @ (event - event.mean())) + 1e-3 * np.random.default_rng(seed).normal()


def run(folder, pipeline=slope, *, folds=5, repeats=2, seed=3, map_units=map):
    return cross_validate(
        pipeline,
        X,
        EVENT,
        TIME,
        ids=IDS,
        settings=CrossValidationSettings(folds, repeats),
        seed=seed,
        folder=folder,
        model="test",
        map_units=map_units,
    )


def test_no_patient_is_predicted_by_a_model_that_saw_the_patient(tmp_path):
    found = run(tmp_path, Memory())
    assert np.isfinite(found.log_risk).all() and (found.log_risk < 50).all()
    assert validate_folds(found).c == pytest.approx(0.5, abs=0.12)


def test_interrupted_run_is_finished_and_nothing_is_done_twice(tmp_path):
    Memory.calls = 0
    first = run(tmp_path, Memory(), repeats=1)
    assert Memory.calls == 5
    both = run(tmp_path, Memory(), repeats=2)
    assert Memory.calls == 10
    np.testing.assert_array_equal(both.fold[:1], first.fold)
    assert not np.array_equal(both.fold[0], both.fold[1])


def test_deaths_are_spread_over_the_folds(tmp_path):
    fold = run(tmp_path).fold[0]
    deaths = np.bincount(fold, weights=EVENT)
    assert deaths.max() - deaths.min() <= 1


def test_folds_are_not_on_one_scale():
    rng = np.random.default_rng(1)
    fold = rng.integers(0, 4, size=(1, N))
    shifted = CrossValidation(EVENT, TIME, fold, (X[:, 0] + 10 * fold[0])[None])
    plain = CrossValidation(EVENT, TIME, fold, X[None, :, 0])
    assert validate_folds(shifted).c == validate_folds(plain).c
    assert concordance(shifted.log_risk[0], EVENT, TIME).c != pytest.approx(validate_folds(plain).c, abs=0.02)
    one = validate_folds(plain)
    assert one.se == one.repeats[0].se
    assert one.table()["95% low"].iloc[0] < one.c < one.table()["95% high"].iloc[0]


@pytest.fixture(scope="module")
def workers():
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        yield pool


def test_same_bytes_for_any_number_of_workers(tmp_path, workers):
    def bytes_of(name, map_units):
        store = run_bootstrap(
            slope,
            X,
            EVENT,
            TIME,
            ids=IDS,
            settings=BootstrapSettings(6),
            seed=1,
            folder=tmp_path / name,
            model="slope",
            map_units=map_units,
        )
        write_bootstrap(replace(store, seconds=None), tmp_path / f"{name}.npz")
        return (tmp_path / f"{name}.npz").read_bytes()

    assert bytes_of("one", map) == bytes_of("two", workers.map)
    one, two = run(tmp_path / "a"), run(tmp_path / "b", map_units=workers.map)
    assert one.log_risk.tobytes() == two.log_risk.tobytes()


def test_what_is_not_accepted(tmp_path):
    with pytest.raises(ValueError, match="n_folds"):
        CrossValidationSettings(n_folds=1)
    with pytest.raises(ValueError, match="n_repeats"):
        CrossValidationSettings(n_repeats=0)
    run(tmp_path)
    with pytest.raises(ValueError, match="another folder"):
        run(tmp_path, folds=4)

    def broken(X, event, time, *, X_new, groups, seed):
        raise RuntimeError("no convergence")

    with pytest.raises(RuntimeError, match="no convergence"):
        run(tmp_path / "other", broken)
