"""Putting a finished run where readers look: figures/, reports/ with index.html, tripod.html, metrics.json and
manifest.json.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from cardiolib.imaging.files import atomic_path
from cardiolib.workflow import provenance
from cardiolib.workflow.index_page import index_page
from cardiolib.workflow.parameters import as_parameters
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.runner import cohort_banner
from cardiolib.workflow.session import write_json
from cardiolib.workflow.stages import REPOSITORY, STAGES
from cardiolib.workflow.tripod import tripod_page

PUBLISHED = "published.json"
"""List of the files that the last publication made, so that the next one can take them away again."""


def publish(run: Run, *, root: Path = REPOSITORY) -> Path:
    """Copy the run's figures and pages to ``figures/`` and ``reports/`` and write the summary files.

    Parameters
    ----------
    run : Run
        A run all of whose stages are up to date.
    root : Path
        Folder that holds ``figures/`` and ``reports/``.

    Returns
    -------
    Path
        ``reports/index.html``.
    """
    reports, figures = root / "reports", root / "figures"
    copies = dict(_copies(run, reports, figures))
    _remove_earlier(reports / PUBLISHED, keep=set(copies), root=root)
    for target, source in copies.items():
        if not target.is_file() or provenance.file_hash(target) != provenance.file_hash(source):
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
    metrics, manifest = collect_metrics(run), collect_manifest(run)
    write_json(reports / "metrics.json", metrics)
    write_json(reports / "manifest.json", manifest)
    index, banner = reports / "index.html", cohort_banner(run)
    pages = {index: index_page(run, metrics, manifest, banner=banner),
             reports / "tripod.html": tripod_page(metrics, manifest, banner=banner)}
    for path, page in pages.items():
        with atomic_path(path) as temporary:
            temporary.write_text(page, encoding="utf-8")
    write_json(reports / PUBLISHED, sorted(str(path.relative_to(root)) for path in copies))
    return index


def collect_metrics(run: Run) -> dict[str, Any]:
    """Every headline number of the run, nested by stage; None for a stage that had nothing to do."""
    metrics: dict[str, Any] = {}
    for name, stage in STAGES.items():
        path = run.stage_folder(name) / "metrics.json"
        skipped = run.nothing_to_do(stage) is not None
        metrics[name] = None if skipped else json.loads(path.read_text(encoding="utf-8"))
    return metrics


def collect_manifest(run: Run) -> dict[str, Any]:
    """How the run was made: per stage parameters, seed, hashes, versions, commit, threads, device, seconds, memory."""
    stages = {}
    for name, stage in STAGES.items():
        reason = run.nothing_to_do(stage)
        if reason:
            stages[name] = {"status": "nothing to do", "reason": reason}
            continue
        record = run.finished(name) or {}
        own = run.stage_folder(name) / "record.json"
        measured = json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
        stages[name] = {
            "status": "complete",
            "notebook": stage.notebook,
            "parameters": as_parameters(run.settings[name]),
            "seed": run.seed,
            "inputs": record["key"]["inputs"],
            "layers": record["key"]["layers"],
            "environment": record["key"]["environment"],
            "outputs": record["outputs"],
            "output_hash": record["output_hash"],
            "figures": {file: record["files"][f"figures/{file}"] for file in _figure_files(record)},
            "declared_figures": stage.declared_files() if run.named_simulation else [],
            "versions": record["versions"],
            "git": record["git"],
            "threads": measured.get("threads", 1),
            "workers": measured.get("workers"),
            "device": measured.get("device", "cpu"),
            "seconds": record["seconds"],
            "peak_memory_gib": measured.get("peak_memory_gib"),
        }
    return {
        "profile": run.profile,
        "cohort": str(run.cohort),
        "simulated": bool(run.opened.simulated),
        "motion_source": _motion_source(run),
        "seed": run.seed,
        "overrides": list(run.overrides),
        "run_folder": _relative(run.folder),
        "total_seconds": round(sum(stage.get("seconds", 0.0) for stage in stages.values()), 2),
        "stages": stages,
    }


def _motion_source(run: Run) -> str:
    if run.nothing_to_do(STAGES["motion"]):
        return "brought by the cohort"
    if run.named_simulation and run.settings["motion"].motion_source == "truth":
        return "material truth of the digital heart (a subset is also tracked in its images, for comparison)"
    return f"tracked in the {'simulated ' if run.opened.simulated else ''}images"


def _relative(folder: Path | None) -> str:
    assert folder is not None
    return str(folder.relative_to(REPOSITORY)) if folder.is_relative_to(REPOSITORY) else folder.name


def _figure_files(record: dict[str, Any]) -> list[str]:
    return [name.removeprefix("figures/") for name in record["files"] if name.startswith("figures/")]


def _copies(run: Run, reports: Path, figures: Path) -> list[tuple[Path, Path]]:
    copies = []
    for name, stage in STAGES.items():
        folder = run.stage_folder(name)
        if run.nothing_to_do(stage) or stage.notebook is None:
            continue
        copies.append((reports / stage.notebook.replace(".ipynb", ".html"), folder / "notebook.html"))
        copies += [(figures / path.name, path) for path in sorted((folder / "figures").iterdir()) if path.is_file()]
    return copies


def _remove_earlier(listing: Path, *, keep: set[Path], root: Path) -> None:
    if not listing.is_file():
        return
    for name in json.loads(listing.read_text(encoding="utf-8")):
        path = root / name
        if path not in keep:
            path.unlink(missing_ok=True)
