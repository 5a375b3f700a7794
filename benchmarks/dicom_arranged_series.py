"""Series, slices and stacks: arrangements for `benchmarks.dicom_arrangements`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import UID

from benchmarks.dicom_making import (
    CYCLE_MS,
    PHASES,
    SHAPE,
    Known,
    arrangement,
    each,
    enhanced,
    flat,
    long_axis_cine,
    oblique_affine,
    reseries,
    save,
    slice_affine,
    study_of,
    truth,
)


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


def perfusion(frame: FileDataset, k: int, t: int) -> None:
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
    (55, "dynamic", perfusion),
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
