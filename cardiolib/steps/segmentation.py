"""Notebook 01 in three steps: networks (`trained_networks`), segment the cohort, measure against the reference."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort, CohortError
from cardiolib.digital_heart import LANDMARKS
from cardiolib.files import atomic_path, read_json, write_table
from cardiolib.imaging import STRUCTURES, Cine, LabelMap, on_grid_of, write_label_map
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.inference import Segmentation, segment_scan
from cardiolib.segmentation.measures import clinical_measures, compare_label_maps
from cardiolib.segmentation.quality_gate import shipped_gate
from cardiolib.segmentation.segmented import (
    SegmentedCohort,
    SegmentedScan,
    best_and_worst,
    example_scan,
    reference_frames,
    why_without_reference,
)
from cardiolib.segmentation.simulation import simulate_training_scans
from cardiolib.shape.example_shape import SurfaceErrors
from cardiolib.steps.cohort_networks import CohortNetworks
from cardiolib.steps.segmentation_settings import SegmentationStageSettings
from cardiolib.steps.shape import example_shape, surface_errors
from cardiolib.steps.trained_networks import networks_for_cohort
from cardiolib.work import Work

__all__ = [
    "SegmentationStageSettings",
    "best_and_worst",
    "example_scan",
    "example_shape",
    "networks_for_cohort",
    "segment_cohort",
    "segmentation_metrics",
    "simulated_beside",
    "surface_errors",
]


def segment_cohort(networks: CohortNetworks, cohort: Cohort, work: Work) -> SegmentedCohort:
    """Segment every scan that has a network to read it, and compare with the reference where there is one.

    Scans that their network was trained on are segmented as well, for the notebooks that follow, but not compared.

    Label maps go to ``<folder>/<ID>/label_sa.nii.gz`` in the image's own space as each scan is finished; scans that
    were finished before an interruption are not done again.

    Parameters
    ----------
    networks : CohortNetworks
    cohort : Cohort
    work : Work
    """
    # the networks' weights decide what is found: rows of another network are never handed back
    key = {"networks": networks.key(), "cohort": cohort.name, "gate": shipped_gate().fingerprint()}
    units = work.units("scans", key, what="Segmented scans")
    one = partial(_segment_one, networks=networks, cohort=cohort, folder=work.folder, units=units)
    rows = [tuple(_table(rows) for rows in tables) for tables in work.map_units(one, list(networks.reader))]
    parts = [pd.concat(frames, ignore_index=True) for frames in zip(*rows, strict=True)]
    measures, reference, comparison, landmarks, quality = parts
    result = SegmentedCohort(
        measures.set_index("ID"),
        reference.set_index("ID") if len(reference) else reference,
        comparison,
        landmarks,
        quality.set_index("ID"),
        why_without_reference(cohort, list(networks.reader), [i for i in networks.reader if networks.trained_on(i)]),
    )
    by_id = ("measures", "reference", "quality")
    for name in (*by_id, "comparison", "landmarks"):
        write_table(getattr(result, name), work.folder / f"{name}.csv", index=name in by_id, simulated=cohort.simulated)
    return result


def simulated_beside(network: TrainedNetwork, cohort: Cohort, work: Work) -> SegmentedScan:
    """For a real cohort: a simulated scan that is in no training set, segmented.

    It is drawn beside the real scan, so that a reader sees what the network learnt from. A simulated cohort needs none.
    """
    if cohort.simulated:
        return SegmentedScan.none("The scans of this cohort are simulated themselves.")
    [(_, scan)] = simulate_training_scans(1, seed=work.seed + 1, varied=True)
    frames = {"simulated ED": 0, "simulated ES": 1}
    return SegmentedScan(scan.cine, frames, segment_scan(network, scan.cine).labels, scan.labels)


def _segment_one(
    subject_id: str, *, networks: CohortNetworks, cohort: Cohort, folder: Path, units: Path
) -> list[list[dict]]:
    """Rows of the five tables for one scan, from `units` when an interrupted run has left them there."""
    unit, written = units / f"{subject_id}.json", folder / subject_id / "label_sa.nii.gz"
    if unit.is_file() and written.is_file():
        return read_json(unit)
    cine = cohort.image(subject_id)
    reference = None if networks.trained_on(subject_id) else _reference(subject_id, cohort, cine)  # before any work
    reader, known = networks.of(subject_id), networks.trained_on(subject_id)
    found = segment_scan(reader.network, cine)
    write_label_map(found.labels, written)
    notes = "; ".join((*cine.notes, *found.notes))
    verdict = found.quality.as_row()
    judged = {name: verdict[name] for name in ("verdict", "predicted_dice")}
    read = {"read_by": reader.name, "trained_on": known}
    row = {"ID": subject_id, "ed": found.ed, "es": found.es, **found.measures(), **judged, **read, "notes": notes}
    quality = pd.DataFrame([{"ID": subject_id, **verdict}])
    compared = (pd.DataFrame(), pd.DataFrame()) if known else _against_reference(subject_id, found, reference)
    landmarks = _landmark_rows(subject_id, found, cohort, compared=not known)
    tables = (pd.DataFrame([row]), *compared, landmarks, quality)
    rows = [json.loads(table.to_json(orient="records", double_precision=12)) for table in tables]
    with atomic_path(unit) as temporary:
        temporary.write_text(json.dumps(rows), encoding="utf-8")
    return rows


def _table(rows: list[dict]) -> pd.DataFrame:
    """Rows as JSON keeps them, where null stands for a measure that is not defined (NaN)."""
    return pd.DataFrame([{name: np.nan if value is None else value for name, value in row.items()} for row in rows])


def _reference(subject_id: str, cohort: Cohort, cine: Cine) -> tuple[LabelMap, dict[str, int]] | None:
    """Reference labels at ED and ES on the grid of the cine, and which of its frames these are."""
    reference = reference_frames(subject_id, cohort)
    if reference is None:
        return None
    truth, frames = reference
    if max(frames.values()) >= cine.n_frames:
        raise CohortError(
            f"the reference labels of subject {subject_id!r} of cohort {cohort.name!r} belong to frames "
            f"{sorted(frames.values())} (from 0), and its cine has {cine.n_frames}. Give the cine that was labelled."
        )
    try:
        return on_grid_of(truth, cine.affine, cine.shape), frames
    except ValueError as error:
        raise CohortError(
            f"the reference labels of subject {subject_id!r} of cohort {cohort.name!r}: {error}."
        ) from error


def _against_reference(
    subject_id: str, found: Segmentation, reference: tuple[LabelMap, dict[str, int]] | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if reference is None:
        return pd.DataFrame(), pd.DataFrame()
    truth, frames = reference
    at_same = replace(found.labels, labels=found.labels.labels[..., list(frames.values())])
    comparison = compare_label_maps(at_same, truth, frames={"ED": 0, "ES": 1})
    labelled = [name for name in STRUCTURES if found.volumes[f"{name}_ml"].notna().all()]
    comparison = comparison[comparison["structure"].isin(labelled)].reset_index(drop=True)
    comparison.insert(0, "ID", subject_id)
    return pd.DataFrame([{"ID": subject_id, **clinical_measures(truth, ed=0, es=1)}]), comparison


def _landmark_rows(subject_id: str, found: Segmentation, cohort: Cohort, *, compared: bool = True) -> pd.DataFrame:
    """Landmarks at ED and ES: place, what placed them, and how far off they are where that is known."""
    normal = found.labels.affine[:3, 2]
    slice_step = np.linalg.norm(normal)
    known = cohort.landmarks(subject_id) if compared and subject_id in cohort.ids_with("landmarks") else None
    rows = []
    for phase, frame in (("ED", found.ed), ("ES", found.es)):
        places = found.landmarks_world_mm[frame]
        offset = np.full((len(places), 3), np.nan) if known is None else places - known[frame]
        along = offset @ normal / slice_step
        in_plane = np.linalg.norm(offset - along[:, None] * normal / slice_step, axis=1)
        rows += [
            {
                "ID": subject_id,
                "phase": phase,
                "landmark": name,
                "x_mm": place[0],
                "y_mm": place[1],
                "z_mm": place[2],
                "placed_by": found.landmark_source[frame, i],
                "in_plane_mm": in_plane[i],
                "slices": abs(along[i]) / slice_step,
            }
            for i, (name, place) in enumerate(zip(LANDMARKS, places, strict=True))
        ]
    return pd.DataFrame(rows)


def segmentation_metrics(result: SegmentedCohort, surfaces: SurfaceErrors) -> dict[str, float]:
    """Headline numbers: Dice and distances by structure, errors of the ejection fractions, landmarks, surfaces."""
    metrics: dict[str, float] = {"scans_count": len(result.measures)}
    for method, by_method in surfaces.table.groupby("method"):
        label = "surface" if method == "model" else f"surface_{method}"
        for name, part in by_method.groupby("surface"):
            metrics[f"{label}_{name}_assd_mm"] = float(part["assd_mm"].mean())
    if len(result.comparison):
        by = result.comparison.groupby("structure")
        metrics |= {f"dice_{name}": float(part["dice"].mean()) for name, part in by}
        metrics |= {f"assd_{name}_mm": float(part["assd_mm"].mean()) for name, part in by}
        metrics |= {f"hd95_{name}_mm": float(part["hausdorff95_mm"].mean()) for name, part in by}
        for side in ("lvef", "rvef"):
            error = (result.measures[f"{side}_percent"] - result.reference[f"{side}_percent"]).dropna()
            metrics[f"{side}_mae_points"] = float(error.abs().mean())
            metrics[f"{side}_bias_points"] = float(error.mean())
    if len(result.landmarks):
        by_network = result.landmarks["placed_by"] == "network"
        metrics["landmarks_by_network_percent"] = 100 * float(by_network.mean())
        if result.landmarks["in_plane_mm"].notna().any():
            metrics["landmark_in_plane_mm"] = float(result.landmarks["in_plane_mm"].mean())
            metrics["landmark_slices"] = float(result.landmarks["slices"].mean())
    return metrics
