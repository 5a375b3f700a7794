"""Errors of files that name the subject they belong to."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from nibabel.filebasedimages import ImageFileError

from cardiolib.cohorts.table import CohortError


@contextmanager
def naming_subject(what: str, subject_id: str, *, cohort: str) -> Iterator[None]:
    """A file that cannot be read becomes one kind of error that names the subject.

    Raises
    ------
    CohortError

    Examples
    --------
    >>> with naming_subject("image", "P1", cohort="ours"):  # doctest: +ELLIPSIS
    ...     raise EOFError("sa.nii.gz ends early")
    Traceback (most recent call last):
    cardiolib.cohorts.table.CohortError: the image of subject 'P1' of cohort 'ours' cannot be read (EOFError: ...
    """
    try:
        yield
    except CohortError as error:
        if repr(subject_id) in str(error):
            raise
        raise CohortError(f"cohort {cohort!r}, subject {subject_id!r}: {error}") from error
    except (OSError, EOFError, zlib.error, ValueError, ImageFileError, MemoryError) as error:
        # a ValueError says itself what is wrong, and what to do
        advice = "" if isinstance(error, ValueError) else " Copy the file again from its source."
        whose, found = f"the {what} of subject {subject_id!r} of cohort {cohort!r}", type(error).__name__
        raise CohortError(f"{whose} cannot be read ({found}: {error}).{advice}") from error
