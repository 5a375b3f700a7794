"""Tracking of real cines (ACDC) beside other people's registration: Dice at end-systole, and ejection fractions.

``python -m benchmarks motion_acdc``, after ``benchmarks.segmentation_acdc`` (its network trained on the 80 patients
segments the cines). Needs ACDC's training set and the cines of `CINES` beside it. Nine patients; all but patient090
are among the eighty, so that the segmentation which guides the tracker is at its best in them. Settings were chosen
on six of them; no setting was chosen on those of `HELD`, which have rows of their own. Half an hour on two cores; a run
that was stopped goes on with the next cine.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.carried_labels import carried_dice
from benchmarks.motion_peers import available_peers, peer_motion
from benchmarks.record import Unavailable, record
from benchmarks.segmentation_acdc import ROOT, STATE
from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.cohorts.acdc import read_patient
from cardiolib.files import write_table
from cardiolib.imaging import Cine, LabelMap, read_cine, world_from_voxel
from cardiolib.motion import TrackingSettings, ejection_fraction, fit_template, track
from cardiolib.motion.curvature import CAVITIES, cavity_volumes_ml, imaged_volumes_ml
from cardiolib.segmentation import TrainedNetwork, segment_scan

CROP = (slice(50, 150), slice(85, 180))
"""Of the official volumes, by whoever made the cines; the first slice is left out as well."""

CINES = ("001", "002", "003", "006", "021", "022", "061", "066")
WHOLE = "patient090"
HELD = (WHOLE, "patient022", "patient066")
OURS, ALONE, STILL = "cardiolib", "images alone", "not moved"
TRACKERS = {OURS: TrackingSettings(), ALONE: TrackingSettings(prior="none")}
KEPT = STATE.parent / "motion_acdc"
DICE = {"lv": (0.84, 0.88), "myo": (0.87, 0.90), "rv": (0.86, 0.88)}


def measure() -> list[dict[str, Any]]:
    """Rows ``motion.acdc.*``."""
    shared = ROOT.parent / "shared" / "data"
    training = Path(os.environ.get("CARDIOLIB_ACDC", shared / "acdc" / "training"))
    cines = Path(os.environ.get("CARDIOLIB_ACDC_CINES", shared / "acdc_cine"))
    if not (training.is_dir() and cines.is_dir() and (STATE / "full.pt").is_file()):
        raise Unavailable(f"needs {training}, {cines} and the network of benchmarks.segmentation_acdc")
    network, cohort = TrainedNetwork.load(STATE / "full.pt"), open_cohort(training)
    parts = []
    for subject_id in (*(f"patient{number}" for number in CINES), WHOLE):
        path = KEPT / f"{subject_id}_{_code()}.csv"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_table(_one(subject_id, network, cohort, training, cines), path, index=False)
        parts.append(pd.read_csv(path))
    return _rows(pd.concat(parts))


def _one(subject_id: str, network: TrainedNetwork, cohort: Cohort, training: Path, cines: Path) -> pd.DataFrame:
    """One row a method: Dice by structure, CPU seconds, and for the trackers ejection fractions in percent."""
    cine, labels, (ed, es) = _scan(cohort, subject_id, training, cines)
    found = segment_scan(network, cine).labels
    steps = (es - ed) % cine.n_frames
    given = {f"labels_{side}": _ejection(np.roll(found.volume_ml(f"{side}_cavity"), -ed)) for side in CAVITIES}
    rows: list[dict[str, Any]] = [{"method": STILL, **carried_dice(labels, lambda points: points)}]
    for name, settings in TRACKERS.items():
        begin = time.process_time()
        field = track(cine, found, settings, generator=torch.Generator().manual_seed(0), ed_frame=ed)
        seconds, phase = time.process_time() - begin, np.array([steps / cine.n_frames])
        fitted = fit_template(found, frame=ed, slice_shift_mm=field.slice_shift_mm)
        overlap = carried_dice(labels, lambda p, f=field, t=phase: f.displace(p, phases=t)[0], field.slice_shift_mm)
        moving = field.displace(fitted.mesh.points)
        mesh = {f"mesh_{side}": _ejection(cavity_volumes_ml(moving, *parts)) for side, parts in CAVITIES.items()}
        imaged = {
            f"imaged_{side}": _ejection(imaged_volumes_ml(moving, found.affine, found.shape[2], *parts))
            for side, parts in CAVITIES.items()
        }
        rows.append({"method": name, "seconds": seconds, **overlap, **given, **mesh, **imaged})
    for name, peer in available_peers().items():
        for slices in (True, False):
            begin = time.process_time()
            move, shift = peer_motion(peer, cine, found, ed_frame=ed, steps=steps, slices=slices)
            seconds = time.process_time() - begin
            way = "slice by slice" if slices else "3D"
            rows.append({"method": f"{name}, {way}", "seconds": seconds, **carried_dice(labels, move, shift)})
    return pd.DataFrame(rows).assign(ID=subject_id)


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    held = table[table["ID"].isin(HELD)]
    return [
        *_overlap_rows(table, "motion.acdc", f"{table['ID'].nunique()} real cines"),
        *_gap_rows(table, "motion.acdc", f"{table['ID'].nunique()} real cines"),
        *_overlap_rows(held, "motion.acdc.held", f"{', '.join(HELD)}, on which no setting was chosen"),
        *_gap_rows(held, "motion.acdc.held", f"{', '.join(HELD)}, on which no setting was chosen"),
    ]


def _overlap_rows(table: pd.DataFrame, prefix: str, which: str) -> list[dict[str, Any]]:
    means = table.groupby("method", sort=False)[list(DICE)].mean()
    seconds = table.groupby("method", sort=False)["seconds"].mean()
    how = f"{which}, ED labels carried to ES, slices that both have"
    rows = []
    for short, (reach, aim) in DICE.items():
        others = ", ".join(f"{name} {value:.3f}" for name, value in means[short].items() if name != OURS)
        worst = table.loc[table["method"] == OURS, short].min()
        rows.append(_row(f"{prefix}.dice_{short}", means.loc[OURS, short], "Dice", (reach, aim, "higher"), how, others))
        rows[-1]["how"] += f"; worst {worst:.2f}"
    overall = means.mean(axis=1)
    peers = overall.drop([OURS, ALONE, STILL])
    times = ", ".join(f"{name} {value:.1f}" for name, value in seconds.dropna().items())
    rows.append(
        _row(
            f"{prefix}.vs_best_peer",
            overall[OURS] - peers.max(),
            "Dice",
            (0.01, 0.03, "higher"),
            f"{how}; mean of the three structures minus that of the best peer, {peers.idxmax()}",
            f"CPU seconds a cine: {times}",
        )
    )
    return rows


def _gap_rows(table: pd.DataFrame, prefix: str, which: str) -> list[dict[str, Any]]:
    rows, ours, alone = [], table[table["method"] == OURS], table[table["method"] == ALONE]
    for side, name, targets in (("lv", "ef_gap_points", (3, 1.5, "lower")), ("rv", "rvef_gap_points", (4, 2, "lower"))):
        gap = {of: ours[f"{of}_{side}"] - ours[f"labels_{side}"] for of in ("imaged", "mesh")}
        without = (alone[f"imaged_{side}"] - alone[f"labels_{side}"]).abs().mean()
        rows.append(
            _row(
                f"{prefix}.{name}",
                gap["imaged"].abs().mean(),
                "points",
                targets,
                f"{which}; {side.upper()}EF of the tracked mesh and of the labels given, both in the slices imaged "
                "(none at base or apex)",
                f"bias {gap['imaged'].mean():+.1f}, worst {gap['imaged'].abs().max():.1f}; of the whole mesh, which "
                f"shortens too, {gap['mesh'].abs().mean():.1f} (bias {gap['mesh'].mean():+.1f}); images alone "
                f"{without:.1f}",
            )
        )
    return rows


def _row(
    name: str, value: float, unit: str, targets: tuple[float, float, str], how: str, others: str
) -> dict[str, Any]:
    reach, aim, better = targets
    return {
        "id": name,
        "value": round(float(value), 3 if unit == "Dice" else 1),
        "unit": unit,
        "reach": reach,
        "aim": aim,
        "better": better,
        "how": f"{how}; {others}",
    }


def _ejection(volume_ml: np.ndarray) -> float:
    return 100 * ejection_fraction(volume_ml)


def _code() -> str:
    """Of everything a stored result depends on besides the images."""
    files = [
        *sorted((ROOT / "cardiolib" / "motion").rglob("*.py")),
        *sorted((ROOT / "cardiolib" / "shape").glob("*.py")),
        *(Path(__file__).with_name(f"{name}.py") for name in ("motion_acdc", "motion_peers", "carried_labels")),
        STATE / "full.pt",
    ]
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()[:12]


def _scan(cohort: Cohort, subject_id: str, training: Path, cines: Path) -> tuple[Cine, LabelMap, tuple[int, int]]:
    """Cine, labels of ED and ES, and which frames those are."""
    labels, frames = cohort.labels(subject_id)
    official = cohort.image(subject_id)
    if subject_id == WHOLE:
        return official, labels, (frames[0], frames[1])
    voxels = read_cine(cines / f"{subject_id}_4d.nii.gz").voxels
    crop = (*CROP, slice(1, 1 + voxels.shape[2]))
    affine = official.affine.copy()
    affine[:3, 3] = world_from_voxel(official.affine, np.array([[part.start for part in crop]], float))[0]
    patient = read_patient(training / subject_id)
    if not np.allclose(voxels[..., patient.ed], official.voxels[crop][..., 0], atol=0.1):
        raise ValueError(f"{subject_id}: the cine is not the expected part of the official volume")
    return Cine(voxels, affine), LabelMap(labels.labels[crop], affine, labels.scheme), (patient.ed, patient.es)


if __name__ == "__main__":
    record("motion_acdc", measure())
