"""Notebooks as a person runs them: in one kernel, from top to bottom, with cells changed and run again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from cardiolib.workflow.stages import REPOSITORY, STAGES

NOTEBOOKS = {stage.name: stage.notebook_path for stage in STAGES.values() if stage.notebook}
PLOTLY = "application/vnd.plotly.v1+json"

SMALL: dict[str, dict[str, Any]] = {
    "segmentation": {"n_training": 32, "epochs": 3, "max_scans": 2},
    "motion": {"motion_source": "truth", "effort": "fast", "max_scans": 1},
    "survival": {"epochs": 25, "n_particles": 4, "n_generations": 2, "n_folds": 3},
    "validation": {"n_replicates": 8, "n_folds": 3, "n_repeats": 1},
    "interpretation": {"n_permutations": 100, "n_refits": 2, "n_planted": 1, "n_true_hearts": 100},
}
"""Parameters with which a notebook is first run: those of the smoke profile, or nearly."""

EDITS: dict[str, dict[str, Any]] = {
    "segmentation": {"seed": 7, "workers": 1, "n_training": 10, "validation_fraction": 0.3, "epochs": 1, "width": 8,
                     "augmentation": "wild", "precision": "auto", "max_scans": 1},
    "motion": {"seed": 7, "workers": 1, "motion_source": "tracked", "method": "published", "prior": "none",
               "effort": "full", "max_scans": 2},
    "survival": {"seed": 7, "workers": 1, "protocol": "published", "epochs": 5, "n_particles": 2, "n_generations": 1,
                 "n_folds": 2, "screening": True, "fixed": {"latent": 8}},
    "validation": {"seed": 7, "workers": 1, "n_replicates": 5, "search_in_bag": True, "n_folds": 2, "n_repeats": 2},
    "interpretation": {"seed": 7, "workers": 1, "n_neighbours": 5, "n_permutations": 20, "n_refits": 3,
                       "n_planted": 2, "n_true_hearts": 50, "risk_sd": 1.0},
}
"""One other value for every parameter that a reader may change; where the two folders are, is not one of them."""


class OpenNotebook:
    """A notebook in a running kernel.

    Attributes
    ----------
    content : NotebookNode
        Its cells, with the outputs of the last run.
    """

    def __init__(self, content: nbformat.NotebookNode, client: NotebookClient) -> None:
        self.content = content
        self._client = client

    def set(self, **values: Any) -> None:
        """Change values in the parameters cell, as a reader would type them."""
        cell = next(cell for cell in self.content.cells if "parameters" in cell.metadata.get("tags", []))
        for name, value in values.items():
            line = re.compile(rf"^({name}: \w+ = ).*?(  #|$)", re.MULTILINE)
            found = line.search(cell.source)
            if found is None:
                raise ValueError(f"the parameters cell has no line for {name}")
            cell.source = f"{cell.source[:found.start()]}{found[1]}{value!r}{cell.source[found.start(2):]}"

    def run_all(self) -> str:
        """Run every cell; the error of the first that fails, as text, or nothing."""
        for index, cell in enumerate(self.content.cells):
            if cell.cell_type != "code":
                continue
            try:
                self._client.execute_cell(cell, index)
            except CellExecutionError as error:
                return f"cell {index}: {error.ename}: {error.evalue}"
        return ""

    def outputs(self, kind: str) -> list[Any]:
        """Content of every output of one mime type, in order."""
        return [out["data"][kind] for cell in self.content.cells if cell.cell_type == "code"
                for out in cell.outputs if kind in out.get("data", {})]

    def text(self) -> str:
        """All text that the last run showed."""
        return "\n".join([*self.outputs("text/plain"), *self.outputs("text/markdown"), *self.outputs("text/html")])


@contextmanager
def opened(stage: str, *, folder: Path = REPOSITORY / "notebooks", **values: Any) -> Iterator[OpenNotebook]:
    """Open a stage's notebook with small parameters in a kernel of its own; the file itself stays as it is."""
    content = nbformat.read(NOTEBOOKS[stage], as_version=4)
    client = NotebookClient(content, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    with client.setup_kernel():
        notebook = OpenNotebook(content, client)
        notebook.set(**small(stage, values))
        yield notebook


def small(stage: str, changed: Mapping[str, Any] = {}) -> dict[str, Any]:
    """The first parameters of a stage, with changes."""
    return {**SMALL[stage], **changed}
