"""Which patients a centre sees: how far they differ from the patients at home, who are referred late."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from cardiolib.settings import Settings


@dataclass(frozen=True)
class CaseMix(Settings):
    """Traits and covariates of a centre's patients, relative to those at home (`simulate_population`).

    A heart with given traits is the same heart everywhere: the biology does not change, only how often it is met.

    Parameters
    ----------
    rvef_shift, long_shift, septal_shift, lag_shift : float
        Added to the traits; better function is positive, but for the delay.
    spread : float
        Factor on the traits before the shift: below 1 the patients are more alike.
    age_shift : float
        Years.
    male_shift : float
        On the scale on which sex leans on body size (SD 1); positive for more men.

    Examples
    --------
    >>> import numpy as np
    >>> from cardiolib.digital_heart import CaseMix, simulate_population
    >>> mild = CaseMix(rvef_shift=1.0, spread=0.5)
    >>> table = simulate_population(50, rng=np.random.default_rng(1), case_mix=mild)
    >>> bool(table["rvef"].mean() > 0.45)
    True
    """

    rvef_shift: float = 0.0
    long_shift: float = 0.0
    septal_shift: float = 0.0
    lag_shift: float = 0.0
    spread: float = 1.0
    age_shift: float = 0.0
    male_shift: float = 0.0

    RANGES = {
        **dict.fromkeys(("rvef_shift", "long_shift", "septal_shift", "lag_shift"), (-3.0, 3.0)),
        "spread": (0.0, 2.0),
        "age_shift": (-60.0, 60.0),
        "male_shift": (-inf, inf),
    }

    def of(self, traits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Traits (N, 4) of this centre's patients, of those (N, 4) that they would have had at home."""
        return self.spread * traits + [self.rvef_shift, self.long_shift, self.septal_shift, self.lag_shift]
