"""Does tracking keep what predicts survival? Simulated patients, from image to motion to a Cox model's concordance.

``python -m benchmarks motion_outcome``. Each of 3 x 302 patients is imaged (breath-hold shifts, randomised contrast and
noise), segmented by the network of ``benchmarks.segmentation_simulated`` and tracked; the same model is then
cross-validated on the tracked and on the true motion, with the same folds and outcomes. Patients are stored as they are
finished, below ``data/derived/benchmarks``: a run that was stopped goes on. About an hour on two cores.
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.motion import CLINICAL
from benchmarks.record import record
from benchmarks.segmentation_simulated import NETWORK, default_network
from benchmarks.survival_truth import N_PATIENTS, Patients, simulate_patients
from cardiolib.digital_heart import DigitalHeart, acquire, parameters_from_row
from cardiolib.files import atomic_path
from cardiolib.motion import TrackedSubject, TrackingUnit, cohort_matrix, quality_table, track_units
from cardiolib.motion.quality import Quality
from cardiolib.segmentation import TrainedNetwork, segment_scan
from cardiolib.survival import concordance_index, fit_pca_cox
from cardiolib.survival.folds import patient_folds
from cardiolib.workflow.compute import Compute

COHORT_SEEDS = tuple(range(61, 61 + int(os.environ.get("CARDIOLIB_BENCH_COHORTS", "3"))))
N_FOLDS, N_REPEATS = 5, 4
FOLDER = NETWORK.parent / "motion_outcome"


def measure() -> list[dict[str, Any]]:
    """Row ``motion.keeps_outcome``."""
    if not NETWORK.is_file():
        default_network()[0].save(NETWORK)
    compute = Compute(workers=0)
    differences, tracked_c, true_c, seconds, flagged, failed = [], [], [], [], 0, 0
    for seed in COHORT_SEEDS:
        patients = simulate_patients(N_PATIENTS, seed)
        work = partial(_from_image, network=NETWORK, seed=seed, folder=FOLDER / str(seed))
        items = list(enumerate(patients.population.to_dict("records")))
        done = list(compute(work, items, label=f"cohort {seed}"))
        subjects, times = zip(*done, strict=True)
        table = quality_table(subjects)
        flagged, failed = flagged + int((~table["ok"]).sum()), failed + int((table["flags"] == "failed").sum())
        seconds += times
        ids, motion = cohort_matrix(subjects)
        kept = np.array([int(name) for name in ids])
        c = [_cross_validated(X, patients, kept, seed) for X in (motion, patients.motion[kept])]
        tracked_c.append(c[0])
        true_c.append(c[1])
        differences.append(c[0] - c[1])
    compute.close()
    return [
        {
            "id": "motion.keeps_outcome",
            "value": round(float(np.mean(differences)), 4),
            "unit": "C",
            "reach": -0.04,
            "aim": -0.015,
            "better": "higher",
            "how": f"PCA + ridge Cox, {N_REPEATS} x {N_FOLDS}-fold cross-validation; {len(COHORT_SEEDS)} simulated "
            f"cohorts of {N_PATIENTS} from image to motion, clinical setting; C {np.mean(tracked_c):.3f} on tracked, "
            f"{np.mean(true_c):.3f} on true motion; differences "
            f"{', '.join(f'{one:+.3f}' for one in differences)}; {failed} not tracked and left out, {flagged} "
            f"flagged; {np.mean(seconds):.1f} CPU-seconds a patient",
        }
    ]


def _from_image(item: tuple[int, dict], *, network: Path, seed: int, folder: Path) -> tuple[TrackedSubject, float]:
    """One patient's motion from a simulated scan, and the CPU-seconds it took; stored when finished."""
    number, row = item
    path = folder / f"{number}.npz"
    if path.is_file():
        with np.load(path) as stored:
            return _subject(number, stored["positions"], bool(stored["ok"]), str(stored["flags"])), float(stored["s"])
    started = time.process_time()
    scan = acquire(DigitalHeart(parameters_from_row(row)), CLINICAL, rng=np.random.default_rng([seed, 2, number]))
    labels = segment_scan(TrainedNetwork.load(network), scan.cine).labels
    [found] = track_units([TrackingUnit(str(number), scan.cine, labels, seed=seed)])
    seconds = time.process_time() - started
    flags = "; ".join(found.quality.flags)
    with atomic_path(path) as temporary:
        np.savez(temporary, positions=found.positions, ok=found.quality.ok, flags=flags, s=seconds)
    return _subject(number, found.positions, found.quality.ok, flags), seconds


def _subject(number: int, positions: np.ndarray, ok: bool, flags: str) -> TrackedSubject:
    nothing = np.zeros((len(positions), 0, 3))
    quality = Quality(ok, tuple(filter(None, flags.split("; "))), (), {})
    return TrackedSubject(str(number), positions, nothing, quality, nothing)


def _cross_validated(X: np.ndarray, patients: Patients, kept: np.ndarray, seed: int) -> float:
    """Mean C over folds and repeats; the penalty is chosen inside each training part."""
    event, years, _ = (part[kept] for part in patients.outcomes("motion", seed))
    scores = []
    for repeat in range(N_REPEATS):
        fold = patient_folds(event, n_folds=N_FOLDS, rng=np.random.default_rng([seed, 3, repeat]))
        for k in range(N_FOLDS):
            train, test = fold != k, fold == k
            model = fit_pca_cox(X[train], event[train], years[train], seed=seed)
            scores.append(concordance_index(model.predict_log_risk(X[test]), event[test], years[test]))
    return float(np.mean(scores))


if __name__ == "__main__":
    record("motion_outcome", measure())
