"""One file with everything a bootstrap produced: bags, predictions and what failed."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cardiolib.files import atomic_path, read_arrays
from cardiolib.survival.outcomes import check_outcomes

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class BootstrapStore:
    """Bags of patients and the predictions, for ALL patients, of the model trained on each bag.

    Every estimate of performance is derived from this store; nothing is ever refitted.

    Attributes
    ----------
    patient_id : (N,) array of str
    event : (N,) array of bool
    time : (N,) array
    in_bag : (B, N) array of int
        Row numbers drawn for replicate b, with repeats.
    log_risk : (B, N) array
        Prediction of model b for every patient; NaN in the rows of failed replicates.
    log_risk_apparent : (N,) array, optional
        Prediction of the model trained on all patients. Absent in the files released with the paper.
    message : tuple of str, length B
        Empty where the replicate succeeded, otherwise what went wrong.
    seconds : (B,) array
    parameters : DataFrame, optional
        What the tuning inside each replicate chose, one row a replicate (index = replicate; -1 = all
        patients).
    meta : dict of str to str
        Model, seed and fingerprint of the data.
    """

    patient_id: np.ndarray
    event: np.ndarray
    time: np.ndarray
    in_bag: np.ndarray
    log_risk: np.ndarray
    log_risk_apparent: np.ndarray | None = None
    message: tuple[str, ...] = None  # type: ignore[assignment]  # __post_init__ fills it
    seconds: np.ndarray = None  # type: ignore[assignment]  # __post_init__ fills it
    parameters: pd.DataFrame | None = None
    meta: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        event, time = check_outcomes(self.event, self.time)
        n, b = time.size, len(self.in_bag)
        set_ = object.__setattr__  # frozen: this is the one place where fields are put in order
        set_(self, "event", event)
        set_(self, "time", time)
        set_(self, "patient_id", np.asarray(self.patient_id, dtype=str))
        set_(self, "in_bag", np.asarray(self.in_bag, dtype=np.int64))
        set_(self, "log_risk", np.asarray(self.log_risk, dtype=float))
        set_(self, "message", ("",) * b if self.message is None else tuple(self.message))
        seconds = np.full(b, np.nan) if self.seconds is None else self.seconds
        set_(self, "seconds", np.asarray(seconds, dtype=float))
        _expect("patient_id", self.patient_id.shape, (n,))
        _expect("in_bag", self.in_bag.shape, (b, n))
        _expect("log_risk", self.log_risk.shape, (b, n))
        _expect("message", (len(self.message),), (b,))
        _expect("seconds", self.seconds.shape, (b,))
        if b and (self.in_bag.min() < 0 or self.in_bag.max() >= n):
            raise ValueError(f"in_bag must hold row numbers 0..{n - 1}, got {self.in_bag.min()}..{self.in_bag.max()}")
        if not np.isfinite(self.log_risk[self.succeeded]).all():
            raise ValueError("log_risk is not finite in a replicate that reports no failure; give it a message")
        if self.log_risk_apparent is not None:
            set_(self, "log_risk_apparent", np.asarray(self.log_risk_apparent, dtype=float))
            _expect("log_risk_apparent", self.log_risk_apparent.shape, (n,))

    @property
    def simulated(self) -> bool:
        """Whether the patients are simulated (entry "simulated" of `meta`)."""
        return self.meta.get("simulated") == "yes"

    @property
    def n_patients(self) -> int:
        """Number of patients N."""
        return self.time.size

    @property
    def n_replicates(self) -> int:
        """Number of replicates B, failed ones included."""
        return len(self.in_bag)

    @property
    def succeeded(self) -> np.ndarray:
        """(B,) bool: replicates with predictions."""
        return np.array([not text for text in self.message], dtype=bool)

    @property
    def out_of_bag(self) -> np.ndarray:
        """(B, N) bool: True where the patient was not drawn."""
        drawn = np.zeros(self.in_bag.shape, dtype=bool)
        np.put_along_axis(drawn, self.in_bag, True, axis=1)
        return ~drawn

    def failures(self) -> pd.DataFrame:
        """Failed replicates and their messages; empty when all went well."""
        failed = np.flatnonzero(~self.succeeded)
        return pd.DataFrame({"replicate": failed, "message": [self.message[b] for b in failed]})

    def __repr__(self) -> str:
        return (
            f"BootstrapStore({self.meta.get('model', 'model')!r}: {self.n_replicates} replicates "
            f"({int((~self.succeeded).sum())} failed) of {self.n_patients} "
            f"{'SIMULATED ' if self.simulated else ''}patients, "
            f"{int(self.event.sum())} deaths)"
        )


def write_bootstrap(store: BootstrapStore, path: str | os.PathLike[str]) -> None:
    """Write the store as one compressed npz without pickled objects."""
    arrays = {
        "schema_version": np.array(SCHEMA_VERSION),
        "patient_id": store.patient_id,
        "event": store.event,
        "time": store.time,
        "in_bag": store.in_bag.astype(np.int32),
        "log_risk": store.log_risk,
        "message": np.array(store.message, dtype=str),
        "seconds": store.seconds,
        "meta_keys": np.array(list(store.meta), dtype=str),
        "meta_values": np.array(list(store.meta.values()), dtype=str),
    }
    if store.log_risk_apparent is not None:
        arrays["log_risk_apparent"] = store.log_risk_apparent
    if store.parameters is not None:
        arrays["parameter_names"] = np.array(list(store.parameters.columns), dtype=str)
        arrays["parameter_rows"] = np.array(store.parameters.index, dtype=np.int64)
        arrays["parameters"] = store.parameters.to_numpy(dtype=float)
    with atomic_path(path) as temporary, open(temporary, "wb") as handle:
        np.savez_compressed(handle, **arrays)  # type: ignore[arg-type]  # numpy types keywords as its own option


def read_bootstrap(path: str | os.PathLike[str]) -> BootstrapStore:
    """Read what :func:`write_bootstrap` wrote.

    Raises
    ------
    ValueError
        If the file is not such a store or was written by another schema version.
    """
    stored = read_arrays(path, what="bootstrap store", remedy="Copy it again, or write it again.")
    if "schema_version" not in stored:
        raise ValueError(f"{path} holds {sorted(stored)[:8]}; it is not a bootstrap store of cardiolib")
    version = str(stored["schema_version"])
    if version != str(SCHEMA_VERSION):
        raise ValueError(f"{path} has schema version {version}, this code reads {SCHEMA_VERSION}")
    try:
        parameters = None
        if "parameters" in stored:
            parameters = pd.DataFrame(
                stored["parameters"],
                columns=stored["parameter_names"].tolist(),
                index=pd.Index(stored["parameter_rows"], name="replicate"),
            )
        return BootstrapStore(
            stored["patient_id"],
            stored["event"],
            stored["time"],
            stored["in_bag"],
            stored["log_risk"],
            stored.get("log_risk_apparent"),
            tuple(stored["message"].tolist()),
            stored["seconds"],
            parameters,
            dict(zip(stored["meta_keys"].tolist(), stored["meta_values"].tolist(), strict=True)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{path}: what it holds does not make a bootstrap store ({type(error).__name__}: {error}). Write it again."
        ) from error


def _expect(name: str, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if shape != wanted:
        raise ValueError(f"{name} has shape {shape}, expected {wanted} (replicates, patients)")
