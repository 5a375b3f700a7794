"""Motion: material points followed through a cine, and the numbers that describe it."""

from cardiolib.motion.correspondence import FittedTemplate, fit_template
from cardiolib.motion.curvature import septal_curvature, wall_curvature
from cardiolib.motion.descriptors import (
    N_FEATURES,
    N_PHASES,
    N_POINTS,
    MotionMatrix,
    column_index,
    from_matrix,
    kabsch,
    read_matrix,
    resample_phases,
    to_heart_frame,
    to_matrix,
    write_matrix,
)
from cardiolib.motion.evaluation import COMPONENTS, endpoint_errors, heart_components
from cardiolib.motion.field import MotionField
from cardiolib.motion.groupwise import track
from cardiolib.motion.indices import (
    annular_excursion_mm,
    edge_strain,
    ejection_fraction,
    mitral_excursion_mm,
    mitral_indices,
    right_ventricular_indices,
    volume_table,
)
from cardiolib.motion.quality import Quality, assess_quality
from cardiolib.motion.settings import METHODS, TrackingSettings
from cardiolib.motion.subjects import (
    TrackedSubject,
    TrackingUnit,
    cohort_matrix,
    quality_table,
    subject_seed,
    track_subject,
    track_units,
)
from cardiolib.motion.surface_files import write_surfaces

__all__ = [
    "COMPONENTS",
    "METHODS",
    "N_FEATURES",
    "N_PHASES",
    "N_POINTS",
    "FittedTemplate",
    "MotionField",
    "MotionMatrix",
    "Quality",
    "TrackedSubject",
    "TrackingSettings",
    "TrackingUnit",
    "annular_excursion_mm",
    "assess_quality",
    "cohort_matrix",
    "column_index",
    "edge_strain",
    "ejection_fraction",
    "endpoint_errors",
    "fit_template",
    "from_matrix",
    "heart_components",
    "kabsch",
    "mitral_excursion_mm",
    "mitral_indices",
    "quality_table",
    "read_matrix",
    "resample_phases",
    "right_ventricular_indices",
    "septal_curvature",
    "subject_seed",
    "to_heart_frame",
    "to_matrix",
    "track",
    "track_subject",
    "track_units",
    "volume_table",
    "wall_curvature",
    "write_matrix",
    "write_surfaces",
]
