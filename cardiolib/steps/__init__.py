"""What each notebook does with a whole cohort, or with one scan, and the numbers that it records."""
