"""A label map beside its image, as the table of a folder names them: they have to be of one place."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from benchmarks.fuzz.cases import Door, Expect, Files, Mutant, Reading
from benchmarks.fuzz.damage import damaged
from benchmarks.fuzz.doors.nifti import AFFINE, nifti_bytes, packed
from cardiolib.cohorts import open_cohort
from cardiolib.imaging import Cine
from cardiolib.segmentation import segmentation_from_labels

IMAGE, LABELS, TABLE = "a_cine.nii.gz", "a_labels.nii.gz", "cohort.csv"
Change = Callable[[np.ndarray, np.ndarray, random.Random], tuple[np.ndarray, np.ndarray]]


@lru_cache(maxsize=1)
def label_codes() -> np.ndarray:
    """(10, 9, 4, 2) codes of ACDC: a cavity within its wall, a right ventricle beside; the second frame is smaller."""
    i, j, _, t = np.indices((10, 9, 4, 2))
    radius = np.hypot(i - 5, j - 4)
    codes = np.where(radius < 3.2 - 0.5 * t, 2, 0)
    codes[radius < 2.1 - t] = 3
    codes[(codes == 0) & (i < 3) & (abs(j - 4) < 3 - t)] = 1
    return codes.astype(np.float32)


def seeds() -> dict[str, bytes]:
    """Image, labels and the table that names them."""
    voxels = label_codes() * 100 + np.random.default_rng(2).uniform(50, 60, label_codes().shape).astype(np.float32)
    return {
        IMAGE: packed(nifti_bytes(Cine(voxels, AFFINE, 400.0))),
        LABELS: packed(nifti_bytes(Cine(label_codes(), AFFINE, 400.0))),
        TABLE: f"ID,file,labels,scheme\na,{IMAGE},{LABELS},acdc\n".encode(),
    }


def read(folder: Path) -> Reading:
    """Volumes of the labels, and the segmentation that the labels are of their image."""
    cohort = open_cohort(folder)
    labels, frames = cohort.labels("a")
    found = segmentation_from_labels(labels, cohort.image("a"))
    values = {
        "volumes": found.volumes.to_numpy(),
        "where": found.labels.labels,
        "affine": found.labels.affine,
        "frames": [str(frame) for frame in frames],
    }
    return Reading(values, (*cohort.notes, *labels.notes, *found.notes))


def mutate(files: Files, rng: random.Random) -> Mutant:
    """Labels saved with another place, size or order of voxels; or bytes of them damaged."""
    if rng.random() < 0.3:
        content, told = damaged(files[LABELS], rng)
        return Mutant({LABELS: content}, told, Expect.NOTICED)
    change = rng.choice(sorted(CHANGES))
    codes, affine = CHANGES[change](label_codes().copy(), AFFINE.copy(), rng)
    content = packed(nifti_bytes(Cine(codes, affine, 400.0)))
    return Mutant({LABELS: content}, f"labels: {change}", Expect.SAME if change in HARMLESS else Expect.NOTICED)


def _shifted(affine: np.ndarray, rng: random.Random, mm: float) -> np.ndarray:
    affine[rng.randrange(3), 3] += mm * rng.choice((-1, 1))
    return affine


def _scaled(affine: np.ndarray, rng: random.Random) -> np.ndarray:
    affine[:3, rng.choice((0, 1, 2))] *= rng.choice((0.5, 2.0, 1.3, -1.0))
    return affine


def _turned(affine: np.ndarray, rng: random.Random) -> np.ndarray:
    angle = rng.choice((0.3, 1.0, np.pi / 2))
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine[:3, :3] = turn @ affine[:3, :3]
    return affine


CHANGES: dict[str, Change] = {
    "an affine of ones": lambda codes, affine, rng: (codes, np.eye(4)),
    "spacing changed": lambda codes, affine, rng: (codes, _scaled(affine, rng)),
    "shifted by 14 mm": lambda codes, affine, rng: (codes, _shifted(affine, rng, 14.0)),
    "turned": lambda codes, affine, rng: (codes, _turned(affine, rng)),
    "shifted by 0.003 mm": lambda codes, affine, rng: (codes, _shifted(affine, rng, 0.003)),
    "cropped": lambda codes, affine, rng: (codes[:, : -rng.randrange(1, 5)], affine),
    "a slice missing": lambda codes, affine, rng: (codes[:, :, :-1], affine),
    "a frame missing": lambda codes, affine, rng: (codes[..., :1], affine),
    "axes exchanged": lambda codes, affine, rng: (codes.transpose(1, 0, 2, 3), affine),
    "slices and frames exchanged": lambda codes, affine, rng: (codes.transpose(0, 1, 3, 2), affine),
    "codes of another scheme": lambda codes, affine, rng: (np.choose(codes.astype(int), [0, 3, 2, 1]), affine),
    "fractions": lambda codes, affine, rng: (codes + 0.4 * (codes > 0), affine),
    "a code too many": lambda codes, affine, rng: (codes + (codes == 3) * 4, affine),
    "negative": lambda codes, affine, rng: (-codes, affine),
}
HARMLESS = ("shifted by 0.003 mm",)


def _names(message: str, mutant: Mutant) -> bool:
    """The subject or the file; or, where the labels are laid against the image, those two."""
    return "'a'" in message or LABELS in message or ("the labels" in message and "the cine" in message)


DOOR = Door("label_map", seeds, read, mutate, {"affine": 0.1}, _names)
