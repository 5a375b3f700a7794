"""Training examples: labelled volumes on the network's grid, from simulated or real scans."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cardiolib.imaging import Cine, LabelMap, LabelScheme, same_place, voxel_from_world
from cardiolib.segmentation.network import CLASSES, N_LANDMARKS
from cardiolib.segmentation.plane import PlaneGrid, heart_window, network_stacks, stack_slices
from cardiolib.shape.orientation import turn_from_affine


@dataclass(frozen=True)
class Example:
    """One labelled volume (one phase of one subject) as the network sees it.

    Attributes
    ----------
    stack : (K, H, W) float32 array
        Intensities in [-0.5, 0.5]; slices about 10 mm apart, see `plane.stack_slices`.
    labels : (K, H, W) uint8 array
        Class codes (order of `CLASSES`); 255 where unlabelled.
    labelled : (5,) bool array
        Which classes the label scheme distinguishes; the others count as background.
    landmarks : (6, 3) float64 array
        (slice, row, column) of the landmarks; NaN where unknown.
    subject, phase : str
    """

    stack: np.ndarray
    labels: np.ndarray
    labelled: np.ndarray
    landmarks: np.ndarray
    subject: str
    phase: str


def labelled_classes(scheme: LabelScheme) -> np.ndarray:
    """Which of `CLASSES` a label scheme distinguishes, (5,) bool; background always."""
    return np.array([name == "background" or name in scheme.codes for name in CLASSES])


def what_is_labelled(examples: Sequence[Example]) -> dict[str, list[str] | bool]:
    """What examples teach a network: the structures that any of them labels, and whether any knows a landmark.

    Examples
    --------
    >>> stack, nowhere = np.zeros((3, 16, 16), np.float32), np.full((6, 3), np.nan)
    >>> labelled = np.array([True, True, True, False, True])
    >>> real = Example(stack, stack.astype(np.uint8), labelled, nowhere, subject="a", phase="ED")
    >>> what_is_labelled([real])
    {'labelled': ['lv_cavity', 'lv_wall', 'rv_cavity'], 'landmarks': False}
    """
    any_labels = np.any([example.labelled for example in examples], axis=0)
    return {
        "labelled": [name for name, known in zip(CLASSES[1:], any_labels[1:], strict=True) if known],
        "landmarks": any(bool(np.isfinite(example.landmarks).any()) for example in examples),
    }


def make_examples(
    cine: Cine,
    label_map: LabelMap,
    *,
    subject: str,
    frames: Sequence[int] | None = None,
    landmarks_world_mm: np.ndarray | None = None,
    pixel_mm: float = 1.6,
    size_px: int = 96,
    neighbour_mm: float = 10.0,
) -> list[Example]:
    """Put the labelled frames of a scan on the network's grid, centred on the labelled heart.

    One example a frame; a stack of thin slices gives several, each of slices about `neighbour_mm` apart.

    Parameters
    ----------
    cine : Cine
    label_map : LabelMap
        On the same voxels; any scheme (structures are matched by name, see `labelled_classes`).
    subject : str
        Kept for splitting by subject.
    frames : sequence of int, optional
        Frame of the cine that each frame of the label map belongs to; by default the label map has every
        frame of the cine.
    landmarks_world_mm : (T, 6, 3) array, optional
        One row a labelled frame, in the order of `cardiolib.digital_heart.LANDMARKS`; NaN where unknown.
    pixel_mm, size_px, neighbour_mm
        As in `SegmentationSettings`.

    Raises
    ------
    ValueError
        When grids or frames do not match, or a labelled frame is empty.
    """
    frames = range(cine.n_frames) if frames is None else frames
    _check_match(cine, label_map, frames, subject)
    heart = np.argwhere((label_map.labels > 0).any(axis=(2, 3)))
    grid = heart_window(
        cine, heart.mean(axis=0), size_px=(size_px, size_px), pixel_mm=pixel_mm, turn=turn_from_affine(cine.affine)
    )
    stacks = network_stacks(grid, cine.voxels)
    examples = []
    for row, frame in enumerate(frames):
        labels = _labels_on_grid(label_map, row, grid)
        world_mm = None if landmarks_world_mm is None else landmarks_world_mm[row]
        landmarks = _landmarks_on_grid(world_mm, cine.affine, grid)
        for slices in stack_slices(cine.shape[2], slice_step_mm=float(cine.spacing_mm[2]), neighbour_mm=neighbour_mm):
            step = slices[1] - slices[0] if len(slices) > 1 else 1
            examples.append(
                Example(
                    stack=stacks[frame][slices],
                    labels=labels[slices],
                    labelled=labelled_classes(label_map.scheme),
                    landmarks=(landmarks - [slices[0], 0, 0]) / [step, 1, 1],
                    subject=str(subject),
                    phase=f"frame {frame}",
                )
            )
    return examples


def _check_match(cine: Cine, label_map: LabelMap, frames: Sequence[int], subject: str) -> None:
    if cine.shape != label_map.shape or not same_place(cine.affine, label_map.affine, cine.shape):
        raise ValueError(
            f"subject {subject}: image {cine.shape} and labels {label_map.shape} must share voxels and affine"
        )
    if len(frames) != label_map.n_frames or not all(0 <= frame < cine.n_frames for frame in frames):
        raise ValueError(
            f"subject {subject}: {label_map.n_frames} labelled frames cannot be frames {list(frames)} of a cine "
            f"of {cine.n_frames}; say with `frames` which frames were labelled"
        )
    empty = np.flatnonzero(~(label_map.labels > 0).any(axis=(0, 1, 2)))
    if empty.size:
        raise ValueError(f"subject {subject}: the label map is empty in frames {empty.tolist()}; leave them out")


def _labels_on_grid(label_map: LabelMap, row: int, grid: PlaneGrid) -> np.ndarray:
    """Class codes (K, H, W): structures are resampled one by one and the strongest wins."""
    native = np.moveaxis(label_map.frame(row), 2, 0)  # (K, I, J)
    codes = [label_map.scheme.codes.get(name) for name in CLASSES]
    share = np.stack(
        [
            np.zeros((len(native), *grid.size_px), np.float32) if code is None else grid.to_network(native == code)
            for code in codes
        ]
    )  # (5, K, H, W); background is what the structures leave
    share[0] = 1 - share[1:].sum(axis=0)
    return share.argmax(axis=0).astype(np.uint8)


def _landmarks_on_grid(world_mm: np.ndarray | None, affine: np.ndarray, grid: PlaneGrid) -> np.ndarray:
    if world_mm is None:
        return np.full((N_LANDMARKS, 3), np.nan)
    voxel = voxel_from_world(affine, np.asarray(world_mm, dtype=float))
    return np.concatenate([voxel[:, 2:], grid.network_from_voxel(voxel[:, :2])], axis=1)


def split_by_subject(
    examples: Sequence[Example], *, validation_fraction: float, rng: np.random.Generator
) -> tuple[list[Example], list[Example]]:
    """Training and validation examples; all frames of a subject fall on the same side.

    Raises
    ------
    ValueError
        When either side would be empty.
    """
    subjects = sorted({example.subject for example in examples})
    n_validation = round(validation_fraction * len(subjects))
    if not 0 < n_validation < len(subjects):
        raise ValueError(
            f"{validation_fraction:g} of {len(subjects)} subjects leaves training or validation empty; "
            "give more subjects or another fraction"
        )
    chosen = set(rng.permutation(subjects)[:n_validation].tolist())
    training = [example for example in examples if example.subject not in chosen]
    return training, [example for example in examples if example.subject in chosen]


def check_one_size(examples: Sequence[Example]) -> None:
    """Refuse examples of several in-plane sizes."""
    shapes = {example.stack.shape[1:] for example in examples}
    if len(shapes) > 1:
        raise ValueError(f"examples differ in size: {sorted(shapes)}; make them with one size_px")


def fingerprint(examples: Sequence[Example]) -> str:
    """Short hash of images and labels, for provenance."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(np.ascontiguousarray(example.stack).tobytes())
        digest.update(np.ascontiguousarray(example.labels).tobytes())
    return digest.hexdigest()[:16]
