"""The door to the bytes of an image: damage is noticed, sizes are known to be affordable, names are told."""

from __future__ import annotations

import gzip
import zlib

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cardiolib.imaging import (
    ACDC,
    DisplacementField,
    LabelMap,
    nifti_files,
    read_cine,
    read_displacement,
    read_header,
    read_label_map,
    says_simulated,
    write_displacement,
    write_label_map,
)

SHAPE = (14, 12, 5)
DAMAGED = "is damaged or incomplete"


def _image(path, *, dtype=np.int16, shape=SHAPE, edit=None):
    values = (400 + 90 * np.random.default_rng(0).normal(size=shape)).astype(dtype)
    image = nib.Nifti1Image(values, np.diag([-1.5, -1.5, 8, 1]))
    if edit is not None:
        edit(image.header)
    nib.save(image, path)
    return values


def _labels(path):
    codes = np.random.default_rng(0).integers(0, 4, SHAPE).astype(np.uint8)
    write_label_map(LabelMap(codes, np.diag([1.5, 1.5, 8, 1]), ACDC), path)
    return codes


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize("kind", ["image", "label map"])
def test_one_flipped_bit_of_a_compressed_file_never_changes_a_voxel(tmp_path, kind):
    path = tmp_path / "a.nii.gz"
    right = _image(path) if kind == "image" else _labels(path)

    def voxels():
        return read_cine(path).voxels[..., 0] if kind == "image" else read_label_map(path, ACDC).labels[..., 0]

    whole, rng, refused = path.read_bytes(), np.random.default_rng(1), 0
    for _ in range(200):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        path.write_bytes(bytes(damaged))
        try:
            np.testing.assert_array_equal(voxels(), right)  # a bit of the file's own name or date, say
        except ValueError as error:
            assert str(path) in str(error)
            refused += 1
    assert refused > 150


@pytest.mark.field_fault("K1")
def test_a_displacement_field_with_a_flipped_bit_is_refused(tmp_path):
    path = tmp_path / "displacement_sa.nii.gz"
    mm = np.random.default_rng(0).normal(size=(6, 5, 3, 4, 3))
    write_displacement(DisplacementField(mm, np.diag([1.5, 1.5, 10, 1])), path)
    for at in (len(path.read_bytes()) // 2, -6):  # in the voxels, and in the checksum
        whole = bytearray(path.read_bytes())
        whole[at] ^= 4
        (tmp_path / "b.nii.gz").write_bytes(bytes(whole))
        with pytest.raises(ValueError, match=f"b.nii.gz {DAMAGED}"):
            read_displacement(tmp_path / "b.nii.gz")


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("change", ["cut by one", "cut in half", "one byte more", "a slice more"])
def test_files_that_are_too_short_or_too_long_are_refused(tmp_path, suffix, change):
    _image(tmp_path / "whole.nii")
    raw = (tmp_path / "whole.nii").read_bytes()
    slice_bytes = SHAPE[0] * SHAPE[1] * 2
    raw = {
        "cut by one": raw[:-1],
        "cut in half": raw[: len(raw) // 2],
        "one byte more": raw + b"x",
        "a slice more": raw + bytes(slice_bytes),
    }[change]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(raw) if suffix == ".nii.gz" else raw)
    with pytest.raises(ValueError, match=rf"a{suffix} {DAMAGED}.*copy or download"):
        read_cine(path)


@pytest.mark.field_fault("K1")
@pytest.mark.parametrize("end", [b"more", b"\x1f\x8b", b"\0\0\0x"])
def test_what_follows_a_gzip_file_is_not_passed_over(tmp_path, end):
    path = tmp_path / "a.nii.gz"
    _image(path)
    path.write_bytes(path.read_bytes() + end)
    with pytest.raises(ValueError, match=DAMAGED):
        read_cine(path)


def test_harmless_oddities_of_files_are_read(tmp_path):
    right = _image(tmp_path / "a.nii")
    raw = (tmp_path / "a.nii").read_bytes()
    members = b"".join(gzip.compress(raw[at : at + 700]) for at in range(0, len(raw), 700))  # bgzip, pigz
    first_byte_alone = gzip.compress(raw[:1]) + gzip.compress(b"") + gzip.compress(raw[1:])
    named = gzip.compress(raw)[:3] + b"\x08" + gzip.compress(raw)[4:10] + b"name\0" + gzip.compress(raw)[10:]
    oddities = {
        "padded.nii": raw + bytes(20),
        "padded.nii.gz": gzip.compress(raw) + bytes(512),
        "members.nii.gz": members,
        "tiny.nii.gz": first_byte_alone,
        "named.nii.gz": named,
        "stored.nii.gz": gzip.compress(raw, 0),
    }
    for name, content in oddities.items():
        (tmp_path / name).write_bytes(content)
        np.testing.assert_array_equal(read_cine(tmp_path / name).voxels[..., 0], right)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from(["<i2", ">i2", "<u2", "<f4", ">f8", "<i4", "u1", "<i8"]),
    slope=st.sampled_from([None, 1.0, 0.5, 3e-3]),
    inter=st.sampled_from([0.0, -7.5]),
    version=st.sampled_from([nib.Nifti1Image, nib.Nifti2Image]),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
)
def test_voxels_are_those_that_nibabel_reads(tmp_path, dtype, slope, inter, version, suffix):
    path = tmp_path / f"a{suffix}"
    values = np.random.default_rng(0).integers(0, 200, SHAPE).astype(dtype)
    image = version(values, np.diag([1.5, 1.5, 8, 1]), dtype=np.dtype(dtype))
    image.header.set_data_dtype(np.dtype(dtype))
    image.header.set_slope_inter(slope, inter if slope else None)
    nib.save(image, path)
    found = nifti_files.open_nifti(path).voxels()
    expected = np.asanyarray(nib.load(path).dataobj)
    assert found.dtype == expected.dtype and found.flags.writeable
    np.testing.assert_array_equal(found, expected)


