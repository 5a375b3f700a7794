"""One rigid turn per subject, so that how a patient lay in the scanner is no feature; and evenly spaced phases."""

from __future__ import annotations

import numpy as np

from cardiolib.cohorts import N_PHASES


def kabsch(points: np.ndarray, target: np.ndarray, *, mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Rotation R and translation t that bring points to target by least squares: target ~ points @ R.T + t.

    Parameters
    ----------
    points, target : (V, 3) arrays
        V >= 3, not all on a line.
    mirrored : bool
        One is a mirror image of the other.

    Returns
    -------
    rotation : (3, 3) array
        Determinant +1, or -1 when `mirrored`.
    translation : (3,) array
    """
    points, target = np.asarray(points, float), np.asarray(target, float)
    if points.shape != target.shape or points.ndim != 2 or points.shape[1] != 3 or len(points) < 3:
        raise ValueError(f"two (V, 3) arrays with V >= 3 are needed; given {points.shape} and {target.shape}")
    a, b = points - points.mean(axis=0), target - target.mean(axis=0)
    u, size, vt = np.linalg.svd(b.T @ a)
    if not size[1] > 1e-9 * max(size[0], 1e-300):
        raise ValueError("the points lie on a line or in one place: no rotation can be told from them")
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vt)) * (-1 if mirrored else 1)
    rotation = u @ np.diag([1.0, 1.0, sign]) @ vt
    return rotation, target.mean(axis=0) - rotation @ points.mean(axis=0)


def to_heart_frame(positions: np.ndarray, template: np.ndarray, *, mirrored: bool = False) -> np.ndarray:
    """Turn and move a subject rigidly so that its end-diastolic points lie on the template's.

    One rigid transform for all phases, so lengths, volumes and motion are kept; only the scanner's axes go.

    Parameters
    ----------
    positions : (T, V, 3) array
        World mm.
    template : (V, 3) array
        The same points of the template, in its own (heart) frame.
    mirrored : bool
        The subject's world is a mirror image of the body (see `FittedTemplate`).

    Returns
    -------
    (T, V, 3) array
    """
    positions = np.asarray(positions, float)
    rotation, translation = kabsch(positions[0], template, mirrored=mirrored)
    return positions @ rotation.T + translation


def resample_phases(positions: np.ndarray, n_phases: int = N_PHASES) -> np.ndarray:
    """Positions (T, V, 3) of one closed cycle at another number of evenly spaced phases, linear in time.

    Phase 0 stays exactly what it is; after the last frame the cycle returns to it.

    Examples
    --------
    >>> resample_phases(np.zeros((25, 202, 3))).shape
    (20, 202, 3)
    """
    positions = np.asarray(positions, float)
    if positions.ndim != 3 or len(positions) < 3:
        raise ValueError(f"a cycle is a (T, V, 3) array of at least 3 frames; given shape {positions.shape}")
    closed = np.concatenate([positions, positions[:1]])
    at = np.arange(n_phases) * len(positions) / n_phases
    below = np.floor(at + 1e-9).astype(int)
    share = np.clip(at - below, 0, 1)[:, None, None]
    return closed[below] * (1 - share) + closed[below + 1] * share
