"""Segmentation of real hearts (ACDC): without a real scan, with five, with eighty. One command.

``python -m benchmarks.segmentation_acdc --data ../shared/data/acdc/training``. Fixed split: the patients whose number
is divisible by 5 (four of each group) are reported on, and never trained or tuned on. Networks and training states are
kept below ``data/derived/benchmarks``, so a run that was stopped goes on from there; the worst case of each training is
drawn there too (not committed: the images are ACDC's). About an hour on two cores.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.record import Unavailable, record
from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.figures import short_axis_mosaic
from cardiolib.files import write_table
from cardiolib.imaging import Cine, LabelMap
from cardiolib.segmentation import (
    Example,
    SegmentationSettings,
    TrainedNetwork,
    compare_label_maps,
    fine_tune,
    make_examples,
    segment_scan,
    train_network,
)
from cardiolib.segmentation.make_shipped import N_HEARTS, SEED, shipped_examples
from cardiolib.segmentation.segmented import SegmentedScan
from cardiolib.segmentation.shipped import shipped_network

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / "data" / "derived" / "benchmarks" / "segmentation_acdc"
FEW = ("patient001", "patient021", "patient041", "patient061", "patient081")
"""One patient of each group, none of them reported on."""

REHEARSED = 40
"""Simulated hearts (80 stacks) shown beside the five real patients."""
QUICK: dict[str, Any] = {"precision": "auto", "threads": 1}
"""bfloat16 where the processor has it; one thread, so that a busy second core does not slow the training."""

EF_TARGETS = {"lvef": (3, 2), "rvef": (5, 4)}
STRUCTURES = {"lv_cavity": "lv", "lv_wall": "myo", "rv_cavity": "rv"}
TARGETS = {
    "zero": {"lv": (0.89, 0.92), "myo": (0.82, 0.86), "rv": (0.80, 0.86)},
    "few": {"lv": (0.93, 0.945), "myo": (0.87, 0.89), "rv": (0.86, 0.89)},
    "full": {"lv": (0.955, 0.96), "myo": (0.905, 0.915), "rv": (0.915, 0.925)},
}
HOW = {
    "zero": f"the network that ships: trained on {N_HEARTS} simulated hearts only",
    "few": "the same network, trained on with 5 real patients (one of each group) beside simulated ones",
    "full": "trained on the other 80 ACDC patients only, from random weights",
}


def measure(data: Path | None = None, *, only: Sequence[str] = tuple(TARGETS)) -> list[dict[str, Any]]:
    """Rows ``seg.acdc.<training>.<structure>``: mean Dice of ED and ES over the 20 patients reported on."""
    STATE.mkdir(parents=True, exist_ok=True)
    cohort = open_cohort(acdc_folder(data))
    reported = [i for i in cohort.ids if int(i[-3:]) % 5 == 0]
    trained_on = [i for i in cohort.ids if int(i[-3:]) % 5 != 0]
    rows = []
    for training in only:
        network = _network(training, cohort, trained_on)
        table = _scores(network, cohort, reported, STATE / f"scores_{training}.csv")
        _draw_worst(network, cohort, table, STATE / f"worst_{training}.png")
        for structure, short in STRUCTURES.items():
            part = table[table["structure"] == structure]
            by_phase = part.groupby("phase")["dice"].mean()
            reach, aim = TARGETS[training][short]
            rows.append(
                {
                    "id": f"seg.acdc.{training}.{short}",
                    "value": round(float(part["dice"].mean()), 4),
                    "unit": "Dice",
                    "reach": reach,
                    "aim": aim,
                    "better": "higher",
                    "how": f"{HOW[training]}; {len(reported)} patients, ED {by_phase['ED']:.3f}, "
                    f"ES {by_phase['ES']:.3f}, worst {part['dice'].min():.2f}",
                }
            )
        if training == "full":
            rows += _ejection_rows(table)
    return rows


def _ejection_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows ``seg.acdc.lvef_mae`` and ``seg.acdc.rvef_mae``, in points."""
    rows = []
    for name, (reach, aim) in EF_TARGETS.items():
        volumes = table[table["structure"] == f"{name[:2]}_cavity"].pivot(index="ID", columns="phase")
        fractions = {
            of: 100 * (1 - volumes[column, "ES"] / volumes[column, "ED"])
            for of, column in (("found", "volume_ml"), ("drawn", "true_volume_ml"))
        }
        error = fractions["found"] - fractions["drawn"]
        rows.append(
            {
                "id": f"seg.acdc.{name}_mae",
                "value": round(float(error.abs().mean()), 2),
                "unit": "points",
                "reach": reach,
                "aim": aim,
                "better": "lower",
                "how": f"{HOW['full']}; {len(error)} patients, bias {error.mean():.1f}, worst {error.abs().max():.0f}",
            }
        )
    return rows


