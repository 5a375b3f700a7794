"""Cohorts: subjects with images, motion and follow-up, joined by ID, whatever files they come from."""

from cardiolib.cohorts.authors_files import (
    Bootout,
    InputData,
    ModelCStats,
    read_bootout,
    read_inputdata,
    read_model_cstats,
)
from cardiolib.cohorts.cohort import Cohort
from cardiolib.cohorts.foursegment.writing import write_4dsegment
from cardiolib.cohorts.measurements import VOLUME_COLUMNS
from cardiolib.cohorts.motion_matrix import (
    N_FEATURES,
    N_PHASES,
    N_VERTICES,
    column_index,
    column_meaning,
    from_matrix,
    to_matrix,
)
from cardiolib.cohorts.motion_matrix_file import (
    MotionMatrix,
    point_list_sha256,
    read_matrix,
    write_matrix,
    write_motion_file,
)
from cardiolib.cohorts.opening import LAYOUTS, open_cohort
from cardiolib.cohorts.pickles import read_pickle
from cardiolib.cohorts.provided import PROVIDABLE
from cardiolib.cohorts.simulated.build import build_simulated_cohort
from cardiolib.cohorts.simulated.habits.fates import HORIZON_YEARS, Fates, restricted_mean_survival
from cardiolib.cohorts.simulated.habits.patients import HabitPatients, simulate_habits
from cardiolib.cohorts.simulated.habits.world import HABIT_COHORTS, HABITS, HabitWorld
from cardiolib.cohorts.simulated.motion_images import write_motion_images
from cardiolib.cohorts.simulated.settings import SIMULATED_NAMES, SimulatedCohortSettings
from cardiolib.cohorts.simulated.simulated_cohort import SimulatedCohort
from cardiolib.cohorts.table import CohortError, join_by_id, subject_table, text_ids

__all__ = [
    "N_FEATURES",
    "N_PHASES",
    "N_VERTICES",
    "MotionMatrix",
    "column_index",
    "from_matrix",
    "read_matrix",
    "to_matrix",
    "write_matrix",
    "HABITS",
    "HABIT_COHORTS",
    "HORIZON_YEARS",
    "LAYOUTS",
    "PROVIDABLE",
    "SIMULATED_NAMES",
    "VOLUME_COLUMNS",
    "Bootout",
    "Cohort",
    "CohortError",
    "Fates",
    "HabitPatients",
    "HabitWorld",
    "InputData",
    "ModelCStats",
    "SimulatedCohort",
    "SimulatedCohortSettings",
    "build_simulated_cohort",
    "column_meaning",
    "join_by_id",
    "open_cohort",
    "point_list_sha256",
    "read_bootout",
    "read_inputdata",
    "read_model_cstats",
    "read_pickle",
    "restricted_mean_survival",
    "simulate_habits",
    "subject_table",
    "text_ids",
    "write_4dsegment",
    "write_motion_file",
    "write_motion_images",
]
