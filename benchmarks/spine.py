"""Whole runs on this machine: smoke, default, and a second run with nothing changed.

The default profile takes a quarter of an hour or more; set ``CARDIOLIB_BENCH_PROFILES=smoke`` to leave it out.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cardiolib.workflow.compute import ENVIRONMENT

LIMITS = {"smoke": ("spine.smoke_s", 180, 90), "default": ("spine.default_s", 1800, 1200)}
RUN = """
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.runner import run_stages
import pathlib, sys
# in a folder of its own: a stage that a neighbouring folder holds would be taken over
run_stages(Run(profile=sys.argv[1], folder=pathlib.Path(sys.argv[2]) / "run"))
"""


def measure() -> list[dict[str, Any]]:
    """Seconds of fresh runs and of a repeated one, each in a process of its own, results in a temporary folder."""
    rows = []
    profiles = os.environ.get("CARDIOLIB_BENCH_PROFILES", "smoke,default").split(",")
    for profile in profiles:
        name, reach, aim = LIMITS[profile]
        with tempfile.TemporaryDirectory() as folder:
            first, second = (_seconds(profile, Path(folder)) for _ in range(2))
        rows.append(
            {
                "id": name,
                "value": first,
                "unit": "s",
                "reach": reach,
                "aim": aim,
                "better": "lower",
                "how": f"all stages of the {profile} profile from nothing, after installation",
            }
        )
        if profile == "smoke":
            rows.append(
                {
                    "id": "spine.rerun_s",
                    "value": second,
                    "unit": "s",
                    "reach": 10,
                    "aim": 4,
                    "better": "lower",
                    "how": "the same command again with nothing changed",
                }
            )
    return rows


def _seconds(profile: str, folder: Path) -> float:
    started = time.perf_counter()
    environment = {**ENVIRONMENT, "OMP_NUM_THREADS": "1", **os.environ}
    subprocess.run(
        [sys.executable, "-c", RUN, profile, str(folder)],
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return round(time.perf_counter() - started, 1)


if __name__ == "__main__":
    from benchmarks.record import record

    record("spine", measure())
