"""Analytic hearts: ellipsoidal ventricles whose labels, landmarks and volumes are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from cardiolib.imaging import OURS, Cine, LabelMap


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@dataclass(frozen=True)
class AnalyticHeart:
    """Heart frame in mm: z to the base, x lateral, y inferior; the LV axis is the z axis.

    LV cavity: ellipsoid of half axes (r, r, 70) cut at z = 0 (the base), tip at z = -70. LV epicardium: 9 mm
    outside it. RV cavity: the part of an ellipsoid around (-offset, 0) outside the LV; RV wall 4 mm.
    """

    radius: float = 24.0
    wall: float = 9.0
    length: float = 70.0
    rv_offset: float = 30.0
    rv_radius: float = 34.0
    rv_wall: float = 4.0

    def labels_at(self, xyz: np.ndarray) -> np.ndarray:
        x, y, z = np.moveaxis(xyz, -1, 0)

        def inside(grow: float) -> np.ndarray:
            return (x**2 + y**2) / (self.radius + grow) ** 2 + (z / (self.length + grow)) ** 2 < 1

        def right(grow: float) -> np.ndarray:
            return ((x + self.rv_offset) ** 2 + y**2) / (self.rv_radius + grow) ** 2 + (
                z / (0.8 * self.length + grow)
            ) ** 2 < 1

        labels = np.zeros(x.shape, np.uint8)
        labels[right(self.rv_wall)] = 3
        labels[right(0.0)] = 4
        labels[inside(self.wall)] = 2
        labels[inside(0.0)] = 1
        labels[z > 0] = 0
        return labels

    def lv_volume_ml(self) -> float:
        return 2 / 3 * np.pi * self.radius**2 * self.length / 1000


@pytest.fixture
def analytic_heart() -> AnalyticHeart:
    return AnalyticHeart()


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
