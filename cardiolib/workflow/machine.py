"""What a run was computed on, in words: processor, cores, memory. No name of a host, no path, no user."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from cardiolib.workflow.compute import cores_count

CPU_INFORMATION = Path("/proc/cpuinfo")
"""Where Linux describes its processor."""


def machine() -> dict[str, Any]:
    """Processor, cores and memory of the machine that this process runs on.

    Returns
    -------
    dict
        ``processor`` (text), ``cores_count`` (those that this process may use), ``memory_gib``, ``system`` (for
        example ``"Linux x86_64"``).

    Examples
    --------
    >>> from cardiolib.workflow.machine import machine
    >>> sorted(machine())
    ['cores_count', 'memory_gib', 'processor', 'system']
    """
    import psutil

    return {
        "processor": _processor(),
        "cores_count": cores_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def machine_words(found: dict[str, Any] | None) -> str:
    """`machine`'s answer as one line; says so where an older run did not record it.

    Examples
    --------
    >>> machine_words({"processor": "AMD EPYC", "cores_count": 2, "memory_gib": 7.8, "system": "Linux x86_64"})
    'AMD EPYC, 2 cores, 7.8 GiB of memory, Linux x86_64'
    """
    if not found:
        return "not recorded by this run"
    cores = "1 core" if found["cores_count"] == 1 else f"{found['cores_count']} cores"
    return f"{found['processor']}, {cores}, {found['memory_gib']} GiB of memory, {found['system']}"


def _processor() -> str:
    name = ""
    if sys.platform == "linux" and CPU_INFORMATION.is_file():
        lines = CPU_INFORMATION.read_text(encoding="utf-8", errors="replace").splitlines()
        name = next((line.partition(":")[2] for line in lines if line.startswith("model name")), "")
    elif sys.platform == "darwin":
        told = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True)
        name = told.stdout
    name = re.sub(r"\s+", " ", name).strip()
    return name or platform.processor() or platform.machine() or "unknown processor"
