"""Reading the authors' pickles without running anything that is in them.

A pickle is a small program: loading one from the internet with `pickle.load` runs whatever its maker
wrote. Here every name a pickle may call is looked up in a list of *stand-ins* written in this module;
numpy and pandas themselves are never called by the file. A stand-in only keeps what it is handed, and
the arrays are built afterwards from the kept bytes. Any name outside the list ends the reading before it
is called, so a malicious file does nothing but raise an error.

The same list makes old files readable: numpy.core (numpy < 2) and numpy._core mean the same here, and
``pandas.core.indexes.numeric.Int64Index``, gone since pandas 2, is simply kept.
"""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cardiolib.cohorts.table import CohortError, named

_NUMBER_TYPE = re.compile(r"[biufSU]\d{1,5}|O8|O4|O|\?")
_MAX_DEPTH = 20


def read_pickle(path: str | os.PathLike[str]) -> Any:
    """Lists, tuples, dictionaries, numbers, text and numpy arrays of a pickle; nothing is executed.

    Parameters
    ----------
    path : path-like
        A pickle of plain Python containers, numpy arrays and scalars (any numpy version), or pandas < 2
        data frames of one numeric block, which are given back as (rows, columns) arrays.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CohortError
        The file is damaged, or names a function or class that is not on the list (the message gives the
        name; it has not been called).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    with path.open("rb") as file:
        try:
            return _Builder().plain(_AllowListUnpickler(_Stream(file)).load())
        except CohortError as error:
            raise CohortError(f"{path}: {error}") from error
        except Exception as error:  # a damaged pickle may raise nearly anything
            raise CohortError(
                f"{path}: is not a readable pickle ({type(error).__name__}: {error}). Download it again; a Git "
                "LFS pointer (a small text file) in its place gives the same message."
            ) from error


class _Stream:
    """A file of which no more can be asked for than it holds: a damaged length reserves no memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size
        self.readline = file.readline

    def read(self, size: int) -> bytes:
        if size > self._size - self._file.tell():
            raise EOFError(f"{size} bytes were announced, and the file ends before")
        return self._file.read(size)

    def readinto(self, buffer: bytearray) -> int:
        return self._file.readinto(buffer)  # type: ignore[attr-defined]


# The unpickler written in Python, not the one in C: there a damaged file of 100 bytes can reserve all memory
# (a memo index or a length of 2^31), here it runs into the end of the file. It is fast enough: the authors'
# files hold few but large arrays.
class _AllowListUnpickler(pickle._Unpickler):
    """An unpickler that knows the stand-ins below and no other name."""

    def find_class(self, module: str, name: str) -> Any:
        stand_in = _STAND_INS.get((module.replace("numpy._core", "numpy.core"), name))
        if stand_in is None:
            raise CohortError(
                f"the pickle asks for {module}.{name}, which is not on the list of harmless names; it was not "
                "called. Only numpy arrays and plain Python containers are read; ask for the data as .npz or CSV."
            )
        return stand_in

    def load_bytearray8(self) -> None:
        """As the unpickler's own, which would take the room before it looks whether the file has so much."""
        self.append(bytearray(self.read(int.from_bytes(self.read(8), "little"))))

    dispatch = {**pickle._Unpickler.dispatch, pickle.BYTEARRAY8[0]: load_bytearray8}


class _Kept:
    """Keeps what the pickle hands over, and does nothing with it."""

    def __new__(cls, *args: Any) -> _Kept:
        kept = super().__new__(cls)
        kept.args, kept.state = args, None
        return kept

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _ArrayType(_Kept):
    """Stands for the class numpy.ndarray, which pickles only mention."""


class _Array(_Kept):
    """numpy's _reconstruct(...) followed by its state (version, shape, dtype, is_fortran, data)."""

    def build(self, builder: _Builder) -> np.ndarray:
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise CohortError("an array in the pickle has no data")
        _, shape, dtype, fortran, data = self.state
        return _array(builder.plain(data), dtype, shape, "F" if fortran else "C")


class _BufferArray(_Kept):
    """numpy's _frombuffer(data, dtype, shape, order), as pickle protocol 5 writes arrays."""

    def build(self, builder: _Builder) -> np.ndarray:
        data, dtype, shape, order = self.args
        return _array(builder.plain(data), dtype, shape, order)


class _Scalar(_Kept):
    """numpy's scalar(dtype, data)."""

    def build(self, builder: _Builder) -> Any:
        dtype, data = self.args
        return _array(builder.plain(data), dtype, (), "C")[()]


class _Dtype(_Kept):
    """numpy.dtype("f8", ...) followed by its state, of which only the byte order is used."""

    def build(self, builder: _Builder | None = None) -> np.dtype:
        code = self.args[0] if self.args else None
        if not isinstance(code, str) or not _NUMBER_TYPE.fullmatch(code):
            raise CohortError(f"an array of type {code!r} in the pickle; only numbers and text are read")
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else "|"
        return np.dtype(code).newbyteorder(order if order in ("<", ">") else "=")


