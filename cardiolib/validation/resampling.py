"""The bootstrap of a whole pipeline: one pass, one folder, nothing lost when it is interrupted.

For b = 1..B: draw a bag of patients, run the whole pipeline on it (tuning included), predict ALL patients.
Bag b depends on (seed, b) alone, so two models run with one seed share their bags, in any order and on any
number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.progress import progress as progress_bar
from cardiolib.settings import Settings
from cardiolib.survival.data import SurvivalData
from cardiolib.validation.inputs import ResamplingInputs, kept_or_temporary, resampling_inputs
from cardiolib.validation.pipelines import Recipe
from cardiolib.validation.store import BootstrapStore, write_bootstrap
from cardiolib.validation.units import FitPredict, claim_folder, fingerprint_of, is_missing, read_unit, run_unit

ALL_PATIENTS = -1  # number of the unit that trains on everybody
STORE_NAME = "bootstrap.npz"


@dataclass(frozen=True)
class BootstrapSettings(Settings):
    """How many replicates, and what to do with those that failed in an earlier run."""

    n_replicates: int = 100
    retry_failed: bool = False

    RANGES = {"n_replicates": (1, np.inf)}


def draw_bag(seed: int, replicate: int, n_patients: int) -> np.ndarray:
    """Row numbers (N,) drawn with replacement for one replicate; a function of its three arguments alone.

    The stream is child `replicate` of `numpy.random.SeedSequence(seed)`, as `spawn` would make it.
    """
    stream = np.random.SeedSequence(seed, spawn_key=(replicate,))
    return np.random.default_rng(stream).integers(0, n_patients, size=n_patients)


def run_bootstrap(
    fit_predict: FitPredict | Recipe,
    X: SurvivalData | pd.DataFrame | np.ndarray,
    event: ArrayLike | None = None,
    time: ArrayLike | None = None,
    *,
    ids: Any = None,
    settings: BootstrapSettings | None = None,
    seed: int = 0,
    folder: str | os.PathLike[str] | None = None,
    model: str | None = None,
    map_units: Callable = map,
    progress: bool = False,
) -> BootstrapStore:
    """Bootstrap a pipeline, or finish an interrupted run.

    Parameters
    ----------
    fit_predict : FitPredict or Recipe
        The whole pipeline. Must be picklable if `map_units` uses other processes.
    X : (N, D) array, DataFrame or SurvivalData
        One row a patient. SurvivalData bring outcomes and IDs along.
    event, time : (N,) arrays
        True where death was observed; any one time unit.
    ids : (N,) sequence of str, optional
        Patient identifiers, all different; by default the DataFrame's index, or "1" to "N".
    settings : BootstrapSettings, optional
    seed : int
        Give two models the same seed: they are then compared on the same bags.
    folder : path-like
        One npz a replicate is written here as soon as it is finished, and `bootstrap.npz` at the end.
        Replicates that are already here are not run again. By default nothing is kept.
    model : str, optional
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
    given = resampling_inputs(fit_predict, X, event, time, ids=ids, model=model)
    settings = BootstrapSettings() if settings is None else settings
    with kept_or_temporary(folder) as place:
        return _bootstrapped(given, settings, seed=seed, folder=place, map_units=map_units, progress=progress)


def _bootstrapped(
    given: ResamplingInputs,
    settings: BootstrapSettings,
    *,
    seed: int,
    folder: Path,
    map_units: Callable,
    progress: bool,
) -> BootstrapStore:
    X, event, time, ids, model = given.X, given.event, given.time, given.ids, given.model
    fingerprint = fingerprint_of(X, event, time, ids, seed, model)
    claim_folder(folder, fingerprint, model, seed)

    units = [ALL_PATIENTS, *range(settings.n_replicates)]
    todo = [unit for unit in units if is_missing(_unit_path(folder, unit), retry_failed=settings.retry_failed)]
    work = partial(_run_unit, fit_predict=given.fit_predict, X=X, event=event, time=time, seed=seed, folder=folder)
    for _ in progress_bar(map_units(work, todo), total=len(todo), label=f"bootstrap {model}", shown=progress):
        pass  # every unit writes its own file

    store = _collect(
        folder, settings.n_replicates, event, time, ids, {"model": model, "seed": str(seed), "fingerprint": fingerprint}
    )
    write_bootstrap(store, folder / STORE_NAME)
    return store


def _unit_path(folder: Path, unit: int) -> Path:
    return folder / ("all_patients.npz" if unit == ALL_PATIENTS else f"replicate_{unit:05d}.npz")


def _run_unit(
    unit: int, *, fit_predict: Any, X: np.ndarray, event: np.ndarray, time: np.ndarray, seed: int, folder: Any
) -> int:
    """Train and predict one unit and write its file; return its number."""
    rows = np.arange(time.size) if unit == ALL_PATIENTS else draw_bag(seed, unit, time.size)
    key = 2**31 if unit == ALL_PATIENTS else unit  # a child number that no replicate has
    model_seed = int(np.random.SeedSequence(seed, spawn_key=(key, 0)).generate_state(1)[0])
    run_unit(
        _unit_path(folder, unit),
        rows,
        fit_predict=fit_predict,
        X=X,
        event=event,
        time=time,
        seed=model_seed,
        may_fail=unit != ALL_PATIENTS,
    )
    return unit


def _collect(
    folder: Path, n_replicates: int, event: np.ndarray, time: np.ndarray, ids: Any, meta: Any
) -> BootstrapStore:
    units, chosen = {}, {}
    for unit in [ALL_PATIENTS, *range(n_replicates)]:
        stored = read_unit(_unit_path(folder, unit))
        units[unit] = {name: stored[name] for name in ("rows", "log_risk", "message", "seconds")}
        chosen[unit] = dict(zip(stored["names"].tolist(), stored["values"].tolist(), strict=True))
    everybody = units.pop(ALL_PATIENTS)
    parameters = pd.DataFrame.from_dict(chosen, orient="index")
    parameters.index.name = "replicate"
    return BootstrapStore(
        ids,
        event,
        time,
        np.stack([u["rows"] for u in units.values()]),
        np.stack([u["log_risk"] for u in units.values()]),
        everybody["log_risk"],
        tuple(str(u["message"]) for u in units.values()),
        np.array([float(u["seconds"]) for u in units.values()]),
        parameters if parameters.shape[1] else None,
        meta,
    )
