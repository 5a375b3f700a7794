"""Where points of space lie in a heart at one phase: what an image of the heart needs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .anatomy import Array
from .kinematics import Kinematics

BACKGROUND, LV_CAVITY, LV_WALL, RV_WALL, RV_CAVITY = range(5)


class Located(NamedTuple):
    """Points of space in heart terms; every array has the shape of the points given.

    Lengths are in mm, angles in radians. `r` and the radii of the surfaces are measured from the (bent)
    long axis in the short-axis plane, along the direction of the point, so `r < r_lv_endo` is inside the
    LV's endocardium. Outside the RV's sector all of `r_rv_endo` and `r_rv_epi` equal `r_lv_epi`.
    """

    r: Array
    Th: Array  # material (untwisted) angle
    psi: Array  # material angle from the middle of the septum
    Z_left: Array  # material height on sheet L
    Z_right: Array  # material height on sheet R
    r_lv_endo: Array  # rA; 0 in the solid apical cap
    r_lv_epi: Array  # rE
    r_rv_endo: Array  # rB
    r_rv_epi: Array  # rW
    has_cavity: NDArray[np.bool_]  # A0 > 0: above the solid apical cap
    below_base: NDArray[np.bool_]  # Z_left < L
    below_rv_base: NDArray[np.bool_]  # Z_right < L_RV
    label: NDArray[np.uint8]  # 0 background, 1 LV cavity, 2 LV wall, 3 RV wall, 4 RV cavity


def locate(motion: Kinematics, xyz: ArrayLike, t: float) -> Located:
    """Radii, material coordinates and labels at points (..., 3) in mm (heart frame) and phase t.

    Computed in the precision of `xyz` (float32 is twice as fast and good to about 1e-4 mm).  Regions::

        LV cavity  q < A, A0 > 0, Z_L < L         LV wall  A <= q < E, Z_L < L
        RV cavity  E <= q < B, Z_R < L_RV         RV wall  B <= q < W, Z_R < L_RV
    """
    xyz = np.asarray(xyz)
    if xyz.shape[-1:] != (3,):
        raise ValueError(f"points must have shape (..., 3), got {xyz.shape}")
    if xyz.dtype != np.float32:
        xyz = xyz.astype(float, copy=False)
    p, phase = motion.parameters, motion.phase(float(t))
    q, moved, z = motion.unplace(xyz, phase)
    k = motion.flow(z, phase)
    at = moved if k is None else moved.spread(1.0 / k)

    Z_left = motion.height_inverse(z, phase)
    left = motion.left(at, Z_left, phase)
    endo, epi = np.maximum(left.endo, 0.0), left.epi
    has_cavity, below_base = left.ed.a0 > 0.0, Z_left < p.length_mm

    Z_right, rv_endo, rv_epi = Z_left.copy(), epi.copy(), epi.copy()
    below_rv_base = below_base.copy()
    sector = np.abs(at.psi) < p.rv_half_angle_rad + p.rv_cuff_rad
    near, z_near = at.select(sector), z[sector]
    Z_near = motion.height_inverse(z_near, phase, motion.excess(near, phase))
    right = motion.right(near, Z_near, phase)
    Z_right[sector] = Z_near
    rv_endo[sector] = np.maximum(right.endo, epi[sector])
    rv_epi[sector] = np.maximum(right.epi, rv_endo[sector])
    below_rv_base[sector] = Z_near < motion.anatomy.rv_base(near.psi)

    label = np.zeros(q.shape, np.uint8)
    label[(q < rv_epi) & below_rv_base & sector] = RV_WALL
    label[(q < rv_endo) & below_rv_base & sector] = RV_CAVITY
    inside = q < epi
    label[inside] = BACKGROUND
    label[inside & below_base] = LV_WALL
    label[(q < endo) & below_base & has_cavity] = LV_CAVITY
    return Located(
        np.sqrt(q),
        at.psi + float(np.pi),
        at.psi,
        Z_left,
        Z_right,
        np.sqrt(endo),
        np.sqrt(epi),
        np.sqrt(rv_endo),
        np.sqrt(rv_epi),
        has_cavity,
        below_base,
        below_rv_base,
        label,
    )
