"""The motion of the walls: in closed form, incompressible and invertible.

A material point (Q, Th, Z) goes to the spatial cylinder coordinates (q, th, z) in three steps, and is then
placed::

    1  height    z = f(Z),                   f' = df/dZ
    2  flow      th' = chi(Th; z, t),        chi' = d chi/d Th,        q = A + (Q - A0) / (f' chi')
    3  twist     th = th' + phi(q, z, t)
       placing   x = sqrt(q) cos th + s_x(z, t),  y = sqrt(q) sin th + s_y(z, t),  z -> z + p_x x + p_y y

The volume element is r dr dth dz = d(q/2) dth dz. Step 1-2 has a triangular Jacobian in the order (z, th',
q) with the product f' chi' / (f' chi') = 1 whatever A(Z, Th, t) is; step 3 and the placing are shears. So
det(dx/dX) = 1. The left ventricle with the septum (sheet "lv") and the RV free wall (sheet "rv") differ in
f and in A.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .activation import Activation
from .anatomy import Anatomy, Array, Bearing, LeftGeometry, Values, smoothstep
from .parameters import HeartParameters

_CURVED_SHARE = 0.4  # of the way from the RV apex to the base, over which the free wall's descent sets in


class Phase(NamedTuple):
    """Everything that depends on time alone: floats for one phase, or arrays that broadcast against points."""

    c_left: Values
    c_right: Values
    strain_left: Values  # eps_L
    strain_excess: Values  # (TAPSE/L) c_R - eps_L, what the RV free wall shortens more than the LV
    flattening: Values  # d(t)
    ratio: Values  # p(t)
    sway_x_mm: Values
    sway_y_mm: Values


class LeftState(NamedTuple):
    """Sheet L at given (Th, Z) and phase; squared radii in mm^2."""

    z: Values
    squeeze: Values  # f' chi'
    bearing: Bearing  # psi' after the flow
    ed: LeftGeometry
    endo: Values  # A
    epi: Values  # E


class RightState(NamedTuple):
    """Sheet R at given (Th, Z) and phase; squared radii in mm^2."""

    z: Values
    squeeze: Values  # f' chi'
    bearing: Bearing
    endo_ed: Values  # B0
    epi_ed: Values  # W0
    endo: Values  # B
    epi: Values  # W


@dataclass(frozen=True)
class Kinematics:
    """Motion of one subject, given its anatomy and the two contraction amounts k_L and k_R."""

    anatomy: Anatomy
    k_left: float = 0.0
    k_right: float = 0.0

    @property
    def parameters(self) -> HeartParameters:
        return self.anatomy.parameters

    @cached_property
    def activation(self) -> Activation:
        return Activation(self.parameters.heart_rate_per_min, self.parameters.lag)

    def phase(self, t: ArrayLike, n_point_axes: int = 0) -> Phase:
        """State of the clock; an array t gets `n_point_axes` trailing axes so that points broadcast behind it."""
        p = self.parameters
        c_left, c_right = self.activation.at(t), self.activation.at(t, p.lag)
        if np.ndim(t) == 0:  # plain floats keep float32 points in float32
            c_left, c_right = float(c_left), float(c_right)
        else:
            shape = np.shape(t) + (1,) * n_point_axes
            c_left, c_right = c_left.reshape(shape), c_right.reshape(shape)
        strain = p.mapse_mm / p.length_mm * c_left
        return Phase(
            c_left,
            c_right,
            strain,
            p.tapse_mm / p.length_mm * c_right - strain,
            p.septal_flattening_ed + (p.septal_flattening_es - p.septal_flattening_ed) * c_right,
            p.lv_axis_ratio_ed + (p.lv_axis_ratio_es - p.lv_axis_ratio_ed) * c_right,
            p.sway_x_mm * c_left,
            p.sway_y_mm * c_left,
        )

    def excess(self, at: Bearing, phase: Phase) -> Values:
        """De = eps_R - eps_L = ((TAPSE/L) c_R - eps_L) clip(1 - (psi/al)^2, 0, 1)."""
        side = at.psi / self.parameters.rv_half_angle_rad
        return phase.strain_excess * np.maximum(1.0 - side * side, 0.0)

    def height(self, Z: Values, phase: Phase, excess: Values | None = None) -> tuple[Values, Values]:
        """z = f(Z) and f'; `excess` is De on sheet R and absent on sheet L.

        ::

            f_L = Z [1 - eps_L (beta + (1 - beta) Z/L)];    f_R = f_L - De K g(y),    y = max(Z - z_r, 0)
            g = y^2 up to y = m, then m (2 y - m);          K = L / g(L - z_r)

        Both sheets move alike at the RV apex, where they touch, and f_R(L) descends by TAPSE.  The straight
        part of g keeps f' well above 0 in the outflow tract, which rises above L.  Without `close_rv_apex`,
        f_R is f_L with eps_R in the place of eps_L.
        """
        p = self.parameters
        relative = (1.0 - p.beta) / p.length_mm * Z
        if not p.close_rv_apex:
            strain = phase.strain_left if excess is None else phase.strain_left + excess
            return Z * (1.0 - strain * (p.beta + relative)), 1.0 - strain * (p.beta + 2.0 * relative)
        z = Z * (1.0 - phase.strain_left * (p.beta + relative))
        slope = 1.0 - phase.strain_left * (p.beta + 2.0 * relative)
        if excess is None:
            return z, slope
        m, gain = self._descent
        y = np.maximum(Z - self.anatomy.rv_apex_mm, 0.0)
        curved = np.minimum(y, m)
        pull = excess * gain * curved
        return z - pull * (2.0 * y - curved), slope - 2.0 * pull

    def height_inverse(self, z: Values, phase: Phase, excess: Values | None = None) -> Values:
        """Z = f^-1(z): on each part of f the root of a Z^2 - b Z + c = 0 that is continuous with Z = z at a = 0."""
        p = self.parameters
        if not p.close_rv_apex:
            strain = phase.strain_left if excess is None else phase.strain_left + excess
            return _root(strain * (1.0 - p.beta) / p.length_mm, 1.0 - strain * p.beta, z)
        a, b = phase.strain_left * (1.0 - p.beta) / p.length_mm, 1.0 - phase.strain_left * p.beta
        apical = _root(a, b, z)
        if excess is None:
            return apical
        z_r, (m, gain) = self.anatomy.rv_apex_mm, self._descent
        pull = excess * gain
        curved = _root(a + pull, b + 2.0 * pull * z_r, z + pull * z_r * z_r)
        straight = _root(a, b - 2.0 * pull * m, z - pull * m * (2.0 * z_r + m))
        return np.where(apical <= z_r, apical, np.where(curved <= z_r + m, curved, straight))

    @cached_property
    def _descent(self) -> tuple[float, float]:
        """m (mm), where the extra descent of the RV free wall turns from quadratic to linear, and K (1/mm)."""
        length, span = self.parameters.length_mm, self.parameters.length_mm - self.anatomy.rv_apex_mm
        m = _CURVED_SHARE * span
        return m, length / (m * (2.0 * span - m))

    def flow(self, z: Values, phase: Phase) -> Values | None:
        """k(z, t) = 1 + (k - 1) c_R S((z - Ze)/(0.3 L)); None when there is no flow.

        It depends on the spatial height, so both sheets flow alike where they touch, and is 1 in the apical
        cap, where a flow about the axis would not be smooth.
        """
        p = self.parameters
        if p.septal_flow == 1.0:
            return None
        return 1.0 + (p.septal_flow - 1.0) * phase.c_right * smoothstep((z - p.apex_height_mm) / (0.3 * p.length_mm))

    def left(self, at: Bearing, Z: Values, phase: Phase) -> LeftState:
        """Sheet L: A = a0 F(psi', d(t)) G(th', p(t)) (1 - k_L c_L l) where A0 > 0, else A0/(f' chi');
        E = max(A + (E0 - A0)/(f' chi'), 0), with l = 1 - loss w(Th, Z) the share of the contraction that is left in a
        region that has lost some."""
        p, anatomy = self.parameters, self.anatomy
        ed = anatomy.left(at, Z)
        z, squeeze = self.height(Z, phase)
        k = self.flow(z, phase)
        half, cos_half, moved = p.rv_half_angle_rad, float(np.cos(p.rv_half_angle_rad)), at
        if k is not None:
            moved, squeeze = at.spread(k), squeeze * at.stretch(k)
            half, cos_half, _ = Bearing(half, cos_half, float(np.sin(half))).spread(k)
        shape = anatomy.flattening(moved, phase.flattening * ed.profile, half, cos_half)
        if p.lv_axis_ratio_ed != 1.0 or p.lv_axis_ratio_es != 1.0:
            shape = shape * anatomy.ellipse(moved, phase.ratio)
        inside = ed.a0 * shape * (1.0 - self.k_left * self.contraction_left(at, Z) * phase.c_left)
        endo = np.where(ed.a0 > 0.0, inside, ed.endo / squeeze)
        epi = np.maximum(endo + (ed.epi - ed.endo) / squeeze, 0.0)
        return LeftState(z, squeeze, moved, ed, endo, epi)

    def contraction_left(self, at: Bearing, Z: Values) -> Values:
        """l(Th, Z) = 1 - loss w: how much of the LV's contraction a place takes part in."""
        loss = self.parameters.region_contraction_loss
        return 1.0 if loss == 0.0 else 1.0 - loss * self.anatomy.region(at, Z)

    def right(self, at: Bearing, Z: Values, phase: Phase, left: LeftState | None = None) -> RightState:
        """Sheet R: mu = clip(1 - k_R [1 + s_a (Z/L - 0.55)] c_R, 0.05, 2); B = E + (B0 - E0) mu, with E of sheet L
        at the same (Th, Z) (pass it as `left` if known); W = B + (W0 - B0)/(f' chi')."""
        left = self.left(at, Z, phase) if left is None else left
        endo_ed, epi_ed = self.anatomy.right(at, Z, left.ed.epi)
        z, squeeze = self.height(Z, phase, self.excess(at, phase))
        moved, k = at, self.flow(z, phase)
        if k is not None:
            moved, squeeze = at.spread(k), squeeze * at.stretch(k)
        mu = np.clip(1.0 - self.k_right * self.rv_slope(Z) * phase.c_right, 0.05, 2.0)
        endo = left.epi + (endo_ed - left.ed.epi) * mu
        return RightState(z, squeeze, moved, endo_ed, epi_ed, endo, endo + (epi_ed - endo_ed) / squeeze)

    def rv_slope(self, Z: Values) -> Values:
        """1 + s_a (Z/L - 0.55): RV contraction from apex to base."""
        return 1.0 + self.parameters.rv_contraction_slope * (Z / self.parameters.length_mm - 0.55)

    def twist(self, q: Values, z: Values, phase: Phase) -> Values:
        """phi = -phi_max c_L [1 - 0.7 S((sqrt q - 30)/25)] (0.72 - z/L); negative at the apex, which therefore turns
        counter-clockwise seen from the apex."""
        p = self.parameters
        return (-p.twist_rad * phase.c_left) * (
            (1.0 - 0.7 * smoothstep((np.sqrt(q) - 30.0) / 25.0)) * (0.72 - z / p.length_mm)
        )

    def place(self, q: Values, theta: Values, z: Values, phase: Phase) -> Array:
        """Cylinder coordinates before the twist (th' = `theta`) to points (..., 3) in mm."""
        p = self.parameters
        angle, r = theta + self.twist(q, z, phase), np.sqrt(q)
        bend_x, bend_y = self._axis(z, phase)
        x, y = r * np.cos(angle) + bend_x, r * np.sin(angle) + bend_y
        return np.stack(np.broadcast_arrays(x, y, z + p.base_tilt_x * x + p.base_tilt_y * y), axis=-1)

    def unplace(self, xyz: Array, phase: Phase) -> tuple[Array, Bearing, Array]:
        """Inverse of `place`: q, the bearing psi' before the twist, and z."""
        p = self.parameters
        x, y = xyz[..., 0], xyz[..., 1]
        z = xyz[..., 2] - p.base_tilt_x * x - p.base_tilt_y * y
        bend_x, bend_y = self._axis(z, phase)
        x, y = x - bend_x, y - bend_y
        q = x * x + y * y
        phi = self.twist(q, z, phase)
        # psi' = th - phi - pi, so rotate (-x, -y) back by phi instead of wrapping angles.
        cos_phi, sin_phi = np.cos(phi), np.sin(phi)
        east, north = -(x * cos_phi + y * sin_phi), x * sin_phi - y * cos_phi
        psi = np.arctan2(north, east)
        inverse_r = 1.0 / np.sqrt(np.maximum(q, 1e-30))
        return q, Bearing(psi, east * inverse_r, north * inverse_r), z

    def _axis(self, z: Values, phase: Phase) -> tuple[Values, Values]:
        """Sideways offset of the long axis, s(z, t) = bend (z/L)^2 + sway c_L."""
        p = self.parameters
        square = (z / p.length_mm) ** 2
        return p.axis_bend_x_mm * square + phase.sway_x_mm, p.axis_bend_y_mm * square + phase.sway_y_mm


def _root(a: Values, b: Values, c: Values) -> Values:
    """Root 2c / (b + sqrt(b^2 - 4ac)) of a Z^2 - b Z + c = 0; the floor only serves points outside the heart."""
    return 2.0 * c / (b + np.sqrt(np.maximum(b * b - 4.0 * a * c, 1e-6)))
