"""The result and input files that the authors of the paper released (protocol-3 pickles).

Layouts (UK-Digital-Heart-Project/4Dsurvival, folder data; checked against the files themselves):

* ``inputdata_DL.pkl``: ``[X (n, 11514), y (n, 2) = [status, time]]`` and perhaps a list of IDs;
* ``inputdata_DL_nooutcome.pkl``: ``[X, IDs]``;
* ``inputdata_conv.pkl``: the same with X (n, 3) = RVEDV, RVESV (mL), RVEF (percent);
* ``bootout_*.pkl``: ``[y (n, 2), B predictions (n, 1), B arrays (n,) of in-bag row numbers]``;
* ``modelCstats_*.pkl``: ``[C_app, B values of optimism]``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.pickles import read_pickle
from cardiolib.cohorts.table import CohortError, named, text_ids

LAYOUT = "the authors' pickles (inputdata_*.pkl)"
PAPER_FEATURES = 19 * 202 * 3
VOLUMES_FILE = "inputdata_conv.pkl"
CONVENTIONAL_COLUMNS = ("RVEDV", "RVESV", "RVEF")
_NO_UNIT = "unstated unit"


@dataclass(frozen=True)
class InputData:
    """Content of ``inputdata_*.pkl``.

    Attributes
    ----------
    features : (n, d) float64
    event : (n,) bool, or None in a file without outcome
    time : (n,) float64, or None; the file does not state the unit
    ids : tuple of str, or None if the file has none
    """

    features: np.ndarray
    event: np.ndarray | None
    time: np.ndarray | None
    ids: tuple[str, ...] | None

    @property
    def is_motion(self) -> bool:
        """True for displacements (19 phases x V vertices x 3), false for the three conventional volumes."""
        return self.features.shape[1] != len(CONVENTIONAL_COLUMNS)

    @property
    def n_vertices(self) -> int | None:
        """V, the number of material points, when the columns are 19 x V x 3."""
        return self.features.shape[1] // 57 if self.is_motion else None


@dataclass(frozen=True)
class Bootout:
    """Content of ``bootout_*.pkl``: the bootstrap models' predictions for every patient.

    Attributes
    ----------
    event : (n,) bool
    time : (n,) float64, in the unit of the file
    predictions : (B, n) float64
        Row b: prediction of bootstrap model b for all n patients. Higher is worse. The file of the
        network holds log risks, the file of the conventional model holds exp(log risk): see `scale`.
    in_bag : (B, n) int64
        Row b: the patients (row numbers, with repetition) that model b was trained on.
    scale : {"log risk", "partial hazard"}
    """

    event: np.ndarray
    time: np.ndarray
    predictions: np.ndarray
    in_bag: np.ndarray
    scale: str

    @property
    def log_risk(self) -> np.ndarray:
        """(B, n) predictions as log risk, whatever the file holds."""
        return np.log(self.predictions) if self.scale == "partial hazard" else self.predictions


@dataclass(frozen=True)
class ModelCStats:
    """Content of ``modelCstats_*.pkl``: apparent concordance and (B,) optimism of each bootstrap."""

    c_apparent: float
    optimism: np.ndarray


def read_inputdata(path: str | os.PathLike[str]) -> InputData:
    """Read ``inputdata_DL.pkl`` or ``inputdata_conv.pkl``; nothing in the file is executed.

    Raises
    ------
    CohortError
        Another layout; a number of columns that is neither 3 nor 19 x V x 3; rows of X and y that differ
        in number; a status that is not 0/1 or a time that is negative or missing.
    """
    content = read_pickle(path)
    if not isinstance(content, (list, tuple)) or len(content) not in (2, 3):
        raise CohortError(f"{path}: expected [X, y] or [X, y, IDs], found {_described(content)}.")
    features = _matrix(content[0], path, "X")
    n, d = features.shape
    event, time, rest = None, None, list(content[1:])
    if len(rest) == 2 or not _is_ids(rest[0]):
        event, time = _outcomes(rest.pop(0), path)
    if time is not None and n != len(time):
        raise CohortError(f"{path}: X has {n} rows and y has {len(time)}; they must describe the same patients.")
    if d != len(CONVENTIONAL_COLUMNS) and (d == 0 or d % 57):
        raise CohortError(
            f"{path}: X has {d} columns; expected 3 (RVEDV, RVESV, RVEF) or 19 phases x V vertices x 3 coordinates "
            f"({PAPER_FEATURES} for the paper's 202 vertices), and {d} is not a multiple of 57."
        )
    ids = None
    if rest:
        ids = text_ids(np.asarray(rest[0], dtype=object).reshape(-1).tolist(), source=f"{path}: IDs")
        if len(ids) != n:
            raise CohortError(f"{path}: {len(ids)} IDs for {n} rows of X.")
    return InputData(features=features, event=event, time=time, ids=ids)


def read_bootout(path: str | os.PathLike[str]) -> Bootout:
    """Read ``bootout_DL.pkl`` or ``bootout_conv.pkl`` (of pandas < 2); nothing in the file is executed.

    The file does not say whether it holds log risks or partial hazards. The network's predictions are
    bare arrays of log risk; lifelines' predictions are data frames of partial hazard, all positive.
    """
    content = read_pickle(path)
    if not isinstance(content, (list, tuple)) or len(content) != 3:
        raise CohortError(f"{path}: expected [y, predictions, in-bag indices], found {_described(content)}.")
    event, time = _outcomes(content[0], path)
    predictions = _stacked(content[1], path, "predictions", n=len(time)).astype(np.float64)
    in_bag = _stacked(content[2], path, "in-bag indices", n=len(time))
    if len(predictions) != len(in_bag):
        raise CohortError(f"{path}: {len(predictions)} predictions but {len(in_bag)} arrays of in-bag indices.")
    if not np.issubdtype(in_bag.dtype, np.integer) or in_bag.min() < 0 or in_bag.max() >= len(time):
        raise CohortError(f"{path}: in-bag indices must be row numbers from 0 to {len(time) - 1}.")
    scale = "partial hazard" if (predictions > 0).all() else "log risk"
    return Bootout(event=event, time=time, predictions=predictions, in_bag=in_bag.astype(np.int64), scale=scale)


def read_model_cstats(path: str | os.PathLike[str]) -> ModelCStats:
    """Read ``modelCstats_DL.pkl`` or ``modelCstats_conv.pkl``; nothing in the file is executed."""
    content = read_pickle(path)
    if not isinstance(content, (list, tuple)) or len(content) != 2:
        raise CohortError(f"{path}: expected [C_app, optimism values], found {_described(content)}.")
    try:
        apparent, optimism = float(content[0]), np.asarray(content[1], dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise CohortError(f"{path}: expected a number and a list of numbers ({error}).") from error
    if not np.isfinite([apparent, *optimism]).all():
        raise CohortError(f"{path}: C_app or a value of optimism is not finite. Get the file again.")
    return ModelCStats(c_apparent=apparent, optimism=optimism)


def why_not(path: Path) -> str | None:
    """None if `path` is an inputdata pickle or a folder with one; else what is missing."""
    if path.is_file():
        return None if path.suffix == ".pkl" else "not a .pkl file"
    if any(path.glob("inputdata_*.pkl")):
        return None
    results = [p.name for p in sorted(path.glob("*.pkl"))]
    held = f" (it holds {', '.join(results)}: read those with read_bootout or read_model_cstats)" if results else ""
    return f"no inputdata_DL.pkl or inputdata_conv.pkl{held}"


def open_authors_files(path: Path) -> Cohort:
    """The cohort in an inputdata pickle, or in a folder with one or both of them."""
    files = [path] if path.is_file() else sorted(path.glob("inputdata_*.pkl"))
    parts = {file.name: read_inputdata(file) for file in files}
    first = next(iter(parts.values()))
    for name, part in parts.items():
        if not _same_patients(part, first):
            raise CohortError(
                f"{path}: {next(iter(parts))} and {name} hold different patients (their y or IDs differ). Open one "
                "of the files by its own path."
            )
    notes = []
    ids = next((part.ids for part in parts.values() if part.ids is not None), None)
    if ids is None:
        n = len(first.features)
        ids = tuple(f"row{i + 1:0{len(str(n))}d}" for i in range(n))
        notes.append(f"the files hold no IDs: subjects are named by their row, {ids[0]} to {ids[-1]}")
    motion, volumes = None, None
    for name, part in parts.items():
        if part.is_motion:
            _refuse_gaps(part.features, ids, source=path if path.is_file() else path / name)
            motion = part.features
            notes.append(_size_note(name, part))
        else:
            volumes = pd.DataFrame(part.features, index=list(ids), columns=list(CONVENTIONAL_COLUMNS))
    table = pd.DataFrame(index=list(ids))
    if first.time is not None:
        table["time"], table["event"] = first.time, first.event
    name = path.stem if path.is_file() else path.name
    return _AuthorsCohort(
        name, table, time_unit=_NO_UNIT, layout=LAYOUT, folder=path, notes=notes, volumes=volumes, motion=motion
    )


class _AuthorsCohort(Cohort):
    def _source_of(self, subject_id: str) -> str:
        folder = Path(str(self.folder))
        return f"in {folder if folder.is_file() else folder / VOLUMES_FILE}"


def _refuse_gaps(motion: np.ndarray, ids: tuple[str, ...], *, source: Path) -> None:
    """Refuse displacements that are NaN or infinite; the file and the subjects are named."""
    bad = [ids[row] for row in np.flatnonzero(~np.isfinite(motion).all(axis=1))]
    if bad:
        raise CohortError(
            f"{source}: X of subject(s) {named(bad)} holds values that are not finite. Take these subjects out, or get "
            "the file again if it should have none."
        )


def _is_ids(value: Any) -> bool:
    array = np.asarray(value, dtype=object) if isinstance(value, (list, tuple)) else value
    return isinstance(array, np.ndarray) and array.size > 0 and all(isinstance(i, str) for i in array.reshape(-1))


def _same_patients(a: InputData, b: InputData) -> bool:
    if a.ids is not None and b.ids is not None and a.ids != b.ids:
        return False
    if (a.time is None) != (b.time is None) or len(a.features) != len(b.features):
        return False
    return a.time is None or (np.array_equal(a.time, b.time) and np.array_equal(a.event, b.event))


def _size_note(name: str, part: InputData) -> str:
    note = f"{name}: {part.features.shape[1]:,} columns = 19 phases x {part.n_vertices} vertices x 3, mm from frame 0"
    if part.features.shape[1] != PAPER_FEATURES:
        note += f"; the paper has {PAPER_FEATURES:,} (202 vertices): a model trained on those cannot read these"
    return note


def _outcomes(y: Any, path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray]:
    outcomes = _matrix(y, path, "y")
    if outcomes.shape[1] != 2:
        raise CohortError(f"{path}: y must have the two columns status and time; its shape is {outcomes.shape}.")
    status, time = outcomes.T
    bad = np.flatnonzero(~np.isin(status, (0.0, 1.0)) | ~(time >= 0) | ~np.isfinite(time))
    if bad.size:
        row = int(bad[0])
        raise CohortError(
            f"{path}: status must be 0 or 1 and time zero or more; {bad.size} row(s) of y are not so, the first "
            f"is row {row + 1}: status {status[row]}, time {time[row]}."
        )
    return status == 1.0, time.copy()


def _matrix(values: Any, path: str | os.PathLike[str], what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        raise CohortError(f"{path}: {what} must be a matrix of numbers, found {_described(values)}.")
    return array.astype(np.float64)


def _stacked(arrays: Any, path: str | os.PathLike[str], what: str, *, n: int) -> np.ndarray:
    rows = [np.asarray(array).reshape(-1) for array in arrays] if isinstance(arrays, (list, tuple)) else []
    if not rows or any(len(row) != n or row.dtype.kind not in "fiu" for row in rows):
        sizes = sorted({len(row) for row in rows})
        raise CohortError(f"{path}: {what} must be a list of arrays of {n} numbers; found sizes {sizes}.")
    stacked = np.stack(rows)
    if not np.isfinite(stacked).all():
        first = int(np.flatnonzero(~np.isfinite(stacked).all(axis=1))[0])
        raise CohortError(f"{path}: {what} hold values that are not finite, first in array {first + 1}. Get it again.")
    return stacked


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)} items"
    return f"a {type(value).__name__}"
