"""Short-axis cine MR of a digital heart, with the truth that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cardiolib.imaging import OURS, Cine, LabelMap
from cardiolib.printed import as_html
from cardiolib.work import DEFAULT_SEED

from . import painting
from .acquisition_settings import AcquisitionSettings
from .chest import draw_chest
from .detail import Contraction, Detail, dark_bands
from .fields import smooth_field
from .heart import PHASES, DigitalHeart
from .pose import Pose, draw_pose
from .tissue import TissueSignals


class Look(NamedTuple):
    """What one scan's pictures look like, apart from the heart; it does not move."""

    signals: TissueSignals
    noise_sd: float
    texture: NDArray[np.float32]  # (K, J, I), fine, SD 1
    islands: NDArray[np.float32]  # (K, J, I), coarse, SD 1: where the chest has which tissue
    bias: NDArray[np.float32]  # (J, I), coil sensitivity
    detail: Detail | None  # of a detailed scan
    background: NDArray[np.float32]  # (K, J, I), signal of the chest
    bands: NDArray[np.float32] | None = None  # (K, J, I), of a scan with banding


@dataclass(frozen=True, eq=False, repr=False)
class SimulatedScan:
    """A cine with its truth.

    Parameters
    ----------
    cine : Cine
        (I, J, K, T): I along columns (image right), J along rows (image down), K from apex to base. Its affine is an
        oblique, proper rotation in RAS+ mm.
    labels : LabelMap
        Scheme `OURS`, every phase, same grid.
    landmarks_world_mm : (T, 6, 3) array
        The heart's `LANDMARKS` in the world, without the slice shifts.
    heart_to_world : (4, 4) array
        Rigid: heart frame (mm) to world, without the slice shifts.
    slice_shift_mm : (K, 3) array
        Displacement of the heart in slice k along the directions of I, J, K, the same in every phase.
    phases : (T,) array
        Fractions of the cardiac cycle.
    settings : AcquisitionSettings
    pose : Pose
    look : Look
        Chest and coil, for further images of the same visit (`acquire_tagged`, `acquire_dense`).

    Notes
    -----
    A material point at heart position x (`DigitalHeart.move`) has the true world position
    ``w = heart_to_world @ (x, 1)``. Slice k shows it displaced: ``w_k = w + D @ slice_shift_mm[k]``, D being the
    (3, 3) directions of the affine (its columns divided by the spacing). So the voxel centre (i, j, k) shows the heart
    point ``inv(heart_to_world) @ (affine @ (i, j, k, 1) - D @ slice_shift_mm[k])``. Without shifts the first relation
    is all there is.
    """

    cine: Cine
    labels: LabelMap
    landmarks_world_mm: NDArray[np.float64]
    heart_to_world: NDArray[np.float64]
    slice_shift_mm: NDArray[np.float64]
    phases: NDArray[np.float64]
    settings: AcquisitionSettings
    pose: Pose
    look: Look

    def __repr__(self) -> str:
        return f"SIMULATED scan with its labels and landmarks: {self.cine!r}"

    def _repr_html_(self) -> str:
        return as_html(repr(self))

    def world_from_heart(self, xyz: ArrayLike) -> NDArray[np.float64]:
        """True world positions (..., 3) of heart points (..., 3) mm."""
        return np.asarray(xyz, float) @ self.heart_to_world[:3, :3].T + self.heart_to_world[:3, 3]

    def heart_from_world(self, xyz: ArrayLike) -> NDArray[np.float64]:
        """Heart points (..., 3) mm of true world positions (..., 3)."""
        return (np.asarray(xyz, float) - self.heart_to_world[:3, 3]) @ self.heart_to_world[:3, :3]

    def heart_from_voxel(self, ijk: ArrayLike) -> NDArray[np.float64]:
        """Heart points that are seen at voxel coordinates (..., 3), slice shifts included."""
        return self.pose.heart_from_voxel(np.asarray(ijk, float))

    def as_imaged(self, world: ArrayLike) -> NDArray[np.float64]:
        """Where true world points (..., 3) appear in the image: displaced by the shift of their nearest slice."""
        world = np.asarray(world, float)
        return world + self.pose.displacement_as_imaged(world)


