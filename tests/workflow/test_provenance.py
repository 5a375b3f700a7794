"""Content decides, dates do not; and the reasons are told in words."""

from __future__ import annotations

import json
import os
from pathlib import Path

from cardiolib.workflow import provenance
from cardiolib.workflow.closure import stage_packages
from cardiolib.workflow.stages import STAGES

KEY = {
    "environment": "e",
    "seed": 1,
    "notebook": "n",
    "parameters": {"epochs": 3},
    "layers": {"motion": "m"},
    "inputs": {"cohort": "c"},
}


def test_equal_keys_differ_in_nothing() -> None:
    assert provenance.differences(KEY, json.loads(json.dumps(KEY))) == []


def test_every_kind_of_change_is_named() -> None:
    changed = {
        "environment": "f",
        "seed": 2,
        "notebook": "o",
        "parameters": {"epochs": 4, "rate": 1},
        "layers": {"motion": "x"},
        "inputs": {"cohort": "d"},
    }
    assert provenance.differences(KEY, changed) == [
        "the environment changed",
        "the notebook changed",
        "the seed changed: 1 -> 2",
        "parameter epochs changed: 3 -> 4",
        "parameter rate changed: None -> 1",
        "layer motion changed",
        "input cohort changed",
    ]


def test_a_stage_that_never_ran_says_so() -> None:
    assert provenance.differences(None, KEY) == ["it has never run"]


def test_tree_hashes_follow_content_and_leave_out_what_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "units").mkdir()
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "units" / "b.txt").write_text("b")
    before = provenance.tree_hashes(tmp_path, skip=["units"])
    assert list(before) == ["a.txt"]
    os.utime(tmp_path / "a.txt", (1, 1))
    (tmp_path / "units" / "b.txt").write_text("c")
    assert provenance.tree_hashes(tmp_path, skip=["units"]) == before
    (tmp_path / "a.txt").write_text("A")
    assert provenance.tree_hashes(tmp_path, skip=["units"]) != before


def test_notebook_hash_sees_code_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cell = {"cell_type": "code", "source": ["x = 1"], "outputs": [], "execution_count": None, "metadata": {}}
    values = {**cell, "source": ["epochs: int = 3"], "metadata": {"tags": ["parameters"]}}
    prose = {"cell_type": "markdown", "source": ["Why."], "metadata": {}}

    def hashed(*cells: dict) -> str:
        path.write_text(json.dumps({"cells": cells}))
        return provenance.notebook_hash(path)

    before = hashed(prose, values, cell)
    assert hashed(prose, values, {**cell, "outputs": [{"text": "1"}], "execution_count": 7}) == before
    assert hashed({**prose, "source": ["Because."]}, values, cell) == before
    assert hashed(prose, {**values, "source": ["epochs: int = 9"]}, cell) == before
    assert hashed(prose, values, {**cell, "source": ["# said better\n", "x  =  1\n"]}) == before
    assert hashed(prose, values, cell, {**cell, "source": []}) == before
    assert hashed(prose, values, {**cell, "source": ["x = 2"]}) != before
    assert hashed(prose, values, {**cell, "source": ["%time x = 1"]}) != before


def test_a_notebook_run_by_hand_is_keyed_by_everything_but_its_file() -> None:
    stage = STAGES["survival"]
    given = {"settings": stage.settings_class()(), "seed": 1, "inputs": {"motion": "m"}}
    pipeline, by_hand = (provenance.stage_key(stage, **given, by_hand=hand) for hand in (False, True))
    assert pipeline.pop("notebook") and pipeline == by_hand


def test_a_stage_key_names_the_packages_of_its_closure_and_no_others() -> None:
    stage = STAGES["segmentation"]
    key = provenance.stage_key(stage, settings=stage.settings_class()(), seed=1, inputs={})
    assert set(key["layers"]) == {*stage_packages(stage), "workflow"}
    assert {"shape", "segmentation", "package"} <= set(key["layers"])
    assert not {"motion", "survival", "validation", "interpretation"} & set(key["layers"])
