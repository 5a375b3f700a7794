"""Names of NIfTI files: the stem, and whether it is a label map's."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".nii.gz", ".nii")
LABEL_ENDINGS = ("_gt", "_seg", "_label", "_labels", "_mask")
"""``<name>_gt.nii.gz`` is taken for the label map of ``<name>.nii.gz``, and so on."""


def is_nifti(path: Path) -> bool:
    """Whether the name ends as NIfTI files end and is not hidden (``._name`` is a leftover of an archive)."""
    return path.name.endswith(SUFFIXES) and not path.name.startswith(".") and path.is_file()


def stem(path: Path) -> str:
    """Name without .nii.gz or .nii."""
    return next((path.name.removesuffix(end) for end in SUFFIXES if path.name.endswith(end)), path.name)


def labelled_stem(name: str) -> str | None:
    """The image's stem if this is the stem of a label map, by its ending in any case of letters; else None.

    >>> labelled_stem("heart_GT"), labelled_stem("heart")
    ('heart', None)
    """
    return next(
        (name[: -len(end)] for end in LABEL_ENDINGS if name.lower().endswith(end) and len(name) > len(end)), None
    )
