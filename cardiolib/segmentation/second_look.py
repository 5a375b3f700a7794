"""How sure the network was of its labels: its own probabilities, and a second look at the same frame, changed a little.

A network that has understood a heart gives the same answer when the image is turned by a few degrees, made a little
larger and changed in contrast. One that guesses does not. Only end-diastole and end-systole are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from cardiolib.imaging import OURS, Cine, LabelMap
from cardiolib.segmentation.measures import dice
from cardiolib.segmentation.plane import PlaneGrid
from cardiolib.segmentation.quality_features import JUDGED, PHASES, Features
from cardiolib.segmentation.quality_gate import SegmentationQuality, assess_segmentation


class Change(NamedTuple):
    """What is done to an image before the network sees it again."""

    degrees: float  # turned about the middle of the window
    scale: float  # larger than 1: the heart looks larger
    gamma: float  # exponent of the intensities


CHANGES = (Change(30.0, 1.0, 1.0), Change(0.0, 1.25, 0.85))
"""Strong enough that a network which guesses answers something else."""


def judged_by_second_look(
    label_map: LabelMap,
    cine: Cine,
    stacks: np.ndarray,
    sure: Sequence[np.ndarray],
    *,
    grid: PlaneGrid,
    ed: int,
    es: int,
    predict: Callable[[np.ndarray], Any],
) -> SegmentationQuality:
    """The quality gate's verdict on labels that a network has made.

    Parameters
    ----------
    label_map : LabelMap
        Every frame, OURS scheme.
    cine : Cine
    stacks : (T, K, H, W) array
        What the network saw, -0.5 to 0.5.
    sure : sequence of T (3,) arrays
        `expected_dice` of every frame.
    grid : PlaneGrid
        From the network's window to the image.
    ed, es : int
    predict : callable
        What the network predicts of a stack (K, H, W): an object whose `classes` are (K, 5, H, W) probabilities.
    """
    frames = [ed, es]
    answers = second_look(lambda stack: predict(stack).classes, stacks[frames], grid)
    stable = stability(np.moveaxis(label_map.labels[..., frames], 3, 0), answers)
    by_network = network_features(np.array(sure)[frames], stable)
    return assess_segmentation(label_map, ed=ed, es=es, cine=cine, by_network=by_network)


def expected_dice(share: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(3,) Dice of the `JUDGED` structures with the truth that the probabilities expect.

    Parameters
    ----------
    share : (5, I, J, K) array
        Probabilities of the classes.
    labels : (I, J, K) uint8 array
        What was made of them, OURS scheme. A structure that is absent gets 0.
    """
    found = np.zeros(len(JUDGED))
    for row, name in enumerate(JUDGED):
        code = OURS.code(name)
        mask, probability = labels == code, share[code]
        total = float(probability.sum()) + int(mask.sum())
        found[row] = 2 * float(probability[mask].sum()) / total if mask.any() else 0.0
    return found


def second_look(
    predict: Callable[[np.ndarray], np.ndarray], stacks: Sequence[np.ndarray] | np.ndarray, grid: PlaneGrid
) -> np.ndarray:
    """What the network says of the changed images: (F, C, I, J, K) uint8 labels, OURS scheme, C for `CHANGES`.

    Parameters
    ----------
    predict : callable
        Class probabilities (K, 5, H, W) of a stack (K, H, W).
    stacks : sequence of F (K, H, W) arrays
        What the network saw, -0.5 to 0.5.
    grid : PlaneGrid
    """
    answers = []
    for stack in stacks:
        for change in CHANGES:
            answer = predict(changed(stack, change))
            seen = grid.to_native(_placed(answer, -change.degrees, 1 / change.scale)[:, 1:])
            background = 1 - seen.sum(axis=1, keepdims=True)
            labels = np.concatenate([background, seen], axis=1).argmax(axis=1)
            answers.append(np.moveaxis(labels, 0, 2).astype(np.uint8))
    return np.stack(answers).reshape(len(stacks), len(CHANGES), *answers[0].shape)


def stability(labels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """(F, 3) mean Dice of the `JUDGED` structures between labels (F, I, J, K) and the answers of `second_look`.

    A structure that is absent gets 0.
    """
    codes = [OURS.code(name) for name in JUDGED]
    overlap = [
        [np.mean([np.nan_to_num(dice(first == code, again == code)) for again in changes]) for code in codes]
        for first, changes in zip(labels, answers, strict=True)
    ]
    return np.array(overlap)


def network_features(sure: np.ndarray, stable: np.ndarray) -> Features:
    """`NETWORK_FEATURES` from the Dice that the probabilities expect and that of the second look.

    Parameters
    ----------
    sure, stable : (2, 3) arrays
        At ED and ES, of the `JUDGED` structures.
    """
    return {
        (phase, name): {
            "unsure": float(1 - sure[row, column]),
            "unstable": float(1 - stable[row, column]),
            "heart_unstable": float(1 - np.delete(stable[row], column).mean()),
        }
        for row, phase in enumerate(PHASES)
        for column, name in enumerate(JUDGED)
    }


def changed(stack: np.ndarray, change: Change) -> np.ndarray:
    """A stack (K, H, W) of intensities in -0.5 to 0.5, turned, scaled and changed in contrast."""
    moved = _placed(stack[:, None], change.degrees, change.scale)[:, 0]
    return np.clip(moved + 0.5, 0, 1).astype(np.float32) ** np.float32(change.gamma) - np.float32(0.5)


def _placed(planes: np.ndarray, degrees: float, scale: float) -> np.ndarray:
    """Planes (K, C, H, W), turned and scaled about their middle; the border goes on outside."""
    if degrees == 0 and scale == 1:
        return planes
    height, width = planes.shape[-2:]
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle) / scale, np.sin(angle) / scale
    # the sampling grid runs from -1 to 1 along either side, whatever its length
    matrix = torch.tensor([[cos, sin * height / width, 0.0], [-sin * width / height, cos, 0.0]], dtype=torch.float32)
    images = torch.from_numpy(np.ascontiguousarray(planes, np.float32))
    grid = torch.nn.functional.affine_grid(matrix[None], [1, 1, height, width], align_corners=False)
    grid = grid.expand(len(images), -1, -1, -1)
    moved = torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return moved.numpy()
