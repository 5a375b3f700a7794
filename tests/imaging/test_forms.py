"""sform and qform: the one that can be used, and a note where one cannot or both differ."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from cardiolib.imaging import read_cine

GRID = np.diag([-1.5, -1.5, 8.0, 1.0])
GRID[:3, 3] = (60, 70, -30)


def _save(path, *, sform=GRID, qform=GRID, codes=(1, 1), fields=None):
    """A file whose header says just this; nibabel itself would keep its parts consistent."""
    image = nib.Nifti1Image(np.full((8, 9, 4), 5, np.int16), GRID)
    image.set_qform(qform, code=codes[1])
    image.set_sform(sform, code=codes[0])
    nib.save(image, path)
    raw = bytearray(path.read_bytes())
    for name, value in (fields or {}).items():
        dtype, offset = nib.Nifti1Header.template_dtype.fields[name][:2]
        stored = np.asarray(value, dtype.base.newbyteorder("<")).tobytes()
        raw[offset : offset + len(stored)] = stored
    path.write_bytes(bytes(raw))
    return path


def _turned(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.eye(4)
    turn[:2, :2] = [[c, -s], [s, c]]
    return turn @ GRID


def test_forms_that_agree_are_not_spoken_of(tmp_path):
    for codes in ((1, 1), (1, 0), (0, 1), (2, 1)):
        cine = read_cine(_save(tmp_path / "a.nii", codes=codes))
        assert cine.notes == ()
        np.testing.assert_allclose(cine.affine, GRID, atol=1e-4)


@pytest.mark.field_fault("K8")
@pytest.mark.parametrize(
    ("sform", "says"),
    [
        (_turned(20), "directions are up to 20 degrees apart"),
        (np.diag([1, -1, 1, 1]) @ GRID, "mirror image"),
        (GRID + np.array([[0, 0, 0, 40.0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]), "origins are 40 apart"),
    ],
)
def test_forms_that_differ_are_noted_and_the_sform_is_taken(tmp_path, sform, says):
    cine = read_cine(_save(tmp_path / "a.nii", sform=sform, codes=(2, 1)))
    np.testing.assert_allclose(cine.affine, sform, atol=1e-4)
    assert any(says in note and "sform taken" in note and "aligned" in note for note in cine.notes)


@pytest.mark.field_fault("K9")
@pytest.mark.parametrize("codes", [(0, 1), (1, 1)])
@pytest.mark.parametrize("excess", [4e-6, 1e-4])
def test_a_quaternion_that_is_rounded_is_read(tmp_path, codes, excess):
    raised = np.sqrt(1 + excess)
    path = _save(
        tmp_path / "a.nii", codes=codes, fields={"quatern_b": 0.0, "quatern_c": 0.0, "quatern_d": raised, "pixdim": 1.0}
    )
    cine = read_cine(path)
    np.testing.assert_allclose(cine.affine, GRID, atol=1e-3)
    assert any("quaternion" in note for note in cine.notes) == (codes[0] == 0)


@pytest.mark.field_fault("K9")
@pytest.mark.parametrize("column", [0, 1, 2])
def test_an_sform_without_volume_beside_a_right_qform_is_passed_over(tmp_path, column):
    flat = GRID.copy()
    flat[:3, column] = 0
    cine = read_cine(_save(tmp_path / "a.nii", sform=flat))
    np.testing.assert_allclose(cine.affine, GRID, atol=1e-4)
    assert any("sform cannot be used (a voxel has no volume in it): qform taken" in note for note in cine.notes)


@pytest.mark.field_fault("K9")
def test_a_form_that_cannot_be_used_leaves_the_other(tmp_path):
    bad_sform = {"srow_x": [np.nan, 0, 0, 0]}
    cine = read_cine(_save(tmp_path / "a.nii", fields=bad_sform))
    np.testing.assert_allclose(cine.affine, GRID, atol=1e-4)
    assert any("not finite" in note for note in cine.notes)
    bad_qform = {"quatern_b": 0.9, "quatern_c": 0.9, "quatern_d": 0.9}
    cine = read_cine(_save(tmp_path / "a.nii", fields=bad_qform))
    np.testing.assert_allclose(cine.affine, GRID, atol=1e-4)
    assert any("qform cannot be used" in note and "no rotation" in note for note in cine.notes)
    cine = read_cine(_save(tmp_path / "a.nii", fields={"sform_code": 77}))
    assert any("sform of the unknown code 77 is not used" in note for note in cine.notes)


@pytest.mark.field_fault("K9")
def test_where_no_form_can_be_used_the_file_and_both_are_named(tmp_path):
    fields = {"srow_x": [0, 0, 0, 0], "quatern_b": np.nan}
    with pytest.raises(ValueError, match=r"a.nii: .*sform: a voxel has no volume.*qform: its quaternion.*Set one form"):
        read_cine(_save(tmp_path / "a.nii", fields=fields))
    with pytest.raises(ValueError, match=r"a.nii: the header says nowhere how large its voxels are"):
        read_cine(_save(tmp_path / "a.nii", codes=(0, 0), fields={"pixdim": [1, 1.5, 1.5, 0]}))


def test_a_voxel_size_of_zero_beside_a_right_affine_is_unset(tmp_path):
    cine = read_cine(_save(tmp_path / "a.nii", codes=(1, 0), fields={"pixdim": [1, 1.5, 1.5, 0]}))
    np.testing.assert_allclose(cine.spacing_mm, (1.5, 1.5, 8))
    assert any("unset" in note for note in cine.notes)
