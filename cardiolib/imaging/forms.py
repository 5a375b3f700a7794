"""Where a NIfTI file places its voxels: it may say so twice, in its sform and in its qform."""

from __future__ import annotations

import nibabel as nib
import numpy as np

DIRECTIONS_DEGREES = 0.5
"""Directions of two forms that differ by less are the same."""

LONGEST_QUATERNION = 1e-3
"""By so much the squares of a quaternion's parts may sum to more than 1: rounding, as FSL and ITK take it."""

_ROUNDING = 3 * float(np.finfo(np.float32).eps)
_FLAT = 1e-6
_CODES = {1: "scanner", 2: "aligned", 3: "Talairach", 4: "MNI 152", 5: "template"}


def placed_by(header: nib.Nifti1Header, pixdim: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Voxel to world of a header in its own unit, and what is to be said about it.

    Parameters
    ----------
    header : nibabel header
    pixdim : (3,) array
        Voxel size as the file states it.

    Returns
    -------
    affine : (4, 4) float64 array
        The sform where it is set and can be used, else the qform; where neither is set, voxel sizes alone.
    notes : tuple of str
        One form cannot be used, or both are set and differ.

    Raises
    ------
    ValueError
        A form is set, and none can be used.

    Examples
    --------
    >>> header = nib.Nifti1Header()
    >>> header.set_data_shape((4, 4, 2))
    >>> header.set_sform(np.diag([1.5, 1.5, 0, 1]), code=1)
    >>> header.set_qform(np.diag([1.5, 1.5, 8, 1]), code=1)
    >>> affine, notes = placed_by(header, np.array([1.5, 1.5, 8]))
    >>> float(affine[2, 2]), notes
    (8.0, ('sform cannot be used (a voxel has no volume in it): qform taken',))
    """
    coded = {form: int(header[f"{form}_code"]) > 0 for form in ("sform", "qform")}
    forms: dict[str, np.ndarray] = {}
    unusable: dict[str, str] = {}
    notes: list[str] = []
    for form, made in (("sform", _sform), ("qform", _qform)):
        if coded[form]:
            try:
                forms[form], note = made(header, pixdim)
                notes += [note] if note and (form == "qform" and "sform" not in forms) else []
            except ValueError as error:
                unusable[form] = str(error)
    if not forms and unusable:
        reasons = "; ".join(f"{form}: {why}" for form, why in unusable.items())
        raise ValueError(
            f"the header does not say where its voxels lie ({reasons}). Set one form with the right affine"
        )
    if not forms:
        return _sizes_alone(header, pixdim), ()
    taken = next(iter(forms))
    notes += [f"{form} cannot be used ({why}): {taken} taken" for form, why in unusable.items()]
    if len(forms) == 2:
        difference = _difference(forms["sform"], forms["qform"])
        codes = " and ".join(f"{form} ({_CODES.get(int(header[f'{form}_code']), 'other')})" for form in forms)
        notes += [f"{codes} differ: {difference}; sform taken"] if difference else []
    return forms[taken], tuple(notes)


def _sform(header: nib.Nifti1Header, pixdim: np.ndarray) -> tuple[np.ndarray, str | None]:
    return _with_volume(header.get_sform()), None


def _qform(header: nib.Nifti1Header, pixdim: np.ndarray) -> tuple[np.ndarray, str | None]:
    if not (np.isfinite(pixdim).all() and (pixdim != 0).all()):
        raise ValueError(f"its voxel size is {_text(pixdim)}")
    quaternion = np.array([float(header[f"quatern_{part}"]) for part in "bcd"])
    excess, note = float(quaternion @ quaternion) - 1.0, None
    if not excess <= LONGEST_QUATERNION:
        raise ValueError(f"its quaternion {_text(quaternion)} is no rotation")
    if excess > _ROUNDING:
        header = header.copy()
        for part, value in zip("bcd", quaternion / np.sqrt(1.0 + excess), strict=True):
            header[f"quatern_{part}"] = value
        note = f"quaternion of the qform is {excess:.1g} too long: shortened to a rotation"
    return _with_volume(header.get_qform(coded=False)), note


def _sizes_alone(header: nib.Nifti1Header, pixdim: np.ndarray) -> np.ndarray:
    if not (np.isfinite(pixdim).all() and (pixdim != 0).all()):
        raise ValueError(f"the header says nowhere how large its voxels are (pixdim {_text(pixdim)}). Set its affine")
    return header.get_base_affine()


def _with_volume(affine: np.ndarray) -> np.ndarray:
    affine = np.asarray(affine, float)
    if not np.isfinite(affine).all():
        raise ValueError("it holds values that are not finite")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if not (lengths > 0).all() or abs(np.linalg.det(affine[:3, :3] / np.where(lengths > 0, lengths, 1))) < _FLAT:
        raise ValueError("a voxel has no volume in it")
    return affine


def _difference(sform: np.ndarray, qform: np.ndarray) -> str:
    """How two forms differ in direction or place, in words; empty where they do not. Sizes are weighed elsewhere."""
    first, second = (form[:3, :3] / np.linalg.norm(form[:3, :3], axis=0) for form in (sform, qform))
    if np.linalg.det(first) * np.linalg.det(second) < 0:
        return "one is the mirror image of the other"
    cosines = np.clip((first * second).sum(axis=0), -1, 1)
    degrees = float(np.degrees(np.arccos(cosines)).max())
    if degrees > DIRECTIONS_DEGREES:
        return f"their directions are up to {degrees:.3g} degrees apart"
    apart = float(np.linalg.norm(sform[:3, 3] - qform[:3, 3]))
    voxel = float(np.linalg.norm(qform[:3, :3], axis=0).min())
    return f"their origins are {apart:.3g} apart" if apart > voxel / 2 else ""


def _text(values: np.ndarray) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
