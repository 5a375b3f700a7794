"""The legacy VTK format of surfaces, read to its last byte: every count in the file is compared with what follows it.

VTK's own reader logs where a file is cut, and goes on: what it had reserved for the missing points is returned.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_BYTES = {
    "char": "i1",
    "signed_char": "i1",
    "unsigned_char": "u1",
    "short": "i2",
    "unsigned_short": "u2",
    "int": "i4",
    "unsigned_int": "u4",
    "vtkidtype": "i4",
    "vtktypeint32": "i4",
    "vtktypeuint32": "u4",
    "long": "i8",
    "unsigned_long": "u8",
    "long_long": "i8",
    "unsigned_long_long": "u8",
    "vtktypeint64": "i8",
    "vtktypeuint64": "u8",
    "float": "f4",
    "double": "f8",
}
_CELLS = ("VERTICES", "LINES", "POLYGONS", "TRIANGLE_STRIPS")
_COMPONENTS = {"VECTORS": 3, "NORMALS": 3, "TENSORS": 9, "TENSORS6": 6, "GLOBAL_IDS": 1, "PEDIGREE_IDS": 1}
_COMPONENTS["EDGE_FLAGS"] = 1
_WORD = re.compile(rb"\s*(\S*)")
_REST_OF_LINE = re.compile(rb"[^\n]*\n?")
_LENGTH_BYTES = {3: 1, 2: 2, 1: 4, 0: 8}
"""Of a string in binary, by the first two bits of its length."""


@dataclass
class VtkSurface:
    """What a legacy VTK file of POLYDATA holds.

    Attributes
    ----------
    points : (V, 3) float64 array
    cells : dict
        For each of VERTICES, LINES, POLYGONS, TRIANGLE_STRIPS in the file: vertices of each cell, one array after
        another, and where each begins and the last ends (n + 1 offsets).
    point_arrays : dict of str to array
        Of POINT_DATA, with V rows.
    """

    points: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    cells: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    point_arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """How many cells of any kind."""
        return sum(len(offsets) - 1 for _, offsets in self.cells.values())


def read_legacy_vtk(path: Path) -> VtkSurface:
    """Read a whole legacy VTK file of POLYDATA, ASCII or binary, versions 1.0 to 5.1.

    Raises
    ------
    ValueError
        The file does not hold what it declares, holds more, or is of another kind. The file and the part are named.
    """
    data = path.read_bytes()
    try:
        return _read(data)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path}: {error}. The file is cut or damaged; copy it again, or write it again.") from error
    except _OtherKindError as error:
        raise ValueError(f"{path}: {error}") from error


class _OtherKindError(Exception):
    """A file that is whole as far as can be told, but no surface."""


def _read(data: bytes) -> VtkSurface:
    lines = data.split(b"\n", 3)
    form = lines[2].strip().upper() if len(lines) == 4 else b""
    if form not in (b"ASCII", b"BINARY"):
        raise ValueError(f"its third line must say ASCII or BINARY; it says {form[:30]!r}")
    cursor = _Cursor(data, len(data) - len(lines[3]), binary=form == b"BINARY")
    if cursor.word() != "DATASET" or cursor.word() != "POLYDATA":
        found = cursor.last or "nothing"
        raise _OtherKindError(f"holds {found} without polygons; a surface is DATASET POLYDATA with POLYGONS")
    surface, place = VtkSurface(), "file"
    while word := cursor.word():
        if word == "POINTS":
            n = cursor.count(word)
            surface.points = cursor.numbers(3 * n, cursor.word().lower(), word).astype(np.float64).reshape(-1, 3)
        elif word in _CELLS:
            surface.cells[word] = _cells(cursor, word)
        elif word in ("POINT_DATA", "CELL_DATA"):
            place, wanted = word, len(surface.points) if word == "POINT_DATA" else surface.n_cells
            if (n := cursor.count(word)) != wanted:
                raise ValueError(f"{word} is about {n}, but the file holds {wanted}")
        elif word == "METADATA":
            cursor.skip_metadata()
        else:
            arrays = _arrays(
                cursor, word, {"POINT_DATA": len(surface.points), "CELL_DATA": surface.n_cells}.get(place, 0)
            )
            if place == "POINT_DATA":
                surface.point_arrays |= arrays
    return surface


def _cells(cursor: _Cursor, word: str) -> tuple[np.ndarray, np.ndarray]:
    n, size = cursor.count(word), cursor.count(word)
    if cursor.next_is(b"OFFSETS"):  # since version 5.1
        cursor.word()
        offsets = cursor.numbers(n, cursor.word().lower(), f"{word} OFFSETS").astype(np.int64)
        if cursor.word() != "CONNECTIVITY":
            raise ValueError(f"{word}: CONNECTIVITY is expected, found {cursor.last!r}")
        vertices = cursor.numbers(size, cursor.word().lower(), f"{word} CONNECTIVITY").astype(np.int64)
        offsets = offsets if n else np.zeros(1, np.int64)
    else:
        flat = cursor.numbers(size, "int", word).astype(np.int64)
        starts = _starts(flat, n)
        if starts is None:
            raise ValueError(f"{word}: {n} cells of {size} numbers are declared, which do not fit together")
        vertices = np.delete(flat, starts)
        offsets = np.concatenate([[0], np.cumsum(flat[starts])])
    if offsets[0] != 0 or (np.diff(offsets) < 0).any() or offsets[-1] != len(vertices):
        raise ValueError(f"{word}: the offsets do not run from 0 to {len(vertices)}")
    return vertices, offsets


def _starts(flat: np.ndarray, n: int) -> np.ndarray | None:
    """Where each of n cells begins with the number of its vertices; None where they do not fill the array."""
    if n and len(flat) % n == 0 and (flat[:: len(flat) // n] == len(flat) // n - 1).all():  # all alike
        return np.arange(0, len(flat), len(flat) // n)
    starts, at = [], 0
    for _ in range(n):
        if not 0 <= at < len(flat) or flat[at] < 0:
            return None
        starts.append(at)
        at += 1 + int(flat[at])
    return np.array(starts, np.int64) if at == len(flat) else None


def _arrays(cursor: _Cursor, word: str, n: int) -> dict[str, np.ndarray]:
    """The array or arrays behind an attribute's keyword."""
    if word == "FIELD":
        cursor.word()
        found = {}
        for _ in range(cursor.count(word)):
            name = cursor.name()
            if name == "METADATA":
                cursor.skip_metadata()
                name = cursor.name()
            width, rows = cursor.count(name), cursor.count(name)
            found[name] = _shaped(cursor.numbers(width * rows, cursor.word().lower(), f"FIELD {name}"), width)
        return found
    name = cursor.name()
    if word == "LOOKUP_TABLE":
        cursor.numbers(4 * cursor.count(word), "unsigned_char" if cursor.binary else "float", word)
        return {}
    if word == "COLOR_SCALARS":
        width = cursor.count(word)
        return {name: _shaped(cursor.numbers(width * n, "unsigned_char" if cursor.binary else "float", word), width)}
    if word == "TEXTURE_COORDINATES":
        width, kind = cursor.count(word), cursor.word().lower()
    elif word == "SCALARS":
        kind = cursor.word().lower()
        stated = cursor.rest_of_line().strip()
        width = int(stated) if stated else 1
        if cursor.word() != "LOOKUP_TABLE":
            raise ValueError(f"SCALARS {name}: LOOKUP_TABLE is expected, found {cursor.last!r}")
        cursor.word()
    elif word in _COMPONENTS:
        width, kind = _COMPONENTS[word], cursor.word().lower()
    else:
        raise ValueError(f"a keyword of VTK is expected, found {word[:30]!r}")
    return {name: _shaped(cursor.numbers(width * n, kind, f"{word} {name}"), width)}


