"""The bootstrap of a whole pipeline: one pass, one folder, nothing lost when it is interrupted.

For b = 1..B: draw a bag of patients, run the whole pipeline on it (tuning included), predict ALL patients.
Bag b depends on (seed, b) alone, so two models run with one seed share their bags, in any order and on any
number of workers.
"""

from __future__ import annotations

import hashlib
import json
import os
import time as clock
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from tqdm import tqdm

from cardiolib.imaging.files import atomic_path
from cardiolib.survival.outcomes import check_outcomes
from cardiolib.validation.store import BootstrapStore, write_bootstrap

ALL_PATIENTS = -1  # number of the unit that trains on everybody
STORE_NAME = "bootstrap.npz"


@dataclass(frozen=True)
class BootstrapSettings:
    """How many replicates, and what to do with those that failed in an earlier run."""

    n_replicates: int = 100
    retry_failed: bool = False

    def __post_init__(self) -> None:
        if type(self.n_replicates) is not int or self.n_replicates < 1:
            raise ValueError(f"n_replicates must be a whole number >= 1, got {self.n_replicates!r}")
        if not isinstance(self.retry_failed, bool):
            raise ValueError(f"retry_failed must be True or False, got {self.retry_failed!r}")


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

    def __call__(self, X: np.ndarray, event: np.ndarray, time: np.ndarray, *, X_new: np.ndarray,
                 groups: np.ndarray, seed: int) -> Prediction | np.ndarray: ...


def draw_bag(seed: int, replicate: int, n_patients: int) -> np.ndarray:
    """Row numbers (N,) drawn with replacement for one replicate; a function of its three arguments alone.

    The stream is child `replicate` of `numpy.random.SeedSequence(seed)`, as `spawn` would make it.
    """
    stream = np.random.SeedSequence(seed, spawn_key=(replicate,))
    return np.random.default_rng(stream).integers(0, n_patients, size=n_patients)


def run_bootstrap(
    fit_predict: FitPredict,
    X: np.ndarray,
    event,
    time,
    *,
    ids,
    settings: BootstrapSettings,
    seed: int,
    folder: str | os.PathLike[str],
    model: str,
    map_units: Callable = map,
    progress: bool = False,
) -> BootstrapStore:
    """Bootstrap a pipeline, or finish an interrupted run.

    Parameters
    ----------
    fit_predict : FitPredict
        The whole pipeline. Must be picklable if `map_units` uses other processes.
    X : (N, D) array
        One row a patient.
    event, time : (N,) arrays
        True where death was observed; any one time unit.
    ids : (N,) sequence of str
        Patient identifiers, all different.
    seed : int
        Give two models the same seed: they are then compared on the same bags.
    folder : path-like
        One npz a replicate is written here as soon as it is finished, and `bootstrap.npz` at the end.
        Replicates that are already here are not run again.
    model : str
        Name and settings of the pipeline in words. Part of the fingerprint: a folder made with another model,
        seed or data set is refused.
    map_units : callable
        `map_units(function, items)` yields the results in order.

    Returns
    -------
    BootstrapStore
        Failed replicates are kept, with their message; :meth:`BootstrapStore.failures` lists them.

    Raises
    ------
    ValueError
        For invalid outcomes, repeated ids, or a folder that belongs to another run.
    Exception
        Whatever the pipeline raises when it is trained on all patients: that one has to succeed.
    """
    event, time = check_outcomes(event, time)
    X, ids = np.asarray(X), np.asarray(ids, dtype=str)
    _check_rows(X, ids, event)
    folder = Path(folder)
    fingerprint = _fingerprint(X, event, time, ids, seed, model)
    _claim_folder(folder, fingerprint, model, seed)

    units = [ALL_PATIENTS, *range(settings.n_replicates)]
    todo = [unit for unit in units if _is_missing(_unit_path(folder, unit), settings.retry_failed)]
    work = partial(_run_unit, fit_predict=fit_predict, X=X, event=event, time=time, seed=seed, folder=folder)
    for _ in tqdm(map_units(work, todo), total=len(todo), desc=f"bootstrap {model}", disable=not progress):
        pass  # every unit writes its own file

    store = _collect(folder, settings.n_replicates, event, time, ids,
                     {"model": model, "seed": str(seed), "fingerprint": fingerprint})
    write_bootstrap(store, folder / STORE_NAME)
    return store


