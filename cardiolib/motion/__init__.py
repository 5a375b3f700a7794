"""Motion: material points followed through a cine, and the numbers that describe it."""

from cardiolib.motion.correspondence import FittedTemplate, fit_template
from cardiolib.motion.curvature import septal_curvature, wall_curvature
from cardiolib.motion.displacement_score import DisplacementScore, score_displacement
from cardiolib.motion.evaluation import COMPONENTS, endpoint_errors, heart_components
from cardiolib.motion.examples import EncodedHeart, HeartFunction, HeartInImages, MovingHeart, TwoHearts
from cardiolib.motion.followed import follow_field
from cardiolib.motion.heart_frame import kabsch, resample_phases, to_heart_frame
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
from cardiolib.motion.tracked import CohortMotion, TrackedCohort, TrackingErrors
from cardiolib.motion.tracking.field import MotionField
from cardiolib.motion.tracking.groupwise import track
from cardiolib.motion.tracking.settings import METHODS, TrackingSettings
from cardiolib.motion.tracking.watched import WatchedTracking, watch_tracking

__all__ = [
    "CohortMotion",
    "DisplacementScore",
    "EncodedHeart",
    "HeartFunction",
    "HeartInImages",
    "MovingHeart",
    "TrackedCohort",
    "TrackingErrors",
    "TwoHearts",
    "COMPONENTS",
    "FittedTemplate",
    "METHODS",
    "MotionField",
    "Quality",
    "TrackedSubject",
    "TrackingSettings",
    "TrackingUnit",
    "WatchedTracking",
    "annular_excursion_mm",
    "assess_quality",
    "cohort_matrix",
    "edge_strain",
    "ejection_fraction",
    "endpoint_errors",
    "fit_template",
    "follow_field",
    "heart_components",
    "kabsch",
    "mitral_excursion_mm",
    "mitral_indices",
    "quality_table",
    "resample_phases",
    "score_displacement",
    "right_ventricular_indices",
    "septal_curvature",
    "subject_seed",
    "to_heart_frame",
    "track",
    "track_subject",
    "track_units",
    "volume_table",
    "wall_curvature",
    "watch_tracking",
    "write_surfaces",
]
