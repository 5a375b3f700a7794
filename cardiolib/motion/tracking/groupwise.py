"""Tracking all frames of a cine at once: B-splines in space times a periodic basis in time.

The displacement from end-diastole vanishes there and closes the cycle by construction, so nothing drifts. Images
are compared with the end-diastolic one in and just around the heart; what thick slices hide is decided by
physics (the myocardium is nearly incompressible) and, unless `prior` is "none", by what a population of hearts does
whose contours are the same: the search starts from that motion and is held to it, loosely in the plane of the slices
and closely across them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from cardiolib.imaging import Cine, LabelMap, voxel_from_world
from cardiolib.motion.tracking.bspline import BendingEnergy, SplineGrid
from cardiolib.motion.tracking.field import MotionField
from cardiolib.motion.tracking.objective import (
    JACOBIAN_LATTICE,
    Lattice,
    SplineValues,
    charbonnier,
    determinants,
    sample_volumes,
    strides,
    volume_penalty,
    voxel_centres,
)
from cardiolib.motion.tracking.population import PopulationMotion, fit_population
from cardiolib.motion.tracking.published import track_published
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.motion.tracking.temporal import HarmonicBasis, LinearBasis
from cardiolib.motion.tracking.volumes import (
    CONTOURS,
    HeartVolumes,
    check_pair,
    contrast_to_noise,
    end_diastole,
    prepare_volumes,
)

BENDING_UNIT = 100.0
"""Bending energy is counted in (cm^-1)^2, which makes a weight near 1 the useful one."""

PRIOR_WEIGHT = 0.03
"""Of the squared departure from the population's motion, beside image differences of a few hundredths."""

HALF_TRUSTED = 1.0
"""Contrast-to-noise ratio of blood and myocardium at which intensities, and the contour between the two, count half
beside the population's motion. (Cines have 2 to 4: texture and papillary muscles are part of the noise. Where both
tissues are equally bright, normalised intensities are noise and contours a guess.)"""

WALL_STIFFNESS = 12.0
"""Incompressibility of the LV wall times the setting, where the start is the population's motion (it keeps volume)."""

Watch = Callable[[tuple[SplineGrid, ...], list[torch.Tensor]], None]
"""Is shown the splines before every iteration, and once after the last."""

BETAS = (0.8, 0.95)
"""Of Adam: short memories, because the lattice changes at every step and there are few steps."""


def track(
    cine: Cine,
    labels: LabelMap,
    settings: TrackingSettings | None = None,
    *,
    generator: torch.Generator,
    ed_frame: int | None = None,
    watch: Watch | None = None,
) -> MotionField:
    """Find the motion of the heart through a cine.

    Parameters
    ----------
    cine : Cine
        One cardiac cycle in T >= 2 frames, K >= 3 slices. Frames are taken to be evenly spaced and to close the cycle;
        with two frames (ED and ES alone) the second is registered to the first and nothing is periodic.
    labels : LabelMap
        Segmentation of every frame on the same grid, any scheme with lv_cavity, lv_wall and rv_cavity.
    settings : TrackingSettings, optional
    generator : torch.Generator
        Places the random lattices; the same state gives the same field.
    ed_frame : int, optional
        By default frame 0 unless another LV volume is more than 3 % larger.
    watch : callable, optional
        Of the group-wise tracker: is shown its splines as they change, see `cardiolib.motion.tracking.watched`.

    Returns
    -------
    MotionField

    Raises
    ------
    ValueError
        When cine and labels do not belong together or are too small to be tracked.
    """
    settings = TrackingSettings() if settings is None else settings
    check_pair(cine, labels)
    ed = end_diastole(labels) if ed_frame is None else ed_frame
    if not 0 <= ed < cine.n_frames:
        raise ValueError(f"ed_frame lies in 0..{cine.n_frames - 1}; given {ed}")
    if settings.method == "published":
        return track_published(prepare_volumes(cine, labels, settings, ed_frame=ed), settings, generator=generator)
    population = shift = None
    if settings.prior == "population":
        shift = None if settings.correct_shifts else np.zeros((cine.shape[2], 2))
        trust = _trust(contrast_to_noise(cine, labels))
        population = fit_population(labels, ed_frame=ed, slice_shift_mm=shift, trust=trust)
        shift = population.fitted.slice_shift_mm
    volumes = prepare_volumes(cine, labels, settings, ed_frame=ed, slice_shift_mm=shift)
    return track_groupwise(volumes, settings, generator=generator, population=population, watch=watch)


