"""Voxel sizes, axes and cycles that no heart's image has, and those that it has."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardiolib as cl
from cardiolib.imaging import ACDC, MMS, OURS, LabelMap, check_codes, read_cine, read_header, read_label_map, write_cine
from cardiolib.imaging.plausibility import believed_cycle, believed_lengths, check_axes, check_extent

PHASES = [t / 12 for t in range(12)]


@pytest.fixture(scope="module")
def scan():
    return cl.acquire(cl.DigitalHeart(), phases=PHASES)


def _save(path, *, affine, unit, shape=(20, 18, 6), zooms=None):
    image = nib.Nifti1Image(np.full(shape, 7, np.int16), affine)
    if zooms is not None:
        image.header.set_zooms(zooms)
    image.header.set_xyzt_units(*unit)
    nib.save(image, path)
    return path


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize(
    ("spacing", "unit", "says"),
    [
        ((1.4, 1.4, 10), "meter", "said to be metres"),
        ((1.4, 1.4, 10), "micron", "said to be micrometres"),
        ((0.0014, 0.0014, 0.01), "mm", "said to be mm"),
        ((0.0014, 0.0014, 0.01), "unknown", "taken as metres"),
        ((1400, 1400, 10000), "mm", "taken as micrometres"),
        ((0.0014, 0.0014, 0.01), "meter", "converted to mm"),
        ((1400, 1400, 10000), "micron", "converted to mm"),
        ((0.0007, 0.0007, 0.001), "meter", "converted to mm"),
    ],
)
def test_the_only_unit_that_a_voxel_can_have_is_taken_and_said(tmp_path, spacing, unit, says):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = 3 * np.array(spacing)
    path = _save(tmp_path / "a.nii.gz", affine=affine, unit=(unit, "sec"))
    right = np.array(spacing) / spacing[0] * (0.7 if spacing[0] == 0.0007 else 1.4)
    for read in (read_cine, lambda path: read_label_map(path, LABELS_OF_7)):
        found = read(path)
        np.testing.assert_allclose(found.spacing_mm, right, rtol=1e-5)
        np.testing.assert_allclose(found.affine[:3, 3], 3 * right, rtol=1e-5)
        assert any(says in note for note in found.notes)
    np.testing.assert_allclose(read_header(path).affine, found.affine)


LABELS_OF_7 = cl.imaging.LabelScheme("seven", {"lv_cavity": 7})


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize(
    "spacing", [(1.4, 1.4, 1e6), (1e-9, 1e-9, 1e-9), (60, 60, 60), (1e30, 1.4, 8), (0.001, 1.4, 8)]
)
def test_voxels_that_no_unit_makes_right_are_refused_with_the_file(tmp_path, spacing):
    path = _save(tmp_path / "a.nii.gz", affine=np.diag([*spacing, 1.0]), unit=("mm", "sec"))
    for read in (read_cine, read_header):
        with pytest.raises(ValueError, match=r"a.nii.gz: .*(0.05 to 40 mm|no volume|not finite).*"):
            read(path)


@given(st.tuples(st.floats(0.4, 3), st.floats(0.4, 3), st.floats(1, 20)), st.sampled_from(["mm", "unknown"]))
def test_voxels_of_ordinary_images_are_as_the_file_says(spacing, unit):
    affine, note = believed_lengths(np.diag([*spacing, 1.0]), (128, 128, 12), unit=unit)
    assert note is None
    np.testing.assert_allclose(np.diag(affine)[:3], spacing)


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize("shape", [(30, 216, 256, 10), (216, 256, 400, 2), (216, 900, 10), (216, 256, 33, 12)])
def test_images_longer_than_a_scanner_are_refused(shape):
    with pytest.raises(ValueError, match=r"axis \d is .* mm long .*\(I, J, K, T\) is read"):
        check_extent(np.array([1.5, 1.5, 10]), shape)
    check_extent(np.array([1.5, 1.5, 10]), (216, 256, 18, 30))
    check_extent(np.array([1.0, 1.0, 1.0]), (256, 256, 160, 20))


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize("order", [(0, 1, 3, 2), (0, 3, 1, 2), (3, 0, 1, 2)])
def test_time_on_another_axis_is_refused(tmp_path, scan, order):
    image = nib.Nifti1Image(scan.cine.voxels.transpose(order), np.diag([1.5, 1.5, 1.5, 1]))
    nib.save(image, tmp_path / "a.nii.gz")
    with pytest.raises(ValueError, match=r"a.nii.gz: axis \d \(12 long\) changes as time does.*numpy.moveaxis"):
        read_cine(tmp_path / "a.nii.gz")


@pytest.mark.field_fault("K3")
def test_time_on_another_axis_of_a_real_cine_is_refused(shared_dir):
    for path in sorted((shared_dir / "data" / "acdc_cine").glob("*_4d.nii.gz"))[:3]:
        voxels = read_cine(path).voxels  # the right order is read
        for order in ((0, 1, 3, 2), (3, 0, 1, 2)):
            with pytest.raises(ValueError, match="changes as time does"):
                check_axes(voxels.transpose(order))


def test_noise_and_still_images_tell_nothing_of_their_axes():
    rng = np.random.default_rng(0)
    check_axes(rng.normal(size=(20, 20, 8, 9)))
    check_axes(np.ones((20, 20, 8, 9)))
    check_axes(np.broadcast_to(np.arange(9.0), (20, 20, 8, 9)))


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize(
    ("time_ms", "n", "believed"),
    [(8, 30, False), (8, 20, False), (250, 30, False), (33.3, 30, True), (80, 12, True), (20, 50, True), (40, 3, True)],
)
def test_frames_that_make_no_cycle_leave_the_time_unknown(tmp_path, time_ms, n, believed):
    assert (believed_cycle(time_ms, n)[0] is not None) == believed
    path = _save(
        tmp_path / "a.nii",
        affine=np.diag([1.5, 1.5, 8, 1]),
        unit=("mm", "msec"),
        shape=(4, 4, 3, n),
        zooms=(1.5, 1.5, 8, time_ms),
    )
    cine = read_cine(path)
    if believed:
        assert cine.frame_time_ms == pytest.approx(time_ms) and cine.notes == ()
    else:
        assert cine.frame_time_ms is None and "which no heart has: frame time unknown" in cine.notes[-1]


@pytest.mark.field_fault("K3")
def test_a_nifti_scan_has_no_heart_rate_that_no_heart_has(tmp_path, scan):
    write_cine(cl.Cine(scan.cine.voxels, scan.cine.affine, 8.0), tmp_path / "a.nii.gz")
    found = cl.read_scan(tmp_path / "a.nii.gz")
    assert found.frame_time_ms is None and found.heart_rate_per_min is None


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize("told", [ACDC, MMS], ids=["acdc", "mms"])
@pytest.mark.parametrize("drawn", [(1, 2, 3), (3, 2, 1), (2, 1, 3), (1, 3, 2), (2, 3, 1), (3, 1, 2)])
def test_exchanged_codes_are_refused_and_right_ones_are_not(scan, told, drawn):
    table = np.zeros(256, np.uint8)
    for structure, code in zip(("lv_cavity", "lv_wall", "rv_cavity"), drawn, strict=True):
        table[OURS.code(structure)] = code
    label_map = LabelMap(table[scan.labels.labels], scan.labels.affine, told)
    right = tuple(told.code(name) for name in ("lv_cavity", "lv_wall", "rv_cavity"))
    if drawn == right:
        check_codes(label_map)
    else:
        with pytest.raises(ValueError, match="exchanged: .*Name the scheme"):
            check_codes(label_map)


@pytest.mark.field_fault("K3")
def test_mms_codes_read_as_four_structures_are_refused(scan):
    labels = scan.labels.to_scheme(MMS, drop=("rv_wall",)).labels
    with pytest.raises(ValueError, match=r"an rv_wall \(code 3\) and no rv_cavity"):
        check_codes(LabelMap(labels, scan.labels.affine, OURS))
    check_codes(scan.labels)


def test_codes_that_cannot_be_told_pass():
    codes = np.random.default_rng(0).integers(0, 4, (12, 12, 4))
    for labels in (codes, np.zeros_like(codes), np.where(codes == 2, 0, codes), np.where(codes == 3, 3, 0)):
        check_codes(LabelMap(labels, np.eye(4), ACDC))
