"""Segmentation of simulated hearts that the network has not seen: default training, then every measure."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.digital_heart import (
    AcquisitionSettings,
    DigitalHeart,
    SimulatedScan,
    acquire,
    parameters_from_row,
    simulate_population,
)
from cardiolib.meshes import extract_regions, surface_distance
from cardiolib.segmentation import (
    Segmentation,
    TrainedNetwork,
    clinical_measures,
    compare_label_maps,
    segment_scan,
    simulate_training_scans,
    split_by_subject,
    train_network,
)
from cardiolib.segmentation.device import threads
from cardiolib.segmentation.simulation import scan_examples
from cardiolib.shape import refine_shape
from cardiolib.steps.segmentation import SegmentationStageSettings

SEED, UNSEEN_SEED, N_UNSEEN = 1, 77, 24
NETWORK = Path(__file__).resolve().parents[1] / "data" / "derived" / "benchmarks" / "default_network.pt"
SHORT = {"lv_cavity": "lv", "lv_wall": "myo", "rv_cavity": "rv", "rv_wall": "rvwall"}
DICE = {"lv": (0.96, 0.98), "myo": (0.93, 0.95), "rv": (0.93, 0.95), "rvwall": (0.80, 0.85)}


def measure() -> list[dict[str, Any]]:
    """Rows ``seg.sim.*``, ``seg.train_s`` and ``seg.scan_s``."""
    network, train_s = default_network()
    network.save(NETWORK)
    tables = [_one(heart, scan, segment_scan(network, scan.cine)) for heart, scan in _unseen()]
    labels = pd.concat([table for table, _ in tables])
    single = pd.DataFrame([row for _, row in tables])
    how = f"{N_UNSEEN} unseen simulated hearts (30 % controls), ED and ES, randomised contrast, noise and slice shifts"
    row = partial(_row, how=how)
    by = labels.groupby("structure")
    rows = [
        row(f"seg.sim.dice.{SHORT[name]}", part["dice"].mean(), "Dice", *DICE[SHORT[name]], "higher")
        for name, part in by
    ]
    return rows + [
        row("seg.sim.hd95_mm", by["hausdorff95_mm"].mean().max(), "mm", 10, 6),
        row("seg.sim.assd_mm", by["assd_mm"].mean().max(), "mm", 1.2, 0.8),
        row("seg.sim.lvef_mae", single["lvef"].abs().mean(), "points", 2, 1),
        row("seg.sim.rvef_mae", single["rvef"].abs().mean(), "points", 4, 2.5),
        row("seg.sim.landmark_mm", single["landmark_mm"].mean(), "mm", 5, 3),
        row("seg.sim.landmark_slices", single["landmark_slices"].mean(), "slices", 0.6, 0.4),
        row("seg.sim.surface_mm", single["surface_mm"].mean(), "mm", 1.5, 1.0),
        _row("seg.train_s", train_s, "s", 300, 120, how="default training, two threads"),
        _row(
            "seg.scan_s",
            _scan_seconds(network),
            "s",
            2,
            0.7,
            how="20 phases x 12 slices of 96 x 96, heart found, labels and landmarks; two threads, median of 3",
        ),
    ]


def default_network() -> tuple[TrainedNetwork, float]:
    """The network of the default profile, and the seconds that its training took."""
    settings = SegmentationStageSettings()
    examples = scan_examples(simulate_training_scans(settings.n_training, seed=SEED))
    training, held_out = split_by_subject(
        examples, validation_fraction=settings.details.validation_fraction, rng=np.random.default_rng(SEED)
    )
    started = time.perf_counter()
    network, _ = train_network(training, settings.network_settings(simulated=True), seed=SEED, validation=held_out)
    return network, time.perf_counter() - started


def _unseen() -> Iterator[tuple[DigitalHeart, SimulatedScan]]:
    """Hearts that are in no training set, imaged at ED and ES with randomised contrast."""
    rng = np.random.default_rng(UNSEEN_SEED)
    n_controls = round(0.3 * N_UNSEEN)
    for kind, n in (("ph", N_UNSEEN - n_controls), ("control", n_controls)):
        for row in simulate_population(n, kind=kind, rng=rng).to_dict("records"):
            heart = DigitalHeart(parameters_from_row(row))
            yield heart, acquire(heart, AcquisitionSettings(randomise=True), rng=rng, phases=[0.0, heart.es_phase])


def _one(heart: DigitalHeart, scan: SimulatedScan, found: Segmentation) -> tuple[pd.DataFrame, dict[str, float]]:
    table = compare_label_maps(found.labels, scan.labels, frames={"ED": 0, "ES": 1})
    ours, true = (clinical_measures(labels, ed=0, es=1) for labels in (found.labels, scan.labels))
    normal = scan.cine.affine[:3, 2] / scan.cine.spacing_mm[2]
    offset = found.landmarks_world_mm - scan.as_imaged(scan.landmarks_world_mm)
    along = offset @ normal
    row = {f"{side}ef": ours[f"{side}ef_percent"] - true[f"{side}ef_percent"] for side in ("lv", "rv")}
    row["landmark_mm"] = float(np.nanmean(np.linalg.norm(offset - along[..., None] * normal, axis=-1)))
    row["landmark_slices"] = float(np.nanmean(np.abs(along)) / scan.cine.spacing_mm[2])
    row["surface_mm"] = _surface_mm(heart, scan, found)
    return table, row


def _surface_mm(heart: DigitalHeart, scan: SimulatedScan, found: Segmentation) -> float:
    """Mean over LV and RV endocardium at ED of the distance between the refined and the true surface."""
    refined = refine_shape(found.labels, frame=0).surfaces
    mesh = heart.surface(0.0)
    mesh = mesh.with_points(scan.world_from_heart(mesh.points))
    parts = {"lv_endo": ("lv_endo",), "rv_endo": ("rv_free", "rv_septum")}
    return float(
        np.mean(
            [
                surface_distance(refined[name], extract_regions(mesh, *regions)[0], spacing_mm=2.0).assd_mm
                for name, regions in parts.items()
            ]
        )
    )


def _scan_seconds(network: TrainedNetwork) -> float:
    """On two threads."""
    row = simulate_population(1, rng=np.random.default_rng(UNSEEN_SEED)).iloc[0]
    scan = acquire(DigitalHeart(parameters_from_row(row)), rng=np.random.default_rng(0))
    seconds = []
    with threads(2):
        for _ in range(3):
            started = time.perf_counter()
            segment_scan(network, scan.cine)
            seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def _row(name: str, value: float, unit: str, reach: float, aim: float, better: str = "lower", *, how: str) -> dict:
    return {
        "id": name,
        "value": round(float(value), 4),
        "unit": unit,
        "reach": reach,
        "aim": aim,
        "better": better,
        "how": how,
    }


if __name__ == "__main__":
    from benchmarks.record import record

    record("segmentation_simulated", measure())
