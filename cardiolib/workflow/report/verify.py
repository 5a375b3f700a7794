"""Checking a published run: hashes as recorded, declared figures present, metrics as expected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cardiolib.files import read_json
from cardiolib.workflow import provenance
from cardiolib.workflow.stages import REPOSITORY

MAX_LISTED = 20
NOT_COMPARED = "metrics not compared"
"""How the reason begins for which a run has no expectation to be compared with."""


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
    problems, remarks = check_files(run.manifest, root, run.name)
    wanted, why = expectation_of(run.manifest, root=root)
    if wanted is not None:
        differing, count = compare_metrics(run.metrics, wanted)
        problems += differing
        remarks.append(f"{count} metrics compared with {why}")
    elif why.startswith(NOT_COMPARED):
        remarks.append(why)
    else:
        problems.append(why)
    return problems, [f"run {run.name}", *remarks]


def expectation_of(manifest: dict[str, Any], *, root: Path = REPOSITORY) -> tuple[dict[str, Any] | None, str]:
    """The committed expectation of a run, and its file below the repository; None and the reason where none fits."""
    name = f"reports/expected/{manifest['profile']}.json"
    if manifest["cohort"] != "simulated" or not manifest["named_simulation"] or manifest["overrides"]:
        return None, f"{NOT_COMPARED}: the expectation is of the simulated cohort with the profile's parameters"
    if not (root / name).is_file():
        return None, f"there is no committed expectation {name}"
    wanted = read_json(root / name)
    if manifest["seed"] != wanted["seed"]:
        return None, f"{NOT_COMPARED}: seed {manifest['seed']}, the expectation is of seed {wanted['seed']}"
    return wanted, name


@dataclass(frozen=True)
class Compared:
    """One number (or word) of a run beside what is expected of it.

    Attributes
    ----------
    name : str
        Dotted name.
    expected, found : object
        None where there is none.
    tolerance : float or None
        How far a number may differ; None for what must be equal.
    verdict : str
        ``"agrees"``, ``"differs"``, ``"missing"`` or ``"not expected"``.
    """

    name: str
    expected: Any
    found: Any
    tolerance: float | None
    verdict: str

    @property
    def difference(self) -> float | None:
        """Found minus expected; None where one of them is no number."""
        return self.found - self.expected if _is_number(self.found) and _is_number(self.expected) else None

    def sentence(self) -> str:
        """What is wrong, empty where nothing is."""
        return {
            "agrees": "",
            "differs": f"metric {self.name}: expected {self.expected}, found {self.found}",
            "missing": f"metric {self.name} is missing",
            "not expected": f"metric {self.name} is not in the expectation",
        }[self.verdict]


def compared_metrics(metrics: dict[str, Any], wanted: dict[str, Any]) -> list[Compared]:
    """Every value of nested metrics beside its expectation, by name; parameters as of `compare_metrics`."""
    found, expected = flatten(metrics), flatten(wanted["metrics"])
    rows = []
    for name in sorted(expected.keys() | found.keys()):
        before, after = expected.get(name), found.get(name)
        allowed = _tolerance(name, before, after, wanted)
        if name not in found:
            verdict = "missing"
        elif name not in expected:
            verdict = "not expected"
        elif allowed is None:
            verdict = "agrees" if before == after else "differs"
        else:
            verdict = "agrees" if abs(before - after) <= allowed else "differs"
        rows.append(Compared(name, before, after, allowed, verdict))
    return rows


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
    rows = compared_metrics(metrics, wanted)
    problems = sorted(row.sentence() for row in rows if row.verdict != "agrees")
    return problems, sum(row.verdict != "not expected" for row in rows)


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


def _tolerance(name: str, before: Any, after: Any, wanted: dict[str, Any]) -> float | None:
    """How far a metric may differ, by its own tolerance or the general ones; None where it is no number."""
    if not (_is_number(before) and _is_number(after)):
        return None
    own = wanted["tolerances"].get(name)
    if own is not None:
        return float(own)
    return float(max(wanted["relative_tolerance"] * max(abs(before), abs(after)), wanted["absolute_tolerance"]))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_files(manifest: dict[str, Any], root: Path, name_of_run: str) -> tuple[list[str], list[str]]:
    """Problems of a run's figures and outputs, at most `MAX_LISTED`, and what was checked."""
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
