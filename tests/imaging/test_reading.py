"""NIfTI and .gipl in and out."""

import builtins
import gzip

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardiolib.imaging import (
    ACDC,
    OURS,
    Cine,
    LabelMap,
    read_cine,
    read_label_map,
    world_from_voxel,
    write_cine,
    write_label_map,
)

OBLIQUE = np.array([[1.1, 0.3, 2.0, -40], [-0.4, 1.2, 3.0, 12], [0.1, -0.2, 7.0, 5], [0, 0, 0, 1.0]])
OBLIQUE[:3, :3] = np.linalg.qr(OBLIQUE[:3, :3])[0] * (1.3, 1.3, 8.0)
LPS = np.diag([-1.25, -1.25, 8, 1.0])


def save(tmp_path, array, affine=None, zooms=None, units=("unknown", "unknown"), name="a.nii.gz"):
    image = nib.Nifti1Image(array, np.eye(4) if affine is None else affine)
    if zooms is not None:
        image.header.set_zooms(zooms)
    image.header.set_xyzt_units(*units)
    nib.save(image, tmp_path / name)
    return tmp_path / name


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(*[st.integers(1, 5)] * 4),
    frame_time_ms=st.one_of(st.none(), st.floats(6, 240)),
    seed=st.integers(0, 2**32 - 1),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
)
def test_cine_round_trip(tmp_path, shape, frame_time_ms, seed, suffix):
    rng = np.random.default_rng(seed)
    affine = np.eye(4)
    affine[:3, :3] = np.linalg.qr(rng.normal(size=(3, 3)))[0] * rng.uniform(0.7, 10, 3)
    affine[:3, 3] = rng.normal(scale=100, size=3)
    cine = Cine(rng.normal(size=shape), affine, frame_time_ms)
    write_cine(cine, tmp_path / f"cine{suffix}")
    again = read_cine(tmp_path / f"cine{suffix}")
    np.testing.assert_array_equal(again.voxels, cine.voxels)
    np.testing.assert_allclose(again.affine, cine.affine, rtol=1e-6, atol=1e-5)
    if frame_time_ms is None or shape[3] == 1:
        assert again.frame_time_ms is None
    else:
        assert again.frame_time_ms == pytest.approx(frame_time_ms, rel=1e-6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bits=st.integers(1, 15), largest=st.floats(1e-3, 1e4), seed=st.integers(0, 2**32 - 1))
def test_grey_values_are_kept_to_the_bits_asked_for(tmp_path, bits, largest, seed):
    voxels = largest * np.random.default_rng(seed).uniform(-1, 1, (4, 5, 3, 2))
    voxels[0, 0, 0, 0] = largest
    write_cine(Cine(voxels, OBLIQUE, 31.5), tmp_path / "a.nii.gz", bits=bits)
    image = nib.load(tmp_path / "a.nii.gz")
    assert image.get_data_dtype() == np.int16 and np.abs(np.asarray(image.dataobj.get_unscaled())).max() == 2**bits - 1
    again = read_cine(tmp_path / "a.nii.gz")
    assert np.abs(again.voxels - voxels).max() <= 0.501 * largest / (2**bits - 1)
    assert again.frame_time_ms == pytest.approx(31.5)


def test_nothing_to_see_is_kept_and_impossible_bits_are_refused(tmp_path):
    black = Cine(np.zeros((2, 3, 4, 2)), OBLIQUE)
    write_cine(black, tmp_path / "a.nii.gz", bits=12)
    np.testing.assert_array_equal(read_cine(tmp_path / "a.nii.gz").voxels, 0)
    for name, bits in (("b.nii", 0), ("b.nii", 16), ("b.gipl", 12)):
        with pytest.raises(ValueError, match="1-15 bits"):
            write_cine(black, tmp_path / name, bits=bits)
    assert not list(tmp_path.glob("b.*"))


def test_label_map_round_trip_and_bytes(tmp_path):
    labels = np.random.default_rng(0).integers(0, 5, (4, 5, 3, 2))
    label_map = LabelMap(labels, OBLIQUE, OURS)
    write_label_map(label_map, tmp_path / "a.nii.gz")
    write_label_map(label_map, tmp_path / "folder" / "b.nii.gz")
    again = read_label_map(tmp_path / "a.nii.gz", "ours")
    np.testing.assert_array_equal(again.labels, labels)
    assert again.labels.dtype == np.uint8
    raw = gzip.decompress((tmp_path / "a.nii.gz").read_bytes())
    assert raw == gzip.decompress((tmp_path / "folder" / "b.nii.gz").read_bytes())


