"""Counting comparable pairs in O(n log n), with each patient's share of them.

The clever part, in words. To know how many of the patients who outlived patient i had a lower risk, walk
through the patients from the longest time to the shortest and keep the risks met so far in a Fenwick tree: an
array in which both "add a patient at rank r" and "how many have a rank below r" touch only log2(n) cells.
That gives every pair once, from the side of the patient who died. A second walk from the shortest time to the
longest gives the same pairs from the side of the patient who survived, which the standard error needs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np


class PairCounts(NamedTuple):
    """Weighted pairs per patient and in total; every pair (i, j) carries the weight of the death i."""

    right: np.ndarray  # (N,) pairs of the patient, in either role, that are ordered rightly (ties count 1/2)
    comparable: np.ndarray  # (N,) pairs of the patient, in either role
    concordant: float
    tied_risk: float
    total: float


def count_pairs(rank: np.ndarray, event: np.ndarray, time: np.ndarray, weight: np.ndarray) -> PairCounts:
    """Count the comparable pairs of one stratum.

    Parameters
    ----------
    rank : (N,) array of int
        Dense ranks of the log risk, 0 the lowest; equal risks share a rank.
    event : (N,) array of bool
    time : (N,) array of float
    weight : (N,) array of float
        Weight of a pair in which the row is the death; ignored for censored rows.

    Notes
    -----
    Row i dead and row j form a pair if `time[j] > time[i]`, or the times are equal and j is censored. Sums of
    ones and halves are not rounded in float64 up to 2^53, so counts are whole numbers for unit weights.
    """
    order = np.argsort(time, kind="stable")
    n_ranks = int(rank.max()) + 1 if rank.size else 1
    # sorted once, so that the walks read memory in one direction; that halves their time for a million rows
    right, comparable, *sums = _walk(
        rank[order].astype(np.int64),
        event[order].astype(np.bool_),
        time[order].astype(np.float64),
        weight[order].astype(np.float64),
        n_ranks,
    )
    unsorted = [np.empty_like(right), np.empty_like(comparable)]
    for target, values in zip(unsorted, (right, comparable), strict=True):
        target[order] = values
    return PairCounts(*unsorted, *sums)


def compiled(function: Any) -> Any:
    """Compile, keeping the machine code on disk where that is possible."""
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:  # numba finds no folder that it may write to: compile once a process instead
        return numba.njit(function)


@compiled
def _add(tree: np.ndarray, rank: int, amount: float) -> None:
    i = rank + 1
    while i < tree.size:
        tree[i] += amount
        i += i & -i


@compiled
def _sum_below(tree: np.ndarray, rank: int) -> float:
    total = 0.0
    i = rank
    while i > 0:
        total += tree[i]
        i -= i & -i
    return total


@compiled
def _walk(rank: np.ndarray, event: np.ndarray, time: np.ndarray, weight: np.ndarray, n_ranks: int) -> Any:
    """Both walks over rows sorted by time."""
    n = rank.size
    right, comparable = np.zeros(n), np.zeros(n)
    concordant = tied = total = 0.0

    tree = np.zeros(n_ranks + 1)  # numbers of patients known to be alive
    alive, stop = 0.0, n
    while stop > 0:  # blocks of equal time, longest first
        start = stop - 1
        while start > 0 and time[start - 1] == time[stop - 1]:
            start -= 1
        for i in range(start, stop):
            if not event[i]:
                _add(tree, rank[i], 1.0)
                alive += 1.0
        for i in range(start, stop):
            if event[i]:
                lower = _sum_below(tree, rank[i])
                equal = _sum_below(tree, rank[i] + 1) - lower
                right[i] += weight[i] * (lower + 0.5 * equal)
                comparable[i] += weight[i] * alive
                concordant += weight[i] * lower
                tied += weight[i] * equal
                total += weight[i] * alive
        for i in range(start, stop):
            if event[i]:
                _add(tree, rank[i], 1.0)
                alive += 1.0
        stop = start

    tree[:] = 0.0  # weights of the deaths so far
    dead, start = 0.0, 0
    while start < n:  # blocks of equal time, shortest first
        stop = start + 1
        while stop < n and time[stop] == time[start]:
            stop += 1
        for censored in (False, True):  # the deaths look before they are entered, the censored rows after
            for j in range(start, stop):
                if event[j] == censored:
                    continue
                below = _sum_below(tree, rank[j])
                upto = _sum_below(tree, rank[j] + 1)
                right[j] += (dead - upto) + 0.5 * (upto - below)
                comparable[j] += dead
            if not censored:
                for j in range(start, stop):
                    if event[j]:
                        _add(tree, rank[j], weight[j])
                        dead += weight[j]
        start = stop
    return right, comparable, concordant, tied, total
