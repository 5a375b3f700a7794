"""The one file of the motion matrix: an ``.npz`` without pickled objects, and a ``.json`` beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.motion_matrix import N_PHASES, column_meaning, from_matrix
from cardiolib.cohorts.table import CohortError
from cardiolib.files import atomic_path, read_arrays, read_json_object, write_json

LAYOUT = "cardiolib motion file (.npz)"
_NEEDED = ("X", "ids", "vertex", "coordinate", "units", "point_list_sha256")


@dataclass(frozen=True, eq=False)
class MotionMatrix:
    """Descriptors of a cohort, as a file holds them.

    Parameters
    ----------
    X : (N, D) float64 array
        mm.
    ids : tuple of str
    phase, vertex, coordinate : (D,) int arrays
        Meaning of each column: phase from 1, vertex from 0, 0 x / 1 y / 2 z.
    point_list_sha256 : str
        Hash of the full-mesh rows of the vertices: a model and its data must agree in it.
    simulated : bool
        No patient is behind them.
    outcomes : DataFrame or None
        Index ID; time, event. None where the file has no follow-up.
    about : dict
        Content of the side file; empty where it is not there.
    """

    X: np.ndarray
    ids: tuple[str, ...]
    phase: np.ndarray
    vertex: np.ndarray
    coordinate: np.ndarray
    point_list_sha256: str
    simulated: bool
    outcomes: pd.DataFrame | None
    about: dict[str, Any]


def point_list_sha256(point_rows: np.ndarray) -> str:
    """Hash of the full-mesh rows of the vertices: a model and its data must agree in it."""
    return hashlib.sha256(np.asarray(point_rows, dtype="<i8").tobytes()).hexdigest()


def write_matrix(
    path: str | os.PathLike[str],
    X: np.ndarray,
    ids: Sequence[str],
    *,
    simulated: bool,
    n_phases: int = N_PHASES,
    point_rows: np.ndarray | None = None,
    outcomes: pd.DataFrame | None = None,
    time_unit: str = "days",
    name: str | None = None,
    notes: Sequence[str] = (),
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write descriptors of a cohort.

    Parameters
    ----------
    path : path-like
        Ends in ``.npz``; an older file is replaced in one step. The side file has the same name with ``.json``.
    X : (N, D) array
        mm.
    ids : sequence of N different str
    simulated : bool
        No patient is behind them: written into both files.
    n_phases : int
        Phases of the cycle, end-diastole included.
    point_rows : (V,) int array, optional
        Full-mesh vertices of the V vertices (column 1 of ``matchedpointsnew.txt``); 0..V-1 by default.
    outcomes : DataFrame indexed by ID, optional
        Columns time and event.
    time_unit : str
        Of `outcomes`.
    name : str, optional
        Of the cohort; the file's by default.
    notes : sequence of str
    about : mapping, optional
        Kept in the side file: seed, parameters, versions.

    Raises
    ------
    ValueError
        Another suffix, a shape that does not fit, or repeated IDs.
    """
    path, X = Path(path), np.asarray(X, dtype=np.float64)
    if path.suffix != ".npz":
        raise ValueError(f"a motion file ends in .npz; given {path.name}")
    n_vertices = from_matrix(X[:1], n_phases=n_phases).shape[2]
    if len(ids) != len(X) or len(set(ids)) != len(ids):
        raise ValueError(f"{len(X)} rows need as many different IDs; given {len(ids)}, {len(set(ids))} different")
    rows = np.arange(n_vertices) if point_rows is None else np.asarray(point_rows)
    if rows.shape != (n_vertices,):
        raise ValueError(f"point_rows names {len(rows)} vertices, but the motion has {n_vertices}")
    phase, vertex, coordinate = column_meaning(X.shape[1], n_phases)
    content = {
        "X": X,
        "ids": np.array(list(ids), dtype=str),
        "phase": phase,
        "vertex": vertex,
        "coordinate": coordinate,
        "units": np.array("mm"),
        "point_list_sha256": np.array(point_list_sha256(rows)),
        "simulated": np.array(bool(simulated)),
    }
    if outcomes is not None:
        table = outcomes.loc[list(ids)]
        content |= {"status": table["event"].to_numpy().astype(np.int8), "time": table["time"].to_numpy(np.float64)}
    side = {
        "layout": LAYOUT,
        "name": path.stem if name is None else name,
        "simulated": bool(simulated),
        "units": "mm",
        "time_unit": time_unit,
        "columns": "X[:, i]: mm from phase 0 of coordinate[i] (0 x, 1 y, 2 z) of vertex[i] in phase[i]",
        "notes": list(notes),
        "about": dict(about or {}),
    }
    write_json(path.with_suffix(".json"), side)
    with atomic_path(path) as temporary:
        np.savez(temporary, **content)
    return path


