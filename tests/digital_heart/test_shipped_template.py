"""The shipped template and its 202 vertices are made again by the recipe that made them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from cardiolib.digital_heart.surfaces import RV_FREE, RV_SEPTUM, full_lattice
from cardiolib.meshes import MATCHED_VERTICES, decimated_mesh, template_mesh

_N_POINTS, _N_BORDER = 202, 22


def test_the_recipe_chooses_the_shipped_vertices():
    np.testing.assert_array_equal(choose_matched_points(template_mesh().points), MATCHED_VERTICES)


def test_the_recipe_makes_the_shipped_triangles():
    np.testing.assert_array_equal(matched_triangles(), decimated_mesh().triangles)


def matched_triangles() -> NDArray[np.int64]:
    """How the shipped triangles (F, 3) on the 202 vertices were made.

    Each sheet is triangulated once, over (psi/al, U), by Delaunay's method; a vertex on the insertions or at the RV
    apex belongs to both sheets.
    """
    lattice = full_lattice().select(MATCHED_VERTICES)
    plane = np.column_stack([lattice.side, 1.3 * lattice.level])  # a sheet is about 1.5 times as wide as high
    border = (np.abs(lattice.side) == 1.0) | (lattice.level == 0.0)
    sheets = []
    for region, flip in ((RV_FREE, False), (RV_SEPTUM, True)):
        index = np.flatnonzero((lattice.region == region) | border)
        triangles = _counter_clockwise(plane[index], Delaunay(plane[index]).simplices)
        triangles = index[triangles]
        sheets.append(triangles[:, ::-1] if flip else triangles)
    return np.vstack(sheets).astype(np.int64)


def choose_matched_points(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """How the shipped indices were made: farthest points of the template's RV, its border first.

    The border (insertions and RV apex) is sampled first, so that both sheets can be triangulated up to it;
    then the vertex farthest from all chosen ones is added until there are 202.

    Parameters
    ----------
    points : (V, 3) array
        Vertices of the template mesh.
    """
    lattice = full_lattice()
    right = np.flatnonzero(lattice.region >= RV_FREE)
    side, level = lattice.side[right], lattice.level[right]
    border = (np.abs(side) == 1.0) | (level == 0.0)
    chosen = [int(np.flatnonzero((side == 1.0) & (level == 1.0))[0])]
    distance = np.linalg.norm(points[right] - points[right[chosen[0]]], axis=1)
    while len(chosen) < _N_POINTS:
        candidates = np.where(border, distance, -1.0) if len(chosen) < _N_BORDER else distance
        chosen.append(int(np.argmax(candidates)))
        distance = np.minimum(distance, np.linalg.norm(points[right] - points[right[chosen[-1]]], axis=1))
    return np.sort(right[chosen])


def _counter_clockwise(plane: NDArray[np.float64], triangles: NDArray[np.integer]) -> NDArray[np.integer]:
    """Triangles of positive area in the plane; slivers of no area are dropped."""
    a, b, c = (plane[triangles[:, i]] for i in range(3))
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    turned = np.where((area < 0)[:, None], triangles[:, ::-1], triangles)
    return turned[np.abs(area) > 1e-9]
