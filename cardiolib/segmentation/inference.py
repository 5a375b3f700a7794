"""Segmenting a whole cine: find the heart, label every frame, write the labels in the image's own space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy import ndimage

from cardiolib.imaging import OURS, STRUCTURES, Cine, LabelMap, ed_es_frames, normalise_intensity
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.cleaning import clean_labels
from cardiolib.segmentation.landmarks import base_is_last_slice, landmarks_from_labels
from cardiolib.segmentation.measures import clinical_measures
from cardiolib.segmentation.network import CLASSES, N_LANDMARKS
from cardiolib.segmentation.plane import heart_window, neighbour_indices, whole_plane_grid
from cardiolib.segmentation.training import autocast, pick_device


@dataclass(frozen=True)
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
    notes : tuple of str
        What a reader should know: how the heart was found, what was cleaned away, what failed.
    """

    labels: LabelMap
    ed: int
    es: int
    volumes: pd.DataFrame
    landmarks_world_mm: np.ndarray
    notes: tuple[str, ...]

    def measures(self) -> dict[str, float]:
        """Volumes, ejection fractions and masses, see `measures.clinical_measures`."""
        return clinical_measures(self.labels, ed=self.ed, es=self.es)


def segment_scan(trained: TrainedNetwork, cine: Cine, *, clean: bool = True, batch_size: int = 32) -> Segmentation:
    """Label every frame of a cine.

    Parameters
    ----------
    trained : TrainedNetwork
    cine : Cine
        Any in-plane size and spacing, any number of slices (K is the slice axis) and frames.
    clean : bool
        Remove stray islands, see `cleaning.clean_labels`.
    batch_size : int
        Slices at a time; no influence on the result.

    Returns
    -------
    Segmentation
    """
    settings = trained.settings
    centre, notes = locate_heart(trained, cine)
    grid = heart_window(cine, centre, size_px=settings["size_px"], pixel_mm=settings["pixel_mm"])
    stacks = normalise_intensity(grid.to_network(np.transpose(cine.voxels, (3, 2, 0, 1)))) - np.float32(0.5)
    labels = np.zeros(cine.voxels.shape, np.uint8)
    removed = 0
    for t, stack in enumerate(stacks):
        probability = class_probabilities(trained, stack, slice_step_mm=float(cine.spacing_mm[2]),
                                          batch_size=batch_size)
        share = grid.to_native(probability[:, 1:])  # (K, 4, I, J)
        share = np.concatenate([1 - share.sum(axis=1, keepdims=True), share], axis=1)
        frame = np.moveaxis(share.argmax(axis=1).astype(np.uint8), 0, 2)
        if clean:
            frame, n_removed = clean_labels(frame)
            removed += n_removed
        labels[..., t] = frame
    if removed:
        notes.append(f"{removed} voxels in stray islands were set to background")
    label_map = LabelMap(labels=labels, affine=cine.affine, scheme=OURS, notes=tuple(notes))
    return _describe(label_map, notes)


def _describe(label_map: LabelMap, notes: list[str]) -> Segmentation:
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
    if curve.max() > 0:
        up = base_is_last_slice(label_map.labels)
        for t in range(label_map.n_frames):
            landmarks[t] = landmarks_from_labels(label_map.frame(t), label_map.affine, base_is_last=up)
    else:
        notes.append("no left ventricle was found in any frame")
    return Segmentation(label_map, ed, es, volumes, landmarks, tuple(notes))


@torch.no_grad()
def class_probabilities(
    trained: TrainedNetwork, stack: np.ndarray, *, slice_step_mm: float, batch_size: int = 32
) -> np.ndarray:
    """Class probabilities of one volume on the network's grid.

    Parameters
    ----------
    stack : (K, H, W) float32 array in [-0.5, 0.5]
    slice_step_mm : float
        Distance of neighbouring slices.

    Returns
    -------
    (K, 5, H, W) float32 array
    """
    settings = trained.settings
    device = pick_device(settings["device"])
    network = trained.network.to(device, memory_format=torch.channels_last).eval()
    neighbours = neighbour_indices(len(stack), slice_step_mm=slice_step_mm, neighbour_mm=settings["neighbour_mm"])
    triples = torch.from_numpy(stack[neighbours])  # (K, 3, H, W)
    parts = []
    for part in triples.split(batch_size):
        with autocast(device, settings["precision"]):
            logits = network(part.to(device, memory_format=torch.channels_last)).labels
        parts.append(torch.softmax(logits.float(), dim=1).cpu().contiguous().numpy())
    return np.concatenate(parts)


def locate_heart(trained: TrainedNetwork, cine: Cine, *, n_rounds: int = 4) -> tuple[tuple[float, float], list[str]]:
    """Voxel position (i, j) of the heart's centre, and notes on how sure that is.

    The network reads the whole field of view once; where it sees heart, and where the image changes over the
    cycle, the two are multiplied. The window is then moved to the centroid of what is labelled in it until it
    rests.

    Parameters
    ----------
    n_rounds : int
        At most so many moves of the window.
    """
    settings, notes = trained.settings, []
    spacing = tuple(cine.spacing_mm[:2])
    frames = sorted({0, cine.n_frames // 3})
    grid = whole_plane_grid(
        cine.shape[:2], spacing, pixel_mm=settings["pixel_mm"], multiple=trained.network.downscale
    )
    planes = grid.to_network(np.transpose(cine.voxels, (3, 2, 0, 1)))  # (T, K, H, W)
    scaled = normalise_intensity(planes[frames]) - np.float32(0.5)
    step = float(cine.spacing_mm[2])
    heart = sum(1 - class_probabilities(trained, stack, slice_step_mm=step)[:, CLASSES.index("background")]
                for stack in scaled).sum(axis=0)  # (H, W)
    score = ndimage.gaussian_filter(heart, 25.0 / settings["pixel_mm"])
    if cine.n_frames > 1:
        change = ndimage.gaussian_filter(planes.std(axis=0).mean(axis=0), 15.0 / settings["pixel_mm"])
        score = score * change
    position = np.array(np.unravel_index(score.argmax(), score.shape), dtype=float)
    centre = np.array(grid.voxel_from_network(position))
    for _ in range(n_rounds):
        window = heart_window(cine, centre, size_px=settings["size_px"], pixel_mm=settings["pixel_mm"])
        found = np.zeros(window.size_px)
        stacks = normalise_intensity(window.to_network(np.transpose(cine.voxels[..., frames], (3, 2, 0, 1))))
        for stack in stacks - np.float32(0.5):
            found += (class_probabilities(trained, stack, slice_step_mm=step)[:, 1:].sum(axis=1) > 0.5).sum(axis=0)
        if found.sum() < 20:
            notes.append("no heart was recognised; the labels are not to be trusted")
            break
        new = window.voxel_from_network(_main_blob_centre(found))
        moved_mm = float(np.linalg.norm((new - centre) * np.asarray(spacing)))
        centre = new
        if moved_mm < 3.0:
            break
    return (float(centre[0]), float(centre[1])), notes


def _main_blob_centre(found: np.ndarray) -> np.ndarray:
    """Centroid of the connected region with the largest sum."""
    regions, n = ndimage.label(found > 0)
    sums = ndimage.sum_labels(found, regions, index=np.arange(1, n + 1))
    kept = regions == 1 + int(np.argmax(sums))
    rows, columns = np.nonzero(kept)
    weight = found[kept]
    return np.array([(rows * weight).sum(), (columns * weight).sum()]) / weight.sum()
