"""The lecture profile: how long its slowest notebook takes, how much memory it needs, and what its numbers are worth.

``python -m benchmarks lecture``. The whole run is made anew in a folder of its own, with two workers; memory is that of
all its processes together, what they share counted once. Alone on two idle cores, some minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from cardiolib.files import read_json
from cardiolib.workflow.report.expectation import largest_relative
from cardiolib.workflow.stages import REPOSITORY, STAGES

NAME = "lecture-measured"
FOLDER = REPOSITORY / "data" / "derived" / NAME
EVERY_S = 0.5
"""Memory is looked at so often."""


def measure() -> list[dict[str, Any]]:
    """Rows ``teach.lecture_*``, ``teach.smoke_dice`` and ``teach.verify_tolerance``."""
    gib = run_lecture()
    manifest = read_json(REPOSITORY / "reports" / NAME / "manifest.json")
    metrics = read_json(REPOSITORY / "reports" / NAME / "metrics.json")
    return [*seconds_and_memory(manifest, gib), dice(metrics), verify_tolerance()]


def run_lecture() -> float:
    """Make the run from nothing; the most memory that its processes held together, in GiB."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    command = [sys.executable, "-m", "cardiolib.workflow", "run", "--profile", "lecture", "--workers", "2"]
    run = subprocess.Popen([*command, "--run-folder", str(FOLDER)], cwd=REPOSITORY)
    peak = 0.0
    while run.poll() is None:
        peak = max(peak, _held_gib(run.pid))
        time.sleep(EVERY_S)
    if run.returncode:
        raise RuntimeError(f"the lecture run ended with status {run.returncode}")
    return peak


def _held_gib(pid: int) -> float:
    """Memory of a process and all below it; what they share is counted once (proportional set size, Linux)."""
    held = 0
    try:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            try:
                held += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):  # it has just ended
                continue
    except psutil.NoSuchProcess:
        return 0.0
    return held / 2**30


def seconds_and_memory(manifest: dict[str, Any], gib: float) -> list[dict[str, Any]]:
    """Rows of time and memory."""
    seconds = {
        name: stage["seconds"]
        for name, stage in manifest["stages"].items()
        if STAGES[name].notebook and "seconds" in stage
    }
    slowest = max(seconds, key=lambda name: seconds[name])
    told = ", ".join(f"{STAGES[name].notebook_path.stem[:2]} {value:.0f} s" for name, value in sorted(seconds.items()))
    return [
        {
            "id": "teach.lecture_s",
            "value": round(seconds[slowest], 1),
            "unit": "s",
            "reach": 60,
            "aim": 30,
            "better": "lower",
            "how": f"slowest notebook of a lecture run from nothing, two workers: {told}; the whole run "
            f"{manifest['total_seconds']:.0f} s",
        },
        {
            "id": "teach.lecture_gib",
            "value": round(gib, 2),
            "unit": "GiB",
            "reach": 2,
            "aim": 1.5,
            "better": "lower",
            "how": "all processes of that run together (runner, kernel, two workers), sampled twice a second",
        },
    ]


def dice(metrics: dict[str, Any]) -> dict[str, Any]:
    """Row of what the segmentation of a lecture run is worth."""
    found = {side: float(metrics["segmentation"][f"dice_{side}_cavity"]) for side in ("lv", "rv")}
    return {
        "id": "teach.smoke_dice",
        "value": round(sum(found.values()) / 2, 3),
        "unit": "Dice",
        "reach": 0.93,
        "aim": 0.95,
        "better": "higher",
        "how": f"lecture run, the network that comes with cardiolib on {metrics['segmentation']['scans_count']} "
        f"simulated scans: LV cavity {found['lv']:.3f}, RV cavity {found['rv']:.3f}",
    }


def verify_tolerance() -> dict[str, Any]:
    """Row of the largest difference that a committed expectation allows."""
    found = {
        path.stem: largest_relative(read_json(path))
        for path in sorted((Path(REPOSITORY) / "reports" / "expected").glob("*.json"))
    }
    worst = max(found, key=lambda name: found[name][0])
    told = ", ".join(f"{name} {share:.3f} ({metric})" for name, (share, metric) in found.items())
    return {
        "id": "teach.verify_tolerance",
        "value": round(found[worst][0], 4),
        "unit": "relative",
        "reach": 0.02,
        "aim": 0.005,
        "better": "lower",
        "how": "largest tolerance, relative to the number, or to 100 for percentages and points and to 1 where the "
        f"number is smaller: {told}",
    }
