"""Individual gains from Cox models, from the humblest to the article's: the same for all, own risk times one ratio, one
model with interactions (S), two models (T)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import pandas as pd

from cardiolib.effects.gains import Gains
from cardiolib.effects.penalised_cox import WIDE, GroupedCox, fit_grouped_cox
from cardiolib.effects.study import HabitStudy


class FittedLearner(Protocol):
    """What every learner's `fit` returns."""

    def gains(self, study: HabitStudy) -> Gains:
        """Gains of the patients of a study, which need not be those of the fit."""
        ...


class Learner(Protocol):
    """A way to estimate individual gains."""

    name: ClassVar[str]

    def fit(self, study: HabitStudy, *, seed: int = 0) -> FittedLearner:
        """Learn from a study."""
        ...


@dataclass(frozen=True)
class ConstantLearner:
    """A habit adds the same time to everybody: the mean of what `RatioLearner` estimates.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> bool((ConstantLearner().fit(study).gains(study).values.nunique() == 1).all())
    True
    """

    name: ClassVar[str] = "the same for all"

    def fit(self, study: HabitStudy, *, seed: int = 0) -> FittedLearner:
        """Fit; nothing is random."""
        return FittedConstant(self.name, RatioLearner().fit(study), study)


@dataclass(frozen=True)
class RatioLearner:
    """Own risk times one hazard ratio for all, as risk calculators of prevention do (LIFE-CVD; Jaspers 2020).

    log hazard = log H0 + features + one constant for each habit. Who is at higher risk gains more.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> RatioLearner().fit(study).gains(study).values.shape
    (302, 4)
    """

    name: ClassVar[str] = "own risk times one ratio"

    def fit(self, study: HabitStudy, *, seed: int = 0) -> FittedOneModel:
        """Fit; nothing is random."""
        return _fit_one(study, self.name, interactions=False)


@dataclass(frozen=True)
class InteractionLearner:
    """S-learner: one Cox model with habits, features, and every product of both under a penalty for each habit.

    log hazard = log H0 + features + habits x (constant + features). Where the data find no modification, the
    products shrink to nothing and what is left is `RatioLearner`.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> InteractionLearner().fit(study).gains(study).values.shape
    (302, 4)
    """

    name: ClassVar[str] = "one model with interactions (S)"

    def fit(self, study: HabitStudy, *, seed: int = 0) -> FittedOneModel:
        """Fit; nothing is random."""
        return _fit_one(study, self.name, interactions=True)


@dataclass(frozen=True)
class TwoModelLearner:
    """T-learner, as the article proposes: for each habit a Cox model of those who have it and one of those who do not.

    Each has a baseline of its own, and penalties of its own.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> TwoModelLearner().fit(study).gains(study).values.shape
    (302, 4)
    """

    name: ClassVar[str] = "two models (T, the article's)"

    def fit(self, study: HabitStudy, *, seed: int = 0) -> FittedTwoModels:
        """Fit; nothing is random.

        Raises
        ------
        ValueError
            Nobody died among those with a habit, or among those without.
        """
        study.require_learnable()
        scale, models = _Scale.of(study.features), {}
        for habit in study.habits:
            columns, groups = _without_habit(study, habit, scale)
            for has in (0, 1):
                rows = study.habits[habit].to_numpy() == has
                if not study.event[rows].any():
                    raise ValueError(f"nobody died among those with {habit} = {has}: no model of them can be fitted")
                models[habit, has] = fit_grouped_cox(columns[rows], study.event[rows], study.time[rows], groups)
        return FittedTwoModels(self.name, models, scale)


