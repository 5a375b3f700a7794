"""Reading cardiac MR in folders that are named as the Brain Imaging Data Structure (BIDS) names them.

``sub-<label>[/ses-<label>]/<datatype>/sub-<label>[_ses-<label>][_<entity>-<value>...]_<suffix>.nii.gz``, beside each
image a JSON sidecar of the same name, ``participants.tsv`` (participant_id and covariates, n/a where unknown), and
label maps in ``derivatives/<pipeline>/sub-<label>/...`` with the suffix ``dseg``. No suffix and no datatype of BIDS is
known to stand for cine cardiac MR. The reader therefore takes any 4D image of a subject that can be a cine by its frame
time, and prefers what names itself a short-axis cine; notes say which file was taken and why. Where two files are
equally good, nothing is guessed.

The frame time is ``VolumeTiming`` of the sidecar (start of every volume, in s), if it is even; else the image's own;
else ``RepetitionTime`` (s), if a cine can have it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.declared import declared, stated_scheme
from cardiolib.cohorts.nifti_names import is_nifti, stem
from cardiolib.cohorts.patient_folders import rows_of, typed
from cardiolib.cohorts.scans import STATE_THE_SCHEME, Scan, ScanCohort, header_of, says_simulated_anywhere
from cardiolib.cohorts.table import CohortError, named, read_csv_by_id
from cardiolib.files import read_json
from cardiolib.imaging import FRAME_TIME_MS, ImageHeader, LabelScheme
from cardiolib.plain_text import plain_form

LAYOUT = "BIDS"
SHORT_AXIS = frozenset({"sax", "sa", "shortaxis"})
OTHER_VIEWS = frozenset(
    {"lax", "la", "longaxis", "2ch", "3ch", "4ch", "2c", "3c", "4c", "rvot", "lvot", "flow", "pc", "tag", "dense"}
)
"""Words of a name by which an image is another view than the short axis."""

LABEL_SUFFIXES = ("dseg", "seg", "gt", "label", "mask")
TIMING_TOLERANCE = 0.05
"""Volumes whose intervals differ by no more than this share are evenly timed."""


@dataclass(frozen=True)
class Candidate:
    """An image of one subject and session, and how well its name speaks for it."""

    path: Path
    rank: int
    frame_time_ms: float | None
    remark: str


def why_not(path: Path) -> str | None:
    """None if `path` is such a folder or one subject's; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    if any(_images(folder) for folder in _subjects(path)):
        return None
    return "no sub-<label>/.../sub-<label>_<...>.nii.gz in it"


def open_bids(path: Path, *, scheme: LabelScheme | str | None = None) -> Cohort:
    """The cohort of a BIDS folder, or of one subject's folder.

    Parameters
    ----------
    path : Path
    scheme : LabelScheme or name of one, optional
        Meaning of the label codes; else ``label_scheme`` of ``cohort.json``. Without it labels are not read.

    Raises
    ------
    CohortError
        A subject has several images that could be the short-axis cine (every subject concerned is named, with its
        files), or none has one.
    """
    root = path.resolve().parent if path.resolve().name.startswith("sub-") else path
    stated = declared(root)
    asked = stated.get("label_scheme") if scheme is None else scheme
    known = None if asked is None else stated_scheme(asked, source=path)
    chosen, notes = _chosen(path)
    labels, more = _labels(root, {name: candidate.path for name, candidate in chosen.items()})
    notes += more
    if labels and known is None:
        notes.append(f"labels of {named(labels)} are not read: {STATE_THE_SCHEME}")
    scans = {
        name: Scan(c.path, labels=labels.get(name), scheme=known, frame_time_ms=c.frame_time_ms, remarks=(c.remark,))
        for name, c in chosen.items()
    }
    participants = _participants(root, scans, notes)
    return ScanCohort(
        str(stated.get("name", f"BIDS ({path.resolve().name})")),
        participants,
        scans,
        layout=LAYOUT,
        folder=path,
        notes=notes,
        time_unit=str(stated.get("time_unit", "days")),
        simulated=bool(stated.get("simulated", False)) or says_simulated_anywhere(root, scans, participants),
    )


def _chosen(path: Path) -> tuple[dict[str, Candidate], list[str]]:
    """One image for each subject (and session, where one has several), and what is to be said."""
    found: dict[tuple[str, str], Candidate] = {}
    undecided, without, passed_over = [], [], set()
    for folder in _subjects(path):
        groups: dict[str, list[Path]] = {}
        for image in _images(folder):
            groups.setdefault(_session(image), []).append(image)
        for session, images in groups.items():
            name = "_".join(part for part in (plain_form(folder.resolve().name), session) if part)
            candidates, reasons = _candidates(images)
            best = [c for c in candidates if c.rank == min(one.rank for one in candidates)]
            if len(best) > 1:
                undecided.append(f"{name}: {', '.join(c.path.name for c in best)}")
            elif not best:
                without.append(f"{name} ({'; '.join(reasons)})")
            else:
                found[plain_form(folder.resolve().name), session] = best[0]
                passed_over |= {image.name for image in images} - {best[0].path.name}
    if undecided:
        raise CohortError(
            f"{path}: several images could be the short-axis cine of one subject. Write a cohort.csv into the folder "
            "with the columns ID and file, which names one for each:\n  " + "\n  ".join(undecided)
        )
    if not found:
        raise CohortError(f"{path}: no subject has an image that can be a cine: {named(without)}.")
    notes = [f"without an image that can be a cine, left out: {named(without)}"] if without else []
    if passed_over:
        notes.append(f"other images of these subjects left out: {named(sorted(passed_over))}")
    subjects = [subject for subject, _ in found]
    if len(set(subjects)) == len(subjects):
        return {subject: candidate for (subject, _), candidate in found.items()}, notes
    notes.append("some subjects have several sessions: each is a row, and rows of one subject are not independent")
    return {"_".join(part for part in key if part): candidate for key, candidate in found.items()}, notes


