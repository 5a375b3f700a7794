"""Arrangements of DICOM files in which scanners and archives export a short-axis cine, written with known truth.

Every arrangement is a function that writes a study into a folder and returns what a reader must give: grey values at
world positions, frame time, and words that its notes must hold; or the words with which it must be refused. All files
are marked as simulated.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import UID, generate_uid

from benchmarks.dicom_making import (
    CYCLE_MS,
    PHASES,
    SHAPE,
    Known,
    each,
    enhanced,
    flat,
    grey,
    long_axis_cine,
    oblique_affine,
    refused,
    rename,
    reseries,
    save,
    slice_affine,
    study_of,
    truth,
)

Arrangement = Callable[[Path], Known]
ARRANGEMENTS: dict[str, Arrangement] = {}


def arrangement(make: Arrangement) -> Arrangement:
    """Enter a function into `ARRANGEMENTS` under its name."""
    ARRANGEMENTS[make.__name__] = make
    return make


# ---- series, slices and stacks ----------------------------------------------------------------


@arrangement
def one_series_a_slice(folder: Path) -> Known:
    save(folder, flat(study_of(truth())))
    return truth()


@arrangement
def all_in_one_series(folder: Path) -> Known:
    save(folder, flat(study_of(truth(), one_series=True)))
    return truth()


@arrangement
def several_series_a_stack(folder: Path) -> Known:
    study = study_of(truth())
    reseries([*study[0], *study[2], *study[4]], 7, "cine sax")
    reseries([*study[1], *study[3]], 8, "cine sax")
    save(folder, flat(study))
    return truth()


@arrangement
def several_stacks_in_one_series(folder: Path) -> Known:
    frames = [*flat(study_of(truth())), *flat(long_axis_cine(truth(), 90, slices=3))]
    reseries(frames, 5, "cine")
    save(folder, frames)
    return replace(truth(), says=("short axis: the only stack",))


@arrangement
def two_stacks_of_one_direction(folder: Path) -> Known:
    """An older stack of four slices that lies between those of the newer one of five."""
    older = truth((*SHAPE[:2], 4), affine=slice_affine(oblique_affine(), 0.4))
    save(folder, flat(study_of(truth(), one_series=True, first_series=2)))
    save(folder, flat(study_of(older, one_series=True, first_series=1)))
    return replace(truth(), says=("4 slice(s) of the same direction",))


@arrangement
def slices_from_base_to_apex(folder: Path) -> Known:
    """Slices in the other direction along the normal, and turned in their plane by nothing else."""
    affine = slice_affine(oblique_affine(), 4)
    affine[:3, 2] *= -1
    known = truth(affine=affine)
    save(folder, flat(study_of(known)))
    return known


@arrangement
def enhanced_one_file(folder: Path) -> Known:
    save(folder, [enhanced(study_of(truth(), one_series=True))])
    return truth()


@arrangement
def enhanced_one_file_a_slice(folder: Path) -> Known:
    save(folder, [enhanced([frames]) for frames in study_of(truth())])
    return truth()


@arrangement
def oblique_another_way(folder: Path) -> Known:
    turned = np.array([[-0.2, 0.7, 0.68], [0.9, 0.4, -0.2], [-0.4, 0.58, -0.7]])
    known = truth(affine=oblique_affine(turned, (1.2, 1.2, 8.0), (-20.0, 60.0, 15.0)))
    save(folder, flat(study_of(known)))
    return known


@arrangement
def among_all_other_series(folder: Path) -> Known:
    known = truth()
    save(folder, flat(study_of(known, first_series=20)))
    save(folder, flat(long_axis_cine(known, 40)))
    for number, description, change in _OTHERS:
        part = study_of(truth((*SHAPE[:2], 2)), one_series=True, first_series=number, description=description)
        save(folder, [frame for frames in each(part, change) for frame in frames])
    return known


def _no_change(frame: FileDataset, k: int, t: int) -> None:
    pass


def _scout(frame: FileDataset, k: int, t: int) -> None:
    frame.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER", frame.ImageType[3]]


def _phase_image(frame: FileDataset, k: int, t: int) -> None:
    frame.ImageType = ["ORIGINAL", "PRIMARY", "P" if t % 2 else "M", frame.ImageType[3]]


def _velocity(frame: FileDataset, k: int, t: int) -> None:
    frame.SequenceName = "*fl2d1_v150in"


def _perfusion(frame: FileDataset, k: int, t: int) -> None:
    frame.TriggerTime = "120"
    frame.AcquisitionTime = f"1230{t:02d}.500000"


def _inversion(frame: FileDataset, k: int, t: int) -> None:
    frame.InversionTime = str(100 + 80 * t)


def _derived(frame: FileDataset, k: int, t: int) -> None:
    frame.ImageType = ["DERIVED", "SECONDARY", "MPR", frame.ImageType[3]]


def _capture(frame: FileDataset, k: int, t: int) -> None:
    frame.SOPClassUID = frame.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")


_OTHERS = (
    (50, "localizer", _no_change),
    (51, "view", _scout),
    (52, "retro", _phase_image),
    (53, "retro", _velocity),
    (54, "lge psir", _no_change),
    (55, "dynamic", _perfusion),
    (56, "rest", _inversion),
    (57, "molli t1map", _no_change),
    (58, "cine", _derived),
    (59, "cine", _capture),
    (60, "cine tagging", _no_change),
)


@arrangement
def as_siemens_writes(folder: Path) -> Known:
    """One series a slice; the acquisition number counts frames; distortion-corrected, retrospectively gated."""

    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.ImageType = ["ORIGINAL", "PRIMARY", "M", "RETRO", "NORM", "DIS2D", frame.ImageType[3]]
        frame.AcquisitionNumber, frame.SequenceName, frame.ScanOptions = t + 1, "*tfi2d1_15", ["CG", "PER"]
        frame.TriggerTime = f"{t * CYCLE_MS / PHASES:.12f}"[:16]
        frame.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", b"x" * 500)

    save(folder, flat(each(study_of(truth(), description="cine_tf2d15_retro_iPAT SAX"), change)))
    return truth()


@arrangement
def as_philips_writes(folder: Path) -> Known:
    """All slices in one series, phase after phase; scaled; a heart rate instead of a cycle."""

    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.ImageType = ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE", frame.ImageType[3]]
        frame.TemporalPositionIdentifier, frame.NumberOfTemporalPositions = t + 1, PHASES
        frame.HeartRate, frame.AcquisitionNumber, frame.SpacingBetweenSlices = 67, 5, "9"
        frame.RescaleSlope, frame.RescaleIntercept = "2", "-100"
        frame.InstanceNumber = t * SHAPE[2] + k + 1
        frame.private_block(0x2005, "Philips MR Imaging DD 001", create=True).add_new(0x0E, "FL", 0.01)
        del frame.NominalInterval

    save(folder, flat(each(study_of(truth(), one_series=True, description="sBTFE_BH SA"), change)))
    known = truth()
    assert known.voxels is not None
    return replace(known, voxels=2 * known.voxels - 100)


@arrangement
def as_ge_writes(folder: Path) -> Known:
    """All slices in one series, slice after slice; signed values; one acquisition time a slice."""

    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.ImageType = ["ORIGINAL", "PRIMARY", "OTHER", frame.ImageType[3]]
        frame.HeartRate, frame.InstanceNumber, frame.PixelRepresentation = 67, k * PHASES + t + 1, 1
        frame.BitsStored, frame.HighBit, frame.SpacingBetweenSlices = 16, 15, "9"
        frame.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x1E, "DS", "380")
        del frame.NominalInterval, frame.RescaleSlope, frame.RescaleIntercept

    save(folder, flat(each(study_of(truth(), one_series=True, description="FIESTA SA"), change)))
    return truth()


# ---- time -------------------------------------------------------------------------------------


@arrangement
def trigger_times_that_differ(folder: Path) -> Known:
    """Slice 3 begins half a frame late: interpolated to the phases of the others."""
    study = study_of(truth())
    _resample(study[2], 0.5 / PHASES, PHASES)
    save(folder, flat(study))
    return replace(truth(), tolerance=8.0, says=("interpolated in time", "differ by up to 38 ms"))


@arrangement
def cycles_that_differ(folder: Path) -> Known:
    """Each slice has a cycle of its own; the shares of the cycle agree, and no pixel is touched."""

    def change(frame: FileDataset, k: int, t: int) -> None:
        cycle = CYCLE_MS + 40 * (k - 2)
        frame.NominalInterval, frame.TriggerTime = int(cycle), f"{t * cycle / PHASES:.3f}"

    save(folder, flat(each(study_of(truth()), change)))
    return replace(truth(), says=("cycles of 820 to 980 ms",))


@arrangement
def another_number_of_frames(folder: Path) -> Known:
    study = study_of(truth())
    study[1] = study_of(replace(truth(phases=16), frame_time_ms=CYCLE_MS / 16))[1]
    save(folder, flat(study))
    return replace(truth(), tolerance=8.0, says=("slice(s) 2 interpolated",))


@arrangement
def missing_frame(folder: Path) -> Known:
    study = study_of(truth())
    del study[3][5]
    save(folder, flat(study))
    return replace(truth(), tolerance=25.0, says=("slice 4 lacks frame(s) 6",))


@arrangement
def missing_last_frame(folder: Path) -> Known:
    study = study_of(truth())
    del study[0][PHASES - 1]
    save(folder, flat(study))
    return replace(truth(), tolerance=25.0, says=(f"slice 1 lacks frame(s) {PHASES}",))


@arrangement
def too_many_frames_missing(folder: Path) -> Known:
    known = truth(phases=20)
    study = study_of(known)
    del study[3][4:9]
    save(folder, flat(study))
    return refused(known, "slice 4 lacks 5 of 20 frames (5, 6, 7, 8, 9)")


@arrangement
def frame_missing_without_times(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        del frame.TriggerTime
        frame.TemporalPositionIdentifier = t + 1

    study = each(study_of(truth()), change)
    del study[1][4]
    save(folder, flat(study))
    return refused(truth(), "slice 2 has 11 frames", "phase 5", "no trigger times")


@arrangement
def prospective_triggering(folder: Path) -> Known:
    """Frames cover three quarters of the stated cycle; one slice, of a faster beat, has a frame less."""

    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.NominalInterval = int(CYCLE_MS / 0.75)

    study = each(study_of(truth()), change)
    del study[2][PHASES - 1]
    save(folder, flat(study))
    return replace(truth(), tolerance=25.0, says=("cover 75 to 75 % of the stated cycle", "slice 3 lacks frame(s) 12"))


@arrangement
def phase_numbers_only(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        del frame.TriggerTime, frame.AcquisitionTime, frame.ContentTime
        frame.TemporalPositionIdentifier, frame.InstanceNumber = t + 1, (t * 7) % PHASES + 1

    save(folder, flat(each(study_of(truth()), change)))
    return replace(truth(), says=("no trigger times in the files",))


@arrangement
def instance_numbers_only(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        del frame.TriggerTime, frame.NominalInterval

    save(folder, flat(each(study_of(truth(), one_series=True), change)))
    return replace(truth(), frame_time_ms=None, says=("frame time unknown",))


@arrangement
def acquisition_times_only(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        del frame.TriggerTime
        frame.AcquisitionTime = f"12{k:02d}10.{round(t * CYCLE_MS / PHASES * 1000):06d}"
        frame.InstanceNumber = (t * 5) % PHASES + 1

    save(folder, flat(each(study_of(truth()), change)))
    return truth()


@arrangement
def heart_rate_without_interval(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        del frame.NominalInterval, frame.TriggerTime
        frame.HeartRate = "67"

    save(folder, flat(each(study_of(truth()), change)))
    return replace(truth(), frame_time_ms=60000 / 67 / PHASES, says=("stated heart rate",))


@arrangement
def fifty_phases(folder: Path) -> Known:
    known = truth((*SHAPE[:2], 4), 50)
    save(folder, flat(study_of(known)))
    return known


@arrangement
def ten_phases(folder: Path) -> Known:
    known = truth((*SHAPE[:2], 4), 10)
    save(folder, flat(study_of(known)))
    return known


def _resample(frames: list[FileDataset], late: float, n: int) -> None:
    """The frames of a slice at phases that are late by a share of the cycle."""
    k = (frames[0].SeriesNumber - 1) % SHAPE[2]
    for t, frame in enumerate(frames):
        frame.PixelData = grey(SHAPE, t / n + late)[:, :, k].T.astype("<u2").tobytes()
        frame.TriggerTime = f"{(t / n + late) * CYCLE_MS:.4f}"


# ---- copies and repeats -----------------------------------------------------------------------


@arrangement
def copies_of_files(folder: Path) -> Known:
    frames = flat(study_of(truth()))
    save(folder, frames)
    save(folder, frames[::2], seed=5)
    return replace(truth(), says=("30 copies of others left out",))


@arrangement
def repeated_breath_hold(folder: Path) -> Known:
    """Slice 2 was imaged twice; the first time the patient breathed, and its frames are black."""
    study = study_of(truth())
    first = study_of(truth(), first_series=30)[1]
    for frame in first:
        frame.PixelData = bytes(len(frame.PixelData))
        frame.AcquisitionTime = "115900"
    save(folder, [*flat(study), *first])
    return replace(truth(), says=("1 slice(s) were imaged again",))


@arrangement
def repeated_within_a_series(folder: Path) -> Known:
    study = study_of(truth(), one_series=True)
    first = study_of(truth(), one_series=True)[1]
    for t, frame in enumerate(first):
        rename(frame, f"first try {t}")
        frame.PixelData = bytes(len(frame.PixelData))
        frame.AcquisitionTime = "115900"
    save(folder, [*flat(study), *first])
    return replace(truth(), says=("imaged again",))


@arrangement
def repeated_breath_hold_that_was_moved(folder: Path) -> Known:
    """Slice 3 was imaged again 0.8 mm further on: the newer one is read, within tolerance of the grid."""
    study = study_of(truth())
    first = study_of(truth(), first_series=30)[2]
    for frame in first:
        frame.PixelData = bytes(len(frame.PixelData))
        frame.AcquisitionTime = "115900"
    _move(first, oblique_affine(), 2 - 0.8 / 9.0)
    save(folder, [*flat(study), *first])
    return replace(truth(), says=("1 slice(s) were imaged again",))


@arrangement
def slices_turned_by_half_a_degree(folder: Path) -> Known:
    def change(frame: FileDataset, k: int, t: int) -> None:
        if k == 2:
            i, j = np.array(frame.ImageOrientationPatient, float).reshape(2, 3)
            turned = np.cos(0.009) * i + np.sin(0.009) * j, np.cos(0.009) * j - np.sin(0.009) * i
            frame.ImageOrientationPatient = [f"{x:.9f}" for x in np.concatenate(turned)]

    save(folder, flat(each(study_of(truth()), change)))
    return replace(truth(), says=("turned against each other by up to 0.5 deg",))


@arrangement
def enhanced_with_odd_trigger_times(folder: Path) -> Known:
    """Times that do not fit the decimal strings of classic files."""
    data = enhanced(study_of(truth(), one_series=True))
    for groups in data.PerFrameFunctionalGroupsSequence:
        groups.CardiacSynchronizationSequence[0].NominalCardiacTriggerDelayTime /= 3 / np.pi
        groups.CardiacSynchronizationSequence[0].RRIntervalTimeNominal /= 3 / np.pi
    save(folder, [data])
    return replace(truth(), frame_time_ms=CYCLE_MS / PHASES * np.pi / 3)


@arrangement
def one_uid_for_all_files(folder: Path) -> Known:
    """De-identification that gave every file of a series the same SOPInstanceUID: none of them is a copy."""

    def change(frame: FileDataset, k: int, t: int) -> None:
        frame.SOPInstanceUID = frame.file_meta.MediaStorageSOPInstanceUID = frame.SeriesInstanceUID

    save(folder, flat(each(study_of(truth()), change)))
    return truth()


# ---- gaps and grids ---------------------------------------------------------------------------


@arrangement
def gaps_that_differ_a_little(folder: Path) -> Known:
    """Slice 3 lies 0.5 mm off; on the grid that fits best every slice is within tolerance."""
    study = study_of(truth())
    _move(study[2], oblique_affine(), 2 + 0.5 / 9.0)
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


def _move(frames: list[FileDataset], affine: np.ndarray, k: float) -> None:
    for frame in frames:
        frame.ImagePositionPatient = [f"{x:.8f}" for x in slice_affine(affine, k)[:3, 3] * (-1, -1, 1)]


# ---- pixels and files -------------------------------------------------------------------------


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


# ---- what is no short-axis cine ---------------------------------------------------------------


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
    save(folder, flat(each(study_of(truth(), description="dynamic"), _perfusion)))
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
