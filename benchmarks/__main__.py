"""Run every benchmark, or those named: ``python -m benchmarks [name ...]``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from benchmarks.record import Unavailable, record

NO_BENCHMARK = (
    "__init__",
    "__main__",
    "record",
    "motion_peers",
    "notebook_by_hand",
    "orphans",
    "page_defects",
    "quality_calibration",
    "segmentation_peer",
    "simulated_controls",
    "dicom_making",
    "dicom_arrangements",
    "dicom_arranged_series",
    "dicom_arranged_time",
    "dicom_arranged_grids",
    "dicom_identifiers",
    "safety_reading",
    "safety_kills",
    "centres_patients",
    "centres_depth",
)


def main(names: list[str]) -> None:
    """Measure and record, one module after the other."""
    here = Path(__file__).parent
    known = sorted(path.stem for path in here.glob("*.py") if path.stem not in NO_BENCHMARK)
    unknown = set(names) - set(known)
    if unknown:
        raise SystemExit(f"no benchmark named {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    for name in names or known:
        sys.stdout.write(f"{name} ...\n")
        try:
            rows = importlib.import_module(f"benchmarks.{name}").measure()
        except Unavailable as reason:
            sys.stdout.write(f"left out: {reason}\n")
            continue
        path = record(name, rows)
        sys.stdout.write(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(sys.argv[1:])
