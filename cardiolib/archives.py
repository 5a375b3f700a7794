"""Arrays in ``.npz`` files, read whole: every member to its end, where its checksum is compared.

numpy reads as many bytes of a member as its header asks for. Where the header is damaged that is not all of them, and
then the checksum is never looked at. torch does not compare checksums at all.
"""

from __future__ import annotations

import math
import os
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_KINDS = "biufcSU"
_MOST_DEFLATED = 1032
"""Deflate makes nothing smaller than by this factor."""

_END = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_LONGEST_END = _END.size + 0xFFFF
_IN_ZIP64, _IN_ZIP64_OFFSET = 0xFFFF, 0xFFFFFFFF
"""The number of entries and their place, where they stand in the larger record of a ZIP64 archive."""
_ZIP64_MARK, _ZIP64_END = b"PK\x06\x07", 56 + 20
"""The larger record and its pointer lie before the end; torch writes them into small files too."""
_FOLDER = 0x10
"""The mark of a folder in an entry's attributes (MS-DOS)."""

COPY_AGAIN = "Copy it again from its source."
_BEGINNINGS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x93NUMPY", "a single array (.npy)"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x80", "a pickle, which is never loaded"),
    (b"<", "a web page or XML"),
)


def read_arrays(
    path: str | os.PathLike[str], needed: Iterable[str] = (), *, what: str, remedy: str = COPY_AGAIN
) -> dict[str, np.ndarray]:
    """All arrays of an ``.npz`` file, each compared with its checksum; pickled objects are never loaded.

    Parameters
    ----------
    path : path-like
    needed : iterable of str
        Arrays that must be there.
    what : str
        The kind of file, for the message ("motion file").
    remedy : str
        What to do about a damaged one, for the message.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is damaged, is another kind of file, holds pickled objects, or lacks an array.
    """
    content: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_other_directory(archive, Path(path))
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in content:
                    raise ValueError(f"holds {name} twice")
                content[name] = _array(archive, member)
    except FileNotFoundError:
        raise
    except Exception as error:  # damage may raise nearly anything: zlib, struct, tokens, memory
        raise _unreadable(path, what, remedy, error) from error
    absent = [name for name in needed if name not in content]
    if absent:
        held = ", ".join(list(content)[:6]) or "nothing"
        raise ValueError(f"{path}: lacks the array(s) {', '.join(absent)}; it is no {what} (it holds {held}).")
    return content


def check_archive(path: str | os.PathLike[str], *, what: str, remedy: str = COPY_AGAIN) -> None:
    """Refuse a ZIP archive, such as one of torch's files, of which a member does not match its checksum.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is damaged or no archive.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_other_directory(archive, Path(path))
            bad = archive.testzip()
        if bad is not None:
            raise ValueError(f"the checksum of {bad} does not match")
    except FileNotFoundError:
        raise
    except Exception as error:
        raise _unreadable(path, what, remedy, error) from error


def _refuse_other_directory(archive: zipfile.ZipFile, path: Path) -> None:
    """Compare what was found in the directory of an archive with what its end says; no checksum covers them.

    A wrong length in one entry hides those after it. An entry that calls itself a folder is filled with whatever lies
    in memory by torch's own reader.
    """
    members = archive.infolist()
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _LONGEST_END))
        tail = file.read()
    at = tail.rfind(_END_MARK)
    end, before = tail[max(0, at) :], _ZIP64_END if tail[: max(0, at)][-20:].startswith(_ZIP64_MARK) else 0
    if len(end) < _END.size:
        raise ValueError("it does not end as an archive does")
    _, _, _, _, told, length, offset, comment = _END.unpack(end[: _END.size])
    if told != _IN_ZIP64 and told != len(members):
        raise ValueError(f"it holds {told} arrays by its end, and {len(members)} were found")
    if offset != _IN_ZIP64_OFFSET and (offset + length + before + len(end) != size or _END.size + comment != len(end)):
        raise ValueError("its end does not say where its list of contents lies")
    for member in members:
        if member.file_size and (member.is_dir() or member.external_attr & _FOLDER):
            raise ValueError(f"{member.filename} calls itself a folder")


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    _refuse_other_size(archive, member)
    with archive.open(member) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        stream.read(1)  # reading on to the end is what compares the checksum
    return array


def _refuse_other_size(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Compare what a member's header claims with the member's size before memory is taken for it."""
    with archive.open(member) as stream:
        read_header = _HEADERS.get(np.lib.format.read_magic(stream))
        if read_header is None:
            raise ValueError(f"{member.filename} is an array of an unknown version")
        shape, _, dtype = read_header(stream)
        claimed = stream.tell() + math.prod(shape) * dtype.itemsize
    if dtype.kind not in _KINDS:
        raise ValueError(f"{member.filename} holds values of type {dtype}, not numbers or text")
    if claimed != member.file_size or member.file_size > _MOST_DEFLATED * (member.compress_size + 1):
        raise ValueError(f"{member.filename} claims {claimed:,} bytes and cannot hold them")


def _unreadable(path: str | os.PathLike[str], what: str, remedy: str, error: Exception) -> ValueError:
    """One sentence about what was found in place of the file."""
    found = str(error) or type(error).__name__
    path = Path(path)
    if path.is_file() and isinstance(error, zipfile.BadZipFile):
        with open(path, "rb") as file:
            head = file.read(32)
        if not head:
            found = "it is empty"
        elif not head.startswith(b"PK"):
            found = next(
                (kind for start, kind in _BEGINNINGS if head.startswith(start)), f"it begins with {head[:8]!r}"
            )
        else:
            found = f"{found}; it is cut or damaged"
    return ValueError(f"{path}: is not a readable {what} ({found}). {remedy}")