def track_groupwise(
    volumes: HeartVolumes,
    settings: TrackingSettings,
    *,
    generator: torch.Generator,
    population: PopulationMotion | None = None,
    watch: Watch | None = None,
) -> MotionField:
    """The group-wise tracker on prepared volumes; see `track`."""
    time, phases = time_basis(volumes.phases, settings)
    problem = _Problem.of(volumes, settings, time, population)
    levels = (
        (settings.coarse_mm, settings.coarse_iterations, settings.coarse_step_mm),
        (settings.fine_mm, settings.fine_iterations, settings.fine_step_mm),
    )
    history: list[float] = []
    if population is None:
        grids: tuple[SplineGrid, ...] = ()
        coefficients: list[torch.Tensor] = []
        for spacing_mm, iterations, step_mm in levels:
            if iterations == 0:
                continue
            grid = SplineGrid.covering(volumes.low_mm, volumes.high_mm, spacing_mm)
            grids = (*grids, grid)
            coefficients.append(torch.zeros(time.size, 3, *grid.shape))
            start = [torch.zeros_like(part) for part in coefficients]
            history += _descend(problem, grids, coefficients, start, iterations, step_mm, generator, watch=watch)
    else:
        grids, coefficients = _as_splines(population, volumes, time, [spacing for spacing, _, _ in levels])
        start = [part.clone() for part in coefficients]
        number, step_mm = settings.prior_iterations, settings.fine_step_mm
        history = _descend(problem, grids, coefficients, start, number, step_mm, generator, held=True, watch=watch)
    if watch is not None:
        watch(grids, coefficients)
    arrays = tuple(values.detach().numpy().astype(np.float64) for values in coefficients)
    return MotionField(
        grids,
        arrays,
        time,
        volumes.local_to_world,
        phases,
        volumes.ed_frame,
        volumes.slice_shift_mm,
        tuple(history),
        _own_measures(problem, grids, coefficients, volumes),
    )


def _as_splines(
    population: PopulationMotion, volumes: HeartVolumes, time: HarmonicBasis | LinearBasis, spacings_mm: list[float]
) -> tuple[tuple[SplineGrid, ...], list[torch.Tensor]]:
    """The population's motion in the tracker's own terms: each finer level takes what the coarser ones leave."""
    local = voxel_from_world(volumes.local_to_world, population.with_midwall())
    displacement = (local[1:] - local[:1]).reshape(len(local) - 1, -1)
    values = time.values(population.phases[1:] if len(local) > 2 else np.array([0.5]))
    left = np.linalg.lstsq(values, displacement, rcond=None)[0].reshape(time.size, -1, 3).transpose(0, 2, 1)
    low = np.minimum(volumes.low_mm, local[0].min(axis=0) - 1)
    high = np.maximum(volumes.high_mm, local[0].max(axis=0) + 1)
    grids, coefficients = [], []
    for spacing_mm in spacings_mm:
        grid = SplineGrid.covering(low, high, spacing_mm)
        found = grid.fitted_to(left, local[0])
        left = left - grid.at_points(found, local[0])
        grids.append(grid)
        coefficients.append(torch.from_numpy(found).float())
    return tuple(grids), coefficients


