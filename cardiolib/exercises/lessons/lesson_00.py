"""Exercises of notebook 00: from voxels to an ejection fraction."""

from __future__ import annotations

import numpy as np

from cardiolib.exercises.answers import Letters, Number
from cardiolib.exercises.exercise import Exercise, Mistake
from cardiolib.exercises.student_cohort import StudentCohort
from cardiolib.exercises.student_scan import ED, ES


def voxel_ml(cohort: StudentCohort) -> float:
    """Volume of one voxel, mL."""
    return float(np.prod(cohort.scan.truth.spacing_mm)) / 1000


def volume_ml(cohort: StudentCohort, structure: str, frame: int) -> float:
    """Volume of a structure in a frame, mL, by counting voxels."""
    return int(cohort.scan.truth.mask(structure)[..., frame].sum()) * voxel_ml(cohort)


def _ejection_fraction(cohort: StudentCohort) -> float:
    ed, es = volume_ml(cohort, "lv_cavity", ED), volume_ml(cohort, "lv_cavity", ES)
    return 100 * (ed - es) / ed


def _lost_percent(cohort: StudentCohort) -> float:
    counts = cohort.scan.truth.mask("rv_cavity")[..., ED].sum(axis=(0, 1))
    return float(100 * counts[cohort.scan.lost_slice] / counts.sum())


_FRAME = Letters(
    (
        "The volume of the LV cavity in that frame",
        "The ejection fraction",
        "The largest circumferential strain",
        "The phase at which the ventricle is smallest",
    )
)

EXERCISES = (
    Exercise(
        id="00.1",
        title="One voxel",
        minutes=3,
        question=(
            "`mine.scan.cine` is a scan of a simulated heart. Print `mine.scan.cine.spacing_mm`: the three sides of a "
            "voxel in mm. The third is the distance from slice to slice. How many mL does one voxel hold? (1 mL is "
            "1000 mm3.)"
        ),
        kind=Number(0.002, unit="mL"),
        truth=voxel_ml,
        hint="Multiply the three sides, then turn mm3 into mL.",
        mistakes=(Mistake(lambda mine: 1000 * voxel_ml(mine), "That is in mm3. One mL is 1000 of them."),),
        shows="A volume is a count of voxels times one number, so a wrong slice distance makes every volume wrong.",
    ),
    Exercise(
        id="00.2",
        title="Ejection fraction",
        minutes=8,
        question=(
            '`mine.scan.truth.mask("lv_cavity")` is an array (I, J, K, T) of True and False. Frame 0 is end-diastole '
            "(ED), frame 1 end-systole (ES). Count the voxels of the LV cavity in both. What is the ejection fraction "
            "in percent, EF = 100 x (V_ED - V_ES) / V_ED?"
        ),
        kind=Number(0.005, unit="%"),
        truth=_ejection_fraction,
        hint="Sum the mask over I, J and K for each frame; the volume of a voxel cancels.",
        mistakes=(
            Mistake(lambda mine: _ejection_fraction(mine) / 100, "That is a fraction. The answer is in percent."),
            Mistake(
                lambda mine: 100 * (volume_ml(mine, "lv_cavity", ED) / volume_ml(mine, "lv_cavity", ES) - 1),
                "You have divided by the volume at end-systole.",
            ),
        ),
        stub=('cavity = mine.scan.truth.mask("lv_cavity")',),
        shows="The most used number of cardiology is a ratio of two counts.",
    ),
    Exercise(
        id="00.3",
        title="A slice that was forgotten",
        minutes=8,
        question=(
            "A reader forgets the slice number `mine.scan.lost_slice` (third axis, counted from 0). By how many "
            "percent does the volume of the RV cavity (`rv_cavity`) at ED shrink?"
        ),
        kind=Number(0.01, absolute=0.02, unit="%"),
        truth=_lost_percent,
        hint="Count the RV voxels of that slice at ED, and divide by those of all slices at ED.",
        mistakes=(Mistake(lambda mine: 100 - _lost_percent(mine), "That is what is left, not what is lost."),),
        stub=('cavity = mine.scan.truth.mask("rv_cavity")',),
        shows="One of some ten slices carries more than the difference between a healthy and a failing heart.",
    ),
    Exercise(
        id="00.4",
        title="Read a curve",
        minutes=3,
        question=(
            'Call `mine.figure("00.4")` in a cell of its own. It shows the RV volume of one patient over the cardiac '
            "cycle. What is the smallest volume, in mL? A reading within 4 percent is right."
        ),
        kind=Number(0.04, unit="mL"),
        truth=lambda mine: mine.rv_volumes[mine.row].min(),
        hint="Find the lowest point of the curve, and read its height on the left axis.",
        mistakes=(Mistake(lambda mine: mine.rv_volumes[mine.row, 0], "That is the volume at end-diastole."),),
        shows="End-systole is found from the volume, not from the clock.",
    ),
    Exercise(
        id="00.5",
        title="What is left of a bad scan",
        minutes=3,
        question=(
            "A scan has one frame only, so the verdict on its motion is *do not use*. Its labels are fine. Which of "
            "these can still be used?"
        ),
        kind=_FRAME,
        truth="c8b0fa3fb6cc160d",
        hint="Ask of each number how many frames it needs.",
        shows="A verdict concerns some numbers of a page, not all of them.",
    ),
)
