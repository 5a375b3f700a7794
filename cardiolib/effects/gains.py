"""Estimated gains of each patient and habit, with intervals; of single patients only where they are simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from cardiolib.effects.study import INVENTED
from cardiolib.printed import as_html


@dataclass(frozen=True, eq=False)
class Gains:
    """What each habit would add to each patient's life within the horizon, as one method estimates it.

    Attributes
    ----------
    values : (N, K) DataFrame
        Time lived with the habit minus without it, other habits as they are; positive is longer.
    errors : (N, K) DataFrame
        Standard errors.
    method : str
    horizon : float
    time_unit : str
    simulated : bool
    """

    values: pd.DataFrame
    errors: pd.DataFrame
    method: str
    horizon: float
    time_unit: str = "years"
    simulated: bool = False

    def interval(self, *, level: float = 0.95) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Lower and upper ends, (N, K) each."""
        reach = norm.ppf(0.5 + level / 2) * self.errors
        return self.values - reach, self.values + reach

    def best_missing(self, habits: pd.DataFrame) -> pd.Series:
        """By patient, the one habit that is missing and has the largest estimated gain; None where none is positive.

        A rule by which methods are compared, and no advice.
        """
        open_to = self.values.where(habits[list(self.values)].to_numpy() == 0, -np.inf)
        best = open_to.to_numpy().argmax(axis=1)
        positive = open_to.to_numpy().max(axis=1, initial=-np.inf) > 0
        names = np.array(self.values.columns, dtype=object)[best]
        return pd.Series(np.where(positive, names, None), index=self.values.index, name="best_missing")

    def summary(self) -> pd.DataFrame:
        """Mean, spread and mean error of the gains, by habit."""
        return pd.DataFrame({"mean": self.values.mean(), "SD": self.values.std(), "mean error": self.errors.mean()})

    def of_one(self, patient: object) -> pd.DataFrame:
        """Gains and intervals of one simulated patient.

        Raises
        ------
        ValueError
            For real patients: the error of one person's estimate is larger than what it estimates.
        """
        if not self.simulated:
            raise ValueError(
                "no estimate is given for one real person: at any size of cohort that has been studied its error is of "
                "the size of the gain itself. Take groups (summary, calibration by fifths)"
            )
        low, high = self.interval()
        return pd.DataFrame({"gain": self.values.loc[patient], "low": low.loc[patient], "high": high.loc[patient]})

    def __repr__(self) -> str:
        kind = f"simulated patients ({INVENTED})" if self.simulated else "patients"
        means = ", ".join(f"{habit} {value:+.3f}" for habit, value in self.values.mean().items())
        return (
            f"Gains by {self.method}, {len(self.values):,} {kind}; mean {self.time_unit} within {self.horizon:g}: "
            f"{means}"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.summary())
