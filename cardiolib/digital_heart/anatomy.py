"""End-diastolic geometry: where the surfaces of both ventricles lie, as functions of angle and height.

Heart frame (right-handed, mm): origin at the LV epicardial apex, z along the LV long axis towards the base,
x towards the lateral wall, y towards the inferior wall; the right ventricle lies around theta = pi. A
material point has the coordinates (Q, Th, Z): squared radius (mm^2), angle and height at end-diastole (ED).
Squared radii make areas linear: area = 1/2 * integral of q dth. psi = wrap(Th - pi) is the angle from the
middle of the septum; psi > 0 is the anterior, outflow side and psi = +-al are the insertions of the right
ventricle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .parameters import HeartParameters

Array = NDArray[np.floating]
Values = float | Array

RV_APEX_SHARE = 0.17  # height of the RV apex z_r as a share of L
WIDEST_SHARE = 0.72  # height of the widest level Zc as a share of L
RV_RISE_SHARE = 0.62  # height over which the RV reaches its full depth, as a share of L
_LEAST_COS = 0.02  # cosine of the widest half angle of the septum that counts
CUFF_MM = 6.0  # height below the RV apex over which the RV wall fades into the LV epicardium


def smoothstep(x: ArrayLike) -> Values:
    """S(x) = s^2 (3 - 2 s) with s = clip(x, 0, 1)."""
    s = np.minimum(np.maximum(x, 0.0), 1.0)
    return s * s * (3.0 - 2.0 * s)


def wrap(angle: ArrayLike) -> Values:
    """Angle in [-pi, pi)."""
    angle = np.asarray(angle)
    return angle - 2.0 * np.pi * np.floor((angle + np.pi) / (2.0 * np.pi))


class Bearing(NamedTuple):
    """An angle psi from the middle of the septum with its cosine and sine (computed once, used everywhere)."""

    psi: Values
    cos: Values
    sin: Values

    @classmethod
    def of(cls, psi: Values) -> Bearing:
        return cls(psi, np.cos(psi), np.sin(psi))

    def spread(self, k: Values) -> Bearing:
        """Circumferential flow chi: tan(psi'/2) = k tan(psi/2).  Its inverse is the spread by 1/k."""
        scale = (1.0 + k * k) + (1.0 - k * k) * self.cos
        cos = ((1.0 - k * k) + (1.0 + k * k) * self.cos) / scale
        sin = 2.0 * k * self.sin / scale
        return Bearing(np.arctan2(sin, cos), cos, sin)

    def stretch(self, k: Values) -> Values:
        """chi' = d psi'/d psi = k / (cos^2(psi/2) + k^2 sin^2(psi/2))."""
        return 2.0 * k / ((1.0 + k * k) + (1.0 - k * k) * self.cos)

    def select(self, index: Array) -> Bearing:
        """The bearings of some of the points."""
        return Bearing(self.psi[index], self.cos[index], self.sin[index])


class LeftGeometry(NamedTuple):
    """ED surfaces of the left ventricle at given (Th, Z): squared radii in mm^2."""

    a0: Values  # round endocardium; negative in the solid apical cap below Ze
    profile: Values  # share of the flattening that applies at this height
    endo: Values  # A0
    epi: Values  # E0


@dataclass(frozen=True)
class Anatomy:
    """ED geometry of one subject.

    Parameters
    ----------
    parameters : HeartParameters
    radius_mm : float
        Endocardial radius at the widest level [R].
    depth_mm : float
        Depth of the right ventricle [D].

    Notes
    -----
    With F the flattening, G the ellipse and S the smoothstep::

        a0(Z) = R^2 [1 - ((Zc - Z)/(Zc - Ze))^2]       e0(Z) = (R + h)^2 [1 - ((Zc - Z)/Zc)^2]
        A0 = a0 F G  where a0 > 0, else a0              E0 = max(A0 + (e0 - a0) N, 0)
        B0 = (sqrt E0 + delta b)^2                      W0 = (sqrt B0 + h_rv tau)^2

    N is sqrt(G) away from the apex (it keeps the wall as thick on the long as on the short side of an oval
    LV) and 1 at the apex (it keeps the apex closed). Where a region is thicker or thinner, N is multiplied by
    1 + region_thickening w, with w of `region`.
    """

    parameters: HeartParameters
    radius_mm: float = 25.0
    depth_mm: float = 35.0

    @property
    def widest_mm(self) -> float:
        return WIDEST_SHARE * self.parameters.length_mm

    @property
    def rv_apex_mm(self) -> float:
        return RV_APEX_SHARE * self.parameters.length_mm

    def flattening(self, at: Bearing, amount: Values, half_angle: Values, cos_half: Values) -> Values:
        """F = 1 - d [1 - (cos al / cos u)^2] S((1 - |psi|/al) / edge), u = clip(psi, -al, al).

        d = 0 is a circle and d = 1 a chord between the insertions; the last factor (absent when edge = 0)
        takes away the kink at psi = +-al. cos u = max(cos psi, cos al) because al < pi/2: where a vigorous ventricle
        spreads the insertions farther than that, they count as just below.
        """
        cos_half = max(cos_half, _LEAST_COS) if isinstance(cos_half, float) else np.maximum(cos_half, _LEAST_COS)
        chord = cos_half / np.maximum(at.cos, cos_half)
        hollow = amount * (1.0 - chord * chord)
        if self.parameters.flattening_edge > 0:
            hollow = hollow * smoothstep((1.0 - np.abs(at.psi) / half_angle) / self.parameters.flattening_edge)
        return 1.0 - hollow

    def ellipse(self, at: Bearing, ratio: Values) -> Values:
        """G = 1 / (cos^2(Th - Th0)/p + p sin^2(Th - Th0)): an ellipse of the circle's area, axis ratio p."""
        double = 2.0 * self.parameters.lv_axis_angle_rad  # Th = pi + psi, and a half turn does not matter
        cos_double = at.cos * at.cos - at.sin * at.sin
        wave = cos_double * float(np.cos(double)) + 2.0 * at.cos * at.sin * float(np.sin(double))
        inverse = 1.0 / ratio
        return 2.0 / ((inverse + ratio) + (inverse - ratio) * wave)

    def region(self, at: Bearing, Z: Values) -> Values:
        """w = S(1 - |psi - psi_r|/reach) S(1 - |Z/L - h_r|/reach): 1 in the middle of the region that differs.

        It is 0 outside the region and at the apex, where all angles meet.
        """
        p = self.parameters
        across = smoothstep(1.0 - np.abs(wrap(at.psi - p.region_angle_rad)) / p.region_reach_rad)
        along = smoothstep(1.0 - np.abs(Z / p.length_mm - p.region_height) / p.region_reach_height)
        return across * along * self._away_from_apex(Z)

    def _away_from_apex(self, Z: Values) -> Values:
        return smoothstep((Z - self.parameters.apex_height_mm) / (0.25 * self.parameters.length_mm))

    def left(self, at: Bearing, Z: Values) -> LeftGeometry:
        """LV surfaces at ED."""
        p, R, Zc = self.parameters, self.radius_mm, self.widest_mm
        below = Zc - Z
        a0 = R * R * (1.0 - (below / (Zc - p.apex_height_mm)) ** 2)
        e0 = (R + p.wall_mm) ** 2 * (1.0 - (below / Zc) ** 2)
        if p.flattening_rise > 0:
            profile = smoothstep((Z / p.length_mm - p.flattening_start) / p.flattening_rise)
        else:
            profile = 1.0
        half = p.rv_half_angle_rad
        shape = self.flattening(at, p.septal_flattening_ed * profile, half, float(np.cos(half)))
        thickness = e0 - a0
        if p.lv_axis_ratio_ed != 1.0:
            oval = self.ellipse(at, p.lv_axis_ratio_ed)
            shape = shape * oval
            thickness = thickness * (1.0 + (np.sqrt(oval) - 1.0) * self._away_from_apex(Z))
        if p.region_thickening != 0.0:
            thickness = thickness * (1.0 + p.region_thickening * self.region(at, Z))
        endo = np.where(a0 > 0.0, a0 * shape, a0)
        return LeftGeometry(a0, profile, endo, np.maximum(endo + thickness, 0.0))

    def depth_shape(self, at: Bearing, Z: Values) -> tuple[Values, Values]:
        """delta / D (apex to base, skewed towards the outflow) and b = 1 - u^2 with u = min(|psi|/al, 1)."""
        L, side = self.parameters.length_mm, at.psi / self.parameters.rv_half_angle_rad
        v = np.minimum(np.maximum((Z - self.rv_apex_mm) / (RV_RISE_SHARE * L), 0.0), 1.0)
        across = np.minimum(np.abs(side), 1.0)
        skew = 1.0 + 0.18 * np.clip(side, -1.0, 1.0) * smoothstep((Z / L - 0.6) / 0.4)
        return np.sqrt(v * (2.0 - v)) * skew, 1.0 - across * across

    def right(self, at: Bearing, Z: Values, epi: Values) -> tuple[Values, Values]:
        """RV surfaces at ED: endocardium B0 of the free wall and epicardium W0, given E0 at the same points."""
        shape, across = self.depth_shape(at, Z)
        depth = self.depth_mm * shape
        endo_radius = np.sqrt(epi) + depth * across
        thickness = self.parameters.rv_wall_mm * self._rv_taper(at, Z, depth)
        return endo_radius * endo_radius, (endo_radius + thickness) ** 2

    def rv_base(self, psi: Values) -> Values:
        """Height of the RV base, L_RV(psi) = L + Hot S((psi/al - 0.1)/0.6); it falls back to L over the cuff."""
        p = self.parameters
        rise = smoothstep((psi / p.rv_half_angle_rad - 0.1) / 0.6)
        if p.rv_cuff_rad > 0:
            rise = rise * smoothstep((p.rv_half_angle_rad + p.rv_cuff_rad - psi) / p.rv_cuff_rad)
        return p.length_mm + p.outflow_mm * rise

    def _rv_taper(self, at: Bearing, Z: Values, depth: Values) -> Values:
        """Relative thickness tau of the RV wall: S(6 (1 - u)) S(delta/6), lifted to a floor at its borders.

        The floor itself fades out over a cuff beyond the insertions and below the RV apex, where the wall
        lies on the LV epicardium (B0 = E0), so that the outer surface has no step.
        """
        p = self.parameters
        outside = np.abs(at.psi) - p.rv_half_angle_rad
        full = smoothstep(-6.0 * outside / p.rv_half_angle_rad) * smoothstep(depth / 6.0)
        if p.rv_wall_floor == 0.0 or p.rv_cuff_rad == 0.0:
            return full
        fade = smoothstep(1.0 - outside / p.rv_cuff_rad) * smoothstep((Z - self.rv_apex_mm) / CUFF_MM + 1.0)
        return full + (1.0 - full) * p.rv_wall_floor * fade
