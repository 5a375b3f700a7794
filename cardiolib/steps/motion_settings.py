"""Parameters of notebook 02, and what they make of a cohort."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from cardiolib.cohorts import Cohort
from cardiolib.motion.tracking.settings import METHODS, PRIORS, TrackingSettings
from cardiolib.settings import Settings

SOURCES = ("truth", "tracked")
EFFORTS = ("full", "fast")


@dataclass(frozen=True)
class MotionStageSettings(Settings):
    """Parameters of notebook 02.

    Parameters
    ----------
    motion_source : str
        "tracked": what was tracked in the images. "truth": the digital heart's own material motion; scans are tracked
        for comparison only. Cohorts of real scans are always tracked.
    method : str
        "groupwise" or "published", see `TrackingSettings`.
    prior : str
        "population" or "none": what the group-wise tracker starts from and is held to.
    effort : str
        "full", or "fast": fewer points and iterations.
    max_scans : int
        Track at most so many scans; 0 for all that were segmented.
    leave_out_doubtful : bool
        Leave out of the matrix of tracked motion whom the quality gate of notebook 01 calls "do not use". They are
        tracked and listed all the same.
    """

    motion_source: str = "tracked"
    method: str = "groupwise"
    prior: str = "population"
    effort: str = "full"
    max_scans: int = 0
    leave_out_doubtful: bool = False

    RANGES = {"max_scans": (0, inf)}
    CHOICES = {
        "motion_source": SOURCES,
        "method": METHODS,
        "prior": PRIORS,
        "effort": EFFORTS,
    }

    def tracking_settings(self) -> TrackingSettings:
        """The tracker's settings."""
        make = TrackingSettings.fast if self.effort == "fast" else TrackingSettings
        return make(method=self.method, prior=self.prior)


def uses_truth(cohort: Cohort, settings: MotionStageSettings) -> bool:
    """Whether the matrix holds the simulator's motion."""
    return "truth" in cohort.provides and settings.motion_source == "truth"


def describe_source(cohort: Cohort, settings: MotionStageSettings) -> str:
    """Where the numbers of the motion matrix come from, in one sentence."""
    if uses_truth(cohort, settings):
        return (
            f"The motion matrix of all {len(cohort)} subjects is the material truth of the digital heart; a subset of "
            "scans is tracked as well, and only to measure the tracker."
        )
    return f"The motion matrix holds what was tracked in the images of {len(cohort.ids_with('images'))} subjects."
