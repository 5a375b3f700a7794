"""What every notebook says of a run that is too small, and of numbers that are simulated."""

from __future__ import annotations

FEW_DEATHS, FEW_SCANS, FEW_HEARTS, FEW_BAGS = 50, 10, 5, 50
"""Below these a number of a notebook shows that the method runs, and little else."""


def counted(n: int, what: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "scan"), counted(2, "scan")
    ('1 scan', '2 scans')
    """
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def verdict(holds: bool, *, deaths: int | None = None, scans: int | None = None, hearts: int | None = None) -> str:
    """Whether a run bears out a claim; one that is too small for that says so instead.

    Parameters
    ----------
    holds : bool
        What its numbers say.
    deaths, scans, hearts : int, optional
        What those numbers rest on.

    Examples
    --------
    >>> verdict(True, scans=12), verdict(False, scans=12)
    ('This run agrees', 'This run does not agree')
    >>> verdict(True, scans=2)
    'This run is too small to decide (2 scans, at least 10 are wanted); its numbers point towards the claim'
    """
    counts = (("death", deaths, FEW_DEATHS), ("scan", scans, FEW_SCANS), ("tracked heart", hearts, FEW_HEARTS))
    short = [
        f"{counted(n, what)}, at least {least} are wanted" for what, n, least in counts if n is not None and n < least
    ]
    if short:
        way = "towards" if holds else "away from"
        return f"This run is too small to decide ({'; '.join(short)}); its numbers point {way} the claim"
    return "This run agrees" if holds else "This run does not agree"


def whose_numbers(simulated: bool) -> str:
    """Whether numbers are about patients.

    Examples
    --------
    >>> whose_numbers(True)
    'All hearts here are simulated: the numbers test the method, and say nothing about patients.'
    """
    if simulated:
        return "All hearts here are simulated: the numbers test the method, and say nothing about patients."
    return "The data are real: the numbers hold for this cohort, and another hospital may differ."


def joined(*sentences: str) -> str:
    """Sentences as one text; empty ones are left out."""
    return " ".join(sentence for sentence in sentences if sentence)