def acdc_folder(data: Path | None = None) -> Path:
    """Folder of the ACDC training patients: the one given, that of ``CARDIOLIB_ACDC``, or that beside the checkout."""
    data = data or Path(os.environ.get("CARDIOLIB_ACDC", ROOT.parent / "shared" / "data" / "acdc" / "training"))
    if not data.is_dir():
        raise Unavailable(f"no ACDC training set at {data}; give its folder in CARDIOLIB_ACDC or with --data")
    return data


def _network(training: str, cohort: Cohort, trained_on: list[str]) -> TrainedNetwork:
    if training == "zero":
        return shipped_network()
    path = STATE / f"{training}.pt"
    if path.is_file():
        return TrainedNetwork.load(path)
    options: dict[str, Any] = {"seed": SEED, "checkpoint_path": STATE / f"{training}_state.pt", "progress": True}
    if training == "few":
        start = _network("zero", cohort, trained_on)
        real = _real(cohort, [i for i in trained_on if i in FEW])
        network, _ = fine_tune(start, real, rehearsal=shipped_examples(REHEARSED), **options)
    else:
        settings = SegmentationSettings(epochs=40, log_scale=0.2, deform_px=3.0, blur_px=0.8, **QUICK)
        network, _ = train_network(_real(cohort, trained_on), settings, **options)
    network.save(path)
    return network


def _real(cohort: Cohort, ids: list[str]) -> list[Example]:
    return [example for i in ids for example in make_examples(*labelled_frames(cohort, i), subject=i)]


def labelled_frames(cohort: Cohort, subject_id: str) -> tuple[Cine, LabelMap]:
    """The frames of a patient that are labelled, and their labels."""
    labels, frames = cohort.labels(subject_id)
    cine = cohort.image(subject_id)
    return Cine(cine.voxels[..., list(frames)], cine.affine), labels


def _scores(network: TrainedNetwork, cohort: Cohort, ids: list[str], path: Path) -> pd.DataFrame:
    parts = []
    for subject_id in ids:
        cine, truth = labelled_frames(cohort, subject_id)
        table = compare_label_maps(segment_scan(network, cine).labels, truth, frames={"ED": 0, "ES": 1})
        parts.append(table.assign(ID=subject_id))
    scores = pd.concat(parts, ignore_index=True)
    scores["dice"] = scores["dice"].fillna(0.0)  # a structure that both lack does not occur here
    write_table(scores, path, index=False)
    return scores


def _draw_worst(network: TrainedNetwork, cohort: Cohort, scores: pd.DataFrame, path: Path) -> None:
    worst = str(scores.groupby("ID")["dice"].mean().idxmin())
    cine, truth = labelled_frames(cohort, worst)
    found = segment_scan(network, cine).labels
    figure, _ = short_axis_mosaic(SegmentedScan(cine, {"ED": 0, "ES": 1}, found, truth, worst))
    figure.suptitle(f"{worst}, {HOW[path.stem.removeprefix('worst_')]}")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Command line: measure and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the ACDC training patients")
    parser.add_argument("--only", nargs="+", choices=list(TARGETS), default=list(TARGETS))
    options = parser.parse_args()
    rows = measure(options.data, only=options.only)
    if set(options.only) == set(TARGETS):
        record("segmentation_acdc", rows)
    sys.stdout.write(pd.DataFrame(rows)[["id", "value", "reach", "aim", "how"]].to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
