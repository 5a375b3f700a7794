"""Notebook 01 in three steps: train on simulated hearts, segment the cohort, measure against the reference."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.digital_heart import LANDMARKS, AcquisitionSettings
from cardiolib.files import atomic_path, write_table
from cardiolib.imaging import LabelMap, read_label_map, write_label_map
from cardiolib.meshes import SurfaceMesh, extract_regions, surface_distance
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.examples import split_by_subject
from cardiolib.segmentation.inference import Segmentation, segment_scan
from cardiolib.segmentation.measures import clinical_measures, compare_label_maps
from cardiolib.segmentation.settings import SegmentationSettings, plain
from cardiolib.segmentation.shape import METHODS, SURFACES, RefinedShape, refine_shape
from cardiolib.segmentation.simulation import scan_examples, simulate_training_scans
from cardiolib.segmentation.summary import (
    SegmentedCohort,
    best_and_worst,
    comparison_table,
    example_scan,
    measured_pairs,
    reference_frames,
    segmentation_metrics,
    volume_agreement,
    why_no_agreement,
)
from cardiolib.segmentation.training import train_network
from cardiolib.work import keyed_folder

__all__ = [
    "SegmentationStageSettings",
    "SegmentedCohort",
    "best_and_worst",
    "comparison_table",
    "example_scan",
    "ExampleShape",
    "example_shape",
    "measured_pairs",
    "refined_shape_of",
    "segment_cohort",
    "segmentation_metrics",
    "simulated_beside",
    "surface_errors",
    "train_on_simulated",
    "true_surfaces",
    "volume_agreement",
    "why_no_agreement",
]


@dataclass(frozen=True)
class SegmentationStageSettings:
    """Parameters of notebook 01.

    Parameters
    ----------
    n_training : int
        Simulated hearts to train on, imaged at ED and ES with randomised contrast. None of them belongs to
        the cohort.
    validation_fraction : float
        Share of them kept aside to choose the best epoch.
    epochs : int
        Each shows every training heart once at ED and once at ES.
    width : int
        Channels of the network's finest level; each of its four levels has twice as many as the one before.
    augmentation : str
        How strongly training images are changed: "plain", "wild" (randomised surroundings, contrast and shape), or
        "auto": plain for a simulated cohort, wild for real scans.
    precision : str
        "fp32" (bit-stable) or "auto" (bfloat16 where the processor has it: faster).
    max_scans : int
        Segment at most so many of the cohort's scans; 0 for all.
    """

    n_training: int = 160
    validation_fraction: float = 0.1
    epochs: int = 7
    width: int = 16
    augmentation: str = "auto"
    precision: str = "fp32"
    max_scans: int = 0

    def __post_init__(self) -> None:
        if self.n_training < 2:
            raise ValueError(f"n_training must be at least 2, got {self.n_training}")
        if not 0 < self.validation_fraction < 1:
            raise ValueError(f"validation_fraction must lie between 0 and 1, got {self.validation_fraction}")
        if self.max_scans < 0:
            raise ValueError(f"max_scans must be 0 (all) or more, got {self.max_scans}")
        if self.augmentation not in ("auto", "plain", "wild"):
            raise ValueError(f"augmentation must be auto, plain or wild, got {self.augmentation!r}")
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")
        self.network_settings(simulated=True)

    def network_settings(self, *, simulated: bool) -> SegmentationSettings:
        """The settings of the network's training, for a simulated cohort or for real scans."""
        wild = self.augmentation == "wild" or (self.augmentation == "auto" and not simulated)
        make = SegmentationSettings.wild if wild else SegmentationSettings
        widths = tuple(self.width * 2**level for level in range(4))
        return make(epochs=self.epochs, widths=widths, precision=self.precision)


def train_on_simulated(
    settings: SegmentationStageSettings, cohort: Cohort, *, seed: int, folder: Path, map_units: Callable = map
) -> tuple[TrainedNetwork, pd.DataFrame]:
    """Simulate scans, train, and store the network as ``network.pt``; resumes after an interruption.

    For real scans the simulated hearts vary more than the simulated population does, and their labels follow the
    convention of ACDC, which leaves the outflow tract out of the right ventricle.

    Returns
    -------
    network : TrainedNetwork
    history : DataFrame
        One row an epoch.
    """
    real = not cohort.simulated
    scans = simulate_training_scans(
        settings.n_training,
        seed=seed,
        varied=real,
        acquisition=AcquisitionSettings(randomise=True, exclude_outflow=True) if real else None,
        control_fraction=0.6 if real else 0.3,
        map_units=map_units,
    )
    training, validation = split_by_subject(
        scan_examples(scans), validation_fraction=settings.validation_fraction, rng=np.random.default_rng(seed)
    )
    training_settings = settings.network_settings(simulated=cohort.simulated)
    key = {
        "n_training": settings.n_training,
        "validation_fraction": settings.validation_fraction,
        "seed": seed,
        "settings": plain(training_settings),
        "real": real,
    }
    units = keyed_folder(folder / "units" / "training", key, what="Training of the network")
    network, history = train_network(
        training,
        training_settings,
        seed=seed,
        validation=validation,
        checkpoint_path=units / "training.pt",
        progress=True,
    )
    network.save(folder / "network.pt")
    return network, history


