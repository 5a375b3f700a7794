"""Notebook 02 in steps: track the scans, assemble the cohort's motion matrix, measure errors against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.digital_heart import MATCHED_POINTS, decimated_mesh, template_mesh
from cardiolib.imaging.files import atomic_path, write_table
from cardiolib.meshes import SurfaceMesh
from cardiolib.motion.descriptors import N_PHASES, from_matrix, to_heart_frame, write_matrix
from cardiolib.motion.evaluation import endpoint_errors
from cardiolib.motion.settings import METHODS, PRIORS, TrackingSettings
from cardiolib.motion.subjects import TrackedSubject, TrackingUnit, cohort_matrix, quality_table, track_units

SOURCES = ("truth", "tracked")
EFFORTS = ("full", "fast")
TRACKING, CHAIN, IMAGES_ALONE = "tracking alone", "template fit and tracking", "tracking without the population"
N_COMPARED = 3
"""Scans that are tracked once more without the population's motion, to show what it adds."""

REGION_LABELS = {
    "lv_endo": "LV endocardium", "lv_epi": "LV epicardium", "rv_free": "RV free wall", "rv_septum": "septum",
}


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
class TrackedCohort:
    """Tracked subjects and the verdict on each.

    Attributes
    ----------
    subjects : list of TrackedSubject
    quality : DataFrame
        Index ID: ok, flags, reasons, measures.
    """

    subjects: list[TrackedSubject]
    quality: pd.DataFrame


@dataclass(frozen=True, eq=False)
class CohortMotion:
    """The cohort's motion.

    Attributes
    ----------
    ids : (N,) tuple of str
    X : (N, D) array
        Displacement from ED in mm, heart axes; D = 11,514 for 20 phases of 202 points.
    n_phases : int
    source : str
        In words: truth or tracked, and what was left out.
    """

    ids: tuple[str, ...]
    X: np.ndarray
    n_phases: int
    source: str

    def displacement_mm(self) -> np.ndarray:
        """(N, T, V) distance of every point from where it was at ED."""
        return np.linalg.norm(from_matrix(self.X, n_phases=self.n_phases), axis=-1)


