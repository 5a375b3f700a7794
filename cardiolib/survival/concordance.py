"""Harrell's concordance: how often the patient who died first had the higher predicted risk."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cardiolib.survival.outcomes import check_log_risk, check_outcomes
from cardiolib.survival.pair_counting import count_pairs


class ConcordanceCounts(NamedTuple):
    """Numbers of ordered pairs of patients; `concordant + discordant + tied_risk == comparable`."""

    concordant: int
    discordant: int
    tied_risk: int
    comparable: int


def concordance_index(log_risk: npt.ArrayLike, event: npt.ArrayLike, time: npt.ArrayLike) -> float:
    """Harrell's C: the fraction of comparable pairs in which the higher risk died first.

    Parameters
    ----------
    log_risk : (N,) array
        Predicted log risk; higher is worse. Finite; a strictly increasing function of it has the same C.
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
            f"with {int(np.sum(np.asarray(event, bool)))} deaths: no patient was observed beyond a death"
        )
    return (counts.concordant + 0.5 * counts.tied_risk) / counts.comparable


def has_comparable_pair(event: npt.ArrayLike, time: npt.ArrayLike) -> bool:
    """Whether anybody was observed beyond a death, so that a ranking of these patients can be judged.

    Examples
    --------
    >>> has_comparable_pair([True, False], [1.0, 2.0]), has_comparable_pair([False, True], [1.0, 2.0])
    (True, False)
    """
    return concordance_counts(np.zeros(np.size(time)), event, time).comparable > 0


def mean_over_folds(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
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


def concordance_counts(log_risk: npt.ArrayLike, event: npt.ArrayLike, time: npt.ArrayLike) -> ConcordanceCounts:
    """Count the pairs behind :func:`concordance_index` (same arguments, same rule of comparability).

    Returns
    -------
    ConcordanceCounts
        `(concordant, discordant, tied_risk, comparable)`, whole numbers. All zero without a comparable pair.

    Examples
    --------
    >>> concordance_counts([2.0, 1.0, 1.0], [True, True, False], [1.0, 2.0, 3.0])
    ConcordanceCounts(concordant=2, discordant=0, tied_risk=1, comparable=3)
    """
    event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
    pairs = count_pairs(risk_ranks(log_risk, time.size), event, time, np.ones(time.size))
    concordant, tied, comparable = int(pairs.concordant), int(pairs.tied_risk), int(pairs.total)
    return ConcordanceCounts(concordant, comparable - concordant - tied, tied, comparable)


def risk_ranks(log_risk: npt.ArrayLike, n: int) -> npt.NDArray[np.intp]:
    """Dense ranks 0..K-1 of `n` log risks; risks share a rank where they are equal as numbers, and only there.

    Ranks do not change under a strictly increasing map of the risks that keeps unequal numbers unequal.

    Raises
    ------
    ValueError
        If there are not `n` risks, or one is NaN or infinite.

    Examples
    --------
    >>> risk_ranks([0.5, -1.0, 0.5, 1e10], 4)
    array([1, 0, 1, 2])
    """
    risks = check_log_risk(log_risk, n)
    given = np.asarray(log_risk)
    # whole numbers beyond 2^53 are equal as floating-point numbers although they are not
    return np.unique(given if given.dtype.kind in "iu" else risks, return_inverse=True)[1]
