"""Where the heart lies in the image and the image in the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Directions of a typical short-axis stack in RAS. The long axis points from the apex to the base, that is to the
# right, backwards and up; rows run downwards as nearly as the oblique plane allows.
_APEX_TO_BASE = np.array([0.64, -0.56, 0.53])
_DOWN = np.array([0.0, 0.0, -1.0])
_ISOCENTRE_MM = np.array([-25.0, 20.0, 0.0])


@dataclass(frozen=True, eq=False)
class Pose:
    """Geometry of one stack.

    The *scanner frame* is in mm, right-handed: first axis along columns (I), second along rows, downwards (J), third
    from apex to base (K), its origin on the stack's middle axis at the height of the heart's epicardial apex.

    Parameters
    ----------
    heart_to_scanner : (4, 4) array
        Rigid: in-plane rotation by rho and shift by c.
    scanner_to_world : (4, 4) array
        Rigid: an oblique rotation and an isocentre.
    voxel_to_scanner : (4, 4) array
        Spacing and origin, no rotation.
    slice_shift_mm : (K, 3) array
        Displacement of the heart in slice k along I, J, K (breath holds at different depths).
    """

    heart_to_scanner: Array
    scanner_to_world: Array
    voxel_to_scanner: Array
    slice_shift_mm: Array

    @property
    def affine(self) -> Array:
        """(4, 4) voxel to world."""
        return self.scanner_to_world @ self.voxel_to_scanner

    @property
    def heart_to_world(self) -> Array:
        """(4, 4) heart to world, without the slice shifts."""
        return self.scanner_to_world @ self.heart_to_scanner

    def heart_from_voxel(self, ijk: Array) -> Array:
        """Heart point that is seen at voxel coordinates (..., 3), slice shifts included."""
        ijk = np.asarray(ijk, float)
        scanner = _apply(self.voxel_to_scanner, ijk) - self.slice_shift_mm[self._nearest_slice(ijk[..., 2])]
        return _apply(np.linalg.inv(self.heart_to_scanner), scanner)

    def displacement_as_imaged(self, world: Array) -> Array:
        """World displacement (..., 3) of points (..., 3) by the shift of the slice nearest to them."""
        k = self._nearest_slice(_apply(np.linalg.inv(self.affine), np.asarray(world, float))[..., 2])
        return self.slice_shift_mm[k] @ self.scanner_to_world[:3, :3].T

    def _nearest_slice(self, k: Array) -> NDArray[np.int64]:
        return np.clip(np.rint(k), 0, len(self.slice_shift_mm) - 1).astype(int)


def draw_pose(
    *,
    grid_size: int,
    spacing_mm: float,
    n_slices: int,
    slice_distance_mm: float,
    in_plane_shift_mm: float,
    through_plane_shift_mm: float,
    rng: np.random.Generator,
) -> Pose:
    """Draw the pose of one scan; the lengths of the shifts are standard deviations.

    In-plane angle rho = -25 deg + U(-.35, .35) rad; heart axis at 16 (cos rho, sin rho) + N(0, 5) mm from the middle of
    the image (so that both ventricles are in it); first slice at -4 + U(-3, 3) mm. The stack's direction scatters by
    5 degrees (SD, about each axis) around a typical short-axis plane, its isocentre by 10 mm.
    """
    rho = np.deg2rad(-25.0) + rng.uniform(-0.35, 0.35)
    centre = 16.0 * np.array([np.cos(rho), np.sin(rho)]) + rng.normal(0.0, 5.0, 2)
    first = -4.0 + rng.uniform(-3.0, 3.0)
    heart_to_scanner = np.eye(4)
    heart_to_scanner[:2, :2] = [[np.cos(rho), -np.sin(rho)], [np.sin(rho), np.cos(rho)]]
    heart_to_scanner[:2, 3] = centre
    voxel_to_scanner = np.diag([spacing_mm, spacing_mm, slice_distance_mm, 1.0])
    voxel_to_scanner[:3, 3] = [-0.5 * (grid_size - 1) * spacing_mm] * 2 + [first]
    scanner_to_world = np.eye(4)
    scanner_to_world[:3, :3] = _small_rotation(np.deg2rad(rng.normal(0.0, 5.0, 3))) @ short_axis_directions()
    scanner_to_world[:3, 3] = _ISOCENTRE_MM + rng.normal(0.0, 10.0, 3)
    sds = np.array([in_plane_shift_mm, in_plane_shift_mm, through_plane_shift_mm])
    shift = rng.standard_normal((n_slices, 3)) * sds
    return Pose(heart_to_scanner, scanner_to_world, voxel_to_scanner, shift)


def short_axis_directions() -> Array:
    """(3, 3) rotation whose columns are the RAS directions of I, J and K in a typical short-axis stack."""
    k = _APEX_TO_BASE / np.linalg.norm(_APEX_TO_BASE)
    j = _DOWN - (_DOWN @ k) * k
    j /= np.linalg.norm(j)
    return np.column_stack([np.cross(j, k), j, k])


def _small_rotation(angles: Array) -> Array:
    """(3, 3) rotation by the vector `angles` (radians), Rodrigues."""
    angle = np.linalg.norm(angles)
    if angle == 0:
        return np.eye(3)
    x, y, z = angles / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def _apply(matrix: Array, points: Array) -> Array:
    return points @ matrix[:3, :3].T + matrix[:3, 3]
