"""Labels laid against their image, in the world: one function and one tolerance for whoever brings the two together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import nibabel as nib
import numpy as np

from cardiolib.imaging.cropping import resample_like
from cardiolib.imaging.geometry import SAME_PLACE_VOXELS, same_place, spacing_of, world_from_voxel
from cardiolib.imaging.gipl import WITHOUT_DIRECTIONS
from cardiolib.imaging.labels import LabelMap


def on_grid_of(
    labels: LabelMap, affine: np.ndarray, shape: Sequence[int], *, name: str = "the label map", of: str = "the image"
) -> LabelMap:
    """A label map on the grid of its image.

    Grids of which the corners lie within `SAME_PLACE_VOXELS` of each other are one grid. Labels on another grid in the
    same place (cropped, padded, flipped, with axes in another order, or of another voxel size over the same field) are
    brought to the image's by the nearest voxel, which a note says. All others are refused.

    Parameters
    ----------
    labels : LabelMap
    affine : (4, 4) array
        Voxel to world of the image.
    shape : (I, J, K), further axes are not looked at
    name, of : str
        What the label map and the image are called in a message: their files.

    Returns
    -------
    LabelMap
        With the affine and the shape of the image.

    Raises
    ------
    ValueError
        The label map lies elsewhere, and both grids are told; or some of its labels lie outside of the image.

    Examples
    --------
    >>> from cardiolib.imaging import OURS
    >>> whole = np.zeros((8, 8, 4), np.uint8)
    >>> whole[3:5, 3:5, 1] = OURS.code("lv_cavity")
    >>> grid, cropped = np.diag([1.5, 1.5, 10, 1]), np.diag([1.5, 1.5, 10, 1])
    >>> cropped[:2, 3] = 3.0  # begins two voxels further on
    >>> found = on_grid_of(LabelMap(whole[2:7, 2:7], cropped, OURS), grid, (8, 8, 4))
    >>> bool((found.labels[..., 0] == whole).all()), found.notes
    (True, ('labels of 5 x 5 x 4 voxels of 1.5 x 1.5 x 10 mm brought to the grid of the image by the nearest voxel',))
    """
    affine, shape = np.asarray(affine, float), tuple(int(n) for n in shape[:3])
    if WITHOUT_DIRECTIONS in labels.notes:
        return _without_directions(labels, affine, shape)
    if labels.shape == shape:
        if same_place(affine, labels.affine, shape):
            return labels if np.array_equal(labels.affine, affine) else replace(labels, affine=affine)
        farthest = _farthest_mm(labels.affine, affine, shape)
        if farthest <= spacing_of(affine).min() / 2:
            note = f"affine of the image taken: the label map's own is off by up to {farthest:.2g} mm"
            return replace(labels, affine=affine, notes=(*labels.notes, note))
    reason = _why_elsewhere(labels, affine, shape)
    if reason:
        raise ValueError(
            f"the label map lies elsewhere than the image ({reason}): {name} has "
            f"{described(labels.affine, labels.shape)}; {of} has {described(affine, shape)}. Give labels on the grid "
            "of the image, or correct the affine that is wrong"
        )
    placed = resample_like(labels, affine, shape)
    _check_kept(labels, placed, name, of)
    note = f"labels of {described(labels.affine, labels.shape, short=True)} brought to the grid of the image by the "
    return replace(placed, notes=(*placed.notes, f"{note}nearest voxel"))


def described(affine: np.ndarray, shape: Sequence[int], *, short: bool = False) -> str:
    """A grid in words: voxels, their size, where the first one lies, and where the axes point.

    Examples
    --------
    >>> described(np.diag([-1.5, -1.5, 10, 1]), (256, 216, 10))
    '256 x 216 x 10 voxels of 1.5 x 1.5 x 10 mm, the first at (0, 0, 0) mm, axes towards L, P, S'
    """
    size = " x ".join(map(str, shape[:3]))
    voxel = " x ".join(f"{mm:.4g}" for mm in spacing_of(affine))
    if short:
        return f"{size} voxels of {voxel} mm"
    first = ", ".join(f"{0.0 if abs(mm) < 5e-5 else mm:.5g}" for mm in affine[:3, 3])
    axes = ", ".join(str(code) for code in nib.aff2axcodes(affine))
    return f"{size} voxels of {voxel} mm, the first at ({first}) mm, axes towards {axes}"


def _without_directions(labels: LabelMap, affine: np.ndarray, shape: tuple[int, ...]) -> LabelMap:
    """A format that stores no directions: labels with the image's voxels lie on them; others cannot be placed."""
    alike = labels.shape == shape and np.allclose(spacing_of(labels.affine), spacing_of(affine), rtol=1e-3)
    if not alike or np.array_equal(labels.affine, affine):
        return labels
    note = "voxels as in the image: its affine taken"
    return replace(labels, affine=affine, notes=(*labels.notes, note))


