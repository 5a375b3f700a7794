"""Subjects of one scan each: a cine, or its ED and ES frames, and perhaps label maps, whatever the files are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.stacking import counted_volumes, labels_on, stacked_cine, stacked_labels
from cardiolib.cohorts.table import CohortError
from cardiolib.files import marked_simulated
from cardiolib.imaging import (
    Cine,
    ImageHeader,
    LabelMap,
    LabelScheme,
    ed_es_frames,
    read_cine,
    read_header,
    says_simulated,
)
from cardiolib.imaging.plausibility import believed_cycle

STATE_THE_SCHEME = (
    "which structure each number means is not stated, and it is not guessed. Name the scheme: "
    'open_cohort(..., scheme=\'acdc\'), or {"label_scheme": "acdc"} in cohort.json of the folder'
)
"""What to do where label files are there and their scheme is not known."""


@dataclass(frozen=True)
class Scan:
    """Where the files of one subject lie.

    Parameters
    ----------
    image : Path or None
        The cine; None where only single frames are there.
    frames : mapping of "ED" and "ES" to Path
        Single frames, used where there is no cine.
    labels : Path or None
        A label map of the cine: of all its frames (those without a label are not labelled), of ED and ES, or of one.
    phase_labels : mapping of "ED" or "ES" to Path
        Label maps of one frame each, where `labels` is None.
    ed, es : int or None
        Frames of the cine at end-diastole and end-systole, counted from 0, as far as a table says.
    scheme : LabelScheme or None
        Without it labels are not read.
    frame_time_ms : float or None
        Where something beside the image says it.
    remarks : tuple of str
        Added to the notes of the image.
    """

    image: Path | None
    frames: Mapping[str, Path] = field(default_factory=dict)
    labels: Path | None = None
    phase_labels: Mapping[str, Path] = field(default_factory=dict)
    ed: int | None = None
    es: int | None = None
    scheme: LabelScheme | None = None
    frame_time_ms: float | None = None
    remarks: tuple[str, ...] = ()

    @property
    def first_image(self) -> Path:
        """The cine, or the first of its single frames."""
        return next(iter(self.frames.values())) if self.image is None else self.image

    @property
    def label_files(self) -> tuple[Path, ...]:
        """Every label map of the subject."""
        return tuple(self.phase_labels.values()) if self.labels is None else (self.labels,)


class ScanCohort(Cohort):
    """Subjects of one scan each.

    Parameters
    ----------
    name : str
    table : DataFrame indexed by ID
    scans : dict of str to Scan
    **details
        As `Cohort` takes them.
    """

    def __init__(self, name: str, table: pd.DataFrame, scans: dict[str, Scan], **details: Any) -> None:
        super().__init__(name, table, **details)
        self._scans = scans
        self._headers: dict[Path, ImageHeader | None] = {}

    def _has(self, subject_id: str, what: str) -> bool:
        scan = self._scans[subject_id]
        if what == "images":
            return True
        if what == "labels":
            return scan.scheme is not None and bool(scan.label_files)
        if what == "volumes":
            return self._has(subject_id, "labels") and self._has_volumes(scan)
        return super()._has(subject_id, what)

    def _read_image(self, subject_id: str) -> Cine:
        scan = self._scans[subject_id]
        if scan.image is None:
            note = f"two frames only: {' and '.join(scan.frames)}; there is no cine"
            cine = stacked_cine(list(scan.frames.values()), note=note)
        else:
            cine = read_cine(scan.image)
        notes = (*cine.notes, *scan.remarks)
        if scan.frame_time_ms is None:
            return replace(cine, notes=notes)
        time, why_not = believed_cycle(scan.frame_time_ms, cine.n_frames)
        return replace(cine, frame_time_ms=time, notes=(*notes, why_not) if why_not else notes)

    def _read_labels(self, subject_id: str) -> tuple[LabelMap, tuple[int | None, ...]]:
        scan = self._scans[subject_id]
        assert scan.scheme is not None
        if scan.labels is None:
            labels = stacked_labels(list(scan.phase_labels.values()), scan.scheme, scan.first_image)
            frames = tuple(self._frame_at(subject_id, phase) for phase in scan.phase_labels)
        else:
            n_frames = read_header(scan.first_image).n_frames
            labels, frames = labelled_frames(labels_on(scan.labels, scan.scheme, scan.first_image), scan, n_frames)
        return labels, frames

    def _ed_es_of(self, subject_id: str, frames: tuple[int | None, ...]) -> tuple[int, int] | None:
        scan = self._scans[subject_id]
        if len(scan.phase_labels) == 2:
            return list(scan.phase_labels).index("ED"), list(scan.phase_labels).index("ES")
        if scan.ed is not None and scan.es is not None and {scan.ed, scan.es} <= set(frames):
            return frames.index(scan.ed), frames.index(scan.es)
        return None

    def _source_of(self, subject_id: str) -> str:
        return ", ".join(map(str, self._scans[subject_id].label_files))

    def _frame_at(self, subject_id: str, phase: str) -> int | None:
        """The frame of `image` at "ED" or "ES"; None where nothing says it."""
        scan = self._scans[subject_id]
        if scan.image is None:
            return list(scan.frames).index(phase) if phase in scan.frames else None
        return {"ED": scan.ed, "ES": scan.es}[phase]

    def _read_volumes(self, ids: tuple[str, ...]) -> pd.DataFrame:
        rows = {}
        for i in ids:
            labels, frames = self.labels(i)
            rows[i] = counted_volumes(labels, **self._ed_es(i, labels, frames))
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("ID")

    def _ed_es(self, subject_id: str, labels: LabelMap, frames: tuple[int | None, ...]) -> dict[str, int]:
        """Which frames of a label map are ED and ES: those that are stated, else by the LV cavity's volume."""
        scan, stated = self._scans[subject_id], self._ed_es_of(subject_id, frames)
        if stated is not None:
            return {"ed": stated[0], "es": stated[1]}
        if labels.n_frames < 2:
            raise CohortError(
                f"subject {subject_id!r} of cohort {self.name!r}: {scan.label_files[0].name} labels one frame only; "
                "volumes need ED and ES."
            )
        try:
            ed, es = ed_es_frames(labels.volume_ml("lv_cavity"))
        except ValueError as error:
            raise CohortError(f"subject {subject_id!r} of cohort {self.name!r}: {error}. State ED and ES.") from error
        return {"ed": ed, "es": es}

    def _has_volumes(self, scan: Scan) -> bool:
        assert scan.scheme is not None
        if not {"lv_cavity", "rv_cavity"} <= set(scan.scheme.codes):
            return False
        if scan.labels is None:
            return len(scan.phase_labels) == 2
        header = self._header(scan.labels)
        return header is not None and header.n_frames > 1

    def _header(self, path: Path) -> ImageHeader | None:
        if path not in self._headers:
            self._headers[path] = header_of(path)
        return self._headers[path]


