"""The digital heart: a simulator of both ventricles whose motion, labels and outcomes are known exactly."""

from .acquisition import AcquisitionSettings, SimulatedScan, acquire
from .activation import Activation
from .decimation import decimated_mesh, matched_points, template_mesh
from .heart import PHASES, DigitalHeart
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
from .population import COVARIATE_NAMES, LATENT_NAMES, parameters_from_row, simulate_population

MATCHED_POINTS = matched_points()

__all__ = [
    "COVARIATE_NAMES",
    "LANDMARKS",
    "LATENT_NAMES",
    "MATCHED_POINTS",
    "PARAMETER_NAMES",
    "PHASES",
    "AcquisitionSettings",
    "Activation",
    "DigitalHeart",
    "HeartParameters",
    "Located",
    "SimulatedScan",
    "acquire",
    "decimated_mesh",
    "matched_points",
    "mean_parameters",
    "parameters_at_severity",
    "parameters_from_row",
    "septal_extensions",
    "simulate_outcomes",
    "simulate_population",
    "template_mesh",
]
