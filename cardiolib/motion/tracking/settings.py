"""Settings of the trackers."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import ClassVar

from cardiolib.settings import Settings

METHODS = ("groupwise", "published")
PRIORS = ("population", "none")
_ZERO_ALLOWED = (
    "bending",
    "incompressibility",
    "label_weight",
    "mask_dilation_mm",
    "coarse_iterations",
    "fine_iterations",
    "prior_iterations",
)


@dataclass(frozen=True)
class TrackingSettings(Settings):
    """How motion is tracked.

    Parameters
    ----------
    method : {"groupwise", "published"}
        All frames at once with a periodic basis in time; or the paper's recipe (frame to frame, composed, refined
        against end-diastole; see `cardiolib.motion.tracking.published`).
    phases : int
        Phases of the result, from end-diastole (a cine of two frames keeps its two).
    harmonics : int
        Of the basis in time; fewer are used where a cine has few frames.
    coarse_mm, fine_mm : float
        Distance between control points at the two levels.
    slice_mm : float
        Slices are interpolated to about this distance before tracking.
    lattice_mm : float
        In-plane distance between the points at which images are compared; the lattice moves every iteration.
    coarse_iterations, fine_iterations : int
    coarse_step_mm, fine_step_mm : float
        Learning rates of Adam.
    bending : float
        Weight of the mean squared second derivative (mm^-2), times 100.
    incompressibility : float
        Weight of (det J - 1)^2 in the LV's wall; it is made stiffer where the population's motion is the start.
    label_weight : float
        Weight of the signed distances of the segmentation beside the intensities (weight 1); beside the
        population's motion both count less where blood and myocardium differ little.
    robust_scale : float
        Intensity difference (blood minus myocardium = 0.7) at which the data term turns from square to linear.
    mask_dilation_mm : float
        Images are compared in the heart at end-diastole and this far around it.
    correct_shifts : bool
        Undo in-plane shifts between slices (breath-holds) estimated from the segmentation.
    prior : {"population", "none"}
        What the group-wise tracker starts from and is held to: the motion that a population of simulated hearts has
        with these contours (`population`), or rest.
    prior_iterations : int
        From the population's motion on, at both levels together.
    prior_in_plane_mm, prior_through_plane_mm : float
        How far the images may lead away from the population's motion, in the plane of the slices and across them: for a
        heart of the population. One that lies outside it may go further, by as much as it lies outside.
    """

    CHOICES: ClassVar = {"method": METHODS, "prior": PRIORS}
    RANGES: ClassVar = {"phases": (2, float("inf"))}

    method: str = "groupwise"
    phases: int = 20
    harmonics: int = 4
    coarse_mm: float = 24.0
    fine_mm: float = 10.0
    slice_mm: float = 3.0
    lattice_mm: float = 6.5
    coarse_iterations: int = 50
    fine_iterations: int = 80
    coarse_step_mm: float = 0.6
    fine_step_mm: float = 0.4
    bending: float = 1.0
    incompressibility: float = 0.5
    label_weight: float = 1.0
    robust_scale: float = 0.05
    mask_dilation_mm: float = 3.0
    correct_shifts: bool = True
    prior: str = "population"
    prior_iterations: int = 40
    prior_in_plane_mm: float = 2.0
    prior_through_plane_mm: float = 0.7

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in fields(self):
            if field.type not in ("int", "float"):
                continue
            value, zero = getattr(self, field.name), field.name in _ZERO_ALLOWED
            if not (value > 0 or (value == 0 and zero)):
                self.refuse(field.name, "0 or above" if zero else "above 0")

    @classmethod
    def fast(cls, **changes: object) -> TrackingSettings:
        """For smoke runs: fewer points and iterations, about a third of the time."""
        return replace(
            cls(
                lattice_mm=8.0,
                slice_mm=4.0,
                coarse_iterations=30,
                fine_iterations=40,
                harmonics=3,
                fine_mm=12.0,
                prior_iterations=25,
            ),
            **changes,
        )
