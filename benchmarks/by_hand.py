"""What holds for the person at the notebook: figures drawn, edits right, nothing run unasked, commands as documented.

Needs a finished smoke run (it is brought up to date first) and, for figures, Chromium and playwright
(``make test-browser`` installs the latter). Half an hour on two cores.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.notebook_by_hand import NOTEBOOKS, edits_gone_wrong, opened
from cardiolib.workflow.compute import ENVIRONMENT
from cardiolib.workflow.run_plan import Run
from cardiolib.workflow.runner import run_stages
from cardiolib.workflow.stages import REPOSITORY, STAGES

KERNELS: dict[str, dict[str, str]] = {
    "AVX2": {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "OPENBLAS_CORETYPE": "Haswell"},
    "plain": {"ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Zen"},
}
"""Kernels of processors other than this one, by the settings that choose them."""


def measure() -> list[dict[str, Any]]:
    """The six rows of the person at the notebook."""
    run = Run(profile="smoke")
    run_stages(run)
    wrong = {stage: edits_gone_wrong(stage, run) for stage in NOTEBOOKS}
    count = sum(edits for edits, _ in wrong.values())
    failed = {f"{stage}.{name}": why for stage, (_, names) in wrong.items() for name, why in names.items()}
    figures, shown = frames_shown()
    commands, refused = commands_run()
    kernels = kernels_green()
    rows = [
        (
            "frames_shown",
            _percent(shown, figures),
            "%",
            100,
            100,
            "higher",
            f"interactive figures of 00 to 05 that draw in JupyterLab in Chromium: {shown} of {figures}"
            if figures
            else "no Chromium or no playwright on this machine",
        ),
        (
            "edits_right",
            _percent(count - len(failed), count),
            "%",
            100,
            100,
            "higher",
            f"{count} parameters edited and run again in one kernel on a finished smoke run; wrong: {failed or 'none'}",
        ),
        ("begin_s", begin_seconds(run), "s", 3, 1, "lower", "slowest begin of 00 to 05 on a finished smoke run"),
        (
            "commands_run",
            _percent(commands - refused, commands),
            "%",
            100,
            100,
            "higher",
            f"{commands} checks of the commands in README, make help, notebooks and messages "
            "(tests/workflow/test_documented_commands.py): make lines expanded and taken by the workflow's own parser",
        ),
        (
            "kernels_green",
            _percent(sum(kernels.values()), len(kernels)),
            "%",
            100,
            100,
            "higher",
            "fast suite and smoke run with verify under "
            + "; ".join(
                f"{' '.join(f'{name}={value}' for name, value in KERNELS[kernel].items())}: "
                f"{'passed' if fine else 'FAILED'}"
                for kernel, fine in kernels.items()
            ),
        ),
        (
            "first_bar_s",
            longest_silence(),
            "s",
            10,
            5,
            "lower",
            "longest time without a new line of a fresh smoke run whose output is no terminal",
        ),
    ]
    return [
        {"id": f"hand.{name}", "value": value, "unit": unit, "reach": reach, "aim": aim, "better": better, "how": how}
        for name, value, unit, reach, aim, better, how in rows
    ]


def begin_seconds(run: Run) -> float:
    """Seconds of the slowest `begin` of all notebooks."""
    seconds = []
    for stage in NOTEBOOKS:
        with opened(stage, run_folder=str(run.folder)) as notebook:
            seconds.append(notebook.seconds_of("workflow.begin("))
    return round(max(seconds), 2)


def frames_shown() -> tuple[int, int]:
    """How many interactive figures there are, and how many the browser tests see drawn; (0, 0) without a browser."""
    total = sum(len(STAGES[stage].interactive) for stage in NOTEBOOKS)
    command = [sys.executable, "-m", "pytest", "-m", "browser", "tests/browser", "-k", "figure_is_drawn", "-rA"]
    output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True).stdout
    if "skipped" in output or "error" in output.splitlines()[-1]:
        return 0, 0
    passed = {stage for stage in NOTEBOOKS if re.search(rf"PASSED .*is_drawn\[{stage}\]", output)}
    return total, sum(len(STAGES[stage].interactive) for stage in passed)


def commands_run() -> tuple[int, int]:
    """How many checks of documented commands there are, and how many fail."""
    command = [sys.executable, "-m", "pytest", "tests/workflow/test_documented_commands.py", "-rA"]
    output = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True).stdout
    passed, failed = (len(re.findall(rf"^{word} ", output, re.MULTILINE)) for word in ("PASSED", "FAILED"))
    return passed + failed, failed


def kernels_green() -> dict[str, bool]:
    """Under each kernel: do the fast suite, a fresh smoke run and its verification pass?"""
    return {
        name: _passes({**ENVIRONMENT, **os.environ, "OMP_NUM_THREADS": "1", **setting})
        for name, setting in KERNELS.items()
    }


def longest_silence() -> float:
    """Seconds of the longest silence of a fresh smoke run."""
    with tempfile.TemporaryDirectory() as folder:
        last, longest = time.perf_counter(), 0.0
        with subprocess.Popen(
            _smoke(folder),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**ENVIRONMENT, **os.environ, "OMP_NUM_THREADS": "1"},
        ) as process:
            assert process.stdout is not None
            for _ in process.stdout:
                now = time.perf_counter()
                longest, last = max(longest, now - last), now
    return round(longest, 1)


def _passes(environment: dict[str, str]) -> bool:
    with tempfile.TemporaryDirectory(prefix="kernel") as folder:
        python = [sys.executable, "-m"]
        commands = [
            [*python, "pytest"],
            _smoke(folder),
            [*python, "cardiolib.workflow", "verify", "--run", Path(folder).name + "-smoke"],
        ]
        return all(
            subprocess.run(
                command, cwd=REPOSITORY, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ).returncode
            == 0
            for command in commands
        )


def _smoke(folder: str) -> list[str]:
    """A fresh smoke run, published under a name of its own."""
    place = Path(folder) / f"{Path(folder).name}-smoke"
    return [sys.executable, "-m", "cardiolib.workflow", "run", "--profile", "smoke", "--run-folder", str(place)]


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


if __name__ == "__main__":
    from benchmarks.record import record

    record("by_hand", measure())
