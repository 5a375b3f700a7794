"""What notebook 01 shows of a segmented cohort: tables, agreement, cases to look at, headline numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.imaging import Cine, LabelMap, ed_es_frames, read_label_map
from cardiolib.segmentation.measures import agreement

AGREEMENT = {
    f"{side}{measure}": f"{side.upper()} {title}"
    for side in ("lv", "rv")
    for measure, title in (
        ("_edv_ml", "end-diastolic volume"),
        ("_esv_ml", "end-systolic volume"),
        ("ef_percent", "ejection fraction"),
    )
}
"""Measures shown in the agreement figure, and their titles."""


@dataclass(frozen=True)
class SegmentedCohort:
    """What was found in a cohort's scans.

    Attributes
    ----------
    measures : DataFrame
        One row a subject: ed, es (frames), volumes, ejection fractions, masses, notes.
    reference : DataFrame
        The same measures of the reference label maps; no rows where there are none.
    comparison : DataFrame
        Subject, phase (ED, ES), structure, dice, distances in mm, volumes; no rows without references.
    landmarks : DataFrame
        Subject, phase, landmark, x_mm, y_mm, z_mm (world), placed_by ("network", "geometry", "none"), in_plane_mm and
        slices (distance to the known landmark; not known for real scans).
    """

    measures: pd.DataFrame
    reference: pd.DataFrame
    comparison: pd.DataFrame
    landmarks: pd.DataFrame


def best_and_worst(cohort: Cohort, folder: Path, result: SegmentedCohort) -> dict[str, dict[str, object]]:
    """The scans of highest and lowest mean Dice as `figures.short_axis_mosaic` wants them.

    Returns
    -------
    dict
        ``{"best": {...}, "worst": {...}}``; empty for a cohort without references.
    """
    if not len(result.comparison):
        return {}
    mean = result.comparison.assign(dice=result.comparison["dice"].fillna(0.0)).groupby("ID", sort=False)["dice"].mean()
    cases = {}
    for name, subject_id in (("best", str(mean.idxmax())), ("worst", str(mean.idxmin()))):
        cine, frames, predicted, truth = example_scan(cohort, folder, subject_id, result)
        cases[name] = {"cine": cine, "frames": frames, "predicted": predicted, "truth": truth}
    return cases


def example_scan(
    cohort: Cohort, folder: Path, subject_id: str, result: SegmentedCohort
) -> tuple[Cine, dict[str, int], LabelMap, LabelMap | None]:
    """One scan to look at: cine, frames to draw, what was found, and the reference at these frames if there is one."""
    cine, found = cohort.image(subject_id), read_label_map(folder / subject_id / "label_sa.nii.gz", "ours")
    row = result.measures.loc[subject_id]
    frames = {"ED": int(row["ed"]), "ES": int(row["es"])}
    truth = None
    pair = reference_frames(subject_id, cohort)
    if pair is not None:
        truth, frames = pair
    predicted = replace(found, labels=found.labels[..., list(frames.values())])
    return cine, frames, predicted, truth


def comparison_table(result: SegmentedCohort) -> pd.DataFrame:
    """Mean Dice and distances (mm) by structure and phase; empty where the cohort has no reference labels."""
    if not len(result.comparison):
        return pd.DataFrame({"reference": ["this cohort has no reference labels"]})
    columns = ["dice", "assd_mm", "hausdorff95_mm", "hausdorff_mm"]
    return result.comparison.groupby(["structure", "phase"])[columns].mean().round(3)


def volume_agreement(result: SegmentedCohort) -> pd.DataFrame:
    """Bland-Altman agreement and correlation of the volumes, ED and ES apart, by structure (mL), see `agreement`."""
    if not len(result.comparison):
        return pd.DataFrame({"reference": ["this cohort has no reference labels"]})
    table = result.comparison.assign(what=result.comparison["structure"] + " " + result.comparison["phase"])
    found, truth = (table.pivot(index="ID", columns="what", values=name) for name in ("volume_ml", "true_volume_ml"))
    return agreement(found, truth)


def measured_pairs(result: SegmentedCohort) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Automated and reference values of the clinical measures, for Bland-Altman plots.

    A measure is left out where fewer than two scans have both values: limits of agreement need two. Empty without
    references.
    """
    if not len(result.reference):
        return {}
    found = result.measures.loc[result.reference.index]
    pairs = {
        title: (found[name].to_numpy(float), result.reference[name].to_numpy(float))
        for name, title in AGREEMENT.items()
    }
    return {title: pair for title, pair in pairs.items() if np.isfinite(np.sum(pair, axis=0)).sum() >= 2}


def why_no_agreement(result: SegmentedCohort) -> str:
    """Why `measured_pairs` has nothing, in a sentence that says what to change."""
    if not len(result.reference):
        return "This cohort has no reference labels: there is nothing to compare with."
    return (
        f"In fewer than two of the {len(result.measures)} scans were both ventricles found, so agreement with the "
        "reference cannot be told. Train longer (`n_training`, `epochs`) or segment more scans (`max_scans`)."
    )


def reference_frames(subject_id: str, cohort: Cohort) -> tuple[LabelMap, dict[str, int]] | None:
    """Reference labels at ED and ES, and which frames of the cine these are; None where that is not known."""
    if subject_id not in cohort.ids_with("labels"):
        return None
    truth, frames = cohort.labels(subject_id)
    known = [i for i, frame in enumerate(frames) if frame is not None]
    if len(known) < 2:
        return None
    ed, es = (known[i] for i in ed_es_frames(truth.volume_ml("lv_cavity")[known]))
    pair = replace(truth, labels=truth.labels[..., [ed, es]])
    return pair, {"ED": int(frames[ed]), "ES": int(frames[es])}
