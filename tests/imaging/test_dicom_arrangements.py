"""Every arrangement of DICOM files is read right, voxel by voxel through the affine, or refused as it should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from benchmarks.dicom_arrangements import ARRANGEMENTS
from benchmarks.dicom_making import Known, flat, oblique_affine, save, study_of, truth, worst_difference
from benchmarks.own_scan import what_is_wrong
from cardiolib.imaging import Cine, read_scan
from cardiolib.imaging.dicom.planes import body_plane


@pytest.mark.parametrize("name", ARRANGEMENTS)
def test_an_arrangement_is_read_right(name: str, tmp_path: Path) -> None:
    assert what_is_wrong(ARRANGEMENTS[name], tmp_path) == ""


def cine_of(known: Known) -> Cine:
    assert known.voxels is not None
    return Cine(known.voxels, known.affine, known.frame_time_ms, simulated=True)


def test_the_comparison_finds_what_is_wrong() -> None:
    known = truth()
    assert known.voxels is not None
    assert worst_difference(cine_of(known), known) == 0
    flipped = replace(known, voxels=known.voxels[::-1])
    late = replace(known, voxels=np.roll(known.voxels, 1, axis=3))
    assert worst_difference(cine_of(flipped), known) > 50 and worst_difference(cine_of(late), known) > 50
    beside = known.affine.copy()
    beside[0, 3] += 0.7
    assert worst_difference(cine_of(replace(known, affine=beside)), known) == np.inf
    assert worst_difference(cine_of(replace(known, frame_time_ms=80.0)), known) == np.inf
    assert worst_difference(replace(cine_of(known), simulated=False), known) == np.inf


turns = st.tuples(*[st.floats(-180, 180) for _ in range(3)])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns, st.tuples(st.floats(0.7, 2.5), st.floats(0.7, 2.5), st.floats(5, 15)), st.booleans(), st.integers(0, 9))
def test_any_orientation_is_read_right(tmp_path_factory, angles, spacing, from_base, seed) -> None:
    affine = oblique_affine(Rotation.from_euler("xyz", angles, degrees=True).as_matrix(), spacing, (10.0, -20.0, 30.0))
    if body_plane(affine[:3, 2] / spacing[2]) is not None:
        return
    if from_base:
        affine[:3, 2] *= -1
    known = truth((9, 7, 4), 10, affine)
    folder = tmp_path_factory.mktemp("turned")
    save(folder, flat(study_of(known, one_series=bool(seed % 2))), seed=seed)
    assert worst_difference(read_scan(folder, salt="x"), known) == 0


def test_the_table_says_why_each_series_was_left_out(tmp_path: Path) -> None:
    ARRANGEMENTS["among_all_other_series"](tmp_path)
    scan = read_scan(tmp_path, salt="x")
    table = scan.series
    assert list(table.index) == list(range(1, len(table) + 1))
    assert (table["kept"] == "read").sum() == 5 and not table.loc[table["kept"] == "read", "reason"].any()
    reasons = " | ".join(table.loc[table["kept"] == "left out", "reason"])
    for expected in ("scout", "phase contrast", "late enhancement", "heartbeat", "inversion times", "map", "derived"):
        assert expected in reasons
    for expected in ("long-axis or other view: 1 slice(s)", "screen capture", "tagged"):
        assert expected in reasons
    assert "<table" in scan._repr_html_() and "long-axis" in scan._repr_html_()


def test_rows_can_be_asked_for(tmp_path: Path) -> None:
    ARRANGEMENTS["transverse_stack_only"](tmp_path)
    scan = read_scan(tmp_path, salt="x", only=(1, 2, 3, 4, 5))
    assert scan.shape == (22, 18, 5) and any("the rows asked for" in note for note in scan.notes)
    with pytest.raises(ValueError, match="there is no 9"):
        read_scan(tmp_path, salt="x", only=(9,))


def test_headers_alone_are_read_to_find_the_cine(tmp_path: Path) -> None:
    from cardiolib.cohorts import open_cohort

    ARRANGEMENTS["one_series_a_slice"](tmp_path)
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        path.write_bytes(path.read_bytes()[: -22 * 18 * 2])
    cohort = open_cohort(tmp_path, salt="x")
    assert cohort.provides == {"images"} and cohort.table["frames"].tolist() == [12]
    with pytest.raises(ValueError, match=r"pixels of 60 file\(s\) are damaged"):
        cohort.image(cohort.ids[0])


def test_the_real_study_is_read_right(shared_dir: Path) -> None:
    folder = shared_dir / "data" / "bivme" / "dicoms" / "patient1"
    if not folder.is_dir():
        pytest.skip("the biv-me study is not on this machine")
    scan = read_scan(folder, salt="x", bar=False)
    assert scan.shape == (256, 208, 6) and scan.n_frames == 25 and not scan.simulated
    assert np.allclose(scan.spacing_mm, (1.40625, 1.40625, 17.7), atol=1e-3)
    assert abs(scan.frame_time_ms * 25 - np.mean([863, 860, 829, 776, 814, 831])) < 0.5
    said = "\n".join(scan.notes)
    assert "slices lie 17.7 mm apart, each 6 mm thick" in said and "cycles of 776 to 863 ms" in said
    assert (scan.series["kept"] == "read").sum() == 6 and len(scan.series) == 11
    assert "patient1" not in repr(scan) + scan._repr_html_()


def test_the_real_study_is_where_and_what_its_files_say(shared_dir: Path) -> None:
    """A naive twin: one folder a slice, as the study's own description lists them, frames by trigger time."""
    folder = shared_dir / "data" / "bivme" / "dicoms" / "patient1"
    if not folder.is_dir():
        pytest.skip("the biv-me study is not on this machine")
    scan = read_scan(folder, salt="x", bar=False)
    for k, series in enumerate(("Se5", "Se4", "Se3", "Se2", "Se1", "Se11")):
        frames = sorted((pydicom.dcmread(path) for path in (folder / series).iterdir()), key=lambda d: d.TriggerTime)
        stored = np.stack([frame.pixel_array.T for frame in frames], axis=-1)
        assert np.array_equal(scan.voxels[:, :, k], stored)
        right, down = np.array(frames[0].ImageOrientationPatient, float).reshape(2, 3) * 1.40625
        place = np.array(frames[0].ImagePositionPatient, float) + 100 * right + 30 * down
        assert np.allclose(scan.affine @ (100, 30, k, 1), (-place[0], -place[1], place[2], 1), atol=2e-3)
