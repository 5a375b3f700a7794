"""One scan, read, segmented, judged and tracked: what was found, and what each part of it is worth."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from cardiolib.imaging import Cine
from cardiolib.motion.heart_motion import HeartMotion, track
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.printed import as_html
from cardiolib.scan.indices import index_table
from cardiolib.segmentation import Segmentation, TrainedNetwork
from cardiolib.segmentation.shipped import segment
from cardiolib.verdicts import DO_NOT_USE, LOOK, OK, VERDICTS

MOTION = "motion"
LEAST_SLICES = 3
"""A tracker needs so many."""

UNUSABLE_FLAGS = frozenset({"failed", "folding", "fit", "fit_folding"})
"""Flags of `cardiolib.motion.Quality` after which the tracked mesh is no heart; any other asks for a look."""


@dataclass(frozen=True, eq=False, repr=False)
class ScanResult:
    """What was found in one scan.

    Attributes
    ----------
    scan_id : str
        Also the name of the folder that it is written to.
    cine : Cine
    segmentation : Segmentation
    motion : HeartMotion or None
        None where it could not be tracked, and `lacks` says why.
    lacks : str
        Empty where there is motion.
    """

    scan_id: str
    cine: Cine
    segmentation: Segmentation
    motion: HeartMotion | None = None
    lacks: str = ""

    @property
    def read_by(self) -> Mapping[str, Any]:
        """What labelled the frames: the network, and what it was trained on; see `TrainedNetwork.about`."""
        return self.segmentation.read_by or {"network": "", "about": "labels that were given"}

    @property
    def simulated(self) -> bool:
        """Whether no patient is behind it."""
        return self.cine.simulated or self.segmentation.labels.simulated

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row a structure, and one for the motion (index): verdict, reason; predicted_dice, low and high of labels.

        Motion is never better than the labels that it was tracked from.
        """
        table = self.segmentation.quality.table
        verdict, reasons = self._motion_verdict()
        worst = self.segmentation.quality.verdict
        if VERDICTS.index(worst) > VERDICTS.index(verdict):
            verdict, reasons = worst, [*reasons, f"it was tracked from labels that the gate calls {worst!r}"]
        row = {"verdict": verdict, "reason": "; ".join(reasons)}
        return pd.concat([table, pd.DataFrame([row], index=pd.Index([MOTION], name=table.index.name))])

    @property
    def verdict(self) -> str:
        """The worst of `verdicts`."""
        return max(self.verdicts["verdict"], key=VERDICTS.index)

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each structure, or the motion, that is not ok."""
        rows = self.verdicts[self.verdicts["verdict"] != OK]
        return tuple(f"{name}: {row['reason']}" for name, row in rows.iterrows())

    @cached_property
    def indices(self) -> pd.DataFrame:
        """Volumes, ejection fractions, masses and strains with unit, source, verdict and place among simulated
        controls; see `cardiolib.scan.indices.index_table`."""
        positions = None if self.motion is None else self.motion.positions
        return index_table(self.segmentation, positions, self.verdicts)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What reader and network had to say."""
        return tuple(dict.fromkeys((*self.cine.notes, *self.segmentation.notes, *([self.lacks] if self.lacks else []))))

    def _motion_verdict(self) -> tuple[str, list[str]]:
        if self.motion is None:
            return DO_NOT_USE, [self.lacks or "no motion was given"]
        quality = self.motion.quality
        if quality.ok:
            return OK, []
        return DO_NOT_USE if UNUSABLE_FLAGS & set(quality.flags) else LOOK, list(quality.reasons)

    def __repr__(self) -> str:
        kind = "simulated scan" if self.simulated else "scan"
        lines = [f"ScanResult {self.scan_id}: {kind}, {self.verdict.upper()}", *repr(self.cine).splitlines()[:1]]
        lines += repr(self.segmentation).splitlines()[1:3]
        lines += ["no motion" if self.motion is None else repr(self.motion).splitlines()[0]]
        return "\n  ".join(line.strip() for line in [*lines, *self.reasons])

    def _repr_html_(self) -> str:
        shown = self.indices[["words", "value", "unit", "source", "verdict"]].set_index("words")
        return as_html(repr(self), shown, decimals=1)


def analyse_scan(
    cine: Cine,
    network: TrainedNetwork | str | os.PathLike[str] | None = None,
    *,
    segmentation: Segmentation | None = None,
    settings: TrackingSettings | None = None,
    seed: int = 0,
    scan_id: str = "scan",
) -> ScanResult:
    """Segment, judge and track one scan.

    Parameters
    ----------
    cine : Cine
        A stack of at least two short-axis slices.
    network : TrainedNetwork or path, optional
        By default the one that `cardiolib.segment` takes.
    segmentation : Segmentation, optional
        Of this cine, instead of a network's.
    settings : TrackingSettings, optional
    seed : int
        Of the tracker.
    scan_id : str

    Returns
    -------
    ScanResult
        Without motion, and with the reason, where the scan has one frame, too few slices, or cannot be tracked.

    Raises
    ------
    ValueError
        For a single slice, or when no left ventricle was found in any frame.

    Examples
    --------
    >>> import cardiolib as cl
    >>> from cardiolib.segmentation import segmentation_from_labels
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0])
    >>> one = analyse_scan(scan.cine, segmentation=segmentation_from_labels(scan.labels, scan.cine), scan_id="a")
    >>> one.lacks
    'the scan has one frame: there is no motion to follow, and neither ED nor ES'
    """
    if cine.shape[2] < 2:
        raise ValueError(f"{scan_id}: the image has one slice; a stack of at least two short-axis slices is needed")
    if segmentation is None:
        segmentation = segment(cine, network)
    if not segmentation.labels.mask("lv_cavity").any():
        raise ValueError(
            f"{scan_id}: no left ventricle was found in any of its {cine.n_frames} frames. Is it a short-axis stack "
            "of the heart?"
        )
    lacks, motion = why_no_motion(cine), None
    if not lacks:
        try:
            motion = track(cine, segmentation.labels, settings=settings, seed=seed, subject_id=scan_id)
        except ValueError as error:
            lacks = str(error).removeprefix(f"{scan_id} ")
    return ScanResult(scan_id, cine, segmentation, motion, lacks)


def why_no_motion(cine: Cine) -> str:
    """Why a cine cannot be tracked, whatever it shows; empty where it can."""
    if cine.n_frames < 2:
        return "the scan has one frame: there is no motion to follow, and neither ED nor ES"
    if cine.shape[2] < LEAST_SLICES:
        return f"the scan has {cine.shape[2]} slices: tracking needs at least {LEAST_SLICES}"
    return ""
