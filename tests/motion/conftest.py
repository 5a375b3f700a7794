"""A heart of a few shapes whose motion is known in closed form, imaged without error."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch

from cardiolib.imaging import OURS, Cine, LabelMap

SHAPE, SPACING = (46, 44, 9), np.array([2.5, 2.5, 8.0])
CENTRE = np.array([64.0, 54.0, 30.0])
Motion = Callable[[np.ndarray, float], np.ndarray]


class Phantom(NamedTuple):
    """Images, and the motion that made them: `points` at ED in world mm go to `truth` (T, V, 3)."""

    cine: Cine
    labels: LabelMap
    points: np.ndarray
    truth: np.ndarray


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def oblique() -> np.ndarray:
    """A proper rotation that belongs to no axis."""
    q, r = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else q[:, ::-1]


@pytest.fixture(scope="session")
def make_phantom(oblique):
    """Build a phantom from an affine motion: `matrix(w)`, `shift(w)` at the amount of motion w (0 at ED, 1 at ES)."""

    def build(matrix=lambda w: np.eye(3), shift=lambda w: np.zeros(3), *, n_frames=10, ed=0) -> Phantom:
        affine = np.eye(4)
        affine[:3, :3] = oblique * SPACING
        affine[:3, 3] = (10.0, -30.0, 55.0)
        amount = (1 - np.cos(2 * np.pi * np.arange(n_frames) / n_frames)) / 2
        if n_frames == 2:
            amount = np.array([0.0, 1.0])
        local = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1) * SPACING - CENTRE
        frames = [_draw((local - shift(w)) @ np.linalg.inv(matrix(w)).T) for w in amount]
        voxels, labels = (np.stack(part, axis=-1) for part in zip(*frames, strict=True))
        ed_points = _wall_points()
        truth = np.stack([ed_points @ matrix(w).T + shift(w) for w in amount]) + CENTRE
        truth = truth @ oblique.T + affine[:3, 3]
        order = np.roll(np.arange(n_frames), ed)
        return Phantom(Cine(voxels[..., order], affine), LabelMap(labels[..., order], affine, OURS), truth[0], truth)

    return build


def _draw(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intensity and label at material places (..., 3)."""
    taper = np.sqrt(np.clip(1 - ((x[..., 2] - 25) / 62) ** 2, 0.02, 1))
    r = np.hypot(x[..., 0], x[..., 1]) / taper
    right = np.hypot((x[..., 0] + 26) / 1.1, x[..., 1] / 1.25) / taper
    edge = lambda d: 1 / (1 + np.exp(d / 1.0))  # noqa: E731
    texture = 0.06 * np.sin(x[..., 0] / 3.1) * np.sin(x[..., 1] / 2.7 + 1) * np.cos(x[..., 2] / 5)
    top = edge(x[..., 2] - 22)
    image = 0.12 + 0.88 * edge(right - 22) * top
    image = image + (0.3 - image) * edge(r - 27) * top
    image = image + (1.0 - image) * edge(r - 18) * top + texture
    labels = np.zeros(r.shape, np.uint8)
    labels[right < 22] = 4
    labels[r < 27] = 2
    labels[r < 18] = 1
    labels[(x[..., 2] > 22) | (x[..., 2] < -32)] = 0
    return image.astype(np.float32), labels


def _wall_points() -> np.ndarray:
    angle, height = np.meshgrid(np.linspace(0, 2 * np.pi, 24, endpoint=False), np.linspace(-18, 14, 5))
    r = 22.5 * np.sqrt(1 - ((height - 25) / 62) ** 2)
    return np.stack([r * np.cos(angle), r * np.sin(angle), height], -1).reshape(-1, 3)
