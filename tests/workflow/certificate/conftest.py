"""A small published run in a repository of its own, to be certified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cardiolib.files import file_hash, write_json
from cardiolib.workflow.parameters import as_parameters
from cardiolib.workflow.report.runs_page import PublishedRun, published_run
from cardiolib.workflow.stages import REPOSITORY, STAGES

NAME = "smoke-simulated-1"
MACHINE = {"processor": "A Processor", "cores_count": 2, "memory_gib": 7.5, "system": "Linux x86_64"}
EXPECTED = {
    "seed": 1,
    "metrics": {"cohort": {"subjects_count": 80}, "survival": {"c_index": 0.75}},
    "tolerances": {"survival.c_index": 0.03},
    "relative_tolerance": 1e-4,
    "absolute_tolerance": 1e-6,
}


def stage(name: str, started: str, ended: str, **given: Any) -> dict[str, Any]:
    """One stage as a manifest holds it."""
    table = STAGES[name]
    return {
        "status": "complete",
        "notebook": table.notebook,
        "parameters": json.loads(json.dumps(as_parameters(table.settings_class()()))),
        "outputs": {"a.csv": "0"},
        "output_hash": "feed",
        "figures": {},
        "declared_figures": [],
        "git": {"commit": "abc123", "dirty": False},
        "versions": {"python": "3.11.7", "torch": "2.13.0", "doit": "1", "papermill": "2"},
        "machine": MACHINE,
        "kernels": "torch AVX2",
        "device": "cpu",
        "workers": 2,
        "threads": 1,
        "seconds": 7.0,
        "peak_memory_gib": 0.9,
        "started": started,
        "ended": ended,
        **given,
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """README, LICENSE, CITATION.cff, notebooks and one run with two stages and one figure."""
    for name in ("README.md", "LICENSE", "CITATION.cff", "pyproject.toml", "cardiolib/workflow/stages.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    (tmp_path / "notebooks").mkdir()
    notebook = "notebooks/03_dae_survival.ipynb"
    (tmp_path / notebook).write_bytes((REPOSITORY / notebook).read_bytes())
    figures, reports = tmp_path / "figures" / NAME, tmp_path / "reports" / NAME
    figures.mkdir(parents=True)
    for suffix in ("png", "csv", "svg"):
        (figures / f"03_search.{suffix}").write_bytes(suffix.encode())
    drawn = {path.name: file_hash(path) for path in figures.iterdir()}
    nothing = {"status": "nothing to do", "reason": "not asked for"}
    stages = dict.fromkeys(STAGES, nothing) | {
        "cohort": stage("cohort", "2026-01-01T10:00:00+00:00", "2026-01-01T10:00:07+00:00", workers=None),
        "survival": stage("survival", "2026-01-01T10:01:00+00:00", "2026-01-01T10:02:00+00:00", figures=drawn),
    }
    manifest = {
        "profile": "smoke",
        "cohort": "simulated",
        "named_simulation": True,
        "simulated": True,
        "banners": ["Simulated cohort 'simulated' (80 subjects)."],
        "motion_source": "truth",
        "seed": 1,
        "overrides": [],
        "run_folder": f"data/derived/{NAME}",
        "total_seconds": 14.0,
        "stages": stages,
    }
    write_json(reports / "manifest.json", manifest)
    write_json(reports / "metrics.json", {"cohort": {"subjects_count": 80}, "survival": {"c_index": 0.76}})
    for page in ("index.html", "tripod.html", "03_dae_survival.html"):
        (reports / page).write_text("<p>simulated</p>", encoding="utf-8")
    write_json(tmp_path / "reports" / "expected" / "smoke.json", EXPECTED)
    return tmp_path


@pytest.fixture
def run(root: Path) -> PublishedRun:
    """The run as it is found in the repository."""
    return published_run(root=root)
