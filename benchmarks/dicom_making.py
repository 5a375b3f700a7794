"""Synthetic DICOM files with known truth, for `benchmarks.dicom_arrangements`; all marked as simulated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import UID, generate_uid

from cardiolib.imaging import Cine
from cardiolib.imaging.dicom import simulated_frame
from cardiolib.imaging.geometry import voxel_from_world, world_from_voxel

CYCLE_MS = 900.0
SHAPE, PHASES = (22, 18, 5), 12
USUAL = np.array([[0.0, -0.64, 0.64], [0.65, -0.42, -0.56], [-0.76, -0.64, 0.53]])

Study = list[list[FileDataset]]
"""Frames of each slice."""


@dataclass(frozen=True, eq=False)
class Known:
    """What a reader must give.

    Parameters
    ----------
    voxels : (I, J, K, T) array or None
        None where the study must be refused.
    affine : (4, 4) array
        RAS mm.
    frame_time_ms : float or None
    tolerance : float
        Of grey values, where frames are interpolated; 0 where pixels must come through untouched.
    says : tuple of str
        Words that notes or the error must hold.
    options : dict
        Keywords for the reader.
    """

    voxels: NDArray | None
    affine: NDArray[np.float64]
    frame_time_ms: float | None = CYCLE_MS / PHASES
    tolerance: float = 0.0
    says: tuple[str, ...] = ()
    options: tuple[tuple[str, object], ...] = ()


def grey(shape: tuple[int, int, int], phase: float) -> NDArray[np.float64]:
    """(I, J, K) values of a beating blob on a slope that tells every axis and direction apart; whole numbers."""
    i, j, k = np.indices(shape)
    width = 3.0 + np.cos(2 * np.pi * phase) + 0.4 * np.sin(2 * np.pi * phase)
    blob = 900.0 * np.exp(-((i - 0.55 * shape[0]) ** 2 + (j - 0.45 * shape[1]) ** 2) / (2 * width**2))
    return np.rint(300.0 + blob + 10.0 * i + 14.0 * j + 60.0 * k)


def oblique_affine(
    directions: NDArray[np.float64] = USUAL,
    spacing: Sequence[float] = (1.5, 1.7, 9.0),
    origin: Sequence[float] = (40, 30, -50),
) -> NDArray[np.float64]:
    """Affine (RAS) with the nearest rotation to `directions`."""
    u, _, v = np.linalg.svd(directions)
    rotation = u @ v
    if np.linalg.det(rotation) < 0:
        rotation[:, 2] *= -1
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.asarray(spacing)
    affine[:3, 3] = origin
    return affine


def truth(shape: tuple[int, int, int] = SHAPE, phases: int = PHASES, affine: NDArray | None = None) -> Known:
    """The plain truth: every frame at its phase."""
    voxels = np.stack([grey(shape, t / phases) for t in range(phases)], axis=-1)
    return Known(voxels, oblique_affine() if affine is None else affine, CYCLE_MS / phases)


def study_of(known: Known, *, one_series: bool = False, description: str = "cine sax", first_series: int = 1) -> Study:
    """Files of a truth, one series a slice or all in one."""
    assert known.voxels is not None and known.frame_time_ms is not None
    study: Study = []
    n = known.voxels.shape[3]
    for k in range(known.voxels.shape[2]):
        series = first_series + (0 if one_series else k)
        affine = slice_affine(known.affine, k)
        frames = []
        for t in range(n):
            pixels = known.voxels[:, :, k, t].T.astype(np.uint16)
            frame = simulated_frame(
                pixels,
                affine,
                description=description,
                series=series,
                frame=t,
                n_frames=n,
                frame_time_ms=known.frame_time_ms,
                moment_s=12 * k,
            )
            if one_series:
                rename(frame, f"slice {k} frame {t}")
                frame.InstanceNumber = t * known.voxels.shape[2] + k + 1
            frames.append(frame)
        study.append(frames)
    return study


def slice_affine(affine: NDArray[np.float64], k: float) -> NDArray[np.float64]:
    """Affine of slice k alone."""
    moved = affine.copy()
    moved[:3, 3] += k * affine[:3, 2]
    return moved


def rename(frame: FileDataset, what: str) -> None:
    """Another object: a UID of its own."""
    uid = generate_uid(entropy_srcs=["arrangement", str(frame.SeriesInstanceUID), what])
    frame.SOPInstanceUID = frame.file_meta.MediaStorageSOPInstanceUID = uid


def reseries(frames: Iterable[FileDataset], number: int, description: str) -> None:
    """Move frames into a series of their own."""
    uid = generate_uid(entropy_srcs=["arrangement series", str(number), description])
    for index, frame in enumerate(frames):
        frame.SeriesInstanceUID, frame.SeriesNumber, frame.SeriesDescription = uid, number, description
        rename(frame, str(index))


def save(folder: Path, frames: Iterable[FileDataset], *, seed: int = 1) -> None:
    """Write files under names and in folders that say nothing, in an order that says nothing."""
    listed = list(frames)
    numbers = np.random.default_rng(seed).permutation(len(listed)) + len(list(folder.rglob("*")))
    for number, frame in zip(numbers, listed, strict=True):
        path = folder / f"{number % 3}" / f"{number % 7:x}" / f"{number:06d}.{('dcm', 'IMA', 'txt')[number % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.save_as(path, enforce_file_format=True)


def flat(study: Study) -> list[FileDataset]:
    """All files of a study."""
    return [frame for frames in study for frame in frames]


def each(study: Study, change: Callable[[FileDataset, int, int], None]) -> Study:
    """Change every file, given its slice and frame."""
    for k, frames in enumerate(study):
        for t, frame in enumerate(frames):
            change(frame, k, t)
    return study


def long_axis_cine(known: Known, number: int, *, slices: int = 1) -> Study:
    """A cine at right angles to the stack, through its middle."""
    directions = known.affine[:3, :3] / np.linalg.norm(known.affine[:3, :3], axis=0)
    affine = known.affine.copy()
    affine[:3, :3] = directions[:, [0, 2, 1]] * (1, 1, -1) * (1.5, 1.7, 9.0)
    other = truth((SHAPE[0], SHAPE[1], slices), PHASES, affine)
    return study_of(other, one_series=True, description="cine 4ch", first_series=number)


def enhanced(study: Study, *, shuffle: int = 3) -> FileDataset:
    """All frames of a study as one enhanced multi-frame file, in an order that says nothing."""
    frames = flat(study)
    order = np.random.default_rng(shuffle).permutation(len(frames))
    first = frames[0]
    data = FileDataset("", {}, file_meta=first.file_meta, preamble=b"\0" * 128)
    for element in first:
        if element.keyword not in _PER_FRAME:
            data.add(element)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.4.1")
    data.NumberOfFrames = len(frames)
    shared = Dataset()
    shared.MRImageFrameTypeSequence = [_item(FrameType=list(first.ImageType))]
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = [_groups(frames[n]) for n in order]
    data.PixelData = b"".join(frames[n].PixelData for n in order)
    return data


_PER_FRAME = {
    *("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "TriggerTime", "PixelData"),
    *("InstanceNumber", "AcquisitionNumber", "NominalInterval", "RescaleSlope", "RescaleIntercept", "RescaleType"),
    *("EchoTime", "AcquisitionTime", "AcquisitionDate"),
}


def _groups(frame: FileDataset) -> Dataset:
    groups = Dataset()
    groups.PlanePositionSequence = [_item(ImagePositionPatient=frame.ImagePositionPatient)]
    groups.PlaneOrientationSequence = [_item(ImageOrientationPatient=frame.ImageOrientationPatient)]
    groups.PixelMeasuresSequence = [_item(PixelSpacing=frame.PixelSpacing, SliceThickness=frame.SliceThickness)]
    groups.CardiacSynchronizationSequence = [
        _item(
            NominalCardiacTriggerDelayTime=float(frame.TriggerTime), RRIntervalTimeNominal=float(frame.NominalInterval)
        )
    ]
    moment = f"{frame.AcquisitionDate}{frame.AcquisitionTime}"
    groups.FrameContentSequence = [_item(StackID="1", FrameAcquisitionDateTime=moment)]
    groups.PixelValueTransformationSequence = [
        _item(RescaleSlope=frame.RescaleSlope, RescaleIntercept=frame.RescaleIntercept, RescaleType="US")
    ]
    return groups


def _item(**values: object) -> Dataset:
    item = Dataset()
    for name, value in values.items():
        setattr(item, name, value)
    return item


def worst_difference(cine: Cine, known: Known) -> float:
    """Largest difference of grey values, voxel by voxel, each found through both affines; infinite where any is off its
    place, or a size or time is wrong."""
    assert known.voxels is not None
    if cine.voxels.shape != known.voxels.shape or not cine.simulated:
        return float("inf")
    wanted, given = known.frame_time_ms, cine.frame_time_ms
    if (wanted is None) != (given is None) or (wanted and given and abs(wanted - given) > 0.01):
        return float("inf")
    ijk = np.indices(known.voxels.shape[:3]).reshape(3, -1).T
    there = voxel_from_world(cine.affine, world_from_voxel(known.affine, ijk))
    index = np.rint(there).astype(int)
    outside = (index < 0).any() or (index >= cine.voxels.shape[:3]).any()
    if outside or np.abs(there - index).max() > 0.01:
        return float("inf")
    found = cine.voxels[tuple(index.T)]
    return float(np.abs(found - known.voxels[tuple(ijk.T)]).max())


def refused(known: Known, *says: str, **options: object) -> Known:
    """The same study, to be refused with these words."""
    return replace(known, voxels=None, says=says, options=tuple(options.items()))


def move(frames: list[FileDataset], affine: np.ndarray, k: float) -> None:
    for frame in frames:
        frame.ImagePositionPatient = [f"{x:.8f}" for x in slice_affine(affine, k)[:3, 3] * (-1, -1, 1)]


def spoil(frames: Iterable[FileDataset]) -> None:
    """Make frames those of an earlier breath-hold that failed: black."""
    for frame in frames:
        frame.PixelData = bytes(len(frame.PixelData))
        frame.AcquisitionTime = "115900"


Arrangement = Callable[[Path], Known]
ARRANGEMENTS: dict[str, Arrangement] = {}
"""Filled by `arrangement`; `benchmarks.dicom_arrangements` has them all."""


def arrangement(make: Arrangement) -> Arrangement:
    """Enter a function into `ARRANGEMENTS` under its name."""
    ARRANGEMENTS[make.__name__] = make
    return make
