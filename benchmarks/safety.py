"""Nothing wrong passes silently, nothing right is refused, and no crash loses anything: how far that holds.

``python -m benchmarks safety``. The faults that were told from the field are tests of the mark ``field_fault``; damaged
and odd files are those of `benchmarks.fuzz`; what the checks cost and which kills are survived is measured by
`benchmarks.safety_reading` and `benchmarks.safety_kills`. ``FUZZ_N`` says how many mutants of each door are tried.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.fuzz.campaign import CRASH, outcome_table, run_campaign
from benchmarks.fuzz.harness import MEMORY_LIMIT_GIB
from benchmarks.fuzz.oracle import Came
from benchmarks.record import RESULTS

ROOT = Path(__file__).resolve().parents[1]
TABLE = RESULTS / "safety_fuzz.csv"
"""What came of the mutants, by door; written with the rows."""

N_MUTANTS = 10_000
_OTHERS = (("safety_reading", "read_overhead"), ("safety_kills", "kills_survived"))
_STOPPED = (str(Came.TRACEBACK), str(Came.HANG), str(Came.RIGHT_REFUSED), CRASH)


def measure() -> list[dict[str, Any]]:
    """Rows ``safe.*``."""
    rows = [*field_failures(), *fuzzed(int(os.environ.get("FUZZ_N", N_MUTANTS)))]
    for module, function in _OTHERS:
        found = getattr(importlib.import_module(f"benchmarks.{module}"), function)()
        rows += [found] if isinstance(found, dict) else found
    return rows


def field_failures() -> list[dict[str, Any]]:
    """Tests of faults told from the field that fail."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "field_fault", "-p", "no:cacheprovider"]
        run = subprocess.run([*command, f"--junitxml={report}", "tests"], cwd=ROOT, capture_output=True, text=True)
        if not report.is_file():
            raise RuntimeError(run.stdout[-2000:] + run.stderr[-2000:])
        cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [case.get("name", "") for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = sum(case.find("skipped") is not None for case in cases)
    return [
        {
            "id": "safe.field_failures",
            "value": len(bad) if len(cases) > skipped else None,
            "unit": "tests",
            "reach": 0,
            "aim": 0,
            "better": "lower",
            "how": f"of {len(cases)} tests of faults told from the field, {skipped} of them skipped for want of data; "
            f"failed: {', '.join(bad[:5]) or 'none'}",
        }
    ]


def fuzzed(n: int, doors: Sequence[str] = (), *, table: Path = TABLE) -> list[dict[str, Any]]:
    """What comes of `n` mutants of each door, and the table of it."""
    found = run_campaign(n, doors)
    counts = outcome_table(found)
    table.parent.mkdir(parents=True, exist_ok=True)
    counts.to_csv(table, lineterminator="\n")
    tried = f"{n} mutants of each of {len(counts)} doors ({table.name} has what came of them)"
    silent = found[found["came"] == Came.SILENT]
    stopped = found[found["came"].isin(_STOPPED)]
    rows = (
        ("tracebacks", len(stopped), "mutants", 0, 0, f"errors of a library or without a file's name, crashes, hangs, "
         f"right files refused: {_first(stopped)}"),
        ("silent", len(silent), "mutants", 0, 0, f"numbers changed and nothing said: {_first(silent)}"),
        ("peak_gib", _peak_gib(found), "GiB", 1.5, 1, "the most that one small file made a process take beyond what it "
         "had, or asked for in vain"),
    )  # fmt: skip
    fields = ("id", "value", "unit", "reach", "aim", "better", "how")
    return [
        dict(zip(fields, (f"safe.fuzz_{name}", value, unit, reach, aim, "lower", f"{tried}; {how}"), strict=True))
        for name, value, unit, reach, aim, how in rows
    ]


def _peak_gib(found: pd.DataFrame) -> float:
    """A mutant for which memory ran out has taken all that the limit left, at least."""
    asked = MEMORY_LIMIT_GIB if (found["came"] == Came.MEMORY).any() else 0.0
    return round(max(float(found["peak_gib"].max()), asked), 3)


def _first(rows: pd.DataFrame) -> str:
    shown = [f"{row.door}:{row.number} ({row.came})" for row in rows.drop_duplicates(["door", "came"]).itertuples()]
    return ", ".join(shown[:6]) or "none"
