"""A peer on the same real scans: the ACDC network of the package myopari, beside ours.

``python -m benchmarks.segmentation_peer --wheel FOLDER``, where FOLDER holds the unpacked wheel of myopari (MIT
licence) and ``onnxruntime`` can be imported; neither is a dependency of cardiolib. The peer's own code prepares the
images and runs the network. It was trained on ACDC; which patients it was trained on is not said, so those that are
reported on may be among them. Ours is the network that `benchmarks.segmentation_acdc` trained on the other eighty.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.record import Unavailable, record
from benchmarks.segmentation_acdc import STATE, STRUCTURES, acdc_folder, labelled_frames
from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.imaging import ACDC, Cine, LabelMap
from cardiolib.segmentation import TrainedNetwork, compare_label_maps, segment_scan

AXES = {"as stored": (0, 1), "transposed": (1, 0)}


class Peer:
    """The network of myopari, through its own preparation of the images."""

    def __init__(self, folder: Path, axes: tuple[int, int] = (0, 1)) -> None:
        sys.path.insert(0, str(folder / "myopari"))
        try:
            module: Any = importlib.import_module("processors.SEGProcessor")
        except ImportError as reason:
            raise Unavailable(f"no unpacked wheel of myopari in {folder}, or no onnxruntime: {reason}") from reason
        self._network = module.SEG_module()
        self._network.edge_device = module.EdgeDevice.RASBERRY_PI.value  # computes on the processor
        self.axes = axes

    def segment(self, cine: Cine) -> LabelMap:
        """Label every frame."""
        order = (*self.axes, 2)
        frames = [
            self._network.segment(cine.voxels[..., t].transpose(order).astype(np.float64)).transpose(order)
            for t in range(cine.voxels.shape[3])
        ]
        return LabelMap(np.stack(frames, axis=-1), cine.affine, ACDC)


def measure(folder: Path, data: Path | None = None) -> list[dict[str, Any]]:
    """Rows ``seg.acdc.vs_myopari.*``: our Dice less the peer's; and our CPU seconds over the peer's."""
    cohort = open_cohort(acdc_folder(data))
    if not (STATE / "full.pt").is_file():
        raise Unavailable("the network trained on eighty patients is made by benchmarks.segmentation_acdc")
    ours = TrainedNetwork.load(STATE / "full.pt")
    peer = Peer(folder, _axes(folder, cohort))
    reported = [i for i in cohort.ids if int(i[-3:]) % 5 == 0]
    dice = {"ours": [], "peer": []}
    cpu = {"ours": 0.0, "peer": 0.0}
    for subject_id in reported:
        cine, truth = labelled_frames(cohort, subject_id)
        for name, segment in (("ours", lambda cine: segment_scan(ours, cine).labels), ("peer", peer.segment)):
            started = time.process_time()
            labels = segment(cine)
            cpu[name] += time.process_time() - started
            dice[name].append(compare_label_maps(labels, truth, frames={"ED": 0, "ES": 1}))
    mean = {
        name: pd.concat(tables).fillna({"dice": 0.0}).groupby("structure")["dice"].mean()
        for name, tables in dice.items()
    }
    rows = [
        {
            "id": f"seg.acdc.vs_myopari.{short}",
            "value": round(float(mean["ours"][structure] - mean["peer"][structure]), 4),
            "unit": "Dice",
            "reach": 0,
            "aim": 0.01,
            "better": "higher",
            "how": f"ours, trained on 80 patients, {mean['ours'][structure]:.3f}; myopari's network, whose training "
            f"patients are not said, {mean['peer'][structure]:.3f}; the same {len(reported)} patients, ED and ES",
        }
        for structure, short in STRUCTURES.items()
    ]
    return [*rows, _cost(cpu, len(reported))]


def _axes(folder: Path, cohort: Cohort) -> tuple[int, int]:
    """The orientation in which the peer reads a patient best who is not reported on: its documentation does not say."""
    cine, truth = labelled_frames(cohort, "patient001")
    best = {}
    for axes in AXES.values():
        table = compare_label_maps(Peer(folder, axes).segment(cine), truth, frames={"ED": 0, "ES": 1})
        best[axes] = float(table["dice"].fillna(0.0).mean())
    return max(best, key=lambda axes: best[axes])


def _cost(cpu: dict[str, float], n: int) -> dict[str, Any]:
    return {
        "id": "fast.segment_vs_myopari",
        "value": round(cpu["ours"] / cpu["peer"], 3),
        "unit": "ratio",
        "reach": 1,
        "aim": 0.5,
        "better": "lower",
        "how": f"CPU seconds of ours over the peer's (ONNX Runtime) in one process: {cpu['ours']:.0f} and "
        f"{cpu['peer']:.0f} s for two frames of each of {n} patients, one thread",
    }


def main() -> None:
    """Command line: measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, default=Path(os.environ.get("CARDIOLIB_MYOPARI", "myopari")))
    parser.add_argument("--data", type=Path, help="folder of the ACDC training patients")
    options = parser.parse_args()
    record("segmentation_peer", measure(options.wheel, options.data))


if __name__ == "__main__":
    main()
