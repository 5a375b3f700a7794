"""A simulated cine as a DICOM study, file by file as a scanner writes it, and marked as simulated in every file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds
from scipy.ndimage import map_coordinates

from cardiolib.files import atomic_path
from cardiolib.imaging.cine import Cine
from cardiolib.imaging.dicom.marks import SIMULATED_MAKER, SIMULATED_NAME, SIMULATED_TYPE
from cardiolib.imaging.geometry import voxel_from_world
from cardiolib.imaging.reading import SIMULATED_DESCRIPTION

BITS = 12
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"

_TOP = (1 << BITS) - 1
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_BREATH_HOLD_S = 12
_SCOUT_PIXELS, _SCOUT_MM = 96, 3.0


@dataclass(frozen=True, eq=False)
class WrittenSeries:
    """Frames of one plane over time, as a series is to hold them.

    Parameters
    ----------
    description : str
    pixels : (T, rows, columns) uint16 array
    affine : (4, 4) array
        Of the slice (I columns, J rows, third column along the normal), RAS+ mm.
    """

    description: str
    pixels: NDArray[np.uint16]
    affine: NDArray[np.float64]


def write_simulated_study(
    cine: Cine,
    folder: str | os.PathLike[str],
    *,
    scouts: bool = False,
    four_chamber: bool = False,
    thickness_mm: float | None = None,
    patient_id: str = "SIMULATED",
) -> int:
    """Write a simulated cine as a study of classic MR files: one series a slice, one file a frame.

    Parameters
    ----------
    cine : Cine
        Simulated, with a frame time. Grey values are kept to 12 bits, with slope and intercept.
    folder : path-like
        Must be absent or empty. Files get names without meaning below one folder a series.
    scouts : bool
        Three series of one frame each, in the planes of the body, before the cine.
    four_chamber : bool
        One long-axis cine, cut out of the stack, before the short-axis series.
    thickness_mm : float, optional
        Of the slices; by default 80 % of the distance between them.
    patient_id : str
        PatientID; PatientName is always ``SIMULATED^NO PATIENT``.

    Returns
    -------
    int
        Number of files.

    Raises
    ------
    ValueError
        The cine is not marked as simulated, has no frame time, or the folder holds files.

    Notes
    -----
    Every file says in ImageComments, ImageType and Manufacturer that it is simulated; `read_scan` takes any of the
    three as the mark. The same cine gives the same bytes.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> cine = cl.Cine(np.ones((8, 8, 4, 10)), np.diag([1.5, 1.5, 10, 1]), frame_time_ms=80, simulated=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_simulated_study(cine, f"{folder}/study", scouts=True)
    43
    """
    if not cine.simulated:
        raise ValueError("this cine is of a patient; only a simulated cine is written as DICOM (Cine.simulated)")
    if cine.frame_time_ms is None:
        raise ValueError("the cine has no frame time, so no trigger times can be written: set frame_time_ms")
    target = Path(folder)
    if target.exists() and any(target.iterdir()):
        raise ValueError("the folder holds files already: a study is written into a folder of its own")
    low, high = float(cine.voxels.min()), float(cine.voxels.max())
    slope = (high - low) / _TOP or 1.0
    stored = np.rint((cine.voxels - low) / slope).astype(np.uint16)
    thick = thickness_mm or 0.8 * float(cine.spacing_mm[2])
    files = 0
    for number, series in enumerate(_series(cine, stored, scouts=scouts, four_chamber=four_chamber), 1):
        for index, pixels in enumerate(series.pixels):
            data = simulated_frame(
                pixels,
                series.affine,
                description=series.description,
                patient_id=patient_id,
                series=number,
                frame=index,
                n_frames=len(series.pixels),
                frame_time_ms=cine.frame_time_ms,
                rescale=(slope, low),
                thickness_mm=thick,
                moment_s=(number - 1) * _BREATH_HOLD_S,
            )
            with atomic_path(target / f"S{number:04d}" / f"I{index + 1:04d}") as temporary:
                data.save_as(temporary, enforce_file_format=True)
            files += 1
    return files


def simulated_frame(
    pixels: NDArray[np.uint16],
    affine: NDArray[np.float64],
    *,
    description: str,
    series: int,
    frame: int,
    n_frames: int,
    frame_time_ms: float,
    patient_id: str = "SIMULATED",
    rescale: tuple[float, float] = (1.0, 0.0),
    thickness_mm: float = 8.0,
    moment_s: float = 0.0,
) -> FileDataset:
    """One classic MR file of a simulated study, in memory.

    Parameters
    ----------
    pixels : (rows, columns) uint16 array
    affine : (4, 4) array
        Of the slice, RAS+ mm: I along the columns' index, J along the rows'; its origin is the first pixel.
    description : str
        SeriesDescription.
    series, frame, n_frames : int
        SeriesNumber from 1; the frame from 0 of how many.
    frame_time_ms : float
        TriggerTime is ``frame * frame_time_ms``.
    patient_id : str
    rescale : (slope, intercept)
    thickness_mm : float
    moment_s : float
        Seconds after noon at which the breath-hold began.

    Returns
    -------
    pydicom.dataset.FileDataset
        With every mark of a simulated file.
    """
    lps = _LPS @ affine
    spacing = np.linalg.norm(lps[:3, :2], axis=0)
    directions = (lps[:3, :2] / spacing).T
    names = ["cardiolib", patient_id, ", "]
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(MR_IMAGE)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[*names, f"series {series} frame {frame}"])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    clock = f"12{int(moment_s) // 60 % 60:02d}{moment_s % 60:09.6f}"
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", SIMULATED_TYPE]
    data.ImageComments, data.Manufacturer = SIMULATED_DESCRIPTION, SIMULATED_MAKER
    data.PatientName, data.PatientID, data.PatientBirthDate, data.PatientSex = SIMULATED_NAME, patient_id, "", ""
    data.Modality, data.BodyPartExamined, data.PatientPosition = "MR", "HEART", "HFS"
    data.StudyDate = data.SeriesDate = data.AcquisitionDate = data.ContentDate = "20000101"
    data.StudyTime, data.SeriesTime, data.AcquisitionTime, data.ContentTime = "120000", clock, clock, clock
    data.StudyDescription, data.SeriesDescription = "simulated cardiac MR", description
    data.StudyInstanceUID = generate_uid(entropy_srcs=[*names, "study"])
    data.SeriesInstanceUID = generate_uid(entropy_srcs=[*names, f"series {series}"])
    data.FrameOfReferenceUID = generate_uid(entropy_srcs=[*names, "frame of reference"])
    data.StudyID, data.AccessionNumber, data.ReferringPhysicianName = "1", "", ""
    data.SeriesNumber, data.InstanceNumber, data.AcquisitionNumber = series, frame + 1, 1
    data.ScanningSequence, data.SequenceVariant, data.ScanOptions, data.MRAcquisitionType = "GR", "SK", "CG", "2D"
    data.EchoTime, data.RepetitionTime = "1.5", _ds(frame_time_ms)
    data.SliceThickness = _ds(thickness_mm)
    data.CardiacNumberOfImages, data.NominalInterval = n_frames, round(n_frames * frame_time_ms)
    data.TriggerTime = _ds(frame * frame_time_ms)
    data.ImagePositionPatient = [_ds(value) for value in lps[:3, 3]]
    data.ImageOrientationPatient = [_ds(value) for value in directions.ravel()]
    data.PixelSpacing = [_ds(spacing[1]), _ds(spacing[0])]
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, BITS, BITS - 1, 0
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = _ds(rescale[0]), _ds(rescale[1]), "US"
    data.PixelData = pixels.astype("<u2").tobytes()
    return data


def _ds(value: float) -> str:
    """A number as the standard's decimal string, at most 16 characters."""
    return format_number_as_ds(float(value))


def _series(cine: Cine, stored: NDArray[np.uint16], *, scouts: bool, four_chamber: bool) -> Iterator[WrittenSeries]:
    if scouts:
        for name, affine in _body_planes(cine):
            image = _cut(stored[..., :1], cine.affine, affine, (_SCOUT_PIXELS, _SCOUT_PIXELS))
            yield WrittenSeries(f"localizer {name}", image, affine)
    if four_chamber:
        affine, shape = _long_axis_plane(cine)
        yield WrittenSeries("cine 4ch", _cut(stored, cine.affine, affine, shape), affine)
    for k in range(stored.shape[2]):
        affine = cine.affine.copy()
        affine[:3, 3] = cine.affine[:3, 3] + k * cine.affine[:3, 2]
        yield WrittenSeries("cine sax", stored[:, :, k].transpose(2, 1, 0), affine)


def _body_planes(cine: Cine) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Transverse, coronal and sagittal planes through the middle of the stack (RAS)."""
    planes = {
        "tra": ((-1, 0, 0), (0, -1, 0)),
        "cor": ((-1, 0, 0), (0, 0, -1)),
        "sag": ((0, -1, 0), (0, 0, -1)),
    }
    for name, (right, down) in planes.items():
        yield (
            name,
            _plane(_middle(cine), np.array(right, float), np.array(down, float), (_SCOUT_PIXELS,) * 2, _SCOUT_MM),
        )


def _long_axis_plane(cine: Cine) -> tuple[NDArray[np.float64], tuple[int, int]]:
    """The plane through the middle of the stack that holds its first axis and its normal."""
    step = float(cine.spacing_mm[0])
    right, down = (cine.affine[:3, axis] / cine.spacing_mm[axis] for axis in (0, 2))
    shape = (round(cine.shape[2] * float(cine.spacing_mm[2]) / step), cine.shape[0])
    return _plane(_middle(cine), right, down, shape, step), shape


def _middle(cine: Cine) -> NDArray[np.float64]:
    return cine.affine[:3, :3] @ ((np.array(cine.shape) - 1) / 2) + cine.affine[:3, 3]


def _plane(
    middle: NDArray[np.float64],
    right: NDArray[np.float64],
    down: NDArray[np.float64],
    shape: tuple[int, ...],
    step: float,
) -> NDArray[np.float64]:
    affine = np.eye(4)
    affine[:3, :3] = np.column_stack([right * step, down * step, np.cross(right, down)])
    affine[:3, 3] = middle - affine[:3, 0] * (shape[1] - 1) / 2 - affine[:3, 1] * (shape[0] - 1) / 2
    return affine


def _cut(
    stored: NDArray[np.uint16], affine: NDArray[np.float64], plane: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.uint16]:
    """(T, rows, columns) of a plane through a stack; black beyond it."""
    j, i = np.indices(shape)
    world = np.stack([i, j, np.zeros_like(i)], axis=-1) @ plane[:3, :3].T + plane[:3, 3]
    places = np.moveaxis(voxel_from_world(affine, world), -1, 0)
    frames = [map_coordinates(stored[..., t].astype(np.float32), places, order=1) for t in range(stored.shape[3])]
    return np.rint(np.stack(frames)).astype(np.uint16)
