"""One slice over the cardiac cycle, as one breath-hold gives it: frames in order of time, or why they are no cine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cardiolib.imaging.dicom.headers import FrameHeader
from cardiolib.imaging.dicom.kinds import MAP, PERFUSION
from cardiolib.imaging.headers import FRAME_TIME_MS

PHASES = (10, 50)
"""Frames of a cine's slice, fewest and most."""

SAME_SLICE_MM = 0.5
"""Two positions nearer than this are one slice."""

_ONE_CYCLE_S = 3.0
_BREATH_HOLDS_APART_S = 3.0
_SAME_MS = 1e-3


@dataclass(frozen=True, eq=False)
class SliceCine:
    """The frames of one slice and one breath-hold.

    Parameters
    ----------
    frames : tuple of FrameHeader
        In order of time.
    times_ms : (n,) array or None
        After the R wave; None where the files give an order only.
    cycle_ms : float or None
        The cardiac cycle that the files state.
    reason : str or None
        Why these frames are no cine; None where they are one.
    """

    frames: tuple[FrameHeader, ...]
    times_ms: NDArray[np.float64] | None = None
    cycle_ms: float | None = None
    reason: str | None = None

    def __repr__(self) -> str:
        return f"SliceCine({len(self.frames)} frames{f', {self.reason}' if self.reason else ''})"

    @property
    def first(self) -> FrameHeader:
        return self.frames[0]

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) LPS mm."""
        assert self.first.position is not None
        return self.first.position

    @property
    def newest(self) -> tuple[float, int, int, int]:
        """Sorts breath-holds by age, the newest last."""
        taken = [frame.taken_s for frame in self.frames if frame.taken_s is not None]
        first = self.first
        return max(taken, default=-1.0), first.series_number or 0, first.acquisition or 0, first.instance or 0

    def without(self, lost: set[tuple[int, int]]) -> SliceCine:
        """The same slice without frames (file, index) whose pixels could not be read."""
        kept = [i for i, frame in enumerate(self.frames) if (frame.file, frame.index) not in lost]
        times = None if self.times_ms is None else self.times_ms[kept]
        return replace(self, frames=tuple(self.frames[i] for i in kept), times_ms=times)


def slice_cines(frames: Sequence[FrameHeader], phases: tuple[int, int] = PHASES) -> list[SliceCine]:
    """Sort the frames of one series and one orientation into slices and breath-holds.

    Parameters
    ----------
    frames : sequence of FrameHeader
        All with a position, in one orientation.
    phases : (fewest, most)
        How many frames a cine's slice has.

    Returns
    -------
    list of SliceCine
        By position along the normal; those that are no cine say why.
    """
    normal = frames[0].normal
    ordered = sorted(frames, key=lambda frame: float(frame.position @ normal))  # type: ignore[operator]
    groups: list[list[FrameHeader]] = [[ordered[0]]]
    for before, frame in pairwise(ordered):
        apart = float((frame.position - before.position) @ normal)  # type: ignore[operator]
        if apart > SAME_SLICE_MM:
            groups.append([])
        groups[-1].append(frame)
    return [_in_time(breath_hold, phases) for group in groups for breath_hold in _breath_holds(group, fewest=phases[0])]


def _breath_holds(frames: list[FrameHeader], *, fewest: int) -> list[list[FrameHeader]]:
    """Frames of one place split into its acquisitions, where the files tell them apart."""
    by_number = _split(frames, lambda frame: frame.acquisition)
    if len(by_number) > 1 and all(len(part) >= fewest for part in by_number):
        return by_number
    times = [frame.taken_s for frame in frames]
    if all(time is not None for time in times):
        by_time = sorted(frames, key=lambda frame: frame.taken_s or 0.0)
        parts: list[list[FrameHeader]] = [[by_time[0]]]
        for before, frame in pairwise(by_time):
            if (frame.taken_s or 0.0) - (before.taken_s or 0.0) > _BREATH_HOLDS_APART_S:
                parts.append([])
            parts[-1].append(frame)
        if len(parts) > 1 and all(len(part) >= fewest for part in parts):
            return parts
    parts = _by_falling_trigger(frames)
    if len(parts) > 1 and all(len(part) >= fewest for part in parts):
        return parts
    return _by_occurrence(frames, fewest=fewest)


def _by_falling_trigger(frames: list[FrameHeader]) -> list[list[FrameHeader]]:
    """In the order of instances the trigger time rises through one acquisition and falls where the next begins."""
    if any(frame.trigger_ms is None or frame.instance is None for frame in frames):
        return [frames]
    ordered = sorted(frames, key=lambda frame: frame.instance or 0)
    parts: list[list[FrameHeader]] = [[ordered[0]]]
    for before, frame in pairwise(ordered):
        if (frame.trigger_ms or 0.0) < (before.trigger_ms or 0.0):
            parts.append([])
        parts[-1].append(frame)
    return parts


def _by_occurrence(frames: list[FrameHeader], *, fewest: int) -> list[list[FrameHeader]]:
    """Where every trigger time (or phase) stands twice, the first of each is one acquisition and the second another."""
    for value in (_trigger, lambda frame: frame.phase):
        counts = Counter(value(frame) for frame in frames)
        if None in counts or len(counts) < fewest or len(set(counts.values())) != 1:
            continue
        parts: list[list[FrameHeader]] = [[] for _ in range(next(iter(counts.values())))]
        seen: Counter[float | int | None] = Counter()
        for frame in sorted(frames, key=lambda frame: (frame.taken_s or 0.0, frame.instance or 0)):
            parts[seen[value(frame)]].append(frame)
            seen[value(frame)] += 1
        return parts
    return [frames]


def _in_time(frames: list[FrameHeader], phases: tuple[int, int]) -> SliceCine:
    cycles = [frame.cycle_ms for frame in frames if frame.cycle_ms is not None]
    cycle = float(np.median(cycles)) if cycles else None
    several = _several(frames)
    ordered, times = _ordered(frames)
    found = SliceCine(tuple(ordered or frames), times, cycle)
    reason = several or _beat_by_beat(frames, times)
    if reason is None and len(frames) == 1:
        reason = "one frame a slice: no cine"
    if reason is None and not phases[0] <= len(frames) <= phases[1]:
        more = " (several cycles, in real time?)" if len(frames) > phases[1] else ""
        reason = f"{len(frames)} frames a slice{more}: a cine has {phases[0]} to {phases[1]}"
    if reason is None and ordered is None:
        reason = "no trigger times, acquisition times or instance numbers that put the frames in order"
    return replace(found, reason=reason)


def _several(frames: list[FrameHeader]) -> str | None:
    """Frames that differ in echo or inversion time are those of a map."""
    echoes = {round(frame.echo_ms, 2) for frame in frames if frame.echo_ms is not None}
    inversions = {round(frame.inversion_ms, 1) for frame in frames if frame.inversion_ms is not None}
    for what, values in (("echo", echoes), ("inversion", inversions)):
        if len(values) > 1:
            return f"{MAP}: {len(values)} {what} times a slice"
    return None


def _beat_by_beat(frames: list[FrameHeader], times: NDArray[np.float64] | None) -> str | None:
    """Frames a heartbeat apart show one phase of many beats: perfusion, or dynamics of another kind."""
    taken = sorted(frame.taken_s for frame in frames if frame.taken_s is not None)
    triggers = [frame.trigger_ms for frame in frames if frame.trigger_ms is not None]
    apart = float(np.median(np.diff(taken))) if len(taken) == len(frames) > 2 else 0.0
    if apart > FRAME_TIME_MS[1] / 1000 and (not triggers or np.ptp(triggers) < FRAME_TIME_MS[1]):
        return f"{PERFUSION} or other dynamics: frames {apart:.1f} s apart, one a heartbeat"
    if times is not None and len(times) > 2 and float(np.median(np.diff(times))) > FRAME_TIME_MS[1]:
        return f"frames {np.median(np.diff(times)):.0f} ms apart: no cine"
    return None


def _ordered(frames: list[FrameHeader]) -> tuple[list[FrameHeader] | None, NDArray[np.float64] | None]:
    """Frames in order of time, and their times in ms where the files give them: from the best source that they have."""
    for value, factor in ((_trigger, 1.0), (_phase, None), (_taken_in_cycle(frames), 1000.0), (_instance, None)):
        found = [value(frame) for frame in frames]
        numbers = [one for one in found if one is not None]
        if len(numbers) < len(frames) or len({round(one / _SAME_MS) for one in numbers}) < len(frames):
            continue
        order = np.argsort(numbers)
        times = None if factor is None else np.asarray(numbers)[order] * factor
        return [frames[i] for i in order], times
    return None, None


def _trigger(frame: FrameHeader) -> float | None:
    return frame.trigger_ms


def _phase(frame: FrameHeader) -> float | None:
    return None if frame.phase is None else float(frame.phase)


def _instance(frame: FrameHeader) -> float | None:
    return None if frame.instance is None else float(frame.instance)


def _taken_in_cycle(frames: list[FrameHeader]) -> Callable[[FrameHeader], float | None]:
    """Seconds since the first frame, where all lie within one cycle."""
    taken = [frame.taken_s for frame in frames if frame.taken_s is not None]
    if len(taken) < len(frames) or max(taken) - min(taken) > _ONE_CYCLE_S:
        return lambda frame: None
    return lambda frame: (frame.taken_s or 0.0) - min(taken)


def _split(frames: list[FrameHeader], key: Callable[[FrameHeader], int | None]) -> list[list[FrameHeader]]:
    parts: dict[int | None, list[FrameHeader]] = {}
    for frame in frames:
        parts.setdefault(key(frame), []).append(frame)
    return list(parts.values())
