"""Digital heart: speed of the 202-point motion, incompressibility, and how well ejection fractions are met."""

from __future__ import annotations

import time

import numpy as np

from cardiolib.digital_heart import PHASES, DigitalHeart, parameters_from_row, simulate_population
from cardiolib.digital_heart.anatomy import Bearing

N_SUBJECTS, N_VERTICES, STEP_MM = 302, 1000, 1e-4


def measure() -> list[dict]:
    """One row per measured number."""
    table = simulate_population(N_SUBJECTS, kind="ph", rng=np.random.default_rng(302))
    parameters = [parameters_from_row(row) for _, row in table.iterrows()]
    start = time.process_time()
    hearts = [DigitalHeart(each) for each in parameters]
    motion = np.stack([heart.points202(PHASES) for heart in hearts])
    seconds = time.process_time() - start
    rng = np.random.default_rng(0)
    errors = [np.abs(_determinants(heart, sheet, rng) - 1) for heart in hearts[::10] for sheet in ("lv", "rv")]
    missed = [_ef_error_points(heart) for heart in hearts]
    n = motion.shape[0]
    return [
        _row("heart.motion_302_s", seconds, "s", 30.0, 10.0, f"CPU time, {n} hearts built, 20 phases x 202 vertices"),
        _row(
            "heart.det_error",
            float(np.quantile(np.concatenate(errors), 0.99)),
            "",
            1e-3,
            1e-5,
            f"99th percentile of |det J - 1|, {len(errors) // 2} subjects, {N_VERTICES} points a wall",
        ),
        _row("heart.ef_error_points", float(max(missed)), "points", 0.5, 0.1, f"worst LV or RV error of {n} subjects"),
    ]


def _row(name: str, value: float, unit: str, reach: float, aim: float, how: str) -> dict:
    return {"id": name, "value": value, "unit": unit, "reach": reach, "aim": aim, "better": "lower", "how": how}


def _ef_error_points(heart: DigitalHeart) -> float:
    """Largest difference from the requested ejection fractions over the 20 phases, in percentage points."""
    volumes, p = heart.volumes_ml(PHASES), heart.parameters
    pairs = ((volumes["lv_cavity"], p.lvef), (volumes["rv_cavity"], p.rvef))
    return 100.0 * max(abs(1.0 - curve.min() / curve[0] - wanted) for curve, wanted in pairs)


def _determinants(heart: DigitalHeart, sheet: str, rng: np.random.Generator) -> np.ndarray:
    """det J between ED and a random phase by central differences, at points anywhere in one wall."""
    p, anatomy, t = heart.parameters, heart.motion.anatomy, rng.uniform(0.1, 0.9)
    half = np.pi if sheet == "lv" else p.rv_half_angle_rad
    at = Bearing.of(rng.uniform(-half, half, N_VERTICES))
    low_Z, high_Z = (0.5, p.length_mm) if sheet == "lv" else (anatomy.rv_apex_mm + 0.1, anatomy.rv_base(at.psi))
    Z = rng.uniform(low_Z, high_Z, N_VERTICES)
    left = anatomy.left(at, Z)
    low, high = (np.maximum(left.endo, 0.0), left.epi) if sheet == "lv" else anatomy.right(at, Z, left.epi)
    r, theta = np.sqrt(rng.uniform(low, high)), at.psi + np.pi
    rest = np.stack([r * np.cos(theta), r * np.sin(theta), Z], axis=-1)
    jacobians = {phase: np.empty((N_VERTICES, 3, 3)) for phase in (0.0, t)}
    for axis, direction in enumerate(STEP_MM * np.eye(3)):
        for phase, jacobian in jacobians.items():
            ends = []
            for x, y, z in ((rest + direction).T, (rest - direction).T):
                ends.append(heart.move(x * x + y * y, np.arctan2(y, x), z, phase, sheet=sheet))
            jacobian[:, :, axis] = (ends[0] - ends[1]) / (2.0 * STEP_MM)
    return np.linalg.det(jacobians[t]) / np.linalg.det(jacobians[0.0])


if __name__ == "__main__":
    from benchmarks.record import record

    record("heart_motion", measure())
