"""The exercises themselves, a module for each notebook."""

from __future__ import annotations

from dataclasses import dataclass

from cardiolib.exercises.exercise import Exercise
from cardiolib.exercises.lessons import lesson_00, lesson_01, lesson_02, lesson_03, lesson_04, lesson_05


@dataclass(frozen=True)
class Lesson:
    """The exercises of one notebook: `number` such as "03", the notebook's name without suffix, and its title."""

    number: str
    notebook: str
    title: str
    exercises: tuple[Exercise, ...]


LESSONS: dict[str, Lesson] = {
    lesson.number: lesson
    for lesson in (
        Lesson("00", "00_your_own_scan", "Your own scan", lesson_00.EXERCISES),
        Lesson("01", "01_segmentation", "Segmentation", lesson_01.EXERCISES),
        Lesson("02", "02_motion", "Motion", lesson_02.EXERCISES),
        Lesson("03", "03_dae_survival", "The survival network", lesson_03.EXERCISES),
        Lesson("04", "04_validation", "Validation", lesson_04.EXERCISES),
        Lesson("05", "05_interpretability", "Interpretation", lesson_05.EXERCISES),
    )
}


def find_exercise(exercise: str) -> Exercise:
    """An exercise by its id.

    Raises
    ------
    ValueError
        There is none of this id; the ids of its notebook are named.
    """
    lesson = LESSONS.get(str(exercise)[:2])
    known = {one.id: one for one in lesson.exercises} if lesson else {}
    if exercise not in known:
        ids = known or LESSONS
        raise ValueError(f"there is no exercise {str(exercise)[:40]!r}; there are: {', '.join(ids)}")
    return known[exercise]
