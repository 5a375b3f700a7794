"""Painting one heart phase: grey values and labels of the sample points of a stack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from .anatomy import Bearing, wrap
from .detail import Contraction, Detail
from .heart import DigitalHeart
from .location import RV_CAVITY, RV_WALL, Located
from .tissue import TissueSignals

Array = NDArray[np.float32]

FAT_MM = 4.0  # epicardial fat
PAPILLARY_MM = 3.6  # radius of a papillary muscle
PAPILLARY_ANGLES = (0.75, -0.9)
_FAT_SIGNAL = 0.8  # of thin fat, relative to that of the chest
_MARGIN_MM = 3.0  # on the heart's reach: what its sampling may miss


class Shares(NamedTuple):
    """How much of each kind of tissue a sample shows; every array has the shape (M, S)."""

    muscle: Array
    blood: Array
    fat: Array
    surroundings: Array


class Surroundings(NamedTuple):
    """What does not move, at the pixels of a stack; every array has the same shape."""

    background: Array  # signal without the heart
    fatty: NDArray[np.bool_]  # where epicardial fat may lie
    texture: Array  # SD 1
    flow: Array  # factor on the signal of blood


def draw_surroundings(rows_mm: Array, texture: Array, islands: Array, signals: TissueSignals) -> Surroundings:
    """Chest around the heart: fat, lung, muscle, and liver below.

    Parameters
    ----------
    rows_mm : (J, 1) array
        Height of each row below the middle of the image.
    texture, islands : (K, J, I) arrays
        Fine and coarse random fields of SD 1.
    signals : TissueSignals
    """
    tissue = np.where(islands > 0.9, signals.fat, np.where(islands < -0.2, signals.lung, signals.muscle))
    low = np.arange(len(islands))[:, None, None] < 0.7 * len(islands)
    tissue = np.where(low & (rows_mm > 35.0 + 8.0 * islands), signals.liver, tissue)
    background = np.maximum(tissue + 0.06 * texture, 0.0).astype(np.float32)  # a magnitude is not negative
    return Surroundings(background, islands > -0.6, texture, np.ones_like(background))


def reach_of(
    heart: DigitalHeart, phases: NDArray[np.float64], points: NDArray[np.float64], *, fat_mm: float = FAT_MM
) -> NDArray[np.bool_]:
    """Which points (..., 3) of the heart frame the heart or its fat may cover in any of the phases.

    The outer surfaces are sampled and their farthest radius is kept per bin of height and angle: a cheap bound that
    spares most of an image the full computation.
    """
    height_bins, angle_bins, top = 16, 48, top_mm(heart)
    samples = np.concatenate([surface.reshape(-1, 3) for surface in _outer_surfaces(heart, phases)])
    farthest = np.zeros((height_bins, angle_bins))
    level, angle = _bins(samples, top, farthest.shape)
    np.maximum.at(farthest, (level, angle), np.hypot(samples[:, 0], samples[:, 1]))
    farthest = maximum_filter(farthest, size=3, mode=("nearest", "wrap"))
    level, angle = _bins(points, top, farthest.shape)
    near = np.hypot(points[..., 0], points[..., 1]) < farthest[level, angle] + fat_mm + _MARGIN_MM
    return near & (points[..., 2] > 0.0) & (points[..., 2] < top)


def top_mm(heart: DigitalHeart) -> float:
    """Height above which no heart is drawn."""
    return heart.parameters.length_mm + heart.parameters.outflow_mm + 4.0


def paint(
    at: Located,
    surroundings: Surroundings,
    signals: TissueSignals,
    *,
    drawn: NDArray[np.bool_],
    pixel_mm: float,
    length_mm: float,
    papillary: bool,
    trabeculae: bool,
    atria: bool,
    detail: Detail | None = None,
    contraction: Contraction | None = None,
) -> Array:
    """Grey values at located points, from the outside inwards; edges are one pixel soft.

    Parameters
    ----------
    at : Located
        Arrays of shape (M, S): M pixels, S sub-slices.
    surroundings : Surroundings
        Arrays of shape (M, 1).
    signals : TissueSignals
    drawn : (M, S) bool array
        False where only the surroundings are seen (below the apex, far above the base).
    pixel_mm : float
        Width of the soft edges.
    length_mm : float
        Apex to base [L].
    papillary, trabeculae, atria : bool
        Draw these.
    detail : Detail, optional
        What takes the place of the plain papillary muscles, trabeculae, atrium and fat; needs `contraction`.
    contraction : Contraction, optional
        State of the heart at this phase.

    Returns
    -------
    (M, S) float32 array
    """

    def inside(radius: Array) -> Array:
        return np.clip(0.5 + (radius - at.r) / np.float32(pixel_mm), 0.0, 1.0)

    muscle, blood = np.float32(signals.myocardium), np.float32(signals.blood)
    fat_mm = FAT_MM if detail is None else detail.fat_mm
    lv_endo = inside(at.r_lv_endo) * at.has_cavity
    lv_epi = np.maximum(inside(at.r_lv_epi), lv_endo)
    rv_endo = np.maximum(inside(at.r_rv_endo), lv_epi)
    rv_epi = np.maximum(inside(at.r_rv_epi), rv_endo)
    fat = inside(at.r_rv_epi + np.float32(fat_mm)) * surroundings.fatty
    if detail is None:
        lv_blood = _with_papillaries(at, blood, muscle, pixel_mm, length_mm) if papillary else blood
        rv_blood = _with_trabeculae(at, surroundings.texture, blood, muscle) if trabeculae else blood
    else:
        blood = blood * surroundings.flow
        grid = {"pixel_mm": pixel_mm, "length_mm": length_mm}
        lv_blood = _over(blood, muscle, detail.lv_muscle(at, contraction, **grid))
        rv_blood = _over(blood, muscle, detail.rv_muscle(at, contraction, **grid))

    image = _over(surroundings.background, np.float32(_FAT_SIGNAL * signals.fat), fat)
    image = _over(image, muscle, rv_epi)
    image = _over(image, rv_blood, rv_endo - lv_epi)
    image = _over(image, muscle, lv_epi)
    image = _over(image, lv_blood, lv_endo)
    if atria and detail is not None:
        blood_above, wall_above = (np.where(at.below_base, 0.0, part) for part in detail.base(at, pixel_mm=pixel_mm))
        above = ~at.below_base & (at.r < at.r_lv_epi)
        image = np.where(above, surroundings.background, image)
        image = _over(_over(image, muscle, wall_above), np.float32(0.95) * blood, blood_above)
    elif atria:
        image = np.where(~at.below_base & (at.r < at.r_lv_epi - 2.0), np.float32(0.95) * blood, image)
    return np.where(drawn, image, surroundings.background)


def shares(at: Located, surroundings: Surroundings, **how: Any) -> Shares:
    """What each located point shows; takes the keywords of `paint`.

    The grey value is a sum of tissues' signals with these shares, so a heart that is painted with one tissue of signal
    1 and all others 0 gives the share of that tissue.
    """
    dark = surroundings._replace(background=np.zeros_like(surroundings.background))
    light = surroundings._replace(background=np.ones_like(surroundings.background))
    none = TissueSignals(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return Shares(
        paint(at, dark, replace(none, myocardium=1.0), **how),
        paint(at, dark, replace(none, blood=1.0), **how),
        paint(at, dark, replace(none, fat=1.0 / _FAT_SIGNAL), **how),
        paint(at, light, none, **how),
    )


def label(at: Located, *, drawn: NDArray[np.bool_], length_mm: float, exclude_outflow: bool) -> NDArray[np.uint8]:
    """(M, S) codes of `imaging.OURS` at located points.

    `exclude_outflow` takes the part of the right ventricle above the LV base plane (the infundibulum) out of the
    labels, as ACDC's convention does; the image shows it all the same.
    """
    codes = np.where(drawn, at.label, np.uint8(0))
    if exclude_outflow:
        right = (codes == RV_WALL) | (codes == RV_CAVITY)
        codes[right & (at.Z_right >= length_mm)] = 0
    return codes


def majority(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(M,) most frequent code of (M, S) codes; a tie goes to the middle sub-slice if it is in it, else to the
    smallest code."""
    middle = codes.shape[1] // 2
    winner = codes[:, middle].copy()
    mixed = np.flatnonzero((codes != winner[:, None]).any(axis=1))  # few: most pixels are unanimous
    split = codes[mixed]
    # Half a vote more for the middle settles a tie and never overrules a majority.
    votes = np.stack([2 * (split == c).sum(axis=1) + (split[:, middle] == c) for c in range(RV_CAVITY + 1)], axis=1)
    winner[mixed] = votes.argmax(axis=1)
    return winner


