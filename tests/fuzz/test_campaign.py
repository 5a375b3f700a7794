"""Mutants in processes of their own: those that crash or hang are counted, and the rest goes on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from benchmarks import safety
from benchmarks.fuzz import campaign
from benchmarks.fuzz.oracle import Came


class FakeChild:
    """A process that dies at the mutant 1 and does not answer at 3."""

    def __init__(self, door: str, start: int, stop: int) -> None:
        self.at, self.process = start, SimpleNamespace(returncode=-11)

    def __enter__(self) -> FakeChild:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def line(self, seconds: float) -> str | None:
        number, self.at = self.at, self.at + 1
        if number in (1, 3):
            return "" if number == 1 else None
        return json.dumps({"number": number, "came": "same", "told": "", "detail": "", "peak_gib": 0.25}) + "\n"


def test_a_process_that_dies_or_hangs_costs_one_mutant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "_Child", FakeChild)
    found = campaign.run_campaign(5, ["points_text"])
    assert list(found["came"]) == ["same", "crash", "same", "hang", "same"]
    assert found["detail"][1] == "the process ended with -11"
    table = campaign.outcome_table(found)
    assert table.loc["points_text", ["same", "crash", "hang", "silent", "peak_gib"]].tolist() == [3, 1, 1, 0, 0.25]
    assert list(campaign.faults(found)["number"]) == [1, 3]


def test_one_door_in_a_process_of_its_own() -> None:
    found = campaign.run_campaign(3, ["points_text"], workers=1)
    assert list(found["number"]) == [0, 1, 2] and set(found["came"]) <= set(campaign.KINDS)


def test_an_unknown_door_is_refused() -> None:
    with pytest.raises(ValueError, match="no door cvs; there are: nifti_plain"):
        campaign.run_campaign(1, ["cvs"])


def test_rows_of_the_benchmark_and_the_table_beside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    came = ["same", str(Came.SILENT), str(Came.TRACEBACK), campaign.CRASH, str(Came.MEMORY)]
    found = pd.DataFrame({"door": "csv", "number": range(5), "came": came, "told": "", "detail": "", "peak_gib": 0.5})
    monkeypatch.setattr(safety, "run_campaign", lambda n, doors: found)
    rows = {row["id"]: row for row in safety.fuzzed(5, table=tmp_path / "table.csv")}
    values = [rows[f"safe.fuzz_{name}"]["value"] for name in ("tracebacks", "silent", "peak_gib")]
    assert values == [2, 1, 3.0]  # memory that ran out counts as all that the limit left
    assert pd.read_csv(tmp_path / "table.csv", index_col="door").loc["csv", "crash"] == 1


def test_failures_of_the_field_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    report = (
        "<testsuites><testsuite><testcase name='a'/><testcase name='b'><failure/></testcase>"
        "<testcase name='c'><skipped/></testcase><testcase name='d'><error/></testcase></testsuite></testsuites>"
    )

    def run(command: list[str], **_: object) -> SimpleNamespace:
        (path,) = (Path(word.partition("=")[2]) for word in command if word.startswith("--junitxml="))
        path.write_text(report, encoding="utf-8")
        return SimpleNamespace(stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    (row,) = safety.field_failures()
    assert row["value"] == 2 and "of 4 tests" in row["how"] and "b, d" in row["how"]
