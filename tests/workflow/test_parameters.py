"""Parameters are refused before anything runs, with the nearest name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from cardiolib.workflow.errors import ParameterError
from cardiolib.workflow.parameters import PROFILES, build_settings, load_profile, stage_settings
from cardiolib.workflow.stages import STAGES


@dataclass(frozen=True)
class Settings:
    epochs: int = 3
    rate: float = 0.1
    name: str = "a"
    exact: bool = True
    sizes: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}")


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_give_valid_settings_for_every_stage(profile: str) -> None:
    assert stage_settings(load_profile(profile)).keys() == STAGES.keys()


def test_unknown_profile_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'smoke'"):
        load_profile("smok")


def test_unknown_parameter_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'epochs'"):
        build_settings(Settings, {"epoch": 3}, where="x")


def test_unknown_stage_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'motion'"):
        stage_settings({}, ["motoin.spacing=3"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 2.5),
        ("epochs", True),
        ("epochs", "3"),
        ("rate", "fast"),
        ("name", 3.5),
        ("name", True),
        ("exact", 1),
        ("sizes", 3),
        ("sizes", [1, "b"]),
    ],
)
def test_ill_typed_values_are_refused(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"x.{name}"):
        build_settings(Settings, {name: value}, where="x")


def test_a_whole_number_is_taken_as_a_text_where_a_text_is_asked_for() -> None:
    # segmentation.fine_tune=5 at a command line is the number 5, and "5" in quotes would have to be quoted twice
    assert build_settings(Settings, {"name": 3}, where="x").name == "3"


def test_whole_numbers_pass_as_floats_and_lists_as_tuples() -> None:
    settings = build_settings(Settings, {"rate": 1, "sizes": [3, 4]}, where="x")
    assert settings == Settings(rate=1.0, sizes=(3, 4))
    assert isinstance(settings.rate, float)


def test_out_of_range_values_name_the_stage() -> None:
    with pytest.raises(ParameterError, match="stage 'x'.*at least 1"):
        build_settings(Settings, {"epochs": 0}, where="x")


@pytest.mark.parametrize("text", ["survival", "latent=8", "survival.latent"])
def test_overrides_that_are_no_assignment_are_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="stage.parameter=value"):
        stage_settings({}, [text])
