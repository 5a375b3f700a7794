"""Each notebook in a real browser: run from top to bottom, figures drawn, a cell changed and run again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_page import LabPage

from benchmarks.notebook_by_hand import EDITS, NOTEBOOKS, SMALL
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES

pytestmark = pytest.mark.browser

EDITED = {
    "scan": "effort",
    "segmentation": "n_training",
    "motion": "motion_source",
    "survival": "fixed",
    "validation": "n_replicates",
    "interpretation": "n_neighbours",
}
"""The parameter of each notebook that is changed here; `tests/notebooks/test_every_parameter.py` changes all."""
PLAYED = {"00_beating_heart", "02_beating_heart", "02_two_hearts", "05_risk_hearts"}


@pytest.fixture(params=list(NOTEBOOKS), scope="module")
def opened(request: pytest.FixtureRequest, browser: Any, lab: str, finished_run: Run) -> Iterator[tuple[str, LabPage]]:
    """A notebook, opened and run from top to bottom with small parameters."""
    stage = request.param
    page = LabPage.open(browser, lab, NOTEBOOKS[stage].name)
    page.set(run_folder=str(finished_run.folder), **SMALL[stage])
    page.run_all()
    yield stage, page
    page.page.close()


def test_it_runs_from_top_to_bottom(opened: tuple[str, LabPage]) -> None:
    _, page = opened
    assert page.errors() == []
    assert all(cell["count"] for cell in page.cells())


def test_every_interactive_figure_is_drawn(opened: tuple[str, LabPage]) -> None:
    stage, page = opened
    figures = page.figures()
    assert len(figures) == len(STAGES[stage].interactive)
    assert all(figure["traces"] > 0 for figure in figures)
    playing = [figure for figure in figures if figure["frames"]]
    assert len(playing) >= len(PLAYED & set(STAGES[stage].interactive))
    assert all(figure["buttons"] for figure in playing)


def test_progress_is_shown_by_bars_and_not_as_errors(opened: tuple[str, LabPage]) -> None:
    _, page = opened
    outputs = [out for cell in page.cells() for out in cell["outputs"]]
    assert any("application/vnd.jupyter.widget-view+json" in out.get("data", {}) for out in outputs)
    assert not [out["text"] for out in outputs if out.get("name") == "stderr" and "%|" in "".join(out["text"])]


def test_a_changed_parameter_gives_new_results(opened: tuple[str, LabPage]) -> None:
    stage, page = opened
    name = EDITED[stage]
    before = page.text()
    page.set(**{name: EDITS[stage][name]})
    page.run_all()
    assert page.errors() == []
    after = page.text()
    assert f"parameter {name} changed" in after
    assert before != after


def test_opening_a_notebook_runs_nothing(browser: Any, lab: str, finished_run: Run, notebook_folder: Path) -> None:
    """With a result missing, cells say so, what it would cost and how to get it."""
    folder = finished_run.stage_folder("motion")
    aside = folder.with_name("motion.aside")
    folder.rename(aside)
    try:
        page = LabPage.open(browser, lab, NOTEBOOKS["survival"].name)
        page.set(run_folder=str(finished_run.folder), **SMALL["survival"])
        page.run_all()
        told = page.text()
        assert "Nothing has been run" in told and "session.prepare()" in told and "make smoke" in told
        assert any("StageError" in error for error in page.errors())
        assert not folder.exists()
        page.page.close()
    finally:
        aside.rename(folder)
