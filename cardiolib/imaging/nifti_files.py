"""The one door to the bytes of a NIfTI file: all that is declared is there, nothing else, and it fits in memory.

nibabel stops reading where the last voxel ends, so that it never sees the checksum of a compressed file, nor what is
left over. Here the whole file is read, its checksum is compared, and its length is the one that the header declares.
All of this is known to be affordable from the header, before any voxel is read.
"""

from __future__ import annotations

import logging
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import psutil
from nibabel.nifti1 import unit_codes
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import apply_read_scaling

DAMAGED = "{path} is damaged or incomplete ({error}): copy or download it again"
"""What is said of a file that cannot be read to its end."""

SIMULATED_DESCRIPTION = "SIMULATED by cardiolib, no patient"
"""What the field ``descrip`` of a NIfTI file says of a simulated image."""

LARGEST_GB = 8.0
"""No image of a heart needs more memory than this (10^9 bytes) while it is read; nor may it need more than is free."""

MOST_INFLATED = 1032
"""Deflate makes at most so many bytes of one."""

PADDING = 512
"""Zeros after the end that make up a block of a tape or of a converter's buffer; more than these are voxels."""

_GZIP = b"\x1f\x8b"
_HEAD = 544
_START = 1 << 14
_CHUNK = 1 << 18
_UNASKED = 2.5e8
_HEADERS = {348: nib.Nifti1Header, 540: nib.Nifti2Header}
_QUIET = logging.Logger("cardiolib.nifti", level=logging.CRITICAL)  # what a check finds is said in notes and errors


@dataclass(frozen=True, eq=False)
class NiftiFile:
    """A NIfTI file of which the header is read.

    Parameters
    ----------
    path : Path
    header : nibabel header
        Checked; what can be mended is.
    pixdim : (3,) float array
        Voxel size as the file states it, before nibabel puts 1 where it is 0.
    shape : tuple of int
        Axes as declared.
    compressed : bool
    notes : tuple of str
        What in the header could not be believed.
    """

    path: Path
    header: nib.Nifti1Header
    pixdim: np.ndarray
    shape: tuple[int, ...]
    compressed: bool
    notes: tuple[str, ...] = ()

    @property
    def dtype(self) -> np.dtype:
        """Type of the stored numbers."""
        return self.header.get_data_dtype()

    @property
    def units(self) -> tuple[str, str]:
        """Units of space and time; "unknown" also for a code that means nothing."""
        code = int(self.header["xyzt_units"])
        space, time = unit_codes.label.get(code % 8, "unknown"), unit_codes.label.get(code - code % 8, "unknown")
        return str(space), str(time)

    @property
    def simulated(self) -> bool:
        """Whether the field ``descrip`` says that no patient is behind it."""
        return SIMULATED_DESCRIPTION.encode() in self.header["descrip"].tobytes()

    @property
    def n_bytes(self) -> int:
        """Bytes of the file, not compressed, as the header declares them."""
        return _offset(self.header) + math.prod(self.shape) * self.dtype.itemsize

    def voxels(self) -> np.ndarray:
        """Every voxel, scaled as the header says.

        Raises
        ------
        ValueError
            The file is cut short, has data left over, or its checksum is another; or there is not enough memory.
        """
        try:
            content = _content(self)
            offset = _offset(self.header)
            stored = np.frombuffer(content, self.dtype, math.prod(self.shape), offset).reshape(self.shape, order="F")
            slope, inter = self.header.get_slope_inter()
            with np.errstate(all="ignore"):  # what is not finite is found, and said, later
                scaled = apply_read_scaling(stored, *_scaling(slope, inter))  # type: ignore[arg-type]
        except (zlib.error, EOFError, OSError) as error:
            raise ValueError(DAMAGED.format(path=self.path, error=error)) from error
        except MemoryError:
            raise ValueError(_too_large(self, "there is not so much memory")) from None
        return scaled if scaled.flags.writeable else scaled.copy(order="F")


