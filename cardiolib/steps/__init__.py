"""What each notebook does with a whole cohort, and the numbers that it records."""