def segment_cohort(
    network: TrainedNetwork, cohort: Cohort, *, folder: Path, max_scans: int = 0, map_units: Callable = map
) -> SegmentedCohort:
    """Segment every scan of a cohort (or the first `max_scans`) and compare with the reference where there is one.

    Label maps go to ``<folder>/<ID>/label_sa.nii.gz`` in the image's own space as each scan is finished; scans that
    were finished before an interruption are not done again.

    Parameters
    ----------
    network : TrainedNetwork
    cohort : Cohort
    folder : Path
    max_scans : int
        0 for all.
    map_units : callable
        ``map_units(function, items)``.
    """
    ids = cohort.ids_with("images")[: max_scans or None]
    # the network's weights decide what is found: rows of another network are never handed back
    units = keyed_folder(
        folder / "units" / "scans", {"network": network.fingerprint(), "cohort": cohort.name}, what="Segmented scans"
    )
    work = partial(_segment_one, network=network, cohort=cohort, folder=folder, units=units)
    rows = [tuple(_table(rows) for rows in tables) for tables in map_units(work, ids)]
    parts = [pd.concat(frames, ignore_index=True) for frames in zip(*rows, strict=True)]
    measures, reference, comparison, landmarks = parts
    result = SegmentedCohort(
        measures.set_index("ID"), reference.set_index("ID") if len(reference) else reference, comparison, landmarks
    )
    for name in ("measures", "reference", "comparison", "landmarks"):
        table = getattr(result, name)
        write_table(table, folder / f"{name}.csv", index=name in ("measures", "reference"))
    return result


@dataclass(frozen=True)
class ExampleShape:
    """A scan to look at and its shape at ED, or why there is no shape to draw.

    Attributes
    ----------
    subject_id : str
        The first scan in which all structures were found; the first scan where there is none.
    surfaces : dict of str to SurfaceMesh
        By the names of `SURFACES`; empty where no shape could be modelled.
    reason : str
        Why there is none, and what to change.
    """

    subject_id: str
    surfaces: dict[str, SurfaceMesh]
    reason: str = ""

    def draw(self, function: Callable[[dict[str, SurfaceMesh]], Any]) -> Any:
        """What `function` makes of the surfaces; None where there are none (`reason` tells why)."""
        return function(self.surfaces) if self.surfaces else None


def example_shape(folder: Path, result: SegmentedCohort) -> ExampleShape:
    """The shape step at ED for the first scan in which all structures were found."""
    for subject_id, row in result.measures.iterrows():
        try:
            shape = refined_shape_of(folder, str(subject_id), frame=int(row["ed"]))
        except ValueError:
            continue
        return ExampleShape(str(subject_id), shape.surfaces)
    return ExampleShape(
        str(result.measures.index[0]),
        {},
        f"In none of the {len(result.measures)} scans were LV cavity, LV wall and RV cavity all found, so there is no "
        "shape to model. Train longer (more hearts or epochs: `n_training`, `epochs`) or look at the scans below.",
    )


def refined_shape_of(folder: Path, subject_id: str, *, frame: int, method: str = "model") -> RefinedShape:
    """The shape step applied to one stored segmentation."""
    return refine_shape(read_label_map(folder / subject_id / "label_sa.nii.gz", "ours"), frame=frame, method=method)


def simulated_beside(network: TrainedNetwork, cohort: Cohort, *, seed: int) -> dict[str, object] | None:
    """For a real cohort: a simulated scan that is in no training set, segmented, as `figures.short_axis_mosaic` wants.

    It is drawn beside the real scan, so that a reader sees what the network learnt from. None for a simulated cohort.
    """
    if cohort.simulated:
        return None
    acquisition = AcquisitionSettings(randomise=True, exclude_outflow=True)
    [(_, scan)] = simulate_training_scans(1, seed=seed + 1, acquisition=acquisition)
    return {
        "cine": scan.cine,
        "frames": {"simulated ED": 0, "simulated ES": 1},
        "truth": scan.labels,
        "predicted": segment_scan(network, scan.cine).labels,
    }


