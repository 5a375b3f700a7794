"""Identifying strings planted in every text tag, file name and folder name of a study, and a search for them."""

from __future__ import annotations

import contextlib
import gzip
import io
import logging
import traceback
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pydicom
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from cardiolib.cohorts import open_cohort
from cardiolib.files import write_table
from cardiolib.imaging import read_scan, write_cine

MARK = "zqxw"
"""Part of every planted text; no word of the library holds it."""

BIRTH, DAY, CLOCK = "19410913", "20170619", "071359"
PATIENT = f"{MARK}4711"

_TEXT = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT", "UR"}
_GROUPS = {0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0028, 0x0032, 0x0038, 0x0040}
_NEEDED = {
    *("ImageType", "Modality", "PhotometricInterpretation", "SpecificCharacterSet", "BurnedInAnnotation"),
    *("SeriesDescription", "ProtocolName", "ScanningSequence", "SequenceName", "PatientID", "InversionRecovery"),
    *("ComplexImageComponent", "AcquisitionContrast"),
}


def plant(folder: Path, into: Path) -> Path:
    """Write the study of `folder` into a folder of telling names, with planted texts in its tags.

    Returns
    -------
    Path
        The new folder. Files that pydicom cannot read are copied as they are, under telling names too.
    """
    home = into / f"{MARK.upper()}_John {PATIENT}"
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        target = home / f"{MARK} study of {DAY}" / f"{MARK}^doe {number:05d}.dcm"
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            data = pydicom.dcmread(path)
            plant_in(data)
            data.save_as(target, enforce_file_format=True)
        except Exception:  # an arrangement that is damaged on purpose
            target.write_bytes(path.read_bytes())
    return home


def plant_in(data: Dataset) -> None:
    """Put a telling text into every text tag of a data set, known dates into its dates, and a private block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data.update(_telling())
        data.PatientID = f"{PATIENT}{data.get('PatientID', '')}"[:60]
        data.PatientName, data.PatientBirthDate, data.OtherPatientIDs = f"{MARK}^John", BIRTH, [PATIENT, MARK]
        data.SeriesDescription = f"{data.get('SeriesDescription', '')} {MARK} of John"[:64]
        data.StudyDate = data.get("StudyDate", "") if data.get("StudyDate") != "20000101" else DAY
        block = data.private_block(0x0029, f"{MARK} PRIVATE", create=True)
        block.add_new(1, "LO", f"{MARK} private")
        data.RequestAttributesSequence = [Dataset()]
        data.RequestAttributesSequence[0].RequestedProcedureDescription = f"{MARK} procedure"
        data.DeviceUID = generate_uid(entropy_srcs=[MARK])


@cache
def _telling() -> Dataset:
    data = Dataset()
    for tag, (vr, _, _, retired, keyword) in DicomDictionary.items():
        if tag >> 16 not in _GROUPS or vr not in _TEXT or keyword in _NEEDED or not keyword or retired:
            continue
        setattr(data, keyword, f"{MARK}{tag:x}"[:16] if vr in ("SH", "AE", "CS") else f"{MARK} {keyword}"[:64])
    return data


def secrets_of(folder: Path) -> list[str]:
    """What must not be found in any output of a planted study."""
    found = {MARK, BIRTH, DAY, CLOCK, "4711", "john", "1941", "2017-06"}
    for path in folder.rglob("*"):
        try:
            data = pydicom.dcmread(path, stop_before_pixels=True) if path.is_file() else Dataset()
        except Exception:
            continue
        found |= {
            str(data.get(name)) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID") if name in data
        }
    return sorted(found)


def outputs_of(folder: Path, out: Path, **options: object) -> Iterator[tuple[str, bytes]]:
    """Everything that a study leads to, by name: as scan and cohort, printed, written, warned, logged or refused."""
    stream, log = io.StringIO(), io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(stream):
            warnings.simplefilter("always")
            yield from _scan_outputs(folder, out, options)
            yield from _cohort_outputs(folder, out)
        yield "warnings", "\n".join(str(one.message) for one in caught).encode()
    finally:
        logging.getLogger().removeHandler(handler)
    yield "stderr", stream.getvalue().encode()
    yield "log", log.getvalue().encode()


def found_in(outputs: Iterator[tuple[str, bytes]], secrets: list[str]) -> list[str]:
    """Which secrets stand in which outputs."""
    listed = [(name, content.lower()) for name, content in outputs]
    return [
        f"{secret} in {name}" for name, content in listed for secret in secrets if secret.lower().encode() in content
    ]


def _scan_outputs(folder: Path, out: Path, options: dict[str, object]) -> Iterator[tuple[str, bytes]]:
    try:
        scan = read_scan(folder, bar=True, **options)  # type: ignore[arg-type]
    except Exception:
        yield "error of read_scan", traceback.format_exc().encode()
        return
    yield "scan", f"{scan!r}\n{scan._repr_html_()}\n{scan.series.to_string()}\n{scan.subject_id}".encode()
    write_table(scan.series, out / "series.csv", simulated=scan.simulated)
    write_cine(scan, out / "cine.nii.gz")
    yield "series.csv", (out / "series.csv").read_bytes()
    yield "cine.nii.gz", gzip.decompress((out / "cine.nii.gz").read_bytes())


def _cohort_outputs(folder: Path, out: Path) -> Iterator[tuple[str, bytes]]:
    try:
        cohort = open_cohort(folder)
        images = [cohort.image(name) for name in cohort.ids_with("images")]
    except Exception:
        yield "error of open_cohort", traceback.format_exc().encode()
        return
    yield "cohort", f"{cohort!r}\n{cohort._repr_html_()}\n{cohort.table.to_csv()}\n{images!r}".encode()
    write_table(cohort.table, out / "cohort.csv", simulated=cohort.simulated)
    yield "cohort.csv", (out / "cohort.csv").read_bytes()
