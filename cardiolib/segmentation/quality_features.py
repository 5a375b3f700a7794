"""What can be seen of a segmentation's quality without a reference: features of a structure, larger is worse.

A feature has no unit and does not depend on the size of the heart or of the voxels, so that it means the same on a
scanner that nobody has seen. Those of the labels ask whether this can be a heart: pieces, holes, jumps from slice to
slice, a cavity that its wall does not enclose, two ventricles that do not pump the same volume. Those of the network
ask how sure it was, and whether it gives the same answer when the image is turned, scaled and changed in contrast.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from cardiolib.imaging import LabelMap

PHASES = ("ED", "ES")

JUDGED = ("lv_cavity", "lv_wall", "rv_cavity")
"""Structures that get a score. The RV's wall is thinner than a pixel in most scans."""

LABEL_FEATURES = {
    "stray": "share of its volume outside its largest piece",
    "split": "share of its area outside the largest piece of a slice",
    "holes": "share of its area that is holes",
    "area_jump": "jump of its area from slice to slice",
    "centre_jump": "jump of its centre from slice to slice, in radii",
    "missing": "share of the heart's slices without it",
    "ragged": "departure from an ellipse",
    "unenclosed": "share of the LV cavity's border without wall",
    "misplaced": "departure of the RV from its usual distance to the LV (logarithm)",
    "stroke_gap": "difference of RV and LV stroke volume over their mean",
    "size_gap": "logarithm of RV over LV volume",
    "wall_change": "logarithm of the LV wall's volume at ES over that at ED",
    "ejection": "ejection fraction outside 15 to 75 %, by a share of",
}
"""Feature -> what it is, in words."""

IMAGE_FEATURES = {
    "mixed": "share of its voxels that look like the tissue across the border",
    "other_blood": "difference in brightness of RV and LV blood",
    "noisy": "spread of brightness within blood and muscle over their difference",
    "dark_blood": "blood darker than muscle",
}

NETWORK_FEATURES = {
    "unsure": "doubt of the network",
    "unstable": "change of the answer when the image is turned or scaled",
    "heart_unstable": "change of the other structures when the image is turned or scaled",
}

EJECTION = (0.15, 0.75)
"""Ejection fractions within which nothing is remarkable."""

RV_DISTANCE = 1.45
"""Usual distance of the RV cavity's centre from the LV's, in radii of the LV's epicardium."""

Features = Mapping[tuple[str, str], Mapping[str, float]]
"""(phase, structure) -> feature -> value."""

AT_MOST = 2.0
"""No feature is larger: what is absurd is not more absurd than that."""


def label_features(label_map: LabelMap, *, ed: int, es: int) -> dict[tuple[str, str], dict[str, float]]:
    """Features of every judged structure at ED and ES that need nothing but the labels.

    Parameters
    ----------
    label_map : LabelMap
        Its scheme names the `JUDGED` structures; K is the slice axis.
    ed, es : int
        Frames of end-diastole and end-systole; equal where they cannot be told apart, and what compares the two is
        then left out.

    Returns
    -------
    dict
        (phase "ED" or "ES", structure) -> feature -> value, 0 (nothing to remark) to 2.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0, 0.4], rng=np.random.default_rng(1))
    >>> found = label_features(scan.labels, ed=0, es=1)
    >>> found["ED", "lv_cavity"]["stray"], round(found["ED", "lv_cavity"]["unenclosed"], 2) < 0.2
    (0.0, True)
    """
    function = _function(label_map, ed, es)
    found = {}
    for phase, frame in zip(PHASES, (ed, es), strict=True):
        masks = {name: label_map.mask(name)[..., frame] for name in JUDGED}
        shape = _shape_features(_cropped(masks), label_map.spacing_mm)
        for name in JUDGED:
            values = shape[name] | function
            found[phase, name] = {key: float(np.clip(value, 0, AT_MOST)) for key, value in values.items()}
    return found


