"""Every notebook, every parameter: run, edit, run again. New results, no error, nothing of the old run left."""

from __future__ import annotations

import pytest

from benchmarks.notebook_by_hand import EDITS, NOTEBOOKS, edits_gone_wrong
from cardiolib.workflow.notebooks import notebook_parameters
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.runner import run_stages


@pytest.mark.parametrize("stage", list(NOTEBOOKS))
def test_every_parameter_has_an_edit(stage: str) -> None:
    assert EDITS[stage].keys() == notebook_parameters(NOTEBOOKS[stage]).keys() - {"run_folder", "output_folder"}


@pytest.mark.slow
@pytest.mark.parametrize("stage", list(NOTEBOOKS))
def test_an_edited_parameter_gives_new_results(stage: str) -> None:
    run = Run(profile="smoke")
    run_stages(run)
    assert edits_gone_wrong(stage, run)[1] == {}
