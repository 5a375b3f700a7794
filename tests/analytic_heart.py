"""Ellipsoidal ventricles whose labels, landmarks and volumes are known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class AnalyticHeart:
    """Heart frame in mm: z to the base, x lateral, y inferior; the LV axis is the z axis.

    LV cavity: ellipsoid of half axes (r, r, 70) cut at z = 0 (the base), tip at z = -70. LV epicardium: 9 mm
    outside it. RV cavity: the part of an ellipsoid around (-offset, 0) outside the LV; RV wall 4 mm.
    """

    radius: float = 24.0
    wall: float = 9.0
    length: float = 70.0
    rv_offset: float = 30.0
    rv_radius: float = 34.0
    rv_wall: float = 4.0

    def labels_at(self, xyz: np.ndarray) -> np.ndarray:
        x, y, z = np.moveaxis(xyz, -1, 0)

        def inside(grow: float) -> np.ndarray:
            return (x**2 + y**2) / (self.radius + grow) ** 2 + (z / (self.length + grow)) ** 2 < 1

        def right(grow: float) -> np.ndarray:
            return ((x + self.rv_offset) ** 2 + y**2) / (self.rv_radius + grow) ** 2 + (
                z / (0.8 * self.length + grow)
            ) ** 2 < 1

        labels = np.zeros(x.shape, np.uint8)
        labels[right(self.rv_wall)] = 3
        labels[right(0.0)] = 4
        labels[inside(self.wall)] = 2
        labels[inside(0.0)] = 1
        labels[z > 0] = 0
        return labels

    def lv_volume_ml(self) -> float:
        return 2 / 3 * np.pi * self.radius**2 * self.length / 1000
