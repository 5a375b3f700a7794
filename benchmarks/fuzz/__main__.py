"""``python -m benchmarks.fuzz``: N mutants of each door, a table of what came of them, and the faults."""

from __future__ import annotations

import argparse
import sys

from benchmarks.fuzz.campaign import faults, outcome_table, run_campaign
from benchmarks.fuzz.corpus import keep, pattern
from benchmarks.fuzz.doors import DOORS
from benchmarks.fuzz.harness import run_door

_SHOWN = 40


def main(arguments: list[str] | None = None) -> int:
    """Run, and return 1 where there are faults."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--n", type=int, default=1000, help="mutants of each door")
    parser.add_argument("--door", default="", help=f"doors, separated by commas: {', '.join(DOORS)}")
    parser.add_argument("--case", type=int, help="one mutant of one door, in this process")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0 for one per core")
    parser.add_argument(
        "--keep", action="store_true", help="keep one mutant of each kind of fault in tests/fuzz/corpus"
    )
    options = parser.parse_args(arguments)
    doors = [name for name in options.door.split(",") if name]
    if options.case is not None:
        return _one(doors[0], options.case)
    found = run_campaign(options.n, doors, workers=options.workers)
    bad = faults(found)
    sys.stdout.write(f"{outcome_table(found).to_string()}\n{len(bad)} faults\n")
    kinds = bad.assign(words=bad["detail"].map(pattern)).drop_duplicates(["door", "came", "words"])
    for row in kinds.itertuples():
        if options.keep:
            door = DOORS[row.door]
            keep(row.door, door.mutant(door.seeds(), row.number), row.came, row.detail)
    for row in kinds.head(_SHOWN).itertuples():
        sys.stdout.write(f"{row.door}:{row.number} {row.came} ({row.told}): {row.detail}\n")
    return 1 if len(bad) else 0


def _one(door: str, number: int) -> int:
    (judged,) = run_door(DOORS[door], [number])
    sys.stdout.write(f"{judged}\n")
    return int(judged.outcome.fault)


if __name__ == "__main__":
    sys.exit(main())
