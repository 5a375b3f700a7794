"""Do the pictures show what is there? Saliency, attributions and the decoded risk, held to what the simulator knows.

``python -m benchmarks interpretation``. Several simulated cohorts of 302; networks at the default settings.
*Saliency*: outcomes are drawn anew from a hazard that reads the motion of 20 neighbouring points and of nothing else;
the patch, the wall and what of its motion is read change from cohort to cohort. *Risk direction*: the cohort's own
hazard; the truth is the regression of motion on the true log hazard in hearts that are in no cohort.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.record import record
from cardiolib.cohorts import SimulatedCohortSettings, build_simulated_cohort
from cardiolib.digital_heart import DigitalHeart, mean_parameters
from cardiolib.interpretation import (
    attribute_network,
    compare_risk_motions,
    decoded_motions,
    planted_table,
    planted_tests,
    regression_motion,
    true_risk_motion,
)
from cardiolib.interpretation.planted import BASELINE, CEILING
from cardiolib.interpretation.risk_motion import LEAST_SQUARES_HEAD, LEAST_SQUARES_PATTERN, NETWORK_DECODER, REGRESSION
from cardiolib.meshes import decimated_mesh
from cardiolib.survival import NetworkSettings, fit_network, patient_folds

SEEDS = (11, 12, 13, 14)
PATCHES_A_COHORT, FOLDS, TRUE_HEARTS = 4, 3, 1500
N_VERTICES = 202


def measure() -> list[dict[str, Any]]:
    """Rows ``interp.*``."""
    mesh = decimated_mesh(DigitalHeart(mean_parameters("ph")).points202(np.zeros(1))[0])
    tests, tables, completeness = [], [], []
    truth = None
    for seed, cohort, X, event, time in _cohorts():
        # one truth for all: the cohorts are draws of one population
        truth = truth or true_risk_motion(cohort, n_frames=20, n_hearts=TRUE_HEARTS, seed=0)
        tests += planted_tests(X, mesh, NetworkSettings(), n_patches=PATCHES_A_COHORT, seed=seed)
        network = fit_network(X, event, time, NetworkSettings(), seed=seed)
        completeness.append(attribute_network(network, X).relative_completeness_error)
        motions = [
            *decoded_motions(network, X, n_vertices=N_VERTICES),
            regression_motion(_held_out_risk(X, event, time, seed), X, n_vertices=N_VERTICES),
        ]
        tables.append(compare_risk_motions(motions, truth)["cosine with truth"])
    cosines = {name: np.array([one[name] for one in tables]) for name in tables[0].index}
    return [_saliency_row(tests), _completeness_row(completeness), _direction_row(cosines)]


def _saliency_row(tests) -> dict[str, Any]:
    table = planted_table(tests)
    mean = table["times chance, mean"].drop([CEILING, BASELINE])
    best, spread = mean.idxmax(), table.loc[mean.idxmax()]
    others = ", ".join(f"{name} {value:.1f}" for name, value in mean.drop(best).items())
    by_kind = {
        kind: np.mean([one.average_precision[best] / one.chance for one in tests if one.kind == kind])
        for kind in sorted({one.kind for one in tests})
    }
    kinds = ", ".join(f"hazard reads {name}: {value:.1f}" for name, value in by_kind.items())
    return _row(
        "interp.saliency_auprc",
        mean[best],
        "times chance",
        3,
        6,
        "higher",
        f"hazard planted in 20 of {N_VERTICES} points, {len(tests)} patches in {len(SEEDS)} simulated cohorts of 302; "
        f"best: {best} ({spread['times chance, min']:.1f} to {spread['times chance, max']:.1f}; {kinds}); {others}; "
        f"plain mean motion {table.loc[BASELINE, 'times chance, mean']:.1f}; {CEILING} "
        f"{table.loc[CEILING, 'times chance, mean']:.1f}",
    )


def _completeness_row(errors: list[float]) -> dict[str, Any]:
    return _row(
        "interp.ig_completeness",
        max(errors),
        "share of range",
        1e-2,
        1e-3,
        "lower",
        "largest |sum of attributions - log risk difference| of a patient / range of the log risks; "
        f"{len(errors)} networks of simulated cohorts of 302; the path is integrated exactly, so this is rounding",
    )


def _direction_row(cosines: dict[str, np.ndarray]) -> dict[str, Any]:
    shown = cosines[LEAST_SQUARES_PATTERN]
    names = {
        NETWORK_DECODER: NETWORK_DECODER,
        LEAST_SQUARES_HEAD: LEAST_SQUARES_HEAD,
        REGRESSION: f"{REGRESSION} held out in {FOLDS} folds",
    }
    others = ", ".join(f"{label} {cosines[name].mean():.2f}" for name, label in names.items())
    return _row(
        "interp.direction_cosine",
        shown.mean(),
        "cosine",
        0.7,
        0.9,
        "higher",
        f"{LEAST_SQUARES_PATTERN}; mean of {len(shown)} simulated cohorts of 302 ({shown.min():.2f} to "
        f"{shown.max():.2f}), truth from {TRUE_HEARTS} other hearts; {others}",
    )


def _cohorts() -> Iterator[tuple]:
    """Seed, cohort, motion and outcomes of each simulated cohort."""
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as folder:
            cohort = build_simulated_cohort(Path(folder), settings=SimulatedCohortSettings(n_imaged=0), seed=seed)
            ids, X = cohort.motion_matrix()
            table = cohort.table.loc[list(ids)]
            yield (
                seed,
                cohort,
                np.asarray(X, np.float32),
                table["event"].to_numpy(bool),
                table["time"].to_numpy(float),
            )


def _held_out_risk(X, event, time, seed: int) -> np.ndarray:
    """Log risk of each patient from a network that has not seen them, centred on those it has."""
    fold = patient_folds(event, n_folds=FOLDS, rng=np.random.default_rng(seed))
    risk = np.empty(len(X))
    for k in range(FOLDS):
        seen = fold != k
        network = fit_network(X[seen], event[seen], time[seen], NetworkSettings(), seed=seed)
        risk[~seen] = network.predict_log_risk(X[~seen]) - network.predict_log_risk(X[seen]).mean()
    return risk


def _row(name: str, value: float, unit: str, reach: float, aim: float, better: str, how: str) -> dict[str, Any]:
    return {
        "id": name,
        "value": float(f"{value:.3g}"),
        "unit": unit,
        "reach": reach,
        "aim": aim,
        "better": better,
        "how": how,
    }


if __name__ == "__main__":
    record("interpretation", measure())
