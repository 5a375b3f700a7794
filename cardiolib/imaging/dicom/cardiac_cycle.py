"""Frames of slices that were taken in different breath-holds, brought to the phases of one cardiac cycle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from cardiolib.imaging.dicom.slice_cines import SliceCine
from cardiolib.imaging.dicom.tags import DicomError

AS_THEY_ARE = 0.1
"""Frames nearer to their phase than this share of a frame are taken as they are."""

MISSING_SHARE = 0.1
"""A slice may lack this share of its frames (rounded up); they are interpolated in time."""

_WITHIN = 0.75
_WHOLE = 0.97
_SHOWN_MS = 1.0


@dataclass(frozen=True, eq=False)
class CommonCycle:
    """How the frames of every slice become the frames of one cine.

    Parameters
    ----------
    n_frames : int
    frame_time_ms : float or None
    cycle_ms : float or None
        From one heartbeat to the next, mean over the slices: what the frames cover, or what the files state where the
        frames cover less.
    weights : tuple of (T, n_k) array
        For each slice: frame t of the cine is ``weights[t] @ frames``. The identity where nothing is interpolated.
    notes : tuple of str
    """

    n_frames: int
    frame_time_ms: float | None
    cycle_ms: float | None
    weights: tuple[NDArray[np.float64], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Timed:
    """One slice's frames as shares of its cycle."""

    number: int
    shares: NDArray[np.float64]
    cycle_ms: float
    times_ms: NDArray[np.float64]
    missing: tuple[int, ...]


def common_cycle(slices: Sequence[SliceCine]) -> CommonCycle:
    """Bring slices to one cycle, periodically.

    Parameters
    ----------
    slices : sequence of SliceCine
        From one end of the stack to the other.

    Returns
    -------
    CommonCycle
        With as many frames as most slices have. A frame's phase is its trigger time as a share of the slice's own
        cycle; where every slice has its frames at the same shares (within `AS_THEY_ARE` of a frame) nothing is
        interpolated.

    Raises
    ------
    DicomError
        A slice lacks more frames than `MISSING_SHARE`, or lacks any where there are no times to interpolate by. The
        slice and its frames are named.
    """
    usual = Counter(len(one.frames) for one in slices).most_common()
    n = max(count for count, times in usual if times == usual[0][1])
    if any(one.times_ms is None for one in slices):
        return _by_order(slices, n)
    full = [_timed(k, one) for k, one in enumerate(slices, 1) if len(one.frames) == n]
    covered = float(np.median([timed.cycle_ms for timed in full]))
    stated = [(timed.cycle_ms, cycle) for timed in full if (cycle := slices[timed.number - 1].cycle_ms) is not None]
    coverage = float(np.median([frames / whole for frames, whole in stated])) if stated else 1.0
    lead = float(np.median([timed.shares[0] for timed in full]))
    timed = [
        _timed(k, one) if len(one.frames) == n else _with_gaps(k, one, n, _expected_ms(one, covered, coverage), lead)
        for k, one in enumerate(slices, 1)
    ]
    targets = lead + np.arange(n) / n
    weights = tuple(_weights(one, targets) for one in timed)
    cycle = float(np.mean([one.cycle_ms for one in timed]))
    beat = cycle if coverage >= _WHOLE else float(np.mean([whole for _, whole in stated]))
    return CommonCycle(n, cycle / n, beat, weights, tuple(_notes(timed, weights, slices)))


def _expected_ms(one: SliceCine, usual_ms: float, coverage: float) -> float:
    """How much time a slice's frames should cover: the share of its stated cycle that those of whole slices cover."""
    return usual_ms if one.cycle_ms is None else coverage * one.cycle_ms


def _by_order(slices: Sequence[SliceCine], n: int) -> CommonCycle:
    for k, one in enumerate(slices, 1):
        if len(one.frames) != n:
            phases = {frame.phase for frame in one.frames}
            others = {frame.phase for other in slices for frame in other.frames}
            lacking = sorted(phase for phase in others - phases if phase is not None)
            named = f" (phase {', '.join(map(str, lacking))})" if lacking else ""
            raise DicomError(
                f"slice {k} has {len(one.frames)} frames and most slices have {n}{named}, and the files hold no "
                "trigger times by which frames could be interpolated. Add the missing files"
            )
    cycles = [one.cycle_ms for one in slices if one.cycle_ms is not None]
    cycle = float(np.mean(cycles)) if cycles else None
    if cycle is None:
        note = "no trigger times and no heart rate in the files: frames in their stated order, frame time unknown"
    else:
        note = "no trigger times in the files: frames in their stated order, frame time from the stated heart rate"
    identity = tuple(np.eye(n) for _ in slices)
    return CommonCycle(n, None if cycle is None else cycle / n, cycle, identity, (note,))


