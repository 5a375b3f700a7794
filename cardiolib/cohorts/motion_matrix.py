"""The motion descriptor of the survival network: displacements of 202 vertices in 19 phases, 11,514 numbers.

Column ``(t - 1) * 606 + v * 3 + c`` of the matrix holds the displacement in mm of coordinate c (0 x, 1 y, 2 z) of
point v from phase 0 to phase t (UK-Digital-Heart-Project/4Dsurvival, inputdata_setup.py). The released code neither
rotates nor scales; `to_heart_frame` is our addition, so that how a patient lay in the scanner is no feature.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cardiolib.cohorts.motion_file import LAYOUT, column_meaning, point_list_sha256
from cardiolib.files import atomic_path

N_PHASES, N_VERTICES = 20, 202
N_FEATURES = (N_PHASES - 1) * N_VERTICES * 3


@dataclass(frozen=True, eq=False)
class MotionMatrix:
    """Descriptors of a cohort.

    Parameters
    ----------
    X : (N, D) float64 array
        mm.
    ids : tuple of str
    frame, vertex, coordinate : (D,) int arrays
        Meaning of each column: phase from 1, point from 0, 0 x / 1 y / 2 z.
    point_list_sha256 : str
        Hash of the full-mesh rows of the points: a model and its data must agree in it.
    """

    X: np.ndarray
    ids: tuple[str, ...]
    frame: np.ndarray
    vertex: np.ndarray
    coordinate: np.ndarray
    point_list_sha256: str


def to_matrix(positions: np.ndarray) -> np.ndarray:
    """Displacements from phase 0 as one row a subject.

    Parameters
    ----------
    positions : (N, T, V, 3) array
        mm; T >= 2, phase 0 is end-diastole.

    Returns
    -------
    (N, (T-1) * V * 3) float64 array
        (N, 11514) for 20 phases and 202 vertices.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if positions.ndim != 4 or positions.shape[1] < 2 or positions.shape[3] != 3 or 0 in positions.shape:
        raise ValueError(f"positions is an (N, T, V, 3) array in mm with T >= 2; given shape {positions.shape}")
    if not np.isfinite(positions).all():
        bad = np.flatnonzero(~np.isfinite(positions).all(axis=(1, 2, 3)))
        raise ValueError(
            f"positions of subject(s) number {bad.tolist()} are not finite; track them again or leave them out"
        )
    return (positions[:, 1:] - positions[:, :1]).reshape(len(positions), -1)


def from_matrix(X: np.ndarray, *, reference: np.ndarray | None = None, n_phases: int = N_PHASES) -> np.ndarray:
    """The inverse of `to_matrix`.

    Parameters
    ----------
    X : (N, D) array
        mm; D = (n_phases - 1) * V * 3.
    reference : (V, 3) or (N, V, 3) array, optional
        Positions at phase 0; zeros by default, which gives displacements.
    n_phases : int

    Returns
    -------
    (N, T, V, 3) float64 array
    """
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or n_phases < 2 or X.shape[1] == 0 or X.shape[1] % (3 * (n_phases - 1)):
        raise ValueError(f"X is an (N, D) array with D = {n_phases - 1} phases x points x 3; given shape {X.shape}")
    moves = X.reshape(len(X), n_phases - 1, -1, 3)
    start = np.zeros((len(X), 1, moves.shape[2], 3))
    if reference is not None:
        reference = np.asarray(reference, dtype=np.float64)
        if reference.shape not in ((moves.shape[2], 3), (len(X), moves.shape[2], 3)):
            raise ValueError(f"reference has {moves.shape[2]} points (V, 3) or (N, V, 3); given {reference.shape}")
        start = start + (reference if reference.ndim == 2 else reference[:, None])
    return np.concatenate([start, start + moves], axis=1)


def column_index(frame: int, vertex: int, coordinate: int, *, n_points: int = N_VERTICES) -> int:
    """Column of phase `frame` (from 1), point `vertex` (from 0), coordinate 0 x / 1 y / 2 z."""
    return (frame - 1) * n_points * 3 + vertex * 3 + coordinate


def write_matrix(
    path: str | os.PathLike[str],
    X: np.ndarray,
    ids: Sequence[str],
    *,
    n_phases: int = N_PHASES,
    point_rows: np.ndarray | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write descriptors of a cohort as one ``.npz`` without pickled objects, and a ``.json`` beside it.

    Parameters
    ----------
    path : path-like
        Ends in ``.npz``; an older file is replaced in one step.
    X : (N, D) array
        mm.
    ids : sequence of N different str
    n_phases : int
    point_rows : (V,) int array, optional
        Full-mesh vertices of the points; 0..V-1 by default.
    about : mapping, optional
        Kept in the side file: seed, parameters, versions.
    """
    path, X = Path(path), np.asarray(X, dtype=np.float64)
    if path.suffix != ".npz":
        raise ValueError(f"a motion file ends in .npz; given {path.name}")
    shape = from_matrix(X, n_phases=n_phases).shape
    if len(ids) != len(X) or len(set(ids)) != len(ids):
        raise ValueError(f"{len(X)} rows need as many different IDs; given {len(ids)}, {len(set(ids))} different")
    rows = np.arange(shape[2]) if point_rows is None else np.asarray(point_rows)
    if rows.shape != (shape[2],):
        raise ValueError(f"point_rows names {rows.shape} points; the motion has {shape[2]}")
    frame, vertex, coordinate = column_meaning(X.shape[1], n_phases)
    side = {
        "layout": LAYOUT,
        "name": path.stem,
        "units": "mm",
        "about": dict(about or {}),
        "columns": "X[:, i]: mm from phase 0 of coordinate[i] (0 x, 1 y, 2 z) of point vertex[i] in frame[i]",
    }
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(side, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    with atomic_path(path) as temporary:
        np.savez(
            temporary,
            X=X,
            ids=np.array(list(ids), dtype=str),
            frame=frame,
            vertex=vertex,
            coordinate=coordinate,
            units=np.array("mm"),
            point_list_sha256=np.array(point_list_sha256(rows)),
        )
    return path


def read_matrix(path: str | os.PathLike[str]) -> MotionMatrix:
    """Read what `write_matrix` wrote; raises ValueError when the file lacks an array or is not in mm."""
    with np.load(path, allow_pickle=False) as stored:
        absent = [
            name
            for name in ("X", "ids", "frame", "vertex", "coordinate", "units", "point_list_sha256")
            if name not in stored.files
        ]
        if absent:
            raise ValueError(f"{path} lacks the array(s) {', '.join(absent)}: it is not a motion file")
        if str(stored["units"]) != "mm":
            raise ValueError(f"{path}: motion must be in mm; the file says {stored['units']}")
        return MotionMatrix(
            stored["X"],
            tuple(str(one) for one in stored["ids"]),
            stored["frame"],
            stored["vertex"],
            stored["coordinate"],
            str(stored["point_list_sha256"]),
        )
