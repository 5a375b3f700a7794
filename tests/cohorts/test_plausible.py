"""What no heart has is refused by every reader with subject, file, number and what to do; labels meet their images."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scan_files import SHAPE, cine, counted_ml, heart, labels, oblique, put

from cardiolib.cohorts import Cohort, CohortError, open_cohort
from cardiolib.imaging import ACDC, FOURDSEGMENT, MMS, Cine, LabelMap, write_cine, write_label_map

ED, ES = 4.0, 2.5


def _label(path, scheme, radius, *, affine=None, index=np.s_[:]):
    grid = oblique() if affine is None else affine
    write_label_map(LabelMap(heart(scheme, radius)[index], grid, scheme), path)


def acdc(root, *, ed=1, es=3, scheme=ACDC, affine=None, index=np.s_[:]):
    """Frame 1 is ED and frame 3 ES; Info.cfg may say otherwise."""
    folder = root / "patient001"
    for frame, radius in ((1, ED), (3, ES)):
        put(cine(frame, n_frames=1), folder / f"patient001_frame{frame:02d}.nii.gz")
        _label(folder / f"patient001_frame{frame:02d}_gt.nii.gz", scheme, radius, affine=affine, index=index)
    (folder / "Info.cfg").write_text(f"ED: {ed}\nES: {es}\nGroup: DCM\nHeight: 180\nNbFrame: 6\nWeight: 80\n")
    return root


def biobank(root, *, scheme=ACDC, affine=None, index=np.s_[:], exchanged=False):
    for phase, radius in (("ED", ED), ("ES", ES)):
        put(cine(1, n_frames=1), root / "s1" / f"sa_{phase}.nii.gz")
        other = {"ED": ES, "ES": ED}[phase] if exchanged else radius
        _label(root / "s1" / f"label_sa_{phase}.nii.gz", scheme, other, affine=affine, index=index)
    (root / "cohort.json").write_text('{"label_scheme": "acdc"}')
    return root


def mms2(root, *, scheme=MMS, affine=None, index=np.s_[:], exchanged=False):
    folder = root / "dataset" / "001"
    put(cine(0), folder / "001_SA_CINE.nii.gz")
    for phase, radius, frame in (("ED", ED, 0), ("ES", ES, 3)):
        put(Cine(cine(0).voxels[..., [frame]], oblique()), folder / f"001_SA_{phase}.nii.gz")
        other = {"ED": ES, "ES": ED}[phase] if exchanged else radius
        _label(folder / f"001_SA_{phase}_gt.nii.gz", scheme, other, affine=affine, index=index)
    return root


def foursegment(root, *, scheme=FOURDSEGMENT, affine=None, index=np.s_[:], exchanged=False):
    (root / "subjnames.txt").write_text("p1\n")
    put(cine(0), root / "p1" / "lvsa_.nii.gz")
    for phase, radius in (("ED", ED), ("ES", ES)):
        other = {"ED": ES, "ES": ED}[phase] if exchanged else radius
        _label(root / "p1" / f"PHsegmentation_{phase}.nii.gz", scheme, other, affine=affine, index=index)
    return root


LAYOUTS = {"acdc": (acdc, "patient001"), "biobank": (biobank, "s1"), "mms2": (mms2, "001"), "4d": (foursegment, "p1")}


@pytest.fixture(params=list(LAYOUTS))
def layout(request, tmp_path):
    make, subject_id = LAYOUTS[request.param]

    def made(**changes):
        if changes.pop("exchanged", False):
            changes |= {"ed": 3, "es": 1} if request.param == "acdc" else {"exchanged": True}
        return open_cohort(make(tmp_path, **changes)), subject_id

    return made


def test_right_folders_of_every_layout_are_read_without_a_new_word(layout):
    cohort, subject_id = layout()
    found, _ = cohort.labels(subject_id)
    np.testing.assert_allclose(found.affine, oblique(), atol=1e-4)
    assert not found.notes
    assert found.volume_ml("lv_cavity")[0] == pytest.approx(counted_ml(ACDC, ED, "lv_cavity"), rel=1e-5)


@pytest.mark.field_fault("K2")
@pytest.mark.parametrize("case", ["identity", "half", "moved"])
def test_labels_that_lie_elsewhere_are_refused_by_every_reader(layout, case):
    moved = oblique()
    moved[:3, 3] += 14
    affine = {"identity": np.eye(4), "half": oblique((0.7, 0.7, 4.5)), "moved": moved}[case]
    cohort, subject_id = layout(affine=affine)
    for ask in (lambda: cohort.labels(subject_id), cohort.volumes):
        if cohort.layout.startswith("4D") and ask == cohort.volumes:
            continue  # its volumes stand in files of their own
        with pytest.raises(CohortError, match=f"'{subject_id}': the label map lies elsewhere") as refusal:
            ask()
        assert ".nii.gz has 20 x 18 x 4 voxels of 1.4 x 1.4 x 9 mm" in str(refusal.value)


@pytest.mark.field_fault("K2")
def test_cropped_labels_are_laid_on_their_image_by_every_reader(layout):
    cropped = oblique()
    cropped[:3, 3] = (oblique() @ [2, 0, 0, 1])[:3]
    cohort, subject_id = layout(affine=cropped, index=np.s_[2:])
    found, _ = cohort.labels(subject_id)
    assert found.shape == SHAPE == cohort.image(subject_id).shape
    assert found.volume_ml("lv_cavity")[0] == pytest.approx(counted_ml(ACDC, ED, "lv_cavity"), rel=1e-5)
    assert any("brought to the grid of the image" in note for note in found.notes)


@pytest.mark.field_fault("K2")
def test_frames_whose_origins_differ_by_rounding_are_one_cine(tmp_path):
    near = oblique()
    near[0, 3] += 0.005
    root = acdc(tmp_path)
    put(cine(3, n_frames=1, affine=near), root / "patient001" / "patient001_frame03.nii.gz")
    _label(root / "patient001" / "patient001_frame03_gt.nii.gz", ACDC, ES, affine=near)
    cohort = open_cohort(root)
    assert cohort.image("patient001").n_frames == 2 and cohort.labels("patient001")[0].notes == ()
    near[0, 3] += 3
    put(cine(3, n_frames=1, affine=near), root / "patient001" / "patient001_frame03.nii.gz")
    with pytest.raises(CohortError, match=r"'patient001'.*first at \(-60, 35, 120\).*first at \(-56.995, 35, 120\)"):
        open_cohort(root).image("patient001")


@pytest.mark.field_fault("K3")
def test_exchanged_phases_are_refused_by_every_reader(layout):
    cohort, subject_id = layout(exchanged=True)
    with pytest.raises(CohortError, match=f"'{subject_id}'.*at ED and .* at ES.*seem to be exchanged. Correct"):
        cohort.labels(subject_id)


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize("make", [acdc, biobank])
def test_exchanged_ventricles_are_refused(tmp_path, make):
    cohort = open_cohort(make(tmp_path, scheme=MMS))  # files of M&Ms codes under names of another data set
    subject_id = cohort.ids[0]
    with pytest.raises(CohortError, match=f"'{subject_id}'.*label codes of scheme 'acdc' are exchanged"):
        cohort.labels(subject_id)
    with pytest.raises(CohortError, match="exchanged"):
        cohort.volumes()


@pytest.mark.field_fault("K3")
@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"LVEDV": 80, "LVESV": 120}, "LVESV 120 mL is larger than LVEDV 80 mL: an ejection fraction of -50 %"),
        ({"RVEDV": 100, "RVESV": 131, "RVEF": -31}, "RVESV 131 mL is larger than RVEDV 100"),
        ({"LVEDV": 100, "LVESV": -47, "LVEF": 147}, "LVESV is -47 mL"),
        ({"LVEF": 147}, "LVEF is 147 %"),
        ({"RVEF": -135.0}, "RVEF is -135 %"),
        ({"LVEDV": 140000, "LVESV": 60000}, "LVEDV is 140000 mL"),
        ({"LVEDV": np.inf}, "LVEDV is inf mL"),
        ({"LVEDV": 140, "LVESV": 0}, "LVEDV is 140 mL and LVESV 0: nothing is labelled at ES?"),
        ({"LVEDV": 140, "LVESV": 60, "LVEF": 0.57}, "LVEF is 0.57 %: a fraction where percent are needed?"),
        ({"LVEDV": 0, "LVESV": 12}, "LVESV 12 mL is larger than LVEDV 0 mL"),
    ],
)
def test_volumes_that_no_heart_has_are_refused_with_the_subject(row, says):
    table = pd.DataFrame([row, dict.fromkeys(row, np.nan)], index=["p7", "p8"], dtype=float)
    cohort = Cohort("mine", pd.DataFrame(index=["p7", "p8"]), volumes=table)
    with pytest.raises(CohortError, match=r"cohort 'mine': 1 subject\(s\).*Correct the files") as refusal:
        cohort.volumes()
    assert f"'p7': {says}" in str(refusal.value)


def test_volumes_of_hearts_pass():
    rows = {"LVEDV": [140, 374.4, np.nan], "LVESV": [60, 334.5, 40], "LVEF": [57, 11, np.nan], "RVEF": [2, 86, np.nan]}
    cohort = Cohort("mine", pd.DataFrame(index=["a", "b", "c"]), volumes=pd.DataFrame(rows, index=["a", "b", "c"]))
    assert len(cohort.volumes()) == 3


@pytest.mark.field_fault("K9")
def test_header_errors_name_file_and_subject(tmp_path):
    root = acdc(tmp_path)
    path = root / "patient001" / "patient001_frame01.nii.gz"
    image = nib.load(path)
    flat = image.affine.copy()
    flat[:3, 2] = 0
    image.header.set_qform(None, code=0)
    image.header.set_sform(flat, code=1)
    nib.save(nib.Nifti1Image(np.asanyarray(image.dataobj), None, image.header), path)
    with pytest.raises(CohortError, match=r"subject 'patient001'.*patient001_frame01.nii.gz: .*no volume"):
        open_cohort(root).image("patient001")


@pytest.mark.field_fault("K3")
def test_a_stated_frame_time_that_makes_no_cycle_is_not_believed(tmp_path):
    folder = tmp_path / "sub-01"
    voxels = np.random.default_rng(0).integers(1, 900, (*SHAPE, 12)).astype(np.float32)
    write_cine(Cine(voxels, oblique()), folder / "sub-01_cine.nii.gz")
    (folder / "sub-01_cine.json").write_text('{"RepetitionTime": 0.008}')
    found = open_cohort(tmp_path).image("sub-01")
    assert found.frame_time_ms is None and any("which no heart has" in note for note in found.notes)
    (folder / "sub-01_cine.json").write_text('{"RepetitionTime": 0.07}')
    assert open_cohort(tmp_path).image("sub-01").frame_time_ms == pytest.approx(70)


def test_real_hearts_are_read_without_a_refusal(shared_dir):
    cohort = open_cohort(shared_dir / "data" / "acdc")
    ids = list(cohort.ids[::30])
    assert cohort.subset(ids).volumes()["LVEF"].between(5, 95).all()
    for subject_id in ids:
        found, _ = cohort.labels(subject_id)
        assert found.shape == cohort.image(subject_id).shape
        assert not any("grid" in note or "affine of the image" in note for note in found.notes)


def test_all_labels_of_a_cine_lie_on_it(tmp_path):
    put(cine(0), tmp_path / "heart.nii.gz")
    put(labels(MMS, [ED, 0, 0, ES, 0, 0]), tmp_path / "heart_gt.nii.gz")
    assert open_cohort(tmp_path, scheme="mms").labels("heart")[1] == (0, 3)
    put(labels(MMS, [ED, 0, 0, ES, 0, 0], affine=np.eye(4)), tmp_path / "heart_gt.nii.gz")
    with pytest.raises(CohortError, match="'heart': the label map lies elsewhere than the image"):
        open_cohort(tmp_path, scheme="mms").labels("heart")
