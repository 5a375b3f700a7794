"""Making the metrics of a published run the committed expectation of its profile."""

from __future__ import annotations

import json
from pathlib import Path

from cardiolib.workflow.session import write_json
from cardiolib.workflow.stages import REPOSITORY
from cardiolib.workflow.verify import flatten

TOLERANCE_NOTE = (
    "Same seed, versions and thread count give the same numbers on one machine; another processor may round "
    "differently, and training magnifies it: these tolerances allow for that and for no more."
)

STAGE_TOLERANCE = {
    "segmentation": 0.05, "motion": 0.05, "survival": 0.03, "validation": 0.03, "interpretation": 0.10,
}
"""Relative size of the allowed difference, by stage; the cohort itself must agree to 1e-4."""

SMALLEST = 0.03
"""Absolute difference always allowed in a stage that trains or tracks (a C-index, a Dice score, mm)."""


def write_expectation(*, root: Path = REPOSITORY) -> Path:
    """Write ``reports/expected/<profile>.json`` from what is published in ``reports/``."""
    manifest = json.loads((root / "reports" / "manifest.json").read_text(encoding="utf-8"))
    metrics = json.loads((root / "reports" / "metrics.json").read_text(encoding="utf-8"))
    if manifest["cohort"] != "simulated" or manifest["overrides"]:
        raise ValueError("an expectation is made from the simulated cohort with a profile's own parameters")
    tolerances = {
        name: round(max(SMALLEST, STAGE_TOLERANCE[stage] * abs(value)), 6)
        for name, value in flatten(metrics).items()
        if (stage := name.partition(".")[0]) in STAGE_TOLERANCE and isinstance(value, (int, float))
        and not isinstance(value, bool)
    }
    path = root / "reports" / "expected" / f"{manifest['profile']}.json"
    write_json(path, {
        "about": TOLERANCE_NOTE, "seed": manifest["seed"], "metrics": metrics, "tolerances": tolerances,
        "relative_tolerance": 1e-4, "absolute_tolerance": 1e-6,
    })
    return path
