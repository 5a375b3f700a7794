"""The one door for files: whole or not at all, checked when read, tables joined by ID, simulated patients marked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cardiolib.archives import read_arrays
from cardiolib.delimited import read_columns
from cardiolib.plain_text import plain_form, read_plain_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "atomic_path",
    "data_folder",
    "file_hash",
    "mark_simulated",
    "marked_simulated",
    "read_arrays",
    "read_json",
    "read_json_object",
    "read_table_by_id",
    "text_hash",
    "write_json",
    "write_table",
]

MARK = "simulated"
"""Word that says "simulated" in a side file or as the name of a table's column."""
FOLDER_MARK = "simulated.json"
_MOST_DIGITS = 300
UNFINISHED = ".writing-"
"""How the folder is called in which a file is written before it gets its name; a killed process leaves it behind."""
DATA_FOLDER = "CARDIOLIB_DATA"
"""Environment variable: where cardiolib keeps what it makes for a user outside of any run."""


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success it becomes `path`, on failure it is removed.

    Parameters
    ----------
    path : path-like
        The file to be written. Its folder is created when absent.

    Yields
    ------
    Path
        A name in the same folder with the same suffixes (writers such as nibabel choose the
        format by suffix), to be written by the caller.

    Notes
    -----
    A rename within one folder is atomic on POSIX systems, so a stage that is killed leaves either
    the old file or the new one.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = tempfile.mkdtemp(prefix=UNFINISHED, dir=target.parent)
    temporary = Path(folder) / target.name
    try:
        yield temporary
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
        os.rmdir(folder)


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write JSON with sorted keys, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Content of a JSON file, in any encoding that `cardiolib.plain_text.read_plain_text` knows.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is not JSON, or an object in it has two values of one name; the file is named.
    """
    try:
        return json.loads(read_plain_text(path), object_pairs_hook=_object, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise ValueError(
            f"{path}: is not valid JSON ({error}). Correct it there, or copy the file again from its source."
        ) from error
    except RecursionError as error:
        raise ValueError(f"{path}: is not valid JSON of ours (nested too deeply).") from error
    except _NumberError as error:
        raise ValueError(f"{path}: holds a number of {error} digits. Correct it, or copy the file again.") from error
    except _RepeatedNameError as error:
        raise ValueError(f"{path}: gives {error} twice, with different values. Keep the one that is right.") from error


def read_json_object(path: str | os.PathLike[str], *, what: str) -> dict[str, Any]:
    """A JSON file that must hold one object (``{...}``); errors as `read_json`.

    Parameters
    ----------
    path : path-like
    what : str
        What the file is about, for the message ("side file of a motion file").
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(
            f"{path}: a {what} holds one JSON object ({{...}}); found {type(content).__name__}. Correct or remove it."
        )
    return content


def write_table(
    table: pd.DataFrame,
    path: str | os.PathLike[str],
    *,
    index: bool = True,
    simulated: bool = False,
    digits: int | None = 6,
) -> None:
    """Write a table as CSV, whole or not at all.

    Parameters
    ----------
    table : DataFrame
    path : path-like
    index : bool
        Write the index as the first column.
    simulated : bool
        The rows are about simulated patients: a last column ``simulated`` of 1 says so.
    digits : int or None
        Significant digits of numbers; None for the shortest text that reads back to the same number.
    """
    marked = table.assign(**{MARK: 1}) if simulated else table
    form = None if digits is None else f"%.{digits}g"
    with atomic_path(path) as temporary:
        marked.to_csv(temporary, index=index, float_format=form, lineterminator="\n")


