"""One unit of a resampling run: train the pipeline on some rows, predict everybody, write one file."""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from cardiolib.files import atomic_path, read_arrays, read_json, write_json


@dataclass(frozen=True)
class Prediction:
    """What a pipeline gives back: log risks, and the values its tuning chose (numbers only)."""

    log_risk: np.ndarray
    parameters: Mapping[str, float] = field(default_factory=dict)


class FitPredict(Protocol):
    """A whole pipeline: preprocessing, tuning and fitting on the bag, then prediction of `X_new`.

    `groups` holds the original row number of every row of the bag. A bag repeats patients: folds inside the
    pipeline must keep equal groups together, or tuning rewards memorising (in simulations it chose
    a penalty eight times too weak). `seed` is the only source of randomness.
    """

    def __call__(
        self, X: np.ndarray, event: np.ndarray, time: np.ndarray, *, X_new: np.ndarray, groups: np.ndarray, seed: int
    ) -> Prediction | np.ndarray: ...


def run_unit(
    path: Path,
    rows: np.ndarray,
    *,
    fit_predict: FitPredict,
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    seed: int,
    may_fail: bool,
) -> None:
    """Train on `rows`, predict all patients, and write `path`: rows, log risks, message, seconds, chosen parameters.

    A pipeline that fails leaves its message in the file where `may_fail`; otherwise its error is raised.
    """
    message, prediction, start = "", Prediction(np.full(time.size, np.nan)), clock.perf_counter()
    try:
        given = fit_predict(X[rows], event[rows], time[rows], X_new=X, groups=rows, seed=seed)
        prediction = _checked(given, time.size)
    except Exception as error:
        if not may_fail:
            raise
        message = f"{type(error).__name__}: {error}"
    with atomic_path(path) as temporary, open(temporary, "wb") as handle:
        np.savez(
            handle,
            rows=rows,
            log_risk=prediction.log_risk,
            message=np.array(message),
            seconds=clock.perf_counter() - start,
            names=np.array(list(prediction.parameters), dtype=str),
            values=np.array(list(prediction.parameters.values()), dtype=float),
        )


def is_missing(path: Path, *, retry_failed: bool = False) -> bool:
    """Whether a unit has to be run: no file, or a failed one that is to be tried again."""
    if not path.exists():
        return True
    if retry_failed:
        return bool(str(read_unit(path)["message"]))
    return False


def read_unit(path: Path) -> dict[str, np.ndarray]:
    """What `run_unit` wrote of one unit; ValueError for a file that is damaged or not one of these."""
    needed = ("rows", "log_risk", "message", "seconds", "names", "values")
    return read_arrays(path, needed, what="replicate", remedy="Delete it: the same call makes it again.")


def check_rows(X: np.ndarray, ids: np.ndarray, event: np.ndarray) -> None:
    """Refuse features, ids and outcomes that do not belong together."""
    if X.ndim != 2 or len(X) != event.size or ids.shape != event.shape:
        raise ValueError(
            f"X, ids and event must have one row a patient, got shapes {X.shape}, {ids.shape}, {event.shape}"
        )
    if X.dtype.kind not in "fiub":
        raise ValueError(f"X must hold numbers, got dtype {X.dtype}")
    names, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            f"ids must be all different, but {names[counts > 1][:5].tolist()} occur more than "
            "once; give one row a patient, since the bags are bags of patients"
        )
    if not event.any():
        raise ValueError(f"none of the {event.size} patients died: nothing can be trained or validated")


def fingerprint_of(X: np.ndarray, event: np.ndarray, time: np.ndarray, ids: Any, seed: int, model: Any) -> str:
    """What makes two runs the same run: data, seed and model."""
    digest = hashlib.sha256()
    for array in (np.ascontiguousarray(X), event, time):
        digest.update(str((array.shape, array.dtype.str)).encode() + array.tobytes())
    digest.update("\x1f".join(ids.tolist()).encode() + json.dumps([seed, model]).encode())
    return digest.hexdigest()


def claim_folder(folder: Path, fingerprint: str, model: str, seed: int) -> None:
    """Mark a folder as this run's; refuse one that belongs to another run."""
    claim = folder / "run.json"
    if claim.exists():
        found = read_json(claim)
        if found["fingerprint"] != fingerprint:
            raise ValueError(
                f"{folder} holds replicates of model {found['model']!r} with seed "
                f"{found['seed']}; the run "
                f"asked for (model {model!r}, seed {seed}) differs in model, seed or data; use "
                "another folder"
            )
        return
    write_json(claim, {"model": model, "seed": seed, "fingerprint": fingerprint})


def _checked(given: Prediction | np.ndarray, n: int) -> Prediction:
    prediction = given if isinstance(given, Prediction) else Prediction(given)
    log_risk = np.asarray(prediction.log_risk, dtype=float)
    if log_risk.shape != (n,):
        raise ValueError(f"the pipeline returned log risks of shape {log_risk.shape} for {n} patients")
    if not np.isfinite(log_risk).all():
        raise ValueError(f"the pipeline returned {int((~np.isfinite(log_risk)).sum())} log risks that are not finite")
    return Prediction(log_risk, prediction.parameters)
