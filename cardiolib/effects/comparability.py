"""Who has which habit: probabilities, whether comparable patients exist on both sides, and balance after weighting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from cardiolib.effects.study import HabitStudy
from cardiolib.printed import as_html

EXTREME = 0.05
"""A probability of a habit closer than this to 0 or 1 means that next to nobody is there to compare with."""
MOST_EXTREME = 0.10
"""Largest share of patients with such a probability before the analysis of a habit is refused."""


@dataclass(frozen=True, eq=False)
class Overlap:
    """Probabilities of the habits given what is adjusted for, and what follows.

    Attributes
    ----------
    propensity : (N, K) DataFrame
    table : DataFrame
        By habit: share that has it, 1st and 99th percentile of the probability, share of patients whose probability is
        extreme (`EXTREME`), and effective number of patients after weighting.
    """

    propensity: pd.DataFrame
    table: pd.DataFrame

    @property
    def poor(self) -> tuple[str, ...]:
        """Habits for which too many patients have nobody to be compared with (`MOST_EXTREME`)."""
        return tuple(self.table.index[self.table["share extreme"] > MOST_EXTREME])

    def require(self) -> None:
        """Refuse habits without overlap.

        Raises
        ------
        ValueError
            Naming each such habit and how many patients have nobody to be compared with.
        """
        if self.poor:
            shares = ", ".join(f"{h} ({self.table.loc[h, 'share extreme']:.0%} of patients)" for h in self.poor)
            raise ValueError(
                f"no overlap in {shares}: the probability of the habit is below {EXTREME:g} or above {1 - EXTREME:g}, "
                "so that next to nobody is there to compare them with. Restrict who is eligible, or leave the habit out"
            )

    def __repr__(self) -> str:
        return f"Overlap of {len(self.propensity):,} patients; " + (
            f"poor in {', '.join(self.poor)}" if self.poor else "no habit in which it is poor"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table)


def overlap(study: HabitStudy) -> Overlap:
    """Probability of each habit given features and the other habits, by ridge logistic regression.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> overlap(HabitStudy.of_patients(simulate_habits(2000, seed=1))).poor
    ()
    """
    propensity = pd.DataFrame({habit: propensity_model(study, habit)(study) for habit in study.habits})
    propensity.index = study.habits.index
    rows = {}
    for habit in study.habits:
        p, weights = propensity[habit], inverse_weights(study.habits[habit], propensity[habit])
        rows[habit] = {
            "share with it": study.habits[habit].mean(),
            "1st percentile": p.quantile(0.01),
            "99th percentile": p.quantile(0.99),
            "share extreme": ((p < EXTREME) | (p > 1 - EXTREME)).mean(),
            "effective patients": weights.sum() ** 2 / (weights**2).sum(),
        }
    return Overlap(propensity, pd.DataFrame(rows).T)


def propensity_model(study: HabitStudy, habit: str) -> Callable[[HabitStudy], np.ndarray]:
    """Fit the probability of a habit; what comes back gives (N,) probabilities for any study with these features."""
    study.require_learnable()
    model = LogisticRegression(C=1.0, max_iter=1000)
    mean, sd = study.features.mean(), study.features.std().replace(0.0, 1.0)

    def columns(of: HabitStudy) -> np.ndarray:
        return np.column_stack([(of.features - mean) / sd, of.habits.drop(columns=[habit])])

    model.fit(columns(study), study.habits[habit].to_numpy())
    return lambda of: model.predict_proba(columns(of))[:, 1]


def inverse_weights(has: pd.Series, propensity: pd.Series) -> np.ndarray:
    """(N,) one over the probability of what the patient does, times the share that does it (stabilised)."""
    a, p = has.to_numpy(dtype=float), propensity.to_numpy(dtype=float)
    return np.where(a == 1, a.mean() / p, (1 - a.mean()) / (1 - p))


def balance(study: HabitStudy, habit: str, weights: np.ndarray | None = None) -> pd.DataFrame:
    r"""Standardised mean differences between those with a habit and those without, before and after weighting.

    Parameters
    ----------
    study : HabitStudy
    habit : str
    weights : (N,) array, optional
        By default inverse probabilities of the habit.

    Returns
    -------
    DataFrame
        By feature and other habit: ``before``, ``after``; beyond 0.1 either way is commonly called unbalanced.

    Notes
    -----
    .. math:: d = \frac{\bar x_1 - \bar x_0}{\sqrt{(s_1^2 + s_0^2) / 2}}

    with the SDs before weighting in both (Austin, Stat Med 28:3083 (2009)).

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(4000, seed=1))
    >>> d = balance(study, "exercise").abs().max()
    >>> bool(d["before"] > 0.3 and d["after"] < 0.1)
    True
    """
    if weights is None:
        weights = inverse_weights(study.habits[habit], pd.Series(propensity_model(study, habit)(study)))
    table = study.features.join(study.habits.drop(columns=[habit])).astype(float)
    has = study.habits[habit].to_numpy() == 1
    spread = np.sqrt((table[has].var() + table[~has].var()) / 2).replace(0.0, 1.0)
    means = {
        when: [np.average(table[rows], axis=0, weights=w[rows]) for rows in (has, ~has)]
        for when, w in (("before", np.ones(len(study))), ("after", weights))
    }
    return pd.DataFrame({when: (one - none) / spread for when, (one, none) in means.items()})
