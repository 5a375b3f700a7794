"""Displacement fields and encoded images: what they say, what files keep of them, and what is refused."""

import nibabel as nib
import numpy as np
import pytest

from cardiolib.imaging import (
    Cine,
    DenseCine,
    DisplacementField,
    read_dense,
    read_displacement,
    write_cine,
    write_dense,
    write_displacement,
)

SHAPE = (7, 6, 4, 3)


@pytest.fixture
def affine():
    """Oblique, of anisotropic voxels."""
    q, r = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = q * np.sign(np.diag(r)) * [1.5, 1.7, 9.0]
    affine[:3, 3] = (11.0, -40.0, 5.0)
    return affine


@pytest.fixture
def field(affine):
    mm = np.random.default_rng(2).normal(size=(*SHAPE, 3)).astype(np.float32)
    mm[0, :, :, 1] = np.nan
    return DisplacementField(mm, affine, ed_frame=1)


def test_it_says_where_tissue_was(field, affine):
    at = np.argwhere(field.mask[..., 1])
    assert len(at) == 6 * 6 * 4
    places = at @ affine[:3, :3].T + affine[:3, 3]
    np.testing.assert_allclose(field.places_mm(1), places)
    np.testing.assert_allclose(field.origins_mm(1), places - field.mm[1:, :, :, 1].reshape(-1, 3), atol=1e-6)
    np.testing.assert_allclose(field.magnitude_mm(1), np.linalg.norm(field.mm[1:, :, :, 1], axis=-1).ravel())


def test_along_the_axes_it_is_the_same_vector(field, affine):
    along = field.along_axes_mm()
    back = along @ (affine[:3, :3] / field.spacing_mm).T
    np.testing.assert_allclose(back[field.mask], field.mm[field.mask], atol=1e-5)
    assert field.normal @ affine[:3, 0] == pytest.approx(0, abs=1e-9)
    assert field.normal @ affine[:3, 2] > 0


@pytest.mark.parametrize("simulated", [True, False])
@pytest.mark.parametrize("suffix", ["nii", "nii.gz"])
def test_a_file_keeps_it_all(field, tmp_path, suffix, simulated):
    object.__setattr__(field, "simulated", simulated)
    write_displacement(field, tmp_path / f"d.{suffix}")
    back = read_displacement(tmp_path / f"d.{suffix}")
    np.testing.assert_array_equal(back.mm, field.mm)
    np.testing.assert_allclose(back.affine, field.affine, atol=1e-5)
    assert (back.ed_frame, back.simulated) == (1, simulated)
    assert ("simulated" in repr(back)) == simulated
    assert read_displacement(tmp_path / f"d.{suffix}", ed_frame=2).ed_frame == 2
    header = nib.load(tmp_path / f"d.{suffix}").header
    assert header.get_xyzt_units()[0] == "mm" and header.get_intent()[0] == "vector"
    assert header["dim"][:6].tolist() == [5, *SHAPE, 3]


def test_the_same_field_gives_the_same_bytes(field, tmp_path):
    for name in ("a", "b"):
        write_displacement(field, tmp_path / name / "d.nii.gz")
    assert (tmp_path / "a/d.nii.gz").read_bytes() == (tmp_path / "b/d.nii.gz").read_bytes()


def test_one_frame_keeps_its_axis(field, affine, tmp_path):
    write_displacement(DisplacementField(field.mm[..., :1, :], affine), tmp_path / "d.nii")
    assert read_displacement(tmp_path / "d.nii").n_frames == 1


def test_vectors_of_other_software_are_turned_into_ras(field, tmp_path):
    write_displacement(field, tmp_path / "d.nii")
    np.testing.assert_array_equal(read_displacement(tmp_path / "d.nii", axes="lps").mm, field.mm * [-1, -1, 1])
    with pytest.raises(ValueError, match="axes must be one of ras, lps"):
        read_displacement(tmp_path / "d.nii", axes="lpi")


def test_it_belongs_to_its_cine_and_to_no_other(field, affine, tmp_path):
    write_displacement(field, tmp_path / "d.nii")
    read_displacement(tmp_path / "d.nii", cine=Cine(np.zeros(SHAPE), affine))
    moved = affine.copy()
    moved[0, 3] += 0.5
    for cine, wrong in (
        (Cine(np.zeros((8, *SHAPE[1:])), affine), r"\(7, 6, 4\) voxels, the cine beside it \(8, 6, 4\)"),
        (Cine(np.zeros((*SHAPE[:3], 5)), affine), "3 frames, the cine beside it 5"),
        (Cine(np.zeros(SHAPE), moved), "corners lie up to 0.5 mm apart"),
    ):
        with pytest.raises(ValueError, match=wrong) as raised:
            read_displacement(tmp_path / "d.nii", cine=cine)
        assert "d.nii" in str(raised.value)


