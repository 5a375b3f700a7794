"""The Guys Image Processing Lab format, which 4Dsegment uses for its label maps."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from types import ModuleType

import numpy as np

from cardiolib.imaging.geometry import spacing_of
from cardiolib.imaging.nifti_files import DAMAGED
from cardiolib.imaging.plausibility import check_extent

WITHOUT_DIRECTIONS = "a .gipl file stores no directions: axes taken as the world's (LPS)"
"""The note of every image of this format."""

_HEAD = 256
_ITEM_BYTES = {1: 1, 7: 1, 8: 1, 15: 2, 16: 2, 31: 4, 32: 4, 64: 4, 65: 8}
_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0])


def read_gipl(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels in (I, J, K) order and the RAS+ affine of a .gipl file.

    Raises
    ------
    ImportError
        When SimpleITK is not installed, naming the extra that brings it.
    ValueError
        When the image is not 3D, the file is damaged, or it is not as long as its header declares.
    """
    sitk = _simpleitk()
    _check_length(path)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise ValueError(DAMAGED.format(path=path, error=str(error).strip().splitlines()[-1])) from error
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise ValueError(f"{path} has {image.GetDimension()} axes; a .gipl file here has three")
    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = _RAS_FROM_LPS @ directions * np.array(image.GetSpacing())
    affine[:3, 3] = _RAS_FROM_LPS @ np.array(image.GetOrigin())
    try:
        check_extent(spacing_of(affine), array.shape)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return array, affine


def _check_length(path: Path) -> None:
    """Refuse a file that is not as long as its header declares: SimpleITK would fill up, or pass over, the rest."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if len(head) < _HEAD:
        raise ValueError(DAMAGED.format(path=path, error="it ends within the header"))
    *axes, kind = struct.unpack(">5H", head[:10])
    declared = _HEAD + math.prod(max(n, 1) for n in axes) * _ITEM_BYTES.get(kind, 0)
    if kind not in _ITEM_BYTES or size != declared:
        raise ValueError(
            DAMAGED.format(
                path=path, error=f"{size:,} bytes, and its header declares {declared:,} ({axes}, type {kind})"
            )
        )


def write_gipl(array: np.ndarray, affine: np.ndarray, path: Path, *, reset_directions: bool) -> None:
    """Write one frame, (I, J, K, 1); .gipl stores spacing and origin, but neither directions nor time.

    Raises
    ------
    ValueError
        For more than one frame, or axes that are not -x, -y, +z of RAS+ unless `reset_directions`.
    """
    sitk = _simpleitk()
    if array.shape[3] != 1:
        raise ValueError(f"a .gipl file holds one frame; given {array.shape[3]}. Write .nii.gz, or one file a frame")
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    aligned = np.allclose(affine[:3, :3] / spacing, _RAS_FROM_LPS, atol=1e-4)
    if not (aligned or reset_directions):
        raise ValueError(
            "a .gipl file stores no directions, and this image's axes are not -x, -y, +z of the world; "
            "write .nii.gz, or pass reset_directions=True to lose them as 4Dsegment does"
        )
    image = sitk.GetImageFromArray(np.ascontiguousarray(array[..., 0].transpose(2, 1, 0)))
    image.SetSpacing(spacing.tolist())
    image.SetOrigin((_RAS_FROM_LPS @ affine[:3, 3]).tolist())
    sitk.WriteImage(image, str(path))


def _simpleitk() -> ModuleType:
    try:
        import SimpleITK
    except ImportError as error:
        raise ImportError('.gipl files need SimpleITK: pip install "cardiolib[gipl]"') from error
    return SimpleITK
