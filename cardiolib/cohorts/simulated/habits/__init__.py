"""Habits of simulated patients, and what each would change: every effect here is built in and invented."""
