"""Gaps, grids, pixels, and what is no short-axis cine: arrangements for `benchmarks.dicom_arrangements`."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import UID, generate_uid

from benchmarks.dicom_arranged_series import perfusion
from benchmarks.dicom_making import (
    SHAPE,
    Known,
    arrangement,
    each,
    flat,
    move,
    oblique_affine,
    refused,
    save,
    slice_affine,
    study_of,
    truth,
)


@arrangement
def gaps_that_differ_a_little(folder: Path) -> Known:
    """Slice 3 lies 0.5 mm off; on the grid that fits best every slice is within tolerance."""
    study = study_of(truth())
    move(study[2], oblique_affine(), 2 + 0.5 / 9.0)
    save(folder, flat(study))
    return replace(truth(affine=slice_affine(oblique_affine(), 0.1 / 9.0)), says=("off a regular grid",))


@arrangement
def a_slice_is_missing(folder: Path) -> Known:
    study = study_of(truth())
    del study[1]
    save(folder, flat(study))
    return refused(truth(), "18.0, 9.0, 9.0 mm", "1 slice is missing between slices 1 and 2", "largest_part=True")


@arrangement
def largest_regular_part(folder: Path) -> Known:
    known = truth()
    study = study_of(known)
    del study[1]
    save(folder, flat(study))
    assert known.voxels is not None
    kept = replace(known, voxels=known.voxels[:, :, 2:], affine=slice_affine(known.affine, 2))
    return replace(kept, options=(("largest_part", True),), says=("1 slice(s) of the same direction",))


@arrangement
def stated_spacing_that_is_wrong(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.SpacingBetweenSlices = "8"

    save(folder, flat(each(study_of(truth()), change)))
    return replace(truth(), says=("SpacingBetweenSlices says 8: positions believed",))


@arrangement
def slices_planned_beside_each_other(folder: Path) -> Known:
    """Slice 4 begins 2 columns further on and shows them: straightened, and equal where both were imaged."""
    known = truth()
    assert known.voxels is not None
    study = study_of(known)
    shown = known.voxels.copy()
    for t, frame in enumerate(study[3]):
        moved = known.voxels[:, :, 3, t][2:]
        padded = np.concatenate([moved, np.repeat(moved[-1:], 2, axis=0)])
        frame.PixelData = padded.T.astype("<u2").tobytes()
        origin = slice_affine(known.affine, 3)[:3, 3] + 2 * known.affine[:3, 0]
        frame.ImagePositionPatient = [f"{x:.8f}" for x in origin * (-1, -1, 1)]
        shown[:2, :, 3, t] = moved[:1]
    save(folder, flat(study))
    return replace(known, voxels=shown, tolerance=1e-3, says=("planned beside each other, by up to 2.0 pixels",))


@arrangement
def two_grids(folder: Path) -> Known:
    study = study_of(truth())
    for frame in study[4]:
        frame.PixelSpacing = ["1.9", "1.9"]
    save(folder, flat(study))
    return refused(truth(), "two grids", "18 x 22 pixels")


@arrangement
def signed_and_rescaled(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        stored = np.frombuffer(frame.PixelData, "<u2").astype(np.int32)
        frame.PixelData = ((stored - 1000) // 1).astype("<i2").tobytes()
        frame.PixelRepresentation, frame.BitsStored, frame.HighBit = 1, 16, 15
        frame.RescaleSlope, frame.RescaleIntercept = "0.5", "500"

    save(folder, flat(each(study_of(truth()), change)))
    known = truth()
    assert known.voxels is not None
    return replace(known, voxels=known.voxels * 0.5)


@arrangement
def bits_above_those_stored(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.PixelData = (np.frombuffer(frame.PixelData, "<u2") | 0x6000).astype("<u2").tobytes()

    save(folder, flat(each(study_of(truth()), change)))
    return truth()


@arrangement
def white_is_low(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.PixelData = (4095 - np.frombuffer(frame.PixelData, "<u2")).astype("<u2").tobytes()
        frame.PhotometricInterpretation = "MONOCHROME1"

    save(folder, flat(each(study_of(truth()), change)))
    return truth()


@arrangement
def padding(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        pixels = np.frombuffer(frame.PixelData, "<u2").reshape(frame.Rows, frame.Columns).copy()
        pixels[:3] = 4000
        frame.PixelData, frame.PixelPaddingValue = pixels.tobytes(), 4000

    save(folder, flat(each(study_of(truth()), change)))
    known = truth()
    assert known.voxels is not None
    voxels = known.voxels.copy()
    voxels[:, :3] = voxels[:, 3:].min()
    return replace(known, voxels=voxels)


@arrangement
def run_lengths(folder: Path) -> Known:
    frames = flat(study_of(truth()))
    for frame in frames:
        frame.compress(UID("1.2.840.10008.1.2.5"), generate_instance_uid=False)
    save(folder, frames)
    return truth()


@arrangement
def compressed(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.4.90")
        frame["PixelData"].VR = "OB"
        frame["PixelData"].is_undefined_length = True
        frame.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00abcd"

    save(folder, flat(each(study_of(truth()), change)))
    return refused(truth(), "JPEG 2000", "gdcmconv --raw")


@arrangement
def other_byte_orders(folder: Path) -> Known:
    for number, frame in enumerate(flat(study_of(truth()))):
        path = folder / f"{number:04d}"
        if number % 2:
            frame.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2")
        else:
            frame.file_meta.TransferSyntaxUID = UID("1.2.840.10008.1.2.1.99")
        frame.save_as(path, enforce_file_format=True)
    return truth()


@arrangement
def without_preamble(folder: Path) -> Known:
    """Bare data sets, as old archives wrote them."""
    for number, frame in enumerate(flat(study_of(truth()))):
        del frame.file_meta
        frame.preamble = None
        frame.save_as(folder / f"{number:04d}", implicit_vr=True, little_endian=True, enforce_file_format=False)
    return truth()


@arrangement
def among_other_files(folder: Path) -> Known:
    save(folder, flat(study_of(truth())))
    (folder / "notes.dcm").write_text("this is no DICOM")
    (folder / "empty").touch()
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n" + bytes(300))
    directory = FileDataset("", {}, file_meta=study_of(truth())[0][0].file_meta, preamble=b"\0" * 128)
    directory.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    directory.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return replace(truth(), says=("3 not DICOM", "1 DICOMDIR ignored"))


@arrangement
def damaged_files(folder: Path) -> Known:
    """One file's pixels end early; another is cut within its header."""
    study = study_of(truth())
    save(folder, flat(study))
    cut = sorted(path for path in folder.rglob("*") if path.is_file())[7]
    cut.write_bytes(cut.read_bytes()[:-100])
    (folder / "zz").write_bytes(cut.read_bytes()[:300])
    return replace(truth(), tolerance=25.0, says=("1 damaged and left out (file 61)", "incomplete (file 8)"))


