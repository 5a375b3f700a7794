"""Hearts of known labels, written by the tests of the readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cardiolib.imaging import Cine, LabelMap, LabelScheme, write_cine, write_label_map

SHAPE = (20, 18, 4)
N_FRAMES = 6


def oblique(spacing=(1.4, 1.4, 9.0)):
    """An affine of turned axes and a far origin."""
    turn, tilt = 0.4, 0.7
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine = np.eye(4)
    affine[:3, :3] = about_z @ about_x @ np.diag(spacing)
    affine[:3, 3] = (-60.0, 35.0, 120.0)
    return affine


def cine(seed=0, *, n_frames=N_FRAMES, simulated=False, affine=None):
    """Grey values of no heart: every frame differs."""
    voxels = np.random.default_rng(seed).integers(20, 900, size=(*SHAPE, n_frames)).astype(np.float32)
    return Cine(voxels, oblique() if affine is None else affine, 40.0 if n_frames > 1 else None, (), simulated)


def heart(scheme: LabelScheme, radius: float) -> np.ndarray:
    """(20, 18, 4) labels: a round LV in its wall with an RV beside it."""
    x, y = np.meshgrid(np.arange(SHAPE[0]) - 12, np.arange(SHAPE[1]) - 9, indexing="ij")
    r = np.hypot(x, y)
    plane = np.zeros(SHAPE[:2], np.uint8)
    plane[(x < -2) & (x > -10) & (np.abs(y) < 2 * radius - 2)] = scheme.code("rv_cavity")
    plane[r < radius + 2] = scheme.code("lv_wall")
    plane[r < radius] = scheme.code("lv_cavity")
    return np.repeat(plane[..., None], SHAPE[2], axis=2)


def labels(scheme, radii, *, simulated=False, affine=None):
    """A label map of one frame a radius; radius 0 leaves the frame without labels."""
    frames = [heart(scheme, radius) if radius else np.zeros(SHAPE, np.uint8) for radius in radii]
    return LabelMap(np.stack(frames, axis=-1), oblique() if affine is None else affine, scheme, (), simulated)


def counted_ml(scheme, radius, structure):
    """Volume of a structure, counted apart from the package."""
    voxel_ml = abs(np.linalg.det(oblique()[:3, :3])) / 1000
    return float((heart(scheme, radius) == scheme.code(structure)).sum() * voxel_ml)


def put(image, path: Path) -> None:
    """Write a cine or a label map."""
    write_cine(image, path) if isinstance(image, Cine) else write_label_map(image, path)
