"""Reading a folder of DICOM studies as a cohort: one subject a patient, each with the short-axis cine of one study."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.table import CohortError
from cardiolib.imaging import Scan
from cardiolib.imaging.dicom import (
    DicomChoices,
    DicomError,
    GivenFiles,
    Pseudonyms,
    ScanPlan,
    StudyFiles,
    load_scan,
    plan_scan,
    read_study_files,
)
from cardiolib.imaging.dicom.identity import IdTable

LAYOUT = "DICOM"

_SHOWN = 8


class DicomCohort(Cohort):
    """Patients of a folder of DICOM files; pixels are read when an image is asked for."""

    def __init__(self, table: pd.DataFrame, files: GivenFiles, plans: dict[str, ScanPlan], **details: Any) -> None:
        n = len(table)
        super().__init__(f"DICOM ({n} patient{'s' if n != 1 else ''})", table, layout=LAYOUT, **details)
        self._files = files
        self._plans = plans

    def _has(self, subject_id: str, what: str) -> bool:
        return subject_id in self._plans if what == "images" else super()._has(subject_id, what)

    def _read_image(self, subject_id: str) -> Scan:
        return load_scan(self._files, self._plans[subject_id])

    def series(self, subject_id: str) -> pd.DataFrame:
        """What was read of one subject's study and what was left out, one row a series (`cardiolib.imaging.Scan`)."""
        self._require(subject_id, "images")
        return self._plans[subject_id].table.copy()


def why_not(path: Path) -> str | None:
    """None if there is a DICOM file anywhere in a folder or zip; else what is missing."""
    try:
        files = GivenFiles(path)
    except (ValueError, OSError) as error:
        return str(error) if isinstance(error, ValueError) else "it cannot be opened"
    if path.is_file() and not files.zipped:
        return "not a folder or a zip"
    if any(files.holds_dicom(number) for number in files.numbers):
        return None
    return "no file in it, at any depth, that is DICOM by what it holds"


def open_dicom(
    path: Path,
    *,
    ids: IdTable | None = None,
    salt: str | None = None,
    study: str | int = "newest",
    largest_part: bool = False,
) -> Cohort:
    """The cohort of a folder (or zip) of DICOM files.

    Parameters
    ----------
    path : Path
    ids : mapping or path-like, optional
        PatientID to ID, or a CSV with the columns ``PatientID`` and ``ID``.
    salt : str, optional
        A secret text from which IDs are made; see `cardiolib.imaging.read_scan`.
    study : "newest" or int
        Which study of each patient, counted from 1, the oldest.
    largest_part : bool
        See `cardiolib.imaging.read_scan`.

    Returns
    -------
    Cohort
        Subjects are the patients. The table holds heart rate, frames, slices, maker and field strength of the scanner,
        and ``study_day``: days from the patient's first study in the folder to the one that is read.

    Raises
    ------
    CohortError
        No patient has a short-axis cine that can be read (what was found instead is said), or simulated and real
        patients are mixed. No path, name or number of a patient stands in the message.
    """
    files = GivenFiles(path)
    choices = DicomChoices(study=study, largest_part=largest_part)
    try:
        found = read_study_files(files, Pseudonyms(ids, salt, place=str(path)))
    except DicomError as error:
        raise CohortError(f"the DICOM files cannot be read: {error}") from None
    plans, problems = {}, {}
    patients = found.by_patient()
    for patient, own in patients.items():
        try:
            plans[patient] = plan_scan(own, choices)
        except DicomError as error:
            problems[patient] = str(error)
    if not plans:
        listed = "\n  ".join(f"{patient}: {reason}" for patient, reason in list(problems.items())[:_SHOWN])
        raise CohortError(f"no patient of the DICOM files has a short-axis cine that can be read:\n  {listed}")
    marks = {plan.simulated for plan in plans.values()}
    if len(marks) > 1:
        raise CohortError(
            "some patients of the DICOM files are marked as SIMULATED and others are not: simulated and real subjects "
            "must not be mixed. Keep them in folders of their own"
        )
    table = pd.DataFrame([_row(own, plans.get(patient)) for patient, own in patients.items()])
    table.index = pd.Index(list(patients), dtype=object)
    notes = _notes(found, plans, problems)
    return DicomCohort(table, files, plans, folder=path, notes=notes, simulated=marks.pop())


def _row(own: StudyFiles, plan: ScanPlan | None) -> dict[str, object]:
    frames = own.frames
    days = [frame.day for frame in frames if frame.day is not None]
    fields = [frame.field_t for frame in frames if frame.field_t is not None]
    row: dict[str, object] = {"scanner": frames[0].vendor, "field_t": fields[0] if fields else float("nan")}
    if plan is not None:
        cycle = plan.cycle.cycle_ms
        row["heart_rate_per_min"] = float("nan") if cycle is None else round(60000.0 / cycle, 1)
        row |= {"slices": len(plan.stack.slices), "frames": plan.cycle.n_frames}
        row["study_day"] = plan.day - min(days) if plan.day is not None else float("nan")
    return row


def _notes(found: StudyFiles, plans: dict[str, ScanPlan], problems: dict[str, str]) -> list[str]:
    notes = [
        f"{found.counted()}; {len(plans)} of {len(found.patients)} patients have a short-axis cine",
        found.how_named,
    ]
    notes += [f"{patient} has no cine that can be read: {reason}" for patient, reason in _first(problems)]
    if len(found.patients) > 1:
        mixed = _mixed_folders(found)
        if mixed:
            notes.append(
                f"files of several patients lie together in {mixed} folder(s): they are told apart by PatientID"
            )
    several = [patient for patient, plan in plans.items() if any("of this patient is read" in n for n in plan.notes)]
    if several:
        notes.append(f"{len(several)} patient(s) have several studies: the notes of their images say which is read")
    return notes


def _first(problems: dict[str, str]) -> Sequence[tuple[str, str]]:
    return list(problems.items())[:_SHOWN]


def _mixed_folders(found: StudyFiles) -> int:
    folders: dict[str, set[str | None]] = {}
    for frame in found.frames:
        folders.setdefault(found.files.folder_of(frame.file), set()).add(frame.patient)
    return sum(len(patients) > 1 for patients in folders.values())