def time_basis(phases: np.ndarray, settings: TrackingSettings) -> tuple[HarmonicBasis | LinearBasis, np.ndarray]:
    """Basis in time for frames at these phases, and the phases at which the result is wanted."""
    if len(phases) == 2:
        return LinearBasis((0.5,)), np.array([0.0, 0.5])
    harmonics = min(settings.harmonics, (len(phases) - 1) // 2)
    return HarmonicBasis(harmonics), np.arange(settings.phases) / settings.phases


@dataclass(frozen=True, eq=False)
class _Problem:
    volumes: HeartVolumes
    settings: TrackingSettings
    reference: torch.Tensor  # (C, X, Y, Z) at ED
    moving: torch.Tensor  # (T-1, C, X, Y, Z)
    time: torch.Tensor  # (T-1, M)
    time_gram: torch.Tensor  # (M, M)
    channel_weight: torch.Tensor  # (C, 1)
    held: bool  # to the population's motion
    loosened: float  # by what the prior's weights are divided: a strange heart is held less

    @classmethod
    def of(
        cls,
        volumes: HeartVolumes,
        settings: TrackingSettings,
        basis: HarmonicBasis | LinearBasis,
        population: PopulationMotion | None,
    ) -> _Problem:
        channels = torch.from_numpy(volumes.channels)
        if settings.label_weight == 0:
            channels = channels[:, :1].contiguous()
        weight = torch.full((channels.shape[1], 1), settings.label_weight / 3)
        weight[0] = 1.0
        if population is not None:
            # what intensities show is the border of blood and muscle, as the endocardium's contour does
            trust = [population.trust.get(name, 1.0) for name in ("lv_endo", *CONTOURS)]
            weight *= torch.tensor(trust)[: len(weight), None]
        time = torch.from_numpy(basis.values(volumes.phases[1:])).float()
        return cls(
            volumes,
            settings,
            channels[0],
            channels[1:],
            time,
            time.T @ time / len(time),
            weight,
            held=population is not None,
            loosened=1.0 if population is None else population.strangeness**2,
        )


def _trust(contrast_to_noise: float) -> dict[str, float]:
    """How much each contour counts, 0 to 1, given the contrast of blood and myocardium.

    Of the LV's epicardium and the RV's endocardium a part borders on lung, fat or the other tissue: they suffer less.
    """
    endocardium = 1 / (1 + (HALF_TRUSTED / max(contrast_to_noise, 1e-6)) ** 2)
    return {name: endocardium if name == "lv_endo" else endocardium**0.5 for name in CONTOURS}


def _descend(
    problem: _Problem,
    grids: tuple[SplineGrid, ...],
    coefficients: list[torch.Tensor],
    start: list[torch.Tensor],
    iterations: int,
    step_mm: float,
    generator: torch.Generator,
    *,
    held: bool = False,
    watch: Watch | None = None,
) -> list[float]:
    """Adam with cosine decay on all levels so far; changes `coefficients` in place.

    The departure from `start` is kept smooth, and when `held` also small (see `_departure`).
    """
    values, bending = SplineValues(grids, problem.volumes), BendingEnergy(grids)
    for part in coefficients:
        part.requires_grad_(True)
    optimiser = torch.optim.Adam(coefficients, lr=step_mm, betas=BETAS)
    stride, history = strides(problem.volumes, problem.settings), []
    for iteration in range(iterations):
        if watch is not None:
            watch(grids, coefficients)
        optimiser.param_groups[0]["lr"] = step_mm * (0.05 + 0.475 * (1 + math.cos(math.pi * iteration / iterations)))
        optimiser.zero_grad(set_to_none=True)
        lattice = Lattice.draw(problem.volumes.mask, stride, generator)
        loss = _mismatch(problem, values, coefficients, lattice)
        departure = [part - first for part, first in zip(coefficients, start, strict=True)]
        smooth = bending(departure, problem.time_gram)
        loss = loss + problem.settings.bending * BENDING_UNIT / problem.loosened * smooth
        wider = tuple(JACOBIAN_LATTICE * step for step in stride)
        lattice = Lattice.draw(problem.volumes.wall, wider, generator)
        determinant = _determinant(problem, values, coefficients, lattice)
        loss = loss + volume_penalty(determinant, _stiffness(problem, lattice))
        if held:
            loss = loss + _departure(problem, values, departure, lattice)
        loss.backward()
        optimiser.step()
        history.append(float(loss.detach()))
    for part in coefficients:
        part.requires_grad_(False)
    return history


def _mismatch(
    problem: _Problem, values: SplineValues, coefficients: list[torch.Tensor], lattice: Lattice
) -> torch.Tensor:
    displacement = torch.tensordot(problem.time, values.at(coefficients, lattice), dims=1)  # (T-1, 3, P)
    points = voxel_centres(lattice, problem.volumes.spacing_mm) + displacement.transpose(1, 2)
    moved = sample_volumes(problem.moving, points, problem.volumes.spacing_mm)  # (T-1, C, P)
    x, y, z = (torch.from_numpy(index) for index in lattice.axes)
    still = problem.reference[:, x][:, :, y][:, :, :, z].flatten(1)[:, lattice.used]
    return (problem.channel_weight * charbonnier(moved - still, problem.settings.robust_scale)).mean(dim=(0, 2)).sum()


def _stiffness(problem: _Problem, lattice: Lattice) -> torch.Tensor:
    """(P,) weight of the volume penalty: of the LV's wall alone.

    The RV's wall is thinner than a voxel. A ring about its cavity is mostly lung, fat and liver, and whoever keeps the
    ring's volume keeps the cavity from contracting.
    """
    x, y, z = lattice.axes
    lv_wall = torch.from_numpy(problem.volumes.lv_wall[np.ix_(x, y, z)].ravel())[lattice.used]
    stiffness = WALL_STIFFNESS / problem.loosened if problem.held else 1.0
    return problem.settings.incompressibility * stiffness * lv_wall


def _departure(
    problem: _Problem, values: SplineValues, departure: list[torch.Tensor], lattice: Lattice
) -> torch.Tensor:
    """Mean square of the departure from the population's motion, in units of how far it may go."""
    settings = problem.settings
    away = torch.tensordot(problem.time, values.at(departure, lattice), dims=1)  # (T-1, 3, P)
    reach = torch.tensor([settings.prior_in_plane_mm, settings.prior_in_plane_mm, settings.prior_through_plane_mm])
    return PRIOR_WEIGHT / problem.loosened * ((away / reach[:, None]) ** 2).mean(dim=(0, 2)).sum()


def _determinant(
    problem: _Problem, values: SplineValues, coefficients: list[torch.Tensor], lattice: Lattice
) -> torch.Tensor:
    return determinants(torch.tensordot(problem.time, values.gradient(coefficients, lattice), dims=1))


def _own_measures(
    problem: _Problem, grids: tuple[SplineGrid, ...], coefficients: list[torch.Tensor], volumes: HeartVolumes
) -> dict[str, float]:
    """Least and spread of the volume ratio in the wall over all frames, on every second voxel."""
    still = Lattice.draw(volumes.wall, (2, 2, 1), torch.Generator().manual_seed(0))
    values = SplineValues(grids, volumes)
    determinant = _determinant(problem, values, coefficients, still).numpy()
    return {
        "jacobian_min": float(determinant.min()),
        "jacobian_p01": float(np.percentile(determinant, 1)),
        "jacobian_sd": float(determinant.std()),
        "folded_fraction": float((determinant <= 0).mean()),
        "closure_mm": 0.0,
    }
