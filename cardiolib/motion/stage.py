"""Notebook 02 in steps: track the scans, assemble the cohort's motion matrix, measure errors against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.digital_heart import MATCHED_POINTS, decimated_mesh, template_mesh
from cardiolib.imaging.files import atomic_path, write_table
from cardiolib.meshes import SurfaceMesh
from cardiolib.motion.descriptors import write_matrix
from cardiolib.motion.settings import METHODS, PRIORS, TrackingSettings
from cardiolib.motion.subjects import TrackedSubject, TrackingUnit, cohort_matrix, quality_table, track_units
from cardiolib.motion.summary import (
    CHAIN,
    IMAGES_ALONE,
    TRACKING,
    CohortMotion,
    TrackedCohort,
    cohort_errors,
    conventional_indices,
    cycle_curves,
    error_table,
    function_table,
    motion_metrics,
    regional_displacement,
    true_surface,
)

__all__ = [
    "CHAIN", "IMAGES_ALONE", "TRACKING", "CohortMotion", "MotionStageSettings", "MovingHeart", "TrackedCohort",
    "assemble_motion", "cohort_errors", "conventional_indices", "cycle_curves", "describe_source", "error_table",
    "example_motion", "function_table", "motion_metrics", "regional_displacement", "track_cohort",
    "track_images_alone", "uses_truth",
]

SOURCES = ("truth", "tracked")
EFFORTS = ("full", "fast")
N_WHOLE = 12
"""Subjects of whom all surfaces of both ventricles are stored as VTK; of the others only the 202 points."""
N_COMPARED = 3
"""Scans that are tracked once more without the population's motion, to show what it adds."""


@dataclass(frozen=True)
class MotionStageSettings:
    """Parameters of notebook 02.

    Parameters
    ----------
    motion_source : str
        "truth": the digital heart's material motion fills the matrix, and a subset of scans is tracked for
        comparison. "tracked": what was tracked. Cohorts of real scans are always tracked.
    method : str
        "groupwise" or "published", see `TrackingSettings`.
    prior : str
        "population" or "none": what the group-wise tracker starts from and is held to.
    effort : str
        "full", or "fast": fewer points and iterations.
    max_scans : int
        Track at most so many scans; 0 for all that were segmented.
    """

    motion_source: str = "truth"
    method: str = "groupwise"
    prior: str = "population"
    effort: str = "full"
    max_scans: int = 12

    def __post_init__(self) -> None:
        for name, known in (("motion_source", SOURCES), ("method", METHODS), ("prior", PRIORS), ("effort", EFFORTS)):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}; given {getattr(self, name)!r}")
        if self.max_scans < 0:
            raise ValueError(f"max_scans must be 0 (all) or more; given {self.max_scans}")

    def tracking_settings(self) -> TrackingSettings:
        """The tracker's settings."""
        make = TrackingSettings.fast if self.effort == "fast" else TrackingSettings
        return make(method=self.method, prior=self.prior)


@dataclass(frozen=True, eq=False)
class MovingHeart:
    """One heart to look at: 202-point surface and its positions (T, 202, 3) in mm, heart frame.

    `others` are the same points as tracked, where `positions` are the truth.
    """

    subject_id: str
    mesh: SurfaceMesh
    positions: np.ndarray
    source: str
    others: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def es_phase(self) -> int:
        """The phase at which the points are farthest from ED, on average."""
        return int(np.linalg.norm(self.positions - self.positions[:1], axis=-1).mean(axis=1).argmax())


def uses_truth(cohort: Cohort, settings: MotionStageSettings) -> bool:
    """Whether the matrix holds the simulator's motion."""
    return cohort.simulated and settings.motion_source == "truth"


def describe_source(cohort: Cohort, settings: MotionStageSettings) -> str:
    """Where the numbers of the motion matrix come from, in one sentence."""
    if uses_truth(cohort, settings):
        return (
            f"The motion matrix of all {len(cohort)} subjects is the material truth of the digital heart; a subset of "
            "scans is tracked as well, and only to measure the tracker."
        )
    return f"The motion matrix holds what was tracked in the images of {len(cohort.ids_with('images'))} subjects."


def track_cohort(
    cohort: Cohort, segmentation_folder: Path, settings: MotionStageSettings, *, seed: int, folder: Path,
    map_units: Callable = map,
) -> TrackedCohort:
    """Track the scans that notebook 01 segmented (or the first `max_scans`).

    Results go to ``<folder>/units/<ID>`` as each is finished (in 4Dsegment's layout: ``motion/RV_fr00.txt`` and
    ``.vtk``, ...; of the first `N_WHOLE` subjects all surfaces) and are reused after an interruption; positions are
    kept in ``tracked_positions.npz``, verdicts in ``quality.csv``, conventional indices in ``indices.csv`` and the
    curves that they are read off in ``curves.csv``.
    """
    units = _units(cohort, segmentation_folder, settings, seed=seed, folder=folder / "units")
    tracked = track_units(units, map_units=map_units)
    quality = quality_table(tracked)
    write_table(quality, folder / "quality.csv")
    found = TrackedCohort(tracked, quality)
    write_table(conventional_indices(found), folder / "indices.csv")
    write_table(cycle_curves(found), folder / "curves.csv", index=False)
    with atomic_path(folder / "tracked_positions.npz") as temporary:
        np.savez(temporary, units=np.array("mm, world"), **{one.subject_id: one.positions for one in tracked})
    return found