@pytest.mark.field_fault("memory")
def test_a_small_file_that_asks_for_18_gb_is_refused_before_it_is_read(tmp_path, monkeypatch):
    def edit(header):
        header["dim"] = [4, 3000, 3000, 100, 10, 1, 1, 1]

    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_sform(np.diag([1.5, 1.5, 8, 1]), code=1)
    edit(header)
    header["magic"], header["vox_offset"] = b"n+1", 352
    raw = header.binaryblock + bytes(4)
    monkeypatch.setattr(nifti_files.Path, "read_bytes", lambda self: pytest.fail("it was read"))
    for path, content in ((tmp_path / "a.nii.gz", gzip.compress(raw)), (tmp_path / "a.nii", raw)):
        path.write_bytes(content)
        for read in (read_cine, read_header, lambda path: read_label_map(path, ACDC)):
            with pytest.raises(ValueError, match=rf"{path.name} {DAMAGED}.*declares 3000 x 3000 x 100 x 10 .*18 GB"):
                read(path)


@pytest.mark.field_fault("memory")
def test_an_honest_bomb_is_refused_by_its_header(tmp_path):
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape((2000, 2000, 100, 10))
    header.set_sform(np.diag([0.2, 0.2, 2, 1]), code=1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(10_000_000)
    content = packer.compress(header.binaryblock + bytes(4))
    content += packer.compress(block) + packer.flush()
    path = tmp_path / "a.nii.gz"
    path.write_bytes(content + bytes(9_000_000))  # as many bytes as 8 GB could make
    with pytest.raises(ValueError, match=r"a.nii.gz is too large: .* needs 24 GB, and at most .* GB can be used"):
        read_cine(path)


def test_voxels_begin_after_the_header_where_the_file_does_not_say(tmp_path):
    right = _image(tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[108:112] = bytes(4)
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    np.testing.assert_array_equal(read_cine(tmp_path / "a.nii").voxels[..., 0], right)


def test_too_little_memory_is_a_sentence(tmp_path, monkeypatch):
    _image(tmp_path / "a.nii.gz")

    def full(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(nifti_files, "_inflated", full)
    file = nifti_files.NiftiFile(
        tmp_path / "a.nii.gz", nib.load(tmp_path / "a.nii.gz").header, np.ones(3), SHAPE, compressed=True
    )
    with pytest.raises(ValueError, match="a.nii.gz is too large: .*not so much memory"):
        file.voxels()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.nii.gz", b"", "not a gzip file"),
        ("a.nii", b"", "does not begin with the header"),
        ("a.nii.gz", b"<!DOCTYPE html><html>", "not a gzip file"),
        ("a.nii", b"version https://git-lfs.github.com/spec/v1\n" * 20, "does not begin with the header"),
        ("a.nii.gz", gzip.compress(bytes(500), mtime=0), "does not begin with the header"),
        ("a.nii.gz", gzip.compress(b"\x5c\x01\0\0" + bytes(500), mtime=0), "mark of a NIfTI file"),
        ("a.nii", b"\x5c\x01\0\0" + bytes(100), "ends within the header"),
        ("a.nii", b"\x5c\x01\0\0" + bytes(340) + b"ni1\0" + bytes(200), "header of a pair"),
    ],
)
def test_files_that_are_no_images_say_so(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    for read in (read_cine, read_header):
        with pytest.raises(ValueError, match=f"{name}.*{says}"):
            read(tmp_path / name)
    assert not says_simulated(tmp_path / name)


def test_a_wrong_ending_is_said_with_the_right_one(tmp_path):
    _image(tmp_path / "a.nii")
    raw = (tmp_path / "a.nii").read_bytes()
    (tmp_path / "b.nii.gz").write_bytes(raw)
    (tmp_path / "c.nii").write_bytes(gzip.compress(raw))
    with pytest.raises(ValueError, match=r"b.nii.gz is not compressed.*b.nii$"):
        read_cine(tmp_path / "b.nii.gz")
    with pytest.raises(ValueError, match=r"c.nii is compressed.*c.nii.gz$"):
        read_cine(tmp_path / "c.nii")


@pytest.mark.field_fault("K9")
@pytest.mark.parametrize("inter", [np.nan, np.inf, -np.inf])
def test_an_offset_of_grey_values_that_means_nothing_is_none(tmp_path, inter):
    right = _image(tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[112:120] = np.array([1, inter], "<f4").tobytes()
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    cine = read_cine(tmp_path / "a.nii")
    np.testing.assert_array_equal(cine.voxels[..., 0], right)
    assert any("scl_inter" in note and "taken as 0" in note for note in cine.notes)


@pytest.mark.field_fault("K9")
@pytest.mark.parametrize(("at", "bytes_"), [(70, b"\x7f\x7f"), (42, b"\0\0"), (40, b"\x09\0"), (108, b"\0\0\xc0\x7f")])
def test_header_errors_name_the_file(tmp_path, at, bytes_):
    _image(tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[at : at + len(bytes_)] = bytes_
    (tmp_path / "a.nii").write_bytes(bytes(raw))
    with pytest.raises(ValueError, match=f"a.nii {DAMAGED}"):
        read_cine(tmp_path / "a.nii")


@pytest.mark.parametrize("change", ["cut", "longer", "another type", "axes"])
@pytest.mark.field_fault("K1")
def test_a_gipl_file_of_another_length_is_refused(tmp_path, change):
    pytest.importorskip("SimpleITK")
    path = tmp_path / "a.gipl"
    write_label_map(LabelMap(np.ones(SHAPE, np.uint8), np.diag([-1.5, -1.5, 8, 1]), ACDC), path)
    raw = bytearray(path.read_bytes())
    assert read_label_map(path, ACDC).shape == SHAPE
    raw = {"cut": raw[:-200], "longer": raw + b"0", "another type": raw, "axes": raw}[change]
    if change == "another type":
        raw[8:10] = b"\0\x63"
    if change == "axes":
        raw[0:2] = b"\x00\xff"
    path.write_bytes(bytes(raw))
    with pytest.raises(ValueError, match=f"a.gipl {DAMAGED}"):
        read_label_map(path, ACDC)
