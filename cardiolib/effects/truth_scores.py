"""Scores of estimated gains against the truth, which only a simulation has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cardiolib.effects.gains import Gains
from cardiolib.effects.study import INVENTED, HabitStudy
from cardiolib.printed import as_html


@dataclass(frozen=True, eq=False)
class TruthScores:
    """How near estimated gains come to the built-in ones, and what following them would earn.

    Attributes
    ----------
    method : str
    by_habit : DataFrame
        ``pehe`` (root mean square error of the individual gain), ``spread`` (SD of the true gain: the error of the best
        constant), ``correlation``, ``bias`` and ``coverage`` of the 95 % intervals of single patients.
    fifths : DataFrame
        Index (habit, fifth of the estimated gain): mean estimated and true gain, and whether the interval of the
        fifth, its mean plus or minus 1.96 mean errors, holds the true mean. Fifths that cannot be told apart, as all
        estimates are equal, are one group.
    earned : float
        Mean true gain over all patients if everybody took up the missing habit with the largest estimated gain, if
        positive.
    oracle : float
        The same if the true gains were known.
    harmed : float
        Share of those who would take up a habit whom it would harm.
    """

    method: str
    by_habit: pd.DataFrame
    fifths: pd.DataFrame
    earned: float
    oracle: float
    harmed: float

    @property
    def share(self) -> float:
        """Share of the oracle's gain that is earned; NaN where there is nothing to earn."""
        return self.earned / self.oracle if self.oracle > 0 else float("nan")

    @property
    def regret(self) -> float:
        """What the oracle earns more."""
        return self.oracle - self.earned

    @property
    def fifth_coverage(self) -> float:
        """Share of the intervals of fifths that hold the true mean."""
        return float(self.fifths["covered"].mean())

    def __repr__(self) -> str:
        return (
            f"{self.method}: earns {self.earned:.3f} of the {self.oracle:.3f} years a patient that an oracle would; "
            f"{self.harmed:.0%} of those who would change would be harmed; {INVENTED}"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.by_habit)


def score_gains(gains: Gains, study: HabitStudy) -> TruthScores:
    """Compare estimated gains with the true ones of the same patients.

    Parameters
    ----------
    gains : Gains
    study : HabitStudy
        Simulated, with fates; best of patients that no fit has seen.

    Raises
    ------
    ValueError
        The study has no truth, or its patients are others.

    Examples
    --------
    The truth itself earns what the oracle earns:

    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> score_gains(Gains(study.truth(), 0 * study.truth(), "truth", 5.0), study).share
    1.0
    """
    truth = study.truth()
    if not gains.values.index.equals(truth.index):
        raise ValueError("gains and study hold different patients, or in different order")
    habits = study.fates.habits if study.fates is not None else study.habits  # what patients do, not what they say
    taken = taken_up(gains, habits, truth)
    best = truth.where(habits[list(truth)].to_numpy() == 0, 0.0).to_numpy().max(axis=1)
    changed = ~np.isnan(taken)
    return TruthScores(
        gains.method,
        pd.DataFrame({habit: _by_habit(gains, truth, habit) for habit in truth}).T,
        pd.concat({habit: _fifths(gains, truth, habit) for habit in truth}, names=["habit"]),
        earned=float(np.nan_to_num(taken).mean()),
        oracle=float(np.maximum(best, 0.0).mean()),
        harmed=float((taken[changed] < 0).mean()) if changed.any() else 0.0,
    )


def taken_up(gains: Gains, habits: pd.DataFrame, truth: pd.DataFrame) -> np.ndarray:
    """(N,) true gain of the habit that each patient would take up (`Gains.best_missing`); NaN where none."""
    chosen = gains.best_missing(habits)
    columns = {habit: k for k, habit in enumerate(truth)}
    values = truth.to_numpy()
    return np.array([np.nan if h is None else values[i, columns[h]] for i, h in enumerate(chosen)])


def _by_habit(gains: Gains, truth: pd.DataFrame, habit: str) -> dict[str, float]:
    estimate, true = gains.values[habit], truth[habit]
    low, high = (end[habit] for end in gains.interval())
    varies = estimate.std() > 1e-12 and true.std() > 1e-12
    return {
        "pehe": float(np.sqrt(((estimate - true) ** 2).mean())),
        "spread": float(true.std(ddof=0)),
        "correlation": float(np.corrcoef(estimate, true)[0, 1]) if varies else float("nan"),
        "bias": float((estimate - true).mean()),
        "coverage": float(((low <= true) & (true <= high)).mean()),
    }


def _fifths(gains: Gains, truth: pd.DataFrame, habit: str) -> pd.DataFrame:
    table = pd.DataFrame({"estimated": gains.values[habit], "true": truth[habit], "error": gains.errors[habit]})
    fifth = pd.qcut(table["estimated"], 5, labels=False, duplicates="drop") if table["estimated"].nunique() > 5 else 0
    means = table.groupby(np.broadcast_to(np.nan_to_num(np.asarray(fifth, dtype=float)), len(table))).mean()
    means.index = pd.Index(range(1, len(means) + 1), name="fifth")
    return means.assign(covered=abs(means["estimated"] - means["true"]) <= 1.96 * means["error"])
