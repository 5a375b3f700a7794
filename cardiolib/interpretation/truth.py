"""Scoring a saliency map where the relevant motion is known, as it is in a simulated cohort."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score


@dataclass(frozen=True)
class TruthScore:
    """Agreement of a map with the known relevance of each vertex.

    Attributes
    ----------
    average_precision : float
        1 if the strongest vertices are the relevant ones; `chance` for a random order.
    chance : float
        Share of relevant vertices.
    rank_correlation : float
        Spearman correlation of |saliency| and |relevance|; NaN for a mask without gradation in one of them.
    """

    average_precision: float
    chance: float
    rank_correlation: float


def score_against_truth(saliency: Any, relevance: ArrayLike, *, relevant_above: float = 0.5) -> TruthScore:
    """Average precision of a saliency map over the vertices.

    Parameters
    ----------
    saliency : (V,) array
        Its sign does not count.
    relevance : (V,) array
        A mask of the relevant vertices, or weights (for example the saliency of the TRUE log hazard).
    relevant_above : float
        Weights count as relevant above this share of the largest |weight|.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, or no vertex or every vertex is relevant.
    """
    saliency, given = np.abs(np.asarray(saliency, dtype=float)), np.asarray(relevance)
    weight = np.abs(given.astype(float))
    if saliency.ndim != 1 or saliency.shape != weight.shape:
        raise ValueError(f"saliency and relevance must be vectors of one length, got {saliency.shape}, {weight.shape}")
    if not (np.isfinite(saliency).all() and np.isfinite(weight).all()):
        raise ValueError("saliency and relevance must be finite")
    relevant = given if given.dtype == bool else weight > relevant_above * weight.max()
    if relevant.all() or not relevant.any():
        raise ValueError(f"{int(relevant.sum())} of {relevant.size} vertices are relevant: precision needs both kinds")
    varies = np.ptp(saliency) > 0 and np.ptp(weight) > 0
    correlation = float(spearmanr(saliency, weight).statistic) if varies else np.nan
    return TruthScore(float(average_precision_score(relevant, saliency)), float(relevant.mean()), correlation)