def test_a_file_of_another_kind_is_refused_with_its_name(field, affine, tmp_path):
    write_cine(Cine(np.zeros(SHAPE), affine), tmp_path / "cine.nii")
    with pytest.raises(ValueError, match=r"cine.nii has the axes \(7, 6, 4, 3\); a displacement field has five"):
        read_displacement(tmp_path / "cine.nii")
    nib.save(nib.Nifti1Image(field.mm, affine), tmp_path / "plain.nii")
    with pytest.raises(ValueError, match="plain.nii has the NIfTI intent 0"):
        read_displacement(tmp_path / "plain.nii")
    write_displacement(field, tmp_path / "d.nii")
    image = nib.load(tmp_path / "d.nii")
    image.header.set_xyzt_units("micron", "sec")
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), None, image.header), tmp_path / "micron.nii")
    with pytest.raises(ValueError, match="micron.nii: lengths are in 'micron'"):
        read_displacement(tmp_path / "micron.nii")
    (tmp_path / "torn.nii").write_bytes((tmp_path / "d.nii").read_bytes()[:500])
    with pytest.raises(ValueError, match="torn.nii is damaged"):
        read_displacement(tmp_path / "torn.nii")
    with pytest.raises(FileNotFoundError, match="no image file"):
        read_displacement(tmp_path / "absent.nii")
    with pytest.raises(ValueError, match=r"d.mha: vector images are written as .nii"):
        write_displacement(field, tmp_path / "d.mha")


def test_fields_that_say_nothing_or_nonsense_are_refused(affine):
    mm = np.zeros((4, 4, 2, 3, 3))
    half = mm.copy()
    half[0, 0, 0, 0, 1] = np.nan
    for bad, wrong in (
        (mm[..., 0], r"axes \(I, J, K, T, 3\)"),
        (mm[..., :2], r"axes \(I, J, K, T, 3\)"),
        (np.full_like(mm, np.nan), "NaN everywhere"),
        (half, "three finite numbers, or NaN three times"),
        (mm + 5000.0, "5000 mm: no heart moves farther"),
        (mm + np.inf, "three finite numbers"),
    ):
        with pytest.raises(ValueError, match=wrong):
            DisplacementField(bad, affine)
    with pytest.raises(ValueError, match="ed_frame is 0 to 2"):
        DisplacementField(mm, affine, ed_frame=3)


@pytest.mark.parametrize("simulated", [True, False])
def test_encoded_images_come_back_from_their_two_files(affine, tmp_path, simulated):
    rng = np.random.default_rng(3)
    phase = rng.uniform(-np.pi, np.pi, size=(*SHAPE, 3)).astype(np.float32)
    dense = DenseCine(rng.random(SHAPE), phase, affine, (0.1, 0.08, 0.05), frame_time_ms=40.0, simulated=simulated)
    write_dense(dense, tmp_path)
    back = read_dense(tmp_path)
    np.testing.assert_array_equal(back.phase, dense.phase)
    np.testing.assert_array_equal(back.magnitude, dense.magnitude)
    assert back.encoding_per_mm == (0.1, 0.08, 0.05) and back.frame_time_ms == pytest.approx(40.0)
    assert back.simulated == simulated and back.wavelength_mm == pytest.approx((10, 12.5, 20))
    moved = affine.copy()
    moved[:3, 3] += 1
    write_cine(Cine(dense.magnitude, moved), tmp_path / "dense_magnitude_sa.nii.gz")
    with pytest.raises(ValueError, match="affine is not that of the magnitude"):
        read_dense(tmp_path)


def test_encoded_images_that_cannot_be_are_refused(affine):
    good = {"magnitude": np.ones(SHAPE), "phase": np.zeros((*SHAPE, 3)), "affine": affine, "encoding_per_mm": (1, 1, 1)}
    for change, wrong in (
        ({"phase": np.zeros(SHAPE)}, "three directions"),
        ({"phase": np.full((*SHAPE, 3), 2048.0)}, "Scale the scanner's numbers"),
        ({"phase": np.full((*SHAPE, 3), np.nan)}, "NaN or infinite"),
        ({"encoding_per_mm": (0.1, 0.1)}, "three numbers above 0"),
        ({"encoding_per_mm": (0.1, 0.1, 0.0)}, "three numbers above 0"),
    ):
        with pytest.raises(ValueError, match=wrong):
            DenseCine(**(good | change))
