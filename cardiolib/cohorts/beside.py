"""What `open_cohort` reads besides the folder or the file that it is given: marks, side files, tables above."""

from __future__ import annotations

from pathlib import Path

from cardiolib.cohorts import mms, mms2
from cardiolib.cohorts.nifti_names import is_nifti, labelled_stem, stem
from cardiolib.cohorts.patient_folders import tables_above
from cardiolib.file_tree import files_below
from cardiolib.files import FOLDER_MARK

_STATED = ("cohort.json", FOLDER_MARK, "participants.tsv")
"""Files of a folder that say something about what lies in it, or in a subject's folder below it."""


def files_beside(path: Path) -> list[Path]:
    """Files outside of `path` that decide what a cohort is; those that are there, sorted.

    Parameters
    ----------
    path : Path
        What `open_cohort` was given.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("motion.npz", "motion.json", "motion.npz.json", "other.json"):
    ...     _ = (folder / name).write_text("{}")
    >>> [file.name for file in files_beside(folder / "motion.npz")]
    ['motion.json', 'motion.npz.json']
    """
    found = set(_beside_file(path) if path.is_file() else _above_folder(path))
    return sorted(file for file in found if file.is_file() and file != path)


def _beside_file(path: Path) -> list[Path]:
    """Side files of one file, what its folder states, and the label maps of one image."""
    candidates = [
        path.with_name(f"{path.name}.json"),
        path.with_name(f"{stem(path)}.json"),
        path.with_suffix(".json"),
        *(path.parent / name for name in _STATED),
    ]
    if is_nifti(path):
        candidates += [one for one in path.parent.iterdir() if is_nifti(one) and labelled_stem(stem(one)) == stem(path)]
    # a link's own side files lie beside it, those of the file that it leads to beside that
    return candidates + (_beside_file(path.resolve()) if path.is_symlink() else [])


def _above_folder(path: Path) -> list[Path]:
    """The tables of a data set, above one of its splits or patients; all that BIDS keeps apart from a subject."""
    found = [file for columns in (mms.COLUMNS, mms2.COLUMNS) for file in tables_above(path, columns)]
    found = [file for file in found if file.parent != path.resolve()]
    subject = path.resolve()
    if subject.name.startswith("sub-"):
        found += [subject.parent / name for name in _STATED]
        for derived in subject.parent.glob(f"derivatives/*/{subject.name}"):
            found += files_below(derived).files
    return found
