"""Names under which students hand in, and the seeds that are made from them."""

from __future__ import annotations

import hashlib
import re

import numpy as np

SELF_STUDY = "self-study"
"""The student of the notebooks of the pipeline: whoever works alone."""

_FORM = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?")


def student_id(text: str) -> str:
    """The id of a student in the one form in which it is used: without blanks around it, in small letters.

    Parameters
    ----------
    text : str
        1 to 64 letters (a to z), digits, and ``. _ @ -`` between them, but no two underscores in a row: they part
        the id from the rest of a file's name.

    Raises
    ------
    ValueError
        Naming what was given and what an id may be.

    Examples
    --------
    >>> student_id(" Anna.B ")
    'anna.b'
    """
    found = text.strip().lower() if isinstance(text, str) else ""
    if not _FORM.fullmatch(found) or "__" in found or ".." in found:
        raise ValueError(
            f"{str(text)[:80]!r} cannot be a student's id. Use 1 to 64 letters (a to z), digits, and . _ @ - between "
            "them; neither two underscores nor two dots in a row."
        )
    return found


def student_seed(student: str) -> int:
    """Seed of everything that is made for a student: from the SHA-256 of the id, the same on every machine."""
    digest = hashlib.sha256(f"cardiolib exercises|{student_id(student)}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def generator(student: str, purpose: str) -> np.random.Generator:
    """A random stream of its own for every student and purpose."""
    words = hashlib.sha256(purpose.encode()).digest()[:8]
    return np.random.default_rng([student_seed(student), int.from_bytes(words, "big")])
