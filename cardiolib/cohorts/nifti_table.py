"""Reading NIfTI files that a table names: ``cohort.csv`` with the columns ID and file.

Further columns, all optional:

- ``ED`` and ``ES``, frames of the cine, with ``count_from`` (0 or 1), the number of the first frame, or ``count_from``
  in ``cohort.json``. There is no default: both are common, and an error of one frame is not seen.
- ``labels``, a label map of all frames, of ED and ES, or of one; or ``labels_ED`` and ``labels_ES``, of one frame each.
- ``scheme``, the name of the label scheme.
- ``time`` and ``event`` (or ``status``), the follow-up.

Every other column is a covariate. Paths are relative to the folder of the table and stay inside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.declared import declared, stated_scheme
from cardiolib.cohorts.nifti_folder import TABLE, NiftiFolderCohort
from cardiolib.cohorts.nifti_names import is_nifti
from cardiolib.cohorts.patient_folders import frame_number, typed
from cardiolib.cohorts.scans import STATE_THE_SCHEME, Scan, header_of, says_simulated_anywhere
from cardiolib.cohorts.table import CohortError, named, read_csv_by_id
from cardiolib.delimited import column_names
from cardiolib.imaging import LabelScheme
from cardiolib.plain_text import entry_named

LAYOUT = "NIfTI files of a table"
PHASES = ("ED", "ES")
FILE_COLUMNS = ("file", "labels", "labels_ED", "labels_ES")
OWN_COLUMNS = (*FILE_COLUMNS, *PHASES, "count_from", "scheme")
"""Columns that say where and what a scan is; the others are follow-up and covariates."""


def why_not(path: Path) -> str | None:
    """None if `path` is a folder whose ``cohort.csv`` names files; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    if not (path / TABLE).is_file():
        return f"no {TABLE} in it"
    absent = [column for column in ("ID", "file") if column not in column_names(path / TABLE)]
    return f"{TABLE} has no column {named(absent)}" if absent else None


def open_nifti_table(path: Path, *, scheme: LabelScheme | str | None = None) -> Cohort:
    """The cohort of a folder whose ``cohort.csv`` names the files.

    Parameters
    ----------
    path : Path
    scheme : LabelScheme or name of one, optional
        Meaning of the label codes in every row. Without it: the column ``scheme``, then ``label_scheme`` of
        ``cohort.json``; without these labels are not read.

    Raises
    ------
    CohortError
        Files that are missing (all are named) or outside the folder; frames that are no numbers, beyond the cine, or
        not said to count from 0 or 1; wrong follow-up.
    """
    table = read_csv_by_id(path / TABLE)
    stated = declared(path)
    files = _files(table, path)
    frames = _frames(table, files, path / TABLE, stated.get("count_from"))
    scans, unread = {}, []
    for name in table.index:
        own = table.at[name, "scheme"] if "scheme" in table else ""
        asked = scheme if scheme is not None else own or stated.get("label_scheme")
        source = path / (TABLE if scheme is None and own else "cohort.json")
        scan = _scan(files[name], frames[name], None if asked is None else stated_scheme(asked, source=source))
        scans[name] = scan
        if scan.label_files and scan.scheme is None:
            unread.append(name)
    notes = [*table.attrs["notes"]]
    if unread:
        notes.append(f"labels of {named(unread)} are not read: {STATE_THE_SCHEME}")
    if stated.get("about"):
        notes.append(str(stated["about"]))
    taken = {file.resolve() for row in files.values() for file in row.values()}
    others = [file.name for file in sorted(path.iterdir()) if is_nifti(file) and file.resolve() not in taken]
    if others:
        notes.append(f"NIfTI files that {TABLE} does not name left out: {named(others)}")
    return NiftiFolderCohort(
        str(stated.get("name", path.resolve().name)),
        _follow_up_and_covariates(table),
        scans,
        layout=LAYOUT,
        folder=path,
        notes=notes,
        time_unit=str(stated.get("time_unit", "days")),
        simulated=bool(stated.get("simulated", False)) or says_simulated_anywhere(path, scans, table),
    )


