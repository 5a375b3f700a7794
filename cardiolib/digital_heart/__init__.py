"""The digital heart: a simulator of both ventricles whose motion, labels and outcomes are known."""

from .acquisition import AcquisitionSettings, SimulatedScan, acquire
from .activation import Activation
from .heart import PHASES, DigitalHeart
from .kinds import HEART_KINDS, heart_of_kind
from .landmarks import LANDMARKS
from .location import Located
from .outcomes import simulate_outcomes
from .parameters import (
    PARAMETER_NAMES,
    HeartParameters,
    mean_parameters,
    parameters_at_severity,
    septal_extensions,
)
from .population import COVARIATE_NAMES, TRAIT_NAMES, parameters_from_row, simulate_population
from .variation import varied_heart

__all__ = [
    "COVARIATE_NAMES",
    "HEART_KINDS",
    "LANDMARKS",
    "TRAIT_NAMES",
    "PARAMETER_NAMES",
    "PHASES",
    "AcquisitionSettings",
    "Activation",
    "DigitalHeart",
    "HeartParameters",
    "Located",
    "SimulatedScan",
    "acquire",
    "heart_of_kind",
    "mean_parameters",
    "parameters_at_severity",
    "parameters_from_row",
    "septal_extensions",
    "simulate_outcomes",
    "simulate_population",
    "varied_heart",
]
