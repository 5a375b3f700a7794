"""Tracking one heart in one call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cardiolib.cohorts.motion_matrix import to_matrix
from cardiolib.imaging import Cine, LabelMap
from cardiolib.meshes import MATCHED_VERTICES, template_mesh
from cardiolib.motion.curvature import CAVITIES, cavity_volumes_ml
from cardiolib.motion.indices import ejection_fraction
from cardiolib.motion.quality import Quality
from cardiolib.motion.strain import strain_curves, strain_summary
from cardiolib.motion.subjects import TrackedSubject, TrackingUnit, track_subject
from cardiolib.motion.tracking.settings import TrackingSettings
from cardiolib.printed import as_html


@dataclass(frozen=True, eq=False, repr=False)
class HeartMotion:
    """The motion of one heart through its cycle; ``np.asarray`` of it gives `positions`.

    Parameters
    ----------
    tracked : TrackedSubject
    """

    tracked: TrackedSubject

    @property
    def positions(self) -> np.ndarray:
        """(T, V, 3) places in mm, world, of the template's 3,683 vertices at T phases from end-diastole."""
        return self.tracked.template_positions

    @property
    def motion(self) -> np.ndarray:
        """((T - 1) * 202 * 3,) displacements in mm of the 202 vertices: a row of the survival network's matrix.

        They are in the heart's own frame, so that how the patient lay in the scanner does not matter.
        """
        template = template_mesh().points[MATCHED_VERTICES]
        return to_matrix(self.tracked.in_heart_frame(template)[None])[0]

    @cached_property
    def volumes(self) -> pd.DataFrame:
        """One row a phase: lv_cavity_ml and rv_cavity_ml inside the tracked surfaces, closed by a lid at the base."""
        columns = {
            f"{name}_cavity_ml": cavity_volumes_ml(self.positions, *regions) for name, regions in CAVITIES.items()
        }
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self.positions), name="phase"))

    @cached_property
    def strain(self) -> pd.DataFrame:
        """Strain of the LV's 16 segments over the cycle, see `cardiolib.motion.strain.strain_curves`."""
        return strain_curves(self.positions)

    @property
    def quality(self) -> Quality:
        """Whether the motion can be used, and the reasons against it."""
        return self.tracked.quality

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        positions = self.positions if dtype is None else self.positions.astype(dtype, copy=False)
        return positions.copy() if copy else positions

    def __repr__(self) -> str:
        n_phases, n_vertices, _ = self.positions.shape
        kind = "simulated heart, " if self.tracked.simulated else ""
        lines = [f"HeartMotion: {kind}{n_vertices:,} vertices in {n_phases} phases, mm"]
        for side in ("lv", "rv"):
            curve = self.volumes[f"{side}_cavity_ml"].to_numpy()
            lines.append(
                f"{side.upper()} {curve[0]:.0f} mL at end-diastole, {curve.min():.0f} mL at its least, "
                f"ejection fraction {100 * ejection_fraction(curve):.0f} %"
            )
        summary = strain_summary(self.positions)
        lines.append(
            f"LV strain: circumferential {summary['gcs_percent']:.0f} %, longitudinal {summary['gls_percent']:.0f} %"
        )
        return "\n  ".join([*lines, str(self.quality)])

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.volumes, decimals=1)


def track(
    cine: Cine, labels: LabelMap, *, settings: TrackingSettings | None = None, seed: int = 0, subject_id: str = "heart"
) -> HeartMotion:
    """Follow both ventricles through the cardiac cycle.

    Parameters
    ----------
    cine : Cine
        One cardiac cycle in T >= 2 frames, K >= 3 slices.
    labels : LabelMap
        Segmentation of every frame on the same grid (``cardiolib.segment(cine).labels``), any scheme with lv_cavity,
        lv_wall and rv_cavity.
    settings : TrackingSettings, optional
        ``TrackingSettings.fast()`` takes a third of the time.
    seed : int
        The same seed, cine and labels give the same motion.
    subject_id : str
        Of a subject in a cohort: what `seed` is mixed with, so that a cohort's tracking is repeated exactly.

    Returns
    -------
    HeartMotion

    Raises
    ------
    ValueError
        If the heart cannot be tracked; the reason is given (an empty segmentation, grids that differ, ...).

    Examples
    --------
    A simulated heart in coarse pixels, tracked with far too few iterations. The verdict says so:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> from cardiolib.digital_heart import AcquisitionSettings
    >>> from cardiolib.motion import TrackingSettings
    >>> coarse = AcquisitionSettings(grid_size=64, spacing_mm=2.4)
    >>> scan = cl.acquire(cl.DigitalHeart(), coarse, phases=np.arange(0, 1, 0.2), rng=np.random.default_rng(1))
    >>> quick = TrackingSettings.fast(prior="none", coarse_iterations=2, fine_iterations=2)
    >>> motion = cl.track(scan.cine, scan.labels, settings=quick)
    >>> np.asarray(motion).shape, motion.motion.shape
    ((20, 3683, 3), (11514,))
    >>> motion.quality.flags
    ('ejection_fraction',)
    """
    if not isinstance(labels, LabelMap):
        raise ValueError(
            f"labels is a LabelMap; given {type(labels).__name__}. Of a Segmentation give its labels: "
            "track(cine, found.labels)"
        )
    settings = TrackingSettings() if settings is None else settings
    tracked = track_subject(TrackingUnit(subject_id, cine, labels, settings=settings, seed=seed))
    if not tracked.is_tracked:
        raise ValueError(f"{subject_id} cannot be tracked: {'; '.join(tracked.quality.reasons)}")
    return HeartMotion(tracked)