@arrangement
def a_zip(folder: Path) -> Known:
    inside = folder / "to_pack"
    inside.mkdir()
    save(inside, flat(study_of(truth())))
    shutil.make_archive(str(folder / "study"), "zip", inside)
    shutil.rmtree(inside)
    return replace(truth(), options=(("archive", "study.zip"),))


@arrangement
def one_slice(folder: Path) -> Known:
    known = truth((*SHAPE[:2], 1))
    save(folder, flat(study_of(known)))
    return refused(known, "no short-axis cine", "1 slice(s)", "a stack has 3 or more")


@arrangement
def one_phase(folder: Path) -> Known:
    save(folder, [frames[0] for frames in study_of(truth())])
    return refused(truth(), "no cine", "rows 1 to 5: cine sax, 1 slice(s) of 1 frame(s): one frame a slice")


@arrangement
def late_enhancement_only(folder: Path) -> Known:
    save(folder, flat(study_of(truth(), description="lge psir sax")))
    return refused(truth(), "no cine", "late enhancement")


@arrangement
def perfusion_only(folder: Path) -> Known:
    save(folder, flat(each(study_of(truth(), description="dynamic"), perfusion)))
    return refused(truth(), "no cine", "one a heartbeat")


@arrangement
def transverse_stack_only(folder: Path) -> Known:
    known = truth(affine=oblique_affine(np.diag([-1.0, -1.0, 1.0])))
    save(folder, flat(study_of(known)))
    return refused(known, "no short-axis cine", "transverse cine of 5 slice(s)", "only=(1, 2)")


@arrangement
def two_patients(folder: Path) -> Known:
    save(folder, flat(study_of(truth())))
    other = flat(study_of(truth(), first_series=30))
    for frame in other:
        frame.PatientID, frame.StudyInstanceUID = "SOMEBODY ELSE", generate_uid(entropy_srcs=["another study"])
    save(folder, other)
    return refused(truth(), "2 patients", "open_cohort")


@arrangement
def several_studies(folder: Path) -> Known:
    save(folder, flat(study_of(truth())))
    older = flat(study_of(truth(), first_series=30))
    for frame in older:
        frame.StudyInstanceUID = generate_uid(entropy_srcs=["older study"])
        frame.StudyDate = frame.AcquisitionDate = "19990101"
        frame.PixelData = bytes(len(frame.PixelData))
    save(folder, older)
    return replace(truth(), says=("study 2 of 2", "365 days before the newest"))
