"""A scan as it came from a scanner's files: its cine, and what was read and left out."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cardiolib.imaging.cine import Cine
from cardiolib.printed import as_html


@dataclass(frozen=True, eq=False, repr=False)
class Scan(Cine):
    """A cine that knows which series it was read from (`read_scan`).

    Parameters
    ----------
    voxels, affine, frame_time_ms, notes, simulated
        As in `Cine`.
    subject_id : str
        ID of the subject: from a table or a salted hash, never the PatientID of the files.
    series : DataFrame
        One row a series and plane, numbered from 1: words that may be repeated of its description, modality, slices,
        frames a slice, size, orientation, whether it was read, and why it was left out. Empty for a NIfTI file.
    heart_rate_per_min : float or None
        From trigger times or the stated cycle.

    Examples
    --------
    >>> import numpy as np
    >>> Scan(np.zeros((64, 64, 10, 25)), np.diag([1.6, 1.6, 10, 1]), 33.3, subject_id="case-01")
    Scan 'case-01': Cine(64 x 64 x 10 voxels of 1.6 x 1.6 x 10 mm, 25 frames, 33.3 ms apart)
    """

    subject_id: str = "scan"
    series: pd.DataFrame = field(default_factory=pd.DataFrame)
    heart_rate_per_min: float | None = None

    def __repr__(self) -> str:
        return f"Scan {self.subject_id!r}: {super().__repr__()}"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.series if len(self.series) else None)
