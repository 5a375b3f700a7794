"""Exercises with a cohort for every student: data, checks, hand-outs and the grading of what is handed in."""

from cardiolib.exercises.answers import Feedback
from cardiolib.exercises.opened import Exercises, open_exercises

__all__ = ["Exercises", "Feedback", "open_exercises"]