def write_motion_file(
    cohort: Cohort,
    path: str | os.PathLike[str],
    *,
    n_phases: int = N_PHASES,
    point_rows: np.ndarray | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write motion and follow-up of a cohort with `write_matrix`; the file must not exist.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from cardiolib.cohorts import Cohort, open_cohort
    >>> cohort = Cohort("two", pd.DataFrame(index=["a", "b"]), motion=np.zeros((2, 11514)))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = open_cohort(write_motion_file(cohort, f"{folder}/motion.npz"))
    >>> again.ids
    ('a', 'b')
    """
    if Path(path).exists():
        raise FileExistsError(f"{path} exists already; give another name")
    ids, X = cohort.motion_matrix()
    return write_matrix(
        path,
        X,
        ids,
        simulated=cohort.simulated,
        n_phases=n_phases,
        point_rows=point_rows,
        outcomes=cohort.table if "event" in cohort.table else None,
        time_unit=cohort.time_unit,
        name=cohort.name,
        notes=cohort.notes,
        about=about,
    )


def read_matrix(path: str | os.PathLike[str]) -> MotionMatrix:
    """Read what `write_matrix` wrote, and files of earlier versions (``frame`` for phase, the mark under ``about``).

    Raises
    ------
    CohortError
        The file is damaged, holds pickled objects (which are not loaded), lacks an array, or is not in mm.
    """
    path = Path(path)
    try:
        content = read_arrays(path, _NEEDED, what="motion file")
        side_path = path.with_suffix(".json")
        side = read_json_object(side_path, what="side file of a motion file") if side_path.is_file() else {}
    except ValueError as error:
        raise CohortError(str(error)) from error
    phase = content.get("phase", content.get("frame"))
    if phase is None:
        raise CohortError(f"{path}: lacks the array(s) phase; it is no motion file.")
    if str(content["units"]) != "mm":
        raise CohortError(f"{path}: motion must be in mm; the file says {content['units']}.")
    _check_shapes(content, phase, path)
    if not isinstance(side.get("notes", []), list):
        raise CohortError(
            f"{side_path}: notes must be a list of sentences; found {side['notes']!r}. Correct or remove it."
        )
    ids = tuple(str(one) for one in content["ids"])
    outcomes = None
    if "time" in content:
        outcomes = pd.DataFrame({"time": content["time"], "event": content["status"]}, index=list(ids))
    about = side.get("about") if isinstance(side.get("about"), dict) else {}
    marks = (content.get("simulated", False), side.get("simulated", False), about.get("simulated", False))
    return MotionMatrix(
        content["X"],
        ids,
        phase,
        content["vertex"],
        content["coordinate"],
        str(content["point_list_sha256"]),
        any(bool(mark) for mark in marks),
        outcomes,
        side,
    )


def _check_shapes(content: Mapping[str, np.ndarray], phase: np.ndarray, path: Path) -> None:
    """Refuse arrays that do not belong together."""
    X = content["X"]
    if X.ndim != 2 or X.dtype.kind not in "fiu":
        raise CohortError(f"{path}: X must be a table of numbers, a row for each subject; found {X.dtype} {X.shape}.")
    rows = {name: content[name].shape for name in ("ids", "time", "status") if name in content}
    mark = content.get("simulated", np.array(False))
    if mark.shape != () or mark.dtype.kind not in "biu":
        raise CohortError(
            f"{path}: simulated must be true or false; found {mark.dtype} {mark.shape}. Make the file again."
        )
    columns = {"phase": phase.shape} | {name: content[name].shape for name in ("vertex", "coordinate")}
    wrong = [f"{name} {shape}" for name, shape in rows.items() if shape != X.shape[:1]]
    wrong += [f"{name} {shape}" for name, shape in columns.items() if shape != X.shape[1:]]
    if ("time" in content) != ("status" in content):
        wrong.append("time without status" if "time" in content else "status without time")
    if wrong:
        raise CohortError(
            f"{path}: X has shape {X.shape}, to which {', '.join(wrong)} do(es) not fit. Make the file again."
        )


def why_not(path: Path) -> str | None:
    """None if `path` is a motion file; else what is missing."""
    return None if path.is_file() and path.suffix == ".npz" else "not a .npz file"


def open_motion_file(path: Path) -> Cohort:
    """The cohort in a motion file; errors as `read_matrix`."""
    stored = read_matrix(path)
    table = pd.DataFrame(index=list(stored.ids)) if stored.outcomes is None else stored.outcomes
    note = f"{stored.X.shape[1]:,} features, point list {stored.point_list_sha256[:12]}"
    try:
        return Cohort(
            str(stored.about.get("name", path.stem)),
            table,
            time_unit=str(stored.about.get("time_unit", "days")),
            layout=LAYOUT,
            folder=path,
            simulated=stored.simulated,
            notes=[*map(str, stored.about.get("notes", ())), note],
            motion=stored.X,
        )
    except CohortError as error:
        if str(path) in str(error):
            raise
        raise CohortError(f"{path}: {error}") from error
