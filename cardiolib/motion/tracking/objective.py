"""What makes a motion field good: images that agree, tissue that keeps its volume, smoothness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional

from cardiolib.motion.tracking.bspline import SplineGrid, separable
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.motion.tracking.volumes import HeartVolumes

LEAST_JACOBIAN = 0.3
"""Volume ratio below which the barrier against folding starts."""

BARRIER = 10.0
JACOBIAN_LATTICE = 2
"""The incompressibility term uses a lattice coarser by this factor."""


@dataclass(frozen=True, eq=False)
class Lattice:
    """A random regular subset of voxels: index along each axis, and which of them are used."""

    axes: tuple[np.ndarray, np.ndarray, np.ndarray]
    used: torch.Tensor

    @classmethod
    def draw(cls, mask: np.ndarray, stride: tuple[int, int, int], generator: torch.Generator) -> Lattice:
        """Every `stride`-th voxel of `mask` from a random start."""
        start = [int(torch.randint(step, (), generator=generator)) for step in stride]
        box = [np.flatnonzero(mask.any(axis=tuple(o for o in range(3) if o != axis))) for axis in range(3)]
        axes = tuple(
            np.arange(held[0] + min(first, held[-1] - held[0]), held[-1] + 1, step)
            for held, first, step in zip(box, start, stride, strict=True)
        )
        return cls(axes, torch.from_numpy(np.flatnonzero(mask[np.ix_(*axes)])))


class SplineValues:
    """B-spline sums on lattices of voxels, through one matrix for each axis and level."""

    def __init__(self, grids: tuple[SplineGrid, ...], volumes: HeartVolumes) -> None:
        shape, spacing = volumes.mask.shape, volumes.spacing_mm
        self.rows = [
            [
                [
                    torch.from_numpy(grid.basis(axis, np.arange(shape[axis]) * spacing[axis], derivative=d)).float()
                    for d in range(2)
                ]
                for axis in range(3)
            ]
            for grid in grids
        ]

    def at(
        self, coefficients: list[torch.Tensor], lattice: Lattice, order: tuple[int, int, int] = (0, 0, 0)
    ) -> torch.Tensor:
        """(M, 3, P) values, or a derivative, at the lattice's used voxels."""
        total = None
        for rows, values in zip(self.rows, coefficients, strict=True):
            x, y, z = (rows[axis][order[axis]][lattice.axes[axis]] for axis in range(3))
            part = separable(values, x, y, z).flatten(-3)
            total = part if total is None else total + part
        return total[..., lattice.used]

    def gradient(self, coefficients: list[torch.Tensor], lattice: Lattice) -> torch.Tensor:
        """(M, 3, 3, P): derivative of component (axis 1) along direction (axis 2)."""
        orders = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
        return torch.stack([self.at(coefficients, lattice, order) for order in orders], dim=2)


def charbonnier(difference: torch.Tensor, scale: float) -> torch.Tensor:
    """Smooth absolute value: sqrt(d^2 + s^2) - s."""
    return torch.sqrt(difference**2 + scale**2) - scale


def sample_volumes(channels: torch.Tensor, local_mm: torch.Tensor, spacing_mm: np.ndarray) -> torch.Tensor:
    """Trilinear values (T, C, P) of volumes (T, C, X, Y, Z) at points (T, P, 3), continued as constants outside."""
    size = torch.tensor(channels.shape[2:], dtype=torch.float32)
    scale = 2.0 / (torch.as_tensor(spacing_mm, dtype=torch.float32) * (size - 1))
    # grid_sample wants the last axis of the volume first.
    unit = (local_mm * scale - 1.0).flip(-1)[:, :, None, None]
    return functional.grid_sample(channels, unit, padding_mode="border", align_corners=True)[..., 0, 0]


def determinants(gradient: torch.Tensor) -> torch.Tensor:
    """det(I + gradient) of (T, 3, 3, P) -> (T, P)."""
    a, b, c = (gradient[:, i] for i in range(3))
    a, b, c = ([row[:, j] + (1.0 if i == j else 0.0) for j in range(3)] for i, row in enumerate((a, b, c)))
    return a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0])


def volume_penalty(determinant: torch.Tensor, weight: float | torch.Tensor) -> torch.Tensor:
    """Weighted mean of (det J - 1)^2 over (T, P), and a barrier where tissue is about to fold."""
    keep = (weight * ((determinant - 1.0) ** 2).clamp(max=4.0)).mean()
    return keep + BARRIER * (functional.relu(LEAST_JACOBIAN - determinant) ** 2).mean()


def voxel_centres(lattice: Lattice, spacing_mm: np.ndarray) -> torch.Tensor:
    """(P, 3) local mm of the lattice's used voxels."""
    axes = [torch.from_numpy(index * step).float() for index, step in zip(lattice.axes, spacing_mm, strict=True)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(-1, 3)[lattice.used]


def strides(volumes: HeartVolumes, settings: TrackingSettings) -> tuple[int, int, int]:
    """Voxels from one lattice point to the next along each axis; every fine slice is used."""
    in_plane = np.maximum(np.round(settings.lattice_mm / volumes.spacing_mm[:2]), 1).astype(int)
    return int(in_plane[0]), int(in_plane[1]), 1
