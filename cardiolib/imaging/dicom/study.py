"""The files of a folder as patients and studies: which there are, and which study of a patient is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cardiolib.imaging.dicom.files_given import GivenFiles
from cardiolib.imaging.dicom.headers import DAMAGED, DIRECTORY, FrameHeader, read_headers
from cardiolib.imaging.dicom.identity import Pseudonyms
from cardiolib.imaging.dicom.tags import DicomError
from cardiolib.progress import progress

BAR_FROM = 200
"""Files from which on a progress bar is shown."""

_SHOWN = 8


@dataclass(frozen=True, eq=False)
class StudyFiles:
    """All headers of the files given.

    Parameters
    ----------
    files : GivenFiles
    frames : tuple of FrameHeader
        Of all patients, each object once.
    damaged : tuple of int
        Numbers of the files whose header cannot be read.
    other, directories, duplicates : int
        Files that are no DICOM, DICOMDIR files, and files of an object that another file holds already.
    how_named : str
        How the IDs were made.
    """

    files: GivenFiles
    frames: tuple[FrameHeader, ...]
    damaged: tuple[int, ...]
    other: int
    directories: int
    duplicates: int
    how_named: str

    def __repr__(self) -> str:
        return f"StudyFiles({len(self.files)} files, {len(self.patients)} patients)"

    @property
    def patients(self) -> tuple[str, ...]:
        """IDs of the patients, in the order of their first file."""
        return tuple(dict.fromkeys(frame.patient for frame in self.frames if frame.patient is not None))

    def by_patient(self) -> dict[str, StudyFiles]:
        """The same for each patient alone."""
        frames: dict[str, list[FrameHeader]] = {}
        for frame in self.frames:
            if frame.patient is not None:
                frames.setdefault(frame.patient, []).append(frame)
        return {patient: replace(self, frames=tuple(own)) for patient, own in frames.items()}

    def counted(self) -> str:
        """What the files are, in words."""
        parts = [f"{len(self.files)} files"]
        parts += [f"{self.other} not DICOM"] if self.other else []
        parts += [f"{self.directories} DICOMDIR ignored"] if self.directories else []
        parts += [f"{self.duplicates} copies of others left out"] if self.duplicates else []
        if self.damaged:
            parts.append(f"{len(self.damaged)} damaged and left out (file {numbered(self.damaged)})")
        return ", ".join(parts)


def numbered(numbers: Sequence[int]) -> str:
    """The first few numbers, and how many more there are.

    >>> numbered([3, 5])
    '3, 5'
    """
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return ", ".join(map(str, numbers[:_SHOWN])) + more


def read_study_files(files: GivenFiles, pseudonyms: Pseudonyms, *, bar: bool | None = None) -> StudyFiles:
    """Read the headers of all files that are DICOM by what they hold.

    Parameters
    ----------
    files : GivenFiles
    pseudonyms : Pseudonyms
    bar : bool, optional
        Show a progress bar; by default from `BAR_FROM` files on.

    Raises
    ------
    DicomError
        No file is DICOM, none of those that are can be read, or a patient is not in the table of IDs.
    """
    frames: list[FrameHeader] = []
    damaged, seen = [], set[tuple[object, ...]]()
    other = directories = duplicates = 0
    shown = len(files) >= BAR_FROM if bar is None else bar
    for number in progress(files.numbers, label="DICOM headers", shown=shown):
        if not files.holds_dicom(number):
            other += 1
            continue
        found = read_headers(files, number, pseudonyms)
        directories += found.kind == DIRECTORY
        if found.kind == DAMAGED:
            damaged.append(number)
        new = [frame for frame in found.frames if _identity(frame) not in seen]
        duplicates += bool(found.frames) and not new
        seen |= {_identity(frame) for frame in new}
        frames += new
    study = StudyFiles(files, tuple(frames), tuple(damaged), other, directories, duplicates, pseudonyms.how())
    if not frames:
        raise DicomError(f"there is no DICOM image in it that can be read: {study.counted()}")
    nameless = sorted({frame.file for frame in frames if frame.patient is None})
    if nameless:
        raise DicomError(
            f"the table of IDs lacks a patient of the study: the PatientID of file {numbered(nameless)} is not in it. "
            "Add a row for each patient"
        )
    return study


def _identity(frame: FrameHeader) -> tuple[object, ...]:
    """What two copies of a file share: more than the UID, which some de-identification gives to many files."""
    position = None if frame.position is None else tuple(frame.position.round(3))
    place = frame.series, frame.instance, position, frame.trigger_ms, frame.taken_s
    return frame.patient, frame.study, frame.instance_uid, frame.index, *place


def choose_study(study: StudyFiles, wanted: str | int) -> tuple[StudyFiles, list[str]]:
    """The files of one study of one patient, and what to remark.

    Parameters
    ----------
    study : StudyFiles
        Of one patient.
    wanted : "newest" or int
        An integer counts the patient's studies from 1, the oldest.

    Raises
    ------
    DicomError
        There is no such study, or several whose order the files do not tell.
    """
    studies: dict[str, list[FrameHeader]] = {}
    for frame in study.frames:
        studies.setdefault(frame.study, []).append(frame)
    ordered = sorted(studies.values(), key=_age)
    if wanted != "newest" and not (isinstance(wanted, int) and 1 <= wanted <= len(ordered)):
        raise DicomError(f'study is "newest" or a number from 1 (the oldest) to {len(ordered)}; given {wanted!r}')
    notes = []
    if len(ordered) > 1:
        listed = "; ".join(_described(number, frames, ordered[-1]) for number, frames in enumerate(ordered, 1))
        if wanted == "newest" and _age(ordered[-1]) == _age(ordered[-2]):
            raise DicomError(f"a patient has several studies and their dates do not say which is the newest: {listed}")
        chosen = len(ordered) if wanted == "newest" else int(wanted)
        notes.append(f"study {chosen} of {len(ordered)} of this patient is read ({listed}); another: study=NUMBER")
    frames = ordered[-1] if wanted == "newest" else ordered[int(wanted) - 1]
    if len({frame.person for frame in frames}) > 1:
        notes.append("the files of this patient carry different names or birth dates: make sure that it is one person")
    return replace(study, frames=tuple(frames)), notes


def _age(frames: Sequence[FrameHeader]) -> tuple[int, float]:
    days = [frame.day for frame in frames if frame.day is not None]
    taken = [frame.taken_s for frame in frames if frame.taken_s is not None]
    return max(days, default=0), max(taken, default=0.0)


def _described(number: int, frames: Sequence[FrameHeader], newest: Sequence[FrameHeader]) -> str:
    """A study by its number, its size and how long before the newest it was; never by its date."""
    series = len({frame.series for frame in frames})
    days = _age(newest)[0] - _age(frames)[0]
    known = _age(newest)[0] and _age(frames)[0]
    when = (f", {days} days before the newest" if days else "") if known else ", without a date"
    return f"study {number}: {series} series, {len(frames)} frames{when}"
