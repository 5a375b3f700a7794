"""Values of tags, read without trust: what cannot be understood is absent, and nothing of it is repeated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

TAGS_READ = [
    *("ImageType", "SOPClassUID", "SOPInstanceUID", "Modality", "Manufacturer", "SeriesDescription", "ProtocolName"),
    *("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "AcquisitionDateTime"),
    *("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime", "ComplexImageComponent", "AcquisitionContrast"),
    *("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "OtherPatientNames"),
    *("ScanningSequence", "SequenceName", "SliceThickness", "SpacingBetweenSlices", "EchoTime", "InversionTime"),
    *("TriggerTime", "NominalInterval", "HeartRate", "MagneticFieldStrength", "InversionRecovery"),
    *("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "SeriesNumber", "InstanceNumber"),
    *("AcquisitionNumber", "TemporalPositionIdentifier", "ImagePositionPatient", "ImageOrientationPatient"),
    *("ImageComments", "SamplesPerPixel", "PixelSpacing", "Rows", "Columns", "NumberOfFrames", "BurnedInAnnotation"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "StackID"),
]
"""All that is read of a header. No private tag is among them."""


class DicomError(ValueError):
    """A study that cannot be read as it is; the message names series and files by numbers, never a patient."""


def text(data: Dataset, name: str) -> str:
    """One value as text, "" where it is absent or damaged."""
    return "\\".join(texts(data, name))


def texts(data: Dataset, name: str) -> tuple[str, ...]:
    """All values as text, without the blanks at their ends."""
    try:
        value = data.get(name)
        if value is None:
            return ()
        several = (
            value if not isinstance(value, str) and hasattr(value, "__iter__") and not _is_name(value) else [value]
        )
        found = (str(one).strip(" \0") for one in several)
        return tuple(one for one in found if one)
    except Exception:  # pydicom converts a value when it is asked for; what a damaged one raises has no end
        return ()


def number(data: Dataset, name: str) -> float | None:
    """One finite number, the first where there are several, or None."""
    found = numbers(data, name)
    return None if found is None or not found.size else float(found[0])


def numbers(data: Dataset, name: str, count: int | None = None) -> NDArray[np.float64] | None:
    """Finite numbers, exactly `count` of them where that is given, or None."""
    try:
        value = data.get(name)
        if value is None or value == "":
            return None
        several = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except Exception:
        return None
    if not np.isfinite(several).all() or (count is not None and several.shape != (count,)):
        return None
    return several


def _is_name(value: object) -> bool:
    return type(value).__name__ == "PersonName"
