"""From the columns of the motion matrix back to vertices and phases."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival.alignment import plain_rows


def as_displacements(X: ArrayLike, *, n_vertices: int) -> np.ndarray:
    """Unfold (N, D) columns into displacements (N, T - 1, V, 3) from end-diastole.

    Parameters
    ----------
    X : (N, D) array
        Column (t - 1) * 3V + 3v + c holds coordinate c of vertex v in frame t: 19 x 202 x 3 = 11,514 in the paper.
    n_vertices : int
        V.

    Raises
    ------
    ValueError
        If D is not a multiple of 3V, or a value is not finite.
    """
    X = np.asarray(plain_rows(X=X)[0])
    if X.ndim != 2 or n_vertices < 1 or X.shape[1] == 0 or X.shape[1] % (3 * n_vertices):
        raise ValueError(f"X of shape {X.shape} is not (patients, frames x {n_vertices} vertices x 3 coordinates)")
    if not np.isfinite(X).all():
        raise ValueError("X holds values that are not finite")
    return X.reshape(len(X), -1, n_vertices, 3)


def motion_magnitude_mm(X: ArrayLike, *, n_vertices: int) -> np.ndarray:
    """Mean length (N, V) in mm of each vertex's displacement from end-diastole, over the phases of the cycle.

    Source: Bello et al. 2019 describe vertex motion by its mean over the cycle; its formula was not released,
    so this is our definition.
    """
    return np.linalg.norm(as_displacements(X, n_vertices=n_vertices), axis=3).mean(axis=1)
