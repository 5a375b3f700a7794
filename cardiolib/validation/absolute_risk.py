"""Probability of death by a given time, for patients a model has not seen, from the stored log risks alone.

A Cox score has no scale of its own: the chance of dying by t is 1 - exp(-H0(t) exp(log risk)), with the baseline hazard
H0 of the model's own training patients. Those are the bag, which the store knows, so nothing is fitted again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.survival.cox import BaselineHazard, breslow_baseline
from cardiolib.survival.cox_regression import constant_columns
from cardiolib.survival.outcomes import check_log_risk, check_outcomes, check_time
from cardiolib.survival.ridge import fit_ridge_cox
from cardiolib.validation.store import BootstrapStore


def replicate_baseline(store: BootstrapStore, replicate: int) -> BaselineHazard:
    """Breslow's baseline hazard of one replicate, of the patients in its bag (repeats counted).

    Raises
    ------
    ValueError
        If the replicate failed, or nobody in its bag died.
    """
    if not store.succeeded[replicate]:
        raise ValueError(f"replicate {replicate} failed ({store.message[replicate]}): it has no baseline hazard")
    bag = store.in_bag[replicate]
    return breslow_baseline(store.log_risk[replicate, bag], store.event[bag], store.time[bag])


def out_of_bag_absolute_risk(store: BootstrapStore, times: ArrayLike) -> np.ndarray:
    """Each patient's probability of death by each time, averaged over the models that never saw the patient.

    Parameters
    ----------
    store : BootstrapStore
    times : (T,) sequence of float
        In the unit of `store.time`.

    Returns
    -------
    (N, T) array
        In [0, 1]; NaN for a patient who was in every bag. The average of many models is better calibrated than the one
        model trained on all patients: see :func:`replicate_slopes` for that one.
    """
    times = check_time(np.atleast_1d(times), name="times")
    total, outside = np.zeros((store.n_patients, times.size)), store.out_of_bag & store.succeeded[:, None]
    for b in np.flatnonzero(store.succeeded):
        rows = outside[b]
        total[rows] += 1 - replicate_baseline(store, int(b)).survival(store.log_risk[b, rows], times)
    count = outside.sum(axis=0)[:, None]
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def replicate_slopes(store: BootstrapStore) -> pd.Series:
    """Calibration slope of each replicate's model on the patients outside its bag.

    The slope is the coefficient of the model's log risk in a Cox regression on patients it has not seen: 1 if its log
    hazard ratios are right, below 1 if they are too far apart (over-fitting). NaN where it cannot be estimated.
    """
    slopes = []
    for b, rows in enumerate(store.out_of_bag):
        usable = store.succeeded[b] and store.event[rows].any()
        slopes.append(
            calibration_slope(store.log_risk[b, rows], store.event[rows], store.time[rows]) if usable else np.nan
        )
    return pd.Series(slopes, index=pd.RangeIndex(store.n_replicates, name="replicate"), name="slope")


def calibration_slope(log_risk: ArrayLike, event: ArrayLike, time: ArrayLike) -> float:
    """Coefficient of the log risk in a Cox regression (Efron).

    NaN where there is none: nobody died, all risks are equal, or the risks separate the deaths from those who lived
    longer, so that the likelihood rises for ever with the slope.

    Examples
    --------
    >>> round(calibration_slope([2.0, 1.0, 0.0, 1.5], [1, 1, 1, 0], [2.0, 1.0, 3.0, 4.0]), 4)
    -0.0227
    >>> calibration_slope([3.0, 2.0, 1.0, 0.0], [1, 1, 1, 0], [1.0, 2.0, 3.0, 4.0])
    nan
    """
    event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
    log_risk = check_log_risk(log_risk, time.size)
    if not event.any() or constant_columns(log_risk[:, None])[0]:
        return np.nan
    spread = log_risk.std()
    z = (log_risk - log_risk.mean()) / spread
    try:
        return float(fit_ridge_cox(z[:, None], event, time, penalty=0.0)[0] / spread)
    except ArithmeticError:  # a score that separates the deaths has no finite slope
        return np.nan
