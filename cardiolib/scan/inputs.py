"""Which scans a user means: files, folders that are cohorts, one patient of such a folder, or a simulated example."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cardiolib.cohorts import Cohort, CohortError, open_cohort
from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, acquire
from cardiolib.imaging import Cine, read_cine

EXAMPLE = "example"
"""Name that asks for a simulated scan instead of a path."""

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".gipl")
_UNSAFE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class ScanInput:
    """One scan to be read.

    Attributes
    ----------
    scan_id : str
        Name of its folder of results.
    path : str
        File that holds it; empty for a subject of a cohort, or the example.
    cohort : int
        Which of the cohorts; -1 for none.
    subject : str
        ID in that cohort.
    """

    scan_id: str
    path: str = ""
    cohort: int = -1
    subject: str = ""

    def read(self, cohorts: Sequence[Cohort]) -> Cine:
        """The cine."""
        if self.path:
            return read_cine(self.path)
        return example_cine() if self.cohort < 0 else cohorts[self.cohort].image(self.subject)


def find_scans(
    paths: Sequence[str | os.PathLike[str]], *, dicom: Mapping[str, Any] | None = None
) -> tuple[list[ScanInput], list[Cohort]]:
    """What to read, and the cohorts that it is read from.

    Parameters
    ----------
    paths : sequence of path-like
        Image files; folders of any layout that `open_cohort` knows, DICOM or a zip of it among them (every subject with
        images); a subject's own folder within one; or "example".
    dicom : mapping, optional
        Of DICOM folders: ``ids``, ``salt``, ``study`` and ``largest_part`` of `open_cohort`. Others are refused
        with them.

    Raises
    ------
    FileNotFoundError, ValueError
        There is nothing at a path, it is no scan, or two scans would have the same name.

    Examples
    --------
    >>> find_scans(["example"])
    ([ScanInput(scan_id='example', path='', cohort=-1, subject='')], [])
    """
    found: list[ScanInput] = []
    cohorts: list[Cohort] = []
    for given in paths:
        path = Path(given)
        if str(given) == EXAMPLE and not path.exists():
            found.append(ScanInput(EXAMPLE))
        elif not path.exists():
            raise FileNotFoundError(f"there is nothing at {path}; give an image file, a folder, or {EXAMPLE!r}")
        elif path.is_file() and path.name.lower().endswith(IMAGE_SUFFIXES):
            found.append(ScanInput(_named(_stem(path)), path=str(path)))
        else:
            cohort, subjects = _cohort(path, dicom or {})
            found += [ScanInput(_named(one), cohort=len(cohorts), subject=one) for one in subjects]
            cohorts.append(cohort)
    found = _told_apart(found)
    repeated = sorted(name for name, count in Counter(one.scan_id for one in found).items() if count > 1)
    if repeated:
        raise ValueError(
            f"{len(repeated)} name(s) stand for more than one scan ({', '.join(repeated[:5])}): results would "
            "overwrite each other. Scan them apart, each to its own --out"
        )
    return found, cohorts


def example_cine() -> Cine:
    """A simulated scan to try the command on: the mean control heart, imaged with the detail of real cines."""
    settings = AcquisitionSettings(detailed=True)
    return acquire(DigitalHeart(), settings, rng=np.random.default_rng(1), phases=np.arange(20) / 20).cine


def _cohort(path: Path, dicom: Mapping[str, Any]) -> tuple[Cohort, tuple[str, ...]]:
    """A folder or file as a cohort, and the subjects that are meant."""
    try:
        cohort = open_cohort(path, **dicom)
    except CohortError as error:
        around = None if dicom else _one_of(path)
        if around is None:
            raise ValueError(f"{path} holds no scan that can be read. {error}") from error
        return around, (path.resolve().name,)
    ids = cohort.ids_with("images")
    if not ids:
        raise ValueError(f"{path} is a cohort in the layout {cohort.layout!r} without images: there is nothing to scan")
    return cohort, ids


def _one_of(path: Path) -> Cohort | None:
    """The cohort around the folder of one subject; None where there is none."""
    if not path.is_dir():
        return None
    try:
        cohort = open_cohort(path.resolve().parent)
    except (CohortError, OSError):
        return None
    return cohort if path.resolve().name in cohort.ids_with("images") else None


def _told_apart(found: list[ScanInput]) -> list[ScanInput]:
    """Files of the same name (``sa.nii.gz`` in many folders) take the name of their folder as well."""
    counts = Counter(one.scan_id for one in found)
    return [
        replace(one, scan_id=_named(f"{Path(one.path).resolve().parent.name}_{one.scan_id}"))
        if one.path and counts[one.scan_id] > 1
        else one
        for one in found
    ]


def _stem(path: Path) -> str:
    suffix = max((suffix for suffix in IMAGE_SUFFIXES if path.name.lower().endswith(suffix)), key=len)
    return path.name[: -len(suffix)]


def _named(text: str) -> str:
    """A name for a folder."""
    return _UNSAFE.sub("_", text).strip("._") or "scan"
