"""Exercises of notebook 01: how good a segmentation is, and what its faults cost."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from cardiolib.exercises.answers import Letters, Number, Numbers
from cardiolib.exercises.exercise import Exercise, Mistake
from cardiolib.exercises.student_cohort import StudentCohort
from cardiolib.exercises.student_scan import ED, ES

LEAST_VOXELS = 40


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Dice of two masks."""
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def dice_by_slice(cohort: StudentCohort, structure: str, frame: int) -> dict[int, float]:
    """Slice -> Dice, where the truth has at least 40 voxels."""
    found, truth = (one.mask(structure)[..., frame] for one in (cohort.scan.found, cohort.scan.truth))
    slices = np.flatnonzero(truth.sum(axis=(0, 1)) >= LEAST_VOXELS)
    return {int(k): overlap(found[:, :, k], truth[:, :, k]) for k in slices}


def _dice(cohort: StudentCohort, structure: str, frame: int) -> float:
    return overlap(*(one.mask(structure)[..., frame] for one in (cohort.scan.found, cohort.scan.truth)))


def _jaccard(cohort: StudentCohort) -> float:
    dice = _dice(cohort, "rv_cavity", ED)
    return dice / (2 - dice)


def _volume_error(cohort: StudentCohort) -> float:
    found, truth = (int(one.mask("rv_cavity")[..., ED].sum()) for one in (cohort.scan.found, cohort.scan.truth))
    return 100 * (found - truth) / truth


def _points(cohort: StudentCohort) -> tuple[np.ndarray, np.ndarray]:
    spacing = cohort.scan.truth.spacing_mm
    masks = (one.mask("lv_cavity")[..., ED] for one in (cohort.scan.found, cohort.scan.truth))
    a, b = (np.argwhere(mask) * spacing for mask in masks)
    return a, b


def _hausdorff(cohort: StudentCohort) -> float:
    a, b = _points(cohort)
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def _hausdorff_in_voxels(cohort: StudentCohort) -> float:
    a, b = (one / cohort.scan.truth.spacing_mm for one in _points(cohort))
    return float(max(cKDTree(b).query(a)[0].max(), cKDTree(a).query(b)[0].max()))


def _after_shift(cohort: StudentCohort, axis: int = 0) -> list[float]:
    masks = (cohort.scan.truth.mask(name)[..., ED] for name in ("lv_cavity", "rv_wall"))
    return [overlap(mask, np.roll(mask, 1, axis=axis)) for mask in masks]


def _every_second(cohort: StudentCohort, first: int = 0, times: int = 2) -> float:
    counts = cohort.scan.truth.mask("lv_cavity")[..., ED].sum(axis=(0, 1))
    return float(100 * (times * counts[first::2].sum() / counts.sum() - 1))


_SMALL = Letters(
    (
        "A shift of one voxel touches a larger part of a thin structure than of a thick one",
        "Thin structures are darker than thick ones",
        "Dice counts the voxels of the background as well",
        "The wall of the right ventricle moves faster than its cavity",
    )
)

