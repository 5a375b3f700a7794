"""When the ventricles contract and relax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .anatomy import smoothstep


@dataclass(frozen=True)
class Activation:
    """When the ventricles contract and relax, t being a fraction of the RR interval.

    ::

        RR = 60/HR;   t_es = clip(0.8 (0.546 - 0.0021 HR)/RR, 0.25, 0.5) + lag;   dE = min(0.192/RR, 0.3)
        c(t) = sin((pi/2) min(t/t_es, 1))^1.6                                             for t <= t_es
             = clip(1 - 0.72 S((t - t_es - 0.04)/dE) - 0.28 S((t - 0.82)/0.16), 0, 1)     for t >  t_es

    The second line is a plateau, the early (E) wave, diastasis and the atrial (A) wave.

    Raises
    ------
    ValueError
        When the cycle cannot close (t_es + 0.04 + dE > 0.98): heart rate too high or lag too long.
    """

    heart_rate_per_min: float
    lag: float

    def __post_init__(self) -> None:
        for delay in (0.0, self.lag):
            if self.end_systole(delay) + 0.04 + self.filling_width > 0.98:
                raise ValueError(
                    f"the cardiac cycle does not close: with heart_rate_per_min={self.heart_rate_per_min:g} "
                    f"and lag={self.lag:g} early filling would end after 0.98 of the cycle; lower one of them"
                )

    @property
    def filling_width(self) -> float:
        return min(0.192 * self.heart_rate_per_min / 60.0, 0.3)

    def end_systole(self, delay: float = 0.0) -> float:
        systole = 0.8 * (0.546 - 0.0021 * self.heart_rate_per_min) * self.heart_rate_per_min / 60.0
        return min(max(systole, 0.25), 0.5) + delay

    def at(self, t: ArrayLike, delay: float = 0.0) -> NDArray[np.float64]:
        """Activation c(t; delay) in [0, 1], for t of any shape (wrapped into one cycle)."""
        t = np.mod(np.asarray(t, dtype=float), 1.0)
        t_es = self.end_systole(delay)
        rising = np.sin(0.5 * np.pi * np.clip(t / t_es, 0.0, 1.0)) ** 1.6
        e_wave = smoothstep((t - t_es - 0.04) / self.filling_width)
        falling = 1.0 - 0.72 * e_wave - 0.28 * smoothstep((t - 0.82) / 0.16)
        return np.where(t <= t_es, rising, np.clip(falling, 0.0, 1.0))
