"""A cine of the heart: voxels over time, with the place of every voxel in the world."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.imaging.geometry import check_affine, spacing_of
from cardiolib.printed import as_html


@dataclass(frozen=True, eq=False, repr=False)
class Cine:
    """Grey values of a stack of slices over the cardiac cycle.

    Parameters
    ----------
    voxels : (I, J, K, T) float32 array
        K is the slice axis of a short-axis stack. An (I, J, K) array becomes one frame.
    affine : (4, 4) float64 array
        Voxel to world, RAS+ mm; the same for every frame.
    frame_time_ms : float or None
        Time from one frame to the next in milliseconds; None when not known.
    notes : tuple of str
        What was decided while the file was read (for example which voxel size was believed).
    simulated : bool
        No patient is behind it; `write_cine` writes that into the file, `read_cine` reads it.

    Raises
    ------
    ValueError
        For a wrong shape, values that are not finite, an unusable affine, or a frame time that is
        not positive.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> cl.Cine(np.zeros((64, 64, 10, 25)), np.diag([1.6, 1.6, 10, 1]), frame_time_ms=33.3)
    Cine(64 x 64 x 10 voxels of 1.6 x 1.6 x 10 mm, 25 frames, 33.3 ms apart)
    """

    voxels: np.ndarray
    affine: np.ndarray
    frame_time_ms: float | None = None
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def __post_init__(self) -> None:
        voxels = four_axes(np.asarray(self.voxels), "a cine").astype(np.float32, copy=False)
        if not np.isfinite(voxels).all():
            count = int((~np.isfinite(voxels)).sum())
            raise ValueError(f"{count} voxels of the cine are NaN or infinite; replace them first")
        time = self.frame_time_ms
        if time is not None and not (np.isfinite(time) and time > 0):
            raise ValueError(f"frame_time_ms is a positive number or None; given {time!r}")
        object.__setattr__(self, "voxels", voxels)
        object.__setattr__(self, "affine", check_affine(self.affine))
        object.__setattr__(self, "notes", tuple(self.notes))

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        voxel = " x ".join(f"{mm:.4g}" for mm in self.spacing_mm)
        time = "unknown frame time" if self.frame_time_ms is None else f"{self.frame_time_ms:.4g} ms apart"
        kind = "simulated " if self.simulated else ""
        first = f"Cine({kind}{size} voxels of {voxel} mm, {self.n_frames} frames, {time})"
        return "\n  ".join([first, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        return as_html(repr(self))

    @property
    def spacing_mm(self) -> np.ndarray:
        """(3,) voxel size along I, J, K."""
        return spacing_of(self.affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(I, J, K)."""
        return self.voxels.shape[:3]

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return self.voxels.shape[3]

    def frame(self, t: int) -> np.ndarray:
        """(I, J, K) float32 voxels of frame `t`."""
        return self.voxels[..., t]


def four_axes(array: np.ndarray, what: str) -> np.ndarray:
    """View (I, J, K) as (I, J, K, 1); refuse anything that is not 3D or 4D, or is empty."""
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or 0 in array.shape:
        raise ValueError(f"{what} has the axes (I, J, K) or (I, J, K, T), none empty; given {array.shape}")
    return array
