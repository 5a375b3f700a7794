"""Scans of analytic hearts, for networks to learn from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from analytic_heart import AnalyticHeart

from cardiolib.imaging import OURS, Cine, LabelMap


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def stack_affine(*, spacing=(1.6, 1.6, 10.0), shape=(96, 96, 12), turn=None, base_is_last=True) -> np.ndarray:
    """Voxel to world; without `turn`, world = heart frame. K runs from z = -90 to z = 20 or the other way."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-(shape[0] - 1) / 2 * spacing[0] - 12, -(shape[1] - 1) / 2 * spacing[1], -85.0]
    if not base_is_last:
        affine[:3, 3] += affine[:3, 2] * (shape[2] - 1)
        affine[:3, 2] *= -1
    if turn is not None:
        matrix = np.eye(4)
        matrix[:3, :3] = turn
        affine = matrix @ affine
    return affine


def paint(heart: AnalyticHeart, *, shape=(96, 96, 12), affine=None, turn=None) -> np.ndarray:
    """Labels of the heart on a stack; `turn` rotates heart frame to world."""
    affine = stack_affine(shape=shape) if affine is None else affine
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    world = index @ affine[:3, :3].T + affine[:3, 3]
    return heart.labels_at(world if turn is None else world @ turn)


def picture(labels: np.ndarray, *, rng: np.random.Generator, noise: float = 0.05) -> np.ndarray:
    """Grey values that a network can learn the labels from."""
    grey = np.array([0.45, 1.0, 0.25, 0.15, 0.9])[labels]
    return (grey + noise * rng.standard_normal(labels.shape)).astype(np.float32)


@pytest.fixture
def make_scan():
    """Factory of (Cine, LabelMap) with two frames, ED and ES, of a heart of random size."""

    def make(seed: int, *, shape=(64, 64, 8), spacing=(2.4, 2.4, 12.0)) -> tuple[Cine, LabelMap]:
        rng = np.random.default_rng(seed)
        affine = stack_affine(spacing=spacing, shape=shape)
        frames = []
        for shrink in (1.0, 0.75):
            heart = AnalyticHeart(radius=shrink * rng.uniform(20, 28), rv_radius=shrink * rng.uniform(30, 38))
            frames.append(paint(heart, shape=shape, affine=affine))
        labels = np.stack(frames, axis=-1)
        return Cine(picture(labels, rng=rng), affine), LabelMap(labels, affine, OURS)

    return make