def test_rewriting_the_same_file_gives_the_same_bytes(tmp_path):
    label_map = LabelMap(np.ones((3, 3, 3)), OBLIQUE, OURS)
    write_label_map(label_map, tmp_path / "a.nii.gz")
    first = (tmp_path / "a.nii.gz").read_bytes()
    write_label_map(label_map, tmp_path / "a.nii.gz")
    assert (tmp_path / "a.nii.gz").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]


def test_written_header_serves_other_readers(tmp_path):
    write_cine(Cine(np.zeros((3, 4, 5, 6)), OBLIQUE, 31.5), tmp_path / "a.nii.gz")
    image = nib.load(tmp_path / "a.nii.gz")
    assert image.header.get_xyzt_units() == ("mm", "sec")
    np.testing.assert_allclose(image.header.get_zooms(), (1.3, 1.3, 8.0, 0.0315), rtol=1e-6)
    np.testing.assert_allclose(image.get_sform(), OBLIQUE, atol=1e-5)
    np.testing.assert_allclose(image.get_qform(), OBLIQUE, atol=1e-4)


def test_sheared_affine_survives_in_the_sform(tmp_path):
    sheared = np.diag([1.0, 1, 8, 1])
    sheared[0, 2] = 2.0
    write_cine(Cine(np.zeros((2, 2, 2)), sheared), tmp_path / "a.nii")
    assert int(nib.load(tmp_path / "a.nii").header["qform_code"]) == 0
    np.testing.assert_allclose(read_cine(tmp_path / "a.nii").affine, sheared, atol=1e-6)


def test_acdc_like_header_takes_zooms_and_says_so(tmp_path):
    path = save(tmp_path, np.ones((4, 4, 3), np.int16), np.diag([-1.0, -1, 1, 1]), name="trap.nii")
    raw = bytearray(path.read_bytes())
    raw[80:92] = np.array([1.5, 1.5, 10], "<f4").tobytes()  # pixdim[1:4]: nibabel itself would keep them equal
    path.write_bytes(raw)
    cine = read_cine(path)
    np.testing.assert_allclose(cine.affine, np.diag([-1.5, -1.5, 10, 1]))
    assert "zooms believed" in cine.notes[0]
    assert cine.n_frames == 1 and cine.frame_time_ms is None


@pytest.mark.parametrize(
    ("zoom", "unit", "expected"),
    [
        (0.030, "sec", 30.0),
        (30.0, "msec", 30.0),
        (30000.0, "usec", 30.0),
        (30.0, "unknown", 30.0),
        (0.030, "unknown", 30.0),
        (1.0, "unknown", None),
        (1.0, "sec", None),
        (1.0, "msec", None),
        (0.0, "unknown", None),
        (30.0, "sec", None),
        (30.0, "hz", None),
    ],
)
def test_frame_time_only_when_plausible(tmp_path, zoom, unit, expected):
    path = save(tmp_path, np.zeros((2, 2, 2, 3), np.int16), zooms=(1, 1, 1, zoom), units=("mm", unit))
    cine = read_cine(path)
    if expected is None:
        assert cine.frame_time_ms is None and "unknown" in cine.notes[-1]
    else:
        assert cine.frame_time_ms == pytest.approx(expected, rel=1e-6)


def test_lengths_in_metres_become_mm(tmp_path):
    path = save(tmp_path, np.zeros((2, 2, 2), np.int16), np.diag([0.002, 0.002, 0.008, 1]), units=("meter", "sec"))
    cine = read_cine(path)
    np.testing.assert_allclose(cine.spacing_mm, (2, 2, 8), rtol=1e-6)
    assert "converted" in cine.notes[-1]


def test_five_axes_are_refused_unless_empty_of_meaning(tmp_path):
    with pytest.raises(ValueError, match="axes"):
        read_cine(save(tmp_path, np.zeros((2, 2, 2, 2, 2), np.int16)))
    assert read_cine(save(tmp_path, np.zeros((2, 2, 2, 1), np.int16), name="b.nii")).n_frames == 1


