"""The chest of a detailed scan: what lies about the heart, arranged as in a body and drawn anew for every scan.

Dark lung with bright vessels, a wall of muscle and fat on one side and air beyond it, the liver below and closer to the
apex, and organs of any brightness. Directions and distances scatter widely: a network is to learn that none of this is
heart, not where it lies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .fields import smooth_field
from .tissue import TissueSignals

Array = NDArray[np.float32]

ARRANGED_SHARE = 0.75
"""Of the scans: those with an arranged chest; in the others the islands of the plain scan stay."""


def draw_chest(
    islands: Array, signals: TissueSignals, voxel_mm: tuple[float, float, float], rng: np.random.Generator
) -> Array:
    """Signal about the heart (K, J, I).

    Parameters
    ----------
    islands : (K, J, I) array
        The plain scan's surroundings.
    signals : TissueSignals
    voxel_mm : (float, float, float)
        Slice distance and pixel size, in the order of the axes.
    rng : numpy.random.Generator
    """
    image = islands
    if rng.random() < ARRANGED_SHARE:
        z, y, x = _centred(islands.shape, voxel_mm)
        bends = 5.0 * smooth_field(islands.shape, 0.02, rng=rng)
        image = _lung(islands.shape, signals, rng)
        image = _liver(image, _along(x, y, np.pi / 2 + rng.normal(0.0, 0.7)) + bends, z, signals, voxel_mm[1], rng)
        image = _wall(image, _along(x, y, -0.75 * np.pi + rng.normal(0.0, 0.8)) + bends, signals, voxel_mm[1], rng)
        image = np.maximum(image * (1.0 + 0.06 * smooth_field(islands.shape, 0.1, rng=rng)), 0.0)
    return _organs(image.astype(np.float32), signals.blood, voxel_mm, rng)


def soft(depth_mm: NDArray[np.floating], pixel_mm: float) -> Array:
    """Inside (1) or outside (0) of an edge, one pixel soft; `depth_mm` is the distance inwards from it."""
    return np.clip(0.5 + np.asarray(depth_mm) / pixel_mm, 0.0, 1.0).astype(np.float32)


def _lung(shape: tuple[int, ...], signals: TissueSignals, rng: np.random.Generator) -> Array:
    """Dark, with vessels that are as bright as blood where they are large."""
    air = np.float32(signals.lung * rng.uniform(0.2, 1.5))
    vessels = smooth_field(shape, float(rng.uniform(0.05, 0.12)), rng=rng)
    share = np.clip(vessels - np.float32(rng.uniform(1.6, 2.6)), 0.0, 1.0)
    return air + (np.float32(signals.blood) - air) * share


def _liver(
    image: Array, down: Array, z: Array, signals: TissueSignals, pixel_mm: float, rng: np.random.Generator
) -> Array:
    """Below a dome that comes closer towards the apex; vessels may be brighter or darker than it."""
    surface = rng.uniform(12.0, 65.0) + rng.uniform(0.0, 0.7) * z
    tissue = np.float32(signals.liver * rng.uniform(0.6, 1.4))
    vessels = smooth_field(image.shape, 0.06, rng=rng) > rng.uniform(1.3, 3.0)
    organ = np.where(vessels, np.float32(tissue * rng.uniform(0.5, 1.8)), tissue)
    fat_mm = rng.uniform(0.0, 4.0)
    image = image + (np.float32(0.8 * signals.fat) - image) * soft(down - surface + fat_mm, pixel_mm)
    return image + (organ - image) * soft(down - surface, pixel_mm)


def _wall(image: Array, out: Array, signals: TissueSignals, pixel_mm: float, rng: np.random.Generator) -> Array:
    """Muscle, fat and the air outside, in layers."""
    inner = rng.uniform(20.0, 75.0)
    layers = (
        (inner, signals.muscle * rng.uniform(0.7, 1.3)),
        (inner + rng.uniform(3.0, 18.0), signals.fat * rng.uniform(0.7, 1.2)),
        (inner + rng.uniform(20.0, 60.0), 0.01),
    )
    for start, signal in layers:
        image = image + (np.float32(signal) - image) * soft(out - start, pixel_mm)
    return image


def _organs(image: Array, blood: float, voxel_mm: tuple[float, float, float], rng: np.random.Generator) -> Array:
    """Vessels and organs: ellipsoids of any brightness, some as bright as blood, some with a wall of their own."""
    z, y, x = _centred(image.shape, voxel_mm)
    reach = 0.6 * np.array(image.shape) * voxel_mm
    for _ in range(rng.integers(3, 10)):
        centre, radii = rng.uniform(-1.0, 1.0, 3) * reach, np.exp(rng.uniform(np.log(6.0), np.log(45.0), 3))
        radii[0] *= 2.0  # what lies beside the heart runs on from slice to slice
        square = sum(((axis - c) / r) ** 2 for axis, c, r in zip((z, y, x), centre, radii, strict=True))
        inside_mm = (1.0 - np.sqrt(square)) * radii[1:].min()
        signal = blood * (rng.uniform(0.8, 1.1) if rng.random() < 0.35 else rng.uniform(0.02, 1.0))
        if rng.random() < 0.4:
            wall = np.float32(blood * rng.uniform(0.02, 1.0))
            image = image + (wall - image) * soft(inside_mm + rng.uniform(1.0, 5.0), voxel_mm[1])
        image = image + (np.float32(signal) - image) * soft(inside_mm, voxel_mm[1])
    return image


def _centred(shape: tuple[int, ...], voxel_mm: tuple[float, float, float]) -> list[Array]:
    """Coordinates (mm) of the axes K (from the first slice), J and I (from the middle), ready to broadcast."""
    k, j, i = (np.arange(n, dtype=np.float32) * mm for n, mm in zip(shape, voxel_mm, strict=True))
    return [k[:, None, None], (j - j.mean())[None, :, None], (i - i.mean())[None, None, :]]


def _along(x: Array, y: Array, angle: float) -> Array:
    """Distance (mm) from the middle in a direction, bulging: surfaces about the heart are round."""
    out, across = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    return out + across * across / 220.0