def _candidates(images: list[Path]) -> tuple[list[Candidate], list[str]]:
    """Images that can be a short-axis cine, and why the others cannot."""
    candidates, reasons = [], []
    for image in images:
        words = set(re.split(r"[-_]", stem(image).lower()))
        header = header_of(image)
        if header is None:
            reasons.append(f"{image.name} cannot be read")
        elif header.n_frames < 2:
            reasons.append(f"{image.name} has one frame")
        elif words & OTHER_VIEWS:
            reasons.append(f"{image.name} is another view by its name ({', '.join(sorted(words & OTHER_VIEWS))})")
        else:
            time, stated = _frame_time(image, header)
            if stated is not None and not FRAME_TIME_MS[0] <= stated <= FRAME_TIME_MS[1]:
                reasons.append(f"{image.name}: volumes {stated / 1000:.3g} s apart are no cine")
                continue
            rank = 2 * (not words & SHORT_AXIS) + ("cine" not in words)
            why = (
                "short-axis cine by its name",
                "short axis by its name",
                "cine by its name",
                "the only 4D image left",
            )
            candidates.append(Candidate(image, rank, time, f"{image.name} taken: {why[rank]}"))
    return candidates, reasons


def _frame_time(image: Path, header: ImageHeader) -> tuple[float | None, float | None]:
    """Frame time in ms where the sidecar has to say it, and the time between volumes as it is stated."""
    sidecar = image.with_name(f"{stem(image)}.json")
    try:
        content = read_json(sidecar) if sidecar.is_file() else {}
    except ValueError as error:
        raise CohortError(str(error)) from error
    content = content if isinstance(content, dict) else {}
    timing = content.get("VolumeTiming")
    if isinstance(timing, list) and len(timing) == header.n_frames and all(_is_number(one) for one in timing):
        steps = np.diff(np.asarray(timing, float)) * 1000
        if steps.min() > 0 and np.ptp(steps) <= TIMING_TOLERANCE * steps.mean():
            return float(steps.mean()), float(steps.mean())
    if header.frame_time_ms is not None:
        return None, header.frame_time_ms
    repetition = content.get("RepetitionTime")
    if _is_number(repetition) and float(repetition) * 1000 >= FRAME_TIME_MS[0]:
        return float(repetition) * 1000, float(repetition) * 1000
    return None, header.frame_time_stated_ms


def _labels(root: Path, images: dict[str, Path]) -> tuple[dict[str, Path], list[str]]:
    """Label maps of derivatives by subject, and which subjects have several that fit."""
    found, several = {}, []
    for name, image in images.items():
        subject, session = image.name.split("_")[0], _session(image)
        entities = stem(image).rpartition("_")[0]
        files = [
            file
            for file in sorted(root.glob(f"derivatives/*/{subject}/**/{subject}_*"))
            if is_nifti(file) and stem(file).rpartition("_")[2].lower() in LABEL_SUFFIXES and _session(file) == session
        ]
        same = [file for file in files if _begins(stem(file).rpartition("_")[0], entities)]
        fitting = same or (files if len(files) == 1 else [])
        if len(fitting) == 1:
            found[name] = fitting[0]
        elif files:
            several.append(f"{name} ({', '.join(file.relative_to(root).as_posix() for file in files)})")
    notes = []
    if several:
        notes.append(
            f"several label maps, none taken: {named(several)}. Name one in a cohort.csv with the columns ID, file and "
            "labels"
        )
    return found, notes


def _participants(root: Path, scans: dict[str, Scan], notes: list[str]) -> pd.DataFrame:
    """Rows of participants.tsv for these scans; sessions of one subject share its row."""
    file = root / "participants.tsv"
    if not file.is_file():
        return pd.DataFrame(index=list(scans))
    table = read_csv_by_id(file, id_column="participant_id", separator="\t")
    read_as, table = table.attrs, table.replace("n/a", "")
    subjects = [plain_form(scan.first_image.name.split("_")[0]) for scan in scans.values()]
    notes += read_as["notes"]
    absent = sorted(set(subjects) - set(table.index))
    without = [name for name in table.index if name not in subjects]
    if absent:
        notes.append(f"participants.tsv has no row for {named(absent)}")
    if without and root == file.parent:
        notes.append(f"participants.tsv: rows of subjects without a cine left out: {named(without)}")
    rows = rows_of(subjects, table)
    rows.index = pd.Index(list(scans), dtype=object)
    outcomes = [column for column in ("time", "event") if column in rows]
    result = typed(rows.drop(columns=outcomes)).join(rows[outcomes])
    result.attrs = dict(read_as)
    return result


def _subjects(path: Path) -> list[Path]:
    if path.resolve().name.startswith("sub-"):
        return [path]
    return sorted(folder for folder in path.glob("sub-*") if folder.is_dir())


def _images(folder: Path) -> list[Path]:
    """Images of one subject's folder: with or without a session, in the folder of a datatype or not."""
    places = ("*", "*/*", "ses-*/*/*")
    prefix = f"{folder.resolve().name}_"
    return sorted({f for place in places for f in folder.glob(place) if is_nifti(f) and f.name.startswith(prefix)})


def _session(image: Path) -> str:
    """``ses-<label>`` of a file's name, else of the folders it lies in; "" without one."""
    parts = [*image.name.split("_")[1:2], *(folder.name for folder in image.parents)]
    return next((part for part in parts if part.startswith("ses-")), "")


def _begins(entities: str, start: str) -> bool:
    return entities == start or entities.startswith(f"{start}_")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
