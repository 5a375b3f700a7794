"""Is a habit's hazard ratio the same for all? A test by cross-fitting, which may claim too rarely but not too often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from cardiolib.effects.cox_learners import InteractionLearner
from cardiolib.effects.study import HabitStudy
from cardiolib.printed import as_html
from cardiolib.survival.cox_regression import cox_regression
from cardiolib.survival.folds import patient_folds

_FLAT = 1e-3


@dataclass(frozen=True, eq=False)
class ModificationTest:
    """One-sided tests of effect modification on the scale of the hazard ratio.

    Attributes
    ----------
    table : DataFrame
        By habit: ``slope`` (1 where predicted modification is true, 0 where it is chance), ``z``, ``p``, and
        ``p_holm`` for all habits together. Where the penalty left no modification to predict, p is 1.
    """

    table: pd.DataFrame

    def claimed(self, *, level: float = 0.05) -> tuple[str, ...]:
        """Habits whose modification is claimed with an error of `level` for all together."""
        return tuple(self.table.index[self.table["p_holm"] < level])

    def __repr__(self) -> str:
        return f"ModificationTest: modification claimed for {', '.join(self.claimed()) or 'no habit'}"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table)


def modification_test(study: HabitStudy, *, n_folds: int = 5, seed: int = 0) -> ModificationTest:
    r"""Test whether modification that was learnt in some patients holds in others.

    Parameters
    ----------
    study : HabitStudy
    n_folds : int
    seed : int
        Of the folds.

    Notes
    -----
    `InteractionLearner` on the other folds predicts each patient's deviation :math:`m_h(x)` of the log hazard ratio of
    habit h from its mean. In the left-out fold, Cox regression has the prognostic score without habits, the habits, the
    deviations and the products :math:`a_h m_h(x)`, whose coefficients are the slopes. Slopes of folds are combined with
    inverse variances. Under the null the slopes are 0 and independent of how m was learnt; the test is one-sided, as
    in the calibration test of Chernozhukov et al., arXiv 1712.04802, and Holm's method joins the habits.

    Examples
    --------
    >>> from cardiolib.cohorts import simulate_habits
    >>> modification_test(HabitStudy.of_patients(simulate_habits(1000, seed=1)), n_folds=2).table.shape
    (4, 4)
    """
    fold = patient_folds(study.event, n_folds=n_folds, rng=np.random.default_rng(seed))
    weight, weighted = np.zeros(study.habits.shape[1]), np.zeros(study.habits.shape[1])
    for k in range(n_folds):
        slopes, errors = _slopes(study.rows(fold != k), study.rows(fold == k))
        told = np.where(np.isfinite(slopes), 1.0 / errors**2, 0.0)
        weight += told
        weighted += np.where(told > 0, told * np.nan_to_num(slopes), 0.0)
    learnt = weight > 0
    slope = np.divide(weighted, weight, out=np.zeros_like(weight), where=learnt)
    z = slope * np.sqrt(weight)
    table = pd.DataFrame({"slope": slope, "z": z, "p": np.where(learnt, norm.sf(z), 1.0)}, index=list(study.habits))
    return ModificationTest(table.assign(p_holm=_holm(table["p"].to_numpy())))


def _slopes(train: HabitStudy, test: HabitStudy) -> tuple[np.ndarray, np.ndarray]:
    """Slope and error by habit in the left-out patients; NaN where nothing was learnt or the fold is too small."""
    fitted = InteractionLearner().fit(train)
    names = list(test.habits)
    ratios = fitted.log_ratios(test).to_numpy()
    m, a = ratios - ratios.mean(axis=0), test.habits.to_numpy(dtype=float)
    kept = m.std(axis=0) > _FLAT
    columns = np.column_stack([fitted.prognosis(test), a, m[:, kept], (a * m)[:, kept]])
    slopes, errors = np.full(len(names), np.nan), np.full(len(names), np.inf)
    if not kept.any():
        return slopes, errors
    try:
        found = cox_regression(columns, test.event, test.time)
    except (ArithmeticError, ValueError):  # too few deaths in the fold, or deviations that are combinations of others
        return slopes, errors
    n = int(kept.sum())
    slopes[kept], errors[kept] = found.coefficients[-n:], found.standard_errors[-n:]
    return slopes, errors


def _holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values."""
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    out = np.empty_like(p)
    out[order] = np.minimum(stepped, 1.0)
    return out
