"""Two published runs side by side: parameters that differ, and every number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.report.verify import flatten

SAME = "the same"


def comparison(a: PublishedRun, b: PublishedRun) -> list[str]:
    """Lines of text: what was asked differently, then every number of both runs and its difference.

    Parameters
    ----------
    a, b : PublishedRun
    """
    lines = [f"A: {a.name}", f"B: {b.name}", "", "Asked differently"]
    asked = list(_table(_parameters(a), _parameters(b), only_different=True))
    lines += asked or ["  nothing: the same profile, cohort, seed and parameters"]
    lines += ["", "Found", *_table(flatten(a.metrics), flatten(b.metrics), only_different=False)]
    return lines


def _parameters(run: PublishedRun) -> dict[str, Any]:
    asked = {name: run.manifest[name] for name in ("profile", "cohort", "seed")}
    for stage, made in run.manifest["stages"].items():
        asked |= {f"{stage}.{name}": json.dumps(value) for name, value in made.get("parameters", {}).items()}
    return asked


def _table(a: dict[str, Any], b: dict[str, Any], *, only_different: bool) -> Iterator[str]:
    names = [*a, *(name for name in b if name not in a)]
    names = [name for name in names if not only_different or a.get(name) != b.get(name)]
    width = max(map(len, names), default=0)
    for name in names:
        left, right = a.get(name), b.get(name)
        yield f"  {name:<{width}}  {_text(left):>14}  {_text(right):>14}  {_difference(left, right)}".rstrip()


def _difference(left: Any, right: Any) -> str:
    if left == right:
        return SAME
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (left, right)):
        return f"{right - left:+.4g}"
    return ""


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
