"""Parameters are refused before anything runs, with the nearest name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from cardiolib.workflow.errors import ParameterError
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.parameters import PROFILES, build_settings, load_profile, read_profile, stage_settings
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


@pytest.mark.parametrize("profile", PROFILES)
def test_the_training_that_is_shown_has_hearts_to_train_on_and_to_keep_aside(profile: str) -> None:
    details = stage_settings(load_profile(profile))["segmentation"].details
    kept_aside = round(details.validation_fraction * details.shown_hearts)
    assert details.shown_hearts == 0 or 0 < kept_aside < details.shown_hearts


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
        ("epochs", 10**30),
        ("rate", -(10**30)),
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


@pytest.mark.parametrize("name", ["RANGES", "CHOICES", "NESTED", "__init__"])
def test_what_is_no_field_of_the_settings_is_no_parameter(name: str) -> None:
    with pytest.raises(ParameterError, match=f"stage 'survival' has no parameter '{name}'"):
        stage_settings({}, [f"survival.{name}=1"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[survival\n", "is no profile in TOML notation"),
        (b"[survival]\nepochs = \n", "is no profile in TOML notation"),
        (b"[survival]\nepochs = 2\nepochs = 3\n", "is no profile in TOML notation"),
        (b'[survival]\nname = "\xff"\n', "is no profile in TOML notation"),
        (b"x = " + b"[" * 5000, "is no profile in TOML notation"),
        (b"epochs = 2\n", "epochs must be a table: a line \\[epochs\\]"),
        (b"[[survival]]\nepochs = 2\n", "survival must be a table"),
    ],
)
def test_a_damaged_profile_names_itself(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(content)
    with pytest.raises(ParameterError, match=f"own.toml: .*{words}"):
        read_profile(path)


def test_a_profile_may_have_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xef\xbb\xbf[survival]\nepochs = 2\n")
    assert read_profile(path) == {"survival": {"epochs": 2}}


def _notebook(folder: Path, cells: object) -> Path:
    path = folder / "03.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4}), encoding="utf-8")
    return path


def _cell(source: object) -> dict[str, object]:
    return {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}


@pytest.mark.parametrize("source", ["seed: int = 1\nname = 'a'\n", ["seed: int = 1\n", "name = 'a'\n"]])
def test_parameters_of_a_notebook(tmp_path: Path, source: object) -> None:
    assert notebook_parameters(_notebook(tmp_path, [{"cell_type": "raw"}, _cell(source)])) == {"seed": 1, "name": "a"}


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (None, "has no list of cells"),
        ([5], "has no list of cells"),
        ([{"metadata": 5}], "it has 0"),
        ([{"metadata": {"tags": "parameters"}}], "it has 0"),
        ([_cell("x = 1"), _cell("x = 1")], "it has 2"),
        ([_cell(None)], "holds no text"),
        ([_cell([5])], "holds no text"),
        ([_cell("x = (")], "line 1 of the parameters cell is no Python"),
        ([_cell("\tx = 1")], "line 1 of the parameters cell is no Python"),
        ([_cell("x = " + "[" * 5000)], "the parameters cell is no Python"),
        ([_cell("x = " + "-" * 9000 + "1")], "the parameters cell"),
        ([_cell("x = 1\ny = f(2)")], "line 2 of the parameters cell \\(y = ...\\) must have a plain value"),
        ([_cell("x = {[]: 1}")], "line 1 of the parameters cell \\(x = ...\\) must have a plain value"),
        ([_cell("x = y = 1")], "may hold only"),
        ([_cell("print(1)")], "may hold only"),
        ([_cell("x: int")], "may hold only"),
        ([_cell("x += 1")], "may hold only"),
    ],
)
def test_a_damaged_notebook_names_itself(tmp_path: Path, cells: object, words: str) -> None:
    with pytest.raises(ParameterError, match=f"03.ipynb.*{words}"):
        notebook_parameters(_notebook(tmp_path, cells))


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe\x00", b"{", b"[" * 100_000])
def test_what_is_no_notebook_names_itself(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "03.ipynb").write_bytes(content)
    with pytest.raises(ParameterError, match="03.ipynb"):
        notebook_parameters(tmp_path / "03.ipynb")
