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
    neighbours = np.ones((3, 3, 3), bool)
    kept = np.zeros(labels.shape, bool)
    for name in STRUCTURES:
        if name not in scheme.codes:
            continue
        parts, n = ndimage.label(labels == scheme.codes[name], neighbours)
        if n:
            sizes = np.bincount(parts.ravel())[1:]
            keep = 1 + np.flatnonzero(sizes >= KEPT_FRACTION * sizes.max())
            kept |= np.isin(parts, keep)
    whole, n = ndimage.label(labels > 0, neighbours)
    touched = np.unique(whole[kept]) if n else np.array([], int)
    cleaned = np.where(kept | np.isin(whole, touched[touched > 0]), labels, 0).astype(labels.dtype)
    return cleaned, int((cleaned != labels).sum())
