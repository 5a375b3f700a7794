"""Making the metrics of a published run the committed expectation of its profile.

How far another processor may differ is measured, number by number: the same run is made with the kernels of other
processors forced (``make smoke-kernels``), and a number may differ by twice what it differed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cardiolib.files import write_json
from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.report.verify import flatten
from cardiolib.workflow.stages import REPOSITORY

TOLERANCE_NOTE = (
    "Same seed, versions and thread count give the same numbers on one machine. Another processor rounds differently. "
    "'spread' is by how much each number differed between the kernels named here; 'tolerances' allow twice that, and "
    "half a percent of the number's scale for processors that were not tried. Counts and the cohort must agree."
)

TIMES_SPREAD = 2.0
"""How often the measured spread is allowed."""

UNTRIED = 0.005
"""Share of a number's scale that is allowed in a stage that trains or tracks, whatever the spread."""

EXACT_STAGES = ("cohort",)
"""Stages whose numbers must agree to the general tolerances of an expectation."""


def scale(name: str, value: float) -> float:
    """What a difference of one metric is compared with.

    100 for percentages and points of ejection fraction, else the number itself, and at least 1 (a millimetre, or the
    whole of a C-index, a Dice score or a probability): a bias of nearly 0 has no meaningful relative error.
    """
    if "percent" in name or "points" in name:
        return 100.0
    return max(1.0, abs(value))


def tolerance(name: str, value: float, spread: float) -> float | None:
    """Absolute tolerance of one metric (dotted name); None: it has to agree to the general tolerances."""
    exact = name.endswith("_count") or name.partition(".")[0] in EXACT_STAGES
    if exact:
        return spread or None
    return round(max(TIMES_SPREAD * spread, UNTRIED * scale(name, value)), 6)


def largest_relative(expectation: dict[str, Any]) -> tuple[float, str]:
    """The largest tolerance of an expectation, relative to its number's scale, and the metric that has it."""
    metrics = flatten(expectation["metrics"])
    shares = {name: allowed / scale(name, metrics[name]) for name, allowed in expectation["tolerances"].items()}
    worst = max(shares, key=lambda name: shares[name])
    return shares[worst], worst


def write_expectation(run: PublishedRun, others: Sequence[PublishedRun] = (), *, root: Path = REPOSITORY) -> Path:
    """Write ``reports/expected/<profile>.json`` from a published run.

    Parameters
    ----------
    run : PublishedRun
        Its numbers are expected from now on.
    others : sequence of PublishedRun
        The same run on other kernels: what they differ by is what may differ.
    root : Path
        Folder that holds ``reports/``.

    Raises
    ------
    ValueError
        If a run is of another cohort, seed or profile or has parameters of its own, if two runs are of the same
        kernels, or if a number is in one run only.
    """
    for one in (run, *others):
        _expectable(one, run)
    numbers = _numbers(run)
    spread = {name: 0.0 for name in numbers}
    for other in others:
        found = _numbers(other)
        if found.keys() != numbers.keys():
            alone = sorted(found.keys() ^ numbers.keys())
            raise ValueError(f"runs {run.name} and {other.name} do not record the same numbers: {', '.join(alone[:5])}")
        spread = {name: max(spread[name], abs(found[name] - value)) for name, value in numbers.items()}
    allowed = {name: tolerance(name, value, spread[name]) for name, value in numbers.items()}
    path = root / "reports" / "expected" / f"{run.manifest['profile']}.json"
    write_json(
        path,
        {
            "about": TOLERANCE_NOTE,
            "seed": run.manifest["seed"],
            "kernels": [_kernels(one) for one in (run, *others)],
            "metrics": run.metrics,
            "spread": {name: float(f"{value:.6g}") for name, value in spread.items() if value},
            "tolerances": {name: value for name, value in allowed.items() if value is not None},
            "relative_tolerance": 1e-4,
            "absolute_tolerance": 1e-6,
        },
    )
    return path


def _expectable(run: PublishedRun, first: PublishedRun) -> None:
    manifest = run.manifest
    if manifest["cohort"] != "simulated" or manifest["overrides"]:
        raise ValueError("an expectation is made from the simulated cohort with a profile's own parameters")
    for name in ("profile", "seed"):
        if manifest[name] != first.manifest[name]:
            raise ValueError(
                f"run {run.name} is of {name} {manifest[name]}, run {first.name} of {first.manifest[name]}: what "
                "differs between them would not be the processor's doing"
            )
    if run is not first and _kernels(run) == _kernels(first):
        raise ValueError(
            f"runs {first.name} and {run.name} were made with the same kernels ({_kernels(run)}). Force others, as "
            "make smoke-kernels does"
        )


def _kernels(run: PublishedRun) -> str:
    """The kernels that the stages of a run were computed with."""
    named = {stage["kernels"] for stage in run.manifest["stages"].values() if stage.get("kernels")}
    return "; ".join(sorted(named)) or "not recorded"


def _numbers(run: PublishedRun) -> dict[str, float]:
    return {
        name: value
        for name, value in flatten(run.metrics).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
