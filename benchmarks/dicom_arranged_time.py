"""Frames in time, copies and repeated breath-holds: arrangements for `benchmarks.dicom_arrangements`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset

from benchmarks.dicom_making import (
    CYCLE_MS,
    PHASES,
    SHAPE,
    Known,
    arrangement,
    each,
    enhanced,
    flat,
    grey,
    move,
    oblique_affine,
    refused,
    rename,
    save,
    spoil,
    study_of,
    truth,
)


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
    spoil(first)
    save(folder, [*flat(study), *first])
    return replace(truth(), says=("1 slice(s) were imaged again",))


@arrangement
def repeated_within_a_series(folder: Path) -> Known:
    study = study_of(truth(), one_series=True)
    first = study_of(truth(), one_series=True)[1]
    for t, frame in enumerate(first):
        rename(frame, f"first try {t}")
    spoil(first)
    save(folder, [*flat(study), *first])
    return replace(truth(), says=("imaged again",))


@arrangement
def repeated_breath_hold_that_was_moved(folder: Path) -> Known:
    """Slice 3 was imaged again 0.8 mm further on: the newer one is read, within tolerance of the grid."""
    study = study_of(truth())
    first = study_of(truth(), first_series=30)[2]
    spoil(first)
    move(first, oblique_affine(), 2 - 0.8 / 9.0)
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
