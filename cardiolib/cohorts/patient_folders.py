"""Data sets of one folder a patient, with a table of the data set beside or above them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import pandas as pd

from cardiolib.cohorts.table import CohortError, named, read_csv_by_id
from cardiolib.delimited import column_names
from cardiolib.plain_text import entry_named, plain_form

PLACES = ("*", "*/*", "Training/*/*")
"""Where patients' folders lie below the folder of the data set; deeper ones belong to something else."""

ABOVE = 3
"""The table of a data set lies at most so many folders above a patient's folder."""


def nifti(folder: Path, stem: str) -> Path | None:
    """``stem.nii.gz`` or ``stem.nii`` of a folder, or None."""
    names = (f"{stem}{suffix}" for suffix in (".nii.gz", ".nii"))
    return next((path for name in names if (path := entry_named(folder, name)).is_file()), None)


def patient_folders(path: Path, *, holds_scan: Callable[[Path], bool]) -> dict[str, Path]:
    """Folders that hold a scan, by name: `path` itself, or those in `PLACES` below it.

    Raises
    ------
    CohortError
        Two patients have the same name.
    """
    if holds_scan(path):
        return {plain_form(path.resolve().name): path}
    found: dict[str, Path] = {}
    for place in PLACES:
        for folder in sorted(path.glob(place)):
            if not folder.is_dir() or not holds_scan(folder):
                continue
            name = plain_form(folder.name)
            if name in found:
                raise CohortError(f"{path}: patient {name} is there twice: {found[name]} and {folder}.")
            found[name] = folder
    return dict(sorted(found.items()))


def any_patient(path: Path, *, holds_scan: Callable[[Path], bool]) -> bool:
    """Whether `path` is a patient's folder or holds one."""
    return holds_scan(path) or any(
        folder.is_dir() and holds_scan(folder) for place in PLACES for folder in path.glob(place)
    )


def folders_without(path: Path, patients: dict[str, Path]) -> list[str]:
    """Folders beside those of patients that hold no scan."""
    if path in patients.values():
        return []
    taken = {folder for patient in patients.values() for folder in (patient, *patient.parents)}
    beside = {folder for patient in patients.values() for folder in patient.parent.iterdir() if folder.is_dir()}
    return sorted(folder.name for folder in beside - taken if not folder.name.startswith("."))


def table_above(path: Path, columns: Collection[str], *, id_column: str) -> tuple[pd.DataFrame | None, Path | None]:
    """The table of a data set: the CSV with these columns in `path` or in one of the `ABOVE` folders above it.

    Returns
    -------
    table : DataFrame of str, or None
        As `read_csv_by_id` gives it; columns without a name are left out.
    file : Path or None

    Raises
    ------
    CohortError
        Two tables fit, or the one that does cannot be read.
    """
    for folder in [path.resolve(), *path.resolve().parents[:ABOVE]]:
        fitting = [file for file in sorted(folder.glob("*.csv")) if set(columns) <= set(column_names(file))]
        if len(fitting) > 1:
            raise CohortError(
                f"{folder}: {named(file.name for file in fitting)} all have the columns {named(columns)}. "
                "Keep the one that is right in the folder."
            )
        if fitting:
            table = read_csv_by_id(fitting[0], id_column=id_column)
            unnamed = [column for column in table.columns if column.startswith("Unnamed:")]
            kept = table.drop(columns=unnamed)
            kept.attrs = dict(table.attrs)
            return kept, fitting[0]
    return None, None


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of which every cell is empty or a number as float64 (empty: NaN), other columns as text."""
    converted = frame.copy()
    for column in frame.columns:
        text = frame[column].astype(str).str.strip()
        numbers = pd.to_numeric(text.where(text != ""), errors="coerce")
        if text.ne("").any() and numbers[text != ""].notna().all():
            converted[column] = numbers.astype(float)
    return converted


def rows_of(ids: Iterable[str], table: pd.DataFrame) -> pd.DataFrame:
    """Rows of these subjects in this order; empty cells where the table has none."""
    return table.reindex(list(ids)).fillna("")


def frame_number(text: str) -> int | None:
    """A frame number of a table ("9" and "9.0" are 9), None for an empty cell; ValueError for anything else."""
    if not text.strip():
        return None
    number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)