def acquire(
    heart: DigitalHeart,
    settings: AcquisitionSettings | None = None,
    *,
    rng: np.random.Generator | None = None,
    phases: ArrayLike = PHASES,
) -> SimulatedScan:
    """Scan a heart: balanced steady-state short-axis cine with labels and landmarks for every phase.

    Parameters
    ----------
    heart : DigitalHeart
    settings : AcquisitionSettings, optional
        Default: `AcquisitionSettings()`.
    rng : numpy.random.Generator, optional
        Draws pose, breath holds, chest, coil, texture and noise, in this order; the pose does not depend on the
        settings' noise or contrast. By default one of a fixed seed: the same heart gives the same scan.
    phases : (T,) array_like
        Fractions of the cardiac cycle in [0, 1); 0 is end-diastole.

    Returns
    -------
    SimulatedScan

    Raises
    ------
    ValueError
        When `phases` is empty, not one-dimensional or outside [0, 1).

    Notes
    -----
    ``image = mean over sub-slices of paint * (1 + texture_sd tex) * exp(bias_sd G)``, both constant in time, with
    Rician noise ``hypot(image + sigma n1, sigma n2)``. Labels are the majority of the sub-slices. Texture, chest and
    trabeculae stay where they are while the heart moves through them.

    Examples
    --------
    >>> import cardiolib as cl
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0, 0.4])
    >>> scan.cine
    Cine(simulated 96 x 96 x 12 voxels of 1.6 x 1.6 x 10 mm, 2 frames, 438.9 ms apart)
    """
    settings = AcquisitionSettings() if settings is None else settings
    rng = np.random.default_rng(DEFAULT_SEED) if rng is None else rng
    phases = _check_phases(phases)
    pose = draw_pose(
        grid_size=settings.grid_size,
        spacing_mm=settings.spacing_mm,
        n_slices=settings.n_slices,
        slice_distance_mm=settings.slice_distance_mm,
        in_plane_shift_mm=settings.in_plane_shift_mm,
        through_plane_shift_mm=settings.through_plane_shift_mm,
        rng=rng,
    )
    look = _draw_look(settings, rng)
    image, codes = _paint_phases(heart, settings, pose, phases, look, rng)
    frame_time_ms = 60000.0 / heart.parameters.heart_rate_per_min / len(phases)
    cine = Cine(image.transpose(3, 2, 1, 0), pose.affine, frame_time_ms, simulated=True)
    landmarks = heart.landmarks(phases) @ pose.heart_to_world[:3, :3].T + pose.heart_to_world[:3, 3]
    return SimulatedScan(
        cine,
        LabelMap(codes.transpose(3, 2, 1, 0), pose.affine, OURS, simulated=True),
        landmarks,
        pose.heart_to_world,
        pose.slice_shift_mm,
        phases,
        settings,
        pose,
        look,
    )


