"""What to simulate."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from cardiolib.cohorts.simulated.centres import CENTRES, Centre
from cardiolib.cohorts.simulated.habits.world import HABIT_COHORTS, HabitWorld
from cardiolib.digital_heart.outcomes import COHORT_KINDS
from cardiolib.settings import Settings

SIMULATED_NAMES = (*COHORT_KINDS, *HABIT_COHORTS)


@dataclass(frozen=True)
class SimulatedCohortSettings(Settings):
    """A simulated cohort, complete but for the seed.

    Parameters
    ----------
    kind : str
        Name of the cohort: "simulated" (pulmonary hypertension, hazard in the motion),
        "simulated-volume-hazard" and "simulated-null-hazard" (the negative controls: hazard in the RV
        ejection fraction only, in nothing), "simulated-interaction" and "simulated-ushape" (the positive controls:
        hazards that no linear model of motion sees), "simulated-controls" (healthy hearts), a centre of
        `cardiolib.cohorts.simulated.centres`, such as "simulated-abroad", or one of `HABIT_COHORTS`, whose patients
        have habits ("simulated-habits", "simulated-habits-randomised", and one for each switch).
    n_subjects : int
        Subjects with motion, volumes and follow-up; 302 in the paper.
    n_imaged : int
        How many of them, the first by ID, also get a cine with labels. Subjects are drawn independently,
        so the first are a random sample.
    n_phases : int
        Frames of the cardiac cycle; 20 in the paper, and 20 x 202 vertices make the 11,514 features.
    death_fraction : float
        Share of subjects whose death is observed; 85/302 = .28 in the paper. Not for a centre, where it follows from
        the centre's hazard.
    hazard_strength : float
        b of the hazard; 1.0 was calibrated for a concordance of motion near the paper's.
    separate_shape : bool
        Draw the end-diastolic shape independently of the function, so that only motion carries risk.
    randomise_acquisition : bool
        Vary contrast and noise from scan to scan (domain randomisation).

    Raises
    ------
    ValueError
        A field of the wrong type or out of range, by name.
    """

    kind: str = "simulated"
    n_subjects: int = 302
    n_imaged: int = 302
    n_phases: int = 20
    death_fraction: float = 0.28
    hazard_strength: float = 1.0
    separate_shape: bool = False
    randomise_acquisition: bool = True

    RANGES = {
        "n_subjects": (2, inf),
        "n_imaged": (0, inf),
        "n_phases": (2, inf),
        "death_fraction": (0.0, 1.0),
        "hazard_strength": (0.0, 10.0),
    }
    CHOICES = {"kind": SIMULATED_NAMES}

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_imaged > self.n_subjects:
            self.refuse(
                "n_imaged",
                f"at most n_subjects, {self.n_subjects} (it is {type(self).n_imaged} unless given: set both)",
            )
        if self.death_fraction in (0, 1):
            self.refuse("death_fraction", "between 0 and 1, both left out")
        if self.centre is not None and self.death_fraction != type(self).death_fraction:
            self.refuse("death_fraction", f"left out for {self.kind!r}, where deaths follow from the centre's hazard")

    @property
    def centre(self) -> Centre | None:
        """What this centre does otherwise than home; None for a cohort that is no centre."""
        return CENTRES.get(self.kind)

    @property
    def population(self) -> str:
        """ "ph" or "control"."""
        return COHORT_KINDS[self.kind][0] if self.kind in COHORT_KINDS else "ph"

    @property
    def hazard(self) -> str:
        """What the hazard reads, by its name in `cardiolib.digital_heart.outcomes.HAZARDS`."""
        return COHORT_KINDS[self.kind][1] if self.kind in COHORT_KINDS else "motion"

    @property
    def habits(self) -> HabitWorld | None:
        """The world in which the patients' habits act; None for a cohort without habits."""
        return HABIT_COHORTS.get(self.kind)

    @property
    def ids(self) -> tuple[str, ...]:
        """Subject IDs: PH001, PH002, ... (HC for healthy controls)."""
        prefix, width = ("PH" if self.population == "ph" else "HC"), max(3, len(str(self.n_subjects)))
        return tuple(f"{prefix}{i + 1:0{width}d}" for i in range(self.n_subjects))
