"""Labels and images in the world: one grid, another grid in the same place, and elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardiolib.imaging import OURS, LabelMap, on_grid_of, resample_like, same_place

SHAPE = (24, 20, 6)
TURN = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
GRID = np.eye(4)
GRID[:3, :3] = TURN * (1.4, 1.4, 9.0)
GRID[:3, 3] = (-50.0, 30.0, 110.0)


def _labels():
    codes = np.zeros(SHAPE, np.uint8)
    codes[8:14, 7:13, 1:5] = OURS.code("lv_wall")
    codes[9:13, 8:12, 1:5] = OURS.code("lv_cavity")
    codes[4:8, 8:11, 2:4] = OURS.code("rv_cavity")
    return LabelMap(codes, GRID, OURS)


def _moved(matrix):
    """Voxels of another grid -> voxels of `GRID`, as that grid's affine."""
    return GRID @ matrix


def _step(*diagonal, start=(0, 0, 0)):
    matrix = np.diag([*diagonal, 1.0])
    matrix[:3, 3] = start
    return matrix


@pytest.mark.field_fault("K2")
@pytest.mark.parametrize("shift", [0.0, 0.005, -0.005])
def test_a_hundredth_of_a_voxel_is_no_other_grid(shift):
    moved = GRID.copy()
    moved[:3, 3] += shift
    found = on_grid_of(LabelMap(_labels().labels, moved, OURS), GRID, SHAPE)
    np.testing.assert_array_equal(found.affine, GRID)
    np.testing.assert_array_equal(found.labels, _labels().labels)
    assert found.notes == () and same_place(GRID, moved, SHAPE)


@pytest.mark.field_fault("K2")
@pytest.mark.parametrize(
    ("index", "matrix"),
    [
        (np.s_[3:20, 2:18, :], _step(1, 1, 1, start=(3, 2, 0))),
        (np.s_[:, :, 1:5], _step(1, 1, 1, start=(0, 0, 1))),
        (np.s_[::-1, :, :], _step(-1, 1, 1, start=(23, 0, 0))),
        (np.s_[::-1, ::-1, ::-1], _step(-1, -1, -1, start=(23, 19, 5))),
        (np.s_[3:20, 18:2:-1, 1:5], _step(1, -1, 1, start=(3, 18, 1))),
    ],
    ids=["cropped", "fewer slices", "flipped", "all flipped", "cropped and flipped"],
)
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_cropped_flipped_and_transposed_labels_are_brought_back_exactly(index, matrix, order):
    whole = _labels()
    affine = _moved(matrix)
    affine[:3, :3] = affine[:3, list(order)]
    other = LabelMap(whole.labels[index].transpose(*order, 3), affine, OURS)
    found = on_grid_of(other, GRID, SHAPE)
    np.testing.assert_array_equal(found.labels, whole.labels)
    assert any("brought to the grid of the image by the nearest voxel" in note for note in found.notes)


@pytest.mark.field_fault("K2")
def test_padded_labels_are_cut_and_finer_ones_are_resampled():
    whole = _labels()
    padded = LabelMap(np.pad(whole.labels[..., 0], 3), _moved(_step(1, 1, 1, start=(-3, -3, -3))), OURS)
    np.testing.assert_array_equal(on_grid_of(padded, GRID, SHAPE).labels, whole.labels)
    fine_grid = _moved(_step(0.5, 0.5, 1, start=(-0.25, -0.25, 0)))
    fine = resample_like(whole, fine_grid, (48, 40, 6))
    assert fine.volume_ml("lv_cavity") == pytest.approx(whole.volume_ml("lv_cavity"))
    found = on_grid_of(fine, GRID, SHAPE)
    np.testing.assert_array_equal(found.labels, whole.labels)
    assert found.volume_ml("lv_cavity") == pytest.approx(whole.volume_ml("lv_cavity"))


def _elsewhere():
    whole = _labels().labels
    turned = np.eye(4)
    turned[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    return {
        "identity affine": (whole, np.eye(4)),
        "half the voxel size": (whole, _moved(_step(0.5, 0.5, 0.5))),
        "half the voxel size in plane": (whole, _moved(_step(0.5, 0.5, 1))),
        "14 mm off": (whole, _moved(_step(1, 1, 1, start=(10, 0, 0)))),
        "a slice off": (whole, _moved(_step(1, 1, 1, start=(0, 0, 1)))),
        "turned": (whole, turned @ GRID),
        "directions lost": (whole, np.diag([1.4, 1.4, 9, 1])),
        "mirrored in place": (whole, _moved(_step(-1, 1, 1))),
        "cropped, origin of another": (whole[3:20], _moved(_step(1, 1, 1, start=(12, 0, 0)))),
        "cropped, spacing lost": (whole[3:20], np.diag([1, 1, 1, 1.0])),
        "axes exchanged without the affine": (whole.transpose(1, 0, 2, 3), GRID),
        "twice the slices": (np.repeat(whole, 2, axis=2), GRID),
    }


@pytest.mark.field_fault("K2")
@pytest.mark.parametrize("case", list(_elsewhere()))
def test_labels_that_lie_elsewhere_are_refused_with_both_grids(case):
    codes, affine = _elsewhere()[case]
    with pytest.raises(ValueError, match="lies elsewhere|outside of the image") as refusal:
        on_grid_of(LabelMap(codes, affine, OURS), GRID, SHAPE, name="gt.nii.gz", of="sa.nii.gz")
    message = str(refusal.value)
    assert "gt.nii.gz has " in message and "sa.nii.gz has 24 x 20 x 6 voxels of 1.4 x 1.4 x 9 mm" in message


def test_labels_that_a_crop_of_the_image_cuts_off_are_refused():
    with pytest.raises(ValueError, match=r"voxels of lv_(wall|cavity) outside of the image"):
        on_grid_of(_labels(), _moved(_step(1, 1, 1, start=(0, 0, 2))), (24, 20, 4))


@given(st.permutations([0, 1, 2]), st.tuples(*[st.booleans()] * 3), st.integers(0, 3), st.integers(0, 1))
def test_any_order_of_axes_and_any_crop_keeps_every_label(order, flips, in_plane, slices):
    whole = _labels()
    cut = np.s_[in_plane : 24 - in_plane, in_plane : 20 - in_plane, slices : 6 - slices]
    other, affine = whole.labels[cut][..., 0], _moved(_step(1, 1, 1, start=(in_plane, in_plane, slices)))
    for axis, flip in enumerate(flips):
        if flip:
            other = np.flip(other, axis)
            affine = affine @ _step(
                *(-1 if a == axis else 1 for a in range(3)),
                start=tuple(other.shape[axis] - 1 if a == axis else 0 for a in range(3)),
            )
    affine[:3, :3] = affine[:3, order]
    found = on_grid_of(LabelMap(other.transpose(order), affine, OURS), GRID, SHAPE)
    np.testing.assert_array_equal(found.labels, whole.labels)
