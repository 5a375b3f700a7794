"""Populations of digital hearts: healthy controls and patients with pulmonary hypertension (PH)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtr
from scipy.stats import beta as beta_distribution

from .case_mix import CaseMix
from .heart import DigitalHeart
from .parameters import PARAMETER_NAMES, HeartParameters, septal_extensions

TRAIT_NAMES: tuple[str, ...] = ("x_rvef", "x_long", "x_septal", "x_lag")
"""Standardised traits of a subject: RV ejection fraction, longitudinal function, septal function, RV delay."""

TRAIT_CORRELATION = np.array(
    [
        [1.00, 0.46, 0.20, -0.15],
        [0.46, 1.00, 0.10, -0.10],
        [0.20, 0.10, 1.00, -0.25],
        [-0.15, -0.10, -0.25, 1.00],
    ]
)
"""Correlation of the traits. Only r(RVEF, TAPSE) = 0.46 is measured (Lee, Open Heart 2018;5:e000667); the rest is
a choice of this model."""

SEVERITY_WEIGHTS = np.array([-0.80, -0.10, -0.10, 0.10])
"""How the severity index follows the traits (see `simulate_population`)."""

SEVERITY_COHERENCE = 0.80
"""Correlation between the severity index (before it is made Beta(2, 2)) and that combination of traits."""

MPAP_SEPTAL_CORRELATION = -0.35
"""Correlation of mean pulmonary artery pressure with the septal trait, before clipping. A choice."""

COVARIATE_NAMES: tuple[str, ...] = ("age", "sex", "bsa_m2", "who_class", "six_minute_walk_m", "mpap_mmhg")
"""Columns that a clinic would record. No hazard reads them."""

_MAX_REDRAWS = 50


def simulate_population(
    n: int,
    *,
    kind: str = "ph",
    rng: np.random.Generator,
    separate_shape: bool = False,
    case_mix: CaseMix | None = None,
) -> pd.DataFrame:
    """Draw `n` subjects with correlated physiology; every one of them builds as a `DigitalHeart`.

    Parameters
    ----------
    n : int
        Number of subjects, at least 1.
    kind : {"ph", "control"}
        Patients with pulmonary hypertension, or healthy controls.
    rng : numpy.random.Generator
    separate_shape : bool
        Draw the shape at end-diastole (septal flattening, oval, severity and all that hangs on it) independently of
        the traits, for experiments in which motion alone may carry the hazard. By default a patient is coherent:
        whoever has a failing RV also has a large one, and a bowed septum at end-systole is flat at end-diastole.
    case_mix : CaseMix, optional
        Of another centre; the traits are then no longer standard normal. By default that of the paper's centre.

    Returns
    -------
    pandas.DataFrame
        One row a subject, index 0..n-1: `kind`, `severity` (0 to 1), the traits (`TRAIT_NAMES`, standard normal),
        the fields of `HeartParameters` (`PARAMETER_NAMES`) and the covariates (`COVARIATE_NAMES`; `age` in years).

    Raises
    ------
    ValueError
        For an unknown kind, or `n` below 1.

    Notes
    -----
    The traits are N(0, `TRAIT_CORRELATION`). In PH they set ::

        RVEF = .40 + .11 x_rvef     TAPSE = 17.5 + 4.8 x_long     MAPSE = 13 + x_long + 1.2 N(0,1)
        lag = .055 + .032 x_lag     d_ES = .45 - .24 x_septal     d_ED = .35 d_ES + .06 N(0,1)

    and in controls the same traits scatter around the healthy means. A high `x_septal` is a round, well working
    septum. Severity is Beta(2, 2) (PH) or 0.05 U(0, 1) (controls); in PH its normal score follows `SEVERITY_WEIGHTS`,
    nearly all on RVEF, so size and wall of the RV tell little about the septum, the long axis and the delay beyond
    what RVEF tells. Everything else (volumes, walls, twist, heart rate) is drawn around a mean that moves with
    severity and body size. Values are clipped to plausible ranges.

    A flattened septum alone reaches an eccentricity index of about 1.1 at end-systole. The short axis therefore also
    becomes oval and the septum widens (`septal_extensions`) with a flattening raised by 0.3, *not clipped*, so the
    oval keeps following the trait where d_ES has reached 1. This brings severe PH to about 1.3.

    A draw that the model cannot carry (a contraction outside its clips: for example a high TAPSE that alone exceeds
    a very low RVEF) keeps its traits and severity and has everything else drawn again.

    Covariates: sex leans on body size (men larger); WHO class and six-minute walk follow severity (normal-score
    correlation 0.5 and -0.4); mPAP is N(45, 13) clipped to [25, 90] mmHg and correlated with the septal trait
    (`MPAP_SEPTAL_CORRELATION`), because the curvature of the model's septum is no measure of pressure; age is
    independent of everything. They decorate the table: no hazard reads them.
    """
    if kind not in ("ph", "control"):
        raise ValueError(f"kind must be 'ph' or 'control', got {kind!r}")
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n must be a whole number of subjects, at least 1, got {n!r}")
    known, score = draw_physiology(n, kind, separate_shape, rng, case_mix)
    hearts = draw_hearts(known, kind, separate_shape, rng)
    covariates = draw_covariates(known, score, kind, rng, case_mix)
    return population_table(kind, known, hearts, covariates)


def population_table(kind: str, known: pd.DataFrame, hearts: pd.DataFrame, covariates: pd.DataFrame) -> pd.DataFrame:
    """The parts of a population (same index) as one table, with the columns of `simulate_population`."""
    table = pd.concat([known[["severity", *TRAIT_NAMES]], hearts, covariates], axis=1)
    table.insert(0, "kind", kind)
    return table


def draw_physiology(
    n: int, kind: str, separate_shape: bool, rng: np.random.Generator, case_mix: CaseMix | None = None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Traits, severity and body surface area of `n` subjects, and the (n,) normal score behind the severity.

    The first part of `simulate_population`; the others are `draw_hearts` and `draw_covariates`. Whoever draws the parts
    one by one may change the traits in between, as the habits of years do.
    """
    traits = rng.standard_normal((n, 4)) @ np.linalg.cholesky(TRAIT_CORRELATION).T
    if case_mix is not None:
        traits = case_mix.of(traits)
    score = _severity_score(traits, rng, coherent=kind == "ph" and not separate_shape)
    severity = beta_distribution.ppf(ndtr(score), 2, 2) if kind == "ph" else 0.05 * ndtr(score)
    bsa = _normal(rng, 1.85, 0.2, 1.4, 2.5, n)
    return pd.DataFrame(traits, columns=list(TRAIT_NAMES)).assign(severity=severity, bsa_m2=bsa), score


