"""Tables of text: every row has the cells that the header names, and decimal commas are read only where they are plain.

pandas drops cells that the header does not name, ends a cell at a NUL byte and takes the first of two columns of one
name. So rows are read here, with Python's own reader, and counted.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections import Counter
from pathlib import Path

from cardiolib.plain_text import decoded, plain_form, read_plain_text

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}
_HEAD_BYTES = 1 << 16
_SHOWN = 4
_HINT = re.compile(r'"?sep=([,;\t])"?[ \t]*(?:\r\n|\r|\n)')
"""Excel's own first line, which names the separator."""

_FIRST_ROW = re.compile(r"[^\r\n]*\S[^\r\n]*")

_COMMA_NUMBER = re.compile(r"[+-]?(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)?(?:,\d+)?(?:[eE][+-]?\d+)?")
"""3,5 and 1.234,5 and 12: a number as it is written where the comma marks decimals."""
_COMMA_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")
"""1,234: decimals or thousands."""
_POINT_GROUPS = re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+")
_POINT_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def read_columns(
    path: str | os.PathLike[str], *, id_column: str, separator: str = ","
) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Cells of a table as text, by column.

    Parameters
    ----------
    path : path-like
    id_column : str
        The column that must be there; by it the separator is told where it is not the one given.
    separator : str
        Between cells, unless the header plainly has another.

    Returns
    -------
    columns : dict of str to list of str
        Cells without blanks around them. Columns without name and content are left out.
    notes : tuple of str
        What was read otherwise than it stands there.

    Raises
    ------
    FileNotFoundError
    ValueError
        The file is no text or no table, a row has other cells than the header names, a name is there twice, the column
        of IDs is absent, or it cannot be told what a comma means.
    """
    path = Path(path)
    text = read_plain_text(path)
    hint = _HINT.match(text)
    text = text[hint.end() :] if hint else text
    header = _first_row(text)
    found = _separator(header, id_column, hint.group(1) if hint else separator)
    notes = []
    if found != separator:
        notes.append(f"{path.name}: cells are separated by a {SEPARATORS[found]}")
    rows = _rows(text, found, path)
    if not rows:
        raise ValueError(
            f"{path}: cannot be read as a table: it is empty. Its first line must name the columns, one of them "
            f"{id_column}."
        )
    named = [plain_form(name) for name in rows[0][1]]
    if id_column not in named:
        raise ValueError(
            f"{path}: has no column {id_column!r}; its columns are {', '.join(named[:8])}. The first line must name "
            "the columns, and one of them must be the subject ID."
        )
    names, cells = _even(rows, path, notes)
    columns = dict(zip(names, map(list, zip(*cells, strict=True)) if cells else ([] for _ in names), strict=True))
    columns = {name: column for name, column in columns.items() if not name.startswith("Unnamed: ") or any(column)}
    if not text.endswith(("\n", "\r")) and cells and _POINT_NUMBER.fullmatch(cells[-1][-1]):
        notes.append(f"{path.name}: the last line has no line end; if the file is cut, {cells[-1][-1]} lacks digits")
    _read_commas({name: column for name, column in columns.items() if name != id_column}, path, notes)
    return columns, tuple(notes)


def column_names(path: str | os.PathLike[str]) -> list[str]:
    """Names in the first line of a table, whichever its separator; none where it is no text."""
    try:
        with open(path, "rb") as file:
            text = decoded(file.read(_HEAD_BYTES), source=path, strict=False)
    except (OSError, ValueError):
        return []
    hint = _HINT.match(text)
    header = _first_row(text[hint.end() :] if hint else text)
    return max((_split(header, separator) for separator in SEPARATORS), key=len)


def _first_row(text: str) -> str:
    match = _FIRST_ROW.search(text)
    return match.group() if match else ""


def _split(line: str, separator: str) -> list[str]:
    try:
        return [plain_form(name) for name in next(csv.reader([line], delimiter=separator, skipinitialspace=True), [])]
    except csv.Error:
        return []


def _separator(header: str, id_column: str, separator: str) -> str:
    for candidate in (separator, *SEPARATORS):
        if id_column in _split(header, candidate):
            return candidate
    return separator


def _rows(text: str, separator: str, path: Path) -> list[tuple[int, list[str]]]:
    """Rows with any content, each with the number of its (last) line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows = []
    try:
        for row in reader:
            cells = list(map(str.strip, row))
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise ValueError(
            f"{path}: cannot be read as a {SEPARATORS[separator]}-separated table: line {reader.line_num}: {error}. "
            'Close every quote (") that is opened in a cell.'
        ) from error
    return rows


