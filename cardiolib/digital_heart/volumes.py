"""Cavity volumes by quadrature, and the four unknowns that make them hit their targets.

Volumes are integrated in material coordinates: dV = 1/2 q f' chi' dTh dZ (mm^3).  Gauss-Legendre nodes lie on
[Ze, L] for the left ventricle and on [z_r, L_RV(psi)] for the right one, so that no cell holds the base plane, and
the angle is cut where the flattening changes its formula.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from .activation import Activation
from .anatomy import Anatomy, Bearing, wrap
from .kinematics import Kinematics
from .parameters import HeartParameters

_CUBIC_MM_PER_ML = 1000.0
K_LEFT_LIMITS = (-0.2, 0.95)
K_RIGHT_LIMITS = (-0.6, 0.95)


class Nodes(NamedTuple):
    """Quadrature nodes of one cavity, flattened: angle, height (mm) and weight (mm)."""

    at: Bearing
    Z: NDArray[np.float64]
    weight: NDArray[np.float64]


def left_nodes(parameters: HeartParameters) -> Nodes:
    """Nodes over the LV cavity, Z in [Ze, L] and all angles."""
    p, half = parameters, parameters.rv_half_angle_rad
    inner = (1.0 - p.flattening_edge) * half
    angles, steps = [-np.pi, -half, -inner, inner, half, np.pi], []
    if p.flattening_rise > 0:
        steps += [p.flattening_start, min(p.flattening_start + p.flattening_rise, 1.0)]
    if p.region_contraction_loss != 0.0:  # cells end where what differs begins and is greatest
        reach, height = min(p.region_reach_rad, np.pi), p.region_reach_height
        angles += [float(wrap(p.region_angle_rad + side * reach)) for side in (-1, 0, 1)]
        steps += [p.apex_height_mm / p.length_mm + 0.25, *(p.region_height + side * height for side in (-1, 0, 1))]
    psi, w_psi = _pieces(np.unique(angles), 10)
    levels = {p.apex_height_mm, p.length_mm}
    levels |= {p.length_mm * share for share in steps if p.apex_height_mm < p.length_mm * share < p.length_mm}
    Z, w_z = _pieces(np.array(sorted(levels)), 8 if len(levels) > 2 else 20)
    psi, Z = (grid.ravel() for grid in np.meshgrid(psi, Z, indexing="ij"))
    return Nodes(Bearing.of(psi), Z, np.outer(w_psi, w_z).ravel())


def right_nodes(anatomy: Anatomy) -> Nodes:
    """Nodes over the RV cavity; Z = z_r + s^2 (L_RV - z_r) because the depth starts like sqrt(Z - z_r)."""
    half = anatomy.parameters.rv_half_angle_rad
    inner = (1.0 - anatomy.parameters.flattening_edge) * half
    psi, w_psi = _pieces(np.unique([-half, -inner, 0.1 * half, inner, half]), 8)
    s, w_s = _gauss_legendre(20)
    s, w_s = 0.5 * (s + 1.0), 0.5 * w_s
    height = anatomy.rv_base(psi) - anatomy.rv_apex_mm
    Z = anatomy.rv_apex_mm + height[:, None] * s**2
    weight = (w_psi * height)[:, None] * (2.0 * s * w_s)
    return Nodes(Bearing.of(np.repeat(psi, s.size)), Z.ravel(), weight.ravel())


def lv_cavity_ml(motion: Kinematics, t: ArrayLike, nodes: Nodes | None = None) -> NDArray[np.float64]:
    """V_LV(t) = 1/2 int_{Z < L} max(A, 0) f_L' chi' dTh dZ; shape of t."""
    nodes = left_nodes(motion.parameters) if nodes is None else nodes
    state = motion.left(nodes.at, nodes.Z, motion.phase(t, 1))
    return _integral(np.maximum(state.endo, 0.0) * state.squeeze, nodes)


def lv_wall_ml(motion: Kinematics, t: ArrayLike) -> NDArray[np.float64]:
    """V_myo(t) = 1/2 int_{0 < Z < L} (E - max(A, 0)) f_L' chi' dTh dZ (the same at all t)."""
    nodes, p = left_nodes(motion.parameters), motion.parameters
    psi, w_psi = _pieces(np.unique([-np.pi, -p.rv_half_angle_rad, p.rv_half_angle_rad, np.pi]), 12)
    Z, w_z = _pieces(np.array([0.0, p.apex_height_mm]), 16)
    psi, Z = (grid.ravel() for grid in np.meshgrid(psi, Z, indexing="ij"))
    cap = Nodes(Bearing.of(psi), Z, np.outer(w_psi, w_z).ravel())
    total = 0.0
    for part in (nodes, cap):
        state = motion.left(part.at, part.Z, motion.phase(t, 1))
        total = total + _integral((state.epi - np.maximum(state.endo, 0.0)) * state.squeeze, part)
    return total


def rv_cavity_ml(motion: Kinematics, t: ArrayLike, nodes: Nodes | None = None) -> NDArray[np.float64]:
    """V_RV(t) = 1/2 int_{|psi| < al, Z < L_RV} max(B(Z) - E_L(z), 0) f_R' chi' dTh dZ, z = f_R(Z),
    E_L(z) = E of sheet L at f_L^-1(z); shape of t."""
    nodes = right_nodes(motion.anatomy) if nodes is None else nodes
    phase = motion.phase(t, 1)
    right = motion.right(nodes.at, nodes.Z, phase)
    facing = motion.left(nodes.at, motion.height_inverse(right.z, phase), phase)
    return _integral(np.maximum(right.endo - facing.epi, 0.0) * right.squeeze, nodes)


def solve(parameters: HeartParameters, phases: NDArray[np.float64]) -> Kinematics:
    """Radius R, depth D and contraction amounts k_L and k_R that meet the requested volumes.

    R, D and k_L are closed forms; k_R is a bracketed root in one dimension::

        V_LV(0) ~ R^2;      V_RV(0) = p D + s D^2;      k_L = min_t (1 - LVESV / V_LV(t; k_L = 0)) / (c_L(t) m(t))

    with m the mean of l(Th, Z) over the cavity, 1 without a region that has lost contraction.

    The least volume is taken over `phases`, the phases that are looked at: there the ejection fractions hold
    to rounding, and between them within about 0.4 points.

    Raises
    ------
    ValueError
        When a target cannot be met, naming it.
    """
    p = parameters
    unit = Anatomy(p, radius_mm=1.0)
    nodes = left_nodes(p)
    per_square = float(_integral(np.maximum(unit.left(nodes.at, nodes.Z).endo, 0.0), nodes))
    anatomy = Anatomy(p, radius_mm=float(np.sqrt(p.lvedv_ml / per_square)))
    anatomy = Anatomy(p, anatomy.radius_mm, _depth(anatomy))
    rest = Kinematics(anatomy)
    times = systolic_times(rest.activation, phases)
    k_left = _solve_left(rest, times, nodes)
    return Kinematics(anatomy, k_left, _solve_right(Kinematics(anatomy, k_left), times))


def systolic_times(activation: Activation, phases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Those of the phases, from late contraction to early filling, at which a cavity can be smallest."""
    first, last = activation.end_systole(), activation.end_systole(activation.lag)
    return phases[(phases > min(first, last) - 0.06) & (phases < max(first, last) + 0.11)]


