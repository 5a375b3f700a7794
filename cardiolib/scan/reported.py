"""The report of one scan by a library call."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cardiolib.imaging import Cine
from cardiolib.motion.heart_motion import HeartMotion
from cardiolib.printed import as_html
from cardiolib.scan.many import image_digest
from cardiolib.scan.result import ScanResult, why_no_motion
from cardiolib.scan.risk import read_risk_model, risk_of
from cardiolib.scan.writing import write_scan
from cardiolib.segmentation import Segmentation


@dataclass(frozen=True, eq=False, repr=False)
class ScanReport:
    """The files of one scan.

    Attributes
    ----------
    path : Path
        The page: one HTML file that needs no network.
    result : ScanResult
    """

    path: Path
    result: ScanResult

    @property
    def folder(self) -> Path:
        """Where the other files lie."""
        return self.path.parent

    @property
    def indices(self) -> pd.DataFrame:
        """The numbers, see `ScanResult.indices`."""
        return self.result.indices

    def __repr__(self) -> str:
        kind = "simulated scan" if self.result.simulated else "scan"
        lines = [f"Report of {kind} {self.result.scan_id}: {self.result.verdict.upper()}", *self.result.reasons]
        return "\n  ".join([*lines, f"page: {self.path}"])

    def _repr_html_(self) -> str:
        shown = self.indices[["words", "value", "unit", "source", "verdict"]].set_index("words")
        return as_html(repr(self), shown, decimals=1)


def report(
    cine: Cine,
    segmentation: Segmentation,
    motion: HeartMotion | None = None,
    *,
    folder: str | os.PathLike[str],
    scan_id: str | None = None,
    risk_model: str | os.PathLike[str] | None = None,
) -> ScanReport:
    """Write what was found in a scan: labels, meshes, tables, and a page that works offline.

    Parameters
    ----------
    cine : Cine
    segmentation : Segmentation
        ``cardiolib.segment(cine)``.
    motion : HeartMotion, optional
        ``cardiolib.track(cine, segmentation.labels)``.
    folder : path-like
        For this scan alone; what an earlier report of the same scan left there is replaced.
    scan_id : str, optional
        By default the folder's name.
    risk_model : path-like, optional
        A model that ``FittedNetwork.save`` wrote; its log risk stands on the page, with where it comes from.

    Returns
    -------
    ScanReport

    Raises
    ------
    ValueError
        Cine and labels do not belong together, the folder holds something else, or the file is no model.

    Examples
    --------
    One frame of a simulated heart, with its known labels; it cannot move, and the page says so.

    >>> import tempfile
    >>> import cardiolib as cl
    >>> from cardiolib.segmentation import segmentation_from_labels
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0])
    >>> found = segmentation_from_labels(scan.labels, scan.cine)  # of your own images: cl.segment(cine)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     done = cl.report(scan.cine, found, folder=f"{folder}/heart")
    ...     sorted(path.name for path in done.folder.iterdir())[-3:]
    ['result.json', 'simulated.json', 'volumes.csv']
    >>> done.result.lacks
    'the scan has one frame: there is no motion to follow, and neither ED nor ES'
    """
    if segmentation.labels.labels.shape != cine.voxels.shape:
        raise ValueError(
            f"the labels have the axes {segmentation.labels.labels.shape} and the cine {cine.voxels.shape}: they do "
            "not belong together"
        )
    folder = Path(folder)
    lacks = "" if motion is not None else why_no_motion(cine) or "no motion was given: pass cardiolib.track's result"
    result = ScanResult(scan_id or folder.name, cine, segmentation, motion, lacks)
    risk = None if risk_model is None else risk_of(result, read_risk_model(risk_model))
    return ScanReport(write_scan(result, folder, risk=risk, key={"input": image_digest(cine)}), result)
