"""Reading a volume in several views: turned, scaled, from the other end; the answers are averaged.

A network that learnt from simulations is surer of a real heart than of a real chest: what it takes for heart beside the
heart changes with the view, and the heart itself does not. On 25 development patients of ACDC, five views instead of
one raised the Dice of a network that had seen simulated scans only from .861 / .786 / .765 (LV cavity, LV wall, RV
cavity) to .877 / .800 / .767.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F


class View(NamedTuple):
    """How a volume is shown.

    Attributes
    ----------
    turn_rad : float
        In-plane rotation.
    scale : float
        In-plane magnification.
    reverse : bool
        Slices in reverse order.
    even : bool
        Slices of the same brightness: a surface coil makes those near it bright.
    """

    turn_rad: float = 0.0
    scale: float = 1.0
    reverse: bool = False
    even: bool = False


VIEWS = (View(), View(0.2, 1.0, True, True), View(-0.2), View(0.0, 0.88, even=True), View(0.0, 1.12, True))
"""The volume as it is, first; all others lie within what training showed (`AugmentationSettings`)."""

_BRIGHT_PERCENT = 95.0
_DARKEST = 0.05
"""Of the intensity range: a slice whose bright pixels are below is empty, and is not made brighter than this allows."""


def mean_over_views(predict: Callable[[np.ndarray], np.ndarray], stack: np.ndarray) -> np.ndarray:
    """Average class probabilities over `VIEWS`.

    Parameters
    ----------
    predict : callable
        Class probabilities (K, C, H, W) of a volume (K, H, W).
    stack : (K, H, W) float32 array

    Returns
    -------
    (K, C, H, W) float32 array
        In the volume's own place and order.
    """
    total = np.zeros(0, np.float32)
    even = _evenly_bright(stack)
    for view in VIEWS:
        shown = _warped((even if view.even else stack)[:, None], view.turn_rad, view.scale)[:, 0]
        found = predict(np.ascontiguousarray(shown[::-1] if view.reverse else shown))
        found = found[::-1] if view.reverse else found
        found = _warped(found, -view.turn_rad, 1.0 / view.scale)
        total = found if view == VIEWS[0] else total + found
    return total / np.float32(len(VIEWS))


def _evenly_bright(stack: np.ndarray) -> np.ndarray:
    """The same (K, H, W) with the bright pixels of every slice as bright as those of the middle one of all."""
    bright = np.percentile(stack.reshape(len(stack), -1) + 0.5, _BRIGHT_PERCENT, axis=1).clip(_DARKEST)
    gain = (np.median(bright) / bright).astype(np.float32)
    return np.clip((stack + np.float32(0.5)) * gain[:, None, None], 0, 1) - np.float32(0.5)


def _warped(planes: np.ndarray, turn_rad: float, scale: float) -> np.ndarray:
    """Planes (K, C, H, W) turned and magnified about their middle, linear; beyond the border its own values go on."""
    if turn_rad == 0.0 and scale == 1.0:
        return planes
    height, width = planes.shape[2:]
    cos, sin = np.cos(turn_rad) / scale, np.sin(turn_rad) / scale
    # positions run from -1 to 1 along either side, so a turn of pixels is no turn of them where the sides differ
    back = torch.tensor([[cos, -sin * height / width, 0], [sin * width / height, cos, 0]], dtype=torch.float32)
    source = torch.from_numpy(np.ascontiguousarray(planes, np.float32))
    grid = F.affine_grid(back.expand(len(planes), -1, -1), list(source.shape), align_corners=False)
    return F.grid_sample(source, grid, mode="bilinear", padding_mode="border", align_corners=False).numpy()
