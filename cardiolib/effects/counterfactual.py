"""Checks that need no truth: are predictions of survival under a habit right among those who have it, reweighted?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.effects.comparability import inverse_weights, propensity_model
from cardiolib.effects.cox_learners import FittedOneModel
from cardiolib.effects.study import HabitStudy
from cardiolib.printed import as_html
from cardiolib.survival.outcomes import check_log_risk, check_outcomes
from cardiolib.validation.time_dependent import check_probability, outcome_weights

_BLOCK = 512


@dataclass(frozen=True, eq=False)
class CounterfactualPerformance:
    """Performance of predictions under each habit's two strategies, as if all had followed it.

    Attributes
    ----------
    table : DataFrame
        Index (habit, 0 or 1). ``predicted`` and ``observed`` risk of death by the horizon, their ratio ``O/E``
        (1 is right), ``concordance`` and ``Brier`` score.
    """

    table: pd.DataFrame

    def __repr__(self) -> str:
        worst = self.table["O/E"].sub(1).abs().idxmax()
        return f"CounterfactualPerformance of {len(self.table)} strategies; O/E farthest from 1 in {worst}"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table)


def counterfactual_performance(model: FittedOneModel, study: HabitStudy) -> CounterfactualPerformance:
    """Predictions under a strategy, compared with those who followed it, weighted to stand for all.

    Parameters
    ----------
    model : FittedOneModel
        Of `RatioLearner` or `InteractionLearner`.
    study : HabitStudy
        Patients that the fit has not seen.

    Notes
    -----
    For each habit and each of has it / lacks it, the predicted risk is that of everybody under this strategy. The
    observed risk comes from those who follow it, weighted with one over their probability of doing so (stabilised)
    times one over the probability of being still followed (Kaplan-Meier within the strategy). The concordance counts
    pairs of a patient who died by the horizon and one who lived longer, with the product of both weights.

    Right predictions pass only if confounders are measured and there is overlap; a hidden confounder may hide itself
    from this check as it does from the model.

    References
    ----------
    Keogh & van Geloven, Prediction under interventions: evaluation of counterfactual performance using longitudinal
    observational data. Epidemiology 35:329 (2024).

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> from cardiolib.effects import RatioLearner
    >>> study = HabitStudy.of_patients(simulate_habits(1000, seed=1))
    >>> counterfactual_performance(RatioLearner().fit(study), study).table.shape
    (8, 5)
    """
    rows = {}
    for habit in study.habits:
        weights = inverse_weights(study.habits[habit], pd.Series(propensity_model(study, habit)(study)))
        for has in (0, 1):
            followed = study.habits[habit].to_numpy() == has
            log_risk = model.log_risks(study, habit, has)
            risk = 1.0 - model.model.baseline.survival(log_risk, study.horizon)[:, 0]
            rows[habit, has] = weighted_performance(
                risk[followed], study.event[followed], study.time[followed], study.horizon, weights[followed]
            ) | {"predicted": float(risk.mean())}
    table = pd.DataFrame(rows).T.rename_axis(["habit", "has"])
    table["O/E"] = table["observed"] / table["predicted"]
    return CounterfactualPerformance(table[["predicted", "observed", "O/E", "concordance", "Brier"]])


def weighted_performance(
    risk: ArrayLike, event: ArrayLike, time: ArrayLike, at: float, weights: ArrayLike
) -> dict[str, float]:
    """Observed risk, concordance and Brier score at a time, each patient standing for `weights` others.

    Parameters
    ----------
    risk : (N,) array
        Predicted probability of death by `at`.
    event, time : (N,) arrays
    at : float
    weights : (N,) array
        Positive.

    Examples
    --------
    >>> found = weighted_performance([0.9, 0.2], [True, False], [1.0, 3.0], 2.0, [1.0, 3.0])
    >>> found["observed"], found["concordance"]
    (0.25, 1.0)
    """
    event, time, risk, weights = check_outcomes(event, time, risk=risk, weights=weights)
    risk, weights = check_probability(risk, time.size), check_log_risk(weights, time.size, name="weights")
    case, survivor, followed = outcome_weights(event, time, at)
    w = followed * weights
    observed = float(w[case].sum() / w.sum())
    brier = float(np.sum(w * (case - risk) ** 2) / w.sum())
    right = total = 0.0
    for start in range(0, int(case.sum()), _BLOCK):
        r, v = risk[case][start : start + _BLOCK, None], w[case][start : start + _BLOCK, None]
        ordered = (r > risk[survivor]) + 0.5 * (r == risk[survivor])
        right += float(np.sum(v * w[survivor] * ordered))
        total += float(v.sum() * w[survivor].sum())
    return {"observed": observed, "concordance": right / total if total else float("nan"), "Brier": brier}
