"""What a NIfTI header says, and what of it can be believed: shape, place, frame time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cardiolib.imaging.forms import placed_by
from cardiolib.imaging.geometry import reconcile_affine
from cardiolib.imaging.nifti_files import NiftiFile, open_nifti
from cardiolib.imaging.plausibility import believed_cycle, believed_lengths

FRAME_TIME_MS = (5.0, 250.0)
"""Frame times a cardiac cine can have; anything else in the header is taken as unset."""

_MILLISECONDS = {"sec": 1000.0, "msec": 1.0, "usec": 0.001}


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """What a NIfTI file says of its image before its voxels are read.

    Parameters
    ----------
    shape : tuple of int
        (I, J, K, T); T is 1 for a 3D file.
    affine : (4, 4) array
        Voxel to world, RAS+ mm, as `read_cine` would give it.
    frame_time_ms : float or None
    frame_time_stated_ms : float or None
        The time between frames with the unit that the file states, also where no cine can have it (an fMRI series of
        2 s); None without a unit.
    """

    shape: tuple[int, int, int, int]
    affine: np.ndarray
    frame_time_ms: float | None
    frame_time_stated_ms: float | None

    @property
    def n_frames(self) -> int:
        """T."""
        return self.shape[3]


def read_header(path: str | os.PathLike[str]) -> ImageHeader:
    """Shape, affine and frame time of a NIfTI file; its voxels are not read.

    Raises
    ------
    FileNotFoundError
    ValueError
        As `read_cine`, but for what only the voxels can tell.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.imaging import read_header, write_cine
    >>> cine = cl.Cine(np.ones((8, 8, 4, 3)), np.diag([1.5, 1.5, 10, 1]), frame_time_ms=40)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_cine(cine, f"{folder}/cine.nii.gz")
    ...     read_header(f"{folder}/cine.nii.gz").shape
    (8, 8, 4, 3)
    """
    image, shape = open_image(Path(path))
    affine, frame_time_ms, _ = placement(image, shape)
    unit = image.units[1]
    stated = None
    if len(shape) == 4 and unit in _MILLISECONDS:
        stated = float(image.header.get_zooms()[3]) * _MILLISECONDS[unit]
    i, j, k, *frames = shape
    return ImageHeader((i, j, k, frames[0] if frames else 1), affine, frame_time_ms, stated)


def open_image(path: Path) -> tuple[NiftiFile, tuple[int, ...]]:
    """A NIfTI image whose voxels are not read yet, and its axes without trailing ones."""
    image = open_nifti(path)
    shape = _without_trailing_ones(image.shape)
    if len(shape) not in (3, 4):
        raise ValueError(f"{path} has the axes {image.shape}; an image here has three, or four with time")
    if image.dtype.kind not in "iufb":
        raise ValueError(f"{path} holds {image.dtype} values; only real numbers can be read")
    return image, shape


def placement(image: NiftiFile, shape: tuple[int, ...]) -> tuple[np.ndarray, float | None, tuple[str, ...]]:
    """Affine, frame time in ms and notes of an image.

    Raises
    ------
    ValueError
        The header places no voxel, or voxels of a size that no image of a heart has.
    """
    space_unit, time_unit = image.units
    notes = list(image.notes)
    try:
        with np.errstate(all="ignore"):  # what a damaged header makes infinite is refused in words
            affine, form_notes = placed_by(image.header, image.pixdim)
            affine, note = reconcile_affine(affine, image.pixdim.tolist())
            affine, unit_note = believed_lengths(affine, shape, unit=space_unit)
    except ValueError as error:
        raise ValueError(f"{image.path}: {error}") from error
    notes += [*form_notes, *(one for one in (note, unit_note) if one)]
    frame_time_ms = None
    if len(shape) == 4 and shape[3] > 1:
        frame_time_ms, time_note = _frame_time(float(image.header.get_zooms()[3]), time_unit, shape[3])
        notes += [time_note] if time_note else []
    return affine, frame_time_ms, tuple(notes)


def _frame_time(zoom: float, unit: str, n_frames: int) -> tuple[float | None, str | None]:
    """Fourth zoom and its unit -> frame time in ms, or None and the reason."""
    low, high = FRAME_TIME_MS
    if unit in _MILLISECONDS:
        milliseconds = zoom * _MILLISECONDS[unit]
        if low <= milliseconds <= high:
            return believed_cycle(milliseconds, n_frames)
    if unit != "unknown":
        return None, f"fourth zoom {zoom:.6g} {unit} is no frame time of a cine: frame time unknown"
    for name, factor in (("milliseconds", 1.0), ("seconds", 1000.0)):
        if low <= zoom * factor <= high:
            believed, note = believed_cycle(zoom * factor, n_frames)
            return believed, note or f"fourth zoom {zoom:.6g} has no unit: read as {name}"
    return None, f"fourth zoom {zoom:.6g} without unit is no frame time of a cine: frame time unknown"


def _without_trailing_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(I, J, K, 1) and (I, J, K, T, 1) say nothing more than (I, J, K) and (I, J, K, T)."""
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return shape
