"""Reading the M&Ms-2 challenge's folders as distributed (Martín-Isla et al., IEEE JBHI 2023).

``dataset/<code>/`` holds ``<code>_SA_CINE.nii.gz``, the short-axis cine, its two frames ``<code>_SA_ED.nii.gz`` and
``<code>_SA_ES.nii.gz``, and their labels ``<code>_SA_ED_gt.nii.gz`` and ``<code>_SA_ES_gt.nii.gz`` (1 LV cavity,
2 myocardium, 3 RV cavity); beside them the same of one long-axis view (``_LA_``), which is left out here. Codes are
three digits. ``dataset_information.csv`` beside the folder has a row a patient: SUBJECT_CODE, DISEASE, VENDOR, SCANNER,
FIELD; it is known by the first two columns.

The table does not say which frames of the cine ED and ES are. They are found by their voxels, patient by patient, when
labels are read.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.patient_folders import (
    any_patient,
    folders_without,
    nifti,
    patient_folders,
    rows_of,
    table_above,
    typed,
)
from cardiolib.cohorts.scans import Scan, ScanCohort, says_simulated_anywhere
from cardiolib.cohorts.table import CohortError, named, text_ids
from cardiolib.imaging import MMS, Cine, LabelMap, read_cine

LAYOUT = "M&Ms-2"
COLUMNS = ("SUBJECT_CODE", "DISEASE")
"""Columns by which the table of the data set is known."""

PHASES = ("ED", "ES")
CODE_DIGITS = 3
"""Folders are named 001 to 360; a table that a spreadsheet has saved says 1."""

CLEARLY_CLOSER = 0.5
"""A frame that equals none of the cine's is taken for the closest if the second closest differs at least twice as much
(mean absolute difference), and"""
CLOSE = 0.02
"""if it differs by no more than this share of the frame's range."""


class Mms2Cohort(ScanCohort):
    """An M&Ms-2 folder; frames of the cine are found when they are asked for."""

    _found: dict[tuple[str, str], tuple[int | None, str | None]]

    def _frame_at(self, subject_id: str, phase: str) -> int | None:
        return self._search(subject_id, phase)[0]

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        labels, frames = super()._read_labels(subject_id)
        remarks = [self._search(subject_id, phase)[1] for phase in self._scans[subject_id].phase_labels]
        notes = tuple(remark for remark in remarks if remark is not None)
        return replace(labels, notes=(*labels.notes, *notes)), frames

    def _search(self, subject_id: str, phase: str) -> tuple[int | None, str | None]:
        scan, known = self._scans[subject_id], self.__dict__.setdefault("_found", {})
        if scan.image is None:
            return super()._frame_at(subject_id, phase), None
        if phase not in scan.frames:
            return None, f"no {phase} frame beside the cine: which frame its labels belong to is not known"
        if (subject_id, phase) not in known:
            frame, remark = frame_in(read_cine(scan.image), read_cine(scan.frames[phase]))
            known[subject_id, phase] = frame, remark and f"{phase}: {remark}"
        return known[subject_id, phase]