def _farthest_mm(affine: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    corners = np.array(np.meshgrid(*((0, n - 1) for n in shape), indexing="ij"), float).reshape(3, -1).T
    return float(np.linalg.norm(world_from_voxel(affine, corners) - world_from_voxel(other, corners), axis=1).max())


def _why_elsewhere(labels: LabelMap, affine: np.ndarray, shape: tuple[int, ...]) -> str:
    """Why two grids do not show the same place; empty where they do."""
    voxel_from_voxel = np.linalg.inv(affine) @ labels.affine
    steps, start = voxel_from_voxel[:3, :3], voxel_from_voxel[:3, 3]
    axis_of = np.abs(steps * spacing_of(affine)[:, None]).argmax(axis=0)  # the image's axis along each of the labels'
    last = np.array(labels.shape) - 1
    if sorted(axis_of) != [0, 1, 2] or _off_axis(steps, axis_of, last) > SAME_PLACE_VOXELS:
        return "their axes point in other directions"
    if labels.shape == shape and (axis_of == np.arange(3)).all() and (np.diag(steps) > 0).all():
        return f"corners up to {_farthest_mm(labels.affine, affine, shape):.3g} mm apart, by the affines of the files"
    half, within, around = spacing_of(affine).min() / 2, True, True
    for b, a in enumerate(axis_of):
        step, n, mm = abs(steps[a, b]), shape[a], spacing_of(affine)[a]
        first, end = sorted((start[a], start[a] + steps[a, b] * last[b]))
        if abs(step - 1) * max(last[b], 1) > SAME_PLACE_VOXELS:
            apart = max(abs((first - step / 2) + 0.5), abs((end + step / 2) - (n - 0.5)))
            if apart > max(step, 1) / 2 + SAME_PLACE_VOXELS:
                return f"voxels of another size, and their fields end up to {apart * mm:.3g} mm apart"
            continue
        off = abs(first - round(first)) * mm
        first, end = round(first), round(end)
        if off > half + SAME_PLACE_VOXELS * mm:
            return f"they are {off:.3g} mm apart along one axis, more than half a voxel"
        within, around = within and first >= 0 and end <= n - 1, around and first <= 0 and end >= n - 1
        if not (within or around):
            return (
                f"labels reach from voxel {first} to {end} along axis {a + 1} of an image of {n}, and neither grid "
                "holds the other"
            )
    return ""


def _off_axis(steps: np.ndarray, axis_of: np.ndarray, last: np.ndarray) -> float:
    """How many voxels the far end of an axis lies beside the image's axis."""
    beside = np.abs(steps) * np.maximum(last, 1)
    beside[axis_of, np.arange(3)] = 0.0
    return float(beside.max())


def _check_kept(labels: LabelMap, placed: LabelMap, name: str, of: str) -> None:
    """Refuse labels that lie outside of the image: their volume would be lost."""
    for structure in labels.scheme.codes:
        before = labels.volume_ml(structure)
        voxel_ml = abs(np.linalg.det(labels.affine[:3, :3])) / 1000
        outside = _outside(labels, placed, structure)
        if outside:
            raise ValueError(
                f"the label map has {outside} voxels of {structure} outside of the image ({outside * voxel_ml:.3g} of "
                f"{before.max():.4g} mL): {name} has {described(labels.affine, labels.shape)}; {of} has "
                f"{described(placed.affine, placed.shape)}. Give the whole image, or labels on its grid"
            )


def _outside(labels: LabelMap, placed: LabelMap, structure: str) -> int:
    """Voxels of a structure of which the centre lies more than half a voxel outside of the other grid."""
    places = np.argwhere(labels.mask(structure).any(axis=3))
    if not len(places):
        return 0
    voxel_from_voxel = np.linalg.inv(placed.affine) @ labels.affine
    found = places @ voxel_from_voxel[:3, :3].T + voxel_from_voxel[:3, 3]
    inside = (found > -0.5 - SAME_PLACE_VOXELS) & (found < np.array(placed.shape) - 0.5 + SAME_PLACE_VOXELS)
    return int((~inside.all(axis=1)).sum())
