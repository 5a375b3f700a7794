"""Notebooks as a person runs them: in one kernel, from top to bottom, with cells changed and run again."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import torch
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from cardiolib.digital_heart import PHASES, DigitalHeart, HeartParameters, acquire
from cardiolib.imaging import write_cine
from cardiolib.segmentation import TrainedNetwork
from cardiolib.segmentation.shipped import SHIPPED
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import REPOSITORY, STAGES

NOTEBOOKS = {stage.name: stage.notebook_path for stage in STAGES.values() if stage.notebook}
PLOTLY = "application/vnd.plotly.v1+json"

UNTRAINED, ANOTHER, SCAN = (
    Path(tempfile.gettempdir()) / f"cardiolib_{name}" for name in ("untrained.pt", "another.npz", "scan.nii.gz")
)
"""Files that parameters name, written by `edits_gone_wrong`: a network with random weights, one that differs a little
from the one that comes with cardiolib, and a simulated scan."""

SMALL: dict[str, dict[str, Any]] = {
    "scan": {"effort": "fast"},
    "segmentation": {"n_training": 32, "epochs": 3, "max_scans": 2},
    "motion": {"motion_source": "truth", "effort": "fast", "max_scans": 1},
    "survival": {"epochs": 25, "n_particles": 4, "n_generations": 2, "n_folds": 3},
    "validation": {"n_replicates": 8, "n_folds": 3, "n_repeats": 1},
    "interpretation": {"n_permutations": 100, "n_refits": 2, "n_planted": 1, "n_true_hearts": 100},
}
"""Parameters with which a notebook is first run: those of the smoke profile, or nearly."""

EDITS: dict[str, dict[str, Any]] = {
    "scan": {"seed": 7, "workers": 1, "scan": str(SCAN), "network": str(ANOTHER), "effort": "full"},
    "segmentation": {
        "seed": 7,
        "workers": 1,
        "n_training": 10,
        "epochs": 1,
        "width": 8,
        "augmentation": "wild",
        "network": str(UNTRAINED),
        "fine_tune": "1",
        "max_scans": 1,
        "training": {"validation_fraction": 0.3},
    },
    "motion": {
        "seed": 7,
        "workers": 1,
        "motion_source": "tracked",
        "method": "published",
        "prior": "none",
        "effort": "full",
        "max_scans": 2,
        "leave_out_doubtful": True,
    },
    "survival": {
        "seed": 7,
        "workers": 1,
        "protocol": "published",
        "epochs": 5,
        "n_particles": 2,
        "n_generations": 1,
        "n_folds": 2,
        "screening": True,
        "fixed": {"latent": 8},
    },
    "validation": {"seed": 7, "workers": 1, "n_replicates": 5, "search_in_bag": True, "n_folds": 2, "n_repeats": 2},
    "interpretation": {
        "seed": 7,
        "workers": 1,
        "n_neighbours": 5,
        "n_permutations": 20,
        "n_refits": 3,
        "n_planted": 2,
        "n_true_hearts": 50,
        "risk_sd": 1.0,
    },
}
"""One other value for every parameter that a reader may change; where the two folders are, is not one of them."""


TOGETHER: dict[str, dict[str, Any]] = {"search_in_bag": {"n_replicates": 2}}
"""What is changed beside a parameter, because alone it would take long."""
SAME_RESULTS = {"workers", "screening", "leave_out_doubtful"}
"""What may be changed without changing a number: nothing is screened under the exact protocol, and the small run's
motion is the truth, which no segmentation decides."""


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
            cell.source = f"{cell.source[: found.start()]}{found[1]}{value!r}{cell.source[found.start(2) :]}"

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

    def seconds_of(self, beginning: str) -> float:
        """Run the cells down to the first that holds a text, and say how long that one took."""
        for index, cell in enumerate(self.content.cells):
            if cell.cell_type == "code":
                started = time.perf_counter()
                self._client.execute_cell(cell, index)
                if beginning in cell.source:
                    return time.perf_counter() - started
        raise ValueError(f"no cell holds {beginning!r}")

    def outputs(self, kind: str) -> list[Any]:
        """Content of every output of one mime type, in order."""
        return [
            out["data"][kind]
            for cell in self.content.cells
            if cell.cell_type == "code"
            for out in cell.outputs
            if kind in out.get("data", {})
        ]


@contextmanager
def opened(stage: str, **values: Any) -> Iterator[OpenNotebook]:
    """Open a stage's notebook with small parameters in a kernel of its own; the file itself stays as it is."""
    content = nbformat.read(NOTEBOOKS[stage], as_version=4)
    place = {"metadata": {"path": str(REPOSITORY / "notebooks")}}
    client = NotebookClient(content, timeout=1800, kernel_name="python3", resources=place)
    with client.setup_kernel():
        notebook = OpenNotebook(content, client)
        notebook.set(**SMALL[stage], **values)
        yield notebook


def edits_gone_wrong(stage: str, run: Run) -> tuple[int, dict[str, str]]:
    """Run a notebook, then once more for every edit in the same kernel.

    Parameters
    ----------
    stage : str
    run : Run
        A finished run: the notebook reads it and writes beside it.

    Returns
    -------
    count : int
        Edits made.
    wrong : dict of str to str
        Parameter to what was wrong: an error, or the results of the first run where there should be new ones.
    """
    results = run.folder / f"{stage}.lab" / "metrics.json"
    _write_files()
    defaults = notebook_parameters(NOTEBOOKS[stage])
    wrong = {}
    with opened(stage, run_folder=str(run.folder)) as notebook:
        error = notebook.run_all()
        if error:
            return len(EDITS[stage]), {name: f"not run, because the first run failed: {error}" for name in EDITS[stage]}
        first = results.read_text(encoding="utf-8")
        for name, value in EDITS[stage].items():
            first_values = {**{other: defaults[other] for other in EDITS[stage]}, **SMALL[stage]}
            notebook.set(**{**first_values, **TOGETHER.get(name, {}), name: value})
            error = notebook.run_all()
            same = not error and results.read_text(encoding="utf-8") == first
            if error:
                wrong[name] = error
            elif same != (name in SAME_RESULTS):
                wrong[name] = "the results of the first run" if same else "other results, where none should differ"
    return len(EDITS[stage]), wrong


def _write_files() -> None:
    """The files that parameters name."""
    TrainedNetwork.untrained(widths=(2, 4)).save(UNTRAINED)
    another = TrainedNetwork.load(SHIPPED)
    with torch.no_grad():
        for weight in another.network.parameters():
            weight.mul_(1.002)
    another.save(ANOTHER)
    heart = DigitalHeart(HeartParameters(lvef=0.5))
    write_cine(acquire(heart, phases=PHASES, rng=np.random.default_rng(3)).cine, SCAN)
