"""Survival of simulated patients, with a hazard that is known because it is built in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from .wall_motion import WALL_MOTION_NAMES, wall_motion

MOTION_WEIGHTS: Mapping[str, float] = MappingProxyType({"x_long": -0.60, "x_septal": -0.90, "x_lag": 0.55})
"""Log hazard per unit of each trait, times b: loss of long-axis and septal motion and a late RV kill."""

VOLUME_WEIGHTS: Mapping[str, float] = MappingProxyType({"x_rvef": -1.20})
"""The negative control in which only the RV ejection fraction matters."""

ELSEWHERE_WEIGHTS: Mapping[str, float] = MappingProxyType({"x_long": -0.60, "x_septal": -0.30, "x_lag": 1.10})
"""The biology of another centre: the delay matters more than at home, the septum less."""

Terms = Mapping[str, float] | Mapping[tuple[str, ...], float]
"""Weights of columns, or of products of columns."""

_BOTH_WALLS: tuple[str, ...] = ("septal_motion", "free_wall_motion")
_SEPTUM_SQUARED: tuple[str, ...] = ("septal_motion", "septal_motion")

INTERACTION_WEIGHTS: Terms = MappingProxyType({_BOTH_WALLS: 1.10})
"""The positive control: each wall's motion is harmless alone, and harmful where both move much, or both little. No
linear model of motion can see it."""

USHAPE_WEIGHTS: Terms = MappingProxyType({_SEPTUM_SQUARED: 0.80})
"""The second positive control: too little motion of the septum is as bad as too much."""

HAZARDS: Mapping[str, Terms] = MappingProxyType(
    {
        "motion": MOTION_WEIGHTS,
        "volume": VOLUME_WEIGHTS,
        "null": MappingProxyType({}),
        "interaction": INTERACTION_WEIGHTS,
        "ushape": USHAPE_WEIGHTS,
        "elsewhere": ELSEWHERE_WEIGHTS,
    }
)
"""Weights of the log hazard by name; in "null" nothing matters. "interaction" and "ushape" read the motion of the walls
themselves (`cardiolib.digital_heart.wall_motion`), the others the traits."""

COHORT_KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "simulated": ("ph", "motion"),
        "simulated-controls": ("control", "null"),
        "simulated-volume-hazard": ("ph", "volume"),
        "simulated-null-hazard": ("ph", "null"),
        "simulated-interaction": ("ph", "interaction"),
        "simulated-ushape": ("ph", "ushape"),
        "simulated-home": ("ph", "motion"),
        "simulated-other-scanner": ("ph", "motion"),
        "simulated-milder-patients": ("ph", "motion"),
        "simulated-more-deaths": ("ph", "motion"),
        "simulated-other-biology": ("ph", "elsewhere"),
        "simulated-abroad": ("ph", "elsewhere"),
    }
)
"""Named simulated cohorts: kind of population and hazard. Two are negative controls: a motion model must not beat a
volume model on "simulated-volume-hazard", and nothing may beat chance on "simulated-null-hazard". Two are positive
controls: on "simulated-interaction" and "simulated-ushape" a network must beat every linear model. The last six are
other centres (`cardiolib.cohorts.simulated.centres`)."""

COHORT_SIZE = 302
"""Default number of patients, as in Bello et al. 2019."""

DEATH_FRACTION = 0.28
"""Default share of observed deaths (85 of 302 in Bello et al. 2019)."""

WEIBULL_SHAPE = 1.1
YEARS_PER_UNIT = 4.0
"""Fixes the otherwise free time unit: in 302 patients median follow-up is about 2.7 years, the longest 12 to 24."""

HOME_SCALE = 3.956
"""The m of `simulate_outcomes` at which 28 % of 1.6 million patients die under "motion": the home centre's baseline."""


def log_hazard(population: pd.DataFrame, *, hazard: str = "motion", b: float = 1.0) -> np.ndarray:
    """True log hazard of every subject: the sum of weight times column (or product of columns), times `b`.

    Parameters
    ----------
    population : pandas.DataFrame
        From `simulate_population`. The traits are read; for "interaction" and "ushape" the columns of `wall_motion`
        where they are there, and else the parameters, from which every heart is moved (some 10 ms each).
    hazard : {"motion", "volume", "null", "interaction", "ushape", "elsewhere"}
    b : float
        Strength. At 1.0 the true log hazard under "motion" has a concordance of about 0.81 in a cohort of 302 with
        28 % deaths, the RV ejection fraction alone about 0.62.

    Returns
    -------
    (N,) array
        Higher is worse. Its SD under "motion" is about 1.376 b.

    Raises
    ------
    ValueError
        For an unknown hazard, a `b` that is not finite, or a table without the traits.
    """
    if hazard not in HAZARDS:
        raise ValueError(f"hazard must be one of {sorted(HAZARDS)}, got {hazard!r}")
    if not np.isfinite(b):
        raise ValueError(f"b must be a finite number, got {b!r}")
    terms = {((key,) if isinstance(key, str) else key): weight for key, weight in HAZARDS[hazard].items()}
    wanted = {name for names in terms for name in names}
    if wanted & set(WALL_MOTION_NAMES) and not wanted <= set(population):
        population = wall_motion(population)
    missing = sorted(wanted - set(population))
    if missing:
        raise ValueError(f"the population lacks {missing}; take it from simulate_population")
    total = np.zeros(len(population))
    for names, weight in terms.items():
        total += b * weight * population[list(names)].to_numpy().prod(axis=1)
    return total


