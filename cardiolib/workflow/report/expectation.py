"""Making the metrics of a published run the committed expectation of its profile."""

from __future__ import annotations

from pathlib import Path

from cardiolib.files import write_json
from cardiolib.workflow.report.runs_page import PublishedRun
from cardiolib.workflow.report.verify import flatten
from cardiolib.workflow.stages import REPOSITORY

TOLERANCE_NOTE = (
    "Same seed, versions and thread count give the same numbers on one machine; another processor may round "
    "differently, and training magnifies it: these tolerances allow for that and for no more."
)

STAGE_TOLERANCE = {"motion": 0.15, "survival": 0.03, "validation": 0.03, "interpretation": 0.10}
"""Relative size of the allowed difference, by stage; the cohort itself must agree to 1e-4."""

SMALLEST = 0.03
"""Absolute difference always allowed in a stage that trains or tracks (a C-index, a Dice score, mm)."""

SEGMENTATION_TOLERANCE = {
    "smoke": {"dice": 0.02, "points": 0.5, "percent": 10.0, "relative": 0.15},
    "default": {"dice": 0.03, "points": 2.0, "percent": 20.0, "relative": 0.35},
}
"""Allowed differences of the segmentation stage: of Dice scores, ejection fractions, the share of landmarks that the
network placed, and (relative) lengths. Scans of a smoke run are read by the network that ships: its weights are the
same everywhere, and a processor rounds only what it answers. A default run trains its own."""

SCAN_TOLERANCE = {"points": 0.5, "percent": 0.5, "error": 0.2}
"""Allowed differences of the one scan of notebook 00, read by that network too: ejection fractions, and millimetres."""

OWN_TOLERANCE = {"smoke": {"motion.flagged_subjects_count": (1.0, 0.0)}}
"""By profile and beginning of the metric's name: absolute and relative difference allowed in place of the stage's.
Smoke tracks one heart; whether its ejection fractions lie within the limit may hang on a voxel."""


def tolerance(profile: str, name: str, value: float) -> float | None:
    """Absolute tolerance of one metric (dotted name); None: it has to agree to the general tolerances."""
    stage, _, metric = name.partition(".")
    for beginning, (absolute, relative) in OWN_TOLERANCE.get(profile, {}).items():
        if name.startswith(beginning):
            return round(max(absolute, relative * abs(value)), 6)
    if metric.endswith("_count"):
        return None
    if stage == "segmentation":
        allowed = SEGMENTATION_TOLERANCE.get(profile, SEGMENTATION_TOLERANCE["default"])
        for word in ("dice", "points", "percent"):
            if word in metric:
                return allowed[word]
        return round(max(SMALLEST, allowed["relative"] * abs(value)), 6)
    if stage == "scan":
        return next(value for word, value in SCAN_TOLERANCE.items() if word in metric)
    if stage not in STAGE_TOLERANCE:
        return None
    return round(max(SMALLEST, STAGE_TOLERANCE[stage] * abs(value)), 6)


def write_expectation(run: PublishedRun, *, root: Path = REPOSITORY) -> Path:
    """Write ``reports/expected/<profile>.json`` from a published run."""
    manifest, metrics = run.manifest, run.metrics
    if manifest["cohort"] != "simulated" or manifest["overrides"]:
        raise ValueError("an expectation is made from the simulated cohort with a profile's own parameters")
    numbers = {
        name: value
        for name, value in flatten(metrics).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }
    allowed = {name: tolerance(manifest["profile"], name, value) for name, value in numbers.items()}
    tolerances = {name: value for name, value in allowed.items() if value is not None}
    path = root / "reports" / "expected" / f"{manifest['profile']}.json"
    write_json(
        path,
        {
            "about": TOLERANCE_NOTE,
            "seed": manifest["seed"],
            "metrics": metrics,
            "tolerances": tolerances,
            "relative_tolerance": 1e-4,
            "absolute_tolerance": 1e-6,
        },
    )
    return path
