"""The paper's recipe for motion: frame to frame, composed, refined against end-diastole.

Neighbouring frames are registered by free-form deformations (control points 40 mm apart, squared differences
and bending energy); the deformations are composed into one from end-diastole to each frame; every frame is then
registered again to end-diastole (control points 10 mm apart), starting from the composition [1]_ [2]_. This
re-creates the recipe, not the program (MIRTK): images are normalised as for the group-wise tracker, the optimiser
is Adam, and the weight of the bending energy is ours, in the published ratio of 1 : 100 between the two steps.
Composition is applied to every frame; in the released script it is truncated after the third [1]_.

References
----------
.. [1] UK-Digital-Heart-Project/4Dsegment, code/motionEstimation.py.
.. [2] Control point spacings: lib/CMRSegment/resource, ffd_motion.cfg and ffd_refine.cfg, as the lab later
   published them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from cardiolib.motion.tracking.bspline import BendingEnergy, SplineGrid
from cardiolib.motion.tracking.field import MotionField
from cardiolib.motion.tracking.objective import Lattice, SplineValues, sample_volumes, strides, voxel_centres
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.motion.tracking.temporal import LinearBasis
from cardiolib.motion.tracking.volumes import HeartVolumes

FRAME_TO_FRAME_MM, REFINE_MM = 40.0, 10.0
FRAME_TO_FRAME_BENDING, REFINE_BENDING = 0.1, 10.0
"""Weights of the mean squared second derivative (mm^-2); multiplied by the setting `bending`."""


def track_published(volumes: HeartVolumes, settings: TrackingSettings, *, generator: torch.Generator) -> MotionField:
    """Track prepared volumes by the published recipe; see the module's description.

    Of the settings it reads `bending`, `lattice_mm`, the iterations and steps (coarse: frame to frame, fine:
    refinement) and `phases`. Between frames the motion is interpolated linearly in time.
    """
    count = len(volumes.phases) - 1
    box = np.zeros_like(volumes.mask)
    held = [np.flatnonzero(volumes.mask.any(axis=tuple(o for o in range(3) if o != axis))) for axis in range(3)]
    box[tuple(slice(index[0], index[-1] + 1) for index in held)] = True
    frames = torch.from_numpy(np.ascontiguousarray(volumes.channels[:, :1]))

    coarse = SplineGrid.covering(volumes.low_mm, volumes.high_mm, FRAME_TO_FRAME_MM)
    steps, first = _register(
        frames[:-1],
        frames[1:],
        coarse,
        torch.zeros(count, 3, *coarse.shape),
        box,
        volumes,
        settings,
        generator,
        iterations=settings.coarse_iterations,
        step_mm=settings.coarse_step_mm,
        bending=FRAME_TO_FRAME_BENDING,
    )
    chain = [_displacement_of(coarse, values) for values in steps.numpy().astype(np.float64)]
    fine = SplineGrid.covering(volumes.low_mm, volumes.high_mm, REFINE_MM)
    start = torch.from_numpy(_projected(fine, chain, volumes)).float()
    refined, second = _register(
        frames[:1].expand(count, -1, -1, -1, -1),
        frames[1:],
        fine,
        start,
        box,
        volumes,
        settings,
        generator,
        iterations=settings.fine_iterations,
        step_mm=settings.fine_step_mm,
        bending=REFINE_BENDING,
    )
    phases = np.arange(settings.phases) / settings.phases
    knots = tuple(float(phase) for phase in volumes.phases[1:])
    if count == 1:
        phases, knots = np.array([0.0, 0.5]), (0.5,)
    coefficients = refined.numpy().astype(np.float64)
    return MotionField(
        (fine,),
        (coefficients,),
        LinearBasis(knots),
        volumes.local_to_world,
        phases,
        volumes.ed_frame,
        volumes.slice_shift_mm,
        tuple(first + second),
        _own_measures(fine, coefficients, volumes),
    )


def compose(chain: list[Callable[[np.ndarray], np.ndarray]], points_mm: np.ndarray) -> np.ndarray:
    """Follow points through a chain of deformations.

    Parameters
    ----------
    chain : list of T-1 functions
        Number t takes positions (P, 3) in frame t to their displacement (P, 3) to frame t + 1.
    points_mm : (P, 3) array
        Positions in frame 0.

    Returns
    -------
    (T-1, P, 3) array
        Displacement from frame 0 to frames 1..T-1.

    Notes
    -----
    Each deformation is evaluated where the point has arrived, not where it began:
    u_t(x) = u_{t-1}(x) + v_t(x + u_{t-1}(x)).
    """
    total, out = np.zeros_like(points_mm, dtype=float), []
    for step in chain:
        total = total + step(points_mm + total)
        out.append(total)
    return np.stack(out)


def _displacement_of(grid: SplineGrid, coefficients: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: grid.at_points(coefficients, points).T


def _register(
    still: torch.Tensor,
    moving: torch.Tensor,
    grid: SplineGrid,
    start: torch.Tensor,
    box: np.ndarray,
    volumes: HeartVolumes,
    settings: TrackingSettings,
    generator: torch.Generator,
    *,
    iterations: int,
    step_mm: float,
    bending: float,
) -> tuple[torch.Tensor, list[float]]:
    """Register every still volume to the moving volume of the same number, all pairs side by side.

    Returns (T-1, 3, i, j, k) coefficients and the objective at each iteration.
    """
    coefficients = start.clone().requires_grad_(True)
    values, energy = SplineValues((grid,), volumes), BendingEnergy((grid,))
    optimiser = torch.optim.Adam([coefficients], lr=step_mm, betas=(0.8, 0.95))
    every = torch.eye(len(still)) / len(still)
    stride, history = strides(volumes, settings), []
    for iteration in range(iterations):
        optimiser.param_groups[0]["lr"] = step_mm * (0.05 + 0.475 * (1 + math.cos(math.pi * iteration / iterations)))
        optimiser.zero_grad(set_to_none=True)
        lattice = Lattice.draw(box, (stride[0], stride[1], 2), generator)
        points = voxel_centres(lattice, volumes.spacing_mm) + values.at([coefficients], lattice).transpose(1, 2)
        x, y, z = (torch.from_numpy(index) for index in lattice.axes)
        before = still[:, 0, x][:, :, y][:, :, :, z].flatten(1)[:, lattice.used]
        loss = ((sample_volumes(moving, points, volumes.spacing_mm)[:, 0] - before) ** 2).mean()
        loss = loss + settings.bending * bending * energy([coefficients], every)
        loss.backward()
        optimiser.step()
        history.append(float(loss.detach()))
    return coefficients.detach(), history


def _projected(grid: SplineGrid, chain: list[Callable[[np.ndarray], np.ndarray]], volumes: HeartVolumes) -> np.ndarray:
    """(T-1, 3, i, j, k) coefficients of the composed chain: least squares on a lattice over the box, axis by axis."""
    axes = [np.linspace(low, high, n) for low, high, n in zip(volumes.low_mm, volumes.high_mm, grid.shape, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    total = np.moveaxis(compose(chain, points), 1, 2).reshape(len(chain), 3, *grid.shape)
    x, y, z = (np.linalg.pinv(grid.basis(axis, axes[axis])) for axis in range(3))
    return np.einsum("ai,bj,ck,tdijk->tdabc", x, y, z, total, optimize=True)


def _own_measures(grid: SplineGrid, coefficients: np.ndarray, volumes: HeartVolumes) -> dict[str, float]:
    wall = np.argwhere(volumes.wall)[::7] * volumes.spacing_mm
    gradient = np.stack(
        [grid.at_points(coefficients, wall, derivative=order) for order in ((1, 0, 0), (0, 1, 0), (0, 0, 1))], axis=-1
    )  # (T-1, 3, P, 3)
    determinant = np.linalg.det(np.eye(3) + np.moveaxis(gradient, 2, 1))
    last = np.linalg.norm(grid.at_points(coefficients[-1], wall), axis=0)
    return {
        "jacobian_min": float(determinant.min()),
        "jacobian_p01": float(np.percentile(determinant, 1)),
        "jacobian_sd": float(determinant.std()),
        "folded_fraction": float((determinant <= 0).mean()),
        "closure_mm": float(last.mean()),
    }
