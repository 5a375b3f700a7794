"""Exercises of notebook 02: displacement, its error, and what an overlap cannot see."""

from __future__ import annotations

import numpy as np

from cardiolib.exercises.answers import Letters, Number, salted
from cardiolib.exercises.exercise import Exercise, Mistake
from cardiolib.exercises.student_cohort import StudentCohort

PHASE = 8

AMPLITUDE = "It moves too little: the error rises with the motion, and falls when the heart comes back"
DRIFT = "It drifts: the error grows from phase to phase, and is largest at the end"
CONSTANT = "It starts at the wrong place: the error is the same in all phases"
_FAULTS = Letters((AMPLITUDE, DRIFT, CONSTANT))
_SLIDING = Letters(
    (
        "The points slide along the border, and the border stays where it is",
        "Dice is measured in voxels and the error in mm",
        "The error of a point is always smaller than the thickness of a slice",
        "The tracker has not seen the label map of ED",
    )
)


def moved_mm(positions: np.ndarray) -> np.ndarray:
    """(T, V) distance of each vertex from its place at ED."""
    return np.linalg.norm(positions - positions[:1], axis=-1)


def errors_mm(cohort: StudentCohort) -> np.ndarray:
    """(T, V, 3) tracked minus true."""
    return cohort.tracked - cohort.true


def _end_point_error(cohort: StudentCohort) -> float:
    return float(np.linalg.norm(errors_mm(cohort)[PHASE], axis=-1).mean())


def _root_mean_square(cohort: StudentCohort) -> float:
    return float(np.sqrt((errors_mm(cohort)[PHASE] ** 2).sum(axis=-1).mean()))


def _axis_share(cohort: StudentCohort, axis: int = 2) -> float:
    squared = (errors_mm(cohort)[PHASE] ** 2).sum(axis=0)
    return float(squared[axis] / squared.sum())


def _chord(cohort: StudentCohort) -> float:
    return float(2 * cohort.turn.radius_mm * np.sin(np.radians(cohort.turn.angle_deg) / 2))


def _arc(cohort: StudentCohort) -> float:
    return float(cohort.turn.radius_mm * np.radians(cohort.turn.angle_deg))


def _fault(cohort: StudentCohort) -> str:
    """Seen from the data: whether the error is still there when the heart is back."""
    course = np.linalg.norm(errors_mm(cohort), axis=-1).mean(axis=1)
    return salted("02.4", [DRIFT if course[-1] > course[PHASE] else AMPLITUDE])


