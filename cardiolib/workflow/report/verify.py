"""Checking a published run: hashes as recorded, declared figures present, metrics as expected."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from cardiolib.files import read_json
from cardiolib.workflow import provenance
from cardiolib.workflow.stages import REPOSITORY

MAX_LISTED = 20


def verify(run: Any, *, root: Path = REPOSITORY) -> tuple[list[str], list[str]]:
    """Compare a published run with its manifest and with the committed expectation.

    Parameters
    ----------
    run : PublishedRun
        What lies in ``reports/<run>`` and ``figures/<run>``.
    root : Path
        Folder that holds ``figures/`` and ``reports/``.

    Returns
    -------
    problems : list of str
        What is wrong; empty when the run is verified.
    remarks : list of str
        What was checked, the run's name first.
    """
    manifest = run.manifest
    problems, remarks = _check_files(manifest, root, run.name)
    expected = root / "reports" / "expected" / f"{manifest['profile']}.json"
    if manifest["cohort"] != "simulated" or not manifest["named_simulation"] or manifest["overrides"]:
        remarks.append("metrics not compared: the expectation is of the simulated cohort with the profile's parameters")
    elif not expected.is_file():
        problems.append(f"there is no committed expectation reports/expected/{expected.name}")
    else:
        wanted = read_json(expected)
        if manifest["seed"] != wanted["seed"]:
            seeds = f"seed {manifest['seed']}, the expectation is of seed {wanted['seed']}"
            remarks.append(f"metrics not compared: {seeds}")
        else:
            differing, count = compare_metrics(run.metrics, wanted)
            problems += differing
            remarks.append(f"{count} metrics compared with reports/expected/{expected.name}")
    return problems, [f"run {run.name}", *remarks]


def compare_metrics(metrics: dict[str, Any], wanted: dict[str, Any]) -> tuple[list[str], int]:
    """Compare nested metrics with an expectation.

    Parameters
    ----------
    metrics : dict
        Nested by stage.
    wanted : dict
        ``metrics`` (nested like the other), ``relative_tolerance`` and ``absolute_tolerance`` of all
        numbers, and ``tolerances``: absolute tolerance of single ones by dotted name.

    Returns
    -------
    problems : list of str
    count : int
        How many values were compared.
    """
    found, expected = flatten(metrics), flatten(wanted["metrics"])
    problems = [f"metric {name} is missing" for name in expected.keys() - found.keys()]
    problems += [f"metric {name} is not in the expectation" for name in found.keys() - expected.keys()]
    for name in sorted(expected.keys() & found.keys()):
        before, after = expected[name], found[name]
        tolerance = wanted["tolerances"].get(name)
        if not _agree(before, after, tolerance, wanted["relative_tolerance"], wanted["absolute_tolerance"]):
            problems.append(f"metric {name}: expected {before}, found {after}")
    return sorted(problems), len(expected)


def flatten(nested: Any, prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` to ``{"a.b": 1}``; list items get their index as name."""
    if isinstance(nested, dict):
        items = nested.items()
    elif isinstance(nested, list):
        items = ((str(i), item) for i, item in enumerate(nested))
    else:
        return {prefix: nested}
    flat: dict[str, Any] = {}
    for name, item in items:
        flat |= flatten(item, f"{prefix}.{name}" if prefix else name)
    return flat


def _agree(before: Any, after: Any, tolerance: float | None, relative: float, absolute: float) -> bool:
    numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in (before, after))
    if not numbers:
        return before == after
    if tolerance is not None:
        return abs(before - after) <= tolerance
    return math.isclose(before, after, rel_tol=relative, abs_tol=absolute)


def _check_files(manifest: dict[str, Any], root: Path, name_of_run: str) -> tuple[list[str], list[str]]:
    problems, checked = [], 0
    figures = root / "figures" / name_of_run
    run_folder = root / manifest["run_folder"]
    for name, stage in manifest["stages"].items():
        if stage["status"] != "complete":
            continue
        for file in stage["declared_figures"]:
            if not (figures / file).is_file():
                problems.append(f"declared figure figures/{name_of_run}/{file} is missing")
        for file, digest in stage["figures"].items():
            problems += _check_one(figures / file, digest, f"figures/{name_of_run}/{file}")
        if run_folder.is_dir():
            for file, digest in stage["outputs"].items():
                problems += _check_one(run_folder / name / file, digest, f"{name}/{file}")
        checked += len(stage["figures"]) + len(stage["outputs"])
    return problems[:MAX_LISTED], [f"{checked} files checked against their recorded hashes"]


def _check_one(path: Path, digest: str, name: str) -> list[str]:
    if not path.is_file():
        return [f"{name} is missing"]
    return [] if provenance.file_hash(path) == digest else [f"{name} differs from the recorded hash"]
