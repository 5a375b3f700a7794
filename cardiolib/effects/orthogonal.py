"""Doubly robust scores: for every patient and habit a noisy stand-in for the gain, from censored follow-up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cardiolib.effects.comparability import propensity_model
from cardiolib.effects.cox_learners import FittedOneModel, InteractionLearner
from cardiolib.effects.penalised_cox import WIDE, GroupedCox, fit_grouped_cox
from cardiolib.effects.restricted_means import YearsOfRisk
from cardiolib.effects.study import HabitStudy
from cardiolib.printed import as_html
from cardiolib.survival.folds import patient_folds

LEAST_PROPENSITY = 0.02
"""Probabilities of a habit are kept this far from 0 and 1."""
LEAST_FOLLOWED = 0.05
"""The probability of being still followed is not taken to be less."""
_CELLS = 100


@dataclass(frozen=True, eq=False)
class OrthogonalScores:
    """Cross-fitted scores of a study.

    Attributes
    ----------
    values : (N, K) DataFrame
        A stand-in for the gain of each habit. Its mean over any group is that group's mean gain if either the model
        of survival or that of the habit is right, and that of censoring is.
    plug_in : (N, K) DataFrame
        Gains by the model of survival alone, fitted without the patient.
    propensity : (N, K) DataFrame
        Probability of each habit, fitted without the patient.
    years : (N,) array
        Stand-in for the time lived within the horizon, censoring made up for.
    fold : (N,) array of int
    """

    values: pd.DataFrame
    plug_in: pd.DataFrame
    propensity: pd.DataFrame
    years: np.ndarray
    fold: np.ndarray

    def __repr__(self) -> str:
        means = ", ".join(f"{habit} {value:+.3f}" for habit, value in self.values.mean().items())
        return f"OrthogonalScores of {len(self.values):,} patients, {self.fold.max() + 1} folds; means {means}"

    def _repr_html_(self) -> str:
        return as_html(repr(self), pd.DataFrame({"mean": self.values.mean(), "SD": self.values.std()}))


def orthogonal_scores(study: HabitStudy, *, n_folds: int = 5, seed: int = 0) -> OrthogonalScores:
    r"""Augmented scores of the restricted mean, cross-fitted.

    Parameters
    ----------
    study : HabitStudy
    n_folds : int
        No patient's score comes from a model that has seen the patient.
    seed : int
        Of the folds.

    Notes
    -----
    For each habit A, with what is adjusted for and the other habits as x:

    .. math:: \Gamma_a = \mu_a(x) + \frac{1\{A = a\}}{P(A = a \mid x)}\,(Y^* - \mu_a(x)), \qquad
              \Gamma = \Gamma_1 - \Gamma_0

    where :math:`\mu_a` is the restricted mean by `InteractionLearner` and Y* makes up for censoring:

    .. math:: Y^* = \frac{\Delta\,\min(T, \tau)}{G(\min(T, \tau) \mid x)}
              + \int_0^{\min(T,\tau)} \frac{m(u \mid x)}{G(u \mid x)}\, dM_C(u), \qquad
              m(u \mid x) = E[\min(T, \tau) \mid T > u, x],

    with :math:`\Delta` = death or horizon reached, G the probability of being still followed (Cox model of
    censoring) and :math:`M_C` the martingale of censoring. The integral runs over 100 cells of the horizon.

    References
    ----------
    Robins, Rotnitzky & Zhao, J Am Stat Assoc 89:846 (1994). Cui, Kosorok, Sverdrup, Wager & Zhu, J R Stat Soc B 85:179
    (2023), whose causal survival forest has these scores. Chernozhukov et al., Econom J 21:C1 (2018), cross-fitting.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> orthogonal_scores(study, n_folds=2).values.shape
    (302, 4)
    """
    fold = patient_folds(study.event, n_folds=n_folds, rng=np.random.default_rng(seed))
    tables = {what: np.empty(study.habits.shape) for what in ("values", "plug_in", "propensity")}
    years = np.empty(len(study))
    for k in range(n_folds):
        test = np.flatnonzero(fold == k)
        found = _scores_of_fold(study.rows(fold != k), study.rows(test))
        years[test] = found.pop("years")
        for what, values in found.items():
            tables[what][test] = values
    frames = {
        what: pd.DataFrame(values, index=study.habits.index, columns=list(study.habits))
        for what, values in tables.items()
    }
    return OrthogonalScores(**frames, years=years, fold=fold)


def followed_years(
    event: np.ndarray,
    time: np.ndarray,
    years: YearsOfRisk,
    outcome: tuple[GroupedCox, np.ndarray],
    censoring: tuple[GroupedCox, np.ndarray],
) -> np.ndarray:
    """(N,) Y* of `orthogonal_scores`.

    Parameters
    ----------
    event, time : (N,) arrays
    years : YearsOfRisk
        Of the model of survival; it holds the horizon.
    outcome, censoring : (GroupedCox, (N,) array)
        Model and the log risks that it gives these patients.
    """
    grid = np.linspace(0.0, years.horizon, _CELLS + 1)
    middle, width = (grid[1:] + grid[:-1]) / 2, grid[1] - grid[0]
    stop = np.minimum(time, years.horizon)
    survival = outcome[0].baseline.survival(outcome[1], middle)  # (N, cells), at the middle of each
    area = np.cumsum(survival[:, ::-1], axis=1)[:, ::-1] * width - survival * width / 2
    m = middle + area / np.maximum(survival, 1e-12)
    hazard = np.exp(censoring[1])[:, None]
    followed = np.maximum(np.exp(-hazard * censoring[0].baseline(middle)), LEAST_FOLLOWED)
    cell = np.minimum((stop / width).astype(int), _CELLS - 1)[:, None]
    ends = np.minimum(grid, stop[:, None])  # hazard of censoring met in each cell, up to the patient's own time
    met = hazard * np.diff(censoring[0].baseline(ends), axis=1)
    ratio = m / followed
    at_stop = np.take_along_axis(ratio, cell, axis=1)[:, 0]
    own = np.maximum(np.exp(-hazard[:, 0] * _before(censoring[0], stop)), LEAST_FOLLOWED)
    complete = event | (time >= years.horizon)
    return np.where(complete, stop / own, at_stop) - np.sum(ratio * met, axis=1)


def _before(model: GroupedCox, time: np.ndarray) -> np.ndarray:
    """Cumulative hazard just before each time."""
    return model.baseline(np.nextafter(time, 0.0))


def _scores_of_fold(train: HabitStudy, test: HabitStudy) -> dict[str, np.ndarray]:
    outcome: FittedOneModel = InteractionLearner().fit(train)
    years = outcome.model.years(test.horizon)
    censoring = _censoring_model(train)
    lived = followed_years(
        test.event,
        test.time,
        years,
        (outcome.model, outcome.log_risks(test)),
        (censoring, censoring.log_risk(_Z(test, train))),
    )
    columns: dict[str, list[np.ndarray]] = {"values": [], "plug_in": [], "propensity": []}
    for habit in test.habits:
        has = test.habits[habit].to_numpy()
        chance = np.clip(propensity_model(train, habit)(test), LEAST_PROPENSITY, 1 - LEAST_PROPENSITY)
        mean = [years(outcome.log_risks(test, habit, a)) for a in (0, 1)]
        residual = lived - np.where(has == 1, mean[1], mean[0])
        weight = np.where(has == 1, 1 / chance, -1 / (1 - chance))
        columns["values"].append(mean[1] - mean[0] + weight * residual)
        columns["plug_in"].append(mean[1] - mean[0])
        columns["propensity"].append(chance)
    return {"years": lived, **{what: np.column_stack(each) for what, each in columns.items()}}


def _censoring_model(train: HabitStudy) -> GroupedCox:
    groups = np.array(["features"] * train.features.shape[1] + ["habits"] * train.habits.shape[1])
    return fit_grouped_cox(_Z(train, train), ~train.event, train.time, groups, fixed={"habits": WIDE})


def _Z(study: HabitStudy, scaled_by: HabitStudy) -> np.ndarray:
    mean, sd = scaled_by.features.mean(), scaled_by.features.std().replace(0.0, 1.0)
    return np.column_stack([(study.features - mean) / sd, study.habits]).astype(float)
