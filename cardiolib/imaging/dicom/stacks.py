"""Slices of one plane put together as a stack on a regular grid: newest breath-holds, gaps, what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cardiolib.imaging.dicom.slice_cines import SAME_SLICE_MM, SliceCine
from cardiolib.imaging.dicom.tags import DicomError

GRID_SHARE, GRID_MM = 0.1, 1.0
"""How far a slice may lie from the regular grid: a share of the distance between slices, at most so many mm."""

_OVERLAP = 0.75
_SAME_SLICE_SHARE = 0.3


@dataclass(frozen=True, eq=False)
class SliceStack:
    """Slices of a stack, one breath-hold each, from one end to the other.

    Parameters
    ----------
    slices : tuple of SliceCine
        In the direction of the normal.
    older : tuple of SliceCine
        Earlier breath-holds of the same slices, left out.
    others : tuple of SliceCine
        Slices of the same plane that belong to another stack, or lie beyond a gap, left out.
    """

    slices: tuple[SliceCine, ...]
    older: tuple[SliceCine, ...] = ()
    others: tuple[SliceCine, ...] = ()

    def __repr__(self) -> str:
        return f"SliceStack({len(self.slices)} slices)"

    @property
    def offsets_mm(self) -> NDArray[np.float64]:
        """(K,) positions along the normal."""
        normal = self.slices[0].first.normal
        return np.array([float(one.position @ normal) for one in self.slices])

    @property
    def gap_mm(self) -> float:
        """Distance from slice to slice on the regular grid that fits best."""
        return _fitted_gap(self.offsets_mm)

    @property
    def off_grid_mm(self) -> float:
        """Largest distance of a slice from that grid."""
        return float(_off_grid(self.offsets_mm).max())


def stack_slices(cines: Sequence[SliceCine], *, largest_part: bool = False) -> SliceStack:
    """The stack that slices of one plane make.

    Parameters
    ----------
    cines : sequence of SliceCine
        Of one plane; a slice may be there several times.
    largest_part : bool
        Where the gaps differ, take the longest run of slices that are equally far apart instead of refusing.

    Returns
    -------
    SliceStack
        Of all slices where they lie on one grid. Otherwise of the series (or of the acquisition, or of the stack that
        an enhanced file names) that makes the longest regular stack of three slices or more.

    Raises
    ------
    DicomError
        The distances from slice to slice differ by more than the tolerance; each is named, and what is missing.
    """
    whole = _newest(cines)
    if is_regular(whole.offsets_mm) and not _overlaps(whole):
        return whole
    parts = [part for part in _parts(cines) if len(part.slices) >= 3 and is_regular(part.offsets_mm)]
    if parts:
        best = max(parts, key=lambda part: (len(part.slices), max(one.newest for one in part.slices)))
        kept = {id(one) for one in (*best.slices, *best.older)}
        return SliceStack(best.slices, best.older, tuple(one for one in cines if id(one) not in kept))
    if is_regular(whole.offsets_mm):
        return whole
    moved = _newest(cines, within_mm=_SAME_SLICE_SHARE * float(np.median(np.diff(whole.offsets_mm))))
    if is_regular(moved.offsets_mm):  # a breath-hold was repeated, its slice a little moved
        return moved
    if largest_part:
        return _longest_run(whole)
    raise DicomError(_gaps_in_words(whole.offsets_mm))


def is_regular(offsets_mm: NDArray[np.float64]) -> bool:
    """Whether positions lie on a regular grid, within `GRID_SHARE` and `GRID_MM`.

    >>> is_regular(np.array([0.0, 10.1, 20.0])), is_regular(np.array([0.0, 10.0, 30.0]))
    (True, False)
    """
    if len(offsets_mm) < 3:
        return True
    return bool(_off_grid(offsets_mm).max() <= min(GRID_MM, GRID_SHARE * _fitted_gap(offsets_mm)))


def _newest(cines: Sequence[SliceCine], *, within_mm: float = SAME_SLICE_MM) -> SliceStack:
    """One breath-hold for each position, the newest."""
    normal = cines[0].first.normal
    ordered = sorted(cines, key=lambda one: float(one.position @ normal))
    places: list[list[SliceCine]] = [[ordered[0]]]
    for before, one in pairwise(ordered):
        if float((one.position - before.position) @ normal) > within_mm:
            places.append([])
        places[-1].append(one)
    by_age = [sorted(place, key=lambda one: one.newest) for place in places]
    return SliceStack(tuple(place[-1] for place in by_age), tuple(one for place in by_age for one in place[:-1]))


def _parts(cines: Sequence[SliceCine]) -> list[SliceStack]:
    """Stacks of the slices of one series, of one acquisition in it, of one named stack in it."""
    keys: tuple[Callable[[SliceCine], object], ...] = (
        lambda one: one.first.series,
        lambda one: (one.first.series, one.first.stack),
        lambda one: (one.first.series, one.first.acquisition),
    )
    found = []
    for key in keys:
        groups: dict[object, list[SliceCine]] = {}
        for one in cines:
            groups.setdefault(key(one), []).append(one)
        found += [_newest(group) for group in groups.values()]
    return found


def _overlaps(stack: SliceStack) -> bool:
    """Slices much nearer than they are thick: two stacks that were laid into each other."""
    thickness = stack.slices[0].first.thickness_mm
    series = {one.first.series for one in stack.slices}
    if thickness is None or len(stack.slices) < 2 or len(series) == len(stack.slices) == 1:
        return False
    return stack.gap_mm < _OVERLAP * thickness


def _fitted_gap(offsets_mm: NDArray[np.float64]) -> float:
    if len(offsets_mm) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(offsets_mm)), offsets_mm, 1)[0])


def _off_grid(offsets_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    if len(offsets_mm) < 3:
        return np.zeros(len(offsets_mm))
    k = np.arange(len(offsets_mm))
    return np.abs(offsets_mm - np.polyval(np.polyfit(k, offsets_mm, 1), k))


def _longest_run(stack: SliceStack) -> SliceStack:
    """The longest run of neighbouring slices on a regular grid; of equally long ones that nearest the middle."""
    n, offsets = len(stack.slices), stack.offsets_mm
    runs = [(i, j) for i in range(n) for j in range(i + 2, n + 1) if is_regular(offsets[i:j])]
    # a run of two is always regular, whatever the gap between them
    start, stop = max(runs, key=lambda run: (run[1] - run[0], -abs(run[0] + run[1] - n)))
    rest = (*stack.slices[:start], *stack.slices[stop:])
    return SliceStack(stack.slices[start:stop], stack.older, (*stack.others, *rest))


def _gaps_in_words(offsets_mm: NDArray[np.float64]) -> str:
    gaps = np.diff(offsets_mm)
    usual = float(np.median(gaps))
    missing = []
    for k, gap in enumerate(gaps, 1):
        steps = round(gap / usual)
        if steps >= 2 and abs(gap - steps * usual) <= GRID_SHARE * usual * steps:
            count = "1 slice is" if steps == 2 else f"{steps - 1} slices are"
            missing.append(f"{count} missing between slices {k} and {k + 1}")
    listed = ", ".join(f"{gap:.1f}" for gap in gaps)
    said = f"; {'; '.join(missing)}" if missing else ""
    return (
        f"the {len(offsets_mm)} short-axis slices are not equally far apart: {listed} mm from slice to slice{said}. "
        "Add the missing series, or read the longest regular part with largest_part=True"
    )
