"""What real cines show and the plain scan lacks: drawn anew for every scan, so that a network does not learn one look.

Trabeculae and papillary muscles of every size, a layer of fat that may be thick, blood whose signal flow disturbs, dark
bands off resonance, an atrium and an aortic root of varying size; the chest is in `chest`. None of it is measured on a
patient: the ranges are wide on purpose (domain randomisation, see `segmentation.randomise`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from .chest import soft
from .fields import smooth_field
from .heart import DigitalHeart
from .location import LV_CAVITY, LV_WALL, RV_CAVITY, RV_WALL, Located

Array = NDArray[np.float32]

_MAP = (96, 24)  # angles and heights of the maps on the heart
_TRACED_SHARE = 0.8
"""Of the mean depth of pressed trabeculae, what a reader's contour leaves to the wall at end-systole."""

_LEFT_OPEN = 0.35
"""Of the width of a cavity, what stays cavity however deep the pressed layer is."""


@dataclass(frozen=True)
class Column:
    """A papillary muscle, or a moderator band: a round column of muscle along the axis.

    Attributes
    ----------
    angle_rad : float
        Material angle about the LV's axis.
    place : float
        Distance of its middle from the axis, as a share of the endocardial radius.
    radius_mm : float
    low, high : float
        Heights between which it stands, as shares of the LV's length.
    """

    angle_rad: float
    place: float
    radius_mm: float
    low: float
    high: float


class Contraction(NamedTuple):
    """What a phase does to what stands in the LV cavity.

    Attributes
    ----------
    pressed : float
        Contraction of the LV, 0 at end-diastole to 1.
    crowding : float
        How much narrower the cavity is than at end-diastole (ratio of radii): trabeculae keep their cross-section.
    """

    pressed: float
    crowding: float

    @classmethod
    def of(cls, heart: DigitalHeart, phase: float) -> Contraction:
        """A heart's state at a phase of the cardiac cycle."""
        volume = heart.volumes_ml([0.0, phase])["lv_cavity"]
        return cls(float(heart.motion.phase(phase).c_left), float(np.sqrt(volume[0] / volume[1])))


@dataclass(frozen=True, eq=False)
class Detail:
    """One scan's draw.

    Attributes
    ----------
    lv_trabeculae_mm, rv_trabeculae_mm : (96, 24) array
        Depth of the trabecular layer at end-diastole by material angle and height.
    lv_mean_mm, rv_mean_mm : float
        Mean depth of the layers at mid-height.
    opacity : float
        How much of the layer's signal is muscle at end-diastole; at end-systole the trabeculae are pressed together and
        all of it is.
    columns : tuple of Column
    fat_mm : float
    atrium : (3,) array
        Size of the atrium as a share of the LV's outer radius, and its offset (x, y) as shares of it.
    root : (3,) array
        Radius of the aortic root (mm), its distance from the axis (share of the radius) and its angle.
    blur : float
        Share of the cardiac cycle that a frame takes; the heart moves meanwhile.
    gain : (K, J, I) array
        Factor on the whole image: dark bands off resonance.
    flow : (K, J, I) array
        Factor on the signal of blood: slow flow and jets darken it.
    """

    lv_trabeculae_mm: Array
    rv_trabeculae_mm: Array
    lv_mean_mm: float
    rv_mean_mm: float
    opacity: float
    columns: tuple[Column, ...]
    fat_mm: float
    atrium: NDArray[np.float64]
    root: NDArray[np.float64]
    blur: float
    gain: Array
    flow: Array

    @classmethod
    def draw(cls, shape: tuple[int, int, int], rng: np.random.Generator) -> Detail:
        """Draw what one scan of (K, J, I) voxels shows."""
        lv_mean, rv_mean = rng.uniform(0.2, 2.0), rng.uniform(0.3, 3.0)
        return cls(
            _fingers(lv_mean, rng),
            _fingers(rv_mean, rng),
            lv_mean,
            rv_mean,
            float(rng.uniform(0.35, 0.9)),
            _draw_columns(rng),
            float(rng.uniform(0.0, 8.0)),
            np.array([rng.uniform(0.6, 1.05), *rng.normal(0.0, 0.12, 2)]),
            np.array([rng.uniform(8.0, 16.0), rng.uniform(0.5, 1.1), rng.normal(np.pi + 0.6, 0.3)]),
            float(rng.uniform(0.0, 0.06)),
            _draw_gain(shape, rng),
            _draw_flow(shape, rng),
        )

    def lv_muscle(self, at: Located, contraction: Contraction, *, pixel_mm: float, length_mm: float) -> Array:
        """(M, S) share of muscle inside the LV cavity: trabeculae and columns."""
        pressed, crowding = contraction
        depth = crowding * _at(self.lv_trabeculae_mm, at.Th, at.Z_left / np.float32(length_mm))
        opacity = np.float32(self.opacity + (1.0 - self.opacity) * pressed)
        cover = opacity * soft(at.r - (at.r_lv_endo - depth), pixel_mm)
        level = at.Z_left / np.float32(length_mm)
        for column in self.columns:
            here = (level > column.low) & (level < column.high) & (at.r < at.r_lv_endo + np.float32(pixel_mm))
            r, centre = at.r[here], np.float32(column.place) * at.r_lv_endo[here]
            squared = r * r + centre * centre - 2.0 * r * centre * np.cos(at.Th[here] - np.float32(column.angle_rad))
            inside = soft(column.radius_mm - np.sqrt(np.maximum(squared, 0.0)), pixel_mm)
            cover[here] = np.maximum(cover[here], inside)
        return cover

    def rv_muscle(self, at: Located, contraction: Contraction, *, pixel_mm: float, length_mm: float) -> Array:
        """(M, S) share of muscle inside the RV cavity: trabeculae of the free wall."""
        pressed = contraction.pressed
        depth = (1.0 + pressed) * _at(self.rv_trabeculae_mm, at.Th, at.Z_right / np.float32(length_mm))
        opacity = np.float32(0.8 * (self.opacity + (1.0 - self.opacity) * pressed))
        return opacity * soft(at.r - (at.r_rv_endo - depth), pixel_mm)

    def traced(self, codes: NDArray[np.uint8], at: Located, contraction: Contraction, *, length_mm: float) -> None:
        """Change labels in place to what a reader traces: pressed trabeculae count as wall, in both ventricles."""
        pressed, crowding = contraction
        left = _TRACED_SHARE * pressed * crowding * self.lv_mean_mm * _profile(at.Z_left / length_mm)
        codes[(codes == LV_CAVITY) & (at.r > np.maximum(at.r_lv_endo - left, _LEFT_OPEN * at.r_lv_endo))] = LV_WALL
        right = _TRACED_SHARE * pressed * (1.0 + pressed) * self.rv_mean_mm * _profile(at.Z_right / length_mm)
        open_mm = _LEFT_OPEN * (at.r_rv_endo - at.r_lv_epi)
        codes[(codes == RV_CAVITY) & (at.r > np.maximum(at.r_rv_endo - right, at.r_lv_epi + open_mm))] = RV_WALL

    def base(self, at: Located, *, pixel_mm: float) -> tuple[Array, Array]:
        """Above the LV's base: (M, S) shares of blood (atrium and aortic root) and of a thin wall about them."""
        size, x, y = self.atrium
        radius = np.float32(size) * at.r_lv_epi - 2.0
        across, up = at.r * np.cos(at.Th), at.r * np.sin(at.Th)
        atrium = radius - np.hypot(across - x * at.r_lv_epi, up - y * at.r_lv_epi)
        root_mm, place, angle = self.root
        reach = np.float32(place) * at.r_lv_epi
        root = root_mm - np.hypot(across - reach * np.cos(angle), up - reach * np.sin(angle))
        nearest = np.maximum(atrium, root)
        return soft(nearest, pixel_mm), soft(nearest + 2.0, pixel_mm)


