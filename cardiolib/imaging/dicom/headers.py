"""What is read of a file's header: where and when each of its frames was taken, and nothing about whom."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from cardiolib.imaging.dicom.files_given import GivenFiles
from cardiolib.imaging.dicom.functional_groups import frame_datasets
from cardiolib.imaging.dicom.identity import Pseudonyms
from cardiolib.imaging.dicom.kinds import MR_CLASSES, ImageTags, why_no_cine
from cardiolib.imaging.dicom.marks import says_simulated_dicom
from cardiolib.imaging.dicom.tags import TAGS_READ, number, numbers, text, texts
from cardiolib.imaging.dicom.words import modality, safe_words, vendor

CYCLE_MS = (300.0, 3000.0)
"""Cardiac cycles that are believed: 20 to 200 beats a minute."""

_TIMES = (
    ("FrameAcquisitionDateTime", ""),
    ("AcquisitionDateTime", ""),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("SeriesDate", "SeriesTime"),
    ("StudyDate", "StudyTime"),
)
_SOME_DAY = "20000101"
_DIRECTORY = "1.2.840.10008.1.3.10"
_UNIT = 1e-2
_log = logging.getLogger("pydicom")


@dataclass(frozen=True, eq=False, repr=False)
class FrameHeader:
    """One frame of a file. Patients and UIDs stand in it as hashes only (`Pseudonyms`).

    Parameters
    ----------
    file, index : int
        Number of the file from 1, and of the frame in it from 0.
    patient : str or None
        The patient's ID as given out; None where the table of IDs has none.
    person : str
        Key of name and birth date: two of them under one ID are worth a remark.
    study, series, instance_uid, frame_of_reference, stack : str
        Keys.
    taken_s : float or None
        When the frame was acquired, in seconds, for the order of breath-holds. Never given out.
    day : int or None
        Day of the study; only differences of it are given out.
    series_number, instance, acquisition, phase : int or None
    position : (3,) array or None
        Centre of the first pixel, patient coordinates (LPS), mm.
    directions : (2, 3) array or None
        Unit vectors along a row (columns increase) and along a column (rows increase).
    spacing_mm : (2,) array or None
        Between rows, and between columns, as PixelSpacing has them.
    rows, columns : int
    thickness_mm, between_mm, trigger_ms, cycle_ms, echo_ms, inversion_ms : float or None
    left_out : str or None
        Why its tags say that it is no frame of a cine.
    words : tuple of str
        What may be repeated of the descriptions.
    modality, vendor, syntax : str
    field_t : float or None
    simulated : bool
    """

    file: int
    index: int
    patient: str | None
    person: str
    study: str
    series: str
    instance_uid: str
    frame_of_reference: str
    stack: str
    taken_s: float | None
    day: int | None
    series_number: int | None
    instance: int | None
    acquisition: int | None
    phase: int | None
    position: NDArray[np.float64] | None
    directions: NDArray[np.float64] | None
    spacing_mm: NDArray[np.float64] | None
    rows: int
    columns: int
    thickness_mm: float | None
    between_mm: float | None
    trigger_ms: float | None
    cycle_ms: float | None
    echo_ms: float | None
    inversion_ms: float | None
    left_out: str | None
    words: tuple[str, ...]
    modality: str
    vendor: str
    syntax: str
    field_t: float | None
    simulated: bool

    def __repr__(self) -> str:
        return f"FrameHeader(file {self.file}, frame {self.index + 1})"

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit normal of the plane: along a row, cross along a column."""
        assert self.directions is not None
        return np.cross(self.directions[0], self.directions[1])


IMAGES, DIRECTORY, DAMAGED = "images", "directory", "damaged"


class FileHeaders(NamedTuple):
    """What a file holds (`IMAGES`, `DIRECTORY` or `DAMAGED`) and the headers of its frames."""

    kind: str
    frames: list[FrameHeader]


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """pydicom without its warnings: they repeat the values that they complain about, names among them."""
    settings, level = pydicom.config.settings, _log.level
    before = settings.reading_validation_mode
    settings.reading_validation_mode = pydicom.config.IGNORE
    _log.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        settings.reading_validation_mode = before
        _log.setLevel(level)


def read_headers(files: GivenFiles, file: int, pseudonyms: Pseudonyms) -> FileHeaders:
    """Headers of all frames of one file; the pixels are not read.

    A file whose header cannot be read is `DAMAGED`: no value of it is repeated, and nothing is raised.
    """
    with quiet_pydicom():
        try:
            with files.open(file) as stream:
                data = pydicom.dcmread(stream, stop_before_pixels=True, force=True, specific_tags=list(TAGS_READ))
            meta = getattr(data, "file_meta", None) or Dataset()
            sop_class = text(data, "SOPClassUID") or text(meta, "MediaStorageSOPClassUID")
            if sop_class == _DIRECTORY:
                return FileHeaders(DIRECTORY, [])
            cut = sop_class in MR_CLASSES and not number(data, "Rows")  # the size stands near the end of a header
            if not sop_class or not text(data, "SOPInstanceUID") or cut:
                return FileHeaders(DAMAGED, [])
            syntax = text(meta, "TransferSyntaxUID")
            # frames as data sets of their own: the same code then reads classic and enhanced files
            flat = enumerate(frame_datasets(data))
            frames = [_header(frame, file, index, sop_class, syntax, pseudonyms) for index, frame in flat]
        except Exception:  # whatever a damaged file brings; the message may hold its values
            return FileHeaders(DAMAGED, [])
    return FileHeaders(IMAGES, frames)


