"""The six anatomical landmarks, as material points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .anatomy import Bearing
from .kinematics import Kinematics

LANDMARKS: tuple[str, ...] = (
    "apex",
    "lv_lateral",
    "rv_insertion_anterior",
    "rv_insertion_inferior",
    "rv_lateral",
    "mitral_centre",
)
_LEVEL = 0.55  # height of the four landmarks on the walls, as a share of L


def landmark_material(motion: Kinematics) -> NDArray[np.float64]:
    """Material coordinates (6, 3) of the landmarks: Q (mm^2), Th (radians), Z (mm).

    The apex is (0, -, 0.2 mm) and the mitral centre (0, -, L); the lateral point and the insertions lie on
    E0 at 0.55 L; "rv_lateral" lies on B0 there and belongs to sheet "rv", the others to sheet "lv".
    """
    p, anatomy = motion.parameters, motion.anatomy
    Z, half = _LEVEL * p.length_mm, p.rv_half_angle_rad
    at = Bearing.of(np.array([-np.pi, half, -half, 0.0]))
    epi = anatomy.left(at, Z).epi
    squares = epi.copy()
    squares[3] = anatomy.right(at, Z, epi)[0][3]
    walls = np.column_stack([squares, at.psi + np.pi, np.full(4, Z)])
    return np.vstack([[0.0, 0.0, 0.2], walls, [0.0, 0.0, p.length_mm]])
