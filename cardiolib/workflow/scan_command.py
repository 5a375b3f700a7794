"""``cardiolib scan``: scans in, a folder of results and a page for each out."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardiolib.plain_text import read_plain_text
from cardiolib.progress import bars_to

if TYPE_CHECKING:
    from cardiolib.scan.many import ScanOutcome, ScanPlan

USAGE_ERROR = 2
EXIT_STATUS = """\
exit status:
  0    all scans were processed, and nothing in them is called "do not use"
  1    a scan could not be read or processed (the others were), or results cannot be written
  2    the command line is wrong
  3    all were processed, but the verdict on one is "do not use"
  130  stopped by Ctrl-C; finished scans are kept, nothing is half-written

Results of each scan go to DIR/<ID>: report.html, label_sa.nii.gz, meshes/, CSV tables, result.json. DIR/index.html and
DIR/scans.csv list all scans in DIR. The same command again computes only what is missing or has changed.
Not for clinical use."""


def add_scan(commands: Any) -> None:
    """Add ``scan`` to a parser's subparsers."""
    sub = commands.add_parser(
        "scan",
        help="segment, judge and track your own scans; a page for each",
        description="Segment, judge and track short-axis cine scans, and write labels, meshes, tables and a page.",
        epilog=EXIT_STATUS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.set_defaults(command=scan)
    sub.add_argument(
        "paths",
        nargs="+",
        metavar="SCAN",
        help="an image file (.nii, .nii.gz, .gipl), a DICOM folder or a zip of one, a folder of scans, one patient's "
        "folder, or the word 'example' for a simulated scan",
    )
    sub.add_argument("--out", required=True, metavar="DIR", help="where results go")
    sub.add_argument("--id", default="", metavar="NAME", help="name of the results, for a single scan")
    sub.add_argument(
        "--ids", default="", metavar="FILE", help="DICOM: table of PatientID and ID (CSV), for the names of results"
    )
    sub.add_argument(
        "--salt-file",
        default="",
        metavar="FILE",
        help="DICOM: file with a secret text from which IDs are made; the same text gives the same IDs",
    )
    sub.add_argument(
        "--study",
        type=int,
        default=0,
        metavar="N",
        help="DICOM: which study, counted from 1, the oldest; else the newest",
    )
    sub.add_argument(
        "--largest-part",
        action="store_true",
        help="DICOM: where slices are not equally far apart, read the longest part in which they are",
    )
    sub.add_argument("--network", default="", metavar="FILE", help="segmentation network (TrainedNetwork.save)")
    sub.add_argument("--risk-model", default="", metavar="FILE", help="survival model of motion (FittedNetwork.save)")
    sub.add_argument("--fast", action="store_true", help="track with a third of the work")
    sub.add_argument("--seed", type=int, default=0, help="of the tracker")
    sub.add_argument("--workers", type=int, default=0, help="processes; 0 for one per core")
    sub.add_argument("--json", action="store_true", help="print a summary as JSON to stdout, all else to stderr")


def scan(options: argparse.Namespace) -> int:
    """Do what `add_scan` describes; the exit status."""
    if options.workers < 0:
        return _wrong_usage(f"--workers is 0 (one per core) or more, not {options.workers}")
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    out = Path(options.out)
    say = partial(_say, stream=sys.stderr if options.json else sys.stdout)
    try:
        with bars_to(sys.stderr):
            outcomes = _scan_all(options, out)
    except _UsageError as error:
        return _wrong_usage(str(error))
    except KeyboardInterrupt:
        _say("stopped. Nothing is half-written; the same command goes on from here.", stream=sys.stderr)
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        _say(f"error: {error}", stream=sys.stderr)
        if options.json:
            sys.stdout.write(json.dumps({"error": str(error), "exit_status": 1}, indent=1) + "\n")
        return 1
    from cardiolib.scan.many import exit_status, summary

    for one in outcomes:
        say(_line(one))
    say(f"overview: {out / 'index.html'}")
    if options.json:
        sys.stdout.write(json.dumps(summary(outcomes, out), indent=1) + "\n")
    return exit_status(outcomes)


class _UsageError(ValueError):
    """What was asked for contradicts itself."""


def _scan_all(options: argparse.Namespace, out: Path) -> list[ScanOutcome]:
    from dataclasses import replace

    from cardiolib.scan.inputs import find_scans
    from cardiolib.scan.many import check_out, scan_many
    from cardiolib.work import Work
    from cardiolib.workflow.compute import SCHEDULER, Compute
    from cardiolib.workflow.lock import run_lock

    inputs, cohorts = find_scans(options.paths, dicom=_dicom(options))
    if options.id:
        if len(inputs) != 1:
            raise _UsageError(f"--id names a single scan, and there are {len(inputs)}")
        if Path(options.id).name != options.id or options.id.startswith("."):
            raise _UsageError(f"--id is the name of a folder, without others before it; given {options.id!r}")
        inputs = [replace(inputs[0], scan_id=options.id)]
    check_out(out)
    plan = _plan(options)
    compute = Compute(min(options.workers or os.cpu_count() or 1, len(inputs)), os.environ.get(SCHEDULER, ""))

    def map_units(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return compute(function, items, label="scans")

    with run_lock(out):
        try:
            return scan_many(inputs, plan, Work(options.seed, out, map_units), cohorts=cohorts)
        finally:
            compute.close()


def _dicom(options: argparse.Namespace) -> dict[str, Any]:
    """What `open_cohort` is told of DICOM folders; empty where nothing was asked for."""
    salt = read_plain_text(options.salt_file).strip() if options.salt_file else ""
    asked = {"ids": options.ids, "salt": salt, "study": options.study, "largest_part": options.largest_part}
    return {name: value for name, value in asked.items() if value}


def _plan(options: argparse.Namespace) -> ScanPlan:
    from cardiolib.motion.tracking.settings import TrackingSettings
    from cardiolib.scan.many import ScanPlan
    from cardiolib.scan.risk import read_risk_model
    from cardiolib.segmentation.checkpoint import TrainedNetwork
    from cardiolib.segmentation.shipped import default_network

    if options.network and not Path(options.network).is_file():
        raise FileNotFoundError(f"there is no network {options.network}")
    network = TrainedNetwork.load(options.network) if options.network else default_network()
    settings = TrackingSettings.fast() if options.fast else TrackingSettings()
    model = read_risk_model(options.risk_model) if options.risk_model else None
    return ScanPlan(network, settings, options.seed, model, code_hash())


def code_hash() -> str:
    """Hash of the modules, and of the data beside them, that decide what a scan's results are."""
    from cardiolib.files import file_hash
    from cardiolib.workflow.closure import import_closure, module_path
    from cardiolib.workflow.provenance import combined_hash

    names = import_closure({"cardiolib.scan.many"})
    paths = {path for path in map(module_path, names) if path is not None}
    beside = {one for path in paths for one in path.parent.iterdir() if one.suffix in (".json", ".npz", ".csv")}
    return combined_hash({path.name + str(i): file_hash(path) for i, path in enumerate(sorted(paths | beside))})[:16]


def _line(one: ScanOutcome) -> str:
    if one.state == "failed":
        return f"NOT PROCESSED {one.sentence}"
    kept = " (finished before, nothing has changed)" if one.state == "kept" else ""
    return f"{one.scan_id}: {one.verdict}{kept}" + (f": {one.sentence}" if one.sentence else "")


def _wrong_usage(text: str) -> int:
    _say(f"error: {text}", stream=sys.stderr)
    return USAGE_ERROR


def _say(line: str, *, stream: Any) -> None:
    stream.write(f"{line}\n")
    stream.flush()
