"""Voxel indices and world millimetres: affines, and what to believe when a header contradicts itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SAME_PLACE_VOXELS = 0.01
"""Corners of two grids that lie no farther apart than this share of a voxel lie in the same place."""

SPACING_TOLERANCE = 1e-3
"""Relative difference between affine and zooms that is put down to float32 rounding."""


def spacing_of(affine: np.ndarray) -> np.ndarray:
    """Voxel size along I, J, K in mm: the lengths of the affine's columns.

    Parameters
    ----------
    affine : (4, 4) array
        Voxel to world (RAS+ mm).

    Returns
    -------
    (3,) array
    """
    return np.linalg.norm(np.asarray(affine, float)[:3, :3], axis=0)


def world_from_voxel(affine: np.ndarray, ijk: np.ndarray) -> np.ndarray:
    """World coordinates (mm, RAS+) of voxel coordinates.

    Parameters
    ----------
    affine : (4, 4) array
    ijk : (..., 3) array
        Voxel coordinates, fractions allowed; a whole number is the centre of a voxel.

    Returns
    -------
    (..., 3) array
    """
    affine = np.asarray(affine, float)
    return np.asarray(ijk, float) @ affine[:3, :3].T + affine[:3, 3]


def voxel_from_world(affine: np.ndarray, xyz: np.ndarray) -> np.ndarray:
    """Voxel coordinates (fractions) of world coordinates in mm; the inverse of `world_from_voxel`.

    Parameters
    ----------
    affine : (4, 4) array
    xyz : (..., 3) array

    Returns
    -------
    (..., 3) array
    """
    affine = np.asarray(affine, float)
    offset = np.asarray(xyz, float) - affine[:3, 3]
    return offset @ np.linalg.inv(affine[:3, :3]).T


def voxels_apart(affine: np.ndarray, other: np.ndarray, shape: Sequence[int]) -> float:
    """How far the corners of two grids of one shape lie apart, in voxels of the first along its axes.

    Parameters
    ----------
    affine, other : (4, 4) arrays
    shape : (I, J, K)

    Examples
    --------
    >>> grid, moved = np.diag([2.0, 2, 10, 1]), np.diag([2.0, 2, 10, 1])
    >>> moved[2, 3] = 5
    >>> voxels_apart(grid, moved, (64, 64, 10))
    0.5
    """
    corners = np.array(np.meshgrid(*((0, n - 1) for n in shape[:3]), indexing="ij"), float).reshape(3, -1).T
    return float(np.abs(voxel_from_world(affine, world_from_voxel(other, corners)) - corners).max())


def same_place(affine: np.ndarray, other: np.ndarray, shape: Sequence[int]) -> bool:
    """Whether two grids of one shape lie in the same place, to `SAME_PLACE_VOXELS`.

    Examples
    --------
    >>> grid, moved = np.diag([2.0, 2, 10, 1]), np.diag([2.0, 2, 10, 1])
    >>> moved[0, 3] = 0.005
    >>> same_place(grid, moved, (64, 64, 10))
    True
    """
    return voxels_apart(affine, other, shape) <= SAME_PLACE_VOXELS


def check_affine(affine: np.ndarray) -> np.ndarray:
    """Return `affine` as a (4, 4) float64 array, or say what is wrong with it.

    Raises
    ------
    ValueError
        When the shape is not (4, 4), a number is not finite, the last row is not 0 0 0 1, or the
        voxels have no volume.
    """
    affine = np.array(affine, dtype=np.float64)
    if affine.shape != (4, 4):
        raise ValueError(f"an affine is a (4, 4) array from voxel to world mm; given shape {affine.shape}")
    if not np.isfinite(affine).all():
        raise ValueError(f"the affine holds values that are not finite:\n{affine}")
    if not np.allclose(affine[3], (0, 0, 0, 1)):
        raise ValueError(f"the last row of an affine is 0 0 0 1; given {affine[3]}")
    if abs(np.linalg.det(affine[:3, :3])) <= 1e-9 * np.prod(spacing_of(affine)):
        raise ValueError(f"the affine gives voxels without volume:\n{affine}")
    return affine


def reconcile_affine(affine: np.ndarray, zooms_mm: Sequence[float]) -> tuple[np.ndarray, str | None]:
    """Decide between the voxel size of an affine and that of the header zooms, and say why.

    ACDC is the trap: every file has the affine diag(-1, -1, 1) and the true spacing only in the
    zooms; trusting the affine makes the volumes of patient001 wrong by a factor of 24.4.

    Parameters
    ----------
    affine : (4, 4) array
        Voxel to world.
    zooms_mm : (3,) sequence
        Voxel size of the header (NIfTI ``pixdim[1:4]``).

    Returns
    -------
    affine : (4, 4) float64 array
        Direction cosines and origin are always those of the given affine. The spacing is the
        affine's when both agree or the zooms are unset (not positive) or all one; otherwise the zooms'.
    note : str or None
        What disagreed and which one won; None when they agree.

    Raises
    ------
    ValueError
        When the affine is not usable, or neither source gives a voxel size.

    Notes
    -----
    A spacing of one, to the last digit, in all three directions is what software writes when it does not know,
    so a side that says anything else is believed over a side that says 1, 1, 1.
    """
    affine = np.array(affine, dtype=np.float64)
    zooms = np.abs(np.asarray(zooms_mm, dtype=np.float64))
    if zooms.shape != (3,):
        raise ValueError(f"three zooms are needed, one for each of I, J, K; given {tuple(zooms_mm)}")
    affine = check_affine(affine)
    spacing = spacing_of(affine)
    if not (np.isfinite(zooms).all() and (zooms > 0).all()):
        return affine, f"header zooms {_text(zooms)} are unset: affine spacing {_text(spacing)} mm believed"
    if np.allclose(spacing, zooms, rtol=SPACING_TOLERANCE, atol=0):
        return affine, None
    if np.allclose(zooms, 1.0):
        return affine, (f"header zooms are 1, 1, 1 (unset) and the affine says {_text(spacing)} mm: affine believed")
    reconciled = affine.copy()
    reconciled[:3, :3] *= zooms / spacing
    unset = np.allclose(spacing, 1.0)
    why = "an affine of unit spacing is unset" if unset else "zooms are the scanner's voxel size"
    return reconciled, (
        f"affine spacing {_text(spacing)} mm and header zooms {_text(zooms)} mm disagree: zooms believed "
        f"({why}); directions and origin kept from the affine"
    )


def _text(values: np.ndarray) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
