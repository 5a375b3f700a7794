"""What an analysis of habits is made of: features, habits and follow-up of the same patients, and what is true."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.cohorts import HABITS, HORIZON_YEARS, Fates, HabitPatients
from cardiolib.cohorts.table import named
from cardiolib.printed import as_html
from cardiolib.survival.outcomes import check_features, check_outcomes

CONTROL_OUTCOME, CONSCIOUSNESS = "control_outcome", "health_consciousness"
INVENTED = "every effect is built in and invented"


@dataclass(frozen=True, eq=False)
class HabitStudy:
    """Features, habits and follow-up of the same patients in the same order (from a cohort: `study_of`).

    Attributes
    ----------
    features : (N, p) DataFrame
        What is adjusted for, and what may modify an effect; known at time zero. Numbers, none missing.
    habits : (N, K) DataFrame
        1 where the patient has the habit from time zero on, 0 where not.
    event : (N,) array of bool
        True where death was observed.
    time : (N,) array
        From time zero to death or the end of observation, in `time_unit`.
    horizon : float
        Gains are years (or another `time_unit`) of life within this time.
    time_unit : str
    simulated : bool
    control_outcome : (N,) array or None
        0 or 1: something that no habit can change, for the negative control.
    fates : Fates or None
        The truth, where patients are simulated.

    Raises
    ------
    ValueError
        Rows that do not belong together, a habit that is not 0 or 1, a feature that is missing, a horizon that is no
        positive number.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> HabitStudy.of_patients(simulate_habits(302, seed=1)).features.shape
    (302, 18)
    """

    features: pd.DataFrame
    habits: pd.DataFrame
    event: np.ndarray
    time: np.ndarray
    horizon: float = HORIZON_YEARS
    time_unit: str = "years"
    simulated: bool = False
    control_outcome: np.ndarray | None = None
    fates: Fates | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        event, time, *_ = check_outcomes(
            self.event, self.time, features=self.features.to_numpy(), habits=self.habits.to_numpy()
        )
        object.__setattr__(self, "event", event)
        object.__setattr__(self, "time", time)
        check_features(self.features, dtype=np.float64)
        if not self.features.index.equals(self.habits.index):
            raise ValueError("features and habits name different patients, or in different order: join them by ID")
        for habit in self.habits:
            values = set(self.habits[habit].unique())
            if not values <= {0, 1}:
                raise ValueError(
                    f"habit {habit!r} must be 1 (has it) or 0 in every patient; found {named(sorted(map(str, values)))}"
                )
        if not 0 < self.horizon < np.inf:
            raise ValueError(f"the horizon must be a positive number of {self.time_unit}, got {self.horizon!r}")

    def require_learnable(self) -> None:
        """Refuse patients of whom nothing can be learnt.

        Raises
        ------
        ValueError
            A habit that all have, or nobody; a horizon that nobody was followed to.
        """
        for habit in self.habits:
            if self.habits[habit].nunique() != 2:
                who = "all" if self.habits[habit].iloc[0] else "none"
                raise ValueError(
                    f"{who} of the {len(self)} patients have habit {habit!r}: some must have it and some not, or what "
                    "it does cannot be learnt; leave it out"
                )
        if not self.horizon < self.time.max():
            raise ValueError(
                f"the horizon of {self.horizon:g} {self.time_unit} must lie within the follow-up, whose longest is "
                f"{self.time.max():.3g}"
            )

    @classmethod
    def of_patients(
        cls,
        patients: HabitPatients,
        *,
        features: pd.DataFrame | None = None,
        seed: int = 0,
        horizon: float = HORIZON_YEARS,
    ) -> HabitStudy:
        """The study of patients drawn by `cardiolib.cohorts.simulate_habits`.

        Parameters
        ----------
        patients : HabitPatients
        features : DataFrame, optional
            What imaging tells; by default `measured_traits` with this `seed`. Age and, where it was asked for, health
            consciousness are joined to it.
        """
        measured = patients.measured_traits(seed=seed) if features is None else features
        asked = [name for name in (CONSCIOUSNESS,) if name in patients.questionnaire]
        return cls(
            measured.join(patients.covariates[["age"]]).join(patients.questionnaire[asked]),
            patients.questionnaire[list(HABITS)],
            patients.outcomes["event"].to_numpy(),
            patients.outcomes["time_years"].to_numpy(),
            horizon,
            simulated=True,
            control_outcome=patients.questionnaire[CONTROL_OUTCOME].to_numpy(),
            fates=patients.fates,
        )

    def rows(self, chosen: ArrayLike) -> HabitStudy:
        """The study of some of the patients: a mask, or row numbers (which may repeat)."""
        where = np.arange(len(self.event))[np.asarray(chosen)]
        fates = self.fates and Fates(
            self.fates.log_rate[where],
            self.fates.effects.iloc[where],
            self.fates.habits.iloc[where],
            self.fates.luck[where],
        )
        return replace(
            self,
            features=self.features.iloc[where],
            habits=self.habits.iloc[where],
            event=self.event[where],
            time=self.time[where],
            control_outcome=None if self.control_outcome is None else self.control_outcome[where],
            fates=fates,
        )

    def confounders(self, habit: str) -> np.ndarray:
        """(N, p + K - 1) what is adjusted for in the analysis of one habit: features in SD, and the other habits."""
        others = self.habits.drop(columns=[habit]).to_numpy(dtype=float)
        values = self.features.to_numpy(dtype=float)
        spread = values.std(axis=0)
        return np.column_stack([(values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0), others])

    def truth(self) -> pd.DataFrame:
        """(N, K) true gains of each patient within the horizon.

        Raises
        ------
        ValueError
            Nobody knows both fates of real patients.
        """
        if self.fates is None:
            raise ValueError("nobody knows both fates of a real patient: there is no truth to compare with")
        return self.fates.gains(self.horizon)[list(self.habits)]

    def __len__(self) -> int:
        return len(self.event)

    def __repr__(self) -> str:
        kind = f"simulated patients ({INVENTED})" if self.simulated else "patients"
        return (
            f"{len(self):,} {kind}, {int(self.event.sum()):,} deaths; {self.habits.shape[1]} habits, "
            f"{self.features.shape[1]} features; gains within {self.horizon:g} {self.time_unit}"
        )

    def _repr_html_(self) -> str:
        shares = pd.DataFrame({"patients with it": self.habits.sum(), "share": self.habits.mean()})
        return as_html(f"HabitStudy: {self!r}", shares)
