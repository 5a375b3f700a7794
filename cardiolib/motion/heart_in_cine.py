"""A tracked heart put into its own images, to look at both together."""

from __future__ import annotations

import numpy as np

from cardiolib.imaging import Cine, world_from_voxel
from cardiolib.meshes import extract_regions, template_mesh
from cardiolib.motion.examples import HeartInImages
from cardiolib.motion.subjects import TrackedSubject

_AROUND_MM = 58.0
"""How far around the heart's middle a slice is shown."""


def heart_in_cine(tracked: TrackedSubject, cine: Cine) -> HeartInImages:
    """Cavities of a tracked heart, and the slice of its cine that cuts through the middle of the LV.

    Parameters
    ----------
    tracked : TrackedSubject
        Tracked to the end (`TrackedSubject.is_tracked`).
    cine : Cine
        The images that it was tracked in.
    """
    points = tracked.template_positions.astype(float)
    axes, origin = _upright(cine.affine, points[0], mirrored=bool(tracked.quality.measures.get("mirrored", 0.0)))
    local = (points - origin) @ axes.T
    surfaces, positions = {}, {}
    for name, regions in (("lv_endo", ("lv_endo",)), ("rv_endo", ("rv_free", "rv_septum"))):
        surfaces[name], index = extract_regions(template_mesh(), *regions)
        positions[name] = local[:, index]
    phases = np.arange(len(points)) / len(points)
    ed = int(tracked.quality.measures.get("ed_frame", 0.0))
    frames = (ed + np.rint(phases * cine.n_frames).astype(int)) % cine.n_frames
    voxels = np.stack(np.meshgrid(*map(np.arange, cine.shape), indexing="ij"), axis=-1)
    stack = (world_from_voxel(cine.affine, voxels) - origin) @ axes.T
    middle = int(np.abs(stack[0, 0, :, 2]).argmin())  # the origin is the middle of the LV
    grid = stack[:, :, middle]
    near = np.linalg.norm(grid[..., :2] - local[0, :, :2].mean(axis=0), axis=-1) < _AROUND_MM
    rows, columns = (np.flatnonzero(near.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    images = np.moveaxis(cine.voxels[:, :, middle][box][..., frames], -1, 0)
    return HeartInImages(tracked.subject_id, surfaces, positions, images, grid[box], frames, cine.simulated)


def _upright(affine: np.ndarray, points: np.ndarray, *, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Axes (3, 3), a row each, and origin: z along the slices' normal to the base, x from the RV to the LV."""
    template = template_mesh()
    left, right = points[template.region_mask("lv_endo")], points[template.region_mask("rv_free")]
    z = np.cross(affine[:3, 0], affine[:3, 1])
    z *= np.sign(z @ (left[-1] - left[0])) / np.linalg.norm(z)
    x = left.mean(axis=0) - right.mean(axis=0)
    x -= (x @ z) * z
    x /= np.linalg.norm(x)
    y = np.cross(z, x) * (-1 if mirrored else 1)
    return np.stack([x, y, z]), left.mean(axis=0)
