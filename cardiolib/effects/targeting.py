"""The targeting curve: what those with the largest estimated gains would gain more than all, without the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.printed import as_html
from cardiolib.survival.alignment import plain_rows

SHARES = np.linspace(0.05, 1.0, 20)


@dataclass(frozen=True, eq=False)
class TargetingCurve:
    """Mean score of the patients with the largest estimated gains, minus the mean of all.

    Attributes
    ----------
    curve : DataFrame
        Index: share of patients, ``advantage``, ``low``, ``high`` (95 %, each point by itself).
    area : float
        Mean of the curve over the shares (AUTOC): 0 where the order of the estimates means nothing.
    area_error : float
    """

    curve: pd.DataFrame
    area: float
    area_error: float

    def __repr__(self) -> str:
        reach = 1.96 * self.area_error
        return f"TargetingCurve: area {self.area:+.3f} (95 % {self.area - reach:+.3f} to {self.area + reach:+.3f})"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.curve)


def targeting_curve(
    estimated: ArrayLike, scores: ArrayLike, *, n_bootstrap: int = 200, seed: int = 0
) -> TargetingCurve:
    """Targeting operator characteristic of an order of patients, with an interval.

    Parameters
    ----------
    estimated : (N,) array
        Estimated gains by which patients are ordered; of a fit that has not seen the patients.
    scores : (N,) array
        `orthogonal_scores` of the same habit.
    n_bootstrap : int
        Half samples for the error, as in R grf.
    seed : int

    Notes
    -----
    TOC(q) = mean score of the share q with the largest estimates, minus the mean score of all; equal estimates share
    the mean of their scores. The error is the SD over half samples without replacement.

    References
    ----------
    Yadlowsky, Fleming, Shah, Brunskill & Wager, J Am Stat Assoc 120:38 (2025), arXiv 2111.07966.

    Examples
    --------
    >>> targeting_curve([3.0, 2.0, 1.0, 0.0] * 25, [1.0, 1.0, 0.0, 0.0] * 25).curve.loc[0.5, "advantage"]
    np.float64(0.5)
    """
    estimated, scores = (np.asarray(v, dtype=float) for v in plain_rows(estimated=estimated, scores=scores))
    if estimated.ndim != 1 or estimated.shape != scores.shape or estimated.size < 20:
        raise ValueError(
            f"estimated and scores must be vectors of one length, 20 at least; got {estimated.shape} and {scores.shape}"
        )
    found, rng = _advantage(estimated, scores), np.random.default_rng(seed)
    halves = []
    for _ in range(n_bootstrap):
        rows = rng.permutation(scores.size)[: scores.size // 2]
        halves.append(_advantage(estimated[rows], scores[rows]))
    spread = np.std(halves, axis=0, ddof=1)
    curve = pd.DataFrame(
        {"advantage": found, "low": found - 1.96 * spread, "high": found + 1.96 * spread},
        index=pd.Index(np.round(SHARES, 2), name="share"),
    )
    return TargetingCurve(curve, float(found.mean()), float(np.mean(halves, axis=1).std(ddof=1)))


def _advantage(estimated: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """TOC at `SHARES`."""
    _, tied = np.unique(-estimated, return_inverse=True)
    mean = np.bincount(tied, weights=scores) / np.bincount(tied)
    ordered = mean[tied][np.argsort(tied, kind="stable")]
    top = np.maximum(np.round(SHARES * scores.size).astype(int), 1)
    return np.cumsum(ordered)[top - 1] / top - scores.mean()