def _shaped(values: np.ndarray, width: int) -> np.ndarray:
    return values if width == 1 else values.reshape(-1, max(width, 1))


class _Cursor:
    """A place in the file, from which words and numbers are read."""

    def __init__(self, data: bytes, at: int, *, binary: bool) -> None:
        self.data, self.at, self.binary, self.last = data, at, binary, ""

    def name(self) -> str:
        match = _WORD.match(self.data, self.at)
        assert match is not None  # it matches an empty text
        self.at = match.end()
        return match.group(1).decode("latin-1")

    def word(self) -> str:
        """The next word in capitals (VTK does not mind their case); "" at the end of the file."""
        self.last = self.name().upper()
        return self.last

    def next_is(self, word: bytes) -> bool:
        match = _WORD.match(self.data, self.at)
        return match is not None and match.group(1).upper() == word

    def count(self, what: str) -> int:
        word = self.word()
        if not word.isdecimal():
            raise ValueError(f"{what}: a count is expected, found {word[:30]!r}")
        return int(word)

    def rest_of_line(self) -> bytes:
        match = _REST_OF_LINE.match(self.data, self.at)
        assert match is not None
        self.at = match.end()
        return match.group()

    def skip_metadata(self) -> None:
        """To the empty line that ends METADATA, or the end of the file."""
        self.rest_of_line()
        while self.rest_of_line().strip():
            pass

    def numbers(self, n: int, kind: str, what: str) -> np.ndarray:
        """The next `n` numbers, or strings as an empty array."""
        if self.binary:
            self.rest_of_line()  # the line of the keyword ends before the bytes
        if kind == "string":
            self._skip_strings(n, what)
            return np.empty(0)
        if kind != "bit" and kind not in _BYTES:
            raise ValueError(f"{what}: no type of VTK is called {kind[:30]!r}")
        if self.binary:
            return self._from_bytes(n, kind, what)
        found = self._from_words(n, what, whole=kind not in ("float", "double"))
        with np.errstate(over="ignore"):  # to infinity, which is no place of a point
            return found.astype(np.float32) if kind == "float" else found  # as many digits as VTK keeps

    def _from_bytes(self, n: int, kind: str, what: str) -> np.ndarray:
        dtype = np.dtype("u1" if kind == "bit" else f">{_BYTES[kind]}")
        items = (n + 7) // 8 if kind == "bit" else n
        held = (len(self.data) - self.at) // dtype.itemsize
        if held < items:
            raise ValueError(f"{what}: {n} numbers are declared, but the file holds {held} of them")
        found = np.frombuffer(self.data, dtype, items, self.at)
        self.at += found.nbytes
        if self.at < len(self.data) and self.data[self.at : self.at + 1] != b"\n":
            raise ValueError(f"{what}: a line end is expected after {n} numbers, found {self.data[self.at :][:4]!r}")
        self.at += 1
        if self.data[self.at : self.at + 1].isspace():  # a byte too many may look like a blank
            raise ValueError(f"{what}: more bytes follow than {n} numbers have")
        return np.unpackbits(found)[:n] if kind == "bit" else found

    def _from_words(self, n: int, what: str, *, whole: bool) -> np.ndarray:
        words = self.data[self.at :].split(None, n) if n else []
        held = len(words)
        if n:
            self.at = len(self.data) - (len(words.pop()) if held > n else 0)
        if held < n:
            raise ValueError(f"{what}: {n} numbers are declared, but the file holds {held} of them")
        try:
            return np.fromiter(map(int if whole else float, words), np.int64 if whole else np.float64, n)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{what}: among {n} numbers stands something else ({error})") from error

    def _skip_strings(self, n: int, what: str) -> None:
        if not self.binary:
            self.rest_of_line()
        for _ in range(n):
            if self.at >= len(self.data):
                raise ValueError(f"{what}: {n} strings are declared, but the file ends before")
            if not self.binary:
                self.rest_of_line()
                continue
            width = _LENGTH_BYTES[self.data[self.at] >> 6]
            length = int.from_bytes(self.data[self.at : self.at + width], "big") & ((1 << (8 * width - 2)) - 1)
            self.at += width + length
