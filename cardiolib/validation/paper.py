"""The statistics of the paper's released code, to reproduce its numbers. Not for inference: each says why.

Source: Bello et al., Nature Machine Intelligence 1:95-104 (2019), and the code released with it
(demo_validateDL.py, demo_KMplot.py, demo_modelcomp_pvalue.py, hypersearch.py). `paper_beside_right` puts each beside
what cardiolib reports instead, with one sentence on the difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import wilcoxon

from cardiolib.validation.estimators import out_of_bag_risk
from cardiolib.validation.store import BootstrapStore
from cardiolib.validation.survival_curves import GroupedSurvival, kaplan_meier_groups


@dataclass(frozen=True)
class PaperWilcoxon:
    """Result of the released comparison of two models; `n_replicates` is what its p value measures."""

    statistic: float
    p_value: float
    n_replicates: int


def paper_percentile_interval(
    c_apparent: float, optimism: np.ndarray, *, level: float = 0.95
) -> tuple[float, float, float]:
    """C_app minus mean optimism, and the percentiles of C_app - optimism_b that the paper calls its interval.

    .. warning::
       This is the spread of the OPTIMISM over replicates, not of C: no theorem makes it a confidence
       interval. At a nominal 95 % it covered 89, 80 and 1 % for ridge Cox models with 10, 40 and 120 covariates
       (benchmarks/validation_coverage.py). Use :func:`cardiolib.validation.validate`.

    Returns
    -------
    corrected, low, high : float
    """
    if not 0 <= c_apparent <= 1 or not 0 < level < 1:
        raise ValueError(
            f"c_apparent must be a concordance and level between 0 and 1, got {c_apparent!r} and {level!r}"
        )
    corrected = c_apparent - _numbers(optimism, "optimism")
    tail = 50 * (1 - level)
    low, high = np.percentile(corrected, [tail, 100 - tail])
    return float(corrected.mean()), float(low), float(high)


def paper_wilcoxon(corrected_a: np.ndarray, corrected_b: np.ndarray) -> PaperWilcoxon:
    """Wilcoxon signed-rank test on two lists of B values of C_app - optimism_b.

    .. warning::
       INVALID as a test of two models: the p value shrinks with the number of bootstrap replicates B, which
       the analyst chooses, while the number of patients stays the same. On the released files p is .06, .002,
       2e-6, 2e-15 and 4e-18 for B = 5, 10, 20, 50 and 100; for equally good models it rejected 82 to 91 % of
       true nulls (benchmarks/validation_coverage.py). Use :func:`cardiolib.validation.compare_models`.

    Raises
    ------
    ValueError
        If the lists differ in length or hold values that are not finite.
    """
    a, b = _numbers(corrected_a, "corrected_a"), _numbers(corrected_b, "corrected_b")
    if a.size != b.size:
        raise ValueError(f"the two lists must have one length, got {a.size} and {b.size}")
    result = wilcoxon(a, b)
    return PaperWilcoxon(float(result.statistic), float(result.pvalue), a.size)


def paper_out_of_bag_risk(store: BootstrapStore) -> np.ndarray:
    """Mean over the models that did not see the patient, WITHOUT centring each model first.

    .. warning::
       A Cox score has no origin, so the average depends on which models a patient happened to be left out of.
       On the released files centring moves 8 of 302 patients across the median and changes the log-rank chi2
       from 72.3 to 64.1. Use :func:`cardiolib.validation.out_of_bag_risk`.
    """
    return out_of_bag_risk(store, combine="raw")


def paper_median_split(log_risk: ArrayLike, event: ArrayLike, time: ArrayLike) -> GroupedSurvival:
    """Kaplan-Meier of the halves below and above the median risk, with a log-rank test as evidence.

    .. warning::
       A picture, not evidence: the cut throws power away. In simulations (hazard ratio 1.28 per SD, 302 patients) the
       log-rank test of the halves found the effect in 39 % of data sets, Cox regression on the risk itself in 61 %.
       Use :func:`cardiolib.validation.hazard_ratio_per_sd`.
    """
    return kaplan_meier_groups(log_risk, event, time, n_groups=2)


def paper_folds(n_rows: int, *, n_folds: int = 6, rng: np.random.Generator) -> np.ndarray:
    """(N,) fold of each row, rows shuffled without regard to which patient they copy or who died.

    .. warning::
       In a bootstrap bag, copies of one patient fall into training and test. Tuning on such folds rewards memorising:
       in simulations it chose a ridge penalty eight times too weak. Use
       :func:`cardiolib.survival.folds.patient_folds`.
    """
    return rng.permutation(np.arange(n_rows) % n_folds)


def share_with_twin(bag: ArrayLike, fold: ArrayLike) -> float:
    """Share of the rows of a bag that have a copy in another fold, so that a model is tested on who it was trained on.

    Parameters
    ----------
    bag : (N,) array
        Original patient of each row.
    fold : (N,) array
    """
    bag, fold = np.asarray(bag), np.asarray(fold)
    if bag.shape != fold.shape or bag.ndim != 1:
        raise ValueError(f"bag and fold must be vectors of one length, got {bag.shape} and {fold.shape}")
    pairs = np.unique(np.stack([bag, fold]), axis=1)
    patients, n_folds_of_patient = np.unique(pairs[0], return_counts=True)
    return float(np.mean(np.isin(bag, patients[n_folds_of_patient > 1])))


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be a list of finite numbers, got shape {values.shape}; leave failed replicates out"
        )
    return values
