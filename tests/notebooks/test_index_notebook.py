"""The notebook that links the others: no outputs, links that resolve, and nothing is run unless the reader says so."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbclient import NotebookClient

from cardiolib.workflow.own_kernel import KERNEL, own_kernel
from cardiolib.workflow.stages import REPOSITORY, STAGES

INDEX = REPOSITORY / "notebooks" / "index.ipynb"
CELLS = json.loads(INDEX.read_text(encoding="utf-8"))["cells"]
PROSE = "\n".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown")
CODE = [cell for cell in CELLS if cell["cell_type"] == "code"]


def test_no_outputs() -> None:
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in CODE)


def test_every_notebook_is_linked_once_in_order() -> None:
    linked = re.findall(r"\]\((\d\d_\w+\.ipynb)\)", PROSE)
    assert linked == [stage.notebook for stage in STAGES.values() if stage.notebook]


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)]+)\)", PROSE))
def test_links_resolve(link: str) -> None:
    assert "://" not in link and (INDEX.parent / unquote(link)).resolve().is_file()


def test_prose_before_every_code_cell_and_cells_are_small() -> None:
    for before, cell in zip(CELLS, CELLS[1:], strict=False):
        if cell["cell_type"] == "code":
            assert before["cell_type"] == "markdown" or "import" in "".join(before["source"])
    assert all(len(cell["source"]) <= 3 for cell in CODE)


def test_the_switch_is_off() -> None:
    (switch,) = (
        cell for cell in CODE if "start_run" in "".join(cell["source"]) and "import" not in "".join(cell["source"])
    )
    tree = ast.parse("".join(switch["source"]))
    assert ast.unparse(tree.body[0]) == "START = False"


def test_it_runs_and_starts_nothing(tmp_path: Path, monkeypatch) -> None:
    """In a copy of the library's view of the disk where no run has been made."""
    derived = tmp_path / "derived"
    setup = "import cardiolib.last_run, cardiolib.workflow.folders as f, cardiolib.workflow.run_plan as r, pathlib\n"
    setup += f"for m in (cardiolib.last_run, f, r): m.DERIVED = pathlib.Path({str(derived)!r})"
    notebook = nbformat.read(INDEX, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(setup))
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    with own_kernel() as kernel:
        resources = {"metadata": {"path": str(INDEX.parent)}}
        NotebookClient(
            notebook, kernel_manager_class=kernel, kernel_name=KERNEL, timeout=300, resources=resources
        ).execute()
    shown = [
        output["data"].get("text/plain", "") + output["data"].get("text/markdown", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    ]
    assert "Run lecture-simulated-" in shown[0] and "0 of 7 stages have results" in shown[0]
    assert "No run has been made yet" in shown[1]
    assert "Nothing has been started" in shown[2]
    assert not derived.exists()
