"""Images in and out: NIfTI always, .gipl where SimpleITK is installed."""

from __future__ import annotations

import os
from pathlib import Path

import nibabel as nib
import numpy as np

from cardiolib.files import atomic_path, mark_simulated, marked_simulated
from cardiolib.imaging.cine import Cine
from cardiolib.imaging.gipl import WITHOUT_DIRECTIONS, read_gipl, write_gipl
from cardiolib.imaging.headers import open_image, placement
from cardiolib.imaging.labels import LabelMap
from cardiolib.imaging.nifti_files import SIMULATED_DESCRIPTION, open_nifti
from cardiolib.imaging.plausibility import check_axes
from cardiolib.imaging.schemes import SCHEMES, LabelScheme


def read_cine(path: str | os.PathLike[str]) -> Cine:
    """Read a cine (or a single frame) from .nii, .nii.gz or .gipl.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    Cine
        A 3D file has one frame. `notes` says which voxel size was believed where header and affine
        disagree, and why the frame time is unknown.

    Raises
    ------
    ValueError
        For another suffix, a file with more than four axes, complex or RGB values, NaN, or a damaged or incomplete
        file.
    FileNotFoundError
    ImportError
        For .gipl without SimpleITK.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.imaging import write_cine
    >>> cine = cl.Cine(np.ones((8, 8, 4, 3)), np.diag([1.5, 1.5, 10, 1]), frame_time_ms=40)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_cine(cine, f"{folder}/cine.nii.gz")
    ...     cl.read_cine(f"{folder}/cine.nii.gz")
    Cine(8 x 8 x 4 voxels of 1.5 x 1.5 x 10 mm, 3 frames, 40 ms apart)
    """
    array, affine, frame_time_ms, notes, simulated = _read(path)
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which `Cine` refuses
            cine = Cine(array.astype(np.float32), affine, frame_time_ms, notes, simulated)
        check_axes(cine.voxels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return cine


def read_label_map(path: str | os.PathLike[str], scheme: LabelScheme | str) -> LabelMap:
    """Read a label map whose numbers mean what `scheme` says.

    Parameters
    ----------
    path : path-like
        .nii, .nii.gz or .gipl, 3D or 4D.
    scheme : LabelScheme or str
        The scheme, or the name of one in `SCHEMES`. It is never guessed; `check_scheme` tests it.

    Raises
    ------
    ValueError
        As `read_cine`, and for fractions or codes that the scheme lacks.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.imaging import ACDC
    >>> label_map = cl.LabelMap(np.zeros((8, 8, 4), np.uint8), np.diag([1.5, 1.5, 10, 1]), ACDC)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cl.write_label_map(label_map, f"{folder}/labels.nii.gz")
    ...     cl.read_label_map(f"{folder}/labels.nii.gz", "acdc")
    LabelMap(8 x 8 x 4 voxels of 1.5 x 1.5 x 10 mm, 1 frames, scheme 'acdc')
    """
    if isinstance(scheme, str):
        if scheme not in SCHEMES:
            raise ValueError(f"there is no label scheme {scheme!r}; the named ones are {sorted(SCHEMES)}")
        scheme = SCHEMES[scheme]
    array, affine, _, notes, simulated = _read(path)
    try:
        return LabelMap(array, affine, scheme, notes, simulated)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def write_cine(cine: Cine, path: str | os.PathLike[str], *, bits: int | None = None) -> None:
    """Write a cine as NIfTI (or one frame as .gipl), keeping affine, zooms, units and frame time.

    Parameters
    ----------
    cine : Cine
        One frame is written as a 3D file. An unknown frame time is written as a fourth zoom of 1.0,
        which `read_cine` takes as unknown again.
    path : path-like
        Ends in .nii, .nii.gz or .gipl. The same cine gives the same bytes every time.
    bits : int, optional
        Keep grey values to so many bits, at most 15, as integers with a scale in the NIfTI header: 12 is what scanners
        write, and takes a third of the room. By default they are kept as they are, float32.

    Raises
    ------
    ValueError
        For another suffix, or `bits` out of range or for .gipl, which has no scale.
    """
    keep = {"simulated": cine.simulated}
    if bits is None:
        _write(cine.voxels, cine.affine, cine.frame_time_ms, path, **keep)
        return
    if not 1 <= bits <= 15 or _suffix(Path(path)) == ".gipl":
        raise ValueError(f"grey values are kept to 1-15 bits in .nii or .nii.gz, got bits={bits} for {path}")
    step = float(np.abs(cine.voxels).max()) / (2**bits - 1) or 1.0
    integers = np.rint(cine.voxels / np.float32(step)).astype(np.int16)
    _write(integers, cine.affine, cine.frame_time_ms, path, step=step, **keep)


def write_label_map(label_map: LabelMap, path: str | os.PathLike[str], *, reset_directions: bool = False) -> None:
    """Write a label map as uint8 NIfTI or .gipl; see `write_cine`.

    Parameters
    ----------
    label_map : LabelMap
    path : path-like
    reset_directions : bool
        Only for .gipl, which stores no directions: write the voxels as if the axes were the
        world's (as 4Dsegment does with ``headertool -reset``) instead of refusing an oblique stack.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.imaging import OURS
    >>> label_map = cl.LabelMap(np.zeros((8, 8, 4), np.uint8), np.diag([1.5, 1.5, 10, 1]), OURS)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cl.write_label_map(label_map, Path(folder) / "labels.nii.gz")
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['labels.nii.gz']
    """
    _write(
        label_map.labels,
        label_map.affine,
        None,
        path,
        reset_directions=reset_directions,
        simulated=label_map.simulated,
    )


def says_simulated(path: str | os.PathLike[str]) -> bool:
    """Whether an image file says that no patient is behind it: NIfTI in its field ``descrip``, .gipl in a side file.

    Only the header is read. A file that says nothing is taken as real.
    """
    path = Path(path)
    if _suffix(path) == ".gipl":
        return marked_simulated(path)
    try:
        return open_nifti(path).simulated
    except (OSError, ValueError):
        return False


def _read(path: str | os.PathLike[str]) -> tuple[np.ndarray, np.ndarray, float | None, tuple[str, ...], bool]:
    """Voxels, affine, frame time, notes and mark of an image, of which every byte has been read."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no image file {path}")
    if _suffix(path) == ".gipl":
        array, affine = read_gipl(path)
        return array, affine, None, (WITHOUT_DIRECTIONS,), marked_simulated(path)
    image, shape = open_image(path)
    place = placement(image, shape)  # before the voxels: a header that places nothing is refused at once
    return image.voxels().reshape(shape, order="F"), *place, image.simulated


def _write(
    array: np.ndarray,
    affine: np.ndarray,
    frame_time_ms: float | None,
    path: str | os.PathLike[str],
    *,
    reset_directions: bool = False,
    step: float | None = None,
    simulated: bool = False,
) -> None:
    path = Path(path)
    if _suffix(path) == ".gipl":
        with atomic_path(path) as temporary:
            write_gipl(array, affine, temporary, reset_directions=reset_directions)
        mark_simulated(path, simulated)  # the format has no room for a word
        return
    image = nib.Nifti1Image(array[..., 0] if array.shape[3] == 1 else array, affine)
    set_header(image, affine, frame_time_ms, simulated=simulated)
    if step is not None:
        image.header.set_slope_inter(step, 0.0)
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def set_header(image: nib.Nifti1Image, affine: np.ndarray, frame_time_ms: float | None, *, simulated: bool) -> None:
    """Put geometry, units, frame time and the simulated mark into the header of an image of three to five axes."""
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, code="scanner")
    # A qform cannot hold shear; readers that prefer it must not see another geometry.
    columns = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    if np.allclose(columns.T @ columns, np.eye(3), atol=1e-5):
        image.set_qform(affine, code="scanner")
    else:
        image.set_qform(None, code="unknown")
    zooms = tuple(np.linalg.norm(affine[:3, :3], axis=0))
    if image.ndim > 3:
        zooms += (1.0 if frame_time_ms is None else frame_time_ms / 1000.0,) + (1.0,) * (image.ndim - 4)
    image.header.set_zooms(zooms)
    if simulated:
        image.header["descrip"] = SIMULATED_DESCRIPTION


def _suffix(path: Path) -> str:
    for suffix in (".nii", ".nii.gz", ".gipl"):
        if path.name.lower().endswith(suffix):
            return suffix
    raise ValueError(f"{path.name}: images are read and written as .nii, .nii.gz or .gipl")
