"""The 202 vertices of the right ventricle that stand for its motion, in a digital heart.

How they were chosen and triangulated: ``tests/digital_heart/test_shipped_template.py``, which makes them again.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cardiolib.meshes import MATCHED_VERTICES

from .kinematics import Kinematics
from .surfaces import Lattice, full_lattice, surface_points


def decimated_points(motion: Kinematics, phases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions (T, 202, 3) in mm of the 202 vertices at phases (T,)."""
    return surface_points(motion, phases, _decimated_lattice())


@lru_cache(maxsize=1)
def _decimated_lattice() -> Lattice:
    """Lattice coordinates of the 202 vertices."""
    return full_lattice().select(MATCHED_VERTICES)
