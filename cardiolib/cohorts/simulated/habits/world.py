"""The invented world in which habits act: its arrows, their sizes, and the switches that break an assumption.

Nothing here was measured. The numbers were chosen so that habits are confounded in both directions, so that the image
says for whom a habit does much, and so that one habit would harm some. They are no statement about people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

from cardiolib.settings import Settings

HABITS: tuple[str, ...] = ("exercise", "low_salt", "low_fat", "no_smoking")
"""The four habits of the questionnaire, each 1 (has it) or 0."""

EFFECTS: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "exercise": MappingProxyType({"": -0.45, "x_long": -0.35, "x_lag": 0.45}),
        "low_salt": MappingProxyType({"": -0.25, "x_septal": 0.40}),
        "low_fat": MappingProxyType({"": -0.15}),
        "no_smoking": MappingProxyType({"": -0.30}),
    }
)
"""Log hazard ratio of a habit from today on: a constant (""), and what each imaged trait adds. INVENTED. Exercise helps
the heart with reserve along its long axis and harms the one whose right ventricle is late; low salt helps the loaded
septum."""

SHAPED: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "exercise": MappingProxyType({"x_long": 0.25, "x_rvef": 0.15}),
        "low_salt": MappingProxyType({"x_septal": 0.20}),
        "low_fat": MappingProxyType({}),
        "no_smoking": MappingProxyType({"x_lag": -0.20}),
    }
)
"""What years of a habit have added to each trait before the heart is imaged: the mediated part, in SD. INVENTED."""

UPTAKE: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "exercise": MappingProxyType(
            {"": -0.1, "age": -0.4, "consciousness": 0.6, "severity": -0.4, "who_class": -0.4, "x_long": 0.3}
        ),
        "low_salt": MappingProxyType({"": -0.3, "age": 0.2, "consciousness": 0.4, "severity": 0.5, "x_septal": -0.3}),
        "low_fat": MappingProxyType({"": -0.4, "age": 0.1, "consciousness": 0.5}),
        "no_smoking": MappingProxyType({"": 1.4, "age": 0.2, "consciousness": 0.4}),
    }
)
"""Log odds of having a habit. The fit exercise, the sick are told to eat less salt, and whoever cares about health
does all four. Traits are those before any habit; `age` per 14 years from 60, `who_class` from its mean, 2.6.
INVENTED."""

AGE_LOG_HAZARD = 0.25
"""Log hazard per 14 years of age."""

POSITIVITY_WALK_M = 300.0
"""With positivity lost, nobody who walks less than this in six minutes exercises."""

CLAIMED, DENIED = 0.25, 0.05
"""With habits misreported: shares of those without a habit who claim it, and of those with it who deny it."""

LOST_BEFORE_DEATH: Mapping[int, float] = MappingProxyType({0: 0.5, 1: 0.1})
"""With dependent censoring: share of the dying who stay away before they die, without exercise (0) and with it (1)."""


@dataclass(frozen=True)
class HabitWorld(Settings):
    """Which assumption of a causal analysis holds in a simulated cohort; by default all do.

    Attributes
    ----------
    hidden_confounder : bool
        The questionnaire does not ask for health consciousness, which drives habits and survival.
    lost_positivity : bool
        Nobody with a short six-minute walk exercises, so that nothing shows what exercise would do to them.
    misreported : bool
        Some claim habits that they do not have, and a few deny one that they have.
    dependent_censoring : bool
        The dying stay away before they die, mostly those who do not exercise.
    no_effect : bool
        No habit does anything, neither to the heart nor to survival.
    no_modification : bool
        A habit's hazard ratio is the same for all.
    randomised : bool
        The habits from today on were dealt by coin. Hearts, shaped by the habits of years, are the same.
    confounder_strength : float
        By how much a standard deviation of health consciousness lowers the log hazard.

    Examples
    --------
    >>> HabitWorld(no_effect=True).broken
    ('no_effect',)
    """

    hidden_confounder: bool = False
    lost_positivity: bool = False
    misreported: bool = False
    dependent_censoring: bool = False
    no_effect: bool = False
    no_modification: bool = False
    randomised: bool = False
    confounder_strength: float = 0.3

    RANGES = {"confounder_strength": (0.0, inf)}

    @property
    def broken(self) -> tuple[str, ...]:
        """The switches that are on, by name."""
        return tuple(name for name in SWITCHES if getattr(self, name))

    def effects_of(self, habit: str) -> Mapping[str, float]:
        """Log hazard ratio of a habit in this world, as in `EFFECTS`."""
        if self.no_effect:
            return {"": 0.0}
        return {"": EFFECTS[habit][""]} if self.no_modification else EFFECTS[habit]

    def shaped_by(self, habit: str) -> Mapping[str, float]:
        """What years of a habit have added to the traits in this world, as in `SHAPED`."""
        return {} if self.no_effect else SHAPED[habit]


SWITCHES: tuple[str, ...] = (
    "hidden_confounder",
    "lost_positivity",
    "misreported",
    "dependent_censoring",
    "no_effect",
    "no_modification",
)
"""The switches of `HabitWorld`, of which each breaks one assumption or takes one effect away."""

HABIT_COHORTS: Mapping[str, HabitWorld] = MappingProxyType(
    {
        "simulated-habits": HabitWorld(),
        "simulated-habits-randomised": HabitWorld(randomised=True),
        "simulated-habits-hidden-confounder": HabitWorld(hidden_confounder=True, confounder_strength=0.6),
        "simulated-habits-lost-positivity": HabitWorld(lost_positivity=True),
        "simulated-habits-misreported": HabitWorld(misreported=True),
        "simulated-habits-dependent-censoring": HabitWorld(dependent_censoring=True),
        "simulated-habits-no-effect": HabitWorld(no_effect=True),
        "simulated-habits-no-modification": HabitWorld(no_modification=True),
    }
)
"""Named cohorts with habits, and the world of each."""
