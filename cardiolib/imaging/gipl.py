"""The Guys Image Processing Lab format, which 4Dsegment uses for its label maps."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np

_RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0])


def read_gipl(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voxels in (I, J, K) order and the RAS+ affine of a .gipl file.

    Raises
    ------
    ImportError
        When SimpleITK is not installed, naming the extra that brings it.
    ValueError
        When the image is not 3D.
    """
    sitk = _simpleitk()
    image = sitk.ReadImage(str(path))
    if image.GetDimension() != 3:
        raise ValueError(f"{path} has {image.GetDimension()} axes; a .gipl file here has three")
    array = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    directions = np.array(image.GetDirection()).reshape(3, 3)
    affine = np.eye(4)
    affine[:3, :3] = _RAS_FROM_LPS @ directions * np.array(image.GetSpacing())
    affine[:3, 3] = _RAS_FROM_LPS @ np.array(image.GetOrigin())
    return array, affine


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
