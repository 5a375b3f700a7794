"""The quality gate on patients that nothing was calibrated on: does it catch what the network got wrong? One command.

``python -m benchmarks.quality_gate --data ../shared/data/acdc/training``. The 20 patients that
`benchmarks.segmentation_acdc` reports on, segmented by the network that comes with cardiolib. Each scan is stored as it
is finished, so a run that was stopped goes on from there. The ROC curve is drawn below
``data/derived/benchmarks/quality_gate``. A few minutes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.quality_calibration import STATE
from benchmarks.record import record
from benchmarks.segmentation_acdc import acdc_folder, labelled_frames
from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.figures import new_figure, predicted_dice
from cardiolib.files import write_table
from cardiolib.segmentation import TrainedNetwork, compare_label_maps, segment_scan
from cardiolib.segmentation.quality_features import JUDGED
from cardiolib.segmentation.quality_gate import shipped_gate
from cardiolib.segmentation.quality_tables import GateAgainstTruth, roc_auc
from cardiolib.segmentation.shipped import shipped_network
from cardiolib.verdicts import DO_NOT_USE, LOOK

BELOW, BAD, GOOD = 0.7, 0.5, 0.8
"""Dice below which the gate should object, below which a structure must not pass, and from which an objection is a
false alarm."""


def measure(data: Path | None = None, *, network: Path | None = None) -> list[dict[str, Any]]:
    """Rows ``own.gate_auc`` and ``own.gate_missed_pct``."""
    judged_by = shipped_network() if network is None else TrainedNetwork.load(network)
    cohort = open_cohort(acdc_folder(data))
    reported = [i for i in cohort.ids if int(i[-3:]) % 5 == 0]
    table = _judged(judged_by, cohort, reported)
    scans = table.groupby("ID")[["predicted_dice", "dice"]].min()
    below = scans["dice"] < BELOW
    gate = GateAgainstTruth(table, shipped_gate().limits)
    _draw(gate, scans, below.to_numpy())
    bad, good = table[table["dice"] < BAD], table[table["dice"] >= GOOD]
    structures = roc_auc(-table["predicted_dice"].to_numpy(), (table["dice"] < BELOW).to_numpy())
    error = (table["predicted_dice"] - table["dice"]).abs().mean()
    how = (
        f"{len(scans)} ACDC patients not calibrated on, network of simulated hearts only (mean Dice, the lower of ED "
        f"and ES, {table['dice'].mean():.2f}), {int(below.sum())} with a structure below {BELOW}"
    )
    return [
        {
            "id": "own.gate_auc",
            "value": None if np.isnan(gate.auc) else round(gate.auc, 4),
            "unit": "AUC",
            "reach": 0.85,
            "aim": 0.93,
            "better": "higher",
            "how": f"lowest predicted Dice of a scan against 'some structure below {BELOW}'; {how}; structure by "
            f"structure {structures:.3f}; mean error of the predicted Dice {error:.3f}, correlation "
            f"{table['predicted_dice'].corr(table['dice']):.2f}",
        },
        {
            "id": "own.gate_missed_pct",
            "value": round(gate.missed_percent, 2) if len(bad) else None,
            "unit": "%",
            "reach": 10,
            "aim": 3,
            "better": "lower",
            "how": f"of {len(bad)} structures below {BAD} that pass as ok ({_share(bad, DO_NOT_USE)} get 'do not use')"
            f"; {how}; of {len(good)} structures from {GOOD} {_share(good, LOOK)} get 'look at it', "
            f"{_share(good, DO_NOT_USE)} 'do not use'",
        },
    ]


def _share(structures: pd.DataFrame, verdict: str) -> str:
    return f"{100 * (structures['verdict'] == verdict).mean():.0f} %" if len(structures) else "none"


def _judged(network: TrainedNetwork, cohort: Cohort, ids: list[str]) -> pd.DataFrame:
    """ID, structure, predicted_dice, dice (the lower of ED and ES), verdict, reason."""
    folder = STATE / f"reported_{network.fingerprint()}_{shipped_gate().fingerprint()}"
    for patient in ids:
        path = folder / f"{patient}.csv"
        if path.is_file():
            continue
        cine, truth = labelled_frames(cohort, patient)
        found = segment_scan(network, cine)
        true = compare_label_maps(found.labels, truth).fillna({"dice": 0.0}).groupby("structure")["dice"].min()
        rows = found.quality.table.reset_index().assign(ID=patient)
        write_table(rows.assign(dice=rows["structure"].map(true)), path, index=False)
    table = pd.concat([pd.read_csv(folder / f"{patient}.csv") for patient in ids], ignore_index=True)
    return table[table["structure"].isin(JUDGED)]


def _draw(gate: GateAgainstTruth, scans: pd.DataFrame, below: np.ndarray) -> None:
    """ROC curve of the scans, and predicted against true Dice."""
    score = -scans["predicted_dice"].to_numpy()
    cuts = np.concatenate([[-np.inf], np.sort(score)])[::-1]
    caught, alarms = ([(score[side] > cut).mean() for cut in cuts] for side in (below, ~below))
    figure, axes = new_figure(85, 80)
    ax = axes[0, 0]
    ax.plot([0, 1], [0, 1], linewidth=0.5, color="grey")
    ax.step(alarms, caught, where="post")
    ax.set(xlabel="false alarms", ylabel=f"caught: some structure below {BELOW}", title=f"AUC {gate.auc:.3f}")
    figure.savefig(STATE / "roc.png", dpi=150)
    predicted_dice(gate).figure.savefig(STATE / "predicted_dice.png", dpi=150)


def main() -> None:
    """Command line: measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the ACDC training patients")
    parser.add_argument("--network", type=Path, help="another network; nothing is recorded then")
    options = parser.parse_args()
    rows = measure(options.data, network=options.network)
    if options.network is None:
        record("quality_gate", rows)
    sys.stdout.write(pd.DataFrame(rows)[["id", "value", "reach", "aim", "how"]].to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
