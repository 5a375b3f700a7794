"""From the wrapped phase of displacement-encoded images to displacement in mm [1]_.

.. [1] Spottiswoode et al. 2007, IEEE Trans Med Imaging 26:15-30. Here, unlike there, phases are unwrapped in the plane
   and in time at once, along the most reliable neighbours first (Herraez et al. 2002, Applied Optics 41:7437-7444).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.ndimage import distance_transform_edt, label
from skimage.restoration import unwrap_phase

from cardiolib.imaging.dense_cine import DenseCine
from cardiolib.imaging.displacement import DisplacementField
from cardiolib.imaging.labels import LabelMap

WALLS = ("lv_wall", "rv_wall")
_LEAST_VOXELS = 4
"""Pieces of muscle in plane and time that are smaller than this are left out: nothing holds their turns."""

_NEAR_VOXELS = 3.0
"""How far in plane (and in frames) a piece that comes late may be from muscle that gives it its turns."""


def displacement_from_dense(dense: DenseCine, mask: np.ndarray | LabelMap) -> DisplacementField:
    """Unwrap the phases of displacement-encoded images within the muscle.

    Parameters
    ----------
    dense : DenseCine
        From end-diastole (frame 0).
    mask : (I, J, K, T) bool array or LabelMap
        Muscle in every frame; of a label map its walls. Blood and lung have no phase worth reading.

    Returns
    -------
    DisplacementField
        NaN outside `mask`, and in pieces of it that are too small.

    Raises
    ------
    ValueError
        When the mask has another shape, or is empty at end-diastole.

    Notes
    -----
    Each slice and direction is unwrapped over place and time together. Whole turns that remain are taken away so that
    end-diastole, where nothing has moved yet, is at 0. Muscle that comes into a slice later than that takes its turns
    from the neighbouring slice. At last a voxel that is a turn away from the median of its neighbours gives way.

    Examples
    --------
    >>> import cardiolib as cl
    >>> from cardiolib.digital_heart import acquire_dense, true_displacement
    >>> heart = cl.DigitalHeart()
    >>> scan = cl.acquire(heart, phases=np.arange(10) / 10)
    >>> found = displacement_from_dense(acquire_dense(heart, scan), scan.labels.mask("lv_wall"))
    >>> error = found.mm - true_displacement(heart, scan, structures=["lv_wall"]).mm
    >>> bool(np.nanmedian(np.linalg.norm(error, axis=-1)) < 0.5)
    True
    """
    if isinstance(mask, LabelMap):
        mask = np.logical_or.reduce([mask.mask(name) for name in WALLS if name in mask.scheme.codes])
    mask = np.asarray(mask, bool)
    if mask.shape != dense.magnitude.shape:
        raise ValueError(f"the mask has the axes of the magnitude {dense.magnitude.shape}; given {mask.shape}")
    if not mask[..., 0].any():
        raise ValueError("the mask is empty at end-diastole (frame 0): displacement counts from there")
    along = np.full(dense.phase.shape, np.nan)
    late: list[tuple[int, np.ndarray]] = []
    for k in _from_the_fullest(mask):
        pieces, count = label(mask[:, :, k])
        for number in range(1, count + 1):
            piece = pieces == number
            if piece[..., 0].any():
                whole = _unwrapped(dense.phase[:, :, k], piece)
                at_ed = np.nonzero(piece)[2] == 0
                along[:, :, k][piece] = _from_turn(whole, np.median(whole[at_ed], axis=0))
            elif piece.sum() >= _LEAST_VOXELS:
                late.append((k, piece))
    for k, piece in sorted(late, key=lambda one: -int(one[1].sum())):
        whole = _unwrapped(dense.phase[:, :, k], piece)
        along[:, :, k][piece] = _from_turn(whole, _ahead(whole, piece, along, k))
    along /= 2 * np.pi * np.asarray(dense.encoding_per_mm)
    known = np.isfinite(along).all(axis=-1)
    along[~known] = np.nan
    directions = dense.affine[:3, :3] / np.linalg.norm(dense.affine[:3, :3], axis=0)
    notes = ("unwrapped from displacement-encoded images",)
    return DisplacementField((along @ directions.T).astype(np.float32), dense.affine, 0, notes, dense.simulated)


def _from_the_fullest(mask: np.ndarray) -> list[int]:
    """Slices with muscle, outwards from the one with most of it."""
    counts = mask.sum(axis=(0, 1, 3))
    return sorted(np.flatnonzero(counts), key=lambda k: abs(int(k) - int(counts.argmax())))


def _unwrapped(phase: np.ndarray, piece: np.ndarray) -> np.ndarray:
    """(n, 3) phases of the n voxels of a piece (I, J, T), without jumps, but for whole turns of all of it."""
    box = tuple(slice(int(index.min()), int(index.max()) + 1) for index in np.nonzero(piece))
    inside = piece[box]
    if min(inside.shape) < 2:  # one frame, row or column: it has another number of axes
        flat = [axis for axis, size in enumerate(inside.shape) if size < 2]
        boxes = [np.squeeze(phase[box][..., axis], tuple(flat)) for axis in range(3)]
        inside = np.squeeze(inside, tuple(flat))
    else:
        boxes = [phase[box][..., axis] for axis in range(3)]
    found = []
    for wrapped in boxes:
        if inside.ndim < 2:
            found.append(np.unwrap(wrapped[inside].astype(float)))
            continue
        masked = np.ma.array(wrapped.astype(float), mask=~inside)
        found.append(_settled(np.where(inside, np.ma.getdata(unwrap_phase(masked, rng=0)), np.nan), inside))
    return np.stack(found, axis=-1)


def _from_turn(whole: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Phases (n, 3) less the whole turns that they are ahead, a number for each direction; NaN where it is."""
    return whole - 2 * np.pi * np.rint(ahead / (2 * np.pi))


def _ahead(whole: np.ndarray, piece: np.ndarray, along: np.ndarray, k: int) -> np.ndarray:
    """(3,) phase by which a piece is ahead of the nearest muscle that is done: in its slice, else in the next ones.

    NaN where there is none nearby: nothing then holds the piece's turns.
    """
    for other, reach in ((k, _NEAR_VOXELS), (k - 1, 2 * _NEAR_VOXELS), (k + 1, 2 * _NEAR_VOXELS)):
        if not 0 <= other < along.shape[2]:
            continue
        done = np.isfinite(along[:, :, other, :, 0])
        if not done.any():
            continue
        distance, nearest = distance_transform_edt(~done, return_indices=True)
        near = distance[piece] <= reach
        if near.any():
            beside = along[:, :, other][tuple(index[piece][near] for index in nearest)]
            return np.median(whole[near] - beside, axis=0)
    return np.full(3, np.nan)


def _settled(whole: np.ndarray, piece: np.ndarray) -> np.ndarray:
    """(n,) phases of a piece: a voxel whole turns away from the median of its neighbours is brought back."""
    padded = np.pad(whole, 1, constant_values=np.nan)
    places = np.argwhere(piece) + 1
    steps = np.array(list(product((-1, 0, 1), repeat=piece.ndim)))
    around = tuple((places[:, None] + steps).transpose(2, 0, 1))
    centre = tuple(places.T)
    for _ in range(2):
        turns = np.rint((padded[centre] - np.nanmedian(padded[around], axis=1)) / (2 * np.pi))
        if not turns.any():
            break
        padded[centre] -= 2 * np.pi * turns
    return padded[centre]
