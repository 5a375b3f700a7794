"""Figures that exercises ask to be read."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from cardiolib.exercises.student_cohort import StudentCohort
from cardiolib.exercises.student_scan import ED

MARK = "Simulated cohort (digital heart)"


def exercise_figure(cohort: StudentCohort, exercise: str) -> Any:
    """The figure of an exercise as an image with an alternative text.

    Raises
    ------
    ValueError
        There is no such figure.
    """
    from IPython.display import Image
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import AutoMinorLocator

    if exercise not in FIGURES:
        raise ValueError(f"there is no figure of exercise {exercise!r}; there are: {', '.join(FIGURES)}")
    draw, alternative = FIGURES[exercise]
    figure = Figure(figsize=(6.0, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    draw(cohort, axes)
    axes.set_title(f"{exercise}   {MARK}", fontsize=9, loc="left")
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_minor_locator(AutoMinorLocator())
    axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return Image(data=buffer.getvalue(), format="png", alt=f"{alternative} {MARK}.")


def _rv_volume(cohort: StudentCohort, axes: Any) -> None:
    axes.plot(range(20), cohort.rv_volumes[cohort.row], marker="o", markersize=3)
    axes.set_xlabel("phase (0 is end-diastole)")
    axes.set_ylabel(f"RV cavity of {cohort.patient} (mL)")
    axes.set_xticks(range(0, 20, 2))


def _dice_by_slice(cohort: StudentCohort, axes: Any) -> None:
    from cardiolib.exercises.lessons.lesson_01 import dice_by_slice

    values = dice_by_slice(cohort, "lv_cavity", ED)
    axes.bar(list(values), list(values.values()))
    axes.set_xlabel("slice, apex to base")
    axes.set_ylabel("Dice, LV cavity, ED")
    axes.set_ylim(0, 1)


def _mean_displacement(cohort: StudentCohort, axes: Any) -> None:
    moved = np.linalg.norm(cohort.true - cohort.true[:1], axis=-1).mean(axis=1)
    axes.plot(range(20), moved, marker="o", markersize=3)
    axes.set_xlabel("phase (0 is end-diastole)")
    axes.set_ylabel(f"mean displacement of {cohort.patient} (mm)")
    axes.set_xticks(range(0, 20, 2))


def _survival(cohort: StudentCohort, axes: Any) -> None:
    from cardiolib.exercises.lessons.lesson_04 import survival_curve

    table = cohort.table
    times, alive = survival_curve(table["event"].to_numpy(), table["time"].to_numpy())
    axes.step([0, *times], [1, *alive], where="post")
    axes.set_xlim(0, 6)
    axes.set_ylim(0, 1)
    axes.set_xticks(np.arange(0, 6.5, 0.5))
    axes.set_xlabel("years since imaging")
    axes.set_ylabel("part of the patients alive")


FIGURES: dict[str, tuple[Callable[[StudentCohort, Any], None], str]] = {
    "00.4": (_rv_volume, "Curve of the RV cavity's volume over 20 phases."),
    "01.2": (_dice_by_slice, "Bars: Dice of the LV cavity in each slice."),
    "02.1": (_mean_displacement, "Curve of the mean displacement of 202 vertices over 20 phases."),
    "04.3": (_survival, "Kaplan-Meier curve of all patients."),
}
"""Exercise -> what draws its figure, and what the figure is to somebody who does not see it."""