def open_nifti(path: Path) -> NiftiFile:
    """Read and check the header of a NIfTI file; its voxels are not read.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is no NIfTI file or too short; its header is damaged; it declares more data than a file of this size
        can hold, or than fits in memory.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no image file {path}")
    start, size = _start(path), path.stat().st_size
    compressed = start.startswith(_GZIP)
    _check_name(path, start, compressed)
    try:
        head = _inflated(start, _HEAD, whole=False) if compressed else start[:_HEAD]
        with np.errstate(all="ignore"):  # a damaged header holds any number
            header = _header(head)
            header.check_fix(logger=_QUIET, error_level=40)
            pixdim = np.array(_stored(head, type(header))["pixdim"][1:4], float)
            notes = _mended(header, _stored(head, type(header)))
            shape = tuple(int(n) for n in header.get_data_shape())
            header.get_data_dtype(), _offset(header)
    except (HeaderDataError, zlib.error, EOFError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(DAMAGED.format(path=path, error=error)) from error
    file = NiftiFile(path, header, pixdim, shape, compressed, notes)
    _check_size(file, size)
    return file


def _start(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_START)


def _check_name(path: Path, start: bytes, compressed: bool) -> None:
    named = path.name.lower().endswith(".gz")
    if compressed and not named:
        raise ValueError(f"{path} is compressed with gzip, but its name does not say so: call it {path.name}.gz")
    if named and not compressed and any(start[at : at + 3] in (b"n+1", b"n+2") for at in (344, 4)):
        raise ValueError(f"{path} is not compressed, but its name says so: call it {path.name[:-3]}")
    if named and not compressed:
        raise ValueError(DAMAGED.format(path=path, error="it is not a gzip file"))


def _header(head: bytes) -> nib.Nifti1Header:
    """The header as it is stored, of either byte order."""
    sizes = {struct.unpack(order + "i", head[:4])[0] for order in "<>"} if len(head) >= 4 else set()
    kind = next((kind for size, kind in _HEADERS.items() if size in sizes), None)
    if kind is None:
        raise ValueError("it does not begin with the header of a NIfTI file")
    stored = _stored(head, kind)
    magic = bytes(stored["magic"].item())
    if magic[:3] in (b"ni1", b"ni2"):
        raise ValueError("it is the header of a pair (.hdr, .img) without its voxels: convert the pair to one .nii.gz")
    if magic[:3] not in (b"n+1", b"n+2"):
        raise ValueError("it has not the mark of a NIfTI file (n+1)")
    header = kind(head[: kind.sizeof_hdr], check=False)
    n_axes = int(header["dim"][0])
    if not 1 <= n_axes <= 7 or (header["dim"][1 : n_axes + 1] < 1).any():
        raise ValueError(f"its axes {header['dim'].tolist()} are impossible")
    return header


def _stored(head: bytes, kind: type[nib.Nifti1Header]) -> np.ndarray:
    """Fields as they are in the file."""
    if len(head) < kind.sizeof_hdr:
        raise EOFError("it ends within the header")
    return kind(head[: kind.sizeof_hdr], check=False).structarr


def _mended(header: nib.Nifti1Header, stored: np.ndarray) -> tuple[str, ...]:
    """Say which fields mean nothing, and put what they must have meant."""
    notes = []
    for form in ("sform", "qform"):
        code = int(stored[f"{form}_code"])
        if code != int(header[f"{form}_code"]):
            notes.append(f"{form} of the unknown code {code} is not used")
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    if np.isinf(slope):
        notes.append(f"scale {slope} of the grey values means nothing: they are taken as they are stored")
    elif np.isfinite(slope) and slope != 0 and not np.isfinite(inter):
        header["scl_inter"] = 0.0
        notes.append(f"offset {inter} of the grey values (scl_inter) means nothing: taken as 0")
    return tuple(notes)


def _offset(header: nib.Nifti1Header) -> int:
    offset = header.get_data_offset() or header.single_vox_offset  # 0 is unset, and there is one place for voxels
    if offset < header.single_vox_offset:
        raise ValueError(f"its voxels begin at byte {offset}, within the header")
    return int(offset)


def _scaling(slope: float | None, inter: float | None) -> tuple[np.ndarray, np.ndarray]:
    return np.asanyarray(1.0 if slope is None else slope), np.asanyarray(0.0 if inter is None else inter)


def _check_size(file: NiftiFile, size: int) -> None:
    """Refuse what cannot be whole, or cannot be held, before it is read."""
    declared = file.n_bytes
    most = size * MOST_INFLATED if file.compressed else size
    if declared > most:
        raise ValueError(
            DAMAGED.format(
                path=file.path,
                error=f"its header declares {_text(file.shape)} voxels, {_gigabytes(declared)}, and a file of {size:,} "
                f"bytes holds {'at most ' + _gigabytes(most) if file.compressed else 'less'}",
            )
        )
    if not file.compressed and size - declared >= _padding(file):
        raise ValueError(DAMAGED.format(path=file.path, error=_surplus(size - declared)))
    if _needed(file, size) < _UNASKED:
        return
    free = min(LARGEST_GB * 1e9, float(psutil.virtual_memory().available))
    if _needed(file, size) > free:
        raise ValueError(_too_large(file, f"at most {_gigabytes(int(free))} can be used", size))


def _needed(file: NiftiFile, size: int = 0) -> int:
    """Bytes while the file is read: what is stored, its scaled numbers, and float32 of them."""
    scaled = _scaling(*file.header.get_slope_inter()) != (1.0, 0.0)
    return size + file.n_bytes + math.prod(file.shape) * ((8 if scaled else 0) + 4)


def _too_large(file: NiftiFile, why: str, size: int = 0) -> str:
    return (
        f"{file.path} is too large: its header declares {_text(file.shape)} voxels of {file.dtype}, for which reading "
        f"needs {_gigabytes(_needed(file, size))}, and {why}. Give the short-axis cine alone, or a part of it"
    )


def _content(file: NiftiFile) -> bytes:
    """The whole file, not compressed: as many bytes as are declared, the checksum compared."""
    raw, declared = file.path.read_bytes(), file.n_bytes
    content = _inflated(raw, declared + PADDING, whole=True) if file.compressed else raw
    if len(content) < declared:
        raise EOFError(f"{len(content):,} bytes of {declared:,}")
    left = content[declared:]
    if len(left) >= _padding(file) or left.strip(b"\0"):
        raise EOFError(_surplus(len(left)))
    return content


def _padding(file: NiftiFile) -> int:
    """Zeros that may follow the voxels: fewer than would be there if an axis were longer than declared."""
    return min(PADDING, math.prod(file.shape) // max(file.shape) * file.dtype.itemsize)


def _inflated(raw: bytes, most: int, *, whole: bool) -> bytes:
    """What gzip members hold, one after the other, up to `most` bytes; with `whole` to their very end.

    The engine compares checksum and length of a member where it comes to its end.
    """
    parts, found, at, engine = [], 0, 0, zlib.decompressobj(wbits=31)
    view = memoryview(raw)
    while at < len(view) and found <= most:
        chunk = view[at : at + _CHUNK]
        parts.append(engine.decompress(chunk, most - found + 1))
        found += len(parts[-1])
        at += len(chunk) - len(engine.unused_data) - len(engine.unconsumed_tail)
        if engine.eof:
            at = _next_member(raw, at)
            if at < len(view):
                engine = zlib.decompressobj(wbits=31)
    if whole and found > most:
        raise EOFError(_surplus(None))
    if whole and not engine.eof:
        raise EOFError("it is cut short: the compressed data do not come to their end")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _next_member(raw: bytes, at: int) -> int:
    """Where the next gzip member begins; the file's end where none follows. Zeros may pad a file."""
    if at < len(raw) and raw[at] == 0:
        at = len(raw) - len(raw[at:].lstrip(b"\0"))
    if at < len(raw) and not raw.startswith(_GZIP, at):
        raise EOFError(f"{len(raw) - at:,} bytes that are no gzip data follow its end")
    return at


def _surplus(count: int | None) -> str:
    some = "data" if count is None else f"{count:,} bytes"
    return f"{some} are left over after the voxels that its header declares"


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.3g} GB" if count >= 1e8 else f"{count / 1e6:.3g} MB"


def _text(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
