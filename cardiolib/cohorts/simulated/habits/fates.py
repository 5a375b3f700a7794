"""Both fates of every simulated patient under every habit, and what lies between them, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gamma, gammainc

from cardiolib.cohorts.simulated.habits.world import HABITS
from cardiolib.digital_heart.outcomes import WEIBULL_SHAPE

HORIZON_YEARS = 5.0
"""Years from the scan within which gains are counted, unless another horizon is asked for."""


@dataclass(frozen=True, eq=False)
class Fates:
    """What would happen to each patient with and without each habit; all effects are built in.

    Attributes
    ----------
    log_rate : (N,) array
        Log hazard of each patient with none of the habits, with the unit of time in it.
    effects : (N, 4) DataFrame
        Log hazard ratio of each habit for this patient, from today on.
    habits : (N, 4) DataFrame
        1 where the patient has the habit.
    luck : (N,) array
        Standard exponential draws: the one chance that all fates of a patient share.

    Notes
    -----
    With k = 1.1, c = exp(`log_rate` + sum of the effects of the habits that the patient has) and t in years::

        S(t) = exp(-c t^k)        T = (luck / c)^(1/k)

    A habit's two fates are those with this habit and without it, the other habits and the imaged heart as they are.
    What years of a habit did to the heart is in the image already; no advice from today has it twice.
    """

    log_rate: np.ndarray
    effects: pd.DataFrame
    habits: pd.DataFrame
    luck: np.ndarray

    def __repr__(self) -> str:
        return f"Fates of {self.luck.size:,} simulated patients under {', '.join(self.effects)}; effects are built in"

    @property
    def log_hazards(self) -> np.ndarray:
        """(N,) log hazard of what the patients do."""
        return self.log_rate + (self.effects.to_numpy() * self.habits.to_numpy()).sum(axis=1)

    @property
    def times(self) -> np.ndarray:
        """(N,) years to death, as it comes with what the patients do."""
        return self._time(self.log_hazards)

    def log_hazards_with(self, habit: str, has: bool) -> np.ndarray:
        """(N,) log hazard if everybody had the habit, or nobody, all else as it is."""
        change = float(has) - self.habits[habit].to_numpy()
        return self.log_hazards + change * self.effects[habit].to_numpy()

    def potential_times(self) -> pd.DataFrame:
        """(N, 8) years to death without (0) and with (1) each habit, from the same chance.

        Columns are (habit, 0 or 1). The one that agrees with what the patient does is `times`.
        """
        columns = {
            (habit, has): self._time(self.log_hazards_with(habit, bool(has))) for habit in HABITS for has in (0, 1)
        }
        return pd.DataFrame(columns, index=self.effects.index)

    def gains(self, horizon_years: float = HORIZON_YEARS) -> pd.DataFrame:
        """(N, 4) years of life within the horizon that each habit adds: true RMST with it minus without it."""
        return self._difference(restricted_mean_survival, horizon_years)

    def risk_differences(self, horizon_years: float = HORIZON_YEARS) -> pd.DataFrame:
        """(N, 4) probability of death within the horizon with each habit minus without it; negative is good."""
        return self._difference(_death_probability, horizon_years)

    def table(self) -> pd.DataFrame:
        """All of it, one row a patient: what `from_table` needs, and gains, risks and times for other software."""
        columns: dict[str, Any] = {"log_rate": self.log_rate, "luck": self.luck}
        gains, risks, times = self.gains(), self.risk_differences(), self.potential_times()
        for habit in HABITS:
            columns |= {
                habit: self.habits[habit],
                f"{habit}_log_hazard_ratio": self.effects[habit],
                f"{habit}_gain_years": gains[habit],
                f"{habit}_risk_difference": risks[habit],
                f"{habit}_time_without_years": times[habit, 0],
                f"{habit}_time_with_years": times[habit, 1],
            }
        return pd.DataFrame(columns, index=self.effects.index)

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Fates:
        """The fates that `table` wrote.

        Raises
        ------
        KeyError
            A column is missing.
        """
        effects = {habit: table[f"{habit}_log_hazard_ratio"] for habit in HABITS}
        return cls(
            table["log_rate"].to_numpy(),
            pd.DataFrame(effects, index=table.index),
            table[list(HABITS)].astype(int),
            table["luck"].to_numpy(),
        )

    def _difference(self, measure: Any, horizon_years: float) -> pd.DataFrame:
        columns = {
            habit: measure(self.log_hazards_with(habit, True), horizon_years)
            - measure(self.log_hazards_with(habit, False), horizon_years)
            for habit in HABITS
        }
        return pd.DataFrame(columns, index=self.effects.index)

    def _time(self, log_hazard: np.ndarray) -> np.ndarray:
        return (self.luck * np.exp(-log_hazard)) ** (1.0 / WEIBULL_SHAPE)


def restricted_mean_survival(
    log_hazard: ArrayLike, horizon_years: float, *, shape: float = WEIBULL_SHAPE
) -> np.ndarray:
    r"""Mean years lived within the horizon (RMST), in closed form from the Weibull.

    Parameters
    ----------
    log_hazard : (N,) array
        Logarithm of c in S(t) = exp(-c t^shape), t in years.
    horizon_years : float
    shape : float

    Returns
    -------
    (N,) array
        Between 0 and the horizon.

    Notes
    -----
    .. math:: \int_0^\tau e^{-c t^k}\,dt = \frac{c^{-1/k}}{k}\, \gamma(1/k,\, c \tau^k)

    with the lower incomplete gamma function, by the substitution u = c t^k.

    Examples
    --------
    With shape 1 and hazard .5 a year, (1 - exp(-2.5)) / .5 years of five:

    >>> restricted_mean_survival(np.log(0.5), 5.0, shape=1.0).round(4)
    np.float64(1.8358)
    """
    c = np.exp(np.asarray(log_hazard, dtype=float))
    return c ** (-1.0 / shape) / shape * gamma(1.0 / shape) * gammainc(1.0 / shape, c * horizon_years**shape)


def _death_probability(log_hazard: np.ndarray, horizon_years: float) -> np.ndarray:
    return -np.expm1(-np.exp(log_hazard) * horizon_years**WEIBULL_SHAPE)
