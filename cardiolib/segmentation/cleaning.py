"""Removing stray islands from a label map without ever losing a ventricle.

Which pieces of a structure stay was decided by measurement. In simulated scans loose pieces are mostly right. In real
ones they are mostly not: on 25 development patients of ACDC (two networks of simulated hearts only, and the mean of
three) the largest piece alone, instead of the rule for simulated scans, changed the Dice of the LV wall by +.005, -.005
and +.009, of the RV by +.011, -.006 and +.007, of the LV cavity by -.003, +.006 and -.006, and the 95 % Hausdorff
distance of the RV from 20 to 17 mm. Opening the RV with a disc of 3 mm as well gained .010 with one network and lost
.004 and .006 with the others, so it is not done.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cardiolib.imaging import OURS, STRUCTURES, LabelScheme

KEPT_FRACTION = 0.2
"""A second component of a structure is kept when it has at least this share of the largest one."""


_IN_ONE_PIECE = ("lv_cavity", "lv_wall", "rv_cavity")


def clean_labels(
    labels: np.ndarray, *, scheme: LabelScheme = OURS, largest_only: bool = False
) -> tuple[np.ndarray, int]:
    """Set islands to background.

    The largest component of every structure is always kept, so a true right ventricle cannot be deleted, even
    where breath-hold shifts cut its connection to the left one. Other components stay when they are large
    (a right ventricle may come in two parts near its base) or touch the heart that is kept; the rest is
    background.

    Parameters
    ----------
    labels : (I, J, K) uint8 array
        One frame.
    largest_only : bool
        Keep the largest component of cavities and LV wall and nothing else of them. The RV wall is thin and comes in
        several: those stay that touch what is kept.

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
            kept |= (sizes >= (1.0 if largest_only else KEPT_FRACTION) * sizes.max())[pieces] & (pieces > 0)
            if largest_only and name in _IN_ONE_PIECE:
                part = np.where(kept | (part != scheme.codes[name]), part, 0)
    whole, n = ndimage.label(part > 0, neighbours)
    touched = np.zeros(n + 1, bool)
    touched[whole[kept]] = True
    touched[0] = False
    cleaned = labels.copy()
    cleaned[box] = np.where(kept | touched[whole], part, 0)
    return cleaned, int((cleaned != labels).sum())
