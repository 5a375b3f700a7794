"""Removing stray islands from a label map without ever losing a ventricle."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cardiolib.imaging import OURS, STRUCTURES, LabelScheme

KEPT_FRACTION = 0.2
"""A second component of a structure is kept when it has at least this share of the largest one."""


def clean_labels(labels: np.ndarray, *, scheme: LabelScheme = OURS) -> tuple[np.ndarray, int]:
    """Set islands to background.

    The largest component of every structure is always kept, so a true right ventricle cannot be deleted, even
    where breath-hold shifts cut its connection to the left one. Other components stay when they are large
    (a right ventricle may come in two parts near its base) or touch the heart that is kept; the rest is
    background.

    Parameters
    ----------
    labels : (I, J, K) uint8 array
        One frame.

    Returns
    -------
    cleaned : (I, J, K) uint8 array
    n_removed : int
        Voxels set to background.
    """
    where = np.argwhere(labels)
    if not len(where):
        return labels.copy(), 0
    box = tuple(slice(low, high + 1) for low, high in zip(where.min(axis=0), where.max(axis=0), strict=True))
    part = labels[box]
    neighbours = np.ones((3, 3, 3), bool)
    kept = np.zeros(part.shape, bool)
    for name in STRUCTURES:
        if name not in scheme.codes:
            continue
        pieces, n = ndimage.label(part == scheme.codes[name], neighbours)
        if n:
            sizes = np.bincount(pieces.ravel())
            sizes[0] = 0  # the background is no piece
            kept |= (sizes >= KEPT_FRACTION * sizes.max())[pieces] & (pieces > 0)
    whole, n = ndimage.label(part > 0, neighbours)
    touched = np.zeros(n + 1, bool)
    touched[whole[kept]] = True
    touched[0] = False
    cleaned = labels.copy()
    cleaned[box] = np.where(kept | touched[whole], part, 0)
    return cleaned, int((cleaned != labels).sum())