def why_not(path: Path) -> str | None:
    """None if `path` is the data set, its folder ``dataset`` or one patient's folder; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    if any_patient(path, holds_scan=_holds_scan):
        return None
    return "no <code>/<code>_SA_CINE.nii.gz, or <code>_SA_ED.nii.gz with <code>_SA_ES.nii.gz, in it or in dataset/"


def open_mms2(path: Path) -> Cohort:
    """The cohort of the data set or of a single patient's folder.

    Raises
    ------
    CohortError
        A patient is there twice, or two tables fit.
    """
    folders = patient_folders(path, holds_scan=_holds_scan)
    table, file = table_above(path, COLUMNS, id_column="SUBJECT_CODE")
    long_axis = any(next(folder.glob(f"{name}_LA_*"), None) is not None for name, folder in folders.items())
    notes = ["long-axis images are left out"] if long_axis else []
    empty = folders_without(path, folders)
    if empty:
        notes.append(f"folders without short-axis images left out: {named(empty)}")
    if table is not None and file is not None:
        notes += table.attrs["notes"]
        table = _padded(table, file)
        absent = [name for name in folders if name not in table.index]
        if absent:
            notes.append(f"{file.name} has no row for {named(absent)}")
        without = [name for name in table.index if name not in folders]
        if without and file.parent == path.resolve():
            notes.append(f"{file.name}: rows of patients without a scan here left out: {named(without)}")
    else:
        notes.append(f"no table with the columns {', '.join(COLUMNS)} beside or above {path.resolve().name}")
    scans = {name: _scan(folder, name) for name, folder in folders.items()}
    unlabelled = [name for name, scan in scans.items() if not scan.phase_labels]
    if unlabelled:
        notes.append(f"{len(unlabelled)} of {len(scans)} patients have no labels, images only: {named(unlabelled)}")
    if len(unlabelled) < len(scans):
        notes.append("ED and ES of a cine are found by the voxels of the ED and ES files; volumes are voxel counts")
    rows = typed(rows_of(folders, pd.DataFrame() if table is None else table))
    rows.columns = [str(name).lower() for name in rows.columns]
    return Mms2Cohort(
        f"M&Ms-2 ({path.resolve().name})",
        rows,
        scans,
        layout=LAYOUT,
        folder=path,
        notes=notes,
        simulated=says_simulated_anywhere(path, scans, table),
    )


def frame_in(cine: Cine, single: Cine) -> tuple[int | None, str | None]:
    """Which frame of a cine a single image is.

    Parameters
    ----------
    cine, single : Cine
        `single` has one frame.

    Returns
    -------
    frame : int or None
        From 0; None where no frame fits, or several do.
    remark : str or None
        What is to be said about it; None where one frame has the same voxels.
    """
    image = single.frame(0)
    if image.shape != cine.shape:
        return None, f"the single frame has {image.shape} voxels and the cine {cine.shape}: its frame is not known"
    differs = np.abs(cine.voxels - image[..., None]).mean(axis=(0, 1, 2))
    same = np.flatnonzero(differs == 0)
    if same.size == 1:
        return int(same[0]), None
    if same.size > 1:
        return int(same[0]), f"frames {', '.join(map(str, same))} have the same voxels: the first is taken"
    order = np.argsort(differs, kind="stable")
    best = int(order[0])
    close = differs[best] <= CLOSE * float(np.ptp(image))
    if close and (len(order) == 1 or differs[best] <= CLEARLY_CLOSER * differs[order[1]]):
        return best, f"no frame of the cine has the same voxels; frame {best} is clearly the closest and is taken"
    return None, "no frame of the cine has its voxels: which frame it is, is not known"


def _scan(folder: Path, name: str) -> Scan:
    frames = {phase: path for phase in PHASES if (path := nifti(folder, f"{name}_SA_{phase}")) is not None}
    labels = {phase: path for phase in PHASES if (path := nifti(folder, f"{name}_SA_{phase}_gt")) is not None}
    return Scan(nifti(folder, f"{name}_SA_CINE"), frames=frames, phase_labels=labels, scheme=MMS)


def _holds_scan(folder: Path) -> bool:
    name = folder.resolve().name
    return nifti(folder, f"{name}_SA_CINE") is not None or all(nifti(folder, f"{name}_SA_{p}") for p in PHASES)


def _padded(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """Codes that lost their leading zeros in a spreadsheet get them back."""
    codes = [code.zfill(CODE_DIGITS) if code.isdigit() else code for code in table.index]
    try:
        padded = table.set_axis(list(text_ids(codes, source=f"{file} (codes as three digits)")), axis=0)
    except CohortError as error:
        raise CohortError(f"{error} A code with and without leading zeros is the same patient.") from error
    padded.attrs = dict(table.attrs)
    return padded
