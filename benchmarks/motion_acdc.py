"""Tracking of real cines (ACDC): labels of end-diastole carried to end-systole, against the labels drawn there.

``python -m benchmarks motion_acdc``, after ``benchmarks.segmentation_acdc`` (its network trained on the 80 patients
segments the cines). Needs ACDC's training set and the cines of `CINES` beside it. Nine patients; all but patient090
are among the eighty, so that the segmentation which guides the tracker is at its best in them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.spatial import cKDTree

from benchmarks.record import Unavailable, record
from benchmarks.segmentation_acdc import ROOT, STATE
from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.cohorts.acdc import read_patient
from cardiolib.imaging import Cine, LabelMap, read_cine, world_from_voxel
from cardiolib.motion import TrackingSettings, track
from cardiolib.segmentation import TrainedNetwork, dice, segment_scan

CROP = (slice(50, 150), slice(85, 180))
"""Of the official volumes, by whoever made the cines; the first slice is left out as well."""

CINES = ("001", "002", "003", "006", "021", "022", "061", "066")
WHOLE = "patient090"
FINE = 2
"""Points along each axis of a voxel that are carried."""

STRUCTURES = {"myo": ("lv_wall", 0.80, 0.86), "rv": ("rv_cavity", 0.75, 0.83)}


def measure() -> list[dict[str, Any]]:
    """Rows ``motion.acdc.dice_*``."""
    shared = ROOT.parent / "shared" / "data"
    training = Path(os.environ.get("CARDIOLIB_ACDC", shared / "acdc" / "training"))
    cines = Path(os.environ.get("CARDIOLIB_ACDC_CINES", shared / "acdc_cine"))
    if not (training.is_dir() and cines.is_dir() and (STATE / "full.pt").is_file()):
        raise Unavailable(f"needs {training}, {cines} and the network of benchmarks.segmentation_acdc")
    network, cohort = TrainedNetwork.load(STATE / "full.pt"), open_cohort(training)
    overlap = {short: {"tracked": [], "alone": [], "still": []} for short in STRUCTURES}
    for subject_id in (*(f"patient{number}" for number in CINES), WHOLE):
        cine, labels, (ed, es) = _scan(cohort, subject_id, training, cines)
        found = segment_scan(network, cine).labels
        moved = {"still": labels.frame(0)}
        for name, settings in (("tracked", TrackingSettings()), ("alone", TrackingSettings(prior="none"))):
            field = track(cine, found, settings, generator=torch.Generator().manual_seed(0), ed_frame=ed)
            phase = ((es - ed) % cine.n_frames) / cine.n_frames
            moved[name] = _carried(
                labels,
                lambda points, f=field, p=phase: f.displace(points, phases=np.array([p]))[0],
                field.slice_shift_mm,
            )
        for short, (name, _, _) in STRUCTURES.items():
            for way, codes in moved.items():
                overlap[short][way].append(_dice(codes, labels.frame(1), labels.scheme.code(name)))
    return [
        {
            "id": f"motion.acdc.dice_{short}",
            "value": round(float(np.mean(ways["tracked"])), 3),
            "unit": "Dice",
            "reach": reach,
            "aim": aim,
            "better": "higher",
            "how": f"{len(ways['tracked'])} real cines, ED labels carried to ES, slices that both have; images alone "
            f"{np.mean(ways['alone']):.2f}, not moved {np.mean(ways['still']):.2f}; {WHOLE} (in no training) "
            f"{ways['tracked'][-1]:.2f}, worst {min(ways['tracked']):.2f}",
        }
        for short, (_, reach, aim) in STRUCTURES.items()
        for ways in (overlap[short],)
    ]


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


def _carried(labels: LabelMap, move: Any, shift_mm: np.ndarray | None) -> np.ndarray:
    """Codes (I, J, K) at ES: every voxel takes the label of the piece of ED that comes to lie nearest to it."""
    shape = np.array(labels.labels.shape[:3])
    shift = np.zeros((shape[2], 2)) if shift_mm is None else np.asarray(shift_mm)
    along = labels.affine[:3, :2] / labels.spacing_mm[:2]
    offsets = (np.arange(FINE) + 0.5) / FINE - 0.5
    near = np.argwhere(_around(labels.frame(0) > 0))
    codes = np.tile(labels.frame(0)[tuple(near.T)], FINE**3)
    points = np.concatenate([near + np.array([a, b, c]) for a in offsets for b in offsets for c in offsets])
    aligned = world_from_voxel(labels.affine, points) - shift[np.tile(near[:, 2], FINE**3)] @ along.T
    there = world_from_voxel(labels.affine, near.astype(float)) - shift[near[:, 2]] @ along.T
    out = np.zeros(shape, labels.labels.dtype)
    out[tuple(near.T)] = codes[cKDTree(move(aligned)).query(there)[1]]
    return out


def _around(mask: np.ndarray, reach: int = 8) -> np.ndarray:
    """The in-plane box about a mask, in every slice."""
    held = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(2)]
    out = np.zeros(mask.shape, bool)
    out[tuple(slice(max(h[0] - reach, 0), h[-1] + reach + 1) for h in held)] = True
    return out


def _dice(found: np.ndarray, truth: np.ndarray, code: int) -> float:
    """Over the slices in which both show the structure."""
    a, b = found == code, truth == code
    both = a.any(axis=(0, 1)) & b.any(axis=(0, 1))
    return dice(a[..., both], b[..., both])


if __name__ == "__main__":
    record("motion_acdc", measure())
