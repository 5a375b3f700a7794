"""Calibrate the quality gate and write ``cardiolib/segmentation/quality_gate.json``. One command.

``python -m benchmarks.quality_calibration --data ../shared/data/acdc/training``. Read are the ACDC patients whose
number is not divisible by 5 (78 of 80: 022 and 066 are never tuned on) and simulated scans, some of both made worse.
They are segmented by networks that learnt from simulated hearts only: a weak and a middling one that are trained here,
the one that comes with cardiolib, and any that ``--network`` adds. The gate must not depend on
one network. Rows are kept below ``data/derived/benchmarks/quality_gate``, so a run that was stopped goes on from there.
About half an hour on two cores.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import torch
from scipy import ndimage

from benchmarks.segmentation_acdc import ROOT, acdc_folder, labelled_frames
from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.digital_heart import AcquisitionSettings
from cardiolib.files import write_json, write_table
from cardiolib.imaging import OURS, Cine, LabelMap
from cardiolib.segmentation import (
    SegmentationSettings,
    TrainedNetwork,
    dice,
    segment_scan,
    simulate_training_scans,
    train_network,
)
from cardiolib.segmentation.damaged_labels import DAMAGES, damage
from cardiolib.segmentation.image_evidence import image_features
from cardiolib.segmentation.quality_calibration import as_content, calibrate
from cardiolib.segmentation.quality_features import JUDGED, NETWORK_FEATURES, PHASES, label_features
from cardiolib.segmentation.shipped import shipped_network
from cardiolib.segmentation.simulation import scan_examples

STATE = ROOT / "data" / "derived" / "benchmarks" / "quality_gate"
SHIPPED = ROOT / "cardiolib" / "segmentation" / "quality_gate.json"
SEED = 20190212
NEVER = ("patient022", "patient066", "patient090")
GROUPS = ("DCM", "HCM", "MINF", "NOR", "RV")
"""Twenty patients each, in this order."""

TRAINED_HERE = {"middling": (80, 4, 16, 777), "weak": (40, 2, 12, 778)}
"""Name -> simulated hearts, epochs, channels of the finest level, seed."""

EVERY = {"weak": 3}
"""A network that is wrong nearly everywhere teaches little: only every third scan is read by it."""

N_SIMULATED = 60
WEIGHTS = {"real": 1.0, "real, worse": 0.5, "simulated": 0.3, "damaged": 0.25, "truth": 0.25}
"""Of the rows in the fit."""


def calibration_rows(network: TrainedNetwork, name: str, cohort: Cohort) -> pd.DataFrame:
    """Features and true Dice of all scans that the gate is calibrated on, as one network segments them."""
    folder = STATE / f"rows_{name}_{network.fingerprint()}"
    parts = []
    for number, (scan, group, kind, cine, truth) in enumerate(_scans(cohort)):
        if number % EVERY.get(name, 1):
            continue
        part = folder / f"{number:03d}.csv"
        if not part.is_file():
            about = {"scan": f"{name} {scan} {kind}", "group": group, "network": name, "kind": kind}
            write_table(pd.DataFrame(_of_scan(network, cine, truth, about, number)), part, index=False)
        parts.append(pd.read_csv(part))
    rows = pd.concat(parts, ignore_index=True)
    return rows.assign(weight=rows["kind"].map(WEIGHTS), typical=rows["kind"] == "real")


def _of_scan(network: TrainedNetwork, cine: Cine, truth: LabelMap, about: dict, number: int) -> list[dict]:
    """Rows of one scan as it is segmented, and once more with its labels damaged."""
    found = segment_scan(network, cine)
    frames = found.ed, found.es
    features = found.quality.features.drop(columns="predicted_dice").to_dict("index")
    rng, damages = np.random.default_rng([SEED, number]), list(DAMAGES)
    worse = damage(found.labels, damages[number % len(damages)], float(rng.uniform(0.1, 0.9)), rng=rng)
    damaged = about | {"scan": f"{about['scan']} damaged", "kind": "damaged"}
    of_damaged = _of_damaged(features, found.labels, worse, cine, frames)
    return _rows(features, found.labels, truth, frames, about) + _rows(of_damaged, worse, truth, frames, damaged)


def true_rows(cohort: Cohort) -> pd.DataFrame:
    """The same scans with their true labels, of which a network would be sure: what a right label map looks like."""
    rows = []
    for scan, group, kind, cine, truth in _scans(cohort):
        volume = truth.volume_ml("lv_cavity")
        frames = int(volume.argmax()), int(volume.argmin())
        by_label = label_features(truth, ed=frames[0], es=frames[1])
        by_image = image_features(cine, truth, ed=frames[0], es=frames[1])
        features = {key: {**by_label[key], **by_image[key], **dict.fromkeys(NETWORK_FEATURES, 0.0)} for key in by_label}
        about = {"scan": f"truth {scan} {kind}", "group": group, "network": "truth", "kind": "truth"}
        rows += _rows(features, truth, truth, frames, about)
    return pd.DataFrame(rows).assign(weight=WEIGHTS["truth"], typical=False)


def _scans(cohort: Cohort) -> Iterator[tuple[str, str, str, Cine, LabelMap]]:
    """Name, group, kind, image and truth: patients, every second one made worse as well, and simulated hearts."""
    ids = [i for i in cohort.ids if int(i[-3:]) % 5 and i not in NEVER]
    for number, patient in enumerate(ids):
        cine, truth = labelled_frames(cohort, patient)
        group = GROUPS[(int(patient[-3:]) - 1) // 20]
        yield patient, group, "real", cine, truth.to_scheme(OURS)
        if number % 2:
            yield patient, group, "real, worse", *made_worse(cine, truth.to_scheme(OURS), number // 2)
    acquisition = AcquisitionSettings(randomise=True, exclude_outflow=True)
    scans = simulate_training_scans(N_SIMULATED, seed=SEED, acquisition=acquisition, varied=True, control_fraction=0.6)
    for number, (scan, one) in enumerate(scans):
        pair = (one.cine, one.labels) if number % 2 else made_worse(one.cine, one.labels, number // 2)
        yield scan, "simulated", "simulated", *pair


def made_worse(cine: Cine, truth: LabelMap, number: int) -> tuple[Cine, LabelMap]:
    """One of six: noise, gamma, blur, slices missing at base and apex, a strong bias field, slices shifted."""
    rng = np.random.default_rng([SEED, 1, number])
    voxels, labels, kind = cine.voxels.astype(float), truth.labels, number % 6
    high = np.percentile(voxels, 99)
    if kind == 0:
        voxels = voxels + high * rng.uniform(0.06, 0.15) * rng.standard_normal(voxels.shape)
    elif kind == 1:
        voxels = high * np.clip(voxels / high, 0, 1.3) ** rng.choice([0.45, 2.0])
    elif kind == 2:
        voxels = ndimage.gaussian_filter(voxels, (1.6, 1.6, 0, 0))
    elif kind == 3:
        first, last = rng.integers(0, 3, 2)
        kept = slice(first, voxels.shape[2] - last)
        voxels, labels = voxels[:, :, kept], labels[:, :, kept]
    elif kind == 4:
        i, j = (
            np.linspace(-1, 1, n) * slope for n, slope in zip(voxels.shape[:2], rng.uniform(-1.2, 1.2, 2), strict=True)
        )
        voxels = voxels * np.exp(i[:, None] + j[None, :])[..., None, None]
    else:
        steps = rng.integers(-4, 5, (voxels.shape[2], 2))
        voxels, labels = (
            np.stack([np.roll(part[:, :, k], tuple(step), axis=(0, 1)) for k, step in enumerate(steps)], axis=2)
            for part in (voxels, labels)
        )
    return replace(cine, voxels=voxels.astype(np.float32)), replace(truth, labels=labels)


def _of_damaged(features: dict, first: LabelMap, worse: LabelMap, cine: Cine, frames: tuple[int, int]) -> dict:
    """Features of a damaged map. The network did not make it: its agreement is what it was, times the overlap."""
    by_label = label_features(worse, ed=frames[0], es=frames[1])
    by_image = image_features(cine, worse, ed=frames[0], es=frames[1])
    overlap = {
        (phase, name): float(np.nan_to_num(dice(first.mask(name)[..., t], worse.mask(name)[..., t])))
        for phase, t in zip(PHASES, frames, strict=True)
        for name in JUDGED
    }
    found = {}
    for (phase, name), kept in overlap.items():
        others = np.mean([overlap[phase, other] for other in JUDGED if other != name])
        shares = {"unsure": kept, "unstable": kept, "heart_unstable": float(others)}
        by_network = {key: 1 - (1 - features[phase, name][key]) * shares[key] for key in NETWORK_FEATURES}
        found[phase, name] = {**by_label[phase, name], **by_image[phase, name], **by_network}
    return found


def _rows(features: dict, found: LabelMap, truth: LabelMap, frames: tuple[int, int], about: dict) -> list[dict]:
    return [
        about
        | {"phase": phase, "structure": name, **features[phase, name]}
        | {"dice": float(np.nan_to_num(dice(found.mask(name)[..., t], truth.mask(name)[..., t])))}
        for phase, t in zip(PHASES, frames, strict=True)
        for name in JUDGED
    ]


def _trained(name: str) -> TrainedNetwork:
    path = STATE / f"{name}.pt"
    if path.is_file():
        return TrainedNetwork.load(path)
    n_hearts, epochs, width, seed = TRAINED_HERE[name]
    acquisition = AcquisitionSettings(randomise=True, exclude_outflow=True)
    scans = simulate_training_scans(n_hearts, seed=seed, acquisition=acquisition, varied=True, control_fraction=0.6)
    widths = tuple(width * 2**level for level in range(4))
    settings = SegmentationSettings.wild(epochs=epochs, widths=widths, precision="auto", threads=1)
    network, _ = train_network(scan_examples(scans), settings, seed=seed, progress=True)
    network.save(path)
    return network


def main() -> None:
    """Command line: collect the rows, calibrate, write the gate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the ACDC training patients")
    parser.add_argument("--network", type=Path, nargs="*", default=[], help="more networks of simulated hearts only")
    options = parser.parse_args()
    cohort = open_cohort(acdc_folder(options.data))
    STATE.mkdir(parents=True, exist_ok=True)
    networks = {"shipped": shipped_network()} | {path.stem: TrainedNetwork.load(path) for path in options.network}
    networks |= {name: _trained(name) for name in TRAINED_HERE}
    parts = [calibration_rows(one, name, cohort) for name, one in networks.items()]
    rows = pd.concat([*parts, true_rows(cohort)], ignore_index=True)
    about = {
        "on": "ACDC training patients whose number is not divisible by 5 (without 022 and 066), every second one made "
        f"worse as well; {N_SIMULATED} simulated scans, half of them made worse; each also with damaged and with true "
        "labels",
        "networks": {
            name: f"{one.fingerprint()}, mean Dice of patients "
            f"{rows[(rows['network'] == name) & (rows['kind'] == 'real')]['dice'].mean():.3f}"
            for name, one in networks.items()
        },
        "rows": len(rows),
        "seed": SEED,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "torch": torch.__version__,
        },
    }
    gate = calibrate(rows, about=about)
    write_json(SHIPPED, as_content(gate))
    sys.stdout.write(f"{SHIPPED}: {len(rows)} rows; look below {gate.limits['look']}\n")


if __name__ == "__main__":
    main()
