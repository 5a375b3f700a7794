"""A displacement-encoded cine: magnitude, and one wrapped phase image for each encoded direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.imaging.cine import four_axes
from cardiolib.imaging.geometry import check_affine, spacing_of
from cardiolib.printed import as_html

ROUNDING_RAD = 1e-3
"""How far beyond pi a phase may be and still be put down to rounding in a file."""


@dataclass(frozen=True, eq=False, repr=False)
class DenseCine:
    """Displacement-encoded images (DENSE) of a stack of slices over the cardiac cycle.

    Parameters
    ----------
    magnitude : (I, J, K, T) float32 array
    phase : (I, J, K, T, 3) float32 array
        Radians in [-pi, pi]: 2 pi `encoding_per_mm` times the displacement since end-diastole (frame 0), wrapped;
        along the directions of I, J and K.
    affine : (4, 4) float64 array
        Voxel to world, RAS+ mm.
    encoding_per_mm : (3,) tuple of float
        Cycles per mm along I, J, K; above 0.
    frame_time_ms : float or None
    simulated : bool
        No patient is behind it; `write_dense` writes that into the files, `read_dense` reads it.

    Raises
    ------
    ValueError
        For wrong shapes, values that are not finite, phases that are no radians, or an encoding that is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> still = np.zeros((64, 64, 10, 20, 3))
    >>> DenseCine(np.ones((64, 64, 10, 20)), still, np.diag([1.5, 1.5, 10, 1]), (0.1, 0.1, 0.06))
    DenseCine(64 x 64 x 10 voxels of 1.5 x 1.5 x 10 mm, 20 frames; 0.1, 0.1, 0.06 cycles/mm along I, J, K)
    """

    magnitude: np.ndarray
    phase: np.ndarray
    affine: np.ndarray
    encoding_per_mm: tuple[float, float, float]
    frame_time_ms: float | None = None
    simulated: bool = False

    def __post_init__(self) -> None:
        magnitude = four_axes(np.asarray(self.magnitude), "a magnitude image").astype(np.float32, copy=False)
        phase = np.asarray(self.phase).astype(np.float32, copy=False)
        if phase.shape != (*magnitude.shape, 3):
            raise ValueError(
                f"phase has the magnitude's axes and three directions, {(*magnitude.shape, 3)}; given {phase.shape}"
            )
        if not (np.isfinite(magnitude).all() and np.isfinite(phase).all()):
            raise ValueError("magnitude or phase holds NaN or infinite values")
        if float(np.abs(phase).max()) > np.pi + ROUNDING_RAD:
            raise ValueError(
                f"phases are radians from -pi to pi; given up to {np.abs(phase).max():.4g}. Scale the scanner's "
                "numbers (often 0 to 4095) to radians first."
            )
        encoding = tuple(float(k) for k in self.encoding_per_mm)
        if len(encoding) != 3 or not all(np.isfinite(k) and k > 0 for k in encoding):
            raise ValueError(f"encoding_per_mm is three numbers above 0, cycles per mm; given {self.encoding_per_mm}")
        object.__setattr__(self, "magnitude", magnitude)
        object.__setattr__(self, "phase", np.clip(phase, -np.float32(np.pi), np.float32(np.pi)))
        object.__setattr__(self, "affine", check_affine(self.affine))
        object.__setattr__(self, "encoding_per_mm", encoding)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        voxel = " x ".join(f"{mm:.4g}" for mm in spacing_of(self.affine))
        encoding = ", ".join(f"{k:.4g}" for k in self.encoding_per_mm)
        kind = "simulated " if self.simulated else ""
        return (
            f"DenseCine({kind}{size} voxels of {voxel} mm, {self.n_frames} frames; {encoding} cycles/mm along I, J, K)"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(I, J, K)."""
        return self.magnitude.shape[:3]

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return self.magnitude.shape[3]

    @property
    def wavelength_mm(self) -> tuple[float, ...]:
        """Displacement along I, J, K at which the phase comes round: 1 / `encoding_per_mm`."""
        return tuple(1.0 / k for k in self.encoding_per_mm)
