"""Segmenting a whole cine: find the heart, label every frame, write the labels in the image's own space."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from scipy import ndimage

from cardiolib.imaging import OURS, STRUCTURES, Cine, LabelMap, ed_es_frames, slice_axis_last
from cardiolib.printed import as_html
from cardiolib.segmentation.cleaning import clean_labels
from cardiolib.segmentation.device import autocast, pick_device
from cardiolib.segmentation.measures import clinical_measures
from cardiolib.segmentation.network import CLASSES, N_LANDMARKS, SegmentationNetwork
from cardiolib.segmentation.placing import NONE, place_landmarks
from cardiolib.segmentation.plane import (
    PlaneGrid,
    heart_window,
    network_stacks,
    stack_slices,
    whole_plane_grid,
)
from cardiolib.segmentation.quality_gate import SegmentationQuality
from cardiolib.segmentation.second_look import expected_dice, judged_by_second_look
from cardiolib.shape.landmarks import base_is_last_slice, landmarks_from_labels
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

SLICE_AXIS = 0.7
"""Voxels shorter along K than this share of their longest side say that the slices do not lie along K."""


@dataclass(frozen=True, eq=False, repr=False)
class Segmentation:
    """What was found in one cine.

    Attributes
    ----------
    labels : LabelMap
        Every frame, OURS scheme, on the image's own voxels and affine.
    ed, es : int
        Frames of largest and smallest LV cavity.
    volumes : DataFrame
        One row a frame: lv_cavity_ml, lv_wall_ml, rv_wall_ml, rv_cavity_ml.
    landmarks_world_mm : (T, 6, 3) array
        In the order of `cardiolib.digital_heart.LANDMARKS`; NaN where one cannot be placed.
    landmark_source : (T, 6) array of str
        "network", "geometry" or "none": what each landmark was placed by, see `placing`.
    notes : tuple of str
        What a reader should know: how the heart was found, what was cleaned away, what failed.
    quality : SegmentationQuality or None
        What the quality gate says of it.
    """

    labels: LabelMap
    ed: int
    es: int
    volumes: pd.DataFrame
    landmarks_world_mm: np.ndarray
    landmark_source: np.ndarray
    notes: tuple[str, ...]
    quality: SegmentationQuality | None = None

    def measures(self) -> dict[str, float]:
        """Volumes, ejection fractions and masses, see `measures.clinical_measures`."""
        return clinical_measures(self.labels, ed=self.ed, es=self.es)

    def __repr__(self) -> str:
        row = self.measures()
        sides = [
            f"{side.upper()} {row[f'{side}_edv_ml']:.0f} mL at ED, {row[f'{side}_esv_ml']:.0f} mL at ES, "
            f"ejection fraction {row[f'{side}ef_percent']:.0f} %"
            for side in ("lv", "rv")
        ]
        first = f"Segmentation of {self.labels.n_frames} frames: ED is frame {self.ed}, ES is frame {self.es}"
        verdict = [] if self.quality is None else repr(self.quality).splitlines()
        notes = [f"note: {note}" for note in self.notes]
        return "\n  ".join([first, *sides, *verdict, repr(self.labels).splitlines()[0], *notes])

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.volumes, decimals=1)


def segment_scan(trained: TrainedNetwork, cine: Cine, *, clean: bool = True) -> Segmentation:
    """Label every frame of a cine.

    Parameters
    ----------
    trained : TrainedNetwork
    cine : Cine
        Any in-plane size and spacing, any number of slices and frames. K is the slice axis, unless the voxels are
        clearly longest along another one.
    clean : bool
        Remove stray islands, see `cleaning.clean_labels`.

    Returns
    -------
    Segmentation
    """
    axis = int(np.argmax(cine.spacing_mm))
    if cine.spacing_mm[2] < SLICE_AXIS * cine.spacing_mm[axis]:
        found = segment_scan(trained, slice_axis_last(cine, axis=axis), clean=clean)
        note = f"the slices lie along {'IJ'[axis]}, not K; the labels are stored as the image is"
        labels = np.moveaxis(found.labels.labels, 2, axis)
        label_map = dataclasses.replace(found.labels, labels=labels, affine=cine.affine)
        return dataclasses.replace(found, labels=label_map, notes=(*found.notes, note))
    _in_place(trained)  # before threads share it
    place = locate_heart(trained, cine)
    grid, notes = place.grid, list(place.notes)
    label = partial(_label_frame, trained=trained, grid=grid, slice_step_mm=float(cine.spacing_mm[2]), clean=clean)
    stacks = network_stacks(grid, cine.voxels)
    frames, removed, places, sure = zip(*_side_by_side(label, stacks), strict=True)
    labels = np.stack(frames, axis=-1)
    if sum(removed):
        notes.append(f"{sum(removed)} voxels in stray islands were set to background")
    label_map = LabelMap(labels=labels, affine=cine.affine, scheme=OURS, notes=tuple(notes), simulated=cine.simulated)
    step = max(1, round(trained.settings["neighbour_mm"] / float(cine.spacing_mm[2])))
    found = _describe(label_map, notes, places, grid=grid, slices_per_step=step)
    predict = partial(predict_stack, trained, slice_step_mm=float(cine.spacing_mm[2]))
    quality = judged_by_second_look(label_map, cine, stacks, sure, grid=grid, ed=found.ed, es=found.es, predict=predict)
    return dataclasses.replace(found, quality=quality)


def _label_frame(
    stack: np.ndarray, *, trained: TrainedNetwork, grid: PlaneGrid, slice_step_mm: float, clean: bool
) -> tuple[np.ndarray, int, np.ndarray, np.ndarray]:
    """Labels (I, J, K) of one frame, how many stray voxels were removed, where its landmarks may be, and how sure the
    network is of each structure (`expected_dice`)."""
    probability, places = predict_stack(trained, stack, slice_step_mm=slice_step_mm)
    share = grid.to_native(probability[:, 1:])  # (K, 4, I, J)
    share = np.concatenate([1 - share.sum(axis=1, keepdims=True), share], axis=1)
    labels = np.moveaxis(share.argmax(axis=1).astype(np.uint8), 0, 2)
    labels, removed = clean_labels(labels) if clean else (labels, 0)
    return labels, removed, places, expected_dice(np.moveaxis(share, 0, 3), labels)


def _side_by_side(function: Callable[[np.ndarray], Any], stacks: np.ndarray) -> list[Any]:
    """``function`` of every stack, on as many threads as torch has: one stack a thread is faster than all on one."""
    threads = torch.get_num_threads()
    if threads == 1 or len(stacks) == 1:
        return [function(stack) for stack in stacks]
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            return list(pool.map(function, stacks))
    finally:
        torch.set_num_threads(threads)


def _describe(
    label_map: LabelMap, notes: list[str], places: Sequence[np.ndarray], *, grid: PlaneGrid, slices_per_step: int
) -> Segmentation:
    """Volumes, ED and ES, landmarks of a finished label map."""
    volumes = pd.DataFrame({f"{name}_ml": label_map.volume_ml(name) for name in STRUCTURES})
    volumes.index.name = "frame"
    ed = es = 0
    curve = volumes["lv_cavity_ml"].to_numpy()
    if len(curve) > 1 and curve.max() > curve.min():
        ed, es = ed_es_frames(curve)
    else:
        notes.append("ED and ES cannot be told apart (one frame, or the LV volume does not change)")
    landmarks = np.full((label_map.n_frames, N_LANDMARKS, 3), np.nan)
    source = np.full((label_map.n_frames, N_LANDMARKS), NONE, dtype="<U8")
    if curve.max() > 0:
        up = base_is_last_slice(label_map.labels, label_map.affine)
        for t, shares in enumerate(places):
            by_geometry = landmarks_from_labels(label_map.frame(t), label_map.affine, base_is_last=up, turn=grid.turn)
            landmarks[t], source[t] = place_landmarks(
                shares, by_geometry, grid=grid, affine=label_map.affine, slices_per_step=slices_per_step
            )
    else:
        notes.append("no left ventricle was found in any frame")
    return Segmentation(label_map, ed, es, volumes, landmarks, source, tuple(notes))


class StackPrediction(NamedTuple):
    """What the network sees in one volume on its own grid."""

    classes: np.ndarray  # (K, 5, H, W) class probabilities
    landmarks: np.ndarray  # (6, K, H/2, W/2) where each landmark is: probabilities that sum to 1 over the volume


@torch.no_grad()
def predict_stack(trained: TrainedNetwork, stack: np.ndarray, *, slice_step_mm: float) -> StackPrediction:
    """Run the network over one volume on its grid.

    Parameters
    ----------
    stack : (K, H, W) float32 array in [-0.5, 0.5]
    slice_step_mm : float
        Distance of neighbouring slices; thin ones are shared out among several stacks, see `plane.stack_slices`.
    """
    settings = trained.settings
    network, device = _in_place(trained)
    shared_out = stack_slices(len(stack), slice_step_mm=slice_step_mm, neighbour_mm=settings["neighbour_mm"])
    classes = np.empty((len(stack), len(CLASSES), *stack.shape[1:]), np.float32)
    landmarks = np.empty((N_LANDMARKS, len(stack), stack.shape[1] // 2, stack.shape[2] // 2), np.float32)
    for slices in shared_out:
        with autocast(device, settings["precision"]):
            output = network(torch.from_numpy(stack[slices]).to(device))
        classes[slices] = torch.softmax(output.labels.float(), dim=1).cpu().contiguous().numpy()
        places = output.landmarks.float()
        shares = torch.softmax(places.flatten(1), dim=1).reshape(places.shape)
        landmarks[:, slices] = shares.cpu().numpy() / len(shared_out)
    return StackPrediction(classes, landmarks)


def _in_place(trained: TrainedNetwork) -> tuple[SegmentationNetwork, torch.device]:
    """The network on its device, ready to predict."""
    device = pick_device(trained.settings["device"])
    network = trained.network
    if network.training or next(network.parameters()).device.type != device.type:
        network.to(device, memory_format=torch.channels_last).eval()
    return network, device


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
    predictions = _side_by_side(predict, network_stacks(grid, cine.voxels[..., frames]))
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
