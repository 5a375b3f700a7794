"""Harrell's concordance: how often the patient who died first had the higher predicted risk."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cardiolib.survival.outcomes import check_outcomes

_CELLS_PER_BLOCK = 4_000_000  # comparisons held in memory at a time: 4 MB per boolean array


class ConcordanceCounts(NamedTuple):
    """Numbers of ordered pairs of patients; `concordant + discordant + tied_risk == comparable`."""

    concordant: int
    discordant: int
    tied_risk: int
    comparable: int


def concordance_index(log_risk, event, time) -> float:
    """Harrell's C: the fraction of comparable pairs in which the higher risk died first.

    Parameters
    ----------
    log_risk : (N,) array
        Predicted log risk; higher is worse.
    event : (N,) array of bool or 0/1
        True where death was observed.
    time : (N,) array
        Time to death or to the end of observation, in any one unit.

    Returns
    -------
    float
        0.5 for a useless ranking, 1 for a perfect one. Pairs with equal risk count one half.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, or no pair is comparable.

    Notes
    -----
    Patient i and patient j are comparable if i died and j was known to be alive then: `time[j] > time[i]`,
    or `time[j] == time[i]` and j was censored. Two deaths at one time are not comparable [1]_.
    The higher log risk is the worse one; `lifelines.utils.concordance_index` wants the opposite sign.

    References
    ----------
    .. [1] Therneau and Watson, The concordance statistic and the Cox model, Mayo Clinic Technical
       Report 85 (2015).
    """
    counts = concordance_counts(log_risk, event, time)
    if counts.comparable == 0:
        raise ValueError(
            f"concordance needs at least one comparable pair; none exists among {np.size(time)} patients "
            f"with {int(np.sum(event))} deaths: no patient was observed beyond a death"
        )
    return (counts.concordant + 0.5 * counts.tied_risk) / counts.comparable


def has_comparable_pair(event, time) -> bool:
    """Whether anybody was observed beyond a death, so that a ranking of these patients can be judged.

    Examples
    --------
    >>> has_comparable_pair([True, False], [1.0, 2.0]), has_comparable_pair([False, True], [1.0, 2.0])
    (True, False)
    """
    return concordance_counts(np.zeros(np.size(time)), event, time).comparable > 0


def mean_over_folds(scores: np.ndarray) -> np.ndarray:
    """Mean over the first axis of the folds that have a score; NaN marks a fold without a comparable pair.

    Raises
    ------
    ValueError
        If no fold has a score.
    """
    judged = ~np.isnan(scores).all(axis=tuple(range(1, scores.ndim)))
    if not judged.any():
        raise ValueError(
            f"in none of the {len(scores)} folds was a patient observed beyond a death, so that nothing "
            "can be tuned on them; take fewer folds or more patients"
        )
    return scores[judged].mean(axis=0)


def concordance_counts(log_risk, event, time) -> ConcordanceCounts:
    """Count the pairs behind :func:`concordance_index` (same arguments, same rule of comparability).

    Returns
    -------
    ConcordanceCounts
        `(concordant, discordant, tied_risk, comparable)`, exact integers. All zero without a comparable pair.
    """
    event, time = check_outcomes(event, time)
    log_risk = np.asarray(log_risk, dtype=float)
    if log_risk.shape != time.shape:
        raise ValueError(f"log_risk has shape {log_risk.shape}, event and time have shape {time.shape}")
    if not np.isfinite(log_risk).all():
        raise ValueError(f"log_risk is not finite in rows {np.flatnonzero(~np.isfinite(log_risk))[:10].tolist()}")
    died = np.flatnonzero(event)
    concordant = discordant = comparable = 0
    rows = max(1, _CELLS_PER_BLOCK // max(1, time.size))
    for start in range(0, died.size, rows):
        i = died[start : start + rows, None]
        alive = (time[None, :] > time[i]) | ((time[None, :] == time[i]) & ~event[None, :])
        concordant += int(np.count_nonzero(alive & (log_risk[i] > log_risk[None, :])))
        discordant += int(np.count_nonzero(alive & (log_risk[i] < log_risk[None, :])))
        comparable += int(np.count_nonzero(alive))
    return ConcordanceCounts(concordant, discordant, comparable - concordant - discordant, comparable)
