"""Write the rows of one benchmark to ``results/<name>.json`` and a Markdown table beside it."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cardiolib.workflow.machine import machine as this_machine

RESULTS = Path(__file__).with_name("results")
FIELDS = ("id", "value", "unit", "reach", "aim", "better", "how", "machine", "commit")


class Unavailable(RuntimeError):
    """What a benchmark measures on is not on this machine; its earlier results stay."""


def record(name: str, rows: Iterable[dict[str, Any]]) -> Path:
    """Add machine and commit to the rows and write them.

    Parameters
    ----------
    name : str
        File name without suffix.
    rows : iterable of dict
        Keys ``id, value, unit, reach, aim, better, how``; `better` is "higher" or "lower". A value
        that misses `reach` is written down as it is; None is one that this machine could not measure.
    """
    complete = []
    for row in rows:
        filled = {**row, "machine": machine(), "commit": commit()}
        missing = set(FIELDS) - filled.keys()
        if missing:
            raise ValueError(f"benchmark row {row.get('id')!r} lacks {', '.join(sorted(missing))}")
        complete.append({field: filled[field] for field in FIELDS})
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(complete, indent=1) + "\n", encoding="utf-8")
    write_table()
    return path


def write_table() -> None:
    """Make ``results/README.md`` from all result files."""
    lines = [
        "# Measured",
        "",
        "Made by `make bench` from the JSON files beside it.",
        "",
        "| id | value | unit | reach | aim | reached | how |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in sorted(RESULTS.glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8")):
            value = f"{row['value']:.4g}" if isinstance(row["value"], float) else row["value"]
            value = "" if value is None else value
            lines.append(
                f"| {row['id']} | {value} | {row['unit']} | {row['reach']} | {row['aim']} "
                f"| {_verdict(row)} | {row['how'].replace('|', chr(92) + '|')} |"
            )
    (RESULTS / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _verdict(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "not measured"
    sign = 1 if row["better"] == "lower" else -1
    if sign * row["value"] <= sign * row["aim"]:
        return "aim"
    return "yes" if sign * row["value"] <= sign * row["reach"] else "**no**"


def machine() -> str:
    """Processor, core count and system, in words."""
    found = this_machine()
    return f"{found['processor']}, {found['cores_count']} cores, {platform.system()}"


def commit() -> str:
    """Short commit of the checkout, with a mark when it has uncommitted changes."""
    command = ["git", "describe", "--always", "--dirty"]
    run = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True)
    return run.stdout.strip() or "unknown"
