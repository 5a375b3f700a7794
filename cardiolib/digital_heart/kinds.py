"""Hearts of named kinds, as hospitals see them: for what learns from simulated hearts and is to meet real ones.

The cohort of the paper has pulmonary hypertension (`population`). A network, a shape model or a motion prior that has
seen only such hearts and healthy ones fails on a dilated or a hypertrophic one. Ranges follow the definitions of the
classes of ACDC [1]_ and reference values of healthy adults [2]_, [3]_; what neither gives is a choice of this model.

References
----------
.. [1] Bernard et al. 2018, IEEE TMI 37:2514 (dilated: LVEF below 40 % and LVEDV above 100 mL/m2, wall below 12 mm;
   hypertrophic: a wall above 15 mm at end-diastole, normal ejection fraction; infarct: LVEF below 40 % and regions that
   contract abnormally; abnormal right ventricle: RVEDV above 110 mL/m2 or RVEF below 40 %).
.. [2] Petersen et al. 2017, J Cardiovasc Magn Reson 19:18 (volumes and function of healthy adults).
.. [3] Rudski et al. 2010, J Am Soc Echocardiogr 23:685 (TAPSE below 16 mm is abnormal).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .heart import DigitalHeart
from .population import parameters_from_row, simulate_population

Ranges = Mapping[str, tuple[float, float]]

_EVEN_CONTRACTION: Ranges = {"region_contraction_loss": (0.0, 0.0), "region_thickening": (0.0, 0.0)}

HEART_KINDS: Mapping[str, Ranges] = {
    "normal": {
        "lvedv_ml_m2": (52, 95),
        "lvef": (0.52, 0.72),
        "rvedv_ml_m2": (55, 112),
        "rvef": (0.45, 0.70),
        "wall_mm": (5.5, 11),
        "mapse_mm": (9, 17),
        "tapse_mm": (16, 28),
    },
    "vigorous": {
        "lvedv_ml_m2": (38, 85),
        "lvef": (0.68, 0.85),
        "rvedv_ml_m2": (38, 90),
        "rvef": (0.55, 0.80),
        "wall_mm": (7, 13),
        "mapse_mm": (9, 18),
        "tapse_mm": (16, 30),
    },
    "dilated": {
        "lvedv_ml_m2": (100, 210),
        "lvef": (0.08, 0.40),
        "rvedv_ml_m2": (45, 150),
        "rvef": (0.10, 0.65),
        "wall_mm": (5, 11.5),
        "length_factor": (1.0, 1.2),
        "mapse_mm": (3, 9),
        "tapse_mm": (6, 22),
        "twist_rad": (0.0, 0.15),
    },
    "hypertrophic": {
        "lvedv_ml_m2": (36, 92),
        "lvef": (0.50, 0.85),
        "rvedv_ml_m2": (32, 80),
        "rvef": (0.40, 0.75),
        "wall_mm": (9, 17),
        "mapse_mm": (5, 13),
        "tapse_mm": (12, 26),
        "region_angle_rad": (-0.8, 1.2),
        "region_height": (0.35, 0.9),
        "region_reach_rad": (1.4, 2.6),
        "region_reach_height": (0.5, 0.9),
        "region_contraction_loss": (0.0, 0.4),
        "region_thickening": (0.0, 0.9),
    },
    "infarcted": {
        "lvedv_ml_m2": (58, 125),
        "lvef": (0.15, 0.45),
        "rvedv_ml_m2": (32, 95),
        "rvef": (0.38, 0.72),
        "wall_mm": (6.5, 11),
        "mapse_mm": (4, 11),
        "tapse_mm": (10, 24),
        "region_angle_rad": (-math.pi, math.pi),
        "region_height": (0.15, 0.8),
        "region_reach_rad": (1.0, 2.4),
        "region_reach_height": (0.4, 0.9),
        "region_contraction_loss": (0.7, 1.35),
        "region_thickening": (-0.5, 0.0),
    },
    "rv_dilated": {
        "lvedv_ml_m2": (33, 92),
        "lvef": (0.42, 0.70),
        "rvedv_ml_m2": (100, 190),
        "rvef": (0.10, 0.52),
        "wall_mm": (5, 10),
        "rv_half_angle_rad": (1.0, 1.4),
        "mapse_mm": (6, 15),
        "tapse_mm": (6, 24),
        "septal_flattening_ed": (0.0, 0.5),
        "septal_flattening_es": (0.0, 0.7),
    },
    "failing": {
        "lvedv_ml_m2": (60, 170),
        "lvef": (0.08, 0.30),
        "rvedv_ml_m2": (70, 160),
        "rvef": (0.07, 0.32),
        "wall_mm": (5, 14),
        "mapse_mm": (2, 7),
        "tapse_mm": (4, 13),
        "twist_rad": (-0.05, 0.12),
    },
}
"""Smallest and largest value by kind and field of `HeartParameters`; volumes are per m2 of body surface, and
`length_factor` is a factor on the length of a heart of that body size."""

_MAX_DRAWS = 200


def heart_of_kind(kind: str, rng: np.random.Generator) -> dict[str, float]:
    """Draw one heart of a named kind: a healthy heart in which the kind's ranges stand in for its own values.

    Parameters
    ----------
    kind : str
        One of `HEART_KINDS`.
    rng : numpy.random.Generator

    Returns
    -------
    dict
        Row of a population table, see `simulate_population`; `kind` is the kind's name. `parameters_from_row` makes
        `HeartParameters` of it, and every row that is returned builds as a `DigitalHeart`.

    Raises
    ------
    ValueError
        For an unknown kind.

    Examples
    --------
    >>> import numpy as np
    >>> from cardiolib.digital_heart import DigitalHeart, heart_of_kind, parameters_from_row
    >>> row = heart_of_kind("dilated", np.random.default_rng(1))
    >>> DigitalHeart(parameters_from_row(row)).ejection_fractions()["lvef"] < 0.4
    True
    """
    if kind not in HEART_KINDS:
        raise ValueError(f"kind must be one of {', '.join(HEART_KINDS)}, got {kind!r}")
    ranges = {**_EVEN_CONTRACTION, **HEART_KINDS[kind]}
    for _ in range(_MAX_DRAWS):
        row = simulate_population(1, kind="control", rng=rng).iloc[0].to_dict()
        drawn = {name: float(rng.uniform(low, high)) for name, (low, high) in ranges.items()}
        for side in ("lvedv", "rvedv"):
            drawn[f"{side}_ml"] = drawn.pop(f"{side}_ml_m2") * row["bsa_m2"]
        drawn["length_mm"] = row["length_mm"] * drawn.pop("length_factor", 1.0)
        row |= {**drawn, "kind": kind}
        try:
            DigitalHeart(parameters_from_row(row))
        except ValueError:
            continue  # the model cannot carry this draw
        return row
    raise ValueError(f"no heart of the kind {kind!r} could be built in {_MAX_DRAWS} draws; use another seed")
