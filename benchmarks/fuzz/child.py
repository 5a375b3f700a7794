"""One door in a process of its own: `python -m benchmarks.fuzz.child DOOR START STOP`; a line of JSON for each case."""

from __future__ import annotations

import json
import os
import sys

from benchmarks.fuzz.doors import DOORS
from benchmarks.fuzz.harness import run_door


def main(door: str, start: int, stop: int) -> None:
    """Judge the mutants of these numbers; what libraries print is thrown away."""
    lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    for judged in run_door(DOORS[door], range(start, stop)):
        record = {
            "number": judged.number,
            "came": str(judged.outcome.came),
            "told": judged.mutant.told,
            "detail": judged.outcome.detail,
            "peak_gib": round(judged.peak_gib, 4),
        }
        lines.write(json.dumps(record) + "\n")
        lines.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