def _even(rows: list[tuple[int, list[str]]], path: Path, notes: list[str]) -> tuple[list[str], list[list[str]]]:
    """Names of the columns, and rows of as many cells as there are names."""
    (_, header), *body = rows
    declared = n = len(header)
    while n and not header[n - 1] and not any(any(row[n - 1 : declared]) for _, row in body):
        n -= 1  # separators at the end of lines, with nothing between them
    lengths = {len(row) for _, row in body}
    if len(lengths) == 1 and min(lengths) > declared and not any(any(row[n:]) for _, row in body):
        declared = min(lengths)
        notes.append(f"{path.name}: the separators at the end of every row are left out")
    uneven = [(line, row) for line, row in body if len(row) != n and (not n < len(row) <= declared or any(row[n:]))]
    if uneven:
        shown = ", ".join(f"line {line} ({row[0]}) has {len(row)}" for line, row in uneven[:_SHOWN])
        more = f" and {len(uneven) - _SHOWN} more lines" if len(uneven) > _SHOWN else ""
        raise ValueError(
            f"{path}: cannot be read: the first line names {n} columns ({', '.join(header[:8])}), but {shown} cells"
            f"{more}. Give every row a cell for each column. If decimals are written with a comma, write them with a "
            "point, or separate the cells by semicolons."
        )
    names = [plain_form(name) or f"Unnamed: {place}" for place, name in enumerate(header[:n])]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places = ", ".join(str(place + 1) for place, name in enumerate(names) if name == twice[0])
        raise ValueError(
            f"{path}: the first line names {', '.join(twice[:_SHOWN])} more than once ({twice[0]}: columns {places}). "
            "Which of them counts cannot be told: keep one, or give them different names."
        )
    return names, [row if len(row) == n else row[:n] for _, row in body]


def _read_commas(columns: dict[str, list[str]], path: Path, notes: list[str]) -> None:
    """Write numbers with decimal commas with points, in the columns where commas can be nothing else."""
    numbers, proven = {}, False
    for name, cells in columns.items():
        if "," not in "".join(cells):
            continue
        filled = [cell for cell in cells if cell]
        if all(_COMMA_NUMBER.fullmatch(cell) for cell in filled):
            numbers[name] = cells
            proven |= any("," in cell and not _COMMA_GROUPS.fullmatch(cell) for cell in filled)
    if not numbers or not proven:  # 1,234 alone may be thousands: left as text, which is no number to anybody
        return
    doubtful = [name for name, cells in columns.items() if name not in numbers and _thousands(cells)]
    if doubtful:
        raise ValueError(
            f"{path}: decimals are written with a comma in {', '.join(list(numbers)[:_SHOWN])}, so that the points in "
            f"{', '.join(doubtful[:_SHOWN])} may mark decimals or thousands. Write all decimals with a point and "
            "thousands without a mark."
        )
    for cells in numbers.values():  # in place
        cells[:] = [cell.replace(".", "").replace(",", ".") for cell in cells]
    shown = ", ".join(list(numbers)[:_SHOWN]) + (", ..." if len(numbers) > _SHOWN else "")
    notes.append(f"{path.name}: the commas in {shown} are read as decimal points")


def _thousands(cells: list[str]) -> bool:
    """Whether every number with a point could be one of thousands."""
    filled = [cell for cell in cells if cell]
    pointed = [cell for cell in filled if "." in cell]
    return (
        bool(pointed)
        and all(_POINT_GROUPS.fullmatch(cell) for cell in pointed)
        and all(_POINT_NUMBER.fullmatch(cell) for cell in filled)
    )