def track_images_alone(
    cohort: Cohort, segmentation_folder: Path, settings: MotionStageSettings, *, seed: int, folder: Path,
    map_units: Callable = map,
) -> TrackedCohort:
    """The first scans of a simulated cohort once more, without the population's motion, to compare errors with.

    No scans for a real cohort (there is no error to compare), or where the population is not used anyway.
    """
    plain = replace(settings, prior="none", max_scans=min(settings.max_scans or N_COMPARED, N_COMPARED))
    used = cohort.simulated and settings.method == "groupwise" and settings.prior != "none"
    units = _units(cohort, segmentation_folder, plain, seed=seed, folder=folder / "units" / "alone") if used else []
    tracked = track_units(units, map_units=map_units)
    return TrackedCohort(tracked, quality_table(tracked))


def _units(
    cohort: Cohort, segmentation_folder: Path, settings: MotionStageSettings, *, seed: int, folder: Path
) -> list[TrackingUnit]:
    segmented = list(pd.read_csv(segmentation_folder / "measures.csv", dtype={"ID": str})["ID"])
    return [
        TrackingUnit(
            subject_id, cohort.image(subject_id), segmentation_folder / subject_id / "label_sa.nii.gz",
            settings=settings.tracking_settings(), seed=seed, folder=folder,
            known_points_mm=true_surface(cohort, subject_id)[0][0] if cohort.simulated else None,
            meshes="all" if number < N_WHOLE else "rv",
        )
        for number, subject_id in enumerate(segmented[: settings.max_scans or None])
    ]


def assemble_motion(
    cohort: Cohort, tracked: TrackedCohort, settings: MotionStageSettings, *, segmentation_folder: Path, folder: Path
) -> CohortMotion:
    """The motion matrix, written as ``motion.npz`` with the volumes beside it (``volumes.csv``).

    Volumes are the cohort's own where it has them, otherwise those that notebook 01 measured.
    """
    if uses_truth(cohort, settings):
        ids, X = cohort.motion_matrix()
        motion = CohortMotion(ids, X, cohort.true_positions(ids[0]).shape[0], "material truth of the digital heart")
    else:
        usable, left_out = _same_length(tracked.subjects)
        ids, X = cohort_matrix(usable)
        note = f"tracked in the images; left out: {', '.join(left_out)}" if left_out else "tracked in the images"
        motion = CohortMotion(ids, X, len(usable[0].positions), note)
    write_matrix(folder / "motion.npz", motion.X, motion.ids, n_phases=motion.n_phases, point_rows=MATCHED_POINTS,
                 about={"source": motion.source, "simulated": cohort.simulated, "cohort": cohort.name})
    if "volumes" in cohort.provides:
        volumes = cohort.volumes()
    else:
        measured = pd.read_csv(segmentation_folder / "measures.csv", dtype={"ID": str}).set_index("ID")
        volumes = measured.rename(columns={f"{side}_{name}_ml": f"{side}{name}".upper()
                                           for side in ("rv", "lv") for name in ("edv", "esv")})
        volumes = volumes.rename(columns={"rvef_percent": "RVEF", "lvef_percent": "LVEF"})
        volumes = volumes[["RVEDV", "RVESV", "RVEF", "LVEDV", "LVESV", "LVEF"]]
    write_table(volumes.rename_axis("ID"), folder / "volumes.csv")
    return motion


def example_motion(cohort: Cohort, tracked: TrackedCohort, settings: MotionStageSettings) -> MovingHeart:
    """A heart to look at: of the first subject that was tracked, true or tracked motion as in the matrix."""
    template = template_mesh().points[MATCHED_POINTS]
    usable = [one for one in tracked.subjects if np.isfinite(one.positions).all()]
    if uses_truth(cohort, settings):
        subject_id = usable[0].subject_id if usable else cohort.ids[0]
        truth = cohort.true_positions(subject_id)
        others = {"tracked in the images": usable[0].in_heart_frame(truth[0])} if usable else {}
        return MovingHeart(subject_id, decimated_mesh(template), truth, "truth", others)
    if not usable:
        raise ValueError("no subject was tracked: see the quality table for the reasons")
    positions = usable[0].in_heart_frame(template)
    return MovingHeart(usable[0].subject_id, decimated_mesh(template), positions, "tracked")


def _same_length(subjects: Sequence[TrackedSubject]) -> tuple[list[TrackedSubject], list[str]]:
    """Subjects with the commonest number of phases (a cohort may hold cines and ED/ES pairs), and who was left out."""
    usable = [one for one in subjects if np.isfinite(one.positions).all()]
    if not usable:
        raise ValueError("no subject was tracked: see the quality table for the reasons")
    length = Counter(len(one.positions) for one in usable).most_common(1)[0][0]
    kept = [one for one in usable if len(one.positions) == length]
    names = {one.subject_id for one in kept}
    return kept, [one.subject_id for one in subjects if one.subject_id not in names]
