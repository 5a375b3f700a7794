"""What a volume curve says: end-diastole, end-systole, and whether a frame departs from its neighbours."""

from __future__ import annotations

import numpy as np

JUMP_FRACTION = 0.35
"""Change of a cavity volume from one frame to the next, as a share of its range, times the frames over 20."""


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


def volume_jump(volume_ml: np.ndarray) -> float:
    """Largest departure of a volume from the mean of its neighbours in time, as a multiple of the limit.

    Parameters
    ----------
    volume_ml : (T,) array
        One closed cycle. With fewer than four frames nothing can be said: 0.

    Examples
    --------
    >>> volume = 100 + 30 * np.cos(np.linspace(0, 2 * np.pi, 20, endpoint=False))
    >>> torn = np.where(np.arange(20) == 7, 160, volume)
    >>> round(volume_jump(volume), 2), round(volume_jump(torn), 2)
    (0.07, 2.44)
    """
    volume = np.asarray(volume_ml, float)
    span = np.ptp(volume)
    if len(volume) < 4 or span <= 0:
        return 0.0
    departure = np.abs(volume - (np.roll(volume, 1) + np.roll(volume, -1)) / 2).max()
    return float(departure / span / (JUMP_FRACTION * max(20 / len(volume), 1.0)))