@dataclass(frozen=True, eq=False)
class MovingHeart:
    """One heart to look at: 202-point surface and its positions (T, 202, 3) in mm, heart frame."""

    subject_id: str
    mesh: SurfaceMesh
    positions: np.ndarray
    source: str

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

    Results go to ``<folder>/units/<ID>`` as each is finished and are reused after an interruption; positions are
    kept in ``tracked_positions.npz``, verdicts in ``quality.csv``.
    """
    units = _units(cohort, segmentation_folder, settings, seed=seed, folder=folder / "units")
    tracked = track_units(units, map_units=map_units)
    quality = quality_table(tracked)
    write_table(quality, folder / "quality.csv")
    with atomic_path(folder / "tracked_positions.npz") as temporary:
        np.savez(temporary, units=np.array("mm, world"), **{one.subject_id: one.positions for one in tracked})
    return TrackedCohort(tracked, quality)


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
    segmented = pd.read_csv(segmentation_folder / "measures.csv", dtype={"ID": str})["ID"]
    return [
        TrackingUnit(
            subject_id, cohort.image(subject_id), segmentation_folder / subject_id / "label_sa.nii.gz",
            settings=settings.tracking_settings(), seed=seed, folder=folder,
            known_points_mm=_true_surface(cohort, subject_id)[0][0] if cohort.simulated else None,
        )
        for subject_id in list(segmented)[: settings.max_scans or None]
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
        return MovingHeart(subject_id, decimated_mesh(template), cohort.true_positions(subject_id), "truth")
    if not usable:
        raise ValueError("no subject was tracked: see the quality table for the reasons")
    positions = to_heart_frame(usable[0].positions, template)
    return MovingHeart(usable[0].subject_id, decimated_mesh(template), positions, "tracked")


def regional_displacement(motion: CohortMotion) -> pd.DataFrame:
    """Displacement over the cycle by region: mean and 5th to 95th percentile over the patients.

    Returns
    -------
    DataFrame
        region, phase (from 0), mean_mm, low_mm, high_mm.
    """
    mesh = decimated_mesh(template_mesh().points[MATCHED_POINTS])
    height = mesh.points[:, 2]
    names = np.array([REGION_LABELS[mesh.region_names[code]] for code in mesh.region])
    free = names == REGION_LABELS["rv_free"]
    upper = height > np.median(height[free])
    names = np.where(free & upper, "free wall, basal half", np.where(free, "free wall, apical half", names))
    displacement = motion.displacement_mm()
    rows = []
    for region in ("free wall, basal half", "free wall, apical half", "septum"):
        curve = displacement[:, :, names == region].mean(axis=2)
        low, high = np.percentile(curve, [5, 95], axis=0)
        rows += [{"region": region, "phase": t, "mean_mm": curve[:, t].mean(), "low_mm": low[t], "high_mm": high[t]}
                 for t in range(motion.n_phases)]
    return pd.DataFrame(rows)


def cohort_errors(cohort: Cohort, tracked: TrackedCohort, images_alone: TrackedCohort | None = None) -> pd.DataFrame:
    """Endpoint errors of every tracked subject against the material truth; no rows for real cohorts.

    Two errors: of tracking alone (true points at ED, moved by the tracker) and of the chain (displacement of the fitted
    template's points against that of the true ones). Of `images_alone` the first.

    Returns
    -------
    DataFrame
        ID, error (`TRACKING`, `CHAIN` or `IMAGES_ALONE`), region, phase, error_mm, zero_motion_mm and the
        components longitudinal_mm, circumferential_mm, radial_mm.
    """
    columns = ["ID", "error", "region", "frame", "phase", "n", "error_mm", "zero_motion_mm"]
    parts = [pd.DataFrame(columns=columns)]
    subjects = [(one, TRACKING) for one in tracked.subjects]
    subjects += [(one, IMAGES_ALONE) for one in (images_alone.subjects if images_alone else [])]
    for one, name in subjects if cohort.simulated else []:
        if not np.isfinite(one.positions).all():
            continue
        truth, region, to_world = _true_surface(cohort, one.subject_id)
        comparisons = [(name, one.known_positions, truth, region, False)]
        if name == TRACKING:
            points = cohort.true_world_positions(one.subject_id)
            comparisons.append((CHAIN, one.positions, points, region[MATCHED_POINTS], True))
        for error, found, true, names, displaced in comparisons:
            part = endpoint_errors(found, true, region=names, heart_to_world=to_world, from_displacement=displaced)
            part.insert(0, "error", error)
            part.insert(0, "ID", one.subject_id)
            parts.append(part)
    table = pd.concat(parts[1:] or parts, ignore_index=True)
    return table.assign(region=table["region"].map(lambda name: REGION_LABELS.get(name, name)))


def error_table(errors: pd.DataFrame) -> pd.DataFrame:
    """Mean errors at end-systole, by error and region, in mm; end-systole is where the true motion is largest."""
    at_es = _end_systole(errors)
    columns = ["error_mm", "zero_motion_mm", "longitudinal_mm", "circumferential_mm", "radial_mm"]
    return at_es.groupby(["error", "region"], sort=False)[[name for name in columns if name in at_es]].mean()


def motion_metrics(
    cohort: Cohort, tracked: TrackedCohort, motion: CohortMotion, errors: pd.DataFrame
) -> dict[str, float]:
    """Headline numbers of the stage."""
    metrics: dict[str, float] = {
        "tracked_subjects_count": len(tracked.subjects),
        "flagged_subjects_count": int((~tracked.quality["ok"].astype(bool)).sum()),
        "matrix_patients_count": len(motion.ids), "matrix_inputs_count": motion.X.shape[1],
    }
    if "closure_mm" in tracked.quality:
        metrics["closure_mm"] = float(tracked.quality["closure_mm"].mean())
    if not len(errors):
        return metrics
    at_es = _end_systole(errors)
    rv = at_es[at_es["region"].isin([REGION_LABELS["rv_free"], REGION_LABELS["rv_septum"]])]
    lv = at_es[at_es["region"].isin([REGION_LABELS["lv_endo"], REGION_LABELS["lv_epi"]])]
    chain = rv[rv["error"] == CHAIN]
    metrics |= {
        "endpoint_es_mm": float(chain["error_mm"].mean()), "zero_motion_es_mm": float(chain["zero_motion_mm"].mean()),
        "longitudinal_es_mm": float(chain["longitudinal_mm"].mean()),
    }
    for name, error in (("tracking", TRACKING), ("images_alone", IMAGES_ALONE)):
        for part, table in (("rv_free", rv[rv["region"] == REGION_LABELS["rv_free"]]), ("lv", lv)):
            values = table.loc[table["error"] == error, "error_mm"]
            if len(values):
                metrics[f"{name}_{part}_es_mm"] = float(values.mean())
    return metrics


def _end_systole(errors: pd.DataFrame) -> pd.DataFrame:
    if not len(errors):
        return errors
    mean = errors.groupby(["ID", "frame"])["zero_motion_mm"].mean()
    frames = mean.groupby(level="ID").idxmax()
    return errors.set_index(["ID", "frame"]).loc[list(frames)].reset_index()


def _true_surface(cohort: Cohort, subject_id: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Full true surface (T, V, 3) in world mm, region names (V,), heart to world (4, 4)."""
    heart, to_world = cohort.heart(subject_id), cohort.scan_truth(subject_id)["heart_to_world"]
    mesh = template_mesh()
    points = heart.surface_sequence(np.arange(N_PHASES) / N_PHASES) @ to_world[:3, :3].T + to_world[:3, 3]
    return points, np.asarray(mesh.region_names)[mesh.region], to_world


def _same_length(subjects: Sequence[TrackedSubject]) -> tuple[list[TrackedSubject], list[str]]:
    """Subjects with the commonest number of phases (a cohort may hold cines and ED/ES pairs), and who was left out."""
    usable = [one for one in subjects if np.isfinite(one.positions).all()]
    if not usable:
        raise ValueError("no subject was tracked: see the quality table for the reasons")
    length = Counter(len(one.positions) for one in usable).most_common(1)[0][0]
    kept = [one for one in usable if len(one.positions) == length]
    names = {one.subject_id for one in kept}
    return kept, [one.subject_id for one in subjects if one.subject_id not in names]
