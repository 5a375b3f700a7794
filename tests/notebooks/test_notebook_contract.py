"""The notebooks stay thin, in one order, and are committed without outputs."""

from __future__ import annotations

import ast
import json
import re
import statistics
import typing
from pathlib import Path
from typing import Any

import papermill
import pytest
from latex2mathml.converter import convert

from cardiolib.work import DEFAULT_SEED
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.parameters import as_parameters
from cardiolib.workflow.stages import REPOSITORY, STAGES

FOLDER = REPOSITORY / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
SECTIONS = [
    "Question",
    "Theory",
    "Inputs",
    "Parameters",
    "One in the open",
    "The cohort",
    "Look",
    "The paper's figure",
    "Check",
    "What we saw",
    "Exercises",
    "Provenance",
]
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
BY_NOTEBOOK = {stage.notebook: stage for stage in STAGES.values() if stage.notebook}


def read(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def code(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path) if cell["cell_type"] == "code"]


def formulas(cell: dict[str, Any]) -> list[str]:
    """LaTeX between dollar signs, in running text and set apart."""
    text = re.sub(r"`[^`\n]*`", "", source(cell))
    return [(apart or running).strip() for apart, running in FORMULA.findall(text)]


def in_section(path: Path, heading: str) -> list[dict[str, Any]]:
    """Cells from this heading to the next; one that holds several headings belongs to its last."""
    found, here = [], ""
    for cell in read(path):
        if cell["cell_type"] == "markdown":
            here = ([here] + re.findall(r"^## (.+)$", source(cell), re.MULTILINE))[-1].strip()
        if here == heading:
            found.append(cell)
    return found


def calls_of(text: str) -> list[ast.Call]:
    """Calls of ``session.show`` and ``session.slide``."""
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    return [node for node in nodes if ast.unparse(node.func) in ("session.show", "session.slide")]


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

    def test_every_formula_can_be_set_without_the_internet(self, path: Path) -> None:
        """JupyterLab sets LaTeX itself; the pages of the report hold MathML, which the converter must know."""
        found = [formula for cell in read(path) if cell["cell_type"] == "markdown" for formula in formulas(cell)]
        assert not [
            formula for formula in found if "\\" in re.sub(r"<annotation.*?</annotation>", "", convert(formula))
        ]

    def test_theory_has_a_formula_and_says_it_in_words(self, path: Path) -> None:
        theory = [text for cell in in_section(path, "Theory") for text in [source(cell)]]
        shown = [formula for text in theory for formula in re.findall(r"\$\$.+?\$\$", text, re.DOTALL)]
        assert shown
        assert "\n".join(theory).count("In words:") + 1 >= len(shown)  # a formula may be said by the text before it

    def test_one_heart_or_model_is_followed_in_a_few_cells(self, path: Path) -> None:
        cells = [cell for cell in in_section(path, "One in the open") if cell["cell_type"] == "code"]
        assert 3 <= len(cells) <= 8
        if path.name[:2] != "00":  # whose example has to be written to the disk first
            assert not [cell for cell in cells if "steps." in source(cell)]
        assert [cell for cell in cells if re.search(r"session\.(show|slide)\(", source(cell))], "no step is drawn"

    def test_every_still_figure_is_read(self, path: Path) -> None:
        """A figure has its reading below it, made of its numbers; the next cell may give it instead."""
        cells = code(path)
        unread = []
        for cell, after in zip(cells, [*cells[1:], None], strict=True):
            for call in calls_of(source(cell)):
                told = after is not None and "session.tell(" in source(after)
                read_below = len(call.args) > 2 or any(word.arg == "reading" for word in call.keywords)
                if not (read_below or told):
                    unread.append(ast.unparse(call))
        assert not unread

    def test_ends_with_claim_run_and_limits(self, path: Path) -> None:
        saw = [source(cell) for cell in in_section(path, "What we saw") if cell["cell_type"] == "code"]
        assert saw and "conclusion(" in saw[-1] and "simulated=session.simulated" in saw[-1]

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
