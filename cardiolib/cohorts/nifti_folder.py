"""Reading a folder of NIfTI files with any names, or one such file.

Every image is a subject, named by its file. ``<name>_gt``, ``_seg``, ``_label``, ``_labels`` or ``_mask`` beside
``<name>`` is its label map, if the meaning of the codes is stated: by ``scheme=`` or by ``label_scheme`` of
``cohort.json``. Which frames are ED and ES, follow-up and covariates are said by a table, ``cohort.csv``; see
`cardiolib.cohorts.nifti_table`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.declared import declared, stated_scheme
from cardiolib.cohorts.nifti_names import LABEL_ENDINGS, is_nifti, labelled_stem, stem
from cardiolib.cohorts.scans import STATE_THE_SCHEME, Scan, ScanCohort, says_simulated_anywhere
from cardiolib.cohorts.table import CohortError, named
from cardiolib.delimited import column_names
from cardiolib.imaging import Cine, LabelScheme, read_header
from cardiolib.plain_text import plain_form

LAYOUT = "NIfTI files"
TABLE = "cohort.csv"
FEW_VALUES = 8
"""An image of whole numbers below this is a label map under a name that does not say so."""


class NiftiFolderCohort(ScanCohort):
    """NIfTI files with any names."""

    def _read_image(self, subject_id: str) -> Cine:
        cine, file = super()._read_image(subject_id), self._scans[subject_id].first_image
        values = cine.voxels
        if 0 <= values.min() and values.max() < FEW_VALUES and np.array_equal(values, np.rint(values)):
            raise CohortError(
                f"{file.name} holds whole numbers from {values.min():g} to {values.max():g} only: it is a label map or "
                f"a mask, not an image. Name it <image>{LABEL_ENDINGS[0]}.nii.gz after its image, or write a {TABLE} "
                "with the columns ID, file and labels."
            )
        return cine


def why_not(path: Path) -> str | None:
    """None if `path` is a NIfTI file or a folder with some; else what is missing."""
    if path.is_file():
        return None if is_nifti(path) else "not a .nii.gz or .nii file"
    if {"ID", "file"} <= set(column_names(path / TABLE)):
        return f"{TABLE} names the files"
    if any(is_nifti(file) for file in path.iterdir()):
        return None
    below = next((file for file in sorted(path.glob("*/*")) if is_nifti(file)), None)
    if below is None:
        return "no .nii.gz or .nii file in it"
    return (
        f"no .nii.gz or .nii file in it, but some in its folders ({below.relative_to(path).as_posix()}): list them in "
        f"a {TABLE} with the columns ID and file"
    )


def open_nifti_folder(path: Path, *, scheme: LabelScheme | str | None = None) -> Cohort:
    """The cohort of a folder of NIfTI files, or of one file.

    Parameters
    ----------
    path : Path
    scheme : LabelScheme or name of one, optional
        Meaning of the label codes. Without it: ``label_scheme`` of ``cohort.json``; without that labels are not read.

    Raises
    ------
    CohortError
        There is a table, which names no files; two images or two label maps have the same name; there is no image.
    """
    folder = path if path.is_dir() else path.parent
    if path.is_dir() and (path / TABLE).is_file():
        raise CohortError(
            f"{path / TABLE}: the columns ID and file are needed, so that each row says which image it is about. Add "
            "them, or take the table away."
        )
    images, labels, notes = _sorted_out(path)
    stated = declared(folder)
    asked = stated.get("label_scheme") if scheme is None else scheme
    known = None if asked is None else stated_scheme(asked, source=path)
    scans = {name: Scan(file, labels=labels.get(name), scheme=known) for name, file in images.items()}
    single = [name for name, file in images.items() if read_header(file).n_frames == 1]
    if single:
        notes.append(f"one frame only, so that nothing moves: {named(single)}")
    if labels and known is None:
        notes.append(f"labels of {named(labels)} are not read: {STATE_THE_SCHEME}")
    if stated.get("about"):
        notes.append(str(stated["about"]))
    return NiftiFolderCohort(
        str(stated.get("name", stem(path.resolve()))),
        pd.DataFrame(index=list(scans)),
        scans,
        layout=LAYOUT,
        folder=folder,
        notes=notes,
        simulated=bool(stated.get("simulated", False)) or says_simulated_anywhere(folder, scans),
    )


def _sorted_out(path: Path) -> tuple[dict[str, Path], dict[str, Path], list[str]]:
    """Images by name, label maps by the name of their image, and what was left out."""
    files = _by_stem(_considered(path))
    owners = {name: owner for name in files if (owner := labelled_stem(name)) is not None}
    images: dict[str, Path] = {}
    unreadable = []
    for name in files.keys() - owners.keys():
        try:
            read_header(files[name])
            images[name] = files[name]
        except (OSError, EOFError, ValueError) as error:
            unreadable.append(str(error).replace(str(files[name]), files[name].name))
    labels: dict[str, Path] = {}
    for name, owner in owners.items():
        if owner in labels:
            raise CohortError(
                f"{path}: both {labels[owner].name} and {files[name].name} are label maps of {owner} by their names. "
                f"Keep one, or name one in the column labels of a {TABLE}."
            )
        labels[owner] = files[name]
    orphans = sorted(file.name for owner, file in labels.items() if owner not in images)
    if not images:
        reasons = sorted(unreadable) or [f"{name} is a label map by its name" for name in orphans]
        raise CohortError(f"{path}: no NIfTI file here is an image that can be read: {named(reasons)}.")
    notes = [f"label maps without their image left out: {named(orphans)}"] if orphans else []
    if unreadable:
        notes.append(f"files that are no 3D or 4D image left out: {named(sorted(unreadable))}")
    return dict(sorted(images.items())), {name: file for name, file in labels.items() if name in images}, notes


def _considered(path: Path) -> list[Path]:
    """Every NIfTI file of a folder; of one file, itself and the label maps beside it."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if is_nifti(file))
    beside = [file for file in sorted(path.parent.iterdir()) if is_nifti(file)]
    return [path, *(file for file in beside if file != path and labelled_stem(stem(file)) == stem(path))]


def _by_stem(files: list[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for file in files:
        name = plain_form(stem(file))
        if name in found:
            raise CohortError(
                f"{file.parent}: {found[name].name} and {file.name} would be the same subject. Keep one of them."
            )
        found[name] = file
    return found
