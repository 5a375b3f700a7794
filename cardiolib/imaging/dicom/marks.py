"""How a DICOM file says that no patient is behind it."""

from __future__ import annotations

from collections.abc import Iterable

from cardiolib.imaging.reading import SIMULATED_DESCRIPTION

SIMULATED_TYPE = "CARDIOLIB_SIM"
"""A value of ImageType: what de-identification leaves in place, where it empties comments."""

SIMULATED_MAKER = "cardiolib (simulated)"
"""Manufacturer of a simulated file."""

SIMULATED_NAME = "SIMULATED^NO PATIENT"
"""PatientName of a simulated file; for people to see, never a mark: anybody may be called so."""


def says_simulated_dicom(image_type: Iterable[str], comments: str, maker: str) -> bool:
    """Whether any of the three marks stands in a file's ImageType, ImageComments or Manufacturer.

    >>> says_simulated_dicom(["ORIGINAL", "PRIMARY"], "", "SIEMENS")
    False
    """
    return SIMULATED_TYPE in set(image_type) or SIMULATED_DESCRIPTION in comments or maker == SIMULATED_MAKER