def _header(data: Dataset, file: int, index: int, sop_class: str, syntax: str, pseudonyms: Pseudonyms) -> FrameHeader:
    key = pseudonyms.key
    image_type = texts(data, "ImageType") + texts(data, "FrameType") + texts(data, "ComplexImageComponent")
    image_type += texts(data, "AcquisitionContrast")
    patient = text(data, "PatientID") or text(data, "PatientName")
    study = text(data, "StudyInstanceUID")
    names = [text(data, name) for name in ("PatientID", "PatientName", "OtherPatientIDs", "OtherPatientNames")]
    described = [text(data, name) for name in ("SeriesDescription", "ProtocolName")]
    words = safe_words(described, names=names)
    inverted = "IR" if text(data, "InversionRecovery") == "YES" else ""
    cycle = number(data, "NominalInterval") or _from_rate(number(data, "HeartRate"))
    tags = ImageTags(
        sop_class,
        text(data, "Modality"),
        image_type,
        frozenset(words),
        " ".join((text(data, "SequenceName"), *texts(data, "ScanningSequence"), inverted)),
        int(number(data, "SamplesPerPixel") or 1),
        text(data, "BurnedInAnnotation") == "YES",
        bool(number(data, "VelocityEncodingMaximumValue")),
    )
    return FrameHeader(
        file=file,
        index=index,
        patient=pseudonyms.patient(patient or study),
        person=key(_person(data)),
        study=key(study),
        series=key(text(data, "SeriesInstanceUID")),
        instance_uid=key(text(data, "SOPInstanceUID")),
        frame_of_reference=key(text(data, "FrameOfReferenceUID")),
        stack=key(text(data, "StackID")),
        taken_s=_taken_s(data),
        day=_day(text(data, "StudyDate")),
        series_number=_whole(data, "SeriesNumber"),
        instance=_whole(data, "InstanceNumber"),
        acquisition=_whole(data, "AcquisitionNumber"),
        phase=_whole(data, "TemporalPositionIdentifier"),
        position=numbers(data, "ImagePositionPatient", 3),
        directions=_directions(data),
        spacing_mm=_positive(numbers(data, "PixelSpacing", 2)),
        rows=int(number(data, "Rows") or 0),
        columns=int(number(data, "Columns") or 0),
        thickness_mm=number(data, "SliceThickness"),
        between_mm=number(data, "SpacingBetweenSlices"),
        trigger_ms=number(data, "TriggerTime"),
        cycle_ms=cycle if cycle is not None and CYCLE_MS[0] <= cycle <= CYCLE_MS[1] else None,
        echo_ms=number(data, "EchoTime"),
        inversion_ms=number(data, "InversionTime"),
        left_out=why_no_cine(tags),
        words=words,
        modality=modality(text(data, "Modality")),
        vendor=vendor(text(data, "Manufacturer")),
        syntax=syntax,
        field_t=number(data, "MagneticFieldStrength"),
        simulated=says_simulated_dicom(image_type, text(data, "ImageComments"), text(data, "Manufacturer")),
    )


def _directions(data: Dataset) -> NDArray[np.float64] | None:
    """Two unit vectors at right angles, or None for anything else."""
    found = numbers(data, "ImageOrientationPatient", 6)
    if found is None:
        return None
    pair = found.reshape(2, 3)
    if not np.allclose(pair @ pair.T, np.eye(2), atol=_UNIT):
        return None
    row = pair[0] / np.linalg.norm(pair[0])
    column = pair[1] - (pair[1] @ row) * row
    return np.stack([row, column / np.linalg.norm(column)])


def _positive(pair: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    return None if pair is None or not (pair > 0).all() else pair


def _from_rate(beats: float | None) -> float | None:
    return 60000.0 / beats if beats else None


def _whole(data: Dataset, name: str) -> int | None:
    found = number(data, name)
    return None if found is None else int(found)


def _person(data: Dataset) -> str:
    name = text(data, "PatientName").upper().rstrip("^ ").replace("^", " ")
    return f"{' '.join(name.split())}|{text(data, 'PatientBirthDate')}"


def _day(date: str) -> int | None:
    moment = _moment(date)
    return None if moment is None else moment.toordinal()


def _taken_s(data: Dataset) -> float | None:
    """Seconds of the clock at which a frame was acquired: the most exact of the times that a file may have."""
    for date, time in _TIMES:
        if time and not text(data, time):
            continue
        # where dates were taken out the times still give an order
        moment = _moment((text(data, date) or _SOME_DAY) + text(data, time) if time else text(data, date))
        if moment is not None:
            return moment.toordinal() * 86400.0 + _seconds(moment)
    return None


def _seconds(moment: datetime) -> float:
    return moment.hour * 3600.0 + moment.minute * 60.0 + moment.second + moment.microsecond * 1e-6


def _moment(digits: str) -> datetime | None:
    """A date with as much of the time as is there; time zones do not matter for an order within one study."""
    digits = digits.split("+")[0].split("-")[0].replace(":", "")
    for form in ("%Y%m%d%H%M%S.%f", "%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d"):
        try:
            return datetime.strptime(digits, form)
        except ValueError:
            continue
    return None