def _check_rows(X: np.ndarray, ids: np.ndarray, event: np.ndarray) -> None:
    if X.ndim != 2 or len(X) != event.size or ids.shape != event.shape:
        raise ValueError(f"X, ids and event must have one row a patient, got shapes {X.shape}, {ids.shape}, "
                         f"{event.shape}")
    if X.dtype.kind not in "fiub":
        raise ValueError(f"X must hold numbers, got dtype {X.dtype}")
    names, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"ids must be all different, but {names[counts > 1][:5].tolist()} occur more than "
                         "once; give one row a patient, since the bags are bags of patients")
    if not event.any():
        raise ValueError(f"none of the {event.size} patients died: nothing can be trained or validated")


def _fingerprint(X, event, time, ids, seed, model) -> str:
    digest = hashlib.sha256()
    for array in (np.ascontiguousarray(X), event, time):
        digest.update(str((array.shape, array.dtype.str)).encode() + array.tobytes())
    digest.update("\x1f".join(ids.tolist()).encode() + json.dumps([seed, model]).encode())
    return digest.hexdigest()


def _claim_folder(folder: Path, fingerprint: str, model: str, seed: int) -> None:
    claim = folder / "run.json"
    if claim.exists():
        found = json.loads(claim.read_text(encoding="utf-8"))
        if found["fingerprint"] != fingerprint:
            raise ValueError(f"{folder} holds replicates of model {found['model']!r} with seed "
                             f"{found['seed']}; the run "
                             f"asked for (model {model!r}, seed {seed}) differs in model, seed or data; use "
                             "another folder")
        return
    with atomic_path(claim) as temporary:
        temporary.write_text(json.dumps({"model": model, "seed": seed, "fingerprint": fingerprint}, indent=1),
                             encoding="utf-8")


def _unit_path(folder: Path, unit: int) -> Path:
    return folder / ("all_patients.npz" if unit == ALL_PATIENTS else f"replicate_{unit:05d}.npz")


def _is_missing(path: Path, retry_failed: bool) -> bool:
    if not path.exists():
        return True
    if retry_failed:
        with np.load(path, allow_pickle=False) as file:
            return bool(str(file["message"]))
    return False


def _run_unit(unit: int, *, fit_predict, X, event, time, seed, folder) -> int:
    """Train and predict one unit and write its file; return its number."""
    rows = np.arange(time.size) if unit == ALL_PATIENTS else draw_bag(seed, unit, time.size)
    key = 2**31 if unit == ALL_PATIENTS else unit  # a child number that no replicate has
    model_seed = int(np.random.SeedSequence(seed, spawn_key=(key, 0)).generate_state(1)[0])
    message, prediction, start = "", Prediction(np.full(time.size, np.nan)), clock.perf_counter()
    try:
        given = fit_predict(X[rows], event[rows], time[rows], X_new=X, groups=rows, seed=model_seed)
        prediction = _checked(given, time.size)
    except Exception as error:
        if unit == ALL_PATIENTS:
            raise
        message = f"{type(error).__name__}: {error}"
    with atomic_path(_unit_path(folder, unit)) as temporary, open(temporary, "wb") as handle:
        np.savez(handle, rows=rows, log_risk=prediction.log_risk, message=np.array(message),
                 seconds=clock.perf_counter() - start, names=np.array(list(prediction.parameters), dtype=str),
                 values=np.array(list(prediction.parameters.values()), dtype=float))
    return unit


def _checked(given: Prediction | np.ndarray, n: int) -> Prediction:
    prediction = given if isinstance(given, Prediction) else Prediction(given)
    log_risk = np.asarray(prediction.log_risk, dtype=float)
    if log_risk.shape != (n,):
        raise ValueError(f"the pipeline returned log risks of shape {log_risk.shape} for {n} patients")
    if not np.isfinite(log_risk).all():
        raise ValueError(f"the pipeline returned {int((~np.isfinite(log_risk)).sum())} log risks that are "
                         "not finite")
    return Prediction(log_risk, prediction.parameters)


def _collect(folder: Path, n_replicates: int, event, time, ids, meta) -> BootstrapStore:
    units, chosen = {}, {}
    for unit in [ALL_PATIENTS, *range(n_replicates)]:
        with np.load(_unit_path(folder, unit), allow_pickle=False) as file:
            units[unit] = {name: file[name] for name in ("rows", "log_risk", "message", "seconds")}
            chosen[unit] = dict(zip(file["names"].tolist(), file["values"].tolist(), strict=True))
    everybody = units.pop(ALL_PATIENTS)
    parameters = pd.DataFrame.from_dict(chosen, orient="index")
    parameters.index.name = "replicate"
    return BootstrapStore(
        ids, event, time, np.stack([u["rows"] for u in units.values()]),
        np.stack([u["log_risk"] for u in units.values()]), everybody["log_risk"],
        tuple(str(u["message"]) for u in units.values()),
        np.array([float(u["seconds"]) for u in units.values()]),
        parameters if parameters.shape[1] else None, meta,
    )
