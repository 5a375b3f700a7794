"""Putting a finished run where readers look: its pages in ``reports/<run>``, its figures in ``figures/<run>``, and the
list of all runs in ``reports/index.html``.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cardiolib.files import atomic_path, read_json, write_json
from cardiolib.workflow import provenance
from cardiolib.workflow.folders import relative
from cardiolib.workflow.notebooks import neighbours, page
from cardiolib.workflow.parameters import as_parameters
from cardiolib.workflow.report.index_page import index_page
from cardiolib.workflow.report.messages import MESSAGES_FILE
from cardiolib.workflow.report.number_sources import SOURCES_FILE, number_sources, recorded_cells
from cardiolib.workflow.report.probast import probast_page
from cardiolib.workflow.report.runs_page import latest_page, published_runs, runs_page
from cardiolib.workflow.report.tripod import tripod_page
from cardiolib.workflow.report.worth import banner_templates, banners, says_nothing
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.shared import shared_folder
from cardiolib.workflow.stages import REPOSITORY, STAGES, Stage
from cardiolib.workflow.work_folder import remove_unfinished

PUBLISHED = "published.json"
"""List of the files that the last publication made, so that the next one can take them away again."""


def publish(run: Run, *, root: Path = REPOSITORY) -> Path:
    """Copy the run's figures and pages to ``figures/<run>`` and ``reports/<run>``, write its summary files; list it.

    Parameters
    ----------
    run : Run
        A run all of whose stages are up to date.
    root : Path
        Folder that holds ``figures/`` and ``reports/``.

    Returns
    -------
    Path
        ``reports/<run>/index.html``.
    """
    reports, figures = published_page(run, root=root).parent, root / "figures" / run.name
    for folder in (reports, figures):
        remove_unfinished(folder)
    metrics, manifest = collect_metrics(run), collect_manifest(run)
    sources = number_sources(
        metrics, manifest, {stage.name: recorded_cells(run.stage_folder(stage.name)) for stage in _shown(run)}
    )
    banner = manifest["banners"] = banners(run, metrics)
    copies = _figures(run, figures)
    for target, source in copies.items():
        if not target.is_file() or provenance.file_hash(target) != provenance.file_hash(source):
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
    pages = {
        **{reports / page_name(stage): _notebook_page(run, stage, banner) for stage in _shown(run)},
        reports / "index.html": index_page(
            run.name,
            metrics,
            manifest,
            sources,
            banner=banner_templates(run, metrics),
            small=says_nothing(run),
            messages=collect_messages(run),
        ),
        reports / "tripod.html": tripod_page(metrics, manifest, banner=banner),
        reports / "probast.html": probast_page(metrics, manifest, banner=banner),
    }
    for path, text in pages.items():
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    write_json(reports / "metrics.json", metrics)
    write_json(reports / "manifest.json", manifest)
    write_json(reports / SOURCES_FILE, sources)
    _remove_earlier(reports / PUBLISHED, keep={*copies, *pages}, root=root)
    write_json(reports / PUBLISHED, sorted(str(path.relative_to(root)) for path in (*copies, *pages)))
    with shared_folder(root / "reports"):  # other runs may be publishing
        for name, text in (("index", runs_page(published_runs(root))), ("latest", latest_page(run.name))):
            with atomic_path(root / "reports" / f"{name}.html") as temporary:
                temporary.write_text(text, encoding="utf-8")
    return published_page(run, root=root)


def published_page(run: Run, *, root: Path = REPOSITORY) -> Path:
    """Where `publish` puts a run's front page."""
    return root / "reports" / run.name / "index.html"


def collect_metrics(run: Run) -> dict[str, Any]:
    """Every headline number of the run, nested by stage; None for a stage that had nothing to do."""
    metrics: dict[str, Any] = {}
    for name, stage in STAGES.items():
        path = run.stage_folder(name) / "metrics.json"
        skipped = run.nothing_to_do(stage) is not None
        metrics[name] = None if skipped else read_json(path)
    return metrics


