"""Segmenting a whole cine: find the heart, label every frame, write the labels in the image's own space."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cardiolib.imaging import OURS, STRUCTURES, Cine, LabelMap, ed_es_frames, slice_axis_last
from cardiolib.printed import as_html
from cardiolib.segmentation.cleaning import clean_labels
from cardiolib.segmentation.heart_place import locate_heart
from cardiolib.segmentation.measures import clinical_measures
from cardiolib.segmentation.network import N_LANDMARKS
from cardiolib.segmentation.placing import NONE, place_landmarks
from cardiolib.segmentation.plane import PlaneGrid, network_stacks
from cardiolib.segmentation.prediction import StackPrediction, in_place, predict_stack, side_by_side
from cardiolib.segmentation.quality_gate import SegmentationQuality
from cardiolib.segmentation.second_look import expected_dice, judged_by_second_look
from cardiolib.segmentation.views import mean_over_views
from cardiolib.shape.landmarks import base_is_last_slice, landmarks_from_labels

if TYPE_CHECKING:
    from cardiolib.segmentation.checkpoint import TrainedNetwork

SLICE_AXIS = 0.7
"""Voxels shorter along K than this share of their longest side say that the slices do not lie along K."""

FAR_APART = 1.25
"""Slices farther apart than this many times the distance of training are remarked on. Training scans have up to 10.5 mm
where the setting says 10. In one real scan of 17.7 mm the RV came out 25 to 55 % too large."""


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
    quality : SegmentationQuality
        What the quality gate says of it.
    read_by : dict
        What is to be known of the network, see `TrainedNetwork.about`; empty for labels that were given.
    """

    labels: LabelMap
    ed: int
    es: int
    volumes: pd.DataFrame
    landmarks_world_mm: np.ndarray
    landmark_source: np.ndarray
    notes: tuple[str, ...]
    quality: SegmentationQuality
    read_by: Mapping[str, Any] = field(default_factory=dict)

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
        verdict = repr(self.quality).splitlines()
        notes = [f"note: {note}" for note in self.notes]
        return "\n  ".join([first, *sides, *verdict, repr(self.labels).splitlines()[0], *notes])

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.volumes, decimals=1)


def segment_scan(
    trained: TrainedNetwork, cine: Cine, *, clean: bool = True, several_views: bool | None = None
) -> Segmentation:
    """Label every frame of a cine.

    Parameters
    ----------
    trained : TrainedNetwork
    cine : Cine
        Any in-plane size and spacing, any number of slices and frames. K is the slice axis, unless the voxels are
        clearly longest along another one.
    clean : bool
        Remove stray islands, see `cleaning.clean_labels`; in a real scan only the largest piece of a structure stays.
    several_views : bool, optional
        Average the answers in several `views`, at as many times the work. By default for real scans: what simulations
        taught is less certain there.

    Returns
    -------
    Segmentation
    """
    axis = int(np.argmax(cine.spacing_mm))
    if cine.spacing_mm[2] < SLICE_AXIS * cine.spacing_mm[axis]:
        turned = slice_axis_last(cine, axis=axis)
        found = segment_scan(trained, turned, clean=clean, several_views=several_views)
        note = f"the slices lie along {'IJ'[axis]}, not K; the labels are stored as the image is"
        labels = np.moveaxis(found.labels.labels, 2, axis)
        label_map = dataclasses.replace(found.labels, labels=labels, affine=cine.affine)
        return dataclasses.replace(found, labels=label_map, notes=(*found.notes, note))
    in_place(trained)  # before threads share it
    place = locate_heart(trained, cine)
    grid, notes = place.grid, [*place.notes, *_far_apart(cine, trained)]
    predict = partial(predict_stack, trained, slice_step_mm=float(cine.spacing_mm[2]))
    several = not cine.simulated if several_views is None else several_views
    clean_frame = partial(clean_labels, largest_only=not cine.simulated) if clean else _as_they_are
    label = partial(_label_frame, predict=_in_views(predict) if several else predict, grid=grid, clean=clean_frame)
    stacks = network_stacks(grid, cine.voxels)
    frames, removed, places, sure = zip(*side_by_side(label, stacks), strict=True)
    labels = np.stack(frames, axis=-1)
    if sum(removed):
        notes.append(f"{sum(removed)} voxels in stray islands were set to background")
    label_map = LabelMap(labels=labels, affine=cine.affine, scheme=OURS, notes=tuple(notes), simulated=cine.simulated)
    step = max(1, round(trained.settings["neighbour_mm"] / float(cine.spacing_mm[2])))
    judge = partial(judged_by_second_look, label_map, cine, stacks, sure, grid=grid, predict=predict)
    found = _describe(label_map, notes, places, judge=judge, grid=grid, slices_per_step=step)
    return dataclasses.replace(_without_unlabelled(found, trained), read_by=trained.about())


