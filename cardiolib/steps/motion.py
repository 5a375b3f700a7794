"""Notebook 02 in steps: track the scans, assemble the cohort's motion matrix, measure errors against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.cohorts.foursegment.reading import N_FRAMES
from cardiolib.cohorts.motion_matrix_file import write_matrix
from cardiolib.files import atomic_path, mark_simulated, read_table_by_id, write_table
from cardiolib.meshes import MATCHED_VERTICES, write_matched_points
from cardiolib.motion.subjects import TrackedSubject, TrackingUnit, cohort_matrix, quality_table, track_units
from cardiolib.motion.tracked import (
    CHAIN,
    IMAGES_ALONE,
    REGION_LABELS,
    TRACKING,
    CohortMotion,
    TrackedCohort,
    TrackingErrors,
    cohort_errors,
    conventional_indices,
    cycle_curves,
    first_function,
    true_surface,
)
from cardiolib.steps.motion_examples import TRACKED, encoded_heart, example_motion, heart_in_images, two_hearts
from cardiolib.steps.motion_settings import MotionStageSettings, describe_source, uses_truth
from cardiolib.verdicts import DO_NOT_USE, NOT_JUDGED, SCORES_FILE, VERDICTS_FILE, verdicts_of
from cardiolib.work import Work

__all__ = [
    "MotionStageSettings",
    "assemble_motion",
    "cohort_errors",
    "describe_source",
    "encoded_heart",
    "example_motion",
    "first_function",
    "heart_in_images",
    "motion_metrics",
    "track_cohort",
    "track_images_alone",
    "two_hearts",
]

LAYOUT = "4Dsegment"
N_WHOLE = 12
"""Subjects of whom all surfaces of both ventricles are stored as VTK; of the others only the 202 vertices."""
N_COMPARED = 3
"""Scans that are tracked once more without the population's motion, to show what it adds."""


def track_cohort(cohort: Cohort, settings: MotionStageSettings, work: Work) -> TrackedCohort:
    """Track the scans that notebook 01 segmented (or the first `max_scans`).

    Results go to ``<folder>/units/<ID>`` as each is finished and are reused after an interruption. ``4Dsegment`` holds
    them in the layout of that pipeline, for `open_cohort` or its own tools: ``<ID>/motion/RV_fr00.txt`` and ``.vtk``,
    ... in world mm, all surfaces of the first `N_WHOLE` subjects. Positions are kept in ``tracked_positions.npz``
    (``positions/<ID>``), verdicts in ``quality.csv`` (with the quality gate's on the segmentation beside motion's own),
    conventional indices in ``indices.csv`` and the curves that they are read off in ``curves.csv``.
    """
    units = _units(cohort, work.input("segmentation"), settings, seed=work.seed, folder=work.folder / "units")
    units = [
        replace(unit, layout_folder=work.folder / LAYOUT, meshes="all" if number < N_WHOLE else "rv")
        for number, unit in enumerate(units)
    ]
    tracked = track_units(units, map_units=work.map_units)
    _complete_layout(tracked, work.folder / LAYOUT, simulated=cohort.simulated)
    quality = quality_table(tracked)
    verdicts = verdicts_of(work.input("segmentation") / SCORES_FILE, quality.index)
    quality = quality.assign(segmentation=verdicts["verdict"], segmentation_reasons=verdicts["reasons"])
    write_table(quality, work.folder / "quality.csv", simulated=cohort.simulated)
    found = TrackedCohort(tracked, quality)
    write_table(conventional_indices(found), work.folder / "indices.csv", simulated=cohort.simulated)
    write_table(cycle_curves(found), work.folder / "curves.csv", index=False, simulated=cohort.simulated)
    with atomic_path(work.folder / "tracked_positions.npz") as temporary:
        about = {"units": np.array("mm, world"), "simulated": np.array(cohort.simulated)}
        np.savez(temporary, **about, **{f"positions/{one.subject_id}": one.positions for one in tracked})
    return found


def track_images_alone(cohort: Cohort, settings: MotionStageSettings, work: Work) -> TrackedCohort:
    """The first scans of a simulated cohort once more, without the population's motion, to compare errors with.

    No scans for a real cohort (there is no error to compare), or where the population is not used anyway.
    """
    plain = replace(settings, prior="none", max_scans=min(settings.max_scans or N_COMPARED, N_COMPARED))
    used = "truth" in cohort.provides and settings.method == "groupwise" and settings.prior != "none"
    units = (
        _units(cohort, work.input("segmentation"), plain, seed=work.seed, folder=work.folder / "units" / "alone")
        if used
        else []
    )
    tracked = track_units(units, map_units=work.map_units)
    return TrackedCohort(tracked, quality_table(tracked))


def _complete_layout(tracked: Sequence[TrackedSubject], folder: Path, *, simulated: bool) -> None:
    """Who is there, and which vertices the survival network reads (all: the files hold these and no others)."""
    names = [one.subject_id for one in tracked if one.is_tracked and len(one.positions) == N_FRAMES]
    if names:
        write_matched_points(
            np.repeat(np.arange(len(MATCHED_VERTICES))[:, None], 2, axis=1), folder / "matchedpointsnew.txt"
        )
        with atomic_path(folder / "subjnames.txt") as temporary:
            temporary.write_text("".join(f"{name}\n" for name in names), encoding="utf-8", newline="\n")
        mark_simulated(folder, simulated)


