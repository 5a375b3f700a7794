"""A simulated study comes back as it was, always marked; and nothing real takes the mark, or the reverse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

import cardiolib as cl
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.imaging import says_simulated, write_cine
from cardiolib.imaging.dicom import write_simulated_study


@pytest.fixture(scope="module")
def cine() -> cl.Cine:
    coarse = AcquisitionSettings(grid_size=32, spacing_mm=4.8, n_slices=6)
    return cl.acquire(cl.DigitalHeart(), coarse, phases=np.arange(10) / 10).cine


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def edited(folder: Path, change: Callable[[pydicom.Dataset], None], *, every: int = 1) -> Path:
    for path in files(folder)[::every]:
        data = pydicom.dcmread(path)
        change(data)
        data.save_as(path)
    return folder


def no_type(data: pydicom.Dataset) -> None:
    data.ImageType = ["ORIGINAL", "PRIMARY", "M"]


def no_comments(data: pydicom.Dataset) -> None:
    data.ImageComments = ""


def no_maker(data: pydicom.Dataset) -> None:
    data.Manufacturer = "SIEMENS"


def test_a_written_study_comes_back(cine: cl.Cine, tmp_path: Path) -> None:
    count = write_simulated_study(cine, tmp_path / "a", scouts=True, four_chamber=True)
    assert count == len(files(tmp_path / "a")) == 3 + 10 + 60
    assert len({pydicom.dcmread(path).SOPInstanceUID for path in files(tmp_path / "a")}) == count
    scan = cl.read_scan(tmp_path / "a", salt="x")
    assert scan.simulated and scan.shape == cine.shape
    assert np.allclose(scan.affine, cine.affine, atol=1e-3)
    assert abs(scan.frame_time_ms - cine.frame_time_ms) < 0.1
    step = np.ptp(cine.voxels) / 4095
    assert np.abs(scan.voxels - cine.voxels).max() <= step
    assert scan.series["reason"].tolist()[:3] == ["scout"] * 3
    assert scan.series["reason"][4].startswith("long-axis or other view: 1 slice")
    assert abs(scan.heart_rate_per_min - 60000 / (10 * cine.frame_time_ms)) < 0.1


def test_the_same_cine_gives_the_same_bytes(cine: cl.Cine, tmp_path: Path) -> None:
    for name in "ab":
        write_simulated_study(cine, tmp_path / name)
    pairs = list(zip(files(tmp_path / "a"), files(tmp_path / "b"), strict=True))
    assert pairs and all(one.read_bytes() == other.read_bytes() for one, other in pairs)


def test_the_mark_travels_into_nifti(cine: cl.Cine, tmp_path: Path) -> None:
    write_simulated_study(cine, tmp_path / "a")
    write_cine(cl.read_scan(tmp_path / "a", salt="x"), tmp_path / "cine.nii.gz")
    assert says_simulated(tmp_path / "cine.nii.gz")
    assert cl.read_scan(tmp_path / "cine.nii.gz").simulated


@pytest.mark.parametrize("left", [no_type, no_comments, no_maker])
def test_any_one_mark_is_enough(cine: cl.Cine, tmp_path: Path, left) -> None:
    write_simulated_study(cine, tmp_path / "a")
    for change in {no_type, no_comments, no_maker} - {left}:
        edited(tmp_path / "a", change)
    assert cl.read_scan(tmp_path / "a", salt="x").simulated


def test_without_any_mark_a_study_is_real_whatever_the_patient_is_called(cine: cl.Cine, tmp_path: Path) -> None:
    write_simulated_study(cine, tmp_path / "a")
    for change in (no_type, no_comments, no_maker):
        edited(tmp_path / "a", change)
    assert pydicom.dcmread(files(tmp_path / "a")[0]).PatientName == "SIMULATED^NO PATIENT"
    assert not cl.read_scan(tmp_path / "a", salt="x").simulated


def test_marked_and_unmarked_files_are_not_mixed(cine: cl.Cine, tmp_path: Path) -> None:
    write_simulated_study(cine, tmp_path / "a")
    for change in (no_type, no_comments, no_maker):
        edited(tmp_path / "a", change, every=7)
    with pytest.raises(ValueError, match="must not be mixed"):
        cl.read_scan(tmp_path / "a", salt="x")


def test_only_a_simulated_cine_is_written_and_only_into_an_empty_folder(cine: cl.Cine, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this cine is of a patient"):
        write_simulated_study(replace(cine, simulated=False), tmp_path / "a")
    with pytest.raises(ValueError, match="no frame time"):
        write_simulated_study(replace(cine, frame_time_ms=None), tmp_path / "a")
    assert not (tmp_path / "a").exists()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "kept").touch()
    with pytest.raises(ValueError, match="holds files already"):
        write_simulated_study(cine, tmp_path / "a")
    assert [path.name for path in files(tmp_path / "a")] == ["kept"]