def _far_apart(cine: Cine, trained: TrainedNetwork) -> list[str]:
    """What is to be said of slices farther apart than those of training."""
    step, learnt = float(cine.spacing_mm[2]), float(trained.settings["neighbour_mm"])
    if cine.shape[2] < 2 or step <= FAR_APART * learnt:
        return []
    return [
        f"slices lie {step:.3g} mm apart, and the network learnt from slices about {learnt:.3g} mm apart: labels near "
        "base and apex, and with them volumes, are less certain"
    ]


def _without_unlabelled(found: Segmentation, trained: TrainedNetwork) -> Segmentation:
    """Say what the network's training did not label: no volume (NaN) and a note, not a volume of 0."""
    absent = [name for name in STRUCTURES if name not in trained.structures]
    if not absent:
        return found
    words = " and ".join(name.replace("rv_", "RV ").replace("lv_", "LV ") for name in absent)
    note = f"the network's training labelled no {words}: none is labelled here, and its volume and mass are not known"
    volumes = found.volumes.assign(**{f"{name}_ml": np.nan for name in absent})
    return dataclasses.replace(found, volumes=volumes, notes=(*found.notes, note))


def _as_they_are(labels: np.ndarray) -> tuple[np.ndarray, int]:
    return labels, 0


def _in_views(predict: Callable[[np.ndarray], StackPrediction]) -> Callable[[np.ndarray], StackPrediction]:
    """The same with class probabilities averaged over views; landmarks are those of the first."""

    def averaged(stack: np.ndarray) -> StackPrediction:
        landmarks: list[np.ndarray] = []

        def classes(shown: np.ndarray) -> np.ndarray:
            found = predict(shown)
            landmarks.append(found.landmarks)
            return found.classes

        return StackPrediction(mean_over_views(classes, stack), landmarks[0])

    return averaged


def _label_frame(
    stack: np.ndarray,
    *,
    predict: Callable[[np.ndarray], StackPrediction],
    grid: PlaneGrid,
    clean: Callable[[np.ndarray], tuple[np.ndarray, int]],
) -> tuple[np.ndarray, int, np.ndarray, np.ndarray]:
    """Labels (I, J, K) of one frame, how many stray voxels were removed, where its landmarks may be, and how sure the
    network is of each structure (`expected_dice`)."""
    probability, places = predict(stack)
    share = grid.to_native(probability[:, 1:])  # (K, 4, I, J)
    share = np.concatenate([1 - share.sum(axis=1, keepdims=True), share], axis=1)
    labels = np.moveaxis(share.argmax(axis=1).astype(np.uint8), 0, 2)
    labels, removed = clean(labels)
    return labels, removed, places, expected_dice(np.moveaxis(share, 0, 3), labels)


def _describe(
    label_map: LabelMap,
    notes: list[str],
    places: Sequence[np.ndarray],
    *,
    judge: Callable[..., SegmentationQuality],
    grid: PlaneGrid,
    slices_per_step: int,
) -> Segmentation:
    """Volumes, ED and ES, landmarks and verdict of a finished label map."""
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
    return Segmentation(label_map, ed, es, volumes, landmarks, source, tuple(notes), judge(ed=ed, es=es))
