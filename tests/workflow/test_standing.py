"""How a run stands, in words and as a table; a run is started from a cell by a switch only."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cardiolib.workflow import own_process, standing
from cardiolib.workflow.errors import ParameterError, StageError
from cardiolib.workflow.own_process import Ended, run_in_own_process
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.stages import STAGES
from cardiolib.workflow.standing import RunStatus, StageStatus, run_status, start_run, status_of


def a_run(tmp_path: Path, records: dict, reasons: dict, *, simulated: bool = True) -> Run:
    """A run whose stages have these records and these reasons to run again."""
    run = Run(profile="smoke", folder=tmp_path / "r")
    run.__dict__["named_simulation"] = simulated
    run.finished = records.get
    run.stale = lambda stage, files=True: reasons.get(stage.name, [])
    run.nothing_to_do = lambda stage: None if simulated or stage.name == "cohort" else "it has no follow-up"
    return run


def test_a_run_that_was_never_made(tmp_path: Path) -> None:
    found = status_of(Run(profile="smoke", folder=tmp_path / "none"))
    assert len(found.stages) == len(STAGES) and not found.up_to_date
    assert {stage.state for stage in found.stages} == {"it has never run"}
    assert "0 of 7 stages have results" in repr(found)


def test_stale_and_fresh_stages_are_told_apart(tmp_path: Path) -> None:
    records = {name: {"seconds": 61.0} for name in STAGES}
    found = status_of(a_run(tmp_path, records, {"motion": ["layer motion changed", "the seed changed"]}))
    by_title = {stage.title: stage for stage in found.stages}
    assert by_title["Cohort"].state == "up to date"
    assert by_title["2 Motion"].state == "layer motion changed; the seed changed"
    assert by_title["2 Motion"].short == "stale: layer motion changed (and 1 more reasons)"
    assert not found.up_to_date and status_of(a_run(tmp_path, records, {})).up_to_date
    assert list(found.table["took"]) == ["1:01"] * 7
    html = found._repr_html_()
    assert "2 Motion" in html and "stale: layer motion changed" in html


def test_a_cohort_that_brings_no_follow_up_has_nothing_to_do(tmp_path: Path) -> None:
    found = status_of(a_run(tmp_path, {"cohort": {"seconds": 1.0}}, {}, simulated=False))
    assert found.stages[-1].state == "nothing to do: it has no follow-up" and found.up_to_date
    unopened = status_of(a_run(tmp_path, {}, {}, simulated=False))
    assert unopened.stages[-1].state == "not known before the cohort has been opened"


def test_no_run_at_all_says_so(monkeypatch) -> None:
    monkeypatch.setattr(standing, "newest_run", lambda: None)
    assert repr(run_status()) == "No run has been made yet." and "No run" in run_status()._repr_html_()


def test_an_unknown_profile_is_an_error() -> None:
    with pytest.raises(ParameterError, match="unknown profile 'lectures'"):
        run_status("lectures")


def test_nothing_starts_without_the_switch(monkeypatch) -> None:
    monkeypatch.setattr(standing, "run_in_own_process", lambda *given, **more: pytest.fail("it was started"))
    assert "Nothing has been started" in start_run("smoke").data


def test_the_switch_starts_the_command_with_few_workers(monkeypatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(standing, "run_in_own_process", lambda arguments, show: asked.append(arguments) or Ended(0, ""))
    monkeypatch.setattr(standing, "status_of", lambda run: RunStatus(run.name, (StageStatus("Cohort", ""),)))
    assert start_run("smoke", start=True).up_to_date
    (words,) = asked
    assert words[:3] == ["run", "--profile", "smoke"] and words[-2:] == ["--workers", "2"]


def test_a_run_that_fails_says_its_last_words(monkeypatch) -> None:
    monkeypatch.setattr(standing, "run_in_own_process", lambda arguments, show: Ended(1, "error: no disk"))
    with pytest.raises(StageError, match="no disk"):
        start_run("smoke", start=True)


def test_what_a_process_says_is_shown_and_kept(monkeypatch) -> None:
    monkeypatch.setattr(own_process, "sys", SimpleNamespace(executable="/bin/echo"))
    shown: list[str] = []
    end = run_in_own_process(["status"], show=shown.append)
    assert end.status == 0 and shown == [end.last] and "cardiolib.workflow status" in end.last
