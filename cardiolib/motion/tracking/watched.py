"""The group-wise tracker, watched at work: where it puts points after some of its iterations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from cardiolib.imaging import Cine, LabelMap
from cardiolib.motion.tracking.bspline import SplineGrid
from cardiolib.motion.tracking.field import MotionField
from cardiolib.motion.tracking.groupwise import track
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.printed import as_html

AFTER = (0, 3, 8, 20)

QUICK = TrackingSettings.fast(prior="none", coarse_iterations=20, fine_iterations=12, lattice_mm=11.0, slice_mm=5.0)
"""From rest, with few points and iterations: enough to see how the tracker goes about it."""


@dataclass(frozen=True, eq=False, repr=False)
class WatchedTracking:
    """One heart, tracked, with the motion that the tracker had found on the way.

    Attributes
    ----------
    cine : Cine
    iterations : tuple of int
        After which the motion was kept; the last is the end.
    fields : tuple of MotionField
        One for each of `iterations`.
    energy : (E,) array
        What the tracker lowers, before each of its E iterations. Where the fine level joins the coarse one it may jump:
        the penalty on bending then counts from there.
    """

    cine: Cine
    iterations: tuple[int, ...]
    fields: tuple[MotionField, ...]
    energy: np.ndarray

    def positions(self, points_mm: np.ndarray) -> np.ndarray:
        """(S, T, V, 3) places in world mm, of points (V, 3) at end-diastole, after each of the S kept iterations."""
        return np.stack([field.displace(points_mm) for field in self.fields])

    def __repr__(self) -> str:
        kept = ", ".join(map(str, self.iterations))
        return (
            f"WatchedTracking: {len(self.energy)} iterations, energy {self.energy[0]:.3f} at the start and "
            f"{self.energy[-1]:.3f} at the end\n  motion kept after {kept} iterations"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self))


def watch_tracking(
    cine: Cine,
    labels: LabelMap,
    settings: TrackingSettings | None = None,
    *,
    seed: int = 0,
    after: Sequence[int] = AFTER,
) -> WatchedTracking:
    """Track one heart with the group-wise tracker, and keep the motion after some of the iterations.

    Parameters
    ----------
    cine : Cine
        One cardiac cycle in T >= 2 frames, K >= 3 slices.
    labels : LabelMap
        Segmentation of every frame on the same grid.
    settings : TrackingSettings, optional
        By default `QUICK`: without the population's motion, so that the tracker starts from rest, and brief.
    seed : int
        Places the lattices on which images are compared.
    after : sequence of int
        Numbers of iterations; 0 is the start. The end is kept in any case.

    Returns
    -------
    WatchedTracking

    Raises
    ------
    ValueError
        If the settings are not those of the group-wise tracker, or a number of iterations is negative.

    Examples
    --------
    A simulated heart in coarse pixels, over very few iterations:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.digital_heart import AcquisitionSettings
    >>> from cardiolib.motion import TrackingSettings, watch_tracking
    >>> coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    >>> scan = cl.acquire(cl.DigitalHeart(), coarse, phases=np.arange(0, 1, 0.2), rng=np.random.default_rng(1))
    >>> quick = TrackingSettings.fast(prior="none", coarse_iterations=4, fine_iterations=2)
    >>> watched = watch_tracking(scan.cine, scan.labels, quick, after=[0, 2])
    >>> watched.iterations, watched.positions(scan.landmarks_world_mm[0]).shape
    ((0, 2, 6), (3, 20, 6, 3))
    """
    settings = QUICK if settings is None else settings
    if settings.method != "groupwise":
        raise ValueError(f'the group-wise tracker is watched; settings.method is "{settings.method}"')
    if min(after, default=0) < 0:
        raise ValueError(f"iterations are counted from 0; given after = {list(after)}")
    kept: list[tuple[tuple[SplineGrid, ...], tuple[np.ndarray, ...]]] = []
    numbers: list[int] = []
    count = 0

    def watch(grids: tuple[SplineGrid, ...], coefficients: list[torch.Tensor]) -> None:
        nonlocal count
        if count in after:
            kept.append((grids, tuple(part.detach().numpy().astype(np.float64) for part in coefficients)))
            numbers.append(count)
        count += 1

    found = track(cine, labels, settings, generator=torch.Generator().manual_seed(seed), watch=watch)
    fields = [
        MotionField(grids, arrays, found.time, found.local_to_world, found.phases, found.ed_frame, found.slice_shift_mm)
        for grids, arrays in kept
    ]
    end = len(found.history)
    if end not in numbers:
        numbers.append(end)
        fields.append(found)
    return WatchedTracking(cine, tuple(numbers), tuple(fields), np.array(found.history))
