"""All runs that have been published: their list, the page that opens the newest, and where a run's files are found."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cardiolib.files import read_json
from cardiolib.workflow.notebooks import page
from cardiolib.workflow.report.verify import flatten
from cardiolib.workflow.stages import REPOSITORY, STAGES

COLUMNS: tuple[tuple[str, str], ...] = (
    ("Patients", "cohort.subjects_count"),
    ("C-index, network", "validation.network_c_oob"),
    ("C-index, volumes", "validation.conventional_c_oob"),
)
BANNER = "Every run has its own pages and figures. The top of its pages says what its numbers are worth."


@dataclass(frozen=True)
class PublishedRun:
    """One run below ``reports/``.

    Attributes
    ----------
    name : str
        Its folder's name.
    folder : Path
    manifest, metrics : dict
    made : float
        When it was published, seconds since 1970.
    """

    name: str
    folder: Path
    manifest: dict[str, Any]
    metrics: dict[str, Any]
    made: float

    def done(self) -> dict[str, dict[str, Any]]:
        """What the manifest holds of the stages that ran, in the order in which they run."""
        stages = self.manifest["stages"]
        return {name: stages[name] for name in STAGES if stages.get(name, {}).get("status") == "complete"}


def published_runs(root: Path = REPOSITORY) -> list[PublishedRun]:
    """Every published run, the newest first."""
    runs = []
    for path in (root / "reports").glob("*/manifest.json"):
        manifest, metrics = (read_json(path.with_name(name)) for name in ("manifest.json", "metrics.json"))
        runs.append(PublishedRun(path.parent.name, path.parent, manifest, metrics, path.stat().st_mtime))
    return sorted(runs, key=lambda run: (-run.made, run.name))


def published_run(name: str = "", *, root: Path = REPOSITORY) -> PublishedRun:
    """One published run by name, or the newest.

    Raises
    ------
    FileNotFoundError
        When there is none, or none of this name; those that there are, are named.
    """
    runs = published_runs(root)
    if not runs:
        raise FileNotFoundError("no run has been published in reports/: run `make reproduce` or `make smoke` first")
    for run in runs:
        if name in ("", run.name):
            return run
    raise FileNotFoundError(
        f"there is no run named {name!r} in reports/; there are: {', '.join(sorted(run.name for run in runs))}"
    )


def runs_page(runs: Sequence[PublishedRun]) -> str:
    """``reports/index.html``: one row a run."""
    head = "".join(f"<th class='number'>{title}</th>" for title, _ in COLUMNS)
    rows = "".join(_row(run) for run in runs)
    body = (
        "<h1>Runs</h1>"
        "<p class='lead'>These runs reproduce Bello et al. (<i>Nature Machine Intelligence</i> 2019; 1:95&ndash;104) "
        "on simulated hearts or on scans of your own. The paper's C-index is 0.75 for motion and 0.59 for volumes.</p>"
        f"<table><thead><tr><th>Run</th><th>Cohort</th><th>Parameters changed</th>{head}<th>Published</th></tr></thead>"
        f"<tbody>{rows}</tbody></table>"
        "<p class='soft'><a href='latest.html'>latest.html</a> opens the newest run. <code>make compare A=&lt;run&gt; "
        "B=&lt;run&gt;</code> puts two runs side by side.</p>"
    )
    return page("cardiolib: all runs", body, banner=BANNER)


def latest_page(name: str) -> str:
    """``reports/latest.html``: opens the newest run."""
    return opening_page(f"{quote(name)}/index.html", title="The newest run", link=name)


def opening_page(target: str, *, title: str, link: str) -> str:
    """A page that opens another at once; `link` stands for it where that is not done. All but `target` is text."""
    return (
        f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>{html.escape(title)}</title>"
        f"<meta http-equiv='refresh' content='0; url={target}'></head>"
        f"<body><p><a href='{target}'>{html.escape(link)}</a></p></body></html>\n"
    )


def _row(run: PublishedRun) -> str:
    flat = flatten(run.metrics)
    values = "".join(f"<td class='number'>{_number(flat.get(key))}</td>" for _, key in COLUMNS)
    changed = ", ".join(run.manifest["overrides"]) or "none"
    kind = "simulated" if run.manifest["simulated"] else "real"
    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.made))
    return (
        f"<tr><td><a href='{quote(run.name)}/index.html'>{html.escape(run.name)}</a></td>"
        f"<td>{html.escape(run.manifest['cohort'])} ({kind})</td><td>{html.escape(changed)}</td>{values}"
        f"<td>{made}</td></tr>"
    )


def _number(value: Any) -> str:
    if value is None:
        return "not computed"
    return f"{value:.2f}" if isinstance(value, float) else f"{value:,}"
