"""Cohorts of digital hearts, whose motion and hazard are known."""