def sample_points(
    heart: DigitalHeart, settings: AcquisitionSettings, pose: Pose, phases: NDArray, fat_mm: float = painting.FAT_MM
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    """Heart points (M, S, 3) of the S sub-slices of the M pixels near the heart, the pixels' flat index in (K, J, I),
    and (M, S) whether the heart can be there."""
    k, j, i = np.indices((settings.n_slices, settings.grid_size, settings.grid_size)).reshape(3, -1)
    centres = pose.heart_from_voxel(np.stack([i, j, k], axis=1))
    offsets = ((np.arange(settings.sub_slices) + 0.5) / settings.sub_slices - 0.5) * settings.thickness_mm
    points = np.repeat(centres[:, None], settings.sub_slices, axis=1)
    points[..., 2] += offsets  # heart and scanner share their third axis
    drawn = painting.reach_of(heart, phases, points, fat_mm=fat_mm)
    pixels = np.flatnonzero(drawn.any(axis=1))
    return points[pixels].astype(np.float32), pixels, drawn[pixels]


def rows_mm(settings: AcquisitionSettings) -> NDArray[np.float32]:
    """(J, 1) height of each row below the middle of the image."""
    n = settings.grid_size
    return (np.arange(n, dtype=np.float32)[:, None] - 0.5 * (n - 1)) * np.float32(settings.spacing_mm)


def drawing_parts(heart: DigitalHeart, settings: AcquisitionSettings, look: Look, phase: float) -> dict[str, Any]:
    """What `painting.paint` is to draw at a phase, as its keywords."""
    return {
        "pixel_mm": settings.spacing_mm,
        "papillary": settings.papillary,
        "trabeculae": settings.trabeculae,
        "atria": settings.atria,
        "detail": look.detail,
        "contraction": None if look.detail is None else Contraction.of(heart, phase),
    }


def _draw_look(settings: AcquisitionSettings, rng: np.random.Generator) -> Look:
    shape = (settings.n_slices, settings.grid_size, settings.grid_size)
    signals, sigma = TissueSignals.standard(three_tesla=settings.three_tesla), settings.noise_sd
    if settings.randomise:
        signals = signals.randomised(rng, scrambled_share=settings.scrambled_share)
        sigma *= float(np.exp(rng.uniform(np.log(0.008 / 0.015), np.log(0.05 / 0.015))))
    texture = smooth_field(shape, 0.12, rng=rng)
    islands = smooth_field(shape, 0.03, rng=rng)
    bias = np.exp(settings.bias_sd * smooth_field(shape[1:], 0.012, rng=rng))
    background = painting.draw_surroundings(rows_mm(settings), texture, islands, signals).background
    detail = None
    if settings.detailed:
        voxel_mm = (settings.slice_distance_mm, settings.spacing_mm, settings.spacing_mm)
        detail = Detail.draw(shape, rng)
        background = draw_chest(background, signals, voxel_mm, rng)
    bands = dark_bands(shape, settings.banding, rng) if settings.banding > 0 else None
    return Look(signals, sigma, texture, islands, bias, detail, background, bands)


def _paint_phases(
    heart: DigitalHeart,
    settings: AcquisitionSettings,
    pose: Pose,
    phases: NDArray,
    look: Look,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Grey values and codes (T, K, J, I). Everything that does not move is made once."""
    detail, sigma = look.detail, look.noise_sd
    chest = painting.draw_surroundings(rows_mm(settings), look.texture, look.islands, look.signals)
    chest = chest._replace(background=look.background)
    gain, fat_mm = (1.0 + settings.texture_sd * look.texture) * look.bias, painting.FAT_MM
    if detail is not None:
        chest, gain, fat_mm = chest._replace(flow=detail.flow), gain * detail.gain, detail.fat_mm
    if look.bands is not None:
        gain = gain * look.bands

    points, pixels, drawn = sample_points(heart, settings, pose, phases, fat_mm)
    near = painting.Surroundings(*(array.reshape(-1)[pixels][:, None] for array in chest))
    image = np.repeat(chest.background[None], len(phases), axis=0)
    codes = np.zeros(image.shape, np.uint8)
    for t, phase in enumerate(phases):
        grey, found = _paint_phase(heart, settings, points, near, look, drawn, float(phase))
        image[t].reshape(-1)[pixels], codes[t].reshape(-1)[pixels] = grey, found
    image *= gain
    if sigma > 0:
        image += sigma * rng.standard_normal(image.shape, dtype=np.float32)
        image = np.hypot(image, sigma * rng.standard_normal(image.shape, dtype=np.float32))
    return image, codes


def _paint_phase(
    heart: DigitalHeart,
    settings: AcquisitionSettings,
    points: NDArray[np.float32],
    near: painting.Surroundings,
    look: Look,
    drawn: NDArray[np.bool_],
    phase: float,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Grey values and codes (M,) of the pixels near the heart at one phase."""
    drawing = {"drawn": drawn, "length_mm": heart.parameters.length_mm}
    at = heart.locate(points, phase)
    grey = painting.paint(at, near, look.signals, **drawing_parts(heart, settings, look, phase), **drawing)
    codes = painting.label(at, exclude_outflow=settings.exclude_outflow, **drawing)
    if look.detail is not None:
        look.detail.traced(codes, at, Contraction.of(heart, phase), length_mm=heart.parameters.length_mm)
        later = (phase + look.detail.blur) % 1.0
        moved = heart.locate(points, later)
        late = painting.paint(moved, near, look.signals, **drawing_parts(heart, settings, look, later), **drawing)
        grey = 0.5 * (grey + late)
    return grey.mean(axis=1), painting.majority(codes)


def _check_phases(phases: ArrayLike) -> NDArray[np.float64]:
    phases = np.asarray(phases, float)
    if phases.ndim != 1 or not phases.size or not ((phases >= 0) & (phases < 1)).all():
        raise ValueError(f"phases must be a list of fractions of the cardiac cycle in [0, 1), got {phases!r}")
    return phases
