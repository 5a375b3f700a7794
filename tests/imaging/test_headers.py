"""What a header says without the voxels is what reading the image says."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardiolib.imaging import read_cine, read_header


def _save(path, shape, zooms, unit):
    image = nib.Nifti1Image(np.ones(shape, np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_zooms(zooms)
    image.header.set_xyzt_units("mm", unit)
    nib.save(image, path)


@given(
    frames=st.integers(1, 5),
    zoom=st.sampled_from([0.04, 1.0, 2.0, 40.0]),
    unit=st.sampled_from(["sec", "msec", "unknown"]),
)
def test_header_and_image_agree(tmp_path_factory, frames, zoom, unit):
    path = tmp_path_factory.mktemp("h") / "x.nii"
    _save(path, (5, 4, 3, frames), (1.5, 1.4, 8.0, zoom), unit)
    header, image = read_header(path), read_cine(path)
    assert header.shape == image.voxels.shape and header.n_frames == frames
    np.testing.assert_array_equal(header.affine, image.affine)
    assert header.frame_time_ms == image.frame_time_ms
    stated = {"sec": zoom * 1000, "msec": zoom, "unknown": None}[unit] if frames > 1 else None
    assert header.frame_time_stated_ms == (None if stated is None else pytest.approx(stated))


def test_files_that_are_no_image_are_refused_as_when_read(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no image file"):
        read_header(tmp_path / "none.nii.gz")
    _save(tmp_path / "five.nii", (3, 3, 3, 2, 2), (1, 1, 1, 1, 1), "sec")
    with pytest.raises(ValueError, match="three, or four with time"):
        read_header(tmp_path / "five.nii")
