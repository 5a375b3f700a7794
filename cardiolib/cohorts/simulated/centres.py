"""Other centres: what may differ where a model is used, one thing at a time, and all together.

A centre is a scanner, a case mix, an outcome and a policy. The home centre is the cohort "simulated", in which the
numbers of Bello et al. 2019 are met. Here absolute hazards count, since a frozen model predicts probabilities: a centre
has the home's baseline hazard times a ratio, and how many die follows from its patients.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from cardiolib.digital_heart import AcquisitionSettings, CaseMix


@dataclass(frozen=True)
class Centre:
    """What one centre does otherwise than the home centre.

    Parameters
    ----------
    differs_in : str
        In words, for tables.
    other_scanner : bool
        Scans by the protocols of `scan_protocol`, in place of the home's one protocol.
    case_mix : CaseMix
    hazard : str
        Name in `cardiolib.digital_heart.outcomes.HAZARDS`.
    hazard_ratio : float
        Baseline hazard relative to home.
    follow_up : float
        Length of follow-up relative to home.
    treated_share, treatment_log_hazard : float
        A treatment era that home has not seen: the share of patients in it, and its log hazard ratio.
    """

    differs_in: str
    other_scanner: bool = False
    case_mix: CaseMix = field(default_factory=CaseMix)
    hazard: str = "motion"
    hazard_ratio: float = 1.0
    follow_up: float = 1.0
    treated_share: float = 0.0
    treatment_log_hazard: float = 0.0


_MILDER = CaseMix(
    rvef_shift=0.8, long_shift=0.5, septal_shift=0.7, lag_shift=-0.4, spread=0.8, age_shift=-8.0, male_shift=-0.3
)

CENTRES: Mapping[str, Centre] = MappingProxyType(
    {
        "simulated-home": Centre("nothing: the home's patients, scanner and hazard"),
        "simulated-other-scanner": Centre(
            "acquisition: 3 T, slices of 6 or 10 mm, 15 to 30 frames, dark bands", other_scanner=True
        ),
        "simulated-milder-patients": Centre("case mix: less severe, younger, more women", case_mix=_MILDER),
        "simulated-more-deaths": Centre(
            "outcome: twice the hazard, follow-up half as long again", hazard_ratio=2.0, follow_up=1.5
        ),
        "simulated-other-biology": Centre(
            "biology: the delay matters more, the septum less; half of the patients are treated",
            hazard="elsewhere",
            treated_share=0.5,
            treatment_log_hazard=float(np.log(0.5)),
        ),
        "simulated-abroad": Centre(
            "all of these",
            other_scanner=True,
            case_mix=_MILDER,
            hazard="elsewhere",
            hazard_ratio=2.0,
            follow_up=1.5,
            treated_share=0.5,
            treatment_log_hazard=float(np.log(0.5)),
        ),
    }
)
"""Centres by the name under which their cohorts open. In "simulated-home" nothing differs but that the baseline hazard
is fixed; it is for what compares centres, while "simulated" meets the paper's number of deaths exactly."""

FRAMES = (15, 20, 25, 30)
"""Frames of the cycle that the other scanner may be set to."""


def scan_protocol(base: AcquisitionSettings, rng: np.random.Generator) -> tuple[AcquisitionSettings, int]:
    """What a technician at a 3 T scanner chose for one patient: acquisition and number of frames.

    Slices are 6 mm thick with a gap of 4 mm, or 10 mm without a gap, or 6 mm without a gap and more of them; the field
    of view is larger or smaller, with pixels of 1.4 to 1.9 mm. The signal is stronger than at 1.5 T, and dark bands
    run through the image.

    Parameters
    ----------
    base : AcquisitionSettings
        The home's protocol; what is not named here stays.
    rng : numpy.random.Generator

    Returns
    -------
    settings : AcquisitionSettings
    n_frames : int
        One of `FRAMES`.

    Examples
    --------
    >>> import numpy as np
    >>> from cardiolib.digital_heart import AcquisitionSettings
    >>> settings, n_frames = scan_protocol(AcquisitionSettings(), np.random.default_rng(1))
    >>> settings.three_tesla, n_frames in FRAMES, settings.thickness_mm in (6.0, 10.0)
    (True, True, True)
    """
    thickness, gap, n_slices = [(6.0, 4.0, 12), (10.0, 0.0, 12), (6.0, 0.0, 19)][rng.integers(3)]
    spacing = float(np.round(rng.uniform(1.4, 1.9), 2))
    grid = int(2 * round(rng.uniform(150.0, 180.0) / spacing / 2))
    changed = replace(
        base,
        three_tesla=True,
        banding=float(np.round(rng.uniform(0.2, 0.6), 2)),
        noise_sd=0.7 * base.noise_sd,
        thickness_mm=thickness,
        gap_mm=gap,
        n_slices=n_slices,
        spacing_mm=spacing,
        grid_size=grid,
    )
    return changed, int(rng.choice(FRAMES))