def _over(below: Array, above: Array | np.float32, cover: Array) -> Array:
    return below + (above - below) * cover


def _with_papillaries(at: Located, blood: np.float32, muscle: np.float32, pixel_mm: float, length_mm: float) -> Array:
    """LV blood with two muscle columns between 0.3 L and 0.68 L; they turn and shrink with the wall."""
    signal = np.full(at.r.shape, blood, np.float32)
    level = at.Z_left / np.float32(length_mm)
    where = (level > 0.3) & (level < 0.68) & (at.r < at.r_lv_endo + np.float32(pixel_mm))
    r, angle, centre = at.r[where], at.Th[where], np.float32(0.62) * at.r_lv_endo[where]
    cover = np.zeros_like(r)
    for direction in PAPILLARY_ANGLES:
        squared = r * r + centre * centre - 2.0 * r * centre * np.cos(angle - np.float32(direction))
        distance = np.sqrt(np.maximum(squared, 0.0))
        cover = np.maximum(cover, np.clip(0.5 + (PAPILLARY_MM - distance) / np.float32(pixel_mm), 0.0, 1.0))
    signal[where] = _over(blood, muscle, cover)
    return signal


def _with_trabeculae(at: Located, texture: Array, blood: np.float32, muscle: np.float32) -> Array:
    """RV blood with strands of muscle towards the free wall."""
    cover = np.clip(1.5 * (texture - 1.1), 0.0, 0.7) * (at.r > np.float32(0.6) * at.r_rv_endo)
    return _over(blood, muscle, cover)


def _outer_surfaces(heart: DigitalHeart, phases: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Positions of the LV epicardium and of the RV epicardium, also above their bases."""
    anatomy, p = heart.motion.anatomy, heart.parameters
    heights = np.linspace(0.5, top_mm(heart) + 1.2 * max(p.tapse_mm, p.mapse_mm), 64)
    angles = np.linspace(0.0, 2.0 * np.pi, 72, endpoint=False)
    angle, height = (grid.ravel() for grid in np.meshgrid(angles, heights, indexing="ij"))
    bearing = Bearing.of(wrap(angle - np.pi))
    epi = anatomy.left(bearing, height).epi
    rv_epi = anatomy.right(bearing, height, epi)[1]
    return (
        heart.move(epi, angle, height, phases, sheet="lv"),
        heart.move(rv_epi, angle, height, phases, sheet="rv"),
    )


def _bins(points: NDArray[np.float64], top: float, shape: tuple[int, int]) -> tuple[NDArray, NDArray]:
    level = np.clip((points[..., 2] / top * shape[0]).astype(int), 0, shape[0] - 1)
    turn = np.arctan2(points[..., 1], points[..., 0]) / (2.0 * np.pi) + 0.5
    return level, (turn * shape[1]).astype(int) % shape[1]
