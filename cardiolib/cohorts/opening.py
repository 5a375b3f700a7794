"""One door for every layout of cohort."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cardiolib.cohorts import acdc, authors_files, dicom_study, motion_matrix_file, ukbiobank
from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.foursegment import reading as foursegment
from cardiolib.cohorts.simulated import simulated_cohort as simulated
from cardiolib.cohorts.simulated.named import DEFAULT_SEED, open_named
from cardiolib.cohorts.simulated.settings import SIMULATED_NAMES, SimulatedCohortSettings
from cardiolib.cohorts.table import CohortError
from cardiolib.imaging import LabelScheme

# Most specific first: a simulated cohort, for example, also has folders of images.
_READERS = {
    simulated.LAYOUT: (simulated.why_not, simulated.open_simulated),
    acdc.LAYOUT: (acdc.why_not, acdc.open_acdc),
    foursegment.LAYOUT: (foursegment.why_not, foursegment.open_foursegment),
    ukbiobank.LAYOUT: (ukbiobank.why_not, ukbiobank.open_ukbiobank),
    authors_files.LAYOUT: (authors_files.why_not, authors_files.open_authors_files),
    motion_matrix_file.LAYOUT: (motion_matrix_file.why_not, motion_matrix_file.open_motion_file),
    dicom_study.LAYOUT: (dicom_study.why_not, dicom_study.open_dicom),
}
LAYOUTS = tuple(_READERS)
_DICOM_OPTIONS = frozenset({"ids", "salt", "study", "largest_part"})


def open_cohort(
    name_or_path: str | os.PathLike[str],
    *,
    layout: str | None = None,
    scheme: LabelScheme | str | None = None,
    root: str | os.PathLike[str] | None = None,
    seed: int = DEFAULT_SEED,
    **settings: Any,
) -> Cohort:
    """Open a cohort by name, folder or file, whatever its layout.

    Parameters
    ----------
    name_or_path : str or path-like
        A folder or file; or the name of a simulated cohort ("simulated", "simulated-volume-hazard",
        "simulated-null-hazard", "simulated-controls"), which is built the first time and found again by name,
        seed, settings and code of the simulator. A folder that has such a name is opened as ``./simulated``.
    layout : str, optional
        One of `LAYOUTS`, to be told what is wrong with a folder as that layout; detected by default.
    scheme : LabelScheme or name of one, optional
        Meaning of the label codes; only the UK Biobank layout, which does not say it, takes one.
    root : path-like
        Where simulated cohorts are kept; by default in the user's cache folder, or below the folder that the
        environment variable CARDIOLIB_DATA names. A cohort built as ``root/<name>`` is opened as it is.
    seed : int
        Of a simulated cohort opened by name.
    **settings
        Of a simulated cohort opened by name, see `SimulatedCohortSettings`: ``n_subjects=20, n_imaged=2``. Of a folder
        of DICOM files: ``ids``, ``salt``, ``study``, ``largest_part`` (see `cardiolib.imaging.read_scan`); its subjects
        are its patients.

    Returns
    -------
    Cohort

    Raises
    ------
    FileNotFoundError
        There is nothing at that path.
    CohortError
        The layout is none of those known (each is named, with what was missing), or the data in it are
        wrong.

    Examples
    --------
    A motion file, as one of the layouts:

    >>> import tempfile
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.cohorts import write_matrix
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = write_matrix(f"{folder}/motion.npz", np.zeros((2, 11514)), ["a", "b"], simulated=False)
    ...     cohort = cl.open_cohort(path)
    >>> cohort.ids, cohort.motion_matrix()[1].shape
    (('a', 'b'), (2, 11514))
    """
    if layout is not None and layout not in _READERS:
        raise ValueError(f"layout must be one of {', '.join(repr(known) for known in LAYOUTS)}; given {layout!r}")
    if str(name_or_path) in SIMULATED_NAMES:
        name = str(name_or_path)
        built = None if root is None else Path(root) / name
        if built is not None and built.is_dir() and not settings:
            return simulated.open_simulated(built)
        if "n_subjects" in settings and "n_imaged" not in settings:
            settings = {**settings, "n_imaged": min(settings["n_subjects"], SimulatedCohortSettings.n_imaged)}
        return open_named(
            SimulatedCohortSettings(kind=name, **settings), seed=seed, root=None if root is None else Path(root)
        )
    dicom_options = {name: settings.pop(name) for name in _DICOM_OPTIONS & settings.keys()}
    if settings:
        raise TypeError(f"{', '.join(settings)} only suit(s) a simulated cohort opened by name; given {name_or_path}")
    path = _located(name_or_path)
    if dicom_options:
        layout = layout or dicom_study.LAYOUT  # nothing else takes them
    candidates = _READERS if layout is None else {layout: _READERS[layout]}
    reasons = {}
    for known, (why_not, reader) in candidates.items():
        reasons[known] = why_not(path)
        if reasons[known] is None:
            if known == ukbiobank.LAYOUT:
                return ukbiobank.open_ukbiobank(path, scheme=scheme)
            if known == dicom_study.LAYOUT and scheme is None:
                return dicom_study.open_dicom(path, **dicom_options)
            if scheme is not None:
                raise ValueError(
                    f"what was given is in the layout {known!r}, which has its own label scheme: leave out scheme"
                )
            return reader(path)
    listed = "\n".join(f"  {known}: {reason}" for known, reason in reasons.items())
    # the path is not repeated: folders of scans are often named after the patient
    what = "folder" if path.is_dir() else "file"
    raise CohortError(f"the {what} given is in none of the known layouts. What was missing for each:\n{listed}")


def _located(name_or_path: str | os.PathLike[str]) -> Path:
    path = Path(name_or_path)
    if not path.exists():
        raise FileNotFoundError(
            f"there is nothing at {path}; expected a folder or file, or one of the names {', '.join(SIMULATED_NAMES)}"
        )
    return path