class _Encoded(_Kept):
    """_codecs.encode(text, "latin1"): how protocol 2 carries bytes."""

    def build(self, builder: _Builder) -> bytes:
        text, codec = self.args
        if not isinstance(text, str) or codec not in ("latin1", "latin-1"):
            raise CohortError(f"bytes in the pickle in the unexpected encoding {codec!r}")
        return text.encode("latin1")


class _NoBytes(_Kept):
    """bytes(): how protocol 2 carries no bytes at all."""

    def build(self, builder: _Builder) -> bytes:
        if self.args:
            raise CohortError("the pickle calls bytes(...) with an argument")
        return b""


class _DataFrame(_Kept):
    """A pandas < 2 data frame; its block manager holds one block of numbers, column by column."""

    def build(self, builder: _Builder) -> np.ndarray:
        try:
            manager = self.state.get("_data", self.state.get("_mgr"))
            (block,) = manager.state[3]["0.14.1"]["blocks"]
            values = block["values"]
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise CohortError("a pandas object in the pickle is not a data frame of one block of numbers") from error
        return builder.plain(values).T


_ALLOWED: dict[str, Any] = {
    "numpy.ndarray": _ArrayType,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy.core.multiarray.scalar": _Scalar,
    "numpy.core.numeric._frombuffer": _BufferArray,
    "_codecs.encode": _Encoded,
    "__builtin__.bytes": _NoBytes,
    "builtins.slice": _Kept,
    "__builtin__.slice": _Kept,
    "pandas.core.frame.DataFrame": _DataFrame,
    "pandas.core.internals.BlockManager": _Kept,
    "pandas.core.internals.managers.BlockManager": _Kept,
    "pandas.core.indexes.base._new_Index": _Kept,
    "pandas.core.indexes.base.Index": _Kept,
    "pandas.core.indexes.range.RangeIndex": _Kept,
    "pandas.core.indexes.numeric.Int64Index": _Kept,
}
_STAND_INS = {tuple(full.rsplit(".", 1)): stand_in for full, stand_in in _ALLOWED.items()}


class _Builder:
    """Replaces every stand-in by what it stands for; each object once, however often it is referred to."""

    def __init__(self) -> None:
        self._done: dict[int, Any] = {}
        self._depth = 0

    def plain(self, value: Any) -> Any:
        if value is None or isinstance(value, (bool, int, float, str, bytes, bytearray)):
            return value
        if id(value) not in self._done:
            if self._depth > _MAX_DEPTH:
                raise CohortError("the pickle is nested too deeply, or contains itself")
            self._depth += 1
            self._done[id(value)] = self._built(value)
            self._depth -= 1
        return self._done[id(value)]

    def _built(self, value: Any) -> Any:
        if isinstance(value, _Kept) and hasattr(value, "build"):
            return value.build(self)
        if isinstance(value, list):
            return [self.plain(item) for item in value]
        if isinstance(value, tuple):
            return tuple(self.plain(item) for item in value)
        if isinstance(value, dict):
            return {key: self.plain(item) for key, item in value.items()}
        what = value.__name__ if isinstance(value, type) else type(value).__name__
        raise CohortError(f"the pickle holds a bare {what.strip('_')}; only arrays and plain containers are read")


def _array(data: Any, dtype: Any, shape: Any, order: str) -> np.ndarray:
    """An array from the bytes (or, for arrays of objects, the list) of a pickle; sizes are checked first."""
    if not isinstance(dtype, _Dtype):
        raise CohortError("an array in the pickle has no type")
    kind = dtype.build()
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape) or len(shape) > 8:
        raise CohortError(f"an array in the pickle has the impossible shape {shape!r}")
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if kind.hasobject:
        return _object_array(data, shape, count)
    if not isinstance(data, (bytes, bytearray)) or len(data) != count * kind.itemsize:
        size = len(data) if isinstance(data, (bytes, bytearray)) else "no"
        raise CohortError(f"an array of shape {shape} and type {kind} in the pickle holds {size} bytes")
    flat = np.frombuffer(bytes(data), dtype=kind).astype(kind.newbyteorder("="))
    return flat.reshape(shape, order="F" if order == "F" else "C")


def _object_array(data: Any, shape: tuple[int, ...], count: int) -> np.ndarray:
    """Arrays of text or numbers kept as objects (pandas columns of IDs, for example)."""
    if not isinstance(data, list) or len(data) != count:
        raise CohortError("an array of objects in the pickle does not match its shape")
    strange = sorted({type(item).__name__ for item in data if not isinstance(item, (str, int, float, np.generic))})
    if strange:
        raise CohortError(f"an array of objects in the pickle holds {named(strange)}; text or numbers were expected")
    array = np.empty(count, dtype=object)
    array[:] = data
    return array.reshape(shape)
