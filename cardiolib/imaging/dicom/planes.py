"""Planes of slices: which series lie in the same direction on the same grid, and which of them the short axis is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cardiolib.imaging.dicom.headers import FrameHeader

PARALLEL_DEGREES = 1.0
"""Directions that differ by less are the same."""

APEX_TO_BASE = np.array([-0.64, 0.56, 0.53]) / np.linalg.norm([0.64, 0.56, 0.53])
"""Usual direction of the left ventricle's long axis, patient coordinates (LPS): to the right, backwards and up."""

AXIAL_DEGREES = 12.0
"""A normal as near as this to an axis of the body is that of a transverse, coronal or sagittal stack. The usual long
axis is 50 degrees and more from all three."""

_SPACING_SHARE = 1e-3
_BODY_PLANES = ("sagittal", "coronal", "transverse")


def same_plane(one: FrameHeader, other: FrameHeader) -> bool:
    """Whether two frames lie in one direction (within `PARALLEL_DEGREES`), turned alike, on one grid."""
    return same_grid(one, other) and same_directions(one, other)


def same_directions(one: FrameHeader, other: FrameHeader) -> bool:
    """Whether rows and columns of two frames point alike."""
    assert one.directions is not None and other.directions is not None
    cosines = np.einsum("ij,ij->i", one.directions, other.directions)
    return bool((cosines > np.cos(np.deg2rad(PARALLEL_DEGREES))).all())


def same_grid(one: FrameHeader, other: FrameHeader) -> bool:
    """Whether two frames have the same rows, columns and pixel spacing."""
    assert one.spacing_mm is not None and other.spacing_mm is not None
    return (one.rows, one.columns) == (other.rows, other.columns) and np.allclose(
        one.spacing_mm, other.spacing_mm, rtol=_SPACING_SHARE, atol=0
    )


def angle_degrees(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Angle between two lines, 0 to 90 degrees; their senses do not matter."""
    cosine = abs(float(one @ other)) / float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.rad2deg(np.arccos(min(cosine, 1.0))))


def body_plane(normal: NDArray[np.float64]) -> str | None:
    """ "transverse", "coronal" or "sagittal" where a normal is within `AXIAL_DEGREES` of that plane's; else None.

    >>> body_plane(np.array([0.0, 0.1, 1.0]))
    'transverse'
    """
    angles = [angle_degrees(normal, axis) for axis in np.eye(3)]
    nearest = int(np.argmin(angles))
    return _BODY_PLANES[nearest] if angles[nearest] <= AXIAL_DEGREES else None


def orientation_words(normal: NDArray[np.float64]) -> str:
    """A plane in words: the plane of the body that it is, or how far it is from the usual short axis.

    >>> orientation_words(APEX_TO_BASE)
    'oblique, 0 deg from the usual short axis'
    """
    named = body_plane(normal)
    return named or f"oblique, {angle_degrees(normal, APEX_TO_BASE):.0f} deg from the usual short axis"


def crossing_planes(normal: NDArray[np.float64], others: Sequence[NDArray[np.float64]]) -> int:
    """How many other planes stand upright on this one (80 to 90 degrees), as long-axis views do on the short axis."""
    return sum(angle_degrees(normal, other) >= 80.0 for other in others)