def simulate_outcomes(
    population: pd.DataFrame,
    *,
    hazard: str = "motion",
    b: float = 1.0,
    death_fraction: float = DEATH_FRACTION,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Draw death and censoring times under proportional hazards.

    The ranking of the patients is BUILT IN through the hazard: say so wherever results are shown. One cohort's
    concordance has an SD of about 0.03, so compare models over several seeds, and on the negative controls.

    Parameters
    ----------
    population : pandas.DataFrame
        From `simulate_population`.
    hazard : {"motion", "volume", "null", "interaction", "ushape", "elsewhere"}
        What the hazard reads: regional motion; the RV ejection fraction only; nothing; septal motion times motion of
        the free wall; the square of septal motion; regional motion with the weights of another centre.
    b : float
        Strength of the hazard.
    death_fraction : float
        Share of subjects whose death is observed, in (0, 1); met to the nearest whole subject.
    rng : numpy.random.Generator

    Returns
    -------
    pandas.DataFrame
        Same index as `population`: `time_years` (the earlier of death and censoring), `event` (True: death
        observed) and the truth: `log_hazard`, `event_time_years`, `censoring_time_years`.

    Raises
    ------
    ValueError
        For an unknown hazard, a table without traits, or a death fraction outside (0, 1).

    Notes
    -----
    ::

        T = (-log U exp(-eta))^(1/1.1)        Weibull, proportional hazards
        C = 0.8 Exp(1) + 0.6 U(0, 1)          independent censoring
        time = min(m T, C),   event = [m T <= C]

    m sets the share of deaths. m T <= C means m <= C/T, so the m that gives d deaths lies between the d-th
    and the (d+1)-th largest C/T; their geometric mean is taken. Times are then multiplied by `YEARS_PER_UNIT`.
    """
    if not 0.0 < death_fraction < 1.0:
        raise ValueError(f"death_fraction must lie between 0 and 1 (both excluded), got {death_fraction!r}")
    eta, n = log_hazard(population, hazard=hazard, b=b), len(population)
    if n < 2:
        raise ValueError(f"outcomes need at least 2 subjects, got {n}")
    death, censoring = _free_times(eta, rng)
    n_deaths = min(max(round(death_fraction * n), 1), n - 1)
    ratio = np.sort(censoring / death)[::-1]
    return _observed(eta, death * np.sqrt(ratio[n_deaths - 1] * ratio[n_deaths]), censoring, population.index)


def simulate_centre_outcomes(
    population: pd.DataFrame,
    *,
    hazard: str = "motion",
    b: float = 1.0,
    hazard_ratio: float = 1.0,
    follow_up: float = 1.0,
    treated_share: float = 0.0,
    treatment_log_hazard: float = 0.0,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Outcomes at one of several centres, whose absolute hazards can be compared.

    `simulate_outcomes` meets a share of deaths, so that its baseline hazard differs from cohort to cohort. Here the
    baseline hazard is that of the home centre times `hazard_ratio`, and how many die follows.

    Parameters
    ----------
    population, hazard, b, rng
        As in `simulate_outcomes`.
    hazard_ratio : float
        Baseline hazard relative to home, above 0.
    follow_up : float
        Times of censoring relative to home, above 0.
    treated_share : float
        Share of patients, in [0, 1], who are treated in a way that home did not know; independent of everything.
    treatment_log_hazard : float
        Log hazard ratio of that treatment.

    Returns
    -------
    pandas.DataFrame
        As `simulate_outcomes`, and `treated` (bool). `log_hazard` includes treatment, and the log of `hazard_ratio`, so
        that it means the same at every centre.

    Raises
    ------
    ValueError
        As `simulate_outcomes`, or for a ratio that is not above 0 or a share outside [0, 1].

    Notes
    -----
    With `hazard="motion"`, `b=1` and all else as at home 28 % of deaths are observed (`HOME_SCALE`).
    """
    if not (0 < hazard_ratio < np.inf and 0 < follow_up < np.inf):
        raise ValueError(f"hazard_ratio and follow_up must be above 0, got {hazard_ratio!r} and {follow_up!r}")
    if not (0.0 <= treated_share <= 1.0 and np.isfinite(treatment_log_hazard)):
        raise ValueError(
            f"treated_share must lie in [0, 1] and treatment_log_hazard be finite, got {treated_share!r} and "
            f"{treatment_log_hazard!r}"
        )
    treated = rng.random(len(population)) < treated_share
    eta = log_hazard(population, hazard=hazard, b=b) + treatment_log_hazard * treated + np.log(hazard_ratio)
    death, censoring = _free_times(eta, rng)
    return _observed(eta, HOME_SCALE * death, follow_up * censoring, population.index).assign(treated=treated)


def _free_times(eta: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Times of death (up to a common factor) and of censoring, (N,) each."""
    n = eta.size
    death = (rng.standard_exponential(n) * np.exp(-eta)) ** (1.0 / WEIBULL_SHAPE)
    return death, 0.8 * rng.standard_exponential(n) + 0.6 * rng.random(n)


def _observed(eta: np.ndarray, death: np.ndarray, censoring: np.ndarray, index: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "time_years": YEARS_PER_UNIT * np.minimum(death, censoring),
            "event": death <= censoring,
            "log_hazard": eta,
            "event_time_years": YEARS_PER_UNIT * death,
            "censoring_time_years": YEARS_PER_UNIT * censoring,
        },
        index=index,
    )