def labelled_frames(labels: LabelMap, scan: Scan, n_frames: int) -> tuple[LabelMap, tuple[int | None, ...]]:
    """The frames that are labelled, and which frames of the cine they are; ED first where it is stated.

    Parameters
    ----------
    labels : LabelMap
        Of all frames of the cine, of ED and ES, or of one frame.
    scan : Scan
    n_frames : int
        Frames of the cine.

    Raises
    ------
    CohortError
        No voxel is labelled, or the label map has another number of frames than these.
    """
    stated = [frame for frame in (scan.ed, scan.es) if frame is not None]
    if not labels.labels.any():
        raise CohortError(f"{scan.label_files[0]}: holds no label in any frame. Leave it out, or give the right file.")
    if labels.n_frames == n_frames:
        found = [int(t) for t in np.flatnonzero(labels.labels.any(axis=(0, 1, 2)))]
        kept = stated if set(stated) == set(found) else found
        chosen = replace(labels, labels=labels.labels[..., kept])
        return _with_note(chosen, _disagreement(found, scan)), tuple(kept)
    if labels.n_frames == 1:
        return labels, (stated[0] if len(stated) == 1 else None,)
    if labels.n_frames == 2:
        return labels, (scan.ed, scan.es)
    raise CohortError(
        f"{scan.label_files[0]}: has {labels.n_frames} frames, and its cine {n_frames}. A label map has as many frames "
        "as the cine, or two (ED and ES), or one."
    )


def header_of(path: Path) -> ImageHeader | None:
    """What the header says; None for a file that cannot be read (reading it gives the reason)."""
    try:
        return read_header(path)
    except (OSError, EOFError, ValueError):
        return None


def says_simulated_anywhere(folder: Path, scans: dict[str, Scan], *tables: pd.DataFrame | None) -> bool:
    """Whether the folder, a table in it, or the first subject's files say that they are simulated.

    Files of later subjects are looked at when they are read; there a mark is an error.
    """
    first = next(iter(scans.values()))
    return (
        marked_simulated(folder)
        or any(table is not None and bool(table.attrs.get("simulated")) for table in tables)
        or any(says_simulated(path) or marked_simulated(path) for path in (first.first_image, *first.label_files))
    )


def _disagreement(found: list[int], scan: Scan) -> str | None:
    """What is said where the labelled frames are not those of the table."""
    stated = {phase: frame for phase, frame in (("ED", scan.ed), ("ES", scan.es)) if frame is not None}
    if set(stated.values()) <= set(found):
        return None
    said = " and ".join(f"{phase} {frame}" for phase, frame in stated.items())
    return (
        f"labelled frames are {', '.join(map(str, found))} (from 0), the table says {said}: the labels' own are taken"
    )


def _with_note(labels: LabelMap, note: str | None) -> LabelMap:
    return labels if note is None else replace(labels, notes=(*labels.notes, note))
