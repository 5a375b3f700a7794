"""Motion, follow-up and volumes of the same patients in the same order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts import N_PHASES, Cohort, join_by_id, text_ids
from cardiolib.cohorts.table import named
from cardiolib.printed import as_html
from cardiolib.survival.fingerprint import fingerprint

CONVENTIONAL = ("RVEDV", "RVESV", "RVEF")
"""Columns of the conventional model (Bello et al. 2019, Methods): two volumes in mL and a percentage."""


@dataclass(frozen=True, eq=False)
class SurvivalData:
    """Motion, follow-up and volumes of the same patients in the same order.

    Attributes
    ----------
    ids : (N,) tuple of str
    X : (N, D) float32 array
        Displacements from end-diastole, mm.
    event, time : (N,) arrays
        True where death was observed; time in `time_unit`.
    volumes : DataFrame or None
        RVEDV, RVESV (mL), RVEF (percent), one row a patient; None where not every patient has all three.
    feature_shape : tuple
        (phases after end-diastole, vertices, 3).
    time_unit : str
    simulated : bool
        No patient is behind them.
    lack_volumes : tuple of str
        Patients without all three volumes. A model on the others could not be compared on the same patients, so that
        there is none while anybody lacks them.

    Examples
    --------
    Two patients whose vertices rest:

    >>> import numpy as np
    >>> import pandas as pd
    >>> import cardiolib as cl
    >>> from cardiolib.cohorts import Cohort
    >>> table = pd.DataFrame({"time": [1.0, 2.5], "event": [True, False]}, index=["a", "b"])
    >>> cohort = Cohort("two", table, time_unit="years", motion=np.zeros((2, 11514)))
    >>> cl.SurvivalData.of(cohort)
    2 patients, 1 deaths; motion 19 phases x 202 vertices x 3 = 11,514 numbers; without volumes; time in years
    """

    ids: tuple[str, ...]
    X: np.ndarray
    event: np.ndarray
    time: np.ndarray
    volumes: pd.DataFrame | None
    feature_shape: tuple[int, int, int]
    time_unit: str
    simulated: bool = False
    lack_volumes: tuple[str, ...] = ()

    @classmethod
    def of(cls, cohort: Cohort, *, motion: Cohort | None = None, volumes: pd.DataFrame | None = None) -> SurvivalData:
        """Join motion with follow-up and volumes by patient ID.

        Parameters
        ----------
        cohort : Cohort
            With follow-up; with motion too, unless `motion` is given.
        motion : Cohort, optional
            Where motion is read from instead; patients without it are left out.
        volumes : DataFrame, optional
            Index ID; RVEDV, RVESV in mL, RVEF in percent. The cohort's own, where it has any, come first.

        Raises
        ------
        CohortError
            If there is no motion, or IDs do not match.
        ValueError
            If the cohort has no follow-up.
        """
        ids, X = (cohort if motion is None else motion).motion_matrix()
        table, _ = join_by_id(ids, cohort.table, source=f"cohort {cohort.name!r}", extra="leave out")
        if "event" not in table:
            raise ValueError(f"cohort {cohort.name!r} has no follow-up: give a table with ID, status and time")
        if "volumes" in cohort.provides:
            volumes = cohort.volumes()
        lack: tuple[str, ...] = tuple(ids)
        if volumes is not None:
            given = volumes.set_axis(list(text_ids(volumes.index, source="volumes")), axis=0)
            volumes = given.reindex(index=list(ids), columns=list(CONVENTIONAL))
            lack = tuple(volumes.index[volumes.isna().any(axis=1)])
            volumes = None if lack else volumes
        return cls(
            tuple(ids),
            np.ascontiguousarray(X, dtype=np.float32),
            table["event"].to_numpy(dtype=bool),
            table["time"].to_numpy(dtype=float),
            volumes,
            (N_PHASES - 1, X.shape[1] // (3 * (N_PHASES - 1)), 3),
            cohort.time_unit,
            cohort.simulated or (motion is not None and motion.simulated),
            lack,
        )

    def features(self, reads: str = "motion") -> np.ndarray:
        """What a model reads: "motion" (N, D) in mm, or "volumes" (N, 3).

        Raises
        ------
        ValueError
            For another word, or volumes that these data do not have.
        """
        if reads not in ("motion", "volumes"):
            raise ValueError(f'a model reads "motion" or "volumes"; given {reads!r}')
        if reads == "motion":
            return self.X
        if self.volumes is None:
            raise ValueError(
                f"these data have no volumes ({', '.join(CONVENTIONAL)}) of all {len(self.ids)} patients, which a Cox "
                f"model on volumes reads ({len(self.lack_volumes)} lack them: {named(self.lack_volumes)}); give "
                "SurvivalData.of(cohort, volumes=...) or X, event and time"
            )
        return self.volumes.to_numpy()

    @property
    def volumes_remark(self) -> str:
        """Why there is no conventional model, in a sentence; empty where there is one."""
        if self.volumes is not None:
            return ""
        few = 0 < len(self.lack_volumes) < len(self.ids)
        who = f"{len(self.lack_volumes)} of {len(self.ids)} patients have" if few else "these patients have"
        return f"There is no conventional model: {who} no {', '.join(CONVENTIONAL[:2])} and {CONVENTIONAL[2]}" + (
            f" ({named(self.lack_volumes)}), and models are compared on the same patients. Give their volumes, or "
            "leave these patients out."
            if few
            else "."
        )

    def fingerprint(self) -> str:
        """SHA-256 of motion, outcomes and IDs."""
        return fingerprint(self.X, self.event, self.time, np.array(self.ids))

    def __repr__(self) -> str:
        frames, vertices, _ = self.feature_shape
        volumes = "with volumes" if self.volumes is not None else "without volumes"
        if self.volumes is None and 0 < len(self.lack_volumes) < len(self.ids):
            volumes += f" ({len(self.lack_volumes)} of {len(self.ids)} patients lack them: {named(self.lack_volumes)})"
        kind = "simulated " if self.simulated else ""
        return (
            f"{len(self.ids)} {kind}patients, {int(self.event.sum())} deaths; motion {frames} phases x {vertices} "
            f"vertices x 3 = {self.X.shape[1]:,} numbers; {volumes}; time in {self.time_unit}"
        )

    def _repr_html_(self) -> str:
        first = pd.DataFrame({"time": self.time, "event": self.event}, index=pd.Index(self.ids, name="ID")).head(5)
        return as_html(f"SurvivalData: {self!r}\nthe first {len(first)}:", first)


def with_outcomes(X: Any, event: Any, time: Any, *, reads: str = "motion") -> tuple[Any, Any, Any]:
    """What a model reads, event and time: taken from SurvivalData, or as they were given beside an array.

    Raises
    ------
    ValueError
        If outcomes are missing or given twice, or SurvivalData have no volumes and `reads` wants them.
    """
    if isinstance(X, SurvivalData):
        if event is not None or time is not None:
            raise ValueError("SurvivalData hold event and time already: leave both out")
        return X.features(reads), X.event, X.time
    if event is None or time is None:
        raise ValueError("event and time are needed beside X (or give SurvivalData, which hold all three)")
    return X, event, time
