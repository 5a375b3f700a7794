"""The digital heart: a simulator of both ventricles whose motion, labels and outcomes are known."""

from .acquisition import SimulatedScan, acquire
from .acquisition_settings import AcquisitionSettings
from .activation import Activation
from .case_mix import CaseMix
from .dense import DenseSettings, acquire_dense
from .heart import PHASES, DigitalHeart
from .kinds import HEART_KINDS, heart_of_kind
from .landmarks import LANDMARKS
from .location import Located
from .origins import ed_origins, true_displacement
from .outcomes import simulate_centre_outcomes, simulate_outcomes
from .parameters import (
    PARAMETER_NAMES,
    HeartParameters,
    mean_parameters,
    parameters_at_severity,
    septal_extensions,
)
from .population import COVARIATE_NAMES, TRAIT_NAMES, parameters_from_row, simulate_population
from .tagging import TaggingSettings, acquire_tagged
from .variation import varied_heart
from .wall_motion import WALL_MOTION_NAMES

__all__ = [
    "COVARIATE_NAMES",
    "HEART_KINDS",
    "LANDMARKS",
    "TRAIT_NAMES",
    "PARAMETER_NAMES",
    "PHASES",
    "WALL_MOTION_NAMES",
    "AcquisitionSettings",
    "Activation",
    "CaseMix",
    "DenseSettings",
    "DigitalHeart",
    "HeartParameters",
    "Located",
    "SimulatedScan",
    "TaggingSettings",
    "acquire",
    "acquire_dense",
    "acquire_tagged",
    "ed_origins",
    "heart_of_kind",
    "mean_parameters",
    "parameters_at_severity",
    "parameters_from_row",
    "septal_extensions",
    "simulate_centre_outcomes",
    "simulate_outcomes",
    "simulate_population",
    "true_displacement",
    "varied_heart",
]
