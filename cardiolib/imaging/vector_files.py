"""Displacement fields and displacement-encoded images in files: NIfTI with five axes, the last for the directions.

A displacement field is one file: axes (I, J, K, T, 3), intent "vector", lengths in mm along the world's axes (RAS+),
NaN where nothing is known, the frame that it counts from as the intent's first parameter. Displacement-encoded images
are two files: the magnitude like any cine, and the phase in radians along I, J, K, with the three encodings in cycles
per mm as the intent's parameters.
"""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np

from cardiolib.files import atomic_path
from cardiolib.imaging.cine import Cine
from cardiolib.imaging.dense_cine import DenseCine
from cardiolib.imaging.displacement import DisplacementField
from cardiolib.imaging.geometry import same_place
from cardiolib.imaging.headers import placement
from cardiolib.imaging.nifti_files import NiftiFile, open_nifti
from cardiolib.imaging.reading import read_cine, set_header, write_cine

_DISPLACEMENT = "from ED, RAS mm"
_PHASE = "DENSE phase, rad"
_VECTORS = (1006, 1007)  # NIfTI's intents for displacement vectors and vectors
AXES = ("ras", "lps")


def write_displacement(field: DisplacementField, path: str | os.PathLike[str]) -> None:
    """Write a displacement field as NIfTI with five axes; see `read_displacement`.

    Parameters
    ----------
    field : DisplacementField
    path : path-like
        Ends in .nii or .nii.gz. The same field gives the same bytes every time.

    Raises
    ------
    ValueError
        For another suffix.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> field = DisplacementField(np.zeros((4, 4, 2, 3, 3)), np.diag([1.5, 1.5, 10, 1]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_displacement(field, Path(folder) / "displacement_sa.nii.gz")
    ...     nib.load(Path(folder) / "displacement_sa.nii.gz").header.get_intent()[0]
    'vector'
    """
    _write_vectors(
        field.mm, field.affine, None, path, (float(field.ed_frame),), name=_DISPLACEMENT, simulated=field.simulated
    )


def read_displacement(
    path: str | os.PathLike[str],
    *,
    cine: Cine | None = None,
    ed_frame: int | None = None,
    axes: str = "ras",
) -> DisplacementField:
    """Read a displacement field.

    Parameters
    ----------
    path : path-like
        .nii or .nii.gz with the axes (I, J, K, T, 3), as a vector image in mm.
    cine : Cine, optional
        The images that it belongs to; that grid, place and frames agree is then checked.
    ed_frame : int, optional
        Frame that displacement counts from, where the file does not say it.
    axes : {"ras", "lps"}
        World axes of the vectors. Files of this package and of nibabel's users are "ras"; ITK writes "lps".

    Returns
    -------
    DisplacementField

    Raises
    ------
    FileNotFoundError
    ValueError
        For another number of axes, an image that is not one of vectors, lengths that are not mm, or a field that is
        not the cine's.

    Examples
    --------
    >>> import tempfile
    >>> field = DisplacementField(np.zeros((4, 4, 2, 3, 3)), np.diag([1.5, 1.5, 10, 1]))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_displacement(field, f"{folder}/displacement_sa.nii.gz")
    ...     read_displacement(f"{folder}/displacement_sa.nii.gz")
    DisplacementField(4 x 4 x 2 voxels of 1.5 x 1.5 x 10 mm, 3 frames, known at 32 to 32 voxels a frame)
    """
    if axes not in AXES:
        raise ValueError(f"axes must be one of {', '.join(AXES)}; given {axes!r}")
    image, array, affine = _read_vectors(path, "a displacement field")
    unit = image.units[0]
    if unit != "mm":
        raise ValueError(f"{path}: lengths are in {unit!r}; a displacement field is in mm and says so in its header")
    array = array * np.array([-1, -1, 1], np.float32) if axes == "lps" else array
    stored = float(image.header["intent_p1"])
    if ed_frame is None and not stored.is_integer():
        raise ValueError(f"{path}: its ED frame (intent_p1) is {stored:g}, no whole number. Name it: ed_frame=")
    try:
        field = DisplacementField(
            array, affine, int(stored) if ed_frame is None else ed_frame, simulated=image.simulated
        )
        if cine is not None:
            field.check_beside(cine)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return field