EXERCISES = (
    Exercise(
        id="02.1",
        title="Read a curve of motion",
        minutes=3,
        question=(
            'Call `mine.figure("02.1")` in a cell of its own: how far the 202 vertices of one patient are from their '
            "places at ED, on average, in each phase. How high is the curve at its highest point, in mm? A reading "
            "within 4 percent is right."
        ),
        kind=Number(0.04, unit="mm"),
        truth=lambda mine: moved_mm(mine.true).mean(axis=1).max(),
        hint="The height of the curve, not the phase.",
        shows="The heart comes back: displacement is largest near end-systole, not at the end.",
    ),
    Exercise(
        id="02.2",
        title="The vertex that moves most",
        minutes=8,
        question=(
            "`mine.true` holds the positions of the same patient, (20, 202, 3) in mm: phases, vertices, x y z. The "
            "displacement of a vertex is its position minus that in phase 0; its length is the root of the sum of the "
            "three squares. What is the largest length of any vertex in any phase, in mm?"
        ),
        kind=Number(0.003, unit="mm"),
        truth=lambda mine: moved_mm(mine.true).max(),
        hint="Subtract phase 0, take the length (`np.linalg.norm(..., axis=-1)`), then the largest.",
        mistakes=(
            Mistake(lambda mine: np.abs(mine.true - mine.true[:1]).max(), "That is the largest single coordinate."),
            Mistake(lambda mine: moved_mm(mine.true).mean(axis=1).max(), "That is a mean over the vertices."),
        ),
        shows="Arrays of motion have three axes, and each question names the one that it sums over.",
    ),
    Exercise(
        id="02.3",
        title="End-point error",
        minutes=8,
        question=(
            "`mine.tracked`, also (20, 202, 3), is what a tracker with a fault made of this heart. The end-point error "
            f"of a vertex is the distance between where it was tracked to and where it went. What is its mean over the "
            f"202 vertices in phase {PHASE} (counted from 0), in mm?"
        ),
        kind=Number(0.003, unit="mm"),
        truth=_end_point_error,
        hint=f"`mine.tracked[{PHASE}] - mine.true[{PHASE}]` is (202, 3): a length for each row, then the mean.",
        mistakes=(
            Mistake(
                _root_mean_square, "That is the root of the mean of squares. The mean of the lengths is asked for."
            ),
            Mistake(
                lambda mine: np.abs(errors_mm(mine)[PHASE]).mean(),
                "That is the mean over coordinates. A vertex has one distance.",
            ),
        ),
        shows="The error that notebook 02 prints, from its definition.",
    ),
    Exercise(
        id="02.4",
        title="Which fault?",
        minutes=8,
        question=(
            "Compute the mean end-point error for all 20 phases and print the 20 numbers, beside those of the mean "
            "displacement of 02.1. Which fault does your tracker have?"
        ),
        kind=_FAULTS,
        truth=_fault,
        hint="Look at the last phases: the heart is nearly back at ED there. Is the error too?",
        shows="The course of an error over the cardiac cycle tells its cause.",
    ),
    Exercise(
        id="02.5",
        title="Along the long axis",
        minutes=8,
        question=(
            "The third coordinate, z, runs along the long axis of the heart, across the slices. Take the errors of all "
            f"vertices in phase {PHASE} (tracked minus true), square them, and sum over the vertices: three sums. "
            "Which part of the total (from 0 to 1) is that of z?"
        ),
        kind=Number(0.003),
        truth=_axis_share,
        hint="(errors ** 2).sum(axis=0) has three numbers. Divide the third by their sum.",
        mistakes=(
            Mistake(lambda mine: 1 - _axis_share(mine), "That is the part of x and y."),
            Mistake(lambda mine: _axis_share(mine, 0), "That is x. The third coordinate has the number 2."),
        ),
        shows="Slices of 8 mm say little about motion across them, so most of the error lies there.",
    ),
    Exercise(
        id="02.6",
        title="A ring that turns",
        minutes=6,
        question=(
            "A ring of muscle with the radius `mine.turn.radius_mm` turns by `mine.turn.angle_deg` degrees. The "
            "tracker leaves all its points where they were. The ring looks the same as before, so Dice is 1. What is "
            "the end-point error of each point, in mm? It is a chord: 2 R sin(angle / 2)."
        ),
        kind=Number(0.002, unit="mm"),
        truth=_chord,
        hint="`np.sin` and `math.sin` take radians: multiply degrees by pi / 180.",
        mistakes=(
            Mistake(_arc, "That is the way along the arc. The error is the straight line."),
            Mistake(
                lambda mine: 2 * mine.turn.radius_mm * np.sin(mine.turn.angle_deg / 2),
                "`sin` takes radians, not degrees.",
            ),
        ),
        shows="An error of many mm that no label map can see.",
    ),
    Exercise(
        id="02.7",
        title="Why overlap is excellent",
        minutes=2,
        question=(
            "The tracker carries the label map of ED to ES. Its overlap with the true label map of ES is excellent "
            "even where points are millimetres off. Why? (Think of 02.6.)"
        ),
        kind=_SLIDING,
        truth="534a38f8b46ccae5",
        hint="What moved in 02.6, and what did not?",
        shows="A tracker has to be judged by material points; simulated hearts and tags have them, cines do not.",
    ),
)