def _scan(files: Mapping[str, Path], frames: tuple[int | None, int | None], scheme: LabelScheme | None) -> Scan:
    phases = {} if "labels" in files else {p: files[f"labels_{p}"] for p in PHASES if f"labels_{p}" in files}
    return Scan(
        files["file"], labels=files.get("labels"), phase_labels=phases, ed=frames[0], es=frames[1], scheme=scheme
    )


def _files(table: pd.DataFrame, folder: Path) -> dict[str, dict[str, Path]]:
    """Files of each row by column, checked: inside the folder, and there."""
    found: dict[str, dict[str, Path]] = {}
    outside, missing = [], []
    for name in table.index:
        found[name] = {}
        for column in FILE_COLUMNS:
            text = table.at[name, column] if column in table else ""
            if not text:
                if column == "file":
                    missing.append(f"{name} (no file named)")
                continue
            inside = PurePosixPath(text.replace("\\", "/"))
            if inside.is_absolute() or PureWindowsPath(text).drive or ".." in inside.parts:
                outside.append(f"{name} ({text})")
                continue
            found[name][column] = entry_named(folder, str(inside))
            if not found[name][column].is_file():
                missing.append(f"{name} ({text})")
    if outside:
        raise CohortError(
            f"{folder / TABLE}: paths are relative to the folder of the table and stay inside it; they do not for "
            f"{named(outside)}. Put the files into the folder, or the table beside them."
        )
    if missing:
        raise CohortError(
            f"{folder / TABLE}: {len(missing)} file(s) are not there: {'; '.join(missing)}. Correct the names, or "
            "remove the rows."
        )
    return found


def _frames(
    table: pd.DataFrame, files: Mapping[str, Mapping[str, Path]], source: Path, count_from: object
) -> dict[str, tuple[int | None, int | None]]:
    """ED and ES of each row, from 0."""
    found: dict[str, tuple[int | None, int | None]] = {}
    uncounted, wrong = [], []
    for name in table.index:
        given = {phase: table.at[name, phase] for phase in PHASES if phase in table and table.at[name, phase]}
        first = table.at[name, "count_from"] if "count_from" in table else ""
        first = str(count_from) if first == "" and count_from is not None else first
        if given and first not in ("0", "1"):
            uncounted.append(f"{name} ({first!r})" if first else name)
            continue
        header = header_of(files[name]["file"]) if given else None
        frames = {}
        for phase, text in given.items():
            try:
                frame = frame_number(text)
            except ValueError:
                frame = None
            if frame is None or frame < int(first) or (header is not None and frame - int(first) >= header.n_frames):
                of = "" if header is None else f" of {header.n_frames} frames"
                wrong.append(f"{name} ({phase} {text}{of}, counted from {first})")
            else:
                frames[phase] = frame - int(first)
        found[name] = (frames.get("ED"), frames.get("ES"))
    if uncounted:
        raise CohortError(
            f"{source}: ED and ES are given, but not whether the first frame is 0 or 1, for {named(uncounted)}. Add a "
            'column count_from with 0 or 1, or {"count_from": 0} to cohort.json.'
        )
    if wrong:
        told = "" if count_from is None else f" The first frame's number is that of {source.with_suffix('.json').name}."
        raise CohortError(f"{source}: frames that the cine has not: {named(wrong)}.{told}")
    return found


def _follow_up_and_covariates(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that are not about files; time and event stay text, which `Cohort` checks and converts."""
    kept = table.drop(columns=[column for column in OWN_COLUMNS if column in table])
    if "status" in kept and "event" not in kept:
        kept = kept.rename(columns={"status": "event"})
    outcomes = [column for column in ("time", "event") if column in kept]
    return typed(kept.drop(columns=outcomes)).join(kept[outcomes])