def _draw_gain(shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
    """Dark bands, in a third of the scans."""
    gain = np.ones(shape, np.float32)
    if rng.random() < 1 / 3:
        course = 1.2 * smooth_field(shape, 0.01, rng=rng)  # the phase of the off-resonance, in turns of the band
        gain -= np.float32(rng.uniform(0.2, 0.7)) * np.exp(-(((course - rng.normal()) / 0.2) ** 2))
    return gain


def dark_bands(shape: tuple[int, int, int], depth: float, rng: np.random.Generator) -> Array:
    """Factor (K, J, I) on the image of one scan with a dark band of a given depth, where the field is off resonance."""
    course = 1.2 * smooth_field(shape, 0.01, rng=rng)
    return 1.0 - np.float32(depth) * np.exp(-(((course - np.float32(rng.normal())) / np.float32(0.2)) ** 2))


def _draw_flow(shape: tuple[int, int, int], rng: np.random.Generator) -> Array:
    field = smooth_field(shape, 0.04, rng=rng)
    return np.clip(1.0 - np.float32(rng.uniform(0.0, 0.25)) * np.maximum(field, 0.0), 0.3, 1.0)


def _draw_columns(rng: np.random.Generator) -> tuple[Column, ...]:
    columns = []
    for direction in (0.75, -0.9):
        for _ in range(rng.integers(1, 3)):
            angle, place = direction + rng.normal(0.0, 0.3), rng.uniform(0.5, 0.85)
            low, tall = rng.uniform(0.15, 0.4), rng.uniform(0.2, 0.45)
            columns.append(Column(angle, place, float(rng.uniform(1.5, 5.5)), low, low + tall))
    return tuple(columns)


def _fingers(mean_mm: float, rng: np.random.Generator) -> Array:
    """(96, 24) depth in mm: fingers along the axis, and more of them towards the apex."""
    fine = smooth_field(_MAP, float(rng.uniform(0.04, 0.12)), rng=rng)
    height = (np.arange(_MAP[1]) + 0.5) / _MAP[1]
    return (mean_mm * _profile(height) * np.clip(1.0 + fine, 0.0, 4.0)).astype(np.float32)


def _profile(height: Array | NDArray[np.float64]) -> Array:
    return np.clip(1.6 - 1.2 * height, 0.2, 1.6).astype(np.float32)


def _at(depth_map: Array, angle: Array, height: Array) -> Array:
    """The map's value at material angles and heights; round about the axis."""
    n_angle, n_height = depth_map.shape
    where = np.stack([np.mod(angle / (2 * np.pi), 1.0) * n_angle, np.clip(height, 0, 1) * n_height - 0.5])
    ringed = np.concatenate([depth_map, depth_map[:1]])
    return map_coordinates(ringed, where, order=1, mode="nearest")
