"""Where the heart is in an image: the window that a network reads, turned to the usual display."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from cardiolib.imaging import Cine
from cardiolib.segmentation.plane import PlaneGrid, heart_window, network_stacks, whole_plane_grid
from cardiolib.segmentation.prediction import predict_stack, side_by_side
from cardiolib.shape.orientation import TURNS, Turn, orientation_is_stated, turn_from_affine

if TYPE_CHECKING:
    from cardiolib.segmentation.checkpoint import TrainedNetwork

CLEARLY_MORE = 2.0
"""How much more heart must be seen in another orientation than in the usual display to believe it."""

SPARE_PX, LEAST_PX = 6, 72
"""Pixels around the heart that a smaller window must leave (in the two frames looked at it may not be largest), and
the shortest side of a window: the network learnt on sides of about 80."""

LEAST_SEEN_PX = 20
"""Pixels, counted over slices and two frames, that must be seen as heart to say that there is one."""


@dataclass(frozen=True)
class HeartPlace:
    """Where the heart is in an image: the network's window on it, and notes on how sure that is."""

    grid: PlaneGrid
    notes: tuple[str, ...] = ()


def locate_heart(trained: TrainedNetwork, cine: Cine) -> HeartPlace:
    """Find the window that holds the heart, turned to the usual display.

    Where the header states the orientation it is used. Where it does not (ACDC), the display convention is tried
    first, and another of the eight turns is taken only when the network sees clearly more of a heart in it.
    """
    turn = turn_from_affine(cine.affine)
    window, seen, notes = _centre_on_heart(trained, cine, turn)
    if not orientation_is_stated(cine.affine):
        others = {
            other: float(_heart_seen(trained, cine, dataclasses.replace(window, turn=other)).sum())
            for other in TURNS
            if other != turn
        }
        best = max(others, key=others.__getitem__)
        if others[best] > CLEARLY_MORE * seen:
            turn = best
            window, _, notes = _centre_on_heart(trained, cine, turn)
            notes.append("the header states no orientation; slices were turned to where a heart was recognised")
    return HeartPlace(window, tuple(notes))


def _centre_on_heart(trained: TrainedNetwork, cine: Cine, turn: Turn) -> tuple[PlaneGrid, float, list[str]]:
    """Window on the heart under one turn, how much heart is seen in it (pixels), and notes.

    The network reads the whole field of view once, and where that is larger than a window, windows in it. The window
    about what it sees is made smaller where the heart leaves room for that.
    """
    size_px, pixel_mm, multiple = trained.settings["size_px"], trained.settings["pixel_mm"], trained.network.downscale
    window = whole_plane_grid(cine, pixel_mm=pixel_mm, multiple=multiple, turn=turn)
    heart = _heart_seen(trained, cine, window)
    if max(window.size_px) > size_px:
        window, heart = _settled(trained, cine, window, heart)
    seen = float(heart.sum())
    if seen < LEAST_SEEN_PX:
        return window, seen, ["no heart was recognised; the labels are not to be trusted"]
    rows, columns = (
        min(size_px, max(LEAST_PX, multiple * int(np.ceil(2 * (reach + SPARE_PX) / multiple))))
        for reach in _reach_px(heart)
    )
    sides = (columns, rows) if turn.transpose else (rows, columns)
    centre = window.voxel_from_network(_main_blob_centre(heart))
    return heart_window(cine, centre, size_px=sides, pixel_mm=pixel_mm, turn=turn), seen, []


def _settled(
    trained: TrainedNetwork, cine: Cine, plane: PlaneGrid, heart: np.ndarray, *, n_rounds: int = 4
) -> tuple[PlaneGrid, np.ndarray]:
    """A window in a larger plane, and the heart seen in it.

    It starts where the plane shows most heart and changes most over the cycle (the two are multiplied), and is moved
    to the centroid of what is labelled in it until it rests.
    """
    settings = trained.settings
    pixel_mm, size_px = settings["pixel_mm"], settings["size_px"]
    score = ndimage.gaussian_filter(heart, 25.0 / pixel_mm)
    if cine.n_frames > 1:
        change = plane.to_network(np.moveaxis(cine.voxels.std(axis=3), 2, 0)).mean(axis=0)
        score = score * ndimage.gaussian_filter(change, 15.0 / pixel_mm)
    centre = plane.voxel_from_network(np.array(np.unravel_index(score.argmax(), score.shape), dtype=float))
    for _ in range(n_rounds):
        window = heart_window(cine, centre, size_px=(size_px, size_px), pixel_mm=pixel_mm, turn=plane.turn)
        heart = _heart_seen(trained, cine, window)
        if heart.sum() < LEAST_SEEN_PX:
            break
        new = window.voxel_from_network(_main_blob_centre(heart))
        moved_mm = float(np.linalg.norm((new - centre) * cine.spacing_mm[:2]))
        centre = new
        if moved_mm < 3.0:
            break
    return window, heart


def _heart_seen(trained: TrainedNetwork, cine: Cine, grid: PlaneGrid) -> np.ndarray:
    """(H, W) sum over slices and two frames of how sure the network is of a structure; unsure pixels count 0."""
    frames = sorted({0, cine.n_frames // 3})
    predict = partial(predict_stack, trained, slice_step_mm=float(cine.spacing_mm[2]))
    predictions = side_by_side(predict, network_stacks(grid, cine.voxels[..., frames]))
    return sum(np.clip(2 * found.classes[:, 1:].max(axis=1) - 1, 0, None).sum(axis=0) for found in predictions)


def _main_blob_centre(seen: np.ndarray) -> np.ndarray:
    """Centroid of the connected region with the largest sum."""
    kept = _main_blob(seen)
    rows, columns = np.nonzero(kept)
    weight = seen[kept]
    return np.array([(rows * weight).sum(), (columns * weight).sum()]) / weight.sum()


def _reach_px(seen: np.ndarray) -> tuple[float, float]:
    """Distances along rows and along columns from the main region's centroid to its farthest pixels."""
    where = np.argwhere(_main_blob(seen))
    down, across = np.abs(where - _main_blob_centre(seen)).max(axis=0)
    return float(down), float(across)


def _main_blob(seen: np.ndarray) -> np.ndarray:
    regions, n = ndimage.label(seen > 0)
    sums = ndimage.sum_labels(seen, regions, index=np.arange(1, n + 1))
    return regions == 1 + int(np.argmax(sums))
