"""Cropping, padding, turning and resampling images without moving anything in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from scipy import ndimage

from cardiolib.imaging.cine import Cine
from cardiolib.imaging.geometry import same_place
from cardiolib.imaging.labels import LabelMap

Image = TypeVar("Image", Cine, LabelMap)


def crop_start(shape: Sequence[int], centre: Sequence[float]) -> tuple[int, ...]:
    """First voxel of the window of `shape` whose middle is as near `centre` as whole voxels allow."""
    return tuple(int(np.floor(c - (n - 1) / 2 + 0.5)) for n, c in zip(shape, centre, strict=True))


def pad_or_crop(
    array: np.ndarray,
    shape: Sequence[int],
    centre: Sequence[float] | None = None,
    *,
    fill: float = 0,
) -> np.ndarray:
    """Cut a window out of an array; what lies outside the array is `fill`.

    Parameters
    ----------
    array : array
    shape : sequence of n int
        Size of the window along the first n axes; the other axes are kept whole.
    centre : sequence of n float, optional
        Index of the middle of the window; the array's own middle by default. See `crop_start`.
    fill : number

    Returns
    -------
    array of shape ``(*shape, ...)``, a copy.

    Examples
    --------
    >>> pad_or_crop(np.arange(1, 5), (6,)).tolist(), pad_or_crop(np.arange(1, 5), (2,), [0]).tolist()
    ([0, 1, 2, 3, 4, 0], [1, 2])
    """
    array = np.asarray(array)
    _check_window(array.shape, shape)
    start = _middle_start(array.shape, shape) if centre is None else crop_start(shape, centre)
    return _cut(array, start, shape, fill)


def pad_or_crop_image(
    image: Image, shape: Sequence[int], *, centre: Sequence[float] | None = None, fill: float = 0
) -> Image:
    """`pad_or_crop` for a Cine or LabelMap: the affine moves along, every voxel keeps its world position.

    Parameters
    ----------
    image : Cine or LabelMap
    shape : (I, J) or (I, J, K)
    centre : sequence of as many floats, optional
        In voxels; the image's own middle by default.
    fill : number
        Value outside the old image (0 is background).

    Examples
    --------
    >>> from cardiolib.imaging import Cine
    >>> cine = Cine(np.zeros((8, 8, 3, 20)), np.eye(4))
    >>> window = pad_or_crop_image(cine, (4, 4))
    >>> window.shape, window.affine[:3, 3].tolist()
    ((4, 4, 3), [2.0, 2.0, 0.0])
    """
    _check_window(image.shape, shape)
    start = _middle_start(image.shape, shape) if centre is None else crop_start(shape, centre)
    return _with(image, _cut(_array(image), start, shape, fill), _moved(image.affine, start))


def crop_to_heart(image: Image, label_map: LabelMap, *, margin_mm: float = 15.0, slices: bool = False) -> Image:
    """Cut an image to the labelled heart and a margin around it, the same for all frames.

    Parameters
    ----------
    image : Cine or LabelMap
    label_map : LabelMap
        On the same voxels as `image`; every structure in every frame counts.
    margin_mm : float
        Kept on every side in-plane, as far as the image reaches.
    slices : bool
        Cut the slice axis too (no margin); otherwise all slices stay.

    Raises
    ------
    ValueError
        When the label map is empty, or lies on other voxels than the image.

    Examples
    --------
    >>> from cardiolib.imaging import OURS, Cine, LabelMap
    >>> labels = np.zeros((60, 60, 3, 1), np.uint8)
    >>> labels[28:32, 30, 1] = 1
    >>> cine = Cine(np.zeros((60, 60, 3, 20)), np.eye(4))
    >>> crop_to_heart(cine, LabelMap(labels, np.eye(4), OURS), margin_mm=5).shape
    (14, 11, 3)
    """
    if image.shape != label_map.shape or not same_place(image.affine, label_map.affine, image.shape):
        raise ValueError(
            f"image {image.shape} and label map {label_map.shape} must have the same voxels and affine "
            "to be cropped together"
        )
    heart = (label_map.labels > 0).any(axis=3)
    if not heart.any():
        raise ValueError("the label map is empty: there is no heart to crop to")
    if not (np.isfinite(margin_mm) and margin_mm >= 0):
        raise ValueError(f"margin_mm is not negative; given {margin_mm}")
    start, stop = [], []
    for axis in range(3):
        found = np.flatnonzero(heart.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(margin_mm / image.spacing_mm[axis])) if axis < 2 else 0
        whole = axis == 2 and not slices
        start.append(0 if whole else max(0, int(found[0]) - margin))
        stop.append(image.shape[axis] if whole else min(image.shape[axis], int(found[-1]) + 1 + margin))
    window = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    return _with(image, _array(image)[window].copy(), _moved(image.affine, start))


def slice_axis_last(image: Image, *, axis: int | None = None) -> Image:
    """Turn the image so that its slice axis is the last one, K.

    Parameters
    ----------
    image : Cine or LabelMap
    axis : int, optional
        The slice axis as it is now; by default the axis of the largest spacing (the last of equals).
    """
    if axis is None:
        axis = int(2 - np.argmax(image.spacing_mm[::-1] > image.spacing_mm.max() * (1 - 1e-6)))
    if axis not in (0, 1, 2):
        raise ValueError(f"axis is 0, 1 or 2; given {axis}")
    order = [a for a in range(3) if a != axis] + [axis]
    affine = image.affine.copy()
    affine[:, :3] = affine[:, order]
    return _with(image, _array(image).transpose(*order, 3), affine)


def flip_axis(image: Image, axis: int) -> Image:
    """Reverse an axis (for example so that K grows from apex to base); world positions stay.

    Examples
    --------
    >>> from cardiolib.imaging import Cine
    >>> flip_axis(Cine(np.zeros((8, 8, 3, 20)), np.eye(4)), axis=2).affine[:3, 3].tolist()
    [0.0, 0.0, 2.0]
    """
    if axis not in (0, 1, 2):
        raise ValueError(f"axis is 0, 1 or 2; given {axis}")
    affine = image.affine.copy()
    affine[:, 3] += affine[:, axis] * (image.shape[axis] - 1)
    affine[:, axis] *= -1
    return _with(image, np.flip(_array(image), axis), affine)


def resample_in_plane(image: Image, spacing_mm: float | Sequence[float], *, order: int = 1) -> Image:
    """Change the in-plane voxel size; slices, field of view and world positions stay.

    Parameters
    ----------
    image : Cine or LabelMap
    spacing_mm : float or (2,) sequence
        New voxel size along I and J.
    order : int
        Order of the spline for a Cine; label maps always take the nearest voxel.

    Notes
    -----
    The outer corner of the first voxel stays where it is; the number of voxels is rounded, so the far
    corner moves by less than half a new voxel.

    Examples
    --------
    >>> from cardiolib.imaging import Cine
    >>> resample_in_plane(Cine(np.zeros((8, 8, 3, 2)), np.eye(4)), 2.0).shape
    (4, 4, 3)
    """
    new = np.append(np.broadcast_to(np.asarray(spacing_mm, float), (2,)), image.spacing_mm[2])
    if not (np.isfinite(new).all() and (new > 0).all()):
        raise ValueError(f"spacing_mm is positive; given {spacing_mm}")
    ratio = new / image.spacing_mm
    shape = [max(1, int(np.rint(n / r))) for n, r in zip(image.shape, ratio, strict=True)]
    affine = image.affine.copy()
    affine[:3, 3] += image.affine[:3, :3] @ ((ratio - 1) / 2)
    affine[:3, :3] *= ratio
    return resample_like(image, affine, shape, order=order)


def resample_like(image: Image, affine: np.ndarray, shape: Sequence[int], *, order: int = 1) -> Image:
    """Resample an image onto other voxels of the same world.

    Parameters
    ----------
    image : Cine or LabelMap
    affine : (4, 4) array
        Voxel to world of the new voxels.
    shape : (I, J, K)
    order : int
        Order of the spline for a Cine; label maps always take the nearest voxel.

    Returns
    -------
    Cine or LabelMap
        Zero (background) where the new voxels lie outside the old image by more than half a voxel.
    """
    shape = tuple(int(n) for n in shape)
    if len(shape) != 3:
        raise ValueError(f"shape is (I, J, K); given {shape}")
    old_from_new = np.linalg.inv(image.affine) @ np.asarray(affine, float)
    old_from_new[np.abs(old_from_new) < 1e-12] = 0.0
    inside = np.ones(shape, bool)
    new = np.ogrid[tuple(slice(n) for n in shape)]
    for axis, n in enumerate(image.shape):
        old = sum(old_from_new[axis, b] * new[b] for b in range(3)) + old_from_new[axis, 3]
        inside &= (old > -0.5 - 1e-6) & (old < n - 0.5 + 1e-6)
    matrix, offset = old_from_new[:3, :3], old_from_new[:3, 3]
    source = _array(image)
    order = 0 if isinstance(image, LabelMap) else order
    result = np.empty((*shape, image.n_frames), source.dtype)
    for t in range(image.n_frames):
        frame = ndimage.affine_transform(source[..., t], matrix, offset, shape, order=order, mode="nearest")
        result[..., t] = np.where(inside, frame, 0)
    return _with(image, result, affine)


def normalise_intensity(voxels: np.ndarray, *, percentiles: tuple[float, float] = (1.0, 99.0)) -> np.ndarray:
    """Grey values to [0, 1]: two percentiles of the whole array become 0 and 1, the rest is clipped.

    Parameters
    ----------
    voxels : array
        A frame, a cine or a batch; the percentiles are taken over all of it.
    percentiles : (low, high)

    Returns
    -------
    float32 array of the same shape; zeros where the two percentiles are equal.
    """
    low_percent, high_percent = percentiles
    if not 0 <= low_percent < high_percent <= 100:
        raise ValueError(f"percentiles are 0 <= low < high <= 100; given {percentiles}")
    voxels = np.asarray(voxels, np.float32)
    low, high = np.percentile(voxels, (low_percent, high_percent))
    if high <= low:
        return np.zeros_like(voxels)
    return np.clip((voxels - np.float32(low)) / np.float32(high - low), 0, 1)


def _check_window(old: Sequence[int], new: Sequence[int]) -> None:
    if not 1 <= len(new) <= len(old) or any(int(n) != n or n < 1 for n in new):
        raise ValueError(f"a window of an array {tuple(old)} needs 1 to {len(old)} positive sizes; given {tuple(new)}")


def _middle_start(old: Sequence[int], new: Sequence[int]) -> tuple[int, ...]:
    """Rounded towards zero, so that padding and then cropping to the old size gives the old array."""
    return tuple(int((n - size) / 2) for n, size in zip(old, new, strict=False))


def _cut(array: np.ndarray, start: Sequence[int], shape: Sequence[int], fill: float) -> np.ndarray:
    result = np.full((*shape, *array.shape[len(shape) :]), fill, array.dtype)
    source, target = [], []
    for first, size, n in zip(start, shape, array.shape, strict=False):
        low, high = min(max(first, 0), n), max(min(first + size, n), 0)
        source.append(slice(low, max(low, high)))
        target.append(slice(low - first, max(low, high) - first) if high > low else slice(0, 0))
    result[tuple(target)] = array[tuple(source)]
    return result


def _array(image: Cine | LabelMap) -> np.ndarray:
    return image.voxels if isinstance(image, Cine) else image.labels


def _moved(affine: np.ndarray, start: Sequence[int]) -> np.ndarray:
    moved = affine.copy()
    moved[:3, 3] += affine[:3, : len(start)] @ np.asarray(start, float)
    return moved


def _with(image: Image, array: np.ndarray, affine: np.ndarray) -> Image:
    if isinstance(image, Cine):
        return replace(image, voxels=array, affine=affine)
    return replace(image, labels=array, affine=affine)