def parameters_from_row(row: Mapping[str, float]) -> HeartParameters:
    """Heart parameters of one row of a population table.

    Parameters
    ----------
    row : mapping or pandas.Series
        Holds every name in `PARAMETER_NAMES`; anything else in it is ignored.

    Raises
    ------
    ValueError
        When a name is missing, or a value is out of range.
    """
    missing = [name for name in PARAMETER_NAMES if name not in row]
    if missing:
        raise ValueError(f"the row lacks the heart parameters {missing}; take it from a population table")
    values = {name: row[name] for name in PARAMETER_NAMES}
    return HeartParameters(**{k: bool(v) if k == "close_rv_apex" else float(v) for k, v in values.items()})


def _severity_score(traits: np.ndarray, rng: np.random.Generator, *, coherent: bool) -> np.ndarray:
    """(N,) standard normal score behind the severity, following the traits if `coherent`."""
    noise = rng.standard_normal(len(traits))
    if not coherent:
        return noise
    scale = math.sqrt(SEVERITY_WEIGHTS @ TRAIT_CORRELATION @ SEVERITY_WEIGHTS)
    return SEVERITY_COHERENCE * (traits @ SEVERITY_WEIGHTS) / scale + math.sqrt(1 - SEVERITY_COHERENCE**2) * noise


def draw_hearts(known: pd.DataFrame, kind: str, separate_shape: bool, rng: np.random.Generator) -> pd.DataFrame:
    """Heart parameters for every row, those that the model cannot carry drawn again."""
    hearts = _draw_hearts(known, kind, separate_shape, rng)
    waiting = known.index
    for _ in range(_MAX_REDRAWS):
        waiting = pd.Index([i for i in waiting if not _builds(hearts.loc[i])])
        if waiting.empty:
            return hearts
        hearts.loc[waiting] = _draw_hearts(known.loc[waiting], kind, separate_shape, rng)
    raise ValueError(
        f"{len(waiting)} of {len(known)} subjects could not be built after {_MAX_REDRAWS} draws "
        f"(first: traits {known.loc[waiting[0], list(TRAIT_NAMES)].to_dict()}); use another seed"
    )


