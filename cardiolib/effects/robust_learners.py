"""Individual gains learnt from doubly robust scores: a shrunken correction of the S-learner, and an honest forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from sklearn.linear_model import BayesianRidge
from sklearn.tree import DecisionTreeRegressor

from cardiolib.effects.cox_learners import FittedOneModel, InteractionLearner
from cardiolib.effects.gains import Gains
from cardiolib.effects.orthogonal import orthogonal_scores
from cardiolib.effects.study import HabitStudy
from cardiolib.settings import Settings


@dataclass(frozen=True)
class DoublyRobustLearner(Settings):
    r"""DR-learner: what the S-learner missed is regressed on the features, and shrunk.

    Parameters
    ----------
    n_folds : int
        Of the cross-fitting.

    Notes
    -----
    With the cross-fitted scores :math:`\Gamma_i` and the S-learner's gain :math:`g_i` of a model that has not seen the
    patient (`orthogonal_scores`), the second stage of Kennedy (2023) is here

    .. math:: \Gamma_i - g_i = a + x_i' b + c\,g_i + \text{noise}, \qquad (b, c) \sim N(0, s^2)

    by Bayesian ridge regression, and a new patient's gain is that of the S-learner of all patients plus a + x'b + c g.
    Where the S-learner is right the correction vanishes; where it is wrong the scores put it right, if the model of the
    habit is right. Errors of both stages are added as variances, which makes them rather too large.

    References
    ----------
    Kennedy, Electron J Stat 17:3008 (2023). MacKay, Neural Computation 4:415 (1992).

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> DoublyRobustLearner(n_folds=2).fit(study).gains(study).values.shape
    (302, 4)
    """

    name: ClassVar[str] = "doubly robust"
    n_folds: int = 5

    RANGES = {"n_folds": (2, np.inf)}

    def fit(self, study: HabitStudy, *, seed: int = 0) -> FittedCorrection:
        """Cross-fit the scores, fit the S-learner on all, and what it missed."""
        scores = orthogonal_scores(study, n_folds=self.n_folds, seed=seed)
        model = InteractionLearner().fit(study)
        corrections = {}
        for habit in study.habits:
            plug_in = scores.plug_in[habit].to_numpy()
            columns = np.column_stack([model.scale.apply(study.features), plug_in])
            spread = columns.std(axis=0)
            spread[spread == 0] = 1.0
            target = scores.values[habit].to_numpy() - plug_in
            ridge = BayesianRidge().fit((columns - columns.mean(axis=0)) / spread, target)
            corrections[habit] = (ridge, columns.mean(axis=0), spread, target.std() / np.sqrt(len(study)))
        return FittedCorrection(self.name, model, corrections)


@dataclass(frozen=True, eq=False)
class FittedCorrection:
    """The S-learner, and by habit the regression of what it missed."""

    name: str
    model: FittedOneModel
    corrections: dict[str, tuple[BayesianRidge, np.ndarray, np.ndarray, float]]

    def gains(self, study: HabitStudy) -> Gains:
        """Gains, with the errors of both stages."""
        first = self.model.gains(study)
        values, errors = first.values.copy(), first.errors.copy()
        features = self.model.scale.apply(study.features)
        for habit, (ridge, mean, spread, error_of_mean) in self.corrections.items():
            columns = (np.column_stack([features, first.values[habit]]) - mean) / spread
            values[habit] += ridge.predict(columns)
            told = np.einsum("ij,jk,ik->i", columns, ridge.sigma_, columns, optimize=True)
            errors[habit] = np.sqrt(first.errors[habit] ** 2 + told + error_of_mean**2)
        return Gains(values, errors, self.name, study.horizon, study.time_unit, study.simulated)


@dataclass(frozen=True)
class HonestForestLearner(Settings):
    """Causal forest on the doubly robust scores: each tree chooses its splits in one half, its leaf means in the other.

    Parameters
    ----------
    n_pairs : int
        Pairs of trees; both trees of a pair are grown within one half of the patients, which gives the error.
    least_in_leaf : int
        Patients of the estimating half in a leaf, at least.
    n_folds : int
        Of the cross-fitting of the scores.

    Notes
    -----
    Splits see the features and the S-learner's own gain of the patient. Honesty and the error by pairs ("bootstrap of
    little bags": variance between pairs minus half of that within) are those of Athey, Tibshirani & Wager, Ann Stat
    47:1148 (2019); the scores are those of Cui et al. (2023), but computed once and not again in every leaf.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> study = HabitStudy.of_patients(simulate_habits(302, seed=1))
    >>> HonestForestLearner(n_pairs=10, n_folds=2).fit(study).gains(study).values.shape
    (302, 4)
    """

    name: ClassVar[str] = "honest forest"
    n_pairs: int = 50
    least_in_leaf: int = 20
    n_folds: int = 5

    RANGES = {"n_pairs": (2, np.inf), "least_in_leaf": (2, np.inf), "n_folds": (2, np.inf)}

    def fit(self, study: HabitStudy, *, seed: int = 0) -> FittedForest:
        """Cross-fit the scores and grow the trees.

        Raises
        ------
        ValueError
            Fewer patients than eight leaves would hold.
        """
        if len(study) < 8 * self.least_in_leaf:
            raise ValueError(
                f"a forest with {self.least_in_leaf} patients in a leaf needs {8 * self.least_in_leaf} patients, there "
                f"are {len(study)}: lower least_in_leaf"
            )
        scores = orthogonal_scores(study, n_folds=self.n_folds, seed=seed)
        model = InteractionLearner().fit(study)
        features = model.scale.apply(study.features)
        trees = {}
        for k, habit in enumerate(study.habits):
            columns = np.column_stack([features, scores.plug_in[habit]])
            rng = np.random.default_rng([seed, k])
            trees[habit] = self._grow(columns, scores.values[habit].to_numpy(), rng)
        return FittedForest(self.name, model, trees)

    def _grow(self, columns: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> list[_HonestTree]:
        """2 `n_pairs` trees; trees 2i and 2i + 1 share the half of the patients from which they are grown."""
        n, grown = len(target), []
        for _ in range(self.n_pairs):
            half = rng.permutation(n)[: n // 2]
            for _ in range(2):
                rows = rng.permutation(half)[: max(len(half) * 3 // 4, 4 * self.least_in_leaf)]
                splits, means = rows[: len(rows) // 2], rows[len(rows) // 2 :]
                tree = DecisionTreeRegressor(
                    min_samples_leaf=self.least_in_leaf, max_features=0.5, random_state=int(rng.integers(2**31))
                )
                tree.fit(columns[splits], target[splits])
                grown.append(_HonestTree.of(tree, columns[means], target[means]))
        return grown


@dataclass(frozen=True, eq=False)
class FittedForest:
    """By habit its trees."""

    name: str
    model: FittedOneModel
    trees: dict[str, list[_HonestTree]]

    def gains(self, study: HabitStudy) -> Gains:
        """Mean over the trees, and its error by pairs."""
        features, plug_in = self.model.scale.apply(study.features), self.model.gains(study).values
        values, errors = {}, {}
        for habit, trees in self.trees.items():
            columns = np.column_stack([features, plug_in[habit]]).astype(np.float32)
            each = np.stack([tree.predict(columns) for tree in trees]).reshape(-1, 2, len(study))
            within = each.var(axis=1, ddof=1).mean(axis=0)
            between = each.mean(axis=1).var(axis=0, ddof=1)
            values[habit] = each.mean(axis=(0, 1))
            errors[habit] = np.sqrt(np.maximum(between - within / 2, within / (2 * len(trees))))
        found, errors_of = (pd.DataFrame(each, index=study.habits.index) for each in (values, errors))
        return Gains(found, errors_of, self.name, study.horizon, study.time_unit, study.simulated)


@dataclass(frozen=True, eq=False)
class _HonestTree:
    """Splits from one half, leaf means from the other; a leaf that nobody of the other half reached takes its mean."""

    tree: DecisionTreeRegressor
    means: np.ndarray

    @classmethod
    def of(cls, tree: DecisionTreeRegressor, columns: np.ndarray, target: np.ndarray) -> _HonestTree:
        leaf, size = tree.apply(columns), tree.tree_.node_count
        count = np.bincount(leaf, minlength=size)
        total = np.bincount(leaf, weights=target, minlength=size)
        return cls(tree, np.where(count > 0, total / np.maximum(count, 1), target.mean()))

    def predict(self, columns: np.ndarray) -> np.ndarray:
        return self.means[self.tree.apply(columns)]
