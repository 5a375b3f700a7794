"""Which build of torch pip is about to take, said before it is downloaded: ``make`` runs this file on its own.

On Linux (x86-64), torch of pip's usual index brings the CUDA libraries, some gigabytes. No index of CPU builds is named
in this repository; pip may know one from its configuration, from ``TORCH_INDEX`` or from ``TORCH_WHEELS``. So pip is
asked which builds it sees, which downloads no wheel. A person at a terminal is asked before gigabytes come that no GPU
of the machine needs. Nobody else is: the installation goes on, with a notice. Only the standard library is used.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

NEEDED_GB = {"cpu": 6, "cuda": 12}
"""What an installation and a run leave on the disk, by build."""
DOWNLOAD = {"cpu": "about 190 MB", "cuda": "about 2.8 GB"}
PATIENCE_S = 30
"""So long a person has to answer; then the installation goes on."""
TWO_BUILDS = "Linux x86_64"
"""Kind of machine for which the usual index has CUDA builds, and indexes of CPU builds have others."""
CHOICES = ("", "cpu", "cuda")
GPU_SIGNS = ("/proc/driver/nvidia/version", "/dev/nvidia0", "/dev/dxg")
"""Files that are there where Linux, or its subsystem on Windows, has an NVIDIA GPU."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Look, say, and ask where somebody can answer; 0 means: go on."""
    parser = argparse.ArgumentParser(description="Which build of torch pip is about to take.")
    parser.add_argument("version", help="the version that is wanted, for example 2.13.0")
    parser.add_argument("--choice", default="", help="cpu, cuda, or nothing")
    options = parser.parse_args(arguments)
    if options.choice not in CHOICES:
        return _refuse(f"TORCH={options.choice} is unknown: give TORCH=cpu, TORCH=cuda, or nothing.")
    seen = visible_builds(options.version)
    if options.choice == "cpu" and not has_cpu_build(options.version, seen):
        return _refuse(
            f"TORCH=cpu: pip sees no CPU build of torch {options.version}. Give TORCH_INDEX=<index of CPU wheels> or "
            "TORCH_WHEELS=<folder>, or configure an index in pip (README, First contact)."
        )
    build = options.choice or expected_build(seen)
    free, needed = shutil.disk_usage(".").free / 1e9, NEEDED_GB[build]
    if free < needed:
        half = " With the CPU build of torch half of it is enough (README, First contact)." if build == "cuda" else ""
        return _refuse(
            f"The installation and a run need about {needed} GB on this disk, and {free:.0f} GB are free.{half}"
        )
    if build == "cuda" and not options.choice and not has_gpu():
        return 0 if go_on(sys.stdin, sys.stdout.write) else _refuse("Stopped, as you asked.")
    return 0


def visible_builds(version: str) -> list[str]:
    """Builds of one version that this Python's pip sees; empty where it cannot be asked.

    Returns
    -------
    list of str
        For example ``["2.13.0+cpu", "2.13.0"]``.
    """
    command = [sys.executable, "-m", "pip", "index", "versions", "torch", "--disable-pip-version-check"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    listed = re.search(r"Available versions: (.*)", told)
    names = listed.group(1).split(", ") if listed else []
    return [name.strip() for name in names if name.strip().partition("+")[0] == version]


def has_cpu_build(version: str, seen: Sequence[str], *, kind: str | None = None) -> bool:
    """Whether a CPU build can be had; yes where there are not two builds, and where pip could not be asked.

    Examples
    --------
    >>> has_cpu_build("2.13.0", ["2.13.0"], kind=TWO_BUILDS), has_cpu_build("2.13.0", ["2.13.0"], kind="Darwin arm64")
    (False, True)
    """
    return (kind or _kind()) != TWO_BUILDS or not seen or f"{version}+cpu" in seen


def expected_build(seen: Sequence[str], *, kind: str | None = None) -> str:
    """``"cpu"`` or ``"cuda"``: what pip takes when it may choose. A build with a label goes before one without.

    Where pip could not be asked, nothing is assumed that would stop an installation: ``"cpu"``.

    Examples
    --------
    >>> expected_build(["2.13.0+cpu", "2.13.0"], kind=TWO_BUILDS)
    'cpu'
    >>> expected_build(["2.13.0"], kind=TWO_BUILDS)
    'cuda'
    """
    if (kind or _kind()) != TWO_BUILDS or not seen:
        return "cpu"
    labels = sorted(name.partition("+")[2] for name in seen)
    return "cpu" if labels[-1] == "cpu" else "cuda"


def has_gpu() -> bool:
    """Whether this machine shows an NVIDIA GPU."""
    return shutil.which("nvidia-smi") is not None or any(Path(sign).exists() for sign in GPU_SIGNS)


def go_on(answers: TextIO, say: Callable[[str], object], *, patience_s: float = PATIENCE_S) -> bool:
    """Say what is about to come, and whether to go on: yes, unless somebody at a terminal says no in time."""
    say(
        f"pip is about to download torch with the CUDA libraries, {DOWNLOAD['cuda']}. This machine has no NVIDIA GPU. "
        f"The CPU build is {DOWNLOAD['cpu']} and computes the same: make TORCH_INDEX=<index of CPU wheels> (README, "
        "First contact). TORCH=cuda goes on without this notice.\n"
    )
    if not answers.isatty() or os.environ.get("CI"):
        return True
    say(f"Go on? Return: yes. n: stop. Without an answer it goes on in {patience_s:.0f} s. ")
    sys.stdout.flush()
    ready, _, _ = select.select([answers], [], [], patience_s)
    return not (ready and answers.readline().strip().lower().startswith("n"))


def _kind() -> str:
    return f"{platform.system()} {platform.machine()}"


def _refuse(message: str) -> int:
    sys.stdout.write(f"{message} Nothing has been downloaded.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
