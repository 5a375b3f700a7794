"""What every notebook says of a run that is too small, and of numbers that are simulated."""

from __future__ import annotations

FEW_DEATHS, FEW_SCANS, FEW_HEARTS, FEW_BAGS = 50, 10, 5, 50
"""Below these a number of a notebook shows that the method runs, and little else."""


def too_small(*, deaths: int | None = None, scans: int | None = None, hearts: int | None = None) -> str:
    """A sentence for a run of so few deaths, scans or tracked hearts; empty where there are enough.

    Examples
    --------
    >>> too_small(scans=2)
    'This run is too small for a result: 2 scans (at least 10 are wanted).'
    >>> too_small(scans=12)
    ''
    """
    counts = (("deaths", deaths, FEW_DEATHS), ("scans", scans, FEW_SCANS), ("tracked hearts", hearts, FEW_HEARTS))
    short = [f"{n} {what} (at least {least} are wanted)" for what, n, least in counts if n is not None and n < least]
    return f"This run is too small for a result: {', '.join(short)}." if short else ""


def whose_numbers(simulated: bool) -> str:
    """Whether numbers are about patients.

    Examples
    --------
    >>> whose_numbers(True)
    'All hearts here are simulated: the numbers test the method, and say nothing about patients.'
    """
    if simulated:
        return "All hearts here are simulated: the numbers test the method, and say nothing about patients."
    return "The scans are real: the numbers hold for this cohort, and another hospital may differ."


def joined(*sentences: str) -> str:
    """Sentences as one text; empty ones are left out."""
    return " ".join(sentence for sentence in sentences if sentence)
