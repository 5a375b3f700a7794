"""Label maps made worse in known ways, to calibrate the quality gate on and to try it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy import ndimage

from cardiolib.imaging import LabelMap


def damage(label_map: LabelMap, kind: str, amount: float, *, rng: np.random.Generator) -> LabelMap:
    """A label map with one kind of error, the same in all frames.

    Parameters
    ----------
    label_map : LabelMap
        Its scheme names lv_cavity, lv_wall and rv_cavity.
    kind : str
        "swap" (the ventricles change names in some slices), "remove" (inner slices are empty), "islands" (part of the
        heart lies elsewhere in some slices), "shift" (slices are moved in plane), "leak" (the RV runs over its border),
        "shrink" (the RV is lost from its border) or "torn" (holes in every structure).
    amount : float
        0 (nothing is changed) to 1.
    rng : Generator
        Decides where. The same generator state and a larger amount damage what a smaller amount does, and more.

    Raises
    ------
    ValueError
        For an unknown kind or an amount outside 0 to 1.

    Examples
    --------
    >>> import cardiolib as cl
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0], rng=np.random.default_rng(1))
    >>> worse = damage(scan.labels, "remove", 0.3, rng=np.random.default_rng(0))
    >>> bool(worse.volume_ml("lv_cavity")[0] < scan.labels.volume_ml("lv_cavity")[0])
    True
    """
    if kind not in DAMAGES:
        raise ValueError(f"kind of damage must be one of {', '.join(DAMAGES)}; given {kind!r}")
    if not 0 <= amount <= 1:
        raise ValueError(f"amount of damage must be from 0 to 1, given {amount}")
    if amount == 0 or not (label_map.labels > 0).any():
        return label_map
    return replace(label_map, labels=DAMAGES[kind](label_map, amount, rng))


def _slices(label_map: LabelMap) -> np.ndarray:
    return np.flatnonzero((label_map.labels > 0).any(axis=(0, 1, 3)))


def _chosen(slices: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """So many slices, the same first ones for every amount."""
    return rng.permutation(slices)[: int(np.ceil(amount * len(slices)))]


def _swap(label_map: LabelMap, amount: float, rng: np.random.Generator) -> np.ndarray:
    labels, scheme = label_map.labels.copy(), label_map.scheme
    left, right = scheme.code("lv_cavity"), scheme.code("rv_cavity")
    for k in _chosen(_slices(label_map), amount, rng):
        part = label_map.labels[:, :, k]
        labels[:, :, k][part == left] = right
        labels[:, :, k][part == right] = left
    return labels


def _remove(label_map: LabelMap, amount: float, rng: np.random.Generator) -> np.ndarray:
    labels = label_map.labels.copy()
    labels[:, :, _chosen(_slices(label_map)[1:-1], amount, rng)] = 0
    return labels


def _islands(label_map: LabelMap, amount: float, rng: np.random.Generator) -> np.ndarray:
    """In some slices the part of the heart on one side of its middle is moved to the far side of the image."""
    labels = label_map.labels.copy()
    for k in _chosen(_slices(label_map), amount, rng):
        part = label_map.labels[:, :, k]
        where = np.argwhere(part.any(axis=-1))
        away = (np.array(part.shape[:2]) / 2 - where.mean(axis=0) > 0) * 2 - 1
        half = int(np.median(where[:, 0]))
        side = np.zeros(part.shape[:2], bool)
        side[half:] = True
        moved = np.where(side[..., None], part, 0)
        labels[:, :, k] = np.where(side[..., None], 0, part)
        shifted = np.roll(moved, tuple(away * np.array(part.shape[:2]) // 3), axis=(0, 1))
        labels[:, :, k] = np.where(shifted > 0, shifted, labels[:, :, k])
    return labels


def _shift(label_map: LabelMap, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Every second slice moves by up to 40 mm."""
    labels = label_map.labels.copy()
    angle = rng.uniform(0, 2 * np.pi)
    step = 40 * amount * np.array([np.cos(angle), np.sin(angle)]) / label_map.spacing_mm[:2]
    for k in _slices(label_map)[1::2]:
        labels[:, :, k] = np.roll(label_map.labels[:, :, k], tuple(np.rint(step).astype(int)), axis=(0, 1))
    return labels


def _leak(label_map: LabelMap, amount: float, rng: np.random.Generator) -> np.ndarray:
    """The RV grows by up to 30 mm into what is not heart."""
    return _grown(label_map, 30 * amount)


def _shrink(label_map: LabelMap, amount: float, rng: np.random.Generator) -> np.ndarray:
    """The RV's border recedes by up to 15 mm."""
    return _grown(label_map, -15 * amount)


def _grown(label_map: LabelMap, mm: float) -> np.ndarray:
    labels, code = label_map.labels.copy(), label_map.scheme.code("rv_cavity")
    mask = label_map.labels == code
    for k in _slices(label_map):
        for t in range(label_map.n_frames):
            one, plane = mask[:, :, k, t], labels[:, :, k, t]
            if one.any() and mm > 0:
                plane[(plane == 0) & (ndimage.distance_transform_edt(~one, label_map.spacing_mm[:2]) <= mm)] = code
            elif one.any():
                plane[one & (ndimage.distance_transform_edt(one, label_map.spacing_mm[:2]) <= -mm)] = 0
    return labels


def _torn(label_map: LabelMap, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Blots of background, up to 40 % of the heart."""
    noise = ndimage.gaussian_filter(rng.standard_normal(label_map.shape), (1.5, 1.5, 0.3))
    holes = noise > np.quantile(noise, 1 - 0.4 * amount)
    return np.where(holes[..., None], 0, label_map.labels).astype(np.uint8)


DAMAGES: dict[str, Callable[[LabelMap, float, np.random.Generator], np.ndarray]] = {
    "swap": _swap,
    "remove": _remove,
    "islands": _islands,
    "shift": _shift,
    "leak": _leak,
    "shrink": _shrink,
    "torn": _torn,
}
"""Kind of damage -> what does it."""
