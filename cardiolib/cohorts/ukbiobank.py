"""Reading folders named as the UK Biobank cardiac tool chain names them.

A folder of subjects (or one subject) with ``sa.nii.gz`` (cine) and/or ``sa_ED.nii.gz``, ``sa_ES.nii.gz``;
labels in ``label_sa_ED.nii.gz``, ``label_sa_ES.nii.gz`` and, for every frame, ``label_sa.nii.gz`` or
``seg_sa.nii.gz``; perhaps a measured displacement field on the cine's grid, ``displacement_sa.nii.gz`` (see
`cardiolib.imaging.read_displacement`). Beside the subjects, optionally: ``outcomes.csv`` or ``surv_outcomes.csv``
(ID, status, time), ``covariates.csv``, and ``cohort.json`` with any of name, label_scheme, time_unit.

The numbers in a label file do not say which structure they mean. The scheme is named by the caller or by
``cohort.json``, or else the only known scheme that the anatomy of the first labelled heart allows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.declared import declared, stated_scheme
from cardiolib.cohorts.side_tables import outcomes_beside, with_covariates
from cardiolib.cohorts.stacking import counted_volumes, stacked_cine, stacked_labels
from cardiolib.cohorts.table import CohortError, named, read_csv_by_id
from cardiolib.files import marked_simulated
from cardiolib.imaging import (
    SCHEMES,
    Cine,
    DisplacementField,
    LabelMap,
    LabelScheme,
    check_scheme,
    ed_es_frames,
    read_cine,
    read_displacement,
    read_label_map,
    says_simulated,
)
from cardiolib.plain_text import plain_form

LAYOUT = "UK Biobank layout"
IMAGE_FILES = ("sa.nii.gz", "sa_ED.nii.gz", "sa_ES.nii.gz")
LABEL_CINES = ("label_sa.nii.gz", "seg_sa.nii.gz")
DISPLACEMENT_FILE = "displacement_sa.nii.gz"
OUTCOME_FILES = ("surv_outcomes.csv", "outcomes.csv")


class UkBiobankCohort(Cohort):
    """Subject folders in UK Biobank naming."""

    def __init__(
        self, name: str, table: pd.DataFrame, folders: dict[str, Path], scheme: LabelScheme | None, **details: Any
    ) -> None:
        super().__init__(name, table, layout=LAYOUT, **details)
        self._folders = folders
        self.label_scheme = scheme

    def _has(self, subject_id: str, what: str) -> bool:
        folder = self._folders[subject_id]
        if what == "images":
            return has_images(folder)
        if what == "labels":
            return self.label_scheme is not None and has_labels(folder)
        if what == "volumes":
            return self.label_scheme is not None and has_volumes(folder)
        if what == "displacement":
            return (folder / DISPLACEMENT_FILE).is_file() and has_images(folder)
        return super()._has(subject_id, what)

    def _read_image(self, subject_id: str) -> Cine:
        return read_subject_image(self._folders[subject_id])

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        assert self.label_scheme is not None
        return read_subject_labels(self._folders[subject_id], self.label_scheme)

    def _read_displacement(self, subject_id: str) -> DisplacementField:
        path = self._folders[subject_id] / DISPLACEMENT_FILE
        return read_displacement(path, cine=self._read_image(subject_id))

    def _read_volumes(self, ids: tuple[str, ...]) -> pd.DataFrame:
        assert self.label_scheme is not None
        rows = {}
        for i in ids:
            labels, ed, es = _labels_at_ed_es(self._folders[i], self.label_scheme)
            rows[i] = counted_volumes(self._marked(labels, "label map", i), ed=ed, es=es)
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ID")


def why_not(path: Path) -> str | None:
    """None if `path` is a folder in this layout; else what is missing."""
    if not path.is_dir():
        return "not a folder"
    if _subject_folders(path):
        return None
    return "no sa.nii.gz, or sa_ED.nii.gz with sa_ES.nii.gz, in it or in its subfolders"


def open_ukbiobank(path: Path, *, scheme: LabelScheme | str | None = None) -> Cohort:
    """The cohort of a folder of subjects, or of a single subject's folder.

    Parameters
    ----------
    path : Path
    scheme : LabelScheme or name of one, optional
        Meaning of the label codes. Without it: ``label_scheme`` of ``cohort.json``, or the only scheme that
        the anatomy allows (the notes say which).

    Raises
    ------
    CohortError
        Outcomes or covariates that do not match the subjects; a label scheme that is unknown or cannot be
        told from the anatomy.
    """
    folders = _subject_folders(path)
    stated = declared(path)
    notes: list[str] = []
    without = [] if has_images(path) else [f.name for f in _folders(path) if plain_form(f.name) not in folders]
    if without:
        notes.append(f"folders without sa.nii.gz or sa_ED.nii.gz and sa_ES.nii.gz left out: {named(without)}")
    if stated.get("about"):
        notes.append(str(stated["about"]))
    found = _scheme(scheme or stated.get("label_scheme"), folders, path, notes)
    table = pd.DataFrame(index=pd.Index(list(folders), dtype=object))
    for file in OUTCOME_FILES:
        if (path / file).is_file():
            table = table.join(outcomes_beside(path / file, list(folders), notes))
            break
    if (path / "covariates.csv").is_file():
        table = with_covariates(table, path / "covariates.csv", notes)
    return UkBiobankCohort(
        stated.get("name", path.name),
        table,
        folders,
        found,
        folder=path,
        notes=notes,
        time_unit=stated.get("time_unit", "days"),
        simulated=bool(stated.get("simulated", False)) or _marked(path, folders),
    )


def has_images(folder: Path) -> bool:
    """Whether the folder holds a cine, or both an ED and an ES frame."""
    return (folder / "sa.nii.gz").is_file() or all((folder / name).is_file() for name in IMAGE_FILES[1:])


def has_labels(folder: Path) -> bool:
    """Whether any frame is labelled."""
    return bool(_label_cine(folder) or _labelled_phases(folder))


def has_volumes(folder: Path) -> bool:
    """Whether both ED and ES are labelled."""
    return bool(_label_cine(folder)) or len(_labelled_phases(folder)) == 2


def read_subject_image(folder: Path) -> Cine:
    """``sa.nii.gz``, or ED and ES as a cine of two frames that says so."""
    if (folder / "sa.nii.gz").is_file():
        return read_cine(folder / "sa.nii.gz")
    note = "two frames only: ED and ES; there is no sa.nii.gz"
    return stacked_cine([folder / name for name in IMAGE_FILES[1:]], note=note)


def read_subject_labels(folder: Path, scheme: LabelScheme) -> tuple[LabelMap, tuple[int | None, ...]]:
    """Labels of every frame if they are there, else of ED and ES, and the frames of the image they belong to."""
    cine = _label_cine(folder)
    if cine is not None:
        labels = read_label_map(cine, scheme)
        return labels, tuple(range(labels.n_frames))
    phases = _labelled_phases(folder)
    labels = stacked_labels([folder / f"label_sa_{phase}.nii.gz" for phase in phases], scheme)
    if not (folder / "sa.nii.gz").is_file():
        return labels, tuple(("ED", "ES").index(phase) for phase in phases)
    return labels, tuple(_frame_of(folder, phase) for phase in phases)


def _frame_of(folder: Path, phase: str) -> int | None:
    """Which frame of the cine ``sa_ED.nii.gz`` is; None if that file is absent or is no frame of the cine."""
    path = folder / f"sa_{phase}.nii.gz"
    if not path.is_file():
        return None
    cine, frame = read_cine(folder / "sa.nii.gz"), read_cine(path).frame(0)
    if cine.voxels.shape[:3] != frame.shape:
        return None
    same = [t for t in range(cine.n_frames) if np.array_equal(cine.frame(t), frame)]
    return same[0] if same else None


def _labels_at_ed_es(folder: Path, scheme: LabelScheme) -> tuple[LabelMap, int, int]:
    """A label map, and its frames at end-diastole and at end-systole."""
    phases = _labelled_phases(folder)
    if len(phases) == 2:
        return stacked_labels([folder / f"label_sa_{phase}.nii.gz" for phase in phases], scheme), 0, 1
    labels, _ = read_subject_labels(folder, scheme)
    return labels, *ed_es_frames(labels.volume_ml("lv_cavity"))


def _scheme(
    asked: LabelScheme | str | dict[str, int] | None, folders: dict[str, Path], path: Path, notes: list[str]
) -> LabelScheme | None:
    if asked is not None:
        return stated_scheme(asked, source=path)
    labelled = [name for name, folder in folders.items() if has_labels(folder)]
    if not labelled:
        return None
    folder = folders[labelled[0]]
    fitting, evidence = {}, []
    for scheme in SCHEMES.values():
        try:
            labels, _ = read_subject_labels(folder, scheme)
            fitting[scheme] = check_scheme(labels)
        except ValueError as error:
            evidence.append(f"{scheme.name}: {error}")
    if len(fitting) != 1:
        outcome = f"{named(s.name for s in fitting)} all fit" if fitting else "none fits"
        raise CohortError(
            f"{path}: which structure each label code means is not stated, and the anatomy of {labelled[0]} does not "
            f"tell ({outcome}). Name the scheme: open_cohort(..., scheme='acdc'), or label_scheme in cohort.json; "
            f"known are {named(SCHEMES)}.\n  " + "\n  ".join(evidence)
        )
    ((won, why),) = fitting.items()
    notes.append(f"label scheme not stated: told from the anatomy of {labelled[0]}: {why}")
    return won


def _marked(path: Path, folders: dict[str, Path]) -> bool:
    """Whether the folder, a table in it, or the first subject's image or labels say that they are simulated.

    Files of later subjects are looked at when they are read; there a mark is an error.
    """
    tables = [path / name for name in (*OUTCOME_FILES, "covariates.csv")]
    first = sorted(next(iter(folders.values())).glob("*sa*.nii.gz"))
    return (
        marked_simulated(path)
        or any(read_csv_by_id(table).attrs["simulated"] for table in tables if table.is_file())
        or any(says_simulated(image) for image in first)
    )


def _subject_folders(path: Path) -> dict[str, Path]:
    if has_images(path):
        return {plain_form(path.resolve().name): path}
    found: dict[str, Path] = {}
    for folder in _folders(path):
        if has_images(folder):
            name = plain_form(folder.name)
            if name in found:
                raise CohortError(f"{path}: {found[name].name} and {folder.name} would be the same subject. Keep one.")
            found[name] = folder
    return found


def _folders(path: Path) -> list[Path]:
    return [folder for folder in sorted(path.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]


def _label_cine(folder: Path) -> Path | None:
    return next((folder / name for name in LABEL_CINES if (folder / name).is_file()), None)


def _labelled_phases(folder: Path) -> list[str]:
    return [phase for phase in ("ED", "ES") if (folder / f"label_sa_{phase}.nii.gz").is_file()]
