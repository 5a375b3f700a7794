"""Reading the M&Ms challenge's folders as distributed (Campello et al., IEEE TMI 2021).

``Training/Labeled``, ``Training/Unlabeled``, ``Validation`` and ``Testing`` hold one folder a patient, named by the
patient's code: ``<code>_sa.nii.gz``, a short-axis cine, and, where it is labelled, ``<code>_sa_gt.nii.gz``, which has
as many frames and labels two of them (1 LV cavity, 2 myocardium, 3 RV cavity). A CSV beside the splits has a row a
patient: External code, VendorName, Vendor, Centre, ED, ES (counted from 0). Its name differs between releases
(``201014_M&Ms_Dataset_Information_-_opendataset.csv``, ``211230_M&Ms_Dataset_information_diagnosis_opendataset.csv``),
so it is known by its columns. Releases also give Age, Sex, Height, Weight and Pathology or diagnosis; their units are
not stated in the file, so that the numbers are kept as they are.

For some patients the CSV of a release names other frames than those that are labelled. The labelled frames are taken,
and a note on the label map says so.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.patient_folders import (
    any_patient,
    folders_without,
    frame_number,
    nifti,
    patient_folders,
    rows_of,
    table_above,
    typed,
)
from cardiolib.cohorts.scans import Scan, ScanCohort, header_of, says_simulated_anywhere
from cardiolib.cohorts.table import CohortError, named
from cardiolib.imaging import MMS

LAYOUT = "M&Ms"
COLUMNS = ("External code", "ED", "ES")
"""Columns by which the table of the data set is known."""


def why_not(path: Path) -> str | None:
    """None if `path` is the data set, one of its splits or one patient's folder; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    return None if any_patient(path, holds_scan=_holds_scan) else "no <code>/<code>_sa.nii.gz in it or in its splits"


def open_mms(path: Path) -> Cohort:
    """The cohort of the data set, of one split, or of a single patient's folder.

    Raises
    ------
    CohortError
        The table names a frame that is no number, a patient is there twice, or two tables fit.
    """
    folders = patient_folders(path, holds_scan=_holds_scan)
    table, file = table_above(path, COLUMNS, id_column="External code")
    notes = _notes(path, folders, table, file)
    rows = rows_of(folders, pd.DataFrame(columns=list(COLUMNS[1:])) if table is None else table)
    frames, beyond = _frames(rows, folders, source=file)
    if beyond:
        notes.append(f"ED or ES of the table lies beyond the cine and is not used: {named(beyond)}")
    scans = {}
    for name, folder in folders.items():
        image, labels = nifti(folder, f"{name}_sa"), nifti(folder, f"{name}_sa_gt")
        ed, es = frames[name]
        scans[name] = Scan(image, labels=labels, ed=ed, es=es, scheme=MMS)
    unlabelled = [name for name, scan in scans.items() if scan.labels is None]
    if unlabelled:
        notes.append(f"{len(unlabelled)} of {len(scans)} patients have no labels, images only: {named(unlabelled)}")
    if len(unlabelled) < len(scans):
        notes.append("volumes are voxel counts of the labels")
    return ScanCohort(
        f"M&Ms ({path.resolve().name})",
        _covariates(rows, path, folders),
        scans,
        layout=LAYOUT,
        folder=path,
        notes=notes,
        simulated=says_simulated_anywhere(path, scans, table),
    )


def _holds_scan(folder: Path) -> bool:
    return nifti(folder, f"{folder.resolve().name}_sa") is not None


def _notes(path: Path, folders: dict[str, Path], table: pd.DataFrame | None, file: Path | None) -> list[str]:
    """What was left out, and whom the table does not know."""
    notes = []
    empty = folders_without(path, folders)
    if empty:
        notes.append(f"folders without a <code>_sa.nii.gz left out: {named(empty)}")
    if table is None or file is None:
        return [
            *notes,
            f"no table with the columns {', '.join(COLUMNS)} beside or above {path.resolve().name}: no vendor, centre "
            "or diagnosis; ED and ES are told from the labels",
        ]
    notes += table.attrs["notes"]
    absent = [name for name in folders if name not in table.index]
    if absent:
        notes.append(f"{file.name} has no row for {named(absent)}: ED and ES are told from the labels")
    if file.parent == path.resolve():
        without = [name for name in table.index if name not in folders]
        if without:
            notes.append(f"{file.name}: rows of patients without a scan here left out: {named(without)}")
    return notes


def _frames(
    rows: pd.DataFrame, folders: dict[str, Path], *, source: Path | None
) -> tuple[dict[str, tuple[int | None, int | None]], list[str]]:
    """ED and ES of each patient, from 0, and the patients whose cine has fewer frames than these."""
    found: dict[str, tuple[int | None, int | None]] = {}
    problems, beyond = [], []
    for name, folder in folders.items():
        try:
            pair = tuple(frame_number(rows.at[name, phase]) for phase in ("ED", "ES"))
        except ValueError:
            problems.append(f"{name} (ED {rows.at[name, 'ED']!r}, ES {rows.at[name, 'ES']!r})")
            continue
        image = nifti(folder, f"{name}_sa")
        header = None if image is None else header_of(image)
        n_frames = math.inf if header is None else header.n_frames
        if any(frame is not None and not 0 <= frame < n_frames for frame in pair):
            beyond.append(f"{name} (ED {pair[0]}, ES {pair[1]} of {n_frames} frames)")
            pair = (None, None)
        found[name] = (pair[0], pair[1])
    if problems:
        raise CohortError(
            f"{source}: ED and ES must be whole numbers, counted from 0; they are not for {named(problems)}."
        )
    return found, beyond


def _covariates(rows: pd.DataFrame, path: Path, folders: dict[str, Path]) -> pd.DataFrame:
    """Everything that the table says but the frames, in lower-case names, and the split."""
    kept = typed(rows.drop(columns=list(COLUMNS[1:])))
    kept.columns = [{"VendorName": "vendor_name"}.get(name, name.lower().replace(" ", "_")) for name in kept.columns]
    splits = ["" if folder == path else folder.parent.relative_to(path).as_posix() for folder in folders.values()]
    if any(split not in ("", ".") for split in splits):
        kept["split"] = splits
    return kept
