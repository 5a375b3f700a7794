"""Drawing patients with habits: hearts, habits, questionnaire and follow-up, without any image or mesh."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from cardiolib.cohorts.simulated.habits.fates import Fates
from cardiolib.cohorts.simulated.habits.world import (
    AGE_LOG_HAZARD,
    CLAIMED,
    DENIED,
    HABITS,
    LOST_BEFORE_DEATH,
    POSITIVITY_WALK_M,
    UPTAKE,
    HabitWorld,
)
from cardiolib.cohorts.simulated.imaging import subject_generator
from cardiolib.digital_heart import TRAIT_NAMES
from cardiolib.digital_heart.outcomes import DEATH_FRACTION, WEIBULL_SHAPE, YEARS_PER_UNIT, log_hazard
from cardiolib.digital_heart.population import draw_covariates, draw_physiology
from cardiolib.printed import as_html

CONSCIOUSNESS, CONTROL_OUTCOME = "health_consciousness", "control_outcome"
_REFERENCE_SIZE = 20_000


@dataclass(frozen=True, eq=False)
class HabitPatients:
    """Simulated patients with habits, of whom everything is known; every effect is built in and invented.

    Attributes
    ----------
    world : HabitWorld
    physiology : DataFrame
        Traits as imaged (after years of habits), severity, body surface area.
    covariates : DataFrame
        What a clinic would record: `cardiolib.digital_heart.COVARIATE_NAMES`.
    questionnaire : DataFrame
        The four habits as reported, `health_consciousness` (in SD) unless it is the hidden confounder, and
        `control_outcome`: 1 where an injury happened, which no habit changes and health consciousness does.
    fates : Fates
        Both fates under every habit, and the habits that the patients have.
    outcomes : DataFrame
        `time_years`, `event`, and the truth: `log_hazard`, `event_time_years`, `censoring_time_years`.
    """

    world: HabitWorld
    physiology: pd.DataFrame
    covariates: pd.DataFrame
    questionnaire: pd.DataFrame
    fates: Fates
    outcomes: pd.DataFrame

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        n_deaths = int(self.outcomes["event"].sum())
        broken = ", ".join(self.world.broken) or "none"
        assigned = "by coin" if self.world.randomised else "as they live"
        return (
            f"{len(self):,} simulated patients with habits ({assigned}), {n_deaths:,} deaths; switches on: {broken}; "
            "every effect is built in and invented"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.questionnaire.head())

    def measured_traits(self, *, noise_sd: float = 0.35, n_noise: int = 12, seed: int = 0) -> pd.DataFrame:
        """What imaging would tell: the four traits with an error of measurement, and columns that mean nothing.

        Parameters
        ----------
        noise_sd : float
            Standard deviation of the error; the traits have about 1.
        n_noise : int
            Columns of standard normal noise beside the traits, as other components of motion would be.
        seed : int
        """
        rng = subject_generator(seed, "measured traits")
        traits = self.physiology[list(TRAIT_NAMES)]
        measured = traits + noise_sd * rng.standard_normal(traits.shape)
        columns = [f"noise_{i + 1:02d}" for i in range(n_noise)]
        noise = pd.DataFrame(rng.standard_normal((len(self), n_noise)), columns=columns, index=traits.index)
        return measured.join(noise)


def simulate_habits(
    n: int,
    world: HabitWorld | None = None,
    *,
    seed: int,
    death_fraction: float = DEATH_FRACTION,
    hazard_strength: float = 1.0,
    hazard: str = "motion",
) -> HabitPatients:
    """Draw patients with habits and both their fates, without images: thousands in a second.

    Parameters
    ----------
    n : int
        Patients, at least 1.
    world : HabitWorld, optional
    seed : int
        The same seed draws the same people with the same luck in every world; only what the world changes differs.
    death_fraction : float
        Share of deaths expected in the world without switches; it fixes the unit of time. A cohort meets it up to
        chance, unlike the cohorts without habits, because only a fixed unit has a truth in closed form.
    hazard_strength, hazard
        As for `cardiolib.digital_heart.simulate_outcomes`: how strongly the imaged traits act.

    Returns
    -------
    HabitPatients

    Notes
    -----
    In order of time::

        age, sex, health consciousness H, traits before habits     drawn
        habit ~ Bernoulli(expit(UPTAKE))                            who lives how
        traits as imaged = traits before + SHAPED of the habits     the mediated part
        log hazard = traits as now + .25 age - strength H + EFFECTS of the habits from today

    The randomised twin deals the habits from today on by coin, after the heart was imaged. Given the imaged traits, age
    and H, survival does not depend on why somebody has a habit: these three are a sufficient set for adjustment.

    Examples
    --------
    >>> patients = simulate_habits(302, seed=1)
    >>> patients.fates.gains(5.0).shape
    (302, 4)
    """
    world = world or HabitWorld()
    people = _draw_people(n, world, seed)
    rng = subject_generator(seed, "habits: chance")
    luck, chance = rng.standard_exponential(n), rng.random((n, 4))
    rate = _log_rate(death_fraction, hazard_strength, hazard)
    base = rate + _log_hazard_without(people, world, hazard, hazard_strength)
    effects = pd.DataFrame(
        {habit: _weighted(world.effects_of(habit), people["physiology"]) for habit in HABITS}, index=people["index"]
    )
    fates = Fates(base, effects, people["habits"], luck)
    outcomes = _observed(fates, people["censoring"], chance, world)
    outcomes["log_hazard"] -= rate
    return HabitPatients(
        world, people["physiology"], people["covariates"], _questionnaire(people, world, seed), fates, outcomes
    )


def _draw_people(n: int, world: HabitWorld, seed: int) -> dict[str, Any]:
    """Everything up to today, habits from today on among it, and how long each will be followed."""
    rng = subject_generator(seed, "habits: people")
    before, score = draw_physiology(n, "ph", False, rng)
    covariates = draw_covariates(before, score, "ph", rng)
    consciousness = rng.standard_normal(n)
    causes = before.assign(
        age=(covariates["age"] - 60.0) / 14.0,
        who_class=covariates["who_class"] - 2.6,
        consciousness=consciousness,
        severity=score,
    )
    lived = pd.DataFrame({habit: _lives(habit, causes, rng) for habit in HABITS}, index=before.index)
    if world.lost_positivity:
        lived.loc[covariates["six_minute_walk_m"] < POSITIVITY_WALK_M, "exercise"] = 0
    imaged = before.copy()
    for habit in HABITS:
        for trait, size in world.shaped_by(habit).items():
            imaged[trait] += size * lived[habit]
    coin = (rng.random((n, len(HABITS))) < 0.5).astype(int)
    habits = pd.DataFrame(coin, columns=list(HABITS), index=before.index) if world.randomised else lived
    censoring = YEARS_PER_UNIT * (0.8 * rng.standard_exponential(n) + 0.6 * rng.random(n))
    return {
        "index": before.index,
        "physiology": imaged,
        "covariates": covariates,
        "consciousness": consciousness,
        "habits": habits,
        "censoring": censoring,
    }


def _lives(habit: str, causes: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    return (rng.random(len(causes)) < expit(_weighted(UPTAKE[habit], causes))).astype(int)


def _weighted(weights: Mapping[str, float], columns: pd.DataFrame) -> np.ndarray:
    """(N,) weighted sum of columns; the weight of "" is a constant."""
    total = np.full(len(columns), weights.get("", 0.0))
    for name, weight in weights.items():
        if name:
            total = total + weight * columns[name].to_numpy()
    return total


def _log_hazard_without(people: dict[str, Any], world: HabitWorld, hazard: str, strength: float) -> np.ndarray:
    age = (people["covariates"]["age"].to_numpy() - 60.0) / 14.0
    traits = log_hazard(people["physiology"], hazard=hazard, b=strength)
    return traits + AGE_LOG_HAZARD * age - world.confounder_strength * people["consciousness"]


@lru_cache(maxsize=16)
def _log_rate(death_fraction: float, strength: float, hazard: str) -> float:
    """What fixes the unit of time: the log rate at which `death_fraction` of many patients without switches die."""
    if not 0.0 < death_fraction < 1.0:
        raise ValueError(f"death_fraction must lie between 0 and 1 (both excluded), got {death_fraction!r}")
    world = HabitWorld()
    people = _draw_people(_REFERENCE_SIZE, world, 0)
    total = _log_hazard_without(people, world, hazard, strength)
    for habit in HABITS:
        total = total + _weighted(world.effects_of(habit), people["physiology"]) * people["habits"][habit].to_numpy()
    luck = subject_generator(0, "habits: reference").standard_exponential(_REFERENCE_SIZE)
    death = (luck * np.exp(-total)) ** (1.0 / WEIBULL_SHAPE)
    slower = np.quantile(people["censoring"] / death, 1.0 - death_fraction)
    return float(-WEIBULL_SHAPE * np.log(slower))


def _observed(fates: Fates, censoring: np.ndarray, chance: np.ndarray, world: HabitWorld) -> pd.DataFrame:
    """What a registry sees; `chance` holds (N, 4) uniform draws."""
    death = fates.times
    if world.dependent_censoring:
        share = fates.habits["exercise"].map(dict(LOST_BEFORE_DEATH)).to_numpy()
        leaves = (0.5 + 0.5 * chance[:, 1]) * death
        censoring = np.where(chance[:, 0] < share, np.minimum(censoring, leaves), censoring)
    return pd.DataFrame(
        {
            "time_years": np.minimum(death, censoring),
            "event": death <= censoring,
            "log_hazard": fates.log_hazards,
            "event_time_years": death,
            "censoring_time_years": censoring,
        },
        index=fates.habits.index,
    )


def _questionnaire(people: dict[str, Any], world: HabitWorld, seed: int) -> pd.DataFrame:
    rng = subject_generator(seed, "habits: questionnaire")
    reported = people["habits"].copy()
    answers, injury = rng.random(reported.shape), rng.random(len(reported))
    if world.misreported:
        has = reported.to_numpy() == 1
        reported[:] = np.where(has, answers >= DENIED, answers < CLAIMED).astype(int)
    age = (people["covariates"]["age"].to_numpy() - 60.0) / 14.0
    if not world.hidden_confounder:
        reported[CONSCIOUSNESS] = people["consciousness"]
    reported[CONTROL_OUTCOME] = (injury < expit(-1.0 + 0.5 * age - 0.7 * people["consciousness"])).astype(int)
    return reported