def _cropped(masks: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The masks in the box that holds them all, (I, J, K) each, with a margin in plane."""
    whole = np.any([*masks.values()], axis=0)
    boxes = ndimage.find_objects(whole.astype(np.uint8))
    if not boxes:
        return {name: mask[:1, :1] for name, mask in masks.items()}
    box = boxes[0]
    return {name: np.pad(mask[box], ((1, 1), (1, 1), (0, 0))) for name, mask in masks.items()}


def _shape_features(masks: Mapping[str, np.ndarray], spacing_mm: np.ndarray) -> dict[str, dict[str, float]]:
    """Of one frame, by structure. The wall is judged together with the cavity that it encloses."""
    cavity, wall, right = (masks[name] for name in JUDGED)
    whole = {"lv_cavity": cavity, "lv_wall": cavity | wall, "rv_cavity": right}
    heart_slices = int((cavity | wall | right).any(axis=(0, 1)).sum())
    open_border = _unenclosed(cavity, wall)
    misplaced = _misplaced(whole["lv_wall"], right, spacing_mm)
    found = {}
    for name in JUDGED:
        filled = whole[name]
        areas = filled.sum(axis=(0, 1)).astype(float)
        found[name] = {
            "stray": _outside_largest(masks[name], np.ones((3, 3, 3))),
            "split": _outside_largest(masks[name], np.pad(np.ones((3, 3, 1)), ((0, 0), (0, 0), (1, 1)))),
            "holes": _holes(filled),
            "area_jump": _area_jump(areas),
            "centre_jump": _centre_jump(filled, areas),
            "missing": 1 - np.count_nonzero(masks[name].any(axis=(0, 1))) / heart_slices if heart_slices else AT_MOST,
            "ragged": _ragged(filled, areas),
            "unenclosed": open_border,
            "misplaced": misplaced,
        }
    return found


def _outside_largest(mask: np.ndarray, neighbours: np.ndarray) -> float:
    """Share outside the largest connected piece; where pieces are sought in slices, outside the largest of each."""
    if not mask.any():
        return AT_MOST
    pieces, n = ndimage.label(mask, neighbours)
    sizes = np.bincount(pieces.ravel())[1:]
    if neighbours[1, 1, 0]:
        return 1 - sizes.max() / sizes.sum()
    slice_of = ndimage.maximum(np.broadcast_to(np.arange(mask.shape[2]), mask.shape), pieces, np.arange(1, n + 1))
    largest = np.zeros(mask.shape[2])
    np.maximum.at(largest, slice_of.astype(int), sizes)
    return 1 - largest.sum() / sizes.sum()


def _holes(mask: np.ndarray) -> float:
    """Area of background enclosed in slices, over the area."""
    if not mask.any():
        return AT_MOST
    cross = np.pad(ndimage.generate_binary_structure(2, 1)[..., None], ((0, 0), (0, 0), (1, 1)))
    return ndimage.binary_fill_holes(mask, cross).sum() / mask.sum() - 1


def _inner(areas: np.ndarray) -> np.ndarray:
    """Slices with a slice of the structure on either side, absent ones among them."""
    present = np.flatnonzero(areas)
    return np.arange(present[0] + 1, present[-1]) if len(present) > 2 else np.zeros(0, int)


def _area_jump(areas: np.ndarray) -> float:
    """Largest departure of an area from the mean of its neighbours'."""
    inner = _inner(areas)
    if not len(inner):
        return 0.0 if areas.any() else AT_MOST
    return float(np.abs(areas[inner] - (areas[inner - 1] + areas[inner + 1]) / 2).max() / areas.max())


def _centre_jump(mask: np.ndarray, areas: np.ndarray) -> float:
    """Largest departure of a centroid from the mean of its neighbours', in radii of a disc of the largest area."""
    present = np.flatnonzero(areas)
    if not len(present):
        return AT_MOST
    centres = np.full((len(areas), 2), np.nan)
    for k in present:
        centres[k] = np.argwhere(mask[..., k]).mean(axis=0)
    inner = _inner(areas)
    jumps = np.linalg.norm(centres[inner] - (centres[inner - 1] + centres[inner + 1]) / 2, axis=1)
    jumps = jumps[np.isfinite(jumps)]
    return float(jumps.max() / np.sqrt(areas.max() / np.pi)) if len(jumps) else 0.0


def _ragged(mask: np.ndarray, areas: np.ndarray) -> float:
    """How much more room the ellipse of the same second moments has, over all slices, as a share of the area."""
    if not areas.any():
        return AT_MOST
    ellipses = 0.0
    for k in np.flatnonzero(areas):
        points = np.argwhere(mask[..., k])
        spread = np.cov(points.T, ddof=0) if len(points) > 1 else np.zeros((2, 2))
        ellipses += 4 * np.pi * np.sqrt(np.linalg.det(spread + np.eye(2) / 12))  # a pixel is no point
    return max(ellipses / areas.sum() - 1, 0.0)


def _unenclosed(cavity: np.ndarray, wall: np.ndarray) -> float:
    """Share of the LV cavity's in-plane border that is not wall."""
    if not cavity.any():
        return AT_MOST
    cross = ndimage.generate_binary_structure(2, 1)[..., None]
    border = ndimage.binary_dilation(cavity, cross) & ~cavity
    return 1 - float(wall[border].mean()) if border.any() else AT_MOST


def _misplaced(left: np.ndarray, right: np.ndarray, spacing_mm: np.ndarray) -> float:
    """Mean over slices of how far the RV's distance from the LV departs from the usual one (absolute logarithm)."""
    gaps, weights = [], []
    for k in np.flatnonzero(left.any(axis=(0, 1)) & right.any(axis=(0, 1))):
        ours, theirs = np.argwhere(left[..., k]), np.argwhere(right[..., k])
        distance = np.linalg.norm((ours.mean(axis=0) - theirs.mean(axis=0)) * spacing_mm[:2])
        radius = np.sqrt(len(ours) * spacing_mm[0] * spacing_mm[1] / np.pi)
        gaps.append(abs(np.log(max(distance, 0.1 * radius) / (RV_DISTANCE * radius))))
        weights.append(len(theirs))
    return float(np.average(gaps, weights=weights)) if gaps else AT_MOST


def _function(label_map: LabelMap, ed: int, es: int) -> dict[str, float]:
    """What ED and ES say together, the same for all structures."""
    left, wall, right = (label_map.volume_ml(name)[[ed, es]] for name in JUDGED)
    if not (left[0] > 0 and right[0] > 0 and wall.all()):
        return dict.fromkeys(("stroke_gap", "size_gap", "wall_change", "ejection"), AT_MOST)
    if ed == es:
        return {"stroke_gap": 0.0, "size_gap": abs(np.log(right[0] / left[0])), "wall_change": 0.0, "ejection": 0.0}
    strokes = np.array([left[0] - left[1], right[0] - right[1]])
    mean = strokes.mean()
    outside = [max(EJECTION[0] - ef, ef - EJECTION[1], 0.0) for ef in strokes / (left[0], right[0])]
    return {
        "stroke_gap": abs(strokes[1] - strokes[0]) / mean if mean > 0 else AT_MOST,
        "size_gap": abs(np.log(right[0] / left[0])),
        "wall_change": abs(np.log(wall[1] / wall[0])),
        "ejection": max(outside),
    }