def _builds(row: pd.Series) -> bool:
    try:
        DigitalHeart(parameters_from_row(row))
    except ValueError:
        return False
    return True


def _draw_hearts(known: pd.DataFrame, kind: str, separate_shape: bool, rng: np.random.Generator) -> pd.DataFrame:
    """One draw of every field of `HeartParameters` (rows of `known`, index kept)."""
    n, sev, bsa = len(known), known["severity"].to_numpy(), known["bsa_m2"].to_numpy()
    size = np.cbrt(bsa / 1.85)
    function = _draw_function(known, kind, separate_shape, rng)
    flat_ed, flat_es = function.pop("unclipped_ed"), function.pop("unclipped_es")
    columns = {
        "length_mm": _normal(rng, 88.0, 5.0, 70.0, 106.0, n) * size,
        "apex_height_mm": _normal(rng, 7.0, 1.0, 4.0, 10.0, n) * size,
        "wall_mm": _normal(rng, 8.0, 1.0, 5.5, 12.0, n) * size,
        "rv_wall_mm": _normal(rng, 3.2 + 2.8 * sev, 0.6, 2.0, 9.0, n),
        "outflow_mm": 18.0 * size,
        "rv_half_angle_rad": _normal(rng, 1.10 + 0.12 * sev, 0.06, 0.85, 1.4, n),
        "lvedv_ml": _normal(rng, 78.0 - 14.0 * sev, 11.0, 45.0, 120.0, n) * bsa,
        "lvef": _normal(rng, 0.63 - 0.02 * sev, 0.06, 0.3, 0.8, n),
        "rvedv_ml": _normal(rng, 82.0 + 55.0 * sev, 16.0, 50.0, 220.0, n) * bsa,
        "twist_rad": np.deg2rad(_normal(rng, 14.0 - 5.0 * sev, 3.0, 2.0, 22.0, n)),
        "heart_rate_per_min": _normal(rng, 68.0 + 14.0 * sev, 10.0, 45.0, 120.0, n),
        "rv_contraction_slope": _normal(rng, 0.0, 0.25, -0.75, 0.75, n),
        **function,
        **_draw_shape_extensions(flat_ed, flat_es, rng),
    }
    defaults = HeartParameters()
    table = pd.DataFrame({k: columns.get(k, getattr(defaults, k)) for k in PARAMETER_NAMES}, index=known.index)
    return table


