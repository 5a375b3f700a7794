"""The front page: pictures with findings, a verdict that follows the interval, and a source behind every number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient

from benchmarks.orphans import index_orphans
from cardiolib.files import write_json
from cardiolib.workflow.own_kernel import own_kernel
from cardiolib.workflow.report.captions import CAPTIONS
from cardiolib.workflow.report.index_page import index_page
from cardiolib.workflow.report.number_sources import SOURCES_FILE, number_sources, recorded_cells, without_source
from cardiolib.workflow.report.story import words
from cardiolib.workflow.session import _executing_cell
from cardiolib.workflow.stages import STAGES

PACKAGES = ("python", "torch", "numpy", "scikit-learn", "lifelines", "pyswarms", "umap-learn")
VALIDATION = {
    "c_difference": 0.11,
    "c_difference_low": 0.02,
    "c_difference_high": 0.2,
    "network_c_oob": 0.791,
    "linear_c_oob": 0.784,
    "network_hazard_ratio": 4.02,
}


def a_manifest(*complete: str, simulated: bool = True) -> dict[str, Any]:
    """As a run writes it whose named stages are complete."""
    stages: dict[str, Any] = {name: {"status": "nothing to do", "reason": "not asked for"} for name in STAGES}
    for name in complete:
        stages[name] = {
            "status": "complete",
            "seconds": 1.0,
            "figures": {f"{one['figure']}.png": "" for one in words("story")["pictures"] if one["stage"] == name},
            "versions": dict.fromkeys(PACKAGES, "1.2"),
            "git": {"commit": "abcdef", "dirty": False},
            "parameters": {"n_replicates": 8},
        }
    rest = {"motion_source": "none", "profile": "smoke", "cohort": "x", "overrides": ["survival.latent=8"]}
    return {"stages": stages, **rest, "simulated": simulated, "seed": 1, "total_seconds": 1.0}


def the_page(metrics: dict[str, Any], manifest: dict[str, Any], *, small: bool = False) -> str:
    cells = {"validation": {name: {"number": 3, "id": "here"} for name in metrics.get("validation") or {}}}
    sources = number_sources(metrics, manifest, cells)
    banner = ["Cohort '{words.cohort}' of {cohort.subjects_count} subjects."]
    return index_page("smoke-x-1", metrics, manifest, sources, banner=banner, small=small)


def section(page: str, key: str) -> str:
    found = BeautifulSoup(page, "html.parser").find("section", id=key)
    return " ".join(found.get_text(" ").split()) if found else ""


COHORT = {"name": "x", "layout": "test", "simulated": True, "subjects_count": 80}


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.02, 0.2, "better than the volumes do"),
        (-0.2, -0.02, "against the paper"),
        (-0.1, 0.1, "does not show which"),
    ],
)
def test_the_conclusion_follows_the_interval(low: float, high: float, verdict: str) -> None:
    found = {**VALIDATION, "c_difference": (low + high) / 2, "c_difference_low": low, "c_difference_high": high}
    manifest = a_manifest("cohort", "validation")
    said = section(the_page({"validation": found, "cohort": COHORT}, manifest), "says")
    assert verdict in said and "0.78" in said and "says nothing about patients" in said
    real = section(the_page({"validation": found, "cohort": {**COHORT, "simulated": False}}, manifest), "says")
    assert verdict in real and "simulated" not in real
    assert section(the_page({"validation": {"network_c_oob": 0.7}}, manifest), "says") == ""


def test_a_small_run_says_at_every_finding_that_it_is_too_small() -> None:
    metrics, manifest = {"validation": VALIDATION, "cohort": COHORT}, a_manifest("cohort", "validation")
    small = the_page(metrics, manifest, small=True)
    assert "too small a run" in section(small, "story") and "too small" in section(small, "says")
    assert "too small" in section(small, "cannot")
    whole = the_page(metrics, manifest)
    assert "too small" not in whole.partition("<body>")[2]
    assert "simulated patients" in section(whole, "story") and "4.0 times" in section(whole, "story")


def test_a_picture_without_its_numbers_has_its_plain_sentence_and_one_that_was_not_drawn_is_left_out() -> None:
    page = the_page({"cohort": COHORT}, a_manifest("cohort", "motion", simulated=False))
    pictures = BeautifulSoup(page, "html.parser").select("ol.story img")
    assert [one["alt"] for one in pictures] == [CAPTIONS["02_motion_of_the_heart"]]
    assert "simulated" not in section(page, "story")


def test_pictures_are_those_of_stages_and_have_captions() -> None:
    for one in words("story")["pictures"]:
        assert f"{one['figure']}.png" in STAGES[one["stage"]].declared_files() and one["figure"] in CAPTIONS


def test_the_headings_go_in_order() -> None:
    page = the_page({"validation": VALIDATION, "cohort": COHORT}, a_manifest("cohort", "validation"))
    levels = [int(one.name[1]) for one in BeautifulSoup(page, "html.parser").find_all(["h1", "h2", "h3", "h4"])]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A front page with what stands beside it."""
    metrics, manifest = {"validation": VALIDATION, "cohort": COHORT}, a_manifest("cohort", "validation")
    cells = {"validation": {name: {"number": 3, "id": "here"} for name in VALIDATION}}
    (tmp_path / "index.html").write_text(the_page(metrics, manifest), encoding="utf-8")
    (tmp_path / "04_validation.html").write_text('<div id="cell-id=here">', encoding="utf-8")
    write_json(tmp_path / SOURCES_FILE, number_sources(metrics, manifest, cells))
    write_json(tmp_path / "manifest.json", manifest)
    return tmp_path