def _timed(number: int, one: SliceCine) -> _Timed:
    """A slice with all of its frames: its cycle is what they cover, more exact than a rounded heart rate."""
    assert one.times_ms is not None
    covered = float(one.times_ms[-1] - one.times_ms[0]) * len(one.times_ms) / (len(one.times_ms) - 1)
    return _Timed(number, one.times_ms / covered, covered, one.times_ms, ())


def _with_gaps(number: int, one: SliceCine, n: int, cycle: float, lead: float) -> _Timed:
    """A slice with another number of frames: another frame rate, or frames that are missing."""
    assert one.times_ms is not None
    own = _timed(number, one)
    steps = np.diff(one.times_ms)
    step = float(np.median(steps))
    even = float(steps.max()) <= 1.5 * step
    if even and abs(cycle - own.cycle_ms) <= _WITHIN * step:
        return own
    count = max(n, round(cycle / step)) if abs(cycle - n * step) > _WITHIN * step else n
    cycle = count * step
    slots = np.rint((one.times_ms / cycle - lead) * count).astype(int) % count
    missing = tuple(sorted(set(range(count)) - set(slots.tolist())))
    if len(missing) > int(np.ceil(MISSING_SHARE * count)):
        listed = ", ".join(str(slot + 1) for slot in missing)
        raise DicomError(
            f"slice {number} lacks {len(missing)} of {count} frames ({listed}): too many to interpolate in time. Add "
            "the missing files"
        )
    return _Timed(number, one.times_ms / cycle, cycle, one.times_ms, missing)


def _weights(one: _Timed, targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, n) weights of a periodic cubic spline; the identity where the frames are at their phases already."""
    n = len(one.shares)
    if n == len(targets) and np.abs(one.shares - targets).max() * n <= AS_THEY_ARE:
        return np.eye(n)
    knots = np.append(one.shares, one.shares[0] + 1.0)
    values = np.eye(n)[np.append(np.arange(n), 0)]
    at = one.shares[0] + (targets - one.shares[0]) % 1.0
    weights = CubicSpline(knots, values, bc_type="periodic")(at)
    close = np.abs(at[:, None] - one.shares) * len(targets) <= AS_THEY_ARE
    rows = close.any(axis=1)
    weights[rows] = np.eye(n)[close[rows].argmax(axis=1)]  # a frame that is there stays as it is
    return weights


def _notes(timed: Sequence[_Timed], weights: Sequence[NDArray[np.float64]], slices: Sequence[SliceCine]) -> list[str]:
    notes = []
    cycles = np.array([one.cycle_ms for one in timed])
    alike = [one.times_ms for one in timed if not one.missing and len(one.times_ms) == len(weights[0])]
    spread = float(np.ptp(np.stack(alike), axis=0).max()) if alike else 0.0
    if spread > _SHOWN_MS:
        notes.append(
            f"trigger times of one frame differ by up to {spread:.0f} ms from slice to slice (cycles of "
            f"{cycles.min():.0f} to {cycles.max():.0f} ms): frames are matched by their share of the cycle"
        )
    moved = [one.number for one, w in zip(timed, weights, strict=True) if not one.missing and not _is_identity(w)]
    if moved:
        notes.append(f"frames of slice(s) {_listed(moved)} interpolated in time (periodic) to the phases of the others")
    for one in timed:
        if one.missing:
            listed = _listed([slot + 1 for slot in one.missing])
            notes.append(f"slice {one.number} lacks frame(s) {listed}: interpolated in time from its other frames")
    stated = [one.cycle_ms for one in slices if one.cycle_ms is not None]
    short = [c / s for c, s in zip(cycles, stated, strict=False) if len(stated) == len(cycles)]
    if short and min(short) < _WHOLE:
        notes.append(
            f"the frames cover {100 * min(short):.0f} to {100 * max(short):.0f} % of the stated cycle (prospective "
            "triggering?): the end of diastole was not imaged"
        )
    return notes


def _is_identity(weights: NDArray[np.float64]) -> bool:
    return weights.shape[0] == weights.shape[1] and np.array_equal(weights, np.eye(len(weights)))


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
