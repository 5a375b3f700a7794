"""Many scans, one unit of work each: finished ones are kept, and one that fails does not stop the others."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import cardiolib
from cardiolib.cohorts import Cohort
from cardiolib.imaging import Cine
from cardiolib.motion.subjects import VERSION as TRACKING_VERSION
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.scan.inputs import ScanInput
from cardiolib.scan.overview import write_overview
from cardiolib.scan.result import analyse_scan
from cardiolib.scan.risk import RiskModel, risk_of
from cardiolib.scan.writing import FORMAT, PAGE_FILE, check_folder, finished, remove_unfinished, stored, write_scan
from cardiolib.segmentation import TrainedNetwork
from cardiolib.segmentation.quality_gate import shipped_gate
from cardiolib.verdicts import DO_NOT_USE
from cardiolib.work import Work

DONE, KEPT, FAILED = "done", "kept", "failed"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScanPlan:
    """What is done with every scan.

    Attributes
    ----------
    network : TrainedNetwork
    settings : TrackingSettings
    seed : int
    risk_model : RiskModel or None
    code : str
        Hash of the code, where it is known: a changed one computes everything again.
    """

    network: TrainedNetwork
    settings: TrackingSettings = field(default_factory=TrackingSettings)
    seed: int = 0
    risk_model: RiskModel | None = None
    code: str = ""

    def key(self, cine: Cine) -> dict[str, Any]:
        """Everything that decides the result of one scan, as plain values."""
        return {
            "input": image_digest(cine),
            "network": self.network.fingerprint(),
            "settings": asdict(self.settings),
            "seed": self.seed,
            "risk_model": "" if self.risk_model is None else self.risk_model.fingerprint,
            "gate": shipped_gate().fingerprint(),
            "tracking": TRACKING_VERSION,
            "format": FORMAT,
            "cardiolib": cardiolib.__version__,
            "code": self.code,
        }


@dataclass(frozen=True)
class ScanOutcome:
    """How it went with one scan.

    Attributes
    ----------
    scan_id : str
    state : {"done", "kept", "failed"}
        "kept": it had been finished before, and nothing has changed since.
    verdict : str
        Empty where it failed.
    sentence : str
        Why it failed, or what should be looked at.
    """

    scan_id: str
    state: str
    verdict: str = ""
    sentence: str = ""


def scan_many(
    inputs: Sequence[ScanInput], plan: ScanPlan, work: Work, *, cohorts: Sequence[Cohort] = ()
) -> list[ScanOutcome]:
    """Process scans, each into ``<folder>/<ID>``, and write an overview of all that lie in the folder.

    Parameters
    ----------
    inputs : sequence of ScanInput
    plan : ScanPlan
    work : Work
        Its folder takes the results, its `map_units` shares the scans among workers.
    cohorts : sequence of Cohort
        What `inputs` number.

    Raises
    ------
    ValueError
        The folder cannot be written to.
    """
    check_out(work.folder)
    remove_unfinished(work.folder)
    one = partial(scan_one, plan=plan, folder=work.folder, cohorts=tuple(cohorts))
    try:
        outcomes = list(work.map_units(one, list(inputs)))
    finally:
        remove_unfinished(work.folder)
    write_overview(work.folder, {each.scan_id: each.sentence for each in outcomes if each.state == FAILED})
    return outcomes


def scan_one(item: ScanInput, *, plan: ScanPlan, folder: Path, cohorts: Sequence[Cohort]) -> ScanOutcome:
    """One scan from image to page; what goes wrong is told, not raised."""
    target = folder / item.scan_id
    try:
        cine = item.read(cohorts)
        key = plan.key(cine)
        record = finished(target, key)
        if record is not None:
            return ScanOutcome(item.scan_id, KEPT, record["verdict"], "; ".join(record["reasons"]))
        check_folder(target, key["input"])
        result = analyse_scan(cine, plan.network, settings=plan.settings, seed=plan.seed, scan_id=item.scan_id)
        risk = None if plan.risk_model is None else risk_of(result, plan.risk_model)
        write_scan(result, target, risk=risk, key=key)
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        return ScanOutcome(item.scan_id, FAILED, sentence=_sentence(item, str(error), cohorts))
    except Exception as error:  # whatever it is, the other scans go on; the log has the place
        _log.exception("%s: unexpected", item.scan_id)
        told = _sentence(item, f"unexpected {type(error).__name__}: {error}", cohorts)
        return ScanOutcome(item.scan_id, FAILED, sentence=told)
    return ScanOutcome(item.scan_id, DONE, result.verdict, "; ".join(result.reasons))


def summary(outcomes: Sequence[ScanOutcome], folder: Path) -> dict[str, Any]:
    """What a program wants to know: state and numbers of every scan, and the exit status."""
    scans = []
    for one in outcomes:
        entry: dict[str, Any] = {"id": one.scan_id, "state": one.state, "verdict": one.verdict or None}
        entry["sentence"] = one.sentence
        record = stored(folder / one.scan_id) if one.state != FAILED else None
        if record is not None:
            entry |= {name: record[name] for name in ("simulated", "verdicts", "indices", "risk", "labelled_by")}
            entry["page"] = str(folder / one.scan_id / PAGE_FILE)
        scans.append(entry)
    return {"scans": scans, "exit_status": exit_status(outcomes), "not_for_clinical_use": True}


def exit_status(outcomes: Sequence[ScanOutcome]) -> int:
    """1 where a scan could not be processed, else 3 where one should not be used, else 0."""
    if any(one.state == FAILED for one in outcomes):
        return 1
    return 3 if any(one.verdict == DO_NOT_USE for one in outcomes) else 0


def image_digest(cine: Cine) -> str:
    """SHA-256 of an image's voxels, place and frame time."""
    digest = hashlib.sha256(f"{cine.voxels.shape} {cine.frame_time_ms} {cine.simulated}".encode())
    for array in (cine.voxels, cine.affine):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def check_out(folder: Path) -> None:
    """See that a folder can be made and written to, before an hour of work and not after it.

    Raises
    ------
    ValueError
        It cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writing-probe"
        probe.mkdir(exist_ok=True)
        probe.rmdir()
    except OSError as error:
        raise ValueError(f"results cannot be written to {folder} ({error.strerror}): give another --out") from error


def _sentence(item: ScanInput, text: str, cohorts: Sequence[Cohort]) -> str:
    """What went wrong with whom; without paths, which may hold a patient's name and would enter the overview."""
    told = text.replace(item.path, item.scan_id) if item.path else text
    if item.cohort >= 0:
        cohort = cohorts[item.cohort]
        if cohort.folder is not None:  # anything below it, down to the end of the path
            told = re.sub(rf"{re.escape(str(cohort.folder))}[^\s'\",;:)]*", "its file", told)
        told = told.replace(f"cohort {cohort.name!r}", "its cohort")
    return told if item.scan_id in told else f"{item.scan_id}: {told}"
