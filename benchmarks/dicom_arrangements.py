"""Arrangements of DICOM files in which scanners and archives export a short-axis cine, written with known truth.

Every arrangement is a function that writes a study into a folder and returns what a reader must give: grey values at
world positions, frame time, and words that its notes must hold; or the words with which it must be refused. All files
are marked as simulated.
"""

from __future__ import annotations

from benchmarks import dicom_arranged_grids, dicom_arranged_series, dicom_arranged_time  # noqa: F401
from benchmarks.dicom_making import ARRANGEMENTS, Arrangement

__all__ = ["ARRANGEMENTS", "Arrangement"]