def read_table_by_id(
    path: str | os.PathLike[str], *, id_column: str = "ID", as_text: bool = False, separator: str = ","
) -> pd.DataFrame:
    """Read a CSV, indexed by subject ID (any line ends, UTF-8, or UTF-16 with a byte-order mark).

    Every row must have the cells that the first line names. A header with semicolons or tabs is read as such, and
    commas as decimal points where they can be nothing else.

    Parameters
    ----------
    path : path-like
    id_column : str
    as_text : bool
        Leave every cell as text, "" where it is empty. By default columns of numbers become numbers, to the last bit,
        and empty cells are NaN.
    separator : str
        Between cells, unless the header plainly has another: a tab for a TSV.

    Returns
    -------
    DataFrame
        The index holds the IDs as text, in Unicode's composed form: "007", "NA" and "null" stay what they are.
        ``attrs["simulated"]`` tells whether the table says that its patients are simulated (`write_table`); that column
        is taken out. ``attrs["notes"]`` says what was read otherwise than it stands there.

    Raises
    ------
    ValueError
        The file is not a table (`cardiolib.delimited.read_columns`), the ID column is absent, or an ID is empty or
        repeated.
    """
    import pandas as pd

    columns, notes = read_columns(path, id_column=id_column, separator=separator)
    ids = pd.Series([plain_form(name) for name in columns.pop(id_column)], dtype=object)
    frame = pd.DataFrame(columns, index=ids.index, dtype=object)
    empty = [str(row + 1) for row, name in enumerate(ids) if not name]
    if empty:
        raise ValueError(f"{path}: row(s) {', '.join(empty[:8])} have no ID. Give every row an ID.")
    repeated = sorted(set(ids[ids.duplicated()]))
    if repeated:
        raise ValueError(
            f"{path}: ID(s) {', '.join(repeated[:8])} appear more than once. Keep one row for each subject."
        )
    marked = MARK in frame.columns and bool((frame.pop(MARK).isin(("1", "1.0", "True", "true"))).any())
    if not as_text and frame.shape[1]:
        text = io.StringIO(frame.to_csv(index=False))
        frame = pd.read_csv(text, float_precision="round_trip", keep_default_na=False, na_values=[""])
    frame.index = pd.Index(ids.to_list(), name="ID", dtype=object)
    frame.attrs["simulated"] = marked
    frame.attrs["notes"] = notes
    return frame


def mark_simulated(path: str | os.PathLike[str], simulated: bool) -> None:
    """Say of a file whose format has no room for it, or of a whole folder, that its patients are simulated.

    Parameters
    ----------
    path : path-like
        A folder: ``simulated.json`` is written into it. A file: ``<name>.json`` is written beside it.
    simulated : bool
        False takes an older mark away.
    """
    side = _side_file(Path(path))
    if simulated:
        write_json(side, {MARK: True, "about": "no patient is behind these numbers: they were simulated by cardiolib"})
    else:
        side.unlink(missing_ok=True)


def marked_simulated(path: str | os.PathLike[str]) -> bool:
    """Whether `mark_simulated` marked a file, the folder that it lies in, or this folder."""
    path = Path(path)
    sides = [_side_file(path)] if path.is_dir() else [_side_file(path), path.parent / FOLDER_MARK]
    contents = [read_json(side) for side in sides if side.is_file()]
    return any(isinstance(content, dict) and bool(content.get(MARK)) for content in contents)


def data_folder() -> Path:
    """Where cardiolib keeps what it makes for a user: ``CARDIOLIB_DATA``, else ``cardiolib`` in the cache folder.

    Cohorts built by name lie there, and the secret from which the IDs of DICOM studies are made.
    """
    if os.environ.get(DATA_FOLDER):
        return Path(os.environ[DATA_FOLDER]).expanduser()
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "cardiolib"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "cardiolib"
    if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "cardiolib"
    return Path.home() / ".cache" / "cardiolib"


def file_hash(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_hash(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


class _RepeatedNameError(Exception):
    """An object of JSON has two values of one name."""


class _NumberError(Exception):
    """A whole number that no file of ours needs."""


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise _NumberError(len(text))
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        for name, value in pairs:
            if content[name] != value:
                raise _RepeatedNameError(name)
    return content


def _side_file(path: Path) -> Path:
    return path / FOLDER_MARK if path.is_dir() else path.with_name(f"{path.name}.json")
