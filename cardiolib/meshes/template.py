"""The template of both ventricles and its 202 vertices: which piece of muscle a vertex is, in every heart.

The file ``template.npz`` holds the end-diastolic surface of the mean digital heart with pulmonary hypertension. It is
shipped, so that vertices never move and nothing has to be simulated to name them; that the simulator still makes the
same surface is tested.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from cardiolib.meshes.surface import SurfaceMesh


def _read(name: str) -> np.ndarray:
    with resources.files("cardiolib.meshes").joinpath("template.npz").open("rb") as file, np.load(file) as stored:
        array = stored[name]
    array.setflags(write=False)
    return array


MATCHED_VERTICES: NDArray[np.int64] = _read("matched_points").astype(np.int64)
"""Indices (202,), increasing, of the points of the right ventricle whose motion the survival network reads."""
MATCHED_VERTICES.setflags(write=False)


@lru_cache(maxsize=1)
def template_mesh() -> SurfaceMesh:
    """ED surface of the mean heart with pulmonary hypertension: 3,683 vertices in mm, heart axes.

    Examples
    --------
    >>> template_mesh()
    SurfaceMesh(3683 vertices, 7200 triangles; lv_endo 961, lv_epi 961, rv_free 924, rv_septum 837)
    """
    names = tuple(str(name) for name in _read("region_names"))
    return SurfaceMesh(_read("points_mm"), _read("triangles").astype(np.int64), _read("region"), names)


def decimated_mesh(points: NDArray[np.float64] | None = None) -> SurfaceMesh:
    """The 202 vertices as a surface for drawing: free wall and septum, joined along the insertions.

    Parameters
    ----------
    points : (202, 3) array, optional
        Positions in mm; those of the template by default. A vertex on the insertions or at the RV apex belongs to both
        sheets and counts as "rv_free".

    Examples
    --------
    >>> decimated_mesh().n_points
    202
    """
    points = template_mesh().points[MATCHED_VERTICES] if points is None else np.asarray(points, float)
    if points.shape != (len(MATCHED_VERTICES), 3):
        raise ValueError(f"points must have shape ({len(MATCHED_VERTICES)}, 3), got {points.shape}")
    return SurfaceMesh(points, _matched_triangles(), template_mesh().region[MATCHED_VERTICES])


@lru_cache(maxsize=1)
def _matched_triangles() -> NDArray[np.int64]:
    return _read("matched_triangles").astype(np.int64)
