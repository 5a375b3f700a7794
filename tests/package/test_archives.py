"""Stored arrays: every member is read to its end and compared with its checksum."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from cardiolib.archives import check_archive, read_arrays


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "stored.npz"
    np.savez(path, X=np.arange(40.0).reshape(5, 8), name=np.array("abc"))
    return path


def outcome(path):
    """What comes of a damaged file: the values, or None after one of our errors."""
    try:
        return read_arrays(path, ("X", "name"), what="motion file", remedy="Make it again.")
    except ValueError as error:
        assert str(path) in str(error) and "motion file" in str(error)
        return None


def test_whole_files_are_read(stored):
    content = read_arrays(stored, ("X",), what="motion file")
    assert content["X"].shape == (5, 8) and str(content["name"]) == "abc"


@pytest.mark.field_fault("K10")
def test_no_bit_can_be_flipped_unseen(stored):
    data, true = stored.read_bytes(), read_arrays(stored, what="motion file")
    refused = 0
    for place in range(len(data)):
        stored.write_bytes(data[:place] + bytes([data[place] ^ (1 << place % 8)]) + data[place + 1 :])
        found = outcome(stored)
        refused += found is None
        assert found is None or all((found[name] == value).all() for name, value in true.items())
    assert refused > 0.7 * len(data)  # the rest are dates and such


@pytest.mark.field_fault("K10")
def test_a_file_that_was_cut_is_refused_wherever(stored):
    data = stored.read_bytes()
    for size in range(0, len(data), 7):
        stored.write_bytes(data[:size])
        assert outcome(stored) is None


@pytest.mark.field_fault("K10")
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html>", "web page"),
        (b"\x80\x04K\x01.", "a pickle, which is never loaded"),
        (b"anything", "it begins with b'anything'"),
    ],
)
def test_foreign_files_are_told_by_what_they_are(stored, content, found):
    stored.write_bytes(content)
    with pytest.raises(ValueError, match=f"stored.npz: is not a readable motion file .*{found}.*Copy it again"):
        read_arrays(stored, what="motion file")


def test_pickled_objects_and_shorter_headers_are_refused(stored):
    np.savez(stored, X=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="is not a readable motion file"):
        read_arrays(stored, what="motion file")
    whole = io.BytesIO()
    np.save(whole, np.arange(10))
    with zipfile.ZipFile(stored, "w") as archive:  # the checksum is right, the header asks for fewer numbers
        archive.writestr("X.npy", whole.getvalue().replace(b"(10,)", b"(9,) "))
    with pytest.raises(ValueError, match="cannot hold them"):
        read_arrays(stored, what="motion file")


def test_absent_arrays_and_files(stored):
    with pytest.raises(ValueError, match=r"lacks the array\(s\) ids; it is no motion file \(it holds X, name\)"):
        read_arrays(stored, ("ids",), what="motion file")
    with pytest.raises(FileNotFoundError):
        read_arrays(stored.with_name("none.npz"), what="motion file")
    with pytest.raises(FileNotFoundError):
        check_archive(stored.with_name("none.npz"), what="network")