def _units(
    cohort: Cohort, segmentation_folder: Path, settings: MotionStageSettings, *, seed: int, folder: Path
) -> list[TrackingUnit]:
    known = "truth" in cohort.provides
    segmented = list(read_table_by_id(segmentation_folder / "measures.csv").index)
    return [
        TrackingUnit(
            subject_id,
            partial(cohort.image, subject_id),
            segmentation_folder / subject_id / "label_sa.nii.gz",
            settings=settings.tracking_settings(),
            seed=seed,
            folder=folder,
            known_points_mm=true_surface(cohort, subject_id)[0][0] if known else None,
            meshes="none",
        )
        for subject_id in segmented[: settings.max_scans or None]
    ]


def assemble_motion(cohort: Cohort, tracked: TrackedCohort, settings: MotionStageSettings, work: Work) -> CohortMotion:
    """The motion matrix, written as ``motion.npz`` with the volumes beside it (``volumes.csv``).

    Volumes are the cohort's own where it has them, otherwise those that notebook 01 measured. Nobody is left out for a
    doubtful segmentation, unless `leave_out_doubtful` says so; who is left out stands in the result's source. What the
    quality gate says of those who are in goes to ``segmentation_verdicts.csv``.
    """
    if uses_truth(cohort, settings):
        ids, X = cohort.motion_matrix()
        verdicts = pd.DataFrame({"verdict": NOT_JUDGED, "reasons": ""}, index=pd.Index(ids, name="ID"))
        motion = CohortMotion(ids, X, cohort.true_positions(ids[0]).shape[0], "material truth of the digital heart")
    else:
        usable = _same_length(_believed(tracked, settings))
        ids, X = cohort_matrix(usable)
        left_out = [one.subject_id for one in tracked.subjects if one.subject_id not in ids]
        note = f"{TRACKED}; left out: {', '.join(left_out)}" if left_out else TRACKED
        motion = CohortMotion(ids, X, len(usable[0].positions), note)
        columns = {"segmentation": "verdict", "segmentation_reasons": "reasons"}
        verdicts = tracked.quality.loc[list(ids), list(columns)].rename(columns=columns)
    write_table(verdicts, work.folder / VERDICTS_FILE, simulated=cohort.simulated)
    write_matrix(
        work.folder / "motion.npz",
        motion.X,
        motion.ids,
        n_phases=motion.n_phases,
        point_rows=MATCHED_VERTICES,
        simulated=cohort.simulated,
        about={"source": motion.source, "cohort": cohort.name},
    )
    if "volumes" in cohort.provides:
        volumes = cohort.volumes()
    else:
        measured = read_table_by_id(work.input("segmentation") / "measures.csv")
        volumes = measured.rename(
            columns={f"{side}_{name}_ml": f"{side}{name}".upper() for side in ("rv", "lv") for name in ("edv", "esv")}
        )
        volumes = volumes.rename(columns={"rvef_percent": "RVEF", "lvef_percent": "LVEF"})
        volumes = volumes[["RVEDV", "RVESV", "RVEF", "LVEDV", "LVESV", "LVEF"]]
    write_table(volumes.rename_axis("ID"), work.folder / "volumes.csv", simulated=cohort.simulated)
    return motion


def _believed(tracked: TrackedCohort, settings: MotionStageSettings) -> list[TrackedSubject]:
    """All subjects, or those whose segmentation may be used."""
    if not settings.leave_out_doubtful:
        return tracked.subjects
    doubtful = set(tracked.quality.index[tracked.quality["segmentation"] == DO_NOT_USE])
    kept = [one for one in tracked.subjects if one.subject_id not in doubtful]
    if not kept:
        raise ValueError(
            f"the quality gate says of all {len(doubtful)} segmentations that they should not be used, and "
            "leave_out_doubtful leaves nobody; look at notebook 01's reasons, or keep them with "
            "leave_out_doubtful = false"
        )
    return kept


def _same_length(subjects: Sequence[TrackedSubject]) -> list[TrackedSubject]:
    """Subjects with the commonest number of phases (a cohort may hold cines and ED/ES pairs)."""
    usable = [one for one in subjects if one.is_tracked]
    if not usable:
        raise ValueError("no subject was tracked: see the quality table for the reasons")
    length = Counter(len(one.positions) for one in usable).most_common(1)[0][0]
    return [one for one in usable if len(one.positions) == length]


def motion_metrics(
    cohort: Cohort, tracked: TrackedCohort, motion: CohortMotion, errors: TrackingErrors
) -> dict[str, float]:
    """Headline numbers of the stage."""
    metrics: dict[str, float] = {
        "tracked_subjects_count": len(tracked.subjects),
        "flagged_subjects_count": int((~tracked.quality["ok"].astype(bool)).sum()),
        "matrix_patients_count": len(motion.ids),
        "matrix_inputs_count": motion.X.shape[1],
    }
    if "closure_mm" in tracked.quality:
        metrics["closure_mm"] = float(tracked.quality["closure_mm"].mean())
    if errors.lacks:
        return metrics
    at_es = errors.at_end_systole
    rv = at_es[at_es["region"].isin([REGION_LABELS["rv_free"], REGION_LABELS["rv_septum"]])]
    lv = at_es[at_es["region"].isin([REGION_LABELS["lv_endo"], REGION_LABELS["lv_epi"]])]
    chain = rv[rv["error"] == CHAIN]
    metrics |= {
        "endpoint_es_mm": float(chain["error_mm"].mean()),
        "zero_motion_es_mm": float(chain["zero_motion_mm"].mean()),
        "longitudinal_es_mm": float(chain["longitudinal_mm"].mean()),
    }
    for name, error in (("tracking", TRACKING), ("images_alone", IMAGES_ALONE)):
        for part, table in (("rv_free", rv[rv["region"] == REGION_LABELS["rv_free"]]), ("lv", lv)):
            values = table.loc[table["error"] == error, "error_mm"]
            if len(values):
                metrics[f"{name}_{part}_es_mm"] = float(values.mean())
    return metrics
