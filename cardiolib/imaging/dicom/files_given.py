"""The files of a folder or a zip, recognised by what they hold and never by their names."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from cardiolib.file_tree import files_below

ZIP_LIMIT_GB = 16.0
"""A zip that would unpack to more than this is not opened."""

_HEAD = 140
_PREFIX_AT = 128
_VRS = b"AE AS AT CS DA DS DT FL FD IS LO LT OB OD OF OL OW PN SH SL SQ SS ST TM UC UI UL UN UR US UT".split()


class GivenFiles:
    """All files below a folder, or in a zip, numbered from 1; names are kept for opening and are never shown.

    Parameters
    ----------
    place : path-like
        A folder, a single file, or a zip. Files are numbered as `files_below` lists them, those in linked folders
        among them; those of a zip by their sorted names.

    Raises
    ------
    ValueError
        A zip that is damaged, encrypted, too large when unpacked, or holds a path that leads out of it. Nothing is ever
        unpacked to disk: members are read where they are.
    FileNotFoundError
    """

    def __init__(self, place: str | os.PathLike[str]) -> None:
        self._place = Path(place)
        if not self._place.exists():
            raise FileNotFoundError("there is nothing at the path given: expected a folder, a zip or a file")
        self.zipped = self._place.is_file() and zipfile.is_zipfile(self._place)
        self._names: list[str | Path]
        self._archive: zipfile.ZipFile | None = None
        if self.zipped:
            self._names = list(_members(self._place))
        elif self._place.is_file():
            self._names = [self._place]
        else:
            self._names = list(files_below(self._place).files)

    def __len__(self) -> int:
        return len(self._names)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_archive": None}  # an open archive stays in its process

    def __repr__(self) -> str:
        return f"GivenFiles({len(self)} files of a {'zip' if self.zipped else 'folder'})"

    @property
    def numbers(self) -> range:
        """Numbers of the files, from 1."""
        return range(1, len(self) + 1)

    @contextmanager
    def open(self, number: int) -> Iterator[BinaryIO]:
        """One file, for reading."""
        name = self._names[number - 1]
        if isinstance(name, Path):
            with open(name, "rb") as file:
                yield file
        else:
            yield io.BytesIO(self._opened().read(name))

    def holds_dicom(self, number: int) -> bool:
        """Whether a file is DICOM by its first bytes; False where it cannot be read."""
        name = self._names[number - 1]
        try:
            if isinstance(name, Path):
                with open(name, "rb") as file:
                    return looks_like_dicom(file.read(_HEAD))
            with self._opened().open(name) as member:
                return looks_like_dicom(member.read(_HEAD))
        except (OSError, zipfile.BadZipFile, ValueError):
            return False

    def folder_of(self, number: int) -> str:
        """A key of the folder that a file lies in; for telling folders apart, never to be shown."""
        return str(PurePosixPath(str(self._names[number - 1])).parent)

    def nifti(self) -> list[Path]:
        """Files of a folder that are NIfTI by their suffix."""
        paths = [path for path in self._names if isinstance(path, Path)]
        return [path for path in paths if path.name.lower().endswith((".nii", ".nii.gz"))]

    def _opened(self) -> zipfile.ZipFile:
        """The archive, opened once: the list of its members is long."""
        if self._archive is None:
            self._archive = zipfile.ZipFile(self._place)
        return self._archive


def looks_like_dicom(head: bytes) -> bool:
    """Whether a file that begins so is DICOM: with its preamble, or as the bare data set that old archives write.

    Examples
    --------
    >>> looks_like_dicom(bytes(128) + b"DICM"), looks_like_dicom(b"IHDR, a text")
    (True, False)
    """
    if head[_PREFIX_AT : _PREFIX_AT + 4] == b"DICM":
        return True
    if len(head) < 8:
        return False
    group, element = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    if (group, element) not in {(2, 0), (2, 1), (2, 2), (8, 0), (8, 1), (8, 5), (8, 8), (8, 0x12), (8, 0x16)}:
        return False
    return head[4:6] in _VRS or int.from_bytes(head[4:8], "little") <= 256


def _members(place: Path) -> list[str]:
    try:
        with zipfile.ZipFile(place) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (OSError, zipfile.BadZipFile):
        raise ValueError("the zip is damaged or incomplete: copy it again") from None
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise ValueError("the zip holds a path that leads out of it; a study is not packed like that: not opened")
    if any(member.flag_bits & 0x1 for member in members):
        raise ValueError("the zip is encrypted: unpack it with its password and give the folder")
    size_gb = sum(member.file_size for member in members) / 1e9
    if size_gb > ZIP_LIMIT_GB:
        raise ValueError(
            f"the zip would unpack to {size_gb:.1f} GB, more than {ZIP_LIMIT_GB:g}: unpack it and give the folder"
        )
    return sorted(member.filename for member in members)
