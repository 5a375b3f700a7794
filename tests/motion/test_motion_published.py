import numpy as np
import pytest
import torch

from cardiolib.motion import TrackingSettings, track
from cardiolib.motion.tracking.published import compose


def test_translations_add_up():
    steps = np.array([[1.0, 0, 0], [0.5, 2, 0], [0, 0, -1]])
    chain = [lambda points, step=step: np.broadcast_to(step, points.shape) for step in steps]
    points = np.random.default_rng(0).normal(size=(7, 3))
    assert np.allclose(compose(chain, points), np.broadcast_to(steps.cumsum(axis=0)[:, None], (3, 7, 3)))


def test_composition_follows_the_point():
    """Ten rotations by 9 degrees are one by 90; adding the displacements at the start would not be."""
    a = np.deg2rad(9)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    chain = [lambda points: points @ turn.T - points] * 10
    points = np.array([[1.0, 0, 0], [0, 2, 5]])
    assert np.allclose(points + compose(chain, points)[-1], [[0, 1, 0], [-2, 0, 5]])


@pytest.mark.parametrize("n_frames", [6])
def test_published_recipe_recovers_a_translation(make_phantom, n_frames):
    phantom = make_phantom(shift=lambda w: np.array([6.0, -4.0, 0.0]) * w, n_frames=n_frames)
    settings = TrackingSettings(
        method="published",
        coarse_iterations=30,
        fine_iterations=15,
        slice_mm=4.0,
        phases=n_frames,
        correct_shifts=False,
    )
    field = track(phantom.cine, phantom.labels, settings, generator=torch.Generator().manual_seed(0))
    moved = field.displace(phantom.points)
    assert (moved[0] == phantom.points).all()
    assert np.linalg.norm(moved - phantom.truth, axis=-1)[n_frames // 2].mean() < 1.0
    assert field.measures["closure_mm"] > 0
