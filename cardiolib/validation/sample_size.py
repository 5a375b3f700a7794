"""How many patients a prognostic model needs, and how many parameters a cohort supports (Riley 2019)."""

from __future__ import annotations

import math
from dataclasses import dataclass

_SHRINKAGE = 0.9


@dataclass(frozen=True)
class MinimumSampleSize:
    """Patients needed under two criteria of Riley et al.; `n` is the larger.

    Attributes
    ----------
    n_shrinkage : int
        Expected shrinkage of the coefficients at least .9.
    n_optimism : int
        Difference of apparent and adjusted Nagelkerke R2 at most .05.
    max_r2_cox_snell : float
        Largest Cox-Snell R2 that the event rate allows.
    """

    n_shrinkage: int
    n_optimism: int
    max_r2_cox_snell: float

    @property
    def n(self) -> int:
        """Patients that satisfy both criteria."""
        return max(self.n_shrinkage, self.n_optimism)


def max_r2_cox_snell(n: int, n_events: int) -> float:
    """Largest possible Cox-Snell R2: 1 - exp(2 L0 / n), L0 = E log(E / n) - E for E events.

    Raises
    ------
    ValueError
        If there are no events or more events than patients.
    """
    if not (0 < n_events <= n and n < math.inf):
        raise ValueError(f"need 0 < n_events <= n, got {n_events} events among {n} patients")
    log_likelihood = n_events * math.log(n_events / n) - n_events
    return 1 - math.exp(2 * log_likelihood / n)


def max_parameters(n: int, n_events: int, *, fraction_of_max_r2: float = 0.15) -> float:
    """Number of parameters that n patients support at an expected shrinkage of .9.

    Parameters
    ----------
    n, n_events : int
    fraction_of_max_r2 : float
        Share of the largest possible Cox-Snell R2 that the model is expected to reach; .15 when nothing is
        known.
    """
    if not 0 < fraction_of_max_r2 < 1:
        raise ValueError(f"fraction_of_max_r2 must lie between 0 and 1, got {fraction_of_max_r2}")
    r2 = fraction_of_max_r2 * max_r2_cox_snell(n, n_events)
    _check_r2(r2)
    return n * (_SHRINKAGE - 1) * math.log(1 - r2 / _SHRINKAGE)


def minimum_sample_size(
    n_parameters: int, *, r2_cox_snell: float, event_rate: float, mean_follow_up: float
) -> MinimumSampleSize:
    """Patients needed to develop a time-to-event model.

    Parameters
    ----------
    n_parameters : int
        Candidate parameters P, counted before any selection.
    r2_cox_snell : float
        Cox-Snell R2 that the model is expected to reach (adjusted).
    event_rate : float
        Events per patient and unit of time.
    mean_follow_up : float
        Mean follow-up in that unit.

    Notes
    -----
    n >= P / ((S - 1) log(1 - R2 / S)), with S = .9, then S = R2 / (R2 + .05 max R2). The largest R2 is
    evaluated for 10,000 patients, as R `pmsampsize` does.

    References
    ----------
    .. [1] Riley et al., Stat Med 2019;38:1276.

    Examples
    --------
    >>> needed = minimum_sample_size(8, r2_cox_snell=0.15, event_rate=0.1, mean_follow_up=3)
    >>> needed.n_shrinkage, needed.n_optimism
    (439, 198)
    """
    if not (1 <= n_parameters < math.inf and 0 < event_rate < math.inf and 0 < mean_follow_up < math.inf):
        raise ValueError(
            f"need n_parameters >= 1 and positive event_rate and mean_follow_up, got "
            f"{n_parameters}, {event_rate}, {mean_follow_up}"
        )
    _check_r2(r2_cox_snell)
    n_reference = 10_000
    if event_rate * mean_follow_up > 1:
        raise ValueError(
            f"event_rate x mean_follow_up = {event_rate * mean_follow_up:g} events a patient: more than one death each"
        )
    largest = max_r2_cox_snell(n_reference, math.ceil(event_rate * mean_follow_up * n_reference))
    if r2_cox_snell >= largest:
        raise ValueError(
            f"r2_cox_snell = {r2_cox_snell} is not possible at this event rate; the largest is {largest:.4f}"
        )
    shrinkage = r2_cox_snell / (r2_cox_snell + 0.05 * largest)
    return MinimumSampleSize(
        _patients(n_parameters, r2_cox_snell, _SHRINKAGE), _patients(n_parameters, r2_cox_snell, shrinkage), largest
    )


def _patients(n_parameters: int, r2: float, shrinkage: float) -> int:
    return math.ceil(n_parameters / ((shrinkage - 1) * math.log(1 - r2 / shrinkage)))


def _check_r2(r2: float) -> None:
    if not 0 < r2 < _SHRINKAGE:
        raise ValueError(f"a Cox-Snell R2 between 0 and {_SHRINKAGE} is needed, got {r2}")
