"""Smooth random fields: texture, background and coil sensitivity of a simulated scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smooth_field(shape: tuple[int, ...], cutoff: float, *, rng: np.random.Generator) -> NDArray[np.float32]:
    """White noise passed through exp(-|f|^2 / (2 cutoff^2)), scaled to mean 0 and SD 1.

    Parameters
    ----------
    shape : tuple of int
        Shape of the field; it is periodic along every axis.
    cutoff : float
        Width of the filter in cycles per sample, the same along every axis; above 0. Small is smooth.
    rng : numpy.random.Generator

    Returns
    -------
    float32 array of `shape`

    Raises
    ------
    ValueError
        For a `cutoff` that is not above 0, or fewer than two samples.
    """
    if not cutoff > 0:
        raise ValueError(f"cutoff must be above 0 cycles per sample, got {cutoff!r}")
    if not shape or np.prod(shape) < 2:
        raise ValueError(f"a field needs at least two samples, got shape {shape}")
    spectrum = np.fft.rfftn(rng.standard_normal(shape, dtype=np.float32))
    for axis, size in enumerate(shape):
        frequency = np.fft.rfftfreq(size) if axis == len(shape) - 1 else np.fft.fftfreq(size)
        gain = np.exp(-0.5 * (frequency / cutoff) ** 2)
        spectrum *= gain.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    spectrum.flat[0] = 0.0  # mean 0: else a very smooth field is mostly an offset
    field = np.fft.irfftn(spectrum, s=shape, axes=tuple(range(len(shape))))
    spread = field.std()
    if not spread > 0:
        raise ValueError(f"a cutoff of {cutoff:g} leaves nothing but a constant in a field of shape {shape}")
    return (field / spread).astype(np.float32)