def _depth(anatomy: Anatomy) -> float:
    """D from V_RV(0) = p D + s D^2, with p = 1/2 int 2 sqrt(E0) dh b and s = 1/2 int (dh b)^2."""
    nodes, target = right_nodes(anatomy), anatomy.parameters.rvedv_ml
    shape, across = anatomy.depth_shape(nodes.at, nodes.Z)
    epi = anatomy.left(nodes.at, nodes.Z).epi
    linear = float(_integral(2.0 * np.sqrt(epi) * shape * across, nodes))
    square = float(_integral((shape * across) ** 2, nodes))
    return (-linear + np.sqrt(linear**2 + 4.0 * square * target)) / (2.0 * square)


def _solve_left(rest: Kinematics, times: NDArray[np.float64], nodes: Nodes) -> float:
    p = rest.parameters
    uncontracted, active = lv_cavity_ml(rest, times, nodes), rest.activation.at(times)
    if p.region_contraction_loss != 0.0:
        state = rest.left(nodes.at, nodes.Z, rest.phase(times, 1))
        taking_part = np.maximum(state.endo, 0.0) * state.squeeze * rest.contraction_left(nodes.at, nodes.Z)
        active = active * _integral(taking_part, nodes) / uncontracted
    k_left = float(np.min((1.0 - p.lvedv_ml * (1.0 - p.lvef) / uncontracted) / active))
    low, high = K_LEFT_LIMITS
    if not low <= k_left <= high:
        raise ValueError(
            f"lvef={p.lvef:g} cannot be met: it asks for a contraction k_L={k_left:.3f} outside "
            f"[{low:g}, {high:g}] with mapse_mm={p.mapse_mm:g} and septal_flattening_es={p.septal_flattening_es:g}"
        )
    return k_left


def _solve_right(motion: Kinematics, times: NDArray[np.float64]) -> float:
    """k_R; the cavity is E(Z) - E_L(z) + (B0 - E0) mu with only mu depending on k_R, so geometry is done once."""
    p, nodes = motion.parameters, right_nodes(motion.anatomy)
    phase = motion.phase(times, 1)
    left = motion.left(nodes.at, nodes.Z, phase)
    right = motion.right(nodes.at, nodes.Z, phase, left)
    facing = motion.left(nodes.at, motion.height_inverse(right.z, phase), phase)
    offset, gap = left.epi - facing.epi, right.endo_ed - left.ed.epi
    slope = motion.rv_slope(nodes.Z) * phase.c_right
    target = p.rvedv_ml * (1.0 - p.rvef)

    def surplus(k_right: float) -> float:
        mu = np.clip(1.0 - k_right * slope, 0.05, 2.0)
        cavity = _integral(np.maximum(offset + gap * mu, 0.0) * right.squeeze, nodes)
        return float(np.min(cavity)) - target

    low, high = K_RIGHT_LIMITS
    if not surplus(high) <= 0.0 <= surplus(low):
        reached = [1.0 - (surplus(k) + target) / p.rvedv_ml for k in (low, high)]
        raise ValueError(
            f"rvef={p.rvef:g} cannot be met: this anatomy and tapse_mm={p.tapse_mm:g} allow "
            f"{reached[0]:.3f} to {reached[1]:.3f}"
        )
    return float(brentq(surplus, low, high, xtol=1e-7))


def _integral(integrand: NDArray[np.float64], nodes: Nodes) -> NDArray[np.float64]:
    """Half the weighted sum over the last axis, in mL."""
    return 0.5 / _CUBIC_MM_PER_ML * (integrand @ nodes.weight)


def _pieces(cuts: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre nodes and weights on consecutive intervals, `n` on each."""
    x, w = _gauss_legendre(n)
    half, middle = 0.5 * np.diff(cuts)[:, None], 0.5 * (cuts[1:] + cuts[:-1])[:, None]
    return (middle + half * x).ravel(), (half * w).ravel()


@lru_cache(maxsize=16)
def _gauss_legendre(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.polynomial.legendre.leggauss(n)
