"""Motion of a heart as a smooth function of place and phase."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cardiolib.imaging import voxel_from_world
from cardiolib.meshes.surface import check_points
from cardiolib.motion.tracking.bspline import SplineGrid
from cardiolib.motion.tracking.temporal import HarmonicBasis, LinearBasis


@dataclass(frozen=True, eq=False)
class MotionField:
    """Displacement from end-diastole: a sum of B-splines in space times a basis in time.

    Parameters
    ----------
    grids : tuple of SplineGrid
        One a level, in local mm.
    coefficients : tuple of (M, 3, i, j, k) float arrays
        mm along the axes of the local frame; M functions of time.
    time : HarmonicBasis or LinearBasis
        Zero at phase 0, so end-diastole does not move.
    local_to_world : (4, 4) array
        Local mm to world mm.
    phases : (T,) array
        Where `displace` evaluates; phase 0 (end-diastole) first. For a cine of two frames 0 and 0.5, by convention.
    ed_frame : int
        Frame of the cine that is phase 0.
    slice_shift_mm : (K, 2) array or None
        In-plane shifts that were undone before tracking: positions are those of the aligned heart.
    history : tuple of float
        Objective at every iteration.
    measures : dict of str to float
        What the tracker found out about its own result (for `cardiolib.motion.assess_quality`).
    """

    grids: tuple[SplineGrid, ...]
    coefficients: tuple[np.ndarray, ...]
    time: HarmonicBasis | LinearBasis
    local_to_world: np.ndarray
    phases: np.ndarray
    ed_frame: int = 0
    slice_shift_mm: np.ndarray | None = None
    history: tuple[float, ...] = ()
    measures: dict[str, float] = field(default_factory=dict)

    def displace(self, points_world_mm: np.ndarray, *, phases: np.ndarray | None = None) -> np.ndarray:
        """Where points go.

        Parameters
        ----------
        points_world_mm : (V, 3) array
            Positions at end-diastole.
        phases : (T,) array, optional
            By default those of the field.

        Returns
        -------
        (T, V, 3) float64 array
            Positions in world mm; at phase 0 exactly the given ones.
        """
        points = check_points(points_world_mm)
        return points + self.displacement(points, phases=phases)

    def displacement(self, points_world_mm: np.ndarray, *, phases: np.ndarray | None = None) -> np.ndarray:
        """(T, V, 3) displacement from end-diastole in world mm at points (V, 3); see `displace`."""
        local = voxel_from_world(self.local_to_world, check_points(points_world_mm))
        values = self.time.values(self.phases if phases is None else np.asarray(phases, float))
        out = np.zeros((len(values), 3, len(local)))
        for grid, coefficients in zip(self.grids, self.coefficients, strict=True):
            out += np.tensordot(values, grid.at_points(coefficients, local), axes=1)
        return np.moveaxis(out, 1, 2) @ self.local_to_world[:3, :3].T

    def jacobian(self, points_world_mm: np.ndarray, *, phases: np.ndarray | None = None) -> np.ndarray:
        """Deformation gradient at points (V, 3).

        Returns
        -------
        (T, V, 3, 3) array
            ``[t, v, a, b]`` is the derivative of world coordinate a at phase t by world coordinate b at
            end-diastole. Its determinant is the local ratio of volumes.
        """
        local = voxel_from_world(self.local_to_world, check_points(points_world_mm))
        values = self.time.values(self.phases if phases is None else np.asarray(phases, float))
        gradient = np.zeros((len(values), len(local), 3, 3))
        for axis in range(3):
            order = tuple(int(axis == other) for other in range(3))
            for grid, coefficients in zip(self.grids, self.coefficients, strict=True):
                part = np.tensordot(values, grid.at_points(coefficients, local, derivative=order), axes=1)
                gradient[..., axis] += np.moveaxis(part, 1, 2)
        turn = self.local_to_world[:3, :3]
        return np.eye(3) + turn @ gradient @ np.linalg.inv(turn)
