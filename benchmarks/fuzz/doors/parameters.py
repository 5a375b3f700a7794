"""Parameters: overrides of the command line, profiles, and notebooks with a parameters cell."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.parameters import PROFILES, load_profile, read_profile, stage_settings
from cardiolib.workflow.stages import STAGES

OVERRIDES, PROFILE, NOTEBOOK = "overrides.txt", "own.toml", "03_dae_survival.ipynb"
_VALUES = (
    *(
        "8",
        "0",
        "-1",
        "1e9",
        "nan",
        "inf",
        "-inf",
        "1e400",
        "0x10",
        "1_000",
        "true",
        "false",
        '"x"',
        "''",
        "[]",
        "[1, 2]",
    ),
    *(
        "[[1]]",
        "{}",
        "{a = 1}",
        "{latent = 8}",
        "{latent = {a = 1}}",
        "2019-02-11",
        "12:30:00",
        "x y",
        "",
        "=",
        "1 # x",
    ),
    *(
        "9" * 30,
        '"' + "x" * 3000 + '"',
        "[" * 300,
        "1\nepochs = 2",
        "\0",
        "ä",
        "None",
        "True",
        "[1, 'a']",
        "99999999999",
    ),
)
_LINES = (
    *("x = [", "x = __import__('os').getcwd()", "x, y = 1, 2", "x: int", "print(1)", "x = -1", "x = 1 + 2", "= 3"),
    *("x = " + "[" * 300, "x = " + "9" * 5000, "x = f'{1}'", "x = (", "\tx = 1", "x = 'a", "x = {[]: 1}", "x += 1"),
    *("x = {1: 2, **{}}", "import os", "x = " + "-" * 5000 + "1", "x = b'\\xff'", "x\0 = 1", "x = '\\ud800'"),
)

_ODD: tuple[Any, ...] = (None, 5, "parameters", [], {}, [None], [5], [["x"]], True)


def seeds() -> dict[str, bytes]:
    """Overrides, one a line; a profile; a notebook."""
    folder = Path(__file__).parents[3] / "notebooks"
    parameters = notebook_parameters(folder / NOTEBOOK)
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": _assignments(parameters)}
    words = {"cell_type": "markdown", "metadata": {}, "source": ["# 3"]}
    return {
        OVERRIDES: b"survival.latent=8\nmotion.effort=fast\n",
        PROFILE: b"[survival]\nepochs = 25\nn_folds = 3\n\n[segmentation]\ntraining = { shown_hearts = 8 }\n",
        NOTEBOOK: json.dumps({"cells": [words, cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(),
    }


def read(folder: Path) -> Reading:
    """The settings of all stages, and the notebook's parameters."""
    profile = load_profile(PROFILES[0])
    overrides = [line for line in (folder / OVERRIDES).read_bytes().decode("utf-8", "replace").split("\n") if line]
    values: dict[str, Any] = {f"run: {k}": repr(v) for k, v in stage_settings(profile, overrides).items()}
    values |= {f"own: {k}": repr(v) for k, v in stage_settings(read_profile(folder / PROFILE)).items()}
    return Reading({**values, "notebook": repr(notebook_parameters(folder / NOTEBOOK))})


def mutate(files: Files, rng: random.Random) -> Mutant:
    """Another name or value; another line in the parameters cell; or damaged bytes of any of the three."""
    roll = rng.random()
    if roll < 0.35:
        return _other_override(rng)
    if roll < 0.5:
        line = f"{rng.choice(_names(rng))} = {rng.choice(_VALUES)}\n"
        content = files[PROFILE] + rng.choice(("", "[survival]\n", "[nothing]\n", "[[survival]]\n")).encode()
        return Mutant({PROFILE: content + line.encode()}, f"profile: {line[:60]!r}", Expect.FREE)
    if roll < 0.75:
        return _other_notebook(files[NOTEBOOK], rng)
    name = rng.choice((OVERRIDES, PROFILE, NOTEBOOK))
    after, told = damaged(files[name], rng)
    return Mutant({name: after}, f"{name}: {told}", Expect.FREE)


def _other_override(rng: random.Random) -> Mutant:
    stage = rng.choice((*STAGES, "survivel", "", "cohort.kind", "__class__"))
    text = f"{stage}.{rng.choice(_names(rng))}{rng.choice(('=', '=', '=', ' = ', '', ':'))}{rng.choice(_VALUES)}"
    return Mutant({OVERRIDES: text.replace("\n", "\r").encode()}, f"override {text[:60]!r}", Expect.FREE)


def _names(rng: random.Random) -> list[str]:
    """Parameters of a stage, and what is none."""
    import dataclasses

    known = [field.name for field in dataclasses.fields(rng.choice(list(STAGES.values())).settings_class())]
    return [*known, "latent", "NESTED", "RANGES", "__init__", "", "epoch", "fixed.latent", '"quoted"']


def _other_notebook(content: bytes, rng: random.Random) -> Mutant:
    notebook = json.loads(content)
    cell = notebook["cells"][1]
    told = rng.choice(("a line", "the cell twice", "another kind", "another kind"))
    if told == "a line":
        told = rng.choice(_LINES)
        cell["source"] = [*cell["source"], "\n" + told]
    elif told == "the cell twice":
        notebook["cells"].append(cell)
    else:
        places: tuple[tuple[Any, Any], ...] = (
            *((notebook, "cells"), (notebook, "metadata"), (notebook["cells"], 1)),
            *((cell, "source"), (cell, "metadata"), (cell["metadata"], "tags")),
        )
        target, key = rng.choice(places)
        target[key] = rng.choice(_ODD)
        told = f"{key} = {target[key]!r}"
    expect = Expect.REFUSED if told == "the cell twice" else Expect.FREE
    return Mutant({NOTEBOOK: json.dumps(notebook).encode()}, f"notebook: {told[:60]!r}", expect)


def _assignments(parameters: dict[str, Any]) -> list[str]:
    return [f"{name} = {value!r}\n" for name, value in parameters.items()]


def _said_by_name(message: str, mutant: Mutant) -> bool:
    """A file by its name; a parameter by its stage and its name, or by its text, wherever it was given."""
    if NOTEBOOK in mutant.files:
        return NOTEBOOK in message
    if any(name in message for name in mutant.files):
        return True
    return "stage" in message or "is no parameter" in message or any(f"{name}." in message for name in STAGES)


DOOR = Door("parameters", seeds, read, mutate, names=_said_by_name)
