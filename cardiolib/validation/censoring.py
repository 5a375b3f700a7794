"""The chance of still being under observation, for inverse-probability weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival.outcomes import check_outcomes


def uncensored_probability(event: ArrayLike, time: ArrayLike) -> np.ndarray:
    """G(t-): Kaplan-Meier probability, just before each patient's own time, of not being censored yet.

    Parameters
    ----------
    event, time : (N,) arrays
        True where death was observed; any one time unit.

    Returns
    -------
    (N,) array
        In (0, 1]. Left-continuous: a censoring at the patient's own time does not count. At a tie deaths
        leave before censorings, as in R `survival::concordance(timewt = "n/G2")` and in SurvivalEVAL;
        scikit-survival uses G(t) instead, so its inverse-probability statistics differ in the third or fourth
        digit.

    Raises
    ------
    ValueError
        If event and time are not valid outcomes.
    """
    event, time = check_outcomes(event, time)
    times, row = np.unique(time, return_inverse=True)
    n_events = np.bincount(row, weights=event, minlength=times.size)
    n_censored = np.bincount(row, weights=~event, minlength=times.size)
    at_risk = time.size - np.concatenate([[0.0], np.cumsum(n_events + n_censored)[:-1]])
    exposed = at_risk - n_events
    factor = 1.0 - np.divide(n_censored, exposed, out=np.zeros_like(exposed), where=exposed > 0)
    before = np.concatenate([[1.0], np.cumprod(factor)[:-1]])
    return before[row]