@dataclass(frozen=True, eq=False)
class FittedOneModel:
    """One Cox model of features and habits."""

    name: str
    model: GroupedCox
    scale: _Scale
    interactions: bool

    def log_risks(self, study: HabitStudy, habit: str | None = None, has: int = 0) -> np.ndarray:
        """(N,) log risks as patients live, or if all had (1) or lacked (0) a habit."""
        return self.model.log_risk(self._columns(study, habit, has))

    def prognosis(self, study: HabitStudy) -> np.ndarray:
        """(N,) log risks if nobody had any habit."""
        return self.model.log_risk(self._of_habits(study, np.zeros(study.habits.shape)))

    def log_ratios(self, study: HabitStudy) -> pd.DataFrame:
        """(N, K) log hazard ratio of each habit for each patient."""
        ratios, without = {}, self.prognosis(study)
        for k, habit in enumerate(study.habits):
            one = np.zeros(study.habits.shape)
            one[:, k] = 1.0
            ratios[habit] = self.model.log_risk(self._of_habits(study, one)) - without
        return pd.DataFrame(ratios, index=study.habits.index)

    def gains(self, study: HabitStudy) -> Gains:
        """Gains, with errors by the delta method from the fit of coefficients and baseline."""
        found = [self._one(study, habit) for habit in study.habits]
        return _as_gains(study, self.name, [value for value, *_ in found], [error for _, error, _ in found])

    def average(self, study: HabitStudy) -> pd.DataFrame:
        """Mean gain of each habit over a study (standardisation, the g-formula), with its error."""
        rows = {}
        for habit in study.habits:
            value, _, jacobian = self._one(study, habit)
            mean = jacobian.mean(axis=0)
            rows[habit] = {"gain": value.mean(), "error": float(np.sqrt(mean @ self._covariance() @ mean))}
        return pd.DataFrame(rows).T

    def draws(self, study: HabitStudy, *, n: int = 200, seed: int) -> np.ndarray:
        """(n, N, K) gains under coefficients drawn from their error: how sure an order of habits is."""
        rng, years = np.random.default_rng(seed), self.model.years(study.horizon)
        p = self.model.coefficients.size
        change = rng.standard_normal((n, p + 1)) @ np.linalg.cholesky(self._covariance() + 1e-14 * np.eye(p + 1)).T
        out = np.empty((n, len(study), study.habits.shape[1]))
        for k, habit in enumerate(study.habits):
            two = []
            for has in (0, 1):
                Z = self._columns(study, habit, has) - self.model.centre
                two.append(years((self.model.coefficients + change[:, :p]) @ Z.T + change[:, p:]))
            out[..., k] = two[1] - two[0]
        return out

    def _one(self, study: HabitStudy, habit: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Gains (N,), their errors (N,), and their derivatives (N, p + 1) by coefficients and log baseline."""
        years = self.model.years(study.horizon)
        values, jacobians = [], []
        for has in (0, 1):
            Z = self._columns(study, habit, has) - self.model.centre
            eta = Z @ self.model.coefficients
            values.append(years(eta))
            jacobians.append(years.slope(eta)[:, None] * np.column_stack([Z, np.ones(len(Z))]))
        jacobian = jacobians[1] - jacobians[0]
        error = np.sqrt(np.einsum("ij,jk,ik->i", jacobian, self._covariance(), jacobian, optimize=True))
        return values[1] - values[0], error, jacobian

    def _covariance(self) -> np.ndarray:
        p = self.model.coefficients.size
        whole = np.zeros((p + 1, p + 1))
        whole[:p, :p], whole[p, p] = self.model.covariance, self.model.log_baseline_sd**2
        return whole

    def _columns(self, study: HabitStudy, habit: str | None, has: int) -> np.ndarray:
        habits = study.habits if habit is None else study.habits.assign(**{habit: has})
        return self._of_habits(study, habits.to_numpy(dtype=float))

    def _of_habits(self, study: HabitStudy, habits: np.ndarray) -> np.ndarray:
        return _one_model_columns(self.scale.apply(study.features), habits, self.interactions)


@dataclass(frozen=True, eq=False)
class FittedTwoModels:
    """For each habit two Cox models."""

    name: str
    models: dict[tuple[str, int], GroupedCox]
    scale: _Scale

    def gains(self, study: HabitStudy) -> Gains:
        """Gains; the errors of both models are independent and add up."""
        values, errors = [], []
        for habit in study.habits:
            columns, _ = _without_habit(study, habit, self.scale)
            lived, variance = [], np.zeros(len(study))
            for has in (0, 1):
                model = self.models[habit, has]
                years, eta = model.years(study.horizon), model.log_risk(columns)
                Z = columns - model.centre
                spread = np.einsum("ij,jk,ik->i", Z, model.covariance, Z, optimize=True) + model.log_baseline_sd**2
                variance += years.slope(eta) ** 2 * spread
                lived.append(years(eta))
            values.append(lived[1] - lived[0])
            errors.append(np.sqrt(variance))
        return _as_gains(study, self.name, values, errors)


@dataclass(frozen=True, eq=False)
class FittedConstant:
    """One gain of each habit for everybody."""

    name: str
    model: FittedOneModel
    learned: HabitStudy

    def gains(self, study: HabitStudy) -> Gains:
        """The mean gains of the patients of the fit."""
        average, n = self.model.average(self.learned), len(study)
        values, errors = ([np.full(n, average.loc[h, what]) for h in study.habits] for what in ("gain", "error"))
        return _as_gains(study, self.name, values, errors)


@dataclass(frozen=True, eq=False)
class _Scale:
    """Features in standard deviations of the patients of the fit."""

    names: tuple[str, ...]
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def of(cls, features: pd.DataFrame) -> _Scale:
        values = features.to_numpy(dtype=float)
        spread = values.std(axis=0)
        return cls(tuple(map(str, features)), values.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def apply(self, features: pd.DataFrame) -> np.ndarray:
        if tuple(map(str, features)) != self.names:
            raise ValueError(f"the learner was fitted on the features {self.names}; given {tuple(features)}")
        return (features.to_numpy(dtype=float) - self.mean) / self.sd


def _fit_one(study: HabitStudy, name: str, *, interactions: bool) -> FittedOneModel:
    study.require_learnable()
    scale = _Scale.of(study.features)
    habits = study.habits.to_numpy(dtype=float)
    Z = _one_model_columns(scale.apply(study.features), habits, interactions)
    p = study.features.shape[1]
    groups = ["features"] * p + ["habits"] * habits.shape[1]
    if interactions:
        groups += [f"products with {habit}" for habit in study.habits for _ in range(p)]
    model = fit_grouped_cox(Z, study.event, study.time, np.array(groups), fixed={"habits": WIDE})
    return FittedOneModel(name, model, scale, interactions)


def _one_model_columns(features: np.ndarray, habits: np.ndarray, interactions: bool) -> np.ndarray:
    """(N, p + K) or, with products, (N, p + K + K p)."""
    plain = np.column_stack([features, habits])
    if not interactions:
        return plain
    products = (habits[:, :, None] * features[:, None, :]).reshape(len(features), -1)
    return np.column_stack([plain, products])


def _without_habit(study: HabitStudy, habit: str, scale: _Scale) -> tuple[np.ndarray, np.ndarray]:
    others = study.habits.drop(columns=[habit]).to_numpy(dtype=float)
    groups = ["features"] * study.features.shape[1] + ["other habits"] * others.shape[1]
    return np.column_stack([scale.apply(study.features), others]), np.array(groups)


def _as_gains(study: HabitStudy, name: str, values: list[np.ndarray], errors: list[np.ndarray]) -> Gains:
    index, columns = study.habits.index, list(study.habits)
    found, errors_of = (pd.DataFrame(np.column_stack(each), index=index, columns=columns) for each in (values, errors))
    return Gains(found, errors_of, name, study.horizon, study.time_unit, study.simulated)