def _draw_function(
    known: pd.DataFrame, kind: str, separate_shape: bool, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """What the traits set: ejection, long axis, delay, septum (the unclipped septum too, for the oval)."""
    n, sev = len(known), known["severity"].to_numpy()
    x_rvef, x_long, x_septal, x_lag = known[list(TRAIT_NAMES)].to_numpy().T
    own_mapse, own_ed, own_septal = rng.standard_normal((3, n))
    septal_at_ed = own_septal if separate_shape else x_septal
    if kind == "ph":
        es, es_for_ed = 0.45 - 0.24 * x_septal, 0.45 - 0.24 * septal_at_ed
        ed = 0.35 * np.clip(es_for_ed, 0, 1) + 0.06 * own_ed
        return {
            "rvef": np.clip(0.40 + 0.11 * x_rvef, 0.12, 0.70),
            "tapse_mm": np.clip(17.5 + 4.8 * x_long, 5.0, 30.0),
            "mapse_mm": np.clip(13.0 + x_long + 1.2 * own_mapse, 6.0, 19.0),
            "lag": np.clip(0.055 + 0.032 * x_lag, -0.03, 0.16),
            "septal_flattening_es": np.clip(es, 0.0, 1.0),
            "septal_flattening_ed": np.clip(ed, 0.0, 0.6),
            "unclipped_es": es + 0.3,
            "unclipped_ed": ed,
        }
    es, ed = 0.02 + 0.75 * sev - 0.15 * x_septal, 0.04 + 0.30 * sev + 0.08 * own_ed
    return {
        "rvef": np.clip(0.58 - 0.28 * sev + 0.07 * x_rvef, 0.12, 0.75),
        "tapse_mm": np.clip(24.0 - 11.0 * sev + 3.2 * x_long, 5.0, 32.0),
        "mapse_mm": np.clip(14.5 - 3.0 * sev + 1.8 * (0.64 * x_long + 0.768 * own_mapse), 6.0, 20.0),
        "lag": np.clip(0.01 + 0.09 * sev + 0.03 * x_lag, -0.03, 0.16),
        "septal_flattening_es": np.clip(es, 0.0, 1.0),
        "septal_flattening_ed": np.clip(ed, 0.0, 0.7),
        "unclipped_es": np.maximum(es, 0.0),
        "unclipped_ed": np.maximum(ed, 0.0),
    }


def _draw_shape_extensions(flat_ed: np.ndarray, flat_es: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Oval short axis, widening septum, bent and swaying axis, tilted base: harmless variety, small spreads."""
    n, mean = len(flat_ed), HeartParameters()
    oval = septal_extensions(flat_ed, flat_es)
    own = 0.02 * rng.standard_normal(n)
    return {
        "lv_axis_ratio_ed": np.clip(oval["lv_axis_ratio_ed"] + own, 0.9, 1.4),
        "lv_axis_ratio_es": np.clip(oval["lv_axis_ratio_es"] + own, 0.9, 1.5),
        "septal_flow": np.clip(oval["septal_flow"], 0.9, 1.3),
        "axis_bend_x_mm": _normal(rng, mean.axis_bend_x_mm, 1.5, -8.0, 3.0, n),
        "axis_bend_y_mm": _normal(rng, mean.axis_bend_y_mm, 1.5, -3.0, 7.0, n),
        "sway_x_mm": _normal(rng, mean.sway_x_mm, 0.7, -4.0, 1.0, n),
        "sway_y_mm": _normal(rng, mean.sway_y_mm, 0.7, -2.0, 4.0, n),
        "base_tilt_x": _normal(rng, mean.base_tilt_x, 0.02, -0.05, 0.1, n),
        "base_tilt_y": _normal(rng, mean.base_tilt_y, 0.02, -0.15, 0.0, n),
    }


def draw_covariates(
    known: pd.DataFrame, score: np.ndarray, kind: str, rng: np.random.Generator, case_mix: CaseMix | None = None
) -> pd.DataFrame:
    """Columns of `COVARIATE_NAMES`; see `simulate_population` for what they follow."""
    case_mix = case_mix or CaseMix()
    n, patient = len(known), kind == "ph"
    own_sex, own_age, own_class, own_walk, own_mpap = rng.standard_normal((5, n))
    male = own_sex < (known["bsa_m2"].to_numpy() - 1.85) / 0.25 - (0.2 if patient else 0.0) + case_mix.male_shift
    age = np.clip((60.0 if patient else 50.0) + case_mix.age_shift + 14.0 * own_age, 18.0, 88.0)
    class_score = 0.5 * score + math.sqrt(0.75) * own_class
    walk_score = -0.4 * score + math.sqrt(0.84) * own_walk
    r = MPAP_SEPTAL_CORRELATION
    mpap_score = r * known["x_septal"].to_numpy() + math.sqrt(1 - r * r) * own_mpap
    if patient:
        who = 1 + np.searchsorted([-1.5, -0.3, 1.4], class_score)
        walk, mpap = 330.0 + 110.0 * walk_score, np.clip(45.0 + 13.0 * mpap_score, 25.0, 90.0)
    else:
        who, walk = np.ones(n, dtype=int), 580.0 + 80.0 * own_walk
        mpap = np.clip(14.0 + 3.0 * own_mpap, 8.0, 20.0)
    return pd.DataFrame(
        {
            "age": np.round(age, 1),
            "sex": np.where(male, "M", "F"),
            "bsa_m2": known["bsa_m2"].to_numpy(),
            "who_class": who.astype(int),
            "six_minute_walk_m": np.round(np.clip(walk, 30.0, 800.0)),
            "mpap_mmhg": np.round(mpap, 1),
        },
        index=known.index,
    )


def _normal(rng: np.random.Generator, mean, sd: float, low: float, high: float, n: int) -> np.ndarray:
    """(n,) normal draws clipped to [low, high]."""
    return np.clip(mean + sd * rng.standard_normal(n), low, high)
