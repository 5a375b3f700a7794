"""Many mutants of many doors, each door in a process that may crash or hang; and what came of them, as a table."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.fuzz.doors import DOORS
from benchmarks.fuzz.oracle import FAULTS, HANG_S, Came
from cardiolib.progress import progress

ROOT = Path(__file__).resolve().parents[2]
CRASH = "crash"
"""The process died: a segmentation fault, or the system ended it."""
KINDS = (*map(str, Came), CRASH)
BAD = (*map(str, FAULTS), CRASH)
_START_S = 120.0
_BLOCK = 2500


def run_campaign(n: int, doors: Sequence[str] = (), *, workers: int = 0) -> pd.DataFrame:
    """Judge the first `n` mutants of each door.

    Parameters
    ----------
    n : int
    doors : sequence of str
        Names in `DOORS`; all of them by default.
    workers : int
        Processes at a time; 0 for one per core.

    Returns
    -------
    DataFrame
        A row for each mutant: door, number, came, told, detail, peak_gib.
    """
    unknown = sorted(set(doors) - DOORS.keys())
    if unknown:
        raise ValueError(f"no door {', '.join(unknown)}; there are: {', '.join(DOORS)}")
    blocks = [(door, start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK) for door in doors or DOORS]
    rows: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def run_block(block: tuple[str, int, int]) -> None:
        for row in _judged(*block):
            rows.put(row)

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        done = [pool.submit(run_block, block) for block in blocks]
        total = n * len(doors or DOORS)
        found = [rows.get() for _ in progress(range(total), label="mutants", shown=True)]
    for block in done:
        block.result()
    return pd.DataFrame(found).sort_values(["door", "number"], ignore_index=True)


def outcome_table(found: pd.DataFrame) -> pd.DataFrame:
    """How many mutants of each door came to what, and the most memory that one took."""
    counts = pd.crosstab(found["door"], found["came"]).reindex(index=list(dict.fromkeys(found["door"])), fill_value=0)
    counts = counts.reindex(columns=list(KINDS), fill_value=0)
    return counts.assign(peak_gib=found.groupby("door")["peak_gib"].max().round(3))


def faults(found: pd.DataFrame) -> pd.DataFrame:
    """The mutants that came to what must not be."""
    return found[found["came"].isin(BAD)]


def _judged(door: str, start: int, stop: int) -> Iterator[dict[str, Any]]:
    """A row for each number; a process that dies or hangs is counted and the rest goes on in a new one."""
    at = start
    while at < stop:
        reason = ""
        with _Child(door, at, stop) as child:
            while at < stop:
                line = child.line(HANG_S * 2 if at > start else _START_S)
                if not line:
                    reason = str(Came.HANG) if line is None else CRASH
                    break
                yield {"door": door, **json.loads(line)}
                at += 1
        if reason:
            detail = "no answer" if reason == Came.HANG else f"the process ended with {child.process.returncode}"
            told = DOORS[door].mutant(DOORS[door].seeds(), at).told
            yield {"door": door, "number": at, "came": reason, "told": told, "detail": detail, "peak_gib": 0.0}
            at += 1


class _Child:
    """A process of `benchmarks.fuzz.child` and its lines, each waited for no longer than is asked."""

    def __init__(self, door: str, start: int, stop: int) -> None:
        command = [sys.executable, "-m", "benchmarks.fuzz.child", door, str(start), str(stop)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self._listener.join()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def line(self, seconds: float) -> str | None:
        """The next line, "" after the last, None where none came in time."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if not line:
            self.process.wait()
        return line

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")