def surface_errors(cohort: Cohort, folder: Path, ids: list[str]) -> pd.DataFrame:
    """Distance between the refined ED surfaces and the true ones, for subjects of a simulated cohort.

    Returns
    -------
    DataFrame
        Columns ID, method (of the shape step), surface, assd_mm, hd95_mm. All surfaces are open at the base, at
        slightly different heights; distances are taken in both directions. No row where a structure was not found.
    """
    rows = []
    for subject_id in ids if "truth" in cohort.provides else []:
        frame = int(cohort.scan_truth(subject_id)["ed_frame"])
        truths = true_surfaces(cohort, subject_id)
        for method in METHODS:
            try:
                refined = refined_shape_of(folder, subject_id, frame=frame, method=method)
            except ValueError:  # a structure was not found: there is no surface to measure
                continue
            for name, truth in truths.items():
                distance = surface_distance(refined.surfaces[name], truth, spacing_mm=2.0)
                rows.append(
                    {
                        "ID": subject_id,
                        "method": method,
                        "surface": name,
                        "assd_mm": distance.assd_mm,
                        "hd95_mm": distance.hd95_mm,
                    }
                )
    return pd.DataFrame(rows, columns=["ID", "method", "surface", "assd_mm", "hd95_mm"])


def true_surfaces(cohort: Cohort, subject_id: str, *, t: float = 0.0) -> dict[str, SurfaceMesh]:
    """True surfaces of a simulated subject in the world space of its image, by the names of `SURFACES`."""
    mesh = cohort.heart(subject_id).surface(t)
    to_world = cohort.scan_truth(subject_id)["heart_to_world"]
    placed = mesh.with_points(mesh.points @ to_world[:3, :3].T + to_world[:3, 3])
    return {name: extract_regions(placed, *names)[0] for name, names in SURFACES.items()}


def _segment_one(
    subject_id: str, *, network: TrainedNetwork, cohort: Cohort, folder: Path, units: Path
) -> list[list[dict]]:
    """Rows of the four tables for one scan, from `units` when an interrupted run has left them there."""
    unit, written = units / f"{subject_id}.json", folder / subject_id / "label_sa.nii.gz"
    if unit.is_file() and written.is_file():
        return json.loads(unit.read_text(encoding="utf-8"))
    cine = cohort.image(subject_id)
    found = segment_scan(network, cine)
    write_label_map(found.labels, written)
    notes = "; ".join((*cine.notes, *found.notes))
    measures = pd.DataFrame([{"ID": subject_id, "ed": found.ed, "es": found.es, **found.measures(), "notes": notes}])
    tables = (measures, *_against_reference(subject_id, found, cohort), _landmark_rows(subject_id, found, cohort))
    rows = [json.loads(table.to_json(orient="records", double_precision=12)) for table in tables]
    with atomic_path(unit) as temporary:
        temporary.write_text(json.dumps(rows), encoding="utf-8")
    return rows


def _table(rows: list[dict]) -> pd.DataFrame:
    """Rows as JSON keeps them, where null stands for a measure that is not defined (NaN)."""
    return pd.DataFrame([{name: np.nan if value is None else value for name, value in row.items()} for row in rows])


def _against_reference(subject_id: str, found: Segmentation, cohort: Cohort) -> tuple[pd.DataFrame, pd.DataFrame]:
    reference = reference_frames(subject_id, cohort)
    if reference is None:
        return pd.DataFrame(), pd.DataFrame()
    truth, frames = reference
    at_same = LabelMap(found.labels.labels[..., list(frames.values())], truth.affine, found.labels.scheme)
    comparison = compare_label_maps(at_same, truth, frames={"ED": 0, "ES": 1})
    comparison.insert(0, "ID", subject_id)
    return pd.DataFrame([{"ID": subject_id, **clinical_measures(truth, ed=0, es=1)}]), comparison


def _landmark_rows(subject_id: str, found: Segmentation, cohort: Cohort) -> pd.DataFrame:
    """Landmarks at ED and ES: place, what placed them, and how far off they are where that is known."""
    normal = found.labels.affine[:3, 2]
    slice_step = np.linalg.norm(normal)
    known = cohort.landmarks(subject_id) if subject_id in cohort.ids_with("landmarks") else None
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