def write_dense(dense: DenseCine, folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    """Write displacement-encoded images as ``dense_magnitude_sa.nii.gz`` and ``dense_phase_sa.nii.gz``.

    Parameters
    ----------
    dense : DenseCine
    folder : path-like

    Returns
    -------
    magnitude, phase : Path

    Examples
    --------
    >>> import tempfile
    >>> still = DenseCine(np.ones((4, 4, 2, 3)), np.zeros((4, 4, 2, 3, 3)), np.eye(4), (0.1, 0.1, 0.06))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     [path.name for path in write_dense(still, folder)]
    ...     read_dense(folder).encoding_per_mm == still.encoding_per_mm
    ['dense_magnitude_sa.nii.gz', 'dense_phase_sa.nii.gz']
    True
    """
    magnitude, phase = _dense_paths(folder)
    cine = Cine(dense.magnitude, dense.affine, dense.frame_time_ms, simulated=dense.simulated)
    write_cine(cine, magnitude)
    _write_vectors(
        dense.phase,
        dense.affine,
        dense.frame_time_ms,
        phase,
        dense.encoding_per_mm,
        name=_PHASE,
        simulated=dense.simulated,
    )
    return magnitude, phase


def read_dense(folder: str | os.PathLike[str]) -> DenseCine:
    """Read what `write_dense` wrote.

    Raises
    ------
    FileNotFoundError
    ValueError
        For files that are not of this kind or do not belong together.

    Examples
    --------
    >>> read_dense("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: there is no image file nowhere/dense_magnitude_sa.nii.gz
    """
    magnitude, phase = _dense_paths(folder)
    cine = read_cine(magnitude)
    image, array, affine = _read_vectors(phase, "a phase image")
    encoding = [round(float(image.header[f"intent_p{n}"]), 6) for n in (1, 2, 3)]
    try:
        if not same_place(affine, cine.affine, cine.shape):
            raise ValueError("its affine is not that of the magnitude")
        return DenseCine(
            cine.voxels,
            array,
            cine.affine,
            (encoding[0], encoding[1], encoding[2]),
            frame_time_ms=cine.frame_time_ms,
            simulated=cine.simulated or image.simulated,
        )
    except ValueError as error:
        raise ValueError(f"{phase}: {error}") from error


def _dense_paths(folder: str | os.PathLike[str]) -> tuple[Path, Path]:
    return Path(folder) / "dense_magnitude_sa.nii.gz", Path(folder) / "dense_phase_sa.nii.gz"


def _write_vectors(
    array: np.ndarray,
    affine: np.ndarray,
    frame_time_ms: float | None,
    path: str | os.PathLike[str],
    parameters: tuple[float, ...],
    *,
    name: str,
    simulated: bool,
) -> None:
    path = Path(path)
    if not path.name.lower().endswith((".nii", ".nii.gz")):
        raise ValueError(f"{path.name}: vector images are written as .nii or .nii.gz")
    image = nib.Nifti1Image(array, affine)
    set_header(image, affine, frame_time_ms, simulated=simulated)
    image.header["intent_code"] = _VECTORS[1]
    image.header["intent_name"] = name
    for number, value in enumerate(parameters, 1):
        image.header[f"intent_p{number}"] = value
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def _read_vectors(path: str | os.PathLike[str], what: str) -> tuple[NiftiFile, np.ndarray, np.ndarray]:
    """The file, its voxels (I, J, K, T, 3) and its affine in mm."""
    image = open_nifti(Path(path))
    shape, intent = image.shape, int(image.header["intent_code"])
    if len(shape) != 5 or shape[-1] != 3:
        raise ValueError(f"{path} has the axes {shape}; {what} has five, (I, J, K, T, 3), T being 1 for one frame")
    if intent not in _VECTORS:
        raise ValueError(f"{path} has the NIfTI intent {intent}; {what} is a vector image (1007, or 1006)")
    if image.dtype.kind not in "iuf":
        raise ValueError(f"{path} holds {image.dtype} values; only real numbers can be read")
    affine, _, _ = placement(image, shape[:4])
    with np.errstate(over="ignore"):
        return image, image.voxels().astype(np.float32), affine
