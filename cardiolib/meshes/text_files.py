"""Plain text files of vertices, as 4Dsegment writes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cardiolib.files import atomic_path, mark_simulated
from cardiolib.meshes.surface import check_points
from cardiolib.plain_text import read_plain_text


def read_points_txt(path: str | os.PathLike[str]) -> np.ndarray:
    """Read vertices, one "x y z" a line in mm, spaces or tabs between, no header.

    Returns
    -------
    (V, 3) float64 array
        A fourth column (curvature, wall thickness) is left out; see `read_point_scalars_txt`.

    Raises
    ------
    FileNotFoundError
    ValueError
        For an empty file, rows of different length, anything but three or four columns, or values that
        are not finite numbers.
    """
    return check_points(_read_table(path, (3, 4))[:, :3])


def read_point_scalars_txt(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    """Read "x y z scalar" a line: (V, 3) points in mm and (V,) values; errors as `read_points_txt`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_points_txt(np.eye(3), f"{folder}/thickness.txt", scalars=np.array([7.0, 8, 9]))
    ...     read_point_scalars_txt(f"{folder}/thickness.txt")[1]
    array([7., 8., 9.])
    """
    table = _read_table(path, (4,))
    return check_points(table[:, :3]), table[:, 3]


def write_points_txt(
    points: np.ndarray, path: str | os.PathLike[str], *, scalars: np.ndarray | None = None, simulated: bool = False
) -> None:
    """Write "x y z" (or "x y z scalar") a line in mm, with six decimals (a millionth of a mm).

    Parameters
    ----------
    points : (V, 3) array
    path : path-like
    scalars : (V,) array, optional
    simulated : bool
        No patient is behind them: a side file ``<name>.json`` says so.
    """
    table = check_points(points)
    if scalars is not None:
        scalars = np.asarray(scalars, float)
        if scalars.shape != (len(table),):
            raise ValueError(f"one scalar for each of {len(table)} points is needed; given shape {scalars.shape}")
        table = np.column_stack([table, scalars])
    row = " ".join(["%.6f"] * table.shape[1]) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text("".join(row % tuple(values) for values in table.tolist()), encoding="ascii")
    if simulated:
        mark_simulated(path, simulated)


def read_matched_points(path: str | os.PathLike[str]) -> np.ndarray:
    """Read matchedpointsnew.txt: which vertices of the full mesh make the decimated one.

    Returns
    -------
    (n, 2) int64 array
        Column 0 is the index in the decimated mesh, column 1 that in the full mesh, both from 0. Column 1
        is the one to use: ``points[matched[:, 1]]``.

    Raises
    ------
    ValueError
        For anything but two columns of whole numbers, negative indices, or a full-mesh index that
        occurs twice.
    """
    table = _read_table(path, (2,))
    if (table < 0).any() or (table > np.iinfo(np.int32).max).any() or (np.rint(table) != table).any():
        raise ValueError(f"{path}: matched points are two columns of whole numbers from 0")
    matched = table.astype(np.int64)
    if len(np.unique(matched[:, 1])) != len(matched):
        raise ValueError(f"{path}: a vertex of the full mesh (column 1) is matched twice")
    return matched


def write_matched_points(indices: np.ndarray, path: str | os.PathLike[str]) -> None:
    """Write matchedpointsnew.txt.

    Parameters
    ----------
    indices : (n,) or (n, 2) int array
        Full-mesh indices, or both columns; alone they are numbered from 0.
    path : path-like
    """
    indices = np.asarray(indices)
    if indices.dtype.kind not in "iu" or indices.ndim not in (1, 2) or (indices.ndim == 2 and indices.shape[1] != 2):
        raise ValueError(f"indices is an (n,) or (n, 2) array of whole numbers; given {indices.dtype} {indices.shape}")
    if indices.ndim == 1:
        indices = np.column_stack([np.arange(len(indices)), indices])
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{a}\t{b}\n" for a, b in indices.tolist()), encoding="ascii")


def refuse_cut_frames(files: Sequence[Path]) -> None:
    """Refuse text files of one sequence of which some end within a line: each was cut while it was copied.

    A single file may lack its last line end, as some editors leave it; then all files of a sequence do.

    Raises
    ------
    ValueError
        Naming the files.
    """
    texts = [file for file in files if file.suffix == ".txt"]
    open_ended = [file for file in texts if not _ends_a_line(file)]
    if 0 < len(open_ended) < len(texts):
        shown = ", ".join(file.name for file in open_ended[:8])
        raise ValueError(
            f"{texts[0].parent}: {shown} end(s) within a line, the other frames do not: the file is cut. Copy it "
            "again, or write it again."
        )


def _ends_a_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 2))
        return file.read().rstrip(b"\0").endswith((b"\n", b"\r"))


def _read_table(path: str | os.PathLike[str], columns: tuple[int, ...]) -> np.ndarray:
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    text = read_plain_text(path)
    lines = [line.split() for line in text.splitlines() if line.strip()]
    wanted = " or ".join(map(str, columns))
    if not lines:
        raise ValueError(f"{path} is empty; lines of {wanted} numbers were expected")
    counts = sorted({len(line) for line in lines})
    if len(counts) > 1 or counts[0] not in columns:
        raise ValueError(
            f"{path}: {wanted} columns were expected on every line; found {counts}. Separate numbers by spaces or tabs "
            "and write decimals with a point; if lines are cut, copy the file again."
        )
    odd = next((value for line in lines for value in line if "_" in value or not value.isascii()), "")
    if odd:  # Python takes 1_0 for 10
        raise ValueError(f"{path}: {odd!r} is not a number. Write decimals with a point.")
    try:
        table = np.array(lines, dtype=float)
    except ValueError as error:
        raise ValueError(f"{path}: a value is not a number ({error}). Write decimals with a point.") from error
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise ValueError(f"{path}: a value is not finite, first in row {row + 1}")
    if not text.endswith(("\n", "\r")) and _shorter_last(lines):
        raise ValueError(
            f"{path}: the last line ends in {lines[-1][-1]}, with fewer digits than all others and no line end: the "
            "file is cut. Copy it again, or write it again."
        )
    return table


def _shorter_last(lines: list[list[str]]) -> bool:
    """Whether the last number alone has fewer digits behind the point, where all others have the same number."""
    digits = [len(line[-1].rpartition(".")[2]) if "." in line[-1] else 0 for line in lines]
    return len(lines) > 1 and len(set(digits[:-1])) == 1 and digits[-1] < digits[0]
