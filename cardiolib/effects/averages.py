"""Average gains of a habit, naive and adjusted in three ways, with errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from cardiolib.effects.comparability import inverse_weights, propensity_model
from cardiolib.effects.cox_learners import RatioLearner
from cardiolib.effects.orthogonal import OrthogonalScores, orthogonal_scores
from cardiolib.effects.restricted_means import restricted_mean
from cardiolib.effects.study import INVENTED, HabitStudy
from cardiolib.printed import as_html


@dataclass(frozen=True, eq=False)
class AverageEffects:
    """Mean gain of each habit over the patients of a study, by method.

    Attributes
    ----------
    table : DataFrame
        Index (habit, method); ``gain``, ``error``, ``low``, ``high`` (95 %), and ``truth`` where it is known.
    horizon : float
    time_unit : str
    simulated : bool
    """

    table: pd.DataFrame
    horizon: float
    time_unit: str
    simulated: bool

    def of(self, method: str) -> pd.DataFrame:
        """The rows of one method, by habit."""
        return self.table.xs(method, level="method")

    def __repr__(self) -> str:
        methods = self.table.index.unique("method")
        known = f"; {INVENTED}" if self.simulated else ""
        return (
            f"Average gains within {self.horizon:g} {self.time_unit} of {self.table.index.unique('habit').size} habits "
            f"by {len(methods)} methods ({', '.join(methods)}){known}"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table)


def average_effects(study: HabitStudy, *, scores: OrthogonalScores | None = None, seed: int = 0) -> AverageEffects:
    """Average gains: naive, weighted, standardised and doubly robust.

    Parameters
    ----------
    study : HabitStudy
    scores : OrthogonalScores, optional
        If they were made already.
    seed : int
        Of the folds of the scores.

    Notes
    -----
    naive
        Difference of the areas below two Kaplan-Meier curves: who has a habit is another kind of patient.
    weighted
        The same with inverse probabilities of the habit as weights (IPTW; Cole & Hernán, Comput Methods Programs Biomed
        75:45 (2004)). The weights are taken as known in the error, which makes it rather too large. Censoring is taken
        to be the same for all with, and for all without the habit.
    standardised
        Cox model of features and habits, its prediction averaged over all patients with and without the habit (the
        g-formula).
    doubly robust
        Mean of `orthogonal_scores`; error from their spread.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> average_effects(HabitStudy.of_patients(simulate_habits(302, seed=1)))
    Average gains within 5 years of 4 habits by 4 methods (naive, weighted, standardised, doubly robust); every effect \
is built in and invented
    """
    scores = orthogonal_scores(study, seed=seed) if scores is None else scores
    standardised = RatioLearner().fit(study).average(study)
    rows: dict[tuple[str, str], tuple[float, float]] = {}
    for habit in study.habits:
        weights = inverse_weights(study.habits[habit], pd.Series(propensity_model(study, habit)(study)))
        values = scores.values[habit].to_numpy()
        rows[habit, "naive"] = kaplan_meier_difference(study, habit)
        rows[habit, "weighted"] = kaplan_meier_difference(study, habit, weights=weights)
        rows[habit, "standardised"] = (standardised.loc[habit, "gain"], standardised.loc[habit, "error"])
        rows[habit, "doubly robust"] = (float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))
    index = pd.MultiIndex.from_tuples(rows, names=["habit", "method"])
    table = pd.DataFrame(list(rows.values()), index=index, columns=["gain", "error"])
    reach = norm.ppf(0.975) * table["error"]
    table = table.assign(low=table["gain"] - reach, high=table["gain"] + reach)
    if study.fates is not None:
        table["truth"] = study.truth().mean().loc[index.get_level_values("habit")].to_numpy()
    return AverageEffects(table, study.horizon, study.time_unit, study.simulated)


def kaplan_meier_difference(study: HabitStudy, habit: str, *, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Difference of the mean time lived within the horizon, with the habit minus without, and its standard error."""
    study.require_learnable()
    means = []
    for has in (1, 0):
        rows = study.habits[habit].to_numpy() == has
        w = None if weights is None else weights[rows]
        means.append(restricted_mean(study.event[rows], study.time[rows], study.horizon, weights=w))
    with_it, without = means
    return with_it.value - without.value, float(np.hypot(with_it.standard_error, without.standard_error))
