"""Notebook 00 in steps: a simulated study as a scanner exports it, the scan that is looked at, and its truth."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.digital_heart import PHASES, AcquisitionSettings, DigitalHeart, acquire
from cardiolib.imaging import Cine, Scan
from cardiolib.imaging.dicom import write_simulated_study
from cardiolib.imaging.scan_reading import read_scan
from cardiolib.motion.examples import HeartInImages
from cardiolib.motion.heart_in_cine import heart_in_cine
from cardiolib.scan.indices import INDICES, mesh_values
from cardiolib.scan.reported import report
from cardiolib.scan.result import ScanResult, analyse_scan
from cardiolib.segmentation.checkpoint import TrainedNetwork
from cardiolib.segmentation.segmented import SegmentedScan
from cardiolib.segmentation.shipped import shipped_network
from cardiolib.steps.named_files import load_named_network
from cardiolib.steps.scan_settings import ScanStageSettings
from cardiolib.work import Work

__all__ = [
    "ExampleStudy",
    "ScanStageSettings",
    "against_truth",
    "analyse_scan",
    "beating_heart",
    "contoured",
    "name_of",
    "network_of",
    "report",
    "scan_metrics",
    "scan_to_look_at",
    "write_example_study",
]

NO_TRUTH = "What is true of this scan is not known: it is not the simulated example."


@dataclass(frozen=True, eq=False)
class ExampleStudy:
    """A simulated study on the disk, and the heart that was imaged.

    Attributes
    ----------
    folder : Path
        One folder a series, one DICOM file a frame.
    heart : DigitalHeart
    """

    folder: Path
    heart: DigitalHeart

    @property
    def listing(self) -> pd.DataFrame:
        """Folder of each series, with the number of files in it and the name of the first."""
        files = {place.name: sorted(one.name for one in place.iterdir()) for place in sorted(self.folder.iterdir())}
        rows = {name: {"files": len(names), "first": names[0]} for name, names in files.items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("folder")


def write_example_study(work: Work) -> ExampleStudy:
    """Image a healthy digital heart, and write a study as scanners export it: scouts, a long axis, a series a slice.

    Parameters
    ----------
    work : Work
        The study goes to ``study`` in its folder; its seed is that of the noise.
    """
    heart, folder = DigitalHeart(), work.folder / "study"
    imaged = acquire(heart, AcquisitionSettings(detailed=True), rng=np.random.default_rng(work.seed), phases=PHASES)
    shutil.rmtree(folder, ignore_errors=True)
    write_simulated_study(imaged.cine, folder, scouts=True, four_chamber=True)
    return ExampleStudy(folder, heart)


def scan_to_look_at(settings: ScanStageSettings, cohort: Cohort, example: Scan) -> Cine:
    """The scan that the settings name, else the first of a real cohort, else the simulated example.

    Parameters
    ----------
    settings : ScanStageSettings
    cohort : Cohort
        Of the run.
    example : Scan
        As `cardiolib.read_scan` gives it.
    """
    if settings.scan_path is not None:
        return read_scan(settings.scan_path)
    if cohort.simulated:
        return example
    return cohort.image(cohort.ids_with("images")[0])


def name_of(cine: Cine) -> str:
    """The ID that a reader gave the scan; "scan" where it has none."""
    return cine.subject_id if isinstance(cine, Scan) else "scan"


def network_of(settings: ScanStageSettings) -> TrainedNetwork:
    """The network that comes with cardiolib, or that of the file that the settings name."""
    path = settings.network_path
    if path is None:
        return shipped_network()
    return load_named_network(path, parameter="scan.network", given=settings.network, instead='or "shipped"')


def contoured(result: ScanResult) -> SegmentedScan:
    """The scan at ED and ES with the contours that were found."""
    found = result.segmentation
    return SegmentedScan(result.cine, {"ED": found.ed, "ES": found.es}, found.labels, None, result.scan_id)


def beating_heart(result: ScanResult) -> HeartInImages:
    """The tracked cavities in the scan's own images; none, with the reason, where nothing could be tracked."""
    if result.motion is None:
        return HeartInImages.none(f"The heart does not move: {result.lacks}.")
    return heart_in_cine(result.motion.tracked, result.cine)


@dataclass(frozen=True, eq=False)
class ScanTruth:
    """What was found, beside what is true.

    Attributes
    ----------
    table : DataFrame
        A row a number: what, unit, source, found, true, difference.
    lacks : str
        Why there is nothing; empty where there is something.
    """

    table: pd.DataFrame
    lacks: str = ""


def against_truth(result: ScanResult, study: ExampleStudy, example: Cine) -> ScanTruth:
    """Indices of the simulated example beside those of its true moving surface.

    Parameters
    ----------
    result : ScanResult
    study : ExampleStudy
        Whose heart is known.
    example : Cine
        As it was read from that study; the truth of any other scan is not known.
    """
    if result.cine is not example:
        return ScanTruth(pd.DataFrame(), NO_TRUTH)
    true = mesh_values(study.heart.surface_sequence(PHASES))
    true |= {name.replace("_mesh_", "_labels_"): value for name, value in true.items() if "_mesh_" in name}
    rows = [
        {
            "what": INDICES[str(name)].words,
            "unit": row["unit"],
            "source": row["source"],
            "found": row["value"],
            "true": true[str(name)],
            "difference": row["value"] - true[str(name)],
        }
        for name, row in result.indices.iterrows()
        if name in true
    ]
    return ScanTruth(pd.DataFrame(rows, index=[str(name) for name in result.indices.index if name in true]))


def scan_metrics(result: ScanResult, truth: ScanTruth) -> dict[str, float]:
    """Headline numbers: ejection fractions of labels and mesh, and their errors where the truth is known."""
    names = [f"{side}_ef_{source}_percent" for side in ("lv", "rv") for source in ("labels", "mesh")]
    metrics = {name: float(result.indices["value"].get(name, np.nan)) for name in names}
    if not truth.lacks:
        errors = truth.table["difference"].abs()
        metrics |= {name.replace("_percent", "_error_points"): float(errors[name]) for name in names if name in errors}
        metrics |= {f"{name}_error": float(errors[name]) for name in ("mapse_mm", "tapse_mm") if name in errors}
    return metrics