def test_bad_files_say_which_and_why(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.nii"):
        read_cine(tmp_path / "nowhere.nii")
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.png.*\.nii"):
        read_cine(tmp_path / "a.png")
    with pytest.raises(ValueError, match="n.nii.*NaN"):
        read_cine(save(tmp_path, np.full((2, 2, 2), np.nan, np.float32), name="n.nii"))
    with pytest.raises(ValueError, match="real numbers"):
        read_cine(save(tmp_path, np.zeros((2, 2, 2), np.complex64), name="c.nii"))
    path = save(tmp_path, np.full((2, 2, 2), 9, np.uint8), name="l.nii")
    with pytest.raises(ValueError, match=r"l\.nii: labels \[9\]"):
        read_label_map(path, ACDC)
    with pytest.raises(ValueError, match="acdc"):
        read_label_map(path, "acdcc")


def test_scaled_integers_are_read_as_their_values(tmp_path):
    image = nib.Nifti1Image(np.array([[[0, 1000]]], np.int16), np.eye(4))
    image.header.set_slope_inter(0.5, 3)
    nib.save(image, tmp_path / "s.nii")
    raw = bytearray((tmp_path / "s.nii").read_bytes())
    raw[112:120] = np.array([0.5, 3], "<f4").tobytes()
    raw[-4:] = np.array([0, 1000], "<i2").tobytes()
    (tmp_path / "s.nii").write_bytes(raw)
    np.testing.assert_allclose(read_cine(tmp_path / "s.nii").voxels.ravel(), (3, 503))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"voxels": np.zeros((2, 2))}, "axes"),
        ({"voxels": np.full((2, 2, 2), np.inf)}, "8 voxels"),
        ({"frame_time_ms": 0.0}, "frame_time_ms"),
        ({"affine": np.zeros((4, 4))}, "affine"),
    ],
)
def test_bad_cines_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Cine(**({"voxels": np.zeros((2, 2, 2)), "affine": np.eye(4)} | kwargs))


def test_gipl_round_trip_keeps_labels_and_place(tmp_path):
    pytest.importorskip("SimpleITK")
    labels = np.random.default_rng(0).integers(0, 5, (4, 5, 3))
    affine = LPS.copy()
    affine[:3, 3] = (11, -22, 33)
    write_label_map(LabelMap(labels, affine, OURS), tmp_path / "PHsegmentation_ED.gipl")
    again = read_label_map(tmp_path / "PHsegmentation_ED.gipl", OURS)
    np.testing.assert_array_equal(again.labels[..., 0], labels)
    corner = (3, 4, 2)
    np.testing.assert_allclose(world_from_voxel(again.affine, corner), world_from_voxel(affine, corner), atol=1e-4)


def test_gipl_refuses_what_it_cannot_hold(tmp_path):
    pytest.importorskip("SimpleITK")
    label_map = LabelMap(np.ones((2, 2, 2)), OBLIQUE, OURS)
    with pytest.raises(ValueError, match="reset_directions"):
        write_label_map(label_map, tmp_path / "a.gipl")
    write_label_map(label_map, tmp_path / "a.gipl", reset_directions=True)
    np.testing.assert_allclose(read_label_map(tmp_path / "a.gipl", OURS).spacing_mm, (1.3, 1.3, 8), rtol=1e-5)
    with pytest.raises(ValueError, match="one frame"):
        write_label_map(LabelMap(np.ones((2, 2, 2, 2)), LPS, OURS), tmp_path / "b.gipl")
    assert not (tmp_path / "b.gipl").exists()


def test_gipl_without_simpleitk_names_the_extra(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "SimpleITK":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    (tmp_path / "a.gipl").write_bytes(b"x")
    with pytest.raises(ImportError, match=r"cardiolib\[gipl\]"):
        read_cine(tmp_path / "a.gipl")


@pytest.mark.parametrize("keep", [0, 10, 200, -400])
def test_a_truncated_gzip_is_refused_by_name(tmp_path, keep):
    values = np.random.default_rng(0).normal(size=(20, 20, 5, 4)).astype(np.float32)
    whole = save(tmp_path, values).read_bytes()
    half = tmp_path / "half.nii.gz"
    half.write_bytes(whole[:keep])
    with pytest.raises(ValueError, match="half.nii.gz is damaged or incomplete"):
        read_cine(half)


def test_a_file_with_wrong_bytes_in_the_middle_is_refused_by_name(tmp_path):
    path = save(tmp_path, np.random.default_rng(0).normal(size=(20, 20, 5, 4)).astype(np.float32))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 255
    path.write_bytes(bytes(damaged))
    with pytest.raises(ValueError, match="a.nii.gz is damaged or incomplete"):
        read_cine(path)


def test_nan_voxels_are_refused_by_name(tmp_path):
    values = np.zeros((4, 4, 3, 2), np.float32)
    values[1, 2, 0, 1] = np.nan
    with pytest.raises(ValueError, match="a.nii.gz: 1 voxels of the cine are NaN"):
        read_cine(save(tmp_path, values))
