"""Few deaths: folds that are possible, or a sentence that says early what is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from cardiolib.cohorts import Cohort
from cardiolib.steps import survival as steps
from cardiolib.steps import validation
from cardiolib.survival import LassoCoxRecipe, NetworkRecipe, NetworkSettings, PcaCoxRecipe, SearchSettings
from cardiolib.survival.folds import check_deaths, feasible_folds, patient_folds
from cardiolib.work import Work
from cardiolib.workflow.cohort_stage import _check_follow_up
from cardiolib.workflow.errors import ParameterError

pytestmark = pytest.mark.field_fault("K14")
SMALL = NetworkSettings(hidden=6, latent=2, epochs=3)


def few(n: int, deaths: int, *, seed: int = 0, inputs: int = 19 * 4 * 3) -> Cohort:
    rng = np.random.default_rng(seed)
    ids = [f"p{i}" for i in range(n)]
    event = np.zeros(n, bool)
    event[rng.choice(n, deaths, replace=False)] = True
    table = pd.DataFrame({"time": rng.exponential(5, n) + 0.1, "event": event}, index=ids)
    volumes = pd.DataFrame(rng.normal([200, 100, 45], 9, (n, 3)), index=ids, columns=["RVEDV", "RVESV", "RVEF"])
    return Cohort("few", table, volumes=volumes, motion=rng.normal(size=(n, inputs)), time_unit="years")


def opened(cohort: Cohort, folder: Path) -> tuple:
    work = Work(seed=1, folder=folder, inputs={"motion": folder, "survival": folder})
    return steps.load_survival_data(cohort, work), work


@pytest.mark.parametrize("seed", range(3))
def test_forty_patients_with_seven_deaths_are_compared_to_the_end(tmp_path: Path, seed: int) -> None:
    """Outer folds may leave five deaths to a fit, and a fold may have nobody who was observed beyond a death."""
    data, work = opened(few(40, 7, seed=seed), tmp_path)
    settings = steps.SurvivalStageSettings(epochs=2, n_particles=2, n_generations=1)
    best = steps.search_settings(data, settings, work).best_settings
    compared = steps.cross_validate_models(data, best, work, n_folds=settings.n_folds)
    assert compared.table["C (cross-validated)"].between(0, 1).all()
    assert np.isfinite(compared.log_risk).all(axis=None)


def test_a_bag_with_few_deaths_is_fitted(tmp_path: Path) -> None:
    data, work = opened(few(30, 4), tmp_path)
    steps.train_final(data, SMALL, work)
    settings = validation.ValidationStageSettings(n_replicates=4, n_folds=2, n_repeats=1)
    stores = validation.bootstrap_models(data, settings, work)
    assert len(validation.paper_table(stores)) > 0
    assert all(np.isfinite(store.log_risk).any() for store in stores.values())


@pytest.mark.parametrize("recipe", [PcaCoxRecipe(), LassoCoxRecipe()])
def test_inner_folds_are_as_many_as_deaths_and_the_model_says_so(recipe) -> None:
    one = few(24, 4, inputs=57)
    X, event, time = one.motion_matrix()[1], one.table["event"].to_numpy(), one.table["time"].to_numpy()
    model = recipe.fit(X, event, time)
    assert model.summary["n_folds"].tolist() == [4]
    many = few(60, 30, inputs=57)
    model = recipe.fit(many.motion_matrix()[1], many.table["event"].to_numpy(), many.table["time"].to_numpy())
    assert model.summary["n_folds"].tolist() == [6]


def test_a_search_inside_a_fit_takes_the_folds_that_there_are() -> None:
    one = few(24, 3, inputs=57)
    searched = SearchSettings(n_particles=2, n_generations=1, n_folds=6, hidden=(4, 6))
    recipe = NetworkRecipe(SMALL, search_settings=searched)
    model = recipe.fit(one.motion_matrix()[1], one.table["event"].to_numpy(), one.table["time"].to_numpy())
    assert np.isfinite(model.predict_log_risk(one.motion_matrix()[1])).all()


def test_copies_of_a_patient_are_one_death() -> None:
    assert feasible_folds([1, 1, 1, 1, 0], 6, groups=[3, 3, 5, 5, 7]) == 2
    with pytest.raises(ValueError, match="fewer folds do not help"):
        feasible_folds([1, 1, 0], 6, groups=[3, 3, 5])


@pytest.mark.parametrize(
    ("deaths", "n_folds", "told"),
    [
        (7, 6, ""),
        (6, 6, ""),
        (4, 2, ""),
        (4, 4, ""),
        (5, 6, r"5 of 40 patients died, .*give survival.n_folds=5 or fewer"),
        (4, 6, r"give survival.n_folds=4 or fewer"),
        (3, 2, r"3 of 40 patients died.*at least 4 deaths.*add patients"),
        (3, 6, r"at least 4 deaths"),
        (0, 6, r"0 of 40 patients died.*at least 4 deaths"),
    ],
)
def test_what_is_possible_is_said_and_can_be_followed(deaths: int, n_folds: int, told: str) -> None:
    event = np.arange(40) < deaths
    if told:
        with pytest.raises(ValueError, match=told):
            check_deaths(event, n_folds, parameter="survival.n_folds")
    else:
        check_deaths(event, n_folds, parameter="survival.n_folds")


def test_the_stage_says_so_before_it_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, work = opened(few(40, 5), tmp_path)
    monkeypatch.setattr(steps, "search", lambda *a, **k: pytest.fail("the search was begun"))
    monkeypatch.setattr(validation, "run_bootstrap", lambda *a, **k: pytest.fail("the bootstrap was begun"))
    with pytest.raises(ValueError, match="survival.n_folds=5 or fewer"):
        steps.search_settings(data, steps.SurvivalStageSettings(), work)
    with pytest.raises(ValueError, match="validation.n_folds=5 or fewer"):
        validation.bootstrap_models(data, validation.ValidationStageSettings(), work)


def test_the_first_stage_says_so_before_hours_of_images() -> None:
    run = SimpleNamespace(settings={name: SimpleNamespace(n_folds=6) for name in ("survival", "validation")})
    with pytest.raises(ParameterError, match="cohort 'few': 5 of 40 .*survival.n_folds=5 or fewer"):
        _check_follow_up(few(40, 5), run)
    _check_follow_up(few(40, 7), run)
    _check_follow_up(few(40, 2), run)  # images can still be segmented: the later notebooks say that they cannot run


def test_advice_on_folds_is_never_to_take_fewer_where_that_does_not_help() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="at most 3"):
        patient_folds([1, 1, 1, 0, 0], n_folds=4, rng=rng)
    with pytest.raises(ValueError, match="fewer folds do not help"):
        patient_folds([1, 0, 0], n_folds=2, rng=rng)
