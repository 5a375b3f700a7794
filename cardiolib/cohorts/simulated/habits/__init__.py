"""Habits of simulated patients, and what each would change: every effect here is built in and invented."""

from cardiolib.cohorts.simulated.habits.fates import HORIZON_YEARS, Fates, restricted_mean_survival
from cardiolib.cohorts.simulated.habits.patients import HabitPatients, simulate_habits
from cardiolib.cohorts.simulated.habits.world import HABIT_COHORTS, HABITS, HabitWorld

__all__ = [
    "HABITS",
    "HABIT_COHORTS",
    "HORIZON_YEARS",
    "Fates",
    "HabitPatients",
    "HabitWorld",
    "restricted_mean_survival",
    "simulate_habits",
]
