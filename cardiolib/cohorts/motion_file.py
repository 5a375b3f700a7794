"""cardiolib's own file of motion and outcomes: one .npz without pickled objects, and a .json beside it."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.table import CohortError
from cardiolib.files import atomic_path

LAYOUT = "cardiolib motion file (.npz)"
_NEEDED = ("X", "ids", "frame", "vertex", "coordinate", "units", "point_list_sha256")


def point_list_sha256(point_rows: np.ndarray) -> str:
    """Hash of the full-mesh rows of the material points: a model and its data must agree in it."""
    return hashlib.sha256(np.asarray(point_rows, dtype="<i8").tobytes()).hexdigest()


def write_motion_file(
    cohort: Cohort,
    path: str | os.PathLike[str],
    *,
    n_frames: int = 20,
    point_rows: np.ndarray | None = None,
    about: Mapping[str, Any] | None = None,
) -> Path:
    """Write the motion matrix of a cohort, with IDs, follow-up and the meaning of every column.

    Parameters
    ----------
    cohort : Cohort
    path : path-like
        Ends in ``.npz``; must not exist. The side file has the same name with ``.json``.
    n_frames : int
        Frames of the cycle, the reference frame 0 included.
    point_rows : (V,) int array, optional
        Full-mesh vertices of the V points (column 1 of ``matchedpointsnew.txt``); 0..V-1 by default.
    about : mapping, optional
        Anything to keep in the side file: seed, parameters, versions.
    """
    path = Path(path)
    if path.suffix != ".npz":
        raise ValueError(f"a motion file ends in .npz; given {path.name}")
    if path.exists():
        raise FileExistsError(f"{path} exists already; give another name")
    ids, matrix = cohort.motion_matrix()
    frame, vertex, coordinate = column_meaning(matrix.shape[1], n_frames)
    rows = np.arange(vertex.max() + 1) if point_rows is None else np.asarray(point_rows)
    if len(rows) != vertex.max() + 1:
        raise CohortError(f"point_rows names {len(rows)} points, but the motion has {vertex.max() + 1}.")
    content = {
        "X": matrix,
        "ids": np.array(ids, dtype=str),
        "frame": frame,
        "vertex": vertex,
        "coordinate": coordinate,
        "units": np.array("mm"),
        "point_list_sha256": np.array(point_list_sha256(rows)),
    }
    if "event" in cohort.table:
        table = cohort.table.loc[list(ids)]
        content |= {"status": table["event"].to_numpy().astype(np.int8), "time": table["time"].to_numpy()}
    side = {
        "layout": LAYOUT,
        "name": cohort.name,
        "simulated": cohort.simulated,
        "time_unit": cohort.time_unit,
        "columns": "X[:, i]: mm from frame 0 of coordinate[i] (0 x, 1 y, 2 z) of point vertex[i] in frame[i]",
        "notes": list(cohort.notes),
        "about": dict(about or {}),
    }
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(side, indent=1) + "\n", encoding="utf-8")
    with atomic_path(path) as temporary:
        np.savez(temporary, **content)
    return path


def column_meaning(n_columns: int, n_frames: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame (from 1), point and coordinate (0 x, 1 y, 2 z) of every column of a motion matrix, each (D,)."""
    if n_frames < 2 or n_columns <= 0 or n_columns % (3 * (n_frames - 1)):
        raise CohortError(
            f"{n_columns} columns are not {n_frames - 1} frames x V points x 3 coordinates: say how many frames the "
            "cycle has (n_frames)."
        )
    shape = (n_frames - 1, n_columns // (3 * (n_frames - 1)), 3)
    frame, vertex, coordinate = (index.reshape(-1) for index in np.indices(shape))
    return frame + 1, vertex, coordinate


def why_not(path: Path) -> str | None:
    """None if `path` is a motion file; else what is missing."""
    return None if path.is_file() and path.suffix == ".npz" else "not a .npz file"


def open_motion_file(path: Path) -> Cohort:
    """The cohort in a motion file.

    Raises
    ------
    CohortError
        The file is damaged, holds pickled objects (which are not loaded), lacks an array, or is not in mm.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            content = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise CohortError(f"{path}: is not a readable motion file ({error}).") from error
    absent = [name for name in _NEEDED if name not in content]
    if absent:
        raise CohortError(f"{path}: lacks the array(s) {', '.join(absent)}; it was not written by write_motion_file.")
    if str(content["units"]) != "mm":
        raise CohortError(f"{path}: motion must be in mm; the file says {content['units']}.")
    side_path = path.with_suffix(".json")
    side = json.loads(side_path.read_text(encoding="utf-8")) if side_path.is_file() else {}
    table = pd.DataFrame(index=[str(subject_id) for subject_id in content["ids"]])
    if "time" in content:
        table["time"], table["event"] = content["time"], content["status"]
    note = f"{content['X'].shape[1]:,} features, point list {str(content['point_list_sha256'])[:12]}"
    return Cohort(
        side.get("name", path.stem),
        table,
        time_unit=side.get("time_unit", "days"),
        layout=LAYOUT,
        folder=path,
        simulated=bool(side.get("simulated", False)),
        notes=[*side.get("notes", ()), note],
        motion=content["X"],
    )
