"""One door for a scan of one person: a DICOM study in a folder or a zip, or a NIfTI file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cardiolib.imaging.dicom.files_given import GivenFiles
from cardiolib.imaging.dicom.identity import IdTable, Pseudonyms
from cardiolib.imaging.dicom.loading import load_scan
from cardiolib.imaging.dicom.planning import DicomChoices, plan_scan
from cardiolib.imaging.dicom.study import StudyFiles, read_study_files
from cardiolib.imaging.dicom.tags import DicomError
from cardiolib.imaging.headers import read_header
from cardiolib.imaging.reading import read_cine
from cardiolib.imaging.scan import Scan


def read_scan(
    path: str | os.PathLike[str],
    *,
    patient: str | None = None,
    study: str | int = "newest",
    ids: IdTable | None = None,
    salt: str | None = None,
    only: tuple[int, ...] = (),
    largest_part: bool = False,
    phases: tuple[int, int] = (10, 50),
    bar: bool | None = None,
) -> Scan:
    """Read the short-axis cine of one person from what a scanner or an archive exported.

    Parameters
    ----------
    path : path-like
        A folder of DICOM files of any nesting and any names, a zip of one, a NIfTI file, or a folder with one NIfTI
        cine.
    patient : str, optional
        ID of the patient to read, as given out here, where the files are of several.
    study : "newest" or int
        Which study of the patient, counted from 1, the oldest.
    ids : mapping or path-like, optional
        PatientID to ID, or a CSV with the columns ``PatientID`` and ``ID``.
    salt : str, optional
        A secret text; the ID is then a hash that is the same wherever the salt is. By default it follows from a random
        secret of this user and from the folder.
    only : tuple of int
        Rows of the table of series that are the short-axis stack, whatever the reader thinks.
    largest_part : bool
        Where slices are not equally far apart, read the longest part in which they are.
    phases : (fewest, most)
        How many frames a cine's slice has.
    bar : bool, optional
        Show a progress bar over the files; by default from 200 files on.

    Returns
    -------
    Scan
        A `Cine` with the ID and the table ``series`` of what was read and left out, and why. `notes` say what was
        decided. Nothing that identifies the patient is in it: no name, number, date, private tag or description.

    Raises
    ------
    FileNotFoundError
    ValueError
        No short-axis cine (what was found instead is listed), several patients, slices that make no regular stack,
        frames that are missing, or compressed pixels. The message names series and files by numbers: file n is the
        n-th of ``cardiolib.file_tree.files_below(folder).files``.

    Examples
    --------
    >>> import tempfile
    >>> import cardiolib as cl
    >>> from cardiolib.imaging.dicom import write_simulated_study
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[t / 12 for t in range(12)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = write_simulated_study(scan.cine, folder)
    ...     cine = cl.read_scan(folder, ids={"SIMULATED": "example"})
    >>> cine.subject_id, cine.simulated, cine.voxels.shape
    ('example', True, (96, 96, 12, 12))
    """
    choices = DicomChoices(study, only, largest_part, phases)
    place = Path(path)
    if place.is_file() and place.name.lower().endswith((".nii", ".nii.gz")):
        return _nifti_scan(place)
    files = GivenFiles(place)
    pseudonyms = Pseudonyms(ids, salt, place=str(place))
    if not any(files.holds_dicom(number) for number in files.numbers):
        return _one_nifti(files)
    found = read_study_files(files, pseudonyms, bar=bar)
    return load_scan(files, plan_scan(_one_patient(found, patient), choices))


def _one_patient(study: StudyFiles, patient: str | None) -> StudyFiles:
    patients = study.by_patient()
    if patient is not None:
        if patient not in patients:
            raise DicomError(f"the files are of {len(patients)} patient(s), none of whom has the ID asked for")
        return patients[patient]
    if len(patients) > 1:
        counts = ", ".join(f"{name} ({len(own.frames)} frames)" for name, own in list(patients.items())[:8])
        raise DicomError(
            f"the files are of {len(patients)} patients: {counts}. Name one with patient=, or open all as a cohort, "
            "one subject a patient: cardiolib.open_cohort(folder)"
        )
    return study


def _one_nifti(files: GivenFiles) -> Scan:
    """The one cine among the NIfTI files of a folder."""
    found = files.nifti()
    cines = found if len(found) == 1 else [path for path in found if _has_frames(path)]
    if len(cines) == 1:
        return _nifti_scan(cines[0])
    if not found:
        raise DicomError(f"nothing in it can be read: {len(files)} files, none of them DICOM or NIfTI")
    raise DicomError(
        f"there is no DICOM in it, and of {len(found)} NIfTI files {len(cines)} are cines: give the file of the cine, "
        "or open the folder as a cohort: cardiolib.open_cohort(folder)"
    )


def _has_frames(path: Path) -> bool:
    try:
        return read_header(path).n_frames > 1
    except (OSError, ValueError):  # a damaged file is none of the candidates
        return False


def _nifti_scan(path: Path) -> Scan:
    cine = read_cine(path)
    if cine.n_frames < 2:
        raise DicomError(f"{path.name} holds one frame: a cine has several. cardiolib.imaging.read_cine reads one")
    details: dict[str, Any] = {name: getattr(cine, name) for name in ("affine", "frame_time_ms", "notes", "simulated")}
    rate = None if cine.frame_time_ms is None else 60000.0 / (cine.frame_time_ms * cine.n_frames)
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    return Scan(cine.voxels, **details, subject_id=stem, heart_rate_per_min=rate)
