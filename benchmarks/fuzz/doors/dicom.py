"""DICOM: a small study as a folder; damaged bytes of one file, and tags of one file with other values."""

from __future__ import annotations

import io
import random
import re
import tempfile
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from benchmarks.dicom_making import oblique_affine
from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged, places_changed
from cardiolib.imaging import Cine, read_scan
from cardiolib.imaging.dicom import write_simulated_study

_FRAMES, _SLICES = 3, 3
_TAGS = (
    *("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel"),
    *("NumberOfFrames", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness"),
    *("TriggerTime", "InstanceNumber", "SeriesInstanceUID", "SOPInstanceUID", "StudyInstanceUID", "SOPClassUID"),
    *("RescaleSlope", "RescaleIntercept", "PhotometricInterpretation", "NominalInterval", "StudyDate", "PatientID"),
    *("Modality", "ImageType", "SpecificCharacterSet", "AcquisitionTime", "PixelPaddingValue"),
)
_TOLD_OF_SELF = ("RescaleSlope", "RescaleIntercept", "BitsStored", "HighBit", "PixelRepresentation", "TriggerTime")
"""Tags that nothing else in the study can contradict, besides what other frames of a slice say."""
_ODD: tuple[Any, ...] = (
    *("", "x", "0", "-1", "1e9", "nan", "inf", "1\\2", "1\\2\\3\\4\\5\\6\\7", "\0", "ä" * 40, "9" * 16, "1.5"),
    *(None, 0, 1, 3, 16, 255, 65535),
)


@lru_cache(maxsize=1)
def seeds() -> dict[str, bytes]:
    """Three slices of three frames, 8 x 8 pixels."""
    voxels = np.rint(np.random.default_rng(9).uniform(0, 4095, (8, 8, _SLICES, _FRAMES)))
    with tempfile.TemporaryDirectory() as folder:
        write_simulated_study(Cine(voxels, oblique_affine(), 225.0, simulated=True), folder)
        paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def read(folder: Path) -> Reading:
    """The cine of the study."""
    scan = read_scan(folder, salt="a secret", phases=(2, 50), bar=False)
    left_out = [] if scan.series is None else [str(scan.series.to_csv())]
    frame_time = np.nan if scan.frame_time_ms is None else scan.frame_time_ms
    values = {"voxels": scan.voxels, "affine": scan.affine, "frame_time_ms": frame_time, "simulated": scan.simulated}
    return Reading(values, (*scan.notes, *left_out))


def mutate(files: Files, rng: random.Random) -> Mutant:
    """Damage to one file, a tag of it with another value, or the file gone."""
    name = rng.choice(sorted(files))
    roll = rng.random()
    if roll < 0.05:
        return Mutant({name: None}, "a file is gone", Expect.NOTICED)
    if roll < 0.5:
        tag, value = rng.choice(_TAGS), rng.choice(_ODD)
        changed = _with_tag(files[name], tag, value)
        if changed is not None:
            expect = Expect.FREE if tag in _TOLD_OF_SELF else Expect.NOTICED
            return Mutant({name: changed}, f"{tag} = {value!r}", expect)
    after, told = damaged(files[name], rng)
    return Mutant({name: after}, told, _expected(files[name], after))


def _with_tag(content: bytes, tag: str, value: Any) -> bytes | None:
    """The file with another value of one tag; None where it cannot be written."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = pydicom.config.settings.writing_validation_mode
        pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
        try:
            data = pydicom.dcmread(io.BytesIO(content))
            if value is None:
                if tag not in data:
                    return None
                del data[tag]
            else:
                _set(data, tag, value)
            stream = io.BytesIO()
            data.save_as(stream)
            return stream.getvalue()
        except Exception:  # pydicom does not write every value for every tag
            return None
        finally:
            pydicom.config.settings.writing_validation_mode = before


def _set(data: Dataset, tag: str, value: Any) -> None:
    parts = value.split("\\") if isinstance(value, str) and "\\" in value else value
    setattr(data, tag, parts)


def _expected(before: bytes, after: bytes) -> Expect:
    """Pixels and most values are under no checksum; a file that has lost its end can be seen."""
    if len(after) < len(before):
        return Expect.NOTICED if before.startswith(after) else Expect.FREE
    if len(after) > len(before):
        return Expect.NOTICED if after.startswith(before) else Expect.FREE
    return Expect.NOTICED if max(places_changed(before, after)) < 132 else Expect.FREE


def _names(message: str, mutant: Mutant) -> bool:
    """Files, slices, series and patients by number: names of files may be those of patients."""
    told = r"\bfiles?\b|\bslices?\b|\bseries\b|\bpatients?\b|\bstudy\b|\bframes?\b"
    return re.search(told, message) is not None and not any(Path(name).name in message for name in mutant.files)


DOOR = Door("dicom", seeds, read, mutate, {"affine": 0.05}, _names)
