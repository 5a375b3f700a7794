"""Where every number of a run came from: cell, commit, seed and interval; written beside the numbers themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cardiolib.files import read_json
from cardiolib.workflow.report.verify import flatten
from cardiolib.workflow.stages import STAGES, stage_seed

SOURCES_FILE = "sources.json"
"""Beside ``metrics.json``."""
INTERVALS = {
    "validation.network_c_harrell": "validation.network_paper_interval",
    "validation.linear_c_harrell": "validation.linear_paper_interval",
    "validation.conventional_c_harrell": "validation.conventional_paper_interval",
}
"""Numbers whose interval has another name than their own with ``_low`` and ``_high``."""
COHORT_MODULE = "cardiolib/workflow/cohort_stage.py"
"""What records the numbers of the cohort: this stage has no notebook."""


def number_sources(
    metrics: dict[str, Any], manifest: dict[str, Any], cells: dict[str, dict[str, dict[str, Any]]]
) -> dict[str, dict[str, Any]]:
    """One entry for each number of ``metrics.json``, by its dotted name.

    Parameters
    ----------
    metrics, manifest : dict
        As the report's files of these names hold them.
    cells : dict
        Stage -> name of the number -> its cell, as `recorded_cells` gives it.

    Returns
    -------
    dict of dict
        ``value``; ``stage`` and its ``title``; ``page`` and ``cell`` (number among the code cells, ``id``), or
        ``module`` where no notebook made it; ``commit``, ``uncommitted_changes``; ``seed`` of the run and
        ``stage_seed``; ``interval``, the two ends of a 95 % interval, or None where none was computed.
    """
    flat = flatten(metrics)
    found = {}
    for name, value in flat.items():
        stage, _, metric = name.partition(".")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            continue
        made = manifest["stages"][stage]
        found[name] = {
            "value": value,
            "stage": stage,
            "title": STAGES[stage].title,
            **_place(stage, cells.get(stage, {}).get(metric)),
            "commit": made["git"]["commit"],
            "uncommitted_changes": made["git"]["dirty"],
            "seed": manifest["seed"],
            "stage_seed": stage_seed(manifest["seed"], stage),
            "interval": _interval(name, flat),
        }
    return found


def recorded_cells(folder: Path) -> dict[str, dict[str, Any]]:
    """Name of each number of a stage -> the cell of its notebook that recorded it.

    Parameters
    ----------
    folder : Path
        The outputs of a stage that has a notebook.

    Raises
    ------
    KeyError
        A number was recorded in no cell of the notebook that lies beside it.
    """
    numbers: dict[str, int] = read_json(folder / "record.json")["recorded_in"]
    code = [cell for cell in read_json(folder / "notebook.ipynb")["cells"] if cell["cell_type"] == "code"]
    by_count = {
        cell["execution_count"]: {"number": place, "id": str(cell["id"])} for place, cell in enumerate(code, start=1)
    }
    return {name: by_count[count] for name, count in numbers.items()}


def without_source(sources: dict[str, dict[str, Any]]) -> list[str]:
    """Names of numbers that lead to no cell and no module, or to no commit."""
    return [
        name
        for name, one in sources.items()
        if not one["commit"] or ("module" not in one and not one.get("cell", {}).get("id"))
    ]


def _place(stage: str, cell: dict[str, Any] | None) -> dict[str, Any]:
    notebook = STAGES[stage].notebook
    if notebook is None:
        return {"module": COHORT_MODULE}
    return {"page": notebook.replace(".ipynb", ".html"), "cell": cell or {}}


def _interval(name: str, flat: dict[str, Any]) -> Sequence[float] | None:
    base = INTERVALS.get(name, name)
    ends = [flat.get(f"{base}_{end}") for end in ("low", "high")]
    return None if None in ends else [float(end) for end in ends if end is not None]
