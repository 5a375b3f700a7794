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


_ROUND = 0.6
"""Radius of the disc in `_round_off`, of the radius of the largest disc within the left ventricle."""

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
            if largest_only and name in ("lv_cavity", "rv_cavity"):
                sizes = _enclosed(sizes, pieces, part == scheme.codes.get("lv_wall", -1))
            kept |= (sizes >= (1.0 if largest_only else KEPT_FRACTION) * sizes.max())[pieces] & (pieces > 0)
            if largest_only and name in _IN_ONE_PIECE:
                part = np.where(kept | (part != scheme.codes[name]), part, 0)
    whole, n = ndimage.label(part > 0, neighbours)
    touched = np.zeros(n + 1, bool)
    touched[whole[kept]] = True
    touched[0] = False
    cleaned = labels.copy()
    part = np.where(kept | touched[whole], part, 0)
    if largest_only:
        _round_off(part, scheme)
    cleaned[box] = part
    return cleaned, int((cleaned != labels).sum())


def _enclosed(sizes: np.ndarray, pieces: np.ndarray, wall: np.ndarray) -> np.ndarray:
    """Sizes of pieces, times the share of their in-plane border that is LV wall; sizes alone where no piece has any."""
    in_plane = ndimage.generate_binary_structure(2, 1)[:, :, None]
    shares = np.zeros(len(sizes))
    pieces, wall = np.pad(pieces, 1), np.pad(wall, 1)
    for code, place in enumerate(ndimage.find_objects(pieces), start=1):
        around = tuple(slice(side.start - 1, side.stop + 1) for side in place)
        piece = pieces[around] == code
        border = ndimage.binary_dilation(piece, in_plane) & ~piece
        shares[code] = wall[around][border].mean()
    return sizes * shares if shares.any() else sizes


def _round_off(part: np.ndarray, scheme: LabelScheme) -> None:
    """Take from the LV wall, in place and slice by slice, what sticks out of the left ventricle.

    The left ventricle (wall and cavity) is opened with a disc of `_ROUND` times its inner radius. What a network takes
    for wall beside the heart hangs on it by a neck.
    """
    cavity, wall = (scheme.codes.get(name, -1) for name in ("lv_cavity", "lv_wall"))
    for k in range(part.shape[2]):
        plane = part[..., k]
        ventricle = np.pad((plane == cavity) | (plane == wall), 1)
        depth = ndimage.distance_transform_edt(ventricle)
        radius = _ROUND * depth.max()
        if radius < 1:
            continue
        round_part = (ndimage.distance_transform_edt(depth <= radius) <= radius + 1)[1:-1, 1:-1]
        pieces, n = ndimage.label(round_part)
        if n > 1:
            round_part = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
        plane[(plane == wall) & ~round_part] = 0
