"""The tracker watched: the same motion as unwatched, and what was kept on the way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cardiolib.digital_heart import AcquisitionSettings, DigitalHeart, acquire
from cardiolib.motion import TrackingSettings, track, watch_tracking

QUICK = TrackingSettings.fast(prior="none", coarse_iterations=3, fine_iterations=2, lattice_mm=12.0)


@pytest.fixture(scope="module")
def scan():
    coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    return acquire(DigitalHeart(), coarse, phases=np.arange(0, 1, 0.2), rng=np.random.default_rng(1))


def test_watching_changes_nothing(scan) -> None:
    points = scan.landmarks_world_mm[0]
    plain = track(scan.cine, scan.labels, QUICK, generator=torch.Generator().manual_seed(3))
    watched = watch_tracking(scan.cine, scan.labels, QUICK, seed=3, after=[0, 4])
    assert watched.iterations == (0, 4, 5)
    assert np.array_equal(watched.positions(points)[-1], plain.displace(points))
    assert np.array_equal(watched.energy, plain.history)


def test_the_start_is_at_rest_and_later_is_not(scan) -> None:
    points = scan.landmarks_world_mm[0]
    moved = np.abs(watch_tracking(scan.cine, scan.labels, QUICK, after=[0, 2]).positions(points) - points)
    assert moved[0].max() < 1e-9 and moved[1].max() > 0


def test_the_start_may_be_the_populations_motion(scan) -> None:
    held = TrackingSettings.fast(prior_iterations=2, lattice_mm=12.0)
    moved = watch_tracking(scan.cine, scan.labels, held, after=[0]).positions(scan.landmarks_world_mm[0])
    assert np.abs(moved[0, 3] - moved[0, 0]).max() > 1.0


def test_what_cannot_be_watched_is_refused(scan) -> None:
    with pytest.raises(ValueError, match='"published"'):
        watch_tracking(scan.cine, scan.labels, TrackingSettings(method="published"))
    with pytest.raises(ValueError, match="counted from 0"):
        watch_tracking(scan.cine, scan.labels, QUICK, after=[-1])
