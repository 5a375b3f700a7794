"""What a run has to do for a cohort, and where it puts it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cardiolib.work import DEFAULT_SEED
from cardiolib.workflow.errors import ParameterError
from cardiolib.workflow.run_plan import Run, _nothing_to_do


def cohort(*provides: str) -> SimpleNamespace:
    return SimpleNamespace(provides=frozenset(provides), layout="test", simulated=False)


STAGES = ("segmentation", "motion", "survival", "validation", "interpretation")


def busy(*provides: str) -> list[str]:
    return [stage for stage in STAGES if _nothing_to_do(stage, cohort(*provides)) is None]


def test_images_without_follow_up_run_the_first_two_notebooks() -> None:
    assert busy("images", "labels") == ["segmentation", "motion"]
    assert "no follow-up" in _nothing_to_do("survival", cohort("images"))


def test_motion_with_follow_up_enters_at_the_third() -> None:
    assert busy("motion", "outcomes") == ["survival", "validation", "interpretation"]
    assert "brings its own motion" in _nothing_to_do("motion", cohort("motion", "outcomes"))


def test_images_with_follow_up_run_everything() -> None:
    assert busy("images", "outcomes") == list(STAGES)


def test_follow_up_alone_runs_nothing() -> None:
    assert busy("outcomes", "volumes") == []


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
