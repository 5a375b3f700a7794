"""The notebooks stay thin, in one order, and are committed without outputs."""

from __future__ import annotations

import ast
import json
import statistics
import typing
from pathlib import Path
from typing import Any

import papermill
import pytest

from cardiolib.work import DEFAULT_SEED
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.parameters import as_parameters
from cardiolib.workflow.stages import REPOSITORY, STAGES

FOLDER = REPOSITORY / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
SECTIONS = [
    "Question",
    "Inputs",
    "Parameters",
    "One in the open",
    "The cohort",
    "Look",
    "The paper's figure",
    "Check",
    "Exercises",
    "Provenance",
]
BY_NOTEBOOK = {stage.notebook: stage for stage in STAGES.values() if stage.notebook}


def read(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path) if cell["cell_type"] == "code"]


def test_there_are_numbered_notebooks_one_a_stage() -> None:
    assert [path.name for path in NOTEBOOKS] == sorted(BY_NOTEBOOK)
    assert [path.name[:2] for path in NOTEBOOKS] == ["00", "01", "02", "03", "04", "05"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
class TestContract:
    def test_sections_in_order(self, path: Path) -> None:
        headings = [
            line.removeprefix("## ").strip()
            for cell in read(path)
            if cell["cell_type"] == "markdown"
            for line in source(cell).splitlines()
            if line.startswith("## ")
        ]
        assert headings == SECTIONS

    def test_no_formula_needs_a_renderer(self, path: Path) -> None:
        """JupyterLab sets LaTeX, the pages of the report do not: they load nothing from the internet."""
        assert not [cell for cell in read(path) if cell["cell_type"] == "markdown" and "$" in source(cell)]

    def test_no_outputs(self, path: Path) -> None:
        assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code(path))

    def test_thin(self, path: Path) -> None:
        lengths = [len(source(cell).splitlines()) for cell in code(path)]
        assert max(lengths) <= 12
        # the parameters cell is one line a parameter; it may be as long as a cell may be
        assert statistics.median(lengths) <= 5

    def test_no_definitions(self, path: Path) -> None:
        nodes = [node for cell in code(path) for node in ast.walk(ast.parse(source(cell)))]
        assert not [
            node
            for node in nodes
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef, ast.Lambda))
        ]

    def test_no_choices(self, path: Path) -> None:
        """What a cohort lacks, its results say themselves: no ternary, no if, nothing unpacked that may be another."""
        nodes = [node for cell in code(path) for node in ast.walk(ast.parse(source(cell)))]
        starred = [below for node in nodes if isinstance(node, ast.Starred) for below in ast.walk(node.value)]
        assert not [node for node in nodes if isinstance(node, (ast.IfExp, ast.If))]
        assert not [node for node in starred if isinstance(node, (ast.BoolOp, ast.Tuple))]

    def test_imports_only_in_the_first_code_cell(self, path: Path) -> None:
        kinds = [{type(node) for node in ast.walk(ast.parse(source(cell)))} for cell in code(path)]
        assert [i for i, found in enumerate(kinds) if found & {ast.Import, ast.ImportFrom}] == [0]

    def test_prose_before_every_code_cell(self, path: Path) -> None:
        kinds = [cell["cell_type"] for cell in read(path)]
        assert kinds[0] == "markdown"
        assert all(before == "markdown" for before, kind in zip(kinds, kinds[1:], strict=False) if kind == "code")

    def test_parameters_are_those_of_the_stage_with_its_defaults(self, path: Path) -> None:
        stage = BY_NOTEBOOK[path.name]
        run_parameters = {"run_folder": "", "output_folder": "", "seed": DEFAULT_SEED, "workers": 0}
        assert notebook_parameters(path) == {**run_parameters, **as_parameters(stage.settings_class()())}

    def test_papermill_tells_type_and_meaning_of_every_parameter(self, path: Path) -> None:
        hints = typing.get_type_hints(BY_NOTEBOOK[path.name].settings_class())
        told = papermill.inspect_notebook(str(path))
        assert told.keys() == notebook_parameters(path).keys()
        assert all(parameter["help"] for parameter in told.values())
        assert {name: told[name]["inferred_type_name"] for name in hints if name in told} == {
            name: hint.__name__ for name, hint in hints.items() if name in told
        }
