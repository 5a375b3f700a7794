"""End-diastole and end-systole from a volume curve."""

from __future__ import annotations

import numpy as np


def ed_es_frames(lv_volume_ml: np.ndarray) -> tuple[int, int]:
    """Frames of largest and smallest left-ventricular cavity.

    Parameters
    ----------
    lv_volume_ml : (T,) array
        One cycle. Any unit gives the same frames.

    Returns
    -------
    ed, es : int
        Frame indices from 0. Among equal volumes the earliest frame is taken. ED need not be frame 0
        (in ACDC's patient090 it is the fourth frame of twelve).

    Raises
    ------
    ValueError
        For fewer than two frames, values that are not finite or negative, or a curve that is flat.
    """
    volume = np.asarray(lv_volume_ml, dtype=float)
    if volume.ndim != 1 or volume.size < 2:
        raise ValueError(f"a volume curve has one axis and at least two frames; given shape {volume.shape}")
    bad = np.flatnonzero(~np.isfinite(volume) | (volume < 0))
    if bad.size:
        raise ValueError(f"volumes of frames {bad.tolist()} are negative or not finite: {volume[bad].tolist()}")
    if volume.max() == volume.min():
        raise ValueError(f"every frame has the volume {volume[0]:g}: ED and ES cannot be told apart")
    return int(volume.argmax()), int(volume.argmin())