def collect_manifest(run: Run) -> dict[str, Any]:
    """How the run was made, by stage: parameters, seed, hashes, versions, commit, threads, kernels, seconds, memory."""
    stages = {}
    for name, stage in STAGES.items():
        reason = run.nothing_to_do(stage)
        if reason:
            stages[name] = {"status": "nothing to do", "reason": reason}
            continue
        record = run.finished(name) or {}
        own = run.stage_folder(name) / "record.json"
        measured = read_json(own) if own.is_file() else {}
        not_drawn = measured.get("not_drawn", {})
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
            "declared_figures": [name for name in stage.declared_files() if Path(name).stem not in not_drawn]
            if run.named_simulation
            else [],
            "not_drawn": not_drawn,
            "versions": record["versions"],
            "git": record["git"],
            "threads": measured.get("threads", 1),
            "workers": measured.get("workers"),
            "device": measured.get("device", "cpu"),
            "kernels": measured.get("kernels"),
            "notebook_hash": record["key"].get("notebook"),
            "machine": record.get("machine"),
            "started": record.get("started"),
            "ended": record.get("ended"),
            "seconds": record["seconds"],
            "peak_memory_gib": measured.get("peak_memory_gib"),
        }
    return {
        "profile": run.profile,
        "cohort": run.cohort if run.named_simulation else Path(run.cohort).name,
        "named_simulation": run.named_simulation,
        "simulated": bool(run.opened.simulated),
        "motion_source": _motion_source(run),
        "seed": run.seed,
        "overrides": [_without_folders(text) for text in run.overrides],
        "run_folder": relative(run.folder),
        "total_seconds": round(sum(stage.get("seconds", 0.0) for stage in stages.values()), 2),
        "stages": stages,
    }


def collect_messages(run: Run) -> list[dict[str, Any]]:
    """What libraries said in the notebooks of a run, each message with the title and the page of its stage."""
    found = []
    for stage in _shown(run):
        path = run.stage_folder(stage.name) / MESSAGES_FILE
        said = read_json(path) if path.is_file() else []
        found += [{**one, "stage": stage.title, "page": page_name(stage)} for one in said]
    return found


def _without_folders(override: str) -> str:
    """A changed parameter as a page may show it: of an absolute path, the file's name only."""
    name, equals, value = override.partition("=")
    path = Path(value.strip().strip("'\""))
    return f"{name}{equals}{path.name}" if path.is_absolute() else override


def _motion_source(run: Run) -> str:
    if run.nothing_to_do(STAGES["motion"]):
        return "brought by the cohort"
    if run.named_simulation and run.settings["motion"].motion_source == "truth":
        return "material truth of the digital heart (a subset is also tracked in its images, for comparison)"
    return f"tracked in the {'simulated ' if run.opened.simulated else ''}images"


def _figure_files(record: dict[str, Any]) -> list[str]:
    return [name.removeprefix("figures/") for name in record["files"] if name.startswith("figures/")]


def page_name(stage: Stage) -> str:
    """File name of a notebook's page."""
    return str(stage.notebook).replace(".ipynb", ".html")


def _shown(run: Run) -> list[Stage]:
    return [stage for stage in STAGES.values() if stage.notebook and run.nothing_to_do(stage) is None]


def _figures(run: Run, figures: Path) -> dict[Path, Path]:
    return {
        figures / path.name: path
        for stage in _shown(run)
        for path in sorted((run.stage_folder(stage.name) / "figures").iterdir())
        if path.is_file()
    }


def _notebook_page(run: Run, stage: Stage, banner: list[str]) -> str:
    """A stage's page: the notebook's own part, as it was rendered, between the run's banner and its neighbours."""
    body = (run.stage_folder(stage.name) / "notebook.html").read_text(encoding="utf-8")
    body = body.replace('src="figures/', f'src="../../figures/{quote(run.name)}/')
    links = [(page_name(other), other.title) for other in _shown(run)]
    return page(stage.title, body, banner=banner, links=neighbours(links, page_name(stage)))


def _remove_earlier(listing: Path, *, keep: set[Path], root: Path) -> None:
    if not listing.is_file():
        return
    for name in read_json(listing):
        path = root / name
        if path not in keep:
            path.unlink(missing_ok=True)
