"""Whether the image agrees with its labels: blood looks like blood in both ventricles, and muscle does not.

Intensities are read on the scale of the frame itself, where the median of the LV wall is 0 and that of the LV cavity 1.
So nothing depends on the scanner's units, and blood may be brighter or darker than muscle.
"""

from __future__ import annotations

import numpy as np

from cardiolib.imaging import Cine, LabelMap
from cardiolib.segmentation.quality_features import AT_MOST, IMAGE_FEATURES, JUDGED, PHASES, Features

_LEAST_VOXELS = 20
_LEAST_CONTRAST = 0.02
"""Of the range of intensities, between the LV's cavity and its wall: below, they cannot be told apart."""


def image_features(cine: Cine, label_map: LabelMap, *, ed: int, es: int) -> Features:
    """`IMAGE_FEATURES` of every judged structure at ED and ES.

    Parameters
    ----------
    cine : Cine
        With the voxels and frames of the label map.
    label_map : LabelMap
        Its scheme names the `JUDGED` structures.
    ed, es : int

    Raises
    ------
    ValueError
        When image and labels do not have the same voxels and frames.

    Examples
    --------
    >>> import cardiolib as cl
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0, 0.4], rng=np.random.default_rng(1))
    >>> found = image_features(scan.cine, scan.labels, ed=0, es=1)
    >>> sorted(found["ED", "rv_cavity"])
    ['dark_blood', 'mixed', 'noisy', 'other_blood']
    >>> found["ED", "lv_cavity"]["dark_blood"]
    0.0
    """
    if (cine.shape, cine.n_frames) != (label_map.shape, label_map.n_frames):
        raise ValueError(
            f"an image of {cine.shape} voxels and {cine.n_frames} frames cannot speak for labels of {label_map.shape} "
            f"and {label_map.n_frames}"
        )
    return {
        (phase, name): values
        for phase, frame in zip(PHASES, (ed, es), strict=True)
        for name, values in _of_frame(
            cine.voxels[..., frame], {name: label_map.mask(name)[..., frame] for name in JUDGED}
        ).items()
    }


def _of_frame(voxels: np.ndarray, masks: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    blood, muscle, right = (voxels[masks[name]].astype(float) for name in JUDGED)
    nothing = {name: dict.fromkeys(IMAGE_FEATURES, AT_MOST) for name in JUDGED}
    if min(len(blood), len(muscle)) < _LEAST_VOXELS:
        return nothing
    zero, one = np.median(muscle), np.median(blood)
    low, high = np.percentile(voxels, [1, 99])
    if abs(one - zero) < _LEAST_CONTRAST * (high - low):
        return nothing
    blood, muscle, right = ((part - zero) / (one - zero) for part in (blood, muscle, right))
    common = {
        "other_blood": _bounded(abs(np.median(right) - 1)) if len(right) >= _LEAST_VOXELS else AT_MOST,
        "noisy": _bounded(1.48 * (np.median(np.abs(blood - 1)) + np.median(np.abs(muscle)))),
        "dark_blood": float(one < zero),
    }
    mixed = {
        "lv_cavity": (blood < 0.5).mean(),
        "lv_wall": (muscle > 0.5).mean(),
        "rv_cavity": (right < 0.5).mean() if len(right) else AT_MOST,
    }
    return {name: {"mixed": float(mixed[name]), **common} for name in JUDGED}


def _bounded(value: float) -> float:
    return float(min(value, AT_MOST))
