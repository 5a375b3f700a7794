"""Pixels of frames as grey values: rescaled, padding taken out, brighter meaning more signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, UID_dictionary

from cardiolib.imaging.dicom.files_given import GivenFiles
from cardiolib.imaging.dicom.functional_groups import frame_datasets
from cardiolib.imaging.dicom.headers import FrameHeader, quiet_pydicom
from cardiolib.imaging.dicom.tags import DicomError, number, text

READABLE = {
    "": "none stated",
    "1.2.840.10008.1.2": "Implicit VR Little Endian",
    "1.2.840.10008.1.2.1": "Explicit VR Little Endian",
    "1.2.840.10008.1.2.1.99": "Deflated Explicit VR Little Endian",
    "1.2.840.10008.1.2.2": "Explicit VR Big Endian",
    "1.2.840.10008.1.2.5": "RLE Lossless",
}
"""Transfer syntaxes whose pixels are read: plain ones and run lengths."""


def refuse_compressed(frames: Sequence[FrameHeader]) -> None:
    """Refuse frames whose pixels are compressed in other ways than by run lengths.

    Raises
    ------
    DicomError
    """
    found = sorted({frame.syntax for frame in frames} - READABLE.keys())
    if not found:
        return
    name = UID(found[0]).name if found[0] in UID_dictionary else "a transfer syntax that the standard does not know"
    raise DicomError(
        f"its pixels are compressed ({name}), which cardiolib does not read. Decompress them first, each file with "
        "`gdcmconv --raw IN OUT` (GDCM), or with DCMTK's `dcmdjpeg IN OUT` (JPEG), `dcmdjpls IN OUT` (JPEG-LS), and "
        "give the folder of the new files"
    )


def read_pixels(
    files: GivenFiles, frames: Sequence[FrameHeader]
) -> tuple[dict[tuple[int, int], NDArray[np.float32]], list[int]]:
    """Grey values of frames, and the numbers of files whose pixels are damaged or incomplete.

    Parameters
    ----------
    files : GivenFiles
    frames : sequence of FrameHeader

    Returns
    -------
    images : dict
        (file, index) to (rows, columns) float32; NaN where a pixel is padding.
    damaged : list of int
    """
    images: dict[tuple[int, int], NDArray[np.float32]] = {}
    damaged = []
    wanted: dict[int, list[FrameHeader]] = {}
    for frame in frames:
        wanted.setdefault(frame.file, []).append(frame)
    for file in sorted(wanted):
        try:
            images |= _read_file(files, wanted[file])
        except Exception:  # a decoder may raise anything, and its message may repeat what the file holds
            damaged.append(file)
    return images, damaged


def _read_file(files: GivenFiles, frames: Sequence[FrameHeader]) -> dict[tuple[int, int], NDArray[np.float32]]:
    with quiet_pydicom(), files.open(frames[0].file) as stream:
        data = pydicom.dcmread(stream, force=True)
        if not text(data.file_meta, "TransferSyntaxUID"):
            data.file_meta.TransferSyntaxUID = UID(_bare_syntax(data))
        stored = data.pixel_array
        if stored.ndim == 2:
            stored = stored[None]
        headers = list(frame_datasets(data))
        found = {}
        for frame in frames:
            image = stored[frame.index]
            if image.shape != (frame.rows, frame.columns):
                raise ValueError("another size than the header says")
            found[frame.file, frame.index] = grey_values(image, headers[frame.index])
    return found


def grey_values(stored: NDArray, header: Dataset) -> NDArray[np.float32]:
    """Stored integers as grey values.

    Parameters
    ----------
    stored : (rows, columns) integer array
    header : Dataset
        With BitsStored, HighBit, PixelRepresentation, PhotometricInterpretation, RescaleSlope, RescaleIntercept,
        PixelPaddingValue, PixelPaddingRangeLimit, each where it is there.

    Returns
    -------
    (rows, columns) float32 array
        ``slope * value + intercept`` of the bits that are stored; inverted where the smallest value is white
        (MONOCHROME1); NaN where a pixel is padding.

    Examples
    --------
    >>> from pydicom.dataset import Dataset
    >>> header = Dataset()
    >>> header.BitsStored, header.HighBit, header.PixelRepresentation = 12, 11, 0
    >>> header.RescaleSlope, header.RescaleIntercept = 2, -10
    >>> grey_values(np.array([[0x0005, 0xF005]], np.uint16), header).tolist()
    [[0.0, 0.0]]
    """
    bits = int(number(header, "BitsStored") or stored.dtype.itemsize * 8)
    high = number(header, "HighBit")
    shift = 0 if high is None else int(high) + 1 - bits
    signed = number(header, "PixelRepresentation") == 1
    value = (stored.astype(np.int64) >> shift) & ((1 << bits) - 1)
    low, top = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    if signed:
        value = np.where(value > top, value - (1 << bits), value)
    padding = _padding(value, header)
    if text(header, "PhotometricInterpretation") == "MONOCHROME1":
        value = low + top - value
    slope, intercept = number(header, "RescaleSlope"), number(header, "RescaleIntercept")
    grey = value * (1.0 if slope is None else slope) + (0.0 if intercept is None else intercept)
    return np.where(padding, np.nan, grey).astype(np.float32)


def _padding(value: NDArray[np.int64], header: Dataset) -> NDArray[np.bool_]:
    one, limit = number(header, "PixelPaddingValue"), number(header, "PixelPaddingRangeLimit")
    if one is None:
        return np.zeros(value.shape, bool)
    low, high = sorted((one, one if limit is None else limit))
    return (value >= low) & (value <= high)


def _bare_syntax(data: Dataset) -> str:
    """Of a file without file meta information: what pydicom found out while it read it."""
    implicit, little = data.original_encoding
    if implicit:
        return "1.2.840.10008.1.2"
    return "1.2.840.10008.1.2.1" if little else "1.2.840.10008.1.2.2"
