"""The motion descriptor of the survival network: displacements of 202 vertices in 19 phases, 11,514 numbers.

Column ``(t - 1) * 606 + v * 3 + c`` of the matrix holds the displacement in mm of coordinate c (0 x, 1 y, 2 z) of
vertex v from phase 0 to phase t (UK-Digital-Heart-Project/4Dsurvival, inputdata_setup.py). The released code neither
rotates nor scales; `to_heart_frame` is our addition, so that how a patient lay in the scanner is no feature.
"""

from __future__ import annotations

import numpy as np

N_PHASES, N_VERTICES = 20, 202
N_FEATURES = (N_PHASES - 1) * N_VERTICES * 3


def to_matrix(positions: np.ndarray) -> np.ndarray:
    """Displacements from phase 0 as one row a subject.

    Parameters
    ----------
    positions : (N, T, V, 3) array
        mm; T >= 2, phase 0 is end-diastole.

    Returns
    -------
    (N, (T-1) * V * 3) float64 array
        (N, 11514) for 20 phases and 202 vertices.
    """
    positions = np.asarray(positions, dtype=np.float64)
    if positions.ndim != 4 or positions.shape[1] < 2 or positions.shape[3] != 3 or 0 in positions.shape:
        raise ValueError(f"positions is an (N, T, V, 3) array in mm with T >= 2; given shape {positions.shape}")
    if not np.isfinite(positions).all():
        bad = np.flatnonzero(~np.isfinite(positions).all(axis=(1, 2, 3)))
        raise ValueError(
            f"positions of subject(s) number {bad.tolist()} are not finite; track them again or leave them out"
        )
    return (positions[:, 1:] - positions[:, :1]).reshape(len(positions), -1)


def from_matrix(X: np.ndarray, *, reference: np.ndarray | None = None, n_phases: int = N_PHASES) -> np.ndarray:
    """The inverse of `to_matrix`.

    Parameters
    ----------
    X : (N, D) array
        mm; D = (n_phases - 1) * V * 3.
    reference : (V, 3) or (N, V, 3) array, optional
        Positions at phase 0; zeros by default, which gives displacements.
    n_phases : int

    Returns
    -------
    (N, T, V, 3) float64 array
    """
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2 or n_phases < 2 or X.shape[1] == 0 or X.shape[1] % (3 * (n_phases - 1)):
        raise ValueError(f"X is an (N, D) array with D = {n_phases - 1} phases x vertices x 3; given shape {X.shape}")
    moves = X.reshape(len(X), n_phases - 1, -1, 3)
    start = np.zeros((len(X), 1, moves.shape[2], 3))
    if reference is not None:
        reference = np.asarray(reference, dtype=np.float64)
        if reference.shape not in ((moves.shape[2], 3), (len(X), moves.shape[2], 3)):
            raise ValueError(f"reference has {moves.shape[2]} vertices (V, 3) or (N, V, 3); given {reference.shape}")
        start = start + (reference if reference.ndim == 2 else reference[:, None])
    return np.concatenate([start, start + moves], axis=1)


def column_index(phase: int, vertex: int, coordinate: int, *, n_vertices: int = N_VERTICES) -> int:
    """Column of a phase (from 1), a vertex (from 0) and a coordinate (0 x, 1 y, 2 z).

    >>> column_index(1, 0, 2), column_index(19, 201, 2)
    (2, 11513)
    """
    return (phase - 1) * n_vertices * 3 + vertex * 3 + coordinate


def column_meaning(n_columns: int, n_phases: int = N_PHASES) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Phase (from 1), vertex and coordinate (0 x, 1 y, 2 z) of every column of a motion matrix, each (D,).

    Raises
    ------
    ValueError
        The number of columns is not (n_phases - 1) x V x 3.
    """
    if n_phases < 2 or n_columns <= 0 or n_columns % (3 * (n_phases - 1)):
        raise ValueError(
            f"{n_columns} columns are not {n_phases - 1} phases x V vertices x 3 coordinates: say how many phases the "
            "cycle has (n_phases)."
        )
    shape = (n_phases - 1, n_columns // (3 * (n_phases - 1)), 3)
    phase, vertex, coordinate = (index.reshape(-1) for index in np.indices(shape))
    return phase + 1, vertex, coordinate