def test_every_number_of_the_front_page_has_a_source(published: Path) -> None:
    assert index_orphans(published) == []


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("How this was made", "Made in 17 steps", "17 in 'Made in 17 steps'"),
        (">0.79</button>", ">0.97</button>", "0.97: validation.network_c_oob is 0.791"),
        ("data-source='validation.network_c_oob'", "data-source='validation.other'", "there is no validation.other"),
        ("#cell-id=here", "#cell-id=gone", "leads to no cell"),
    ],
)
def test_a_number_without_source_is_found_out(published: Path, right: str, wrong: str, told: str) -> None:
    page = published / "index.html"
    text = page.read_text(encoding="utf-8")
    assert right in text
    page.write_text(text.replace(right, wrong), encoding="utf-8")
    assert any(told in one for one in index_orphans(published))


def test_a_number_leads_to_the_cell_that_recorded_it(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "id": "a"},
        {"cell_type": "code", "id": "b", "execution_count": 1},
        {"cell_type": "code", "id": "c", "execution_count": None},
        {"cell_type": "code", "id": "d", "execution_count": 2},
    ]
    write_json(tmp_path / "notebook.ipynb", {"cells": cells})
    write_json(tmp_path / "record.json", {"recorded_in": {"x": 2}})
    assert recorded_cells(tmp_path) == {"x": {"number": 3, "id": "d"}}
    write_json(tmp_path / "record.json", {"recorded_in": {"x": 7}})
    with pytest.raises(KeyError):
        recorded_cells(tmp_path)


def test_intervals_go_with_their_numbers_and_numbers_without_cell_are_told() -> None:
    manifest = a_manifest("cohort", "validation")
    found = {"network_c_harrell": 0.8, "network_paper_interval_low": 0.7, "network_paper_interval_high": 0.9}
    metrics = {"cohort": COHORT, "validation": {**VALIDATION, **found}}
    cells = {"validation": {name: {"number": 3, "id": "here"} for name in VALIDATION}}
    sources = number_sources(metrics, manifest, cells)
    assert sources["validation.c_difference"]["interval"] == [0.02, 0.2]
    assert sources["validation.network_c_harrell"]["interval"] == [0.7, 0.9]
    assert sources["validation.network_c_oob"]["interval"] is None
    assert "cohort.simulated" not in sources and sources["cohort.subjects_count"]["module"].endswith("cohort_stage.py")
    assert set(without_source(sources)) == {f"validation.{name}" for name in found}


def test_the_cell_that_is_noted_is_the_one_that_runs(tmp_path: Path) -> None:
    """As papermill's executed notebook counts its cells."""
    source = "from cardiolib.workflow.session import _executing_cell\n_executing_cell()"
    cells = [nbformat.v4.new_code_cell("1 + 1"), nbformat.v4.new_code_cell(source)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with own_kernel() as kernel:
        NotebookClient(notebook, kernel_manager_class=kernel).execute()
    ran = notebook.cells[1]
    assert ran["outputs"][0]["data"]["text/plain"] == str(ran["execution_count"]) == "2"
    assert _executing_cell() is None  # here no notebook runs