EXERCISES = (
    Exercise(
        id="01.1",
        title="Dice by hand",
        minutes=8,
        question=(
            "`mine.scan.truth` holds the true labels of your heart, `mine.scan.found` those of a network with faults. "
            "Dice is 2 |A and B| / (|A| + |B|): twice the voxels that both have, over the voxels of the two. What is "
            "the Dice of the RV cavity (`rv_cavity`) at ED (frame 0, all slices)? Use `&` for *and*."
        ),
        kind=Number(0.002),
        truth=lambda mine: _dice(mine, "rv_cavity", ED),
        hint="Take frame 0 of both masks, `[..., 0]`, and use all slices at once.",
        mistakes=(
            Mistake(_jaccard, "That is the Jaccard index: common voxels over the union."),
            Mistake(lambda mine: _dice(mine, "rv_cavity", ES), "That is end-systole. ED is frame 0."),
        ),
        stub=('found = mine.scan.found.mask("rv_cavity")', 'truth = mine.scan.truth.mask("rv_cavity")'),
        shows="The overlap that every paper prints is one line.",
    ),
    Exercise(
        id="01.2",
        title="Slice by slice",
        minutes=5,
        question=(
            'Call `mine.figure("01.2")` in a cell of its own: the Dice of the LV cavity at ED in each slice in which '
            f"the truth has at least {LEAST_VOXELS} voxels. How high is the lowest bar? A reading within 0.02 is "
            "right. What might a mean over all slices hide?"
        ),
        kind=Number(0.0, absolute=0.02),
        truth=lambda mine: min(dice_by_slice(mine, "lv_cavity", ED).values()),
        hint="Look for the lowest bar, not for the mean.",
        shows="A good mean can hide a slice that went wrong.",
    ),
    Exercise(
        id="01.3",
        title="Hausdorff distance",
        minutes=12,
        question=(
            "The Hausdorff distance of two sets of points is the largest distance from a point of either set to the "
            "nearest point of the other. Take all voxels of the LV cavity at ED, found and true. "
            "`np.argwhere(mask) * spacing` gives their places in mm, where `np` is numpy. "
            "`cKDTree(b).query(a)[0]`, from `scipy.spatial`, gives for each point of `a` the distance to the nearest "
            "of `b`. What is the Hausdorff distance in mm?"
        ),
        kind=Number(0.005, unit="mm"),
        truth=_hausdorff,
        hint="Take the largest distance of both directions, from a to b and from b to a, with the spacing in mm.",
        mistakes=(Mistake(_hausdorff_in_voxels, "That is in voxels. Multiply the places by the spacing."),),
        stub=("spacing = mine.scan.truth.spacing_mm",),
        shows="Dice says how much is wrong, Hausdorff how far the worst point is.",
    ),
    Exercise(
        id="01.4",
        title="What Dice does not say",
        minutes=6,
        question=(
            "By how many percent is the volume of the RV cavity at ED wrong, 100 x (found - true) / true? Mind the "
            "sign. Compare it with 1 - Dice of 01.1."
        ),
        kind=Number(0.01, absolute=0.05, unit="%"),
        truth=_volume_error,
        hint="Count the voxels of both masks in frame 0; too small a volume has a negative error.",
        mistakes=(Mistake(lambda mine: -_volume_error(mine), "The size is right. Is it too large or too small?"),),
        stub=('found = mine.scan.found.mask("rv_cavity")', 'truth = mine.scan.truth.mask("rv_cavity")'),
        shows="Voxels in the wrong place cost Dice and no volume; voxels that are missing cost both.",
    ),
    Exercise(
        id="01.5",
        title="The thin wall",
        minutes=10,
        question=(
            "Shift the true mask by one voxel along the first axis, `np.roll(mask, 1, axis=0)`, and compute the Dice "
            "of the mask with its shifted self, at ED: first for `lv_cavity`, then for `rv_wall`. The answer is a list "
            "of the two numbers."
        ),
        kind=Numbers(0.003),
        truth=_after_shift,
        hint="Frame 0 of the true labels, all slices, axis 0; the cavity comes first.",
        mistakes=(
            Mistake(lambda mine: _after_shift(mine)[::-1], "The order is the other one: first the cavity."),
            Mistake(lambda mine: _after_shift(mine, axis=1), "That is a shift along the second axis."),
        ),
        stub=("truth = mine.scan.truth",),
        shows="One voxel of error is nothing to a cavity, and a failure to a thin wall.",
    ),
    Exercise(
        id="01.6",
        title="Why the RV wall suffers first",
        minutes=2,
        question=(
            "Networks that have learnt from few hearts have the lowest Dice for the wall of the right ventricle. Which "
            "reason does 01.5 give?"
        ),
        kind=_SMALL,
        truth="3b13f082e35bea44",
        hint="Compare the two numbers of 01.5.",
        shows="A measure has to be read with the size of what it measures.",
    ),
    Exercise(
        id="01.7",
        title="Every second slice",
        minutes=10,
        question=(
            "Slices cost breath-holds. Keep every second slice (0, 2, 4, ...) of the true labels, and let each stand "
            "for two. By how many percent does the volume of the LV cavity at ED change, 100 x (new - old) / old?"
        ),
        kind=Number(0.01, absolute=0.05, unit="%"),
        truth=_every_second,
        hint="Voxels of each slice: sum the mask over the first two axes. Then `[::2]` takes every second.",
        mistakes=(
            Mistake(lambda mine: _every_second(mine, first=1), "You have kept slices 1, 3, 5, ..."),
            Mistake(lambda mine: _every_second(mine, times=1), "Each slice that is kept stands for two."),
        ),
        stub=('cavity = mine.scan.truth.mask("lv_cavity")[..., 0]',),
        shows="Thick slices make volumes uncertain by several percent, before anybody has drawn a contour.",
    ),
)
