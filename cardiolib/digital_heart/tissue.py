"""How bright tissues are in a balanced steady-state free precession (bSSFP) cine."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Relaxation(NamedTuple):
    """Relaxation times in ms and relative proton density."""

    t1_ms: float
    t2_ms: float
    proton_density: float


TISSUES: Mapping[str, Relaxation] = {
    "blood": Relaxation(1550, 220, 1.0),
    "myocardium": Relaxation(980, 47, 0.8),
    "fat": Relaxation(280, 70, 1.0),
    "lung": Relaxation(1200, 35, 0.15),
    "liver": Relaxation(590, 46, 0.8),
    "muscle": Relaxation(1000, 38, 0.8),
}
"""Typical values at 1.5 T, chosen for this model."""

TISSUES_3T: Mapping[str, Relaxation] = {
    "blood": Relaxation(1932, 275, 1.0),
    "myocardium": Relaxation(1471, 47, 0.8),
    "fat": Relaxation(382, 68, 1.0),
    "lung": Relaxation(1400, 30, 0.15),
    "liver": Relaxation(812, 42, 0.8),
    "muscle": Relaxation(1412, 38, 0.8),
}
"""At 3 T: T1 grows, T2 hardly changes. Blood, heart, liver and muscle follow Stanisz et al. 2005, Magn Reson Med 54:507
(T2 of muscle as at 1.5 T), fat de Bazelaire et al. 2004, Radiology 230:652; lung is a choice of this model."""

MYOCARDIUM_FACTOR = 0.9
"""Lifts the blood-to-myocardium ratio from 2.97 to 3.30, as clinical cines have it."""

TR_MS, TE_MS, FLIP_RAD = 3.2, 1.6, math.radians(60)
FLIP_3T_RAD = math.radians(45)
"""At 3 T the energy that a body may absorb limits the flip angle."""


def bssfp_signal(
    tissue: Relaxation, *, tr_ms: float = TR_MS, te_ms: float = TE_MS, flip_rad: float = FLIP_RAD
) -> float:
    """Steady-state signal of one tissue, on resonance.

    ``M = PD sin a (1 - E1) / (1 - (E1 - E2) cos a - E1 E2) exp(-TE/T2)`` with ``E1 = exp(-TR/T1)`` and
    ``E2 = exp(-TR/T2)``.
    """
    e1, e2 = math.exp(-tr_ms / tissue.t1_ms), math.exp(-tr_ms / tissue.t2_ms)
    steady = math.sin(flip_rad) * (1 - e1) / (1 - (e1 - e2) * math.cos(flip_rad) - e1 * e2)
    return tissue.proton_density * steady * math.exp(-te_ms / tissue.t2_ms)


@dataclass(frozen=True)
class TissueSignals:
    """Signal of every tissue relative to clean blood."""

    blood: float
    myocardium: float
    fat: float
    lung: float
    liver: float
    muscle: float

    @classmethod
    def standard(cls, *, three_tesla: bool = False) -> TissueSignals:
        """The signals of `TISSUES`, or of `TISSUES_3T` at a lower flip angle; blood is 1."""
        tissues, flip_rad = (TISSUES_3T, FLIP_3T_RAD) if three_tesla else (TISSUES, FLIP_RAD)
        blood = bssfp_signal(tissues["blood"], flip_rad=flip_rad)
        relative = {name: bssfp_signal(tissue, flip_rad=flip_rad) / blood for name, tissue in tissues.items()}
        relative["myocardium"] *= MYOCARDIUM_FACTOR
        return cls(**relative)

    def randomised(self, rng: np.random.Generator, *, scrambled_share: float = 0.15) -> TissueSignals:
        """Domain randomisation: every tissue times exp N(0, 0.25); a share of the draws are all U(0.05, 1.2)."""
        names = [field.name for field in fields(self)]
        factors, levels = np.exp(rng.normal(0, 0.25, len(names))), rng.uniform(0.05, 1.2, len(names))
        if rng.random() < scrambled_share:
            return TissueSignals(**dict(zip(names, levels.tolist(), strict=True)))
        return TissueSignals(**{n: getattr(self, n) * float(f) for n, f in zip(names, factors, strict=True)})


def spoiled_signal(tissue: Relaxation, *, tr_ms: float, te_ms: float, flip_rad: float) -> float:
    """Steady-state signal of one tissue in a spoiled gradient-echo cine.

    ``S = PD sin a (1 - E1) / (1 - E1 cos a) exp(-TE/T2)`` with ``E1 = exp(-TR/T1)``.
    """
    e1 = math.exp(-tr_ms / tissue.t1_ms)
    steady = math.sin(flip_rad) * (1 - e1) / (1 - e1 * math.cos(flip_rad))
    return tissue.proton_density * steady * math.exp(-te_ms / tissue.t2_ms)


def fading_per_ms(t1_ms: ArrayLike, *, tr_ms: float, flip_rad: float) -> NDArray[np.float64]:
    """Rate at which longitudinal magnetisation forgets what was written into it, while it is being read.

    ``R = 1/T1 - log(cos a)/TR``: relaxation, and what every readout pulse takes away.
    """
    return 1.0 / np.asarray(t1_ms, float) - math.log(math.cos(flip_rad)) / tr_ms
