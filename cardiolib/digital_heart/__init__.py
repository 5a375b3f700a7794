"""The digital heart: a simulator of both ventricles whose motion, labels and outcomes are known exactly."""

from .activation import Activation
from .decimation import decimated_mesh, matched_points, template_mesh
from .heart import PHASES, DigitalHeart
from .landmarks import LANDMARKS
from .location import Located
from .parameters import PARAMETER_NAMES, HeartParameters, mean_parameters, parameters_at_severity, septal_extensions

MATCHED_POINTS = matched_points()

__all__ = [
    "LANDMARKS",
    "MATCHED_POINTS",
    "PARAMETER_NAMES",
    "PHASES",
    "Activation",
    "DigitalHeart",
    "HeartParameters",
    "Located",
    "decimated_mesh",
    "matched_points",
    "mean_parameters",
    "parameters_at_severity",
    "septal_extensions",
    "template_mesh",
]
