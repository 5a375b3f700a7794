"""What a run has to do for a cohort, and where it puts it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pandas as pd
import pytest

from cardiolib.work import DEFAULT_SEED
from cardiolib.workflow.errors import ParameterError
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES


def cohort(*provides: str, deaths: int = 9) -> SimpleNamespace:
    table = pd.DataFrame({"event": [i < deaths for i in range(20)]})
    return SimpleNamespace(provides=frozenset(provides), layout="test", simulated=False, table=table)


NOTEBOOKS = ("segmentation", "motion", "survival", "validation", "interpretation")


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Which notebooks have nothing to do for somebody's cohort that provides this, and why."""

    def reasons(*provides: str, deaths: int = 9) -> dict[str, str]:
        made = cohort(*provides, deaths=deaths)
        monkeypatch.setattr("cardiolib.workflow.run_plan.open_run_cohort", lambda folder: made)
        run = Run(cohort="/data/somebody", profile="smoke")
        found = {name: run.nothing_to_do(STAGES[name]) for name in NOTEBOOKS}
        return {name: reason for name, reason in found.items() if reason is not None}

    return reasons


def test_images_without_follow_up_run_the_first_two_notebooks(idle) -> None:
    assert list(idle("images", "labels")) == ["survival", "validation", "interpretation"]
    assert "no follow-up" in idle("images")["survival"]


def test_motion_with_follow_up_enters_at_the_third(idle) -> None:
    assert list(idle("motion", "outcomes")) == ["segmentation", "motion"]
    assert "brings its own motion" in idle("motion", "outcomes")["motion"]


def test_images_with_follow_up_run_everything(idle) -> None:
    assert idle("images", "outcomes") == {}


@pytest.mark.field_fault("K14")
def test_too_few_deaths_leave_segmentation_and_motion_to_do(idle) -> None:
    few = idle("images", "outcomes", deaths=3)
    assert list(few) == ["survival", "validation", "interpretation"]
    assert (
        few["survival"].startswith("3 of the 20 patients of this cohort died: ")
        and "from 4 deaths on" in few["survival"]
    )
    assert idle("images", "outcomes", deaths=4) == {}


def test_follow_up_alone_runs_nothing(idle) -> None:
    assert tuple(idle("outcomes", "volumes")) == NOTEBOOKS


def test_a_named_simulation_becomes_the_cohort_kind() -> None:
    run = Run(cohort="simulated-null-hazard", profile="smoke")
    assert run.named_simulation and run.settings["cohort"].kind == "simulated-null-hazard"
    assert run.folder.name == f"smoke-simulated-null-hazard-{DEFAULT_SEED}"


def test_two_folders_of_one_name_do_not_share_results() -> None:
    one, other = (Run(cohort=f"/data/{name}/training").folder.name for name in "ab")
    assert one != other and one.startswith("default-training-")


def test_seed_and_parameters_have_folders_of_their_own() -> None:
    names = [
        Run(seed=seed, overrides=overrides).folder.name
        for seed in (1, 2)
        for overrides in ((), ("survival.epochs=7",), ("survival.epochs=8",))
    ]
    assert len(set(names)) == 6 and names[0] == "default-simulated-1"
    one, other = ("survival.epochs=7", "motion.max_scans=2"), ("motion.max_scans = 2", "survival.epochs=7")
    assert Run(overrides=one).name == Run(overrides=other).name


def test_a_setting_of_the_network_is_reached_through_the_stage() -> None:
    settings = Run(overrides=("survival.latent=8",)).settings_of("survival")
    assert settings.fixed == {"latent": 8}
    assert settings.network_settings().latent == 8
    assert settings.search_settings().latent == (8, 8) and settings.search_settings().hidden != (8, 8)
    assert Run(overrides=("survival.fixed={latent = 8}",)).settings_of("survival") == settings
    with pytest.raises(ParameterError, match="did you mean 'latent'"):
        Run(overrides=("survival.latnt=8",)).settings_of("survival")
    with pytest.raises(ParameterError, match="survival.latent must be int"):
        Run(overrides=("survival.latent=many",)).settings_of("survival")


def test_overrides_reach_the_settings() -> None:
    assert Run(overrides=("survival.epochs=7",)).settings["survival"].epochs == 7
    with pytest.raises(ParameterError, match="did you mean 'epochs'"):
        Run(overrides=("survival.epoch=7",)).settings_of("survival")
