"""Does a model hold elsewhere, and do the instruments that say so tell the truth? (notebook 06's questions, repeated)

Each number is a mean over repeated simulated cohorts. Units are kept as they are finished, below `data_folder()`: an
interrupted run goes on. About 20 CPU-minutes with the default sizes; `CARDIOLIB_BENCH_REPEATS` scales the repetitions.
"""

from __future__ import annotations

import os
import time as clock
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import centres_depth
from benchmarks.centres_patients import Pool, mean_of, pool, repeated, row, traits
from cardiolib.digital_heart import CaseMix, simulate_centre_outcomes
from cardiolib.digital_heart.outcomes import HOME_SCALE, WEIBULL_SHAPE, YEARS_PER_UNIT, log_hazard
from cardiolib.survival import BaselineHazard, CoxRecipe, FittedNetwork, concordance_index, fit_network
from cardiolib.validation import (
    NoveltyAlarm,
    concordance,
    conformal_bound,
    internal_external,
    model_based_concordance,
    update_model,
)
from cardiolib.validation.time_dependent import observed_risk

REPEATS = float(os.environ.get("CARDIOLIB_BENCH_REPEATS", "1"))
N_HOME, N_ELSEWHERE, N_POOL = 302, 1500, 6000
HORIZON_YEARS = 3.0
FAULTS = ("half the motion", "three phases late", "noise that is smooth in time")


def measure() -> list[dict[str, Any]]:
    """One row per measured number."""
    n_models, started = max(2, round(20 * REPEATS)), clock.perf_counter()
    models = repeated("models", n_models, _model_unit)
    closed = repeated("closed", max(50, round(2000 * REPEATS)), _closed_unit)
    left_out = repeated("iecv", max(20, round(300 * REPEATS)), _left_out_unit)
    groups = [name for name in models if name.startswith("covered ")]
    covered = {name: float(100 * models[name].mean()) for name in groups}
    worst = min(covered, key=covered.__getitem__)
    elsewhere = (
        f"network of {N_HOME} patients at home, {N_ELSEWHERE:,} others elsewhere, from the true motion (no images)"
    )
    mbc = mean_of(
        models["mbc"] - models["c milder"],
        f"model-based minus observed C, milder patients, slope set right at home; {elsewhere}",
    )
    frozen = (models["mbc as frozen"] - models["c milder"]).mean()
    rows = [
        row(
            "centres.mbc_error",
            (abs(mbc[0]), mbc[1]),
            "C",
            0.02,
            0.01,
            "lower",
            f"; signed {mbc[0]:+.4f}, as frozen {frozen:+.4f}",
        ),
        row(
            "centres.closed_test_size",
            mean_of(closed["changed"], "the true model, 302 patients, refit on 3 traits", scale=100),
            "%",
            8,
            5,
            "lower",
        ),
        row(
            "centres.recalibrated_oe",
            mean_of(
                models["error after"],
                f"|O/E - 1| at {HORIZON_YEARS:g} years after the chosen update, 100 local deaths, centre more-deaths; "
                f"{elsewhere}",
            ),
            "ratio",
            0.12,
            0.07,
            "lower",
            f"; before the update {models['error before'].mean():.3f}",
        ),
        row(
            "centres.iecv_coverage",
            mean_of(left_out["held"], "95 % prediction interval from 5 random centres holds C at a sixth", scale=100),
            "%",
            88,
            93,
            "higher",
        ),
        row(
            "centres.alarm_auc",
            mean_of(models["alarm"], f"alarm 'either' against risk wrong beyond 1.5 SD; faults: {', '.join(FAULTS)}"),
            "AUC",
            0.75,
            0.85,
            "higher",
            f"; reconstruction {models['alarm reconstruction'].mean():.3f}, "
            f"distance {models['alarm distance'].mean():.3f}",
        ),
        row(
            "centres.conformal_coverage",
            mean_of(
                models[worst], f"90 % lower bound at home, true times of death, worst group: {worst[8:]}", scale=100
            ),
            "%",
            86,
            89,
            "higher",
            "; " + ", ".join(f"{name[8:]} {value:.1f}" for name, value in covered.items()),
        ),
    ]
    rows += centres_depth.rows(centres_depth.curves())
    rows[0]["how"] += f"; all rows {(clock.perf_counter() - started) / 60:.0f} min, less what was kept"
    return rows


def _model_unit(k: int) -> dict[str, Any]:
    """A network of one home cohort, judged at home, at the milder centre and where more die."""
    rng = np.random.default_rng([701, k])
    shuffled = rng.permutation(N_POOL)
    home, calibration, fresh = (
        pool("home", N_POOL).part(rows) for rows in np.split(shuffled[: 2 * N_HOME + N_ELSEWHERE], [N_HOME, 2 * N_HOME])
    )
    event, time = _seen(home.outcomes("simulated-home", rng))
    model = fit_network(home.motion, event, time, seed=k)
    found = _expected(model, calibration, pool("milder", N_ELSEWHERE), rng)
    found |= _recalibrated(model, fresh, rng)
    found |= _covered(model, calibration, fresh, rng)
    return found | _alarmed(model, home, calibration, fresh, rng)


def _expected(model: FittedNetwork, calibration: Pool, milder: Pool, rng: np.random.Generator) -> dict[str, float]:
    """C where patients are milder, and what the case mix lets expect.

    A network's log risks are shrunk, so that they promise too little. Its slope is first set right on patients at home.
    """
    event, time = _seen(calibration.outcomes("simulated-home", rng))
    risk = model.predict_log_risk(calibration.motion)
    intercept, slope = update_model(risk, event, time, model.baseline).coefficients["slope"]
    event, time = _seen(milder.outcomes("simulated-milder-patients", rng))
    risk = model.predict_log_risk(milder.motion)
    return {
        "c milder": concordance(risk, event, time).c,
        "mbc": model_based_concordance(intercept + slope * risk, event, time, baseline=model.baseline),
        "mbc as frozen": model_based_concordance(risk, event, time, baseline=model.baseline),
        "slope at home": float(slope),
    }


def _recalibrated(model: FittedNetwork, patients: Pool, rng: np.random.Generator) -> dict[str, float]:
    """|O/E - 1| where more die, before and after an update on the first patients with 100 deaths."""
    event, time = _seen(patients.outcomes("simulated-more-deaths", rng))
    risk = model.predict_log_risk(patients.motion)
    code = model.code(patients.motion)
    local = np.cumsum(event) <= 100
    update = update_model(risk[local], event[local], time[local], model.baseline, columns=code[local])
    rest, errors = ~local, {}
    for name, log_risk in (("before", risk), ("after", update.updated(risk, columns=code))):
        expected = 1 - model.baseline.survival(log_risk[rest], HORIZON_YEARS)
        errors[f"error {name}"] = abs(observed_risk(event[rest], time[rest], HORIZON_YEARS) / expected.mean() - 1)
    return {name: float(error) for name, error in errors.items()}


def _covered(model: FittedNetwork, calibration: Pool, fresh: Pool, rng: np.random.Generator) -> dict[str, float]:
    """Share that outlives the bound in four groups of age and sex, by the true times of death."""
    event, time = _seen(calibration.outcomes("simulated-home", rng))
    bound = conformal_bound(model.predict_log_risk(calibration.motion), event, time, model.baseline, level=0.9)
    outcomes = fresh.outcomes("simulated-home", rng)
    outlived = outcomes["event_time_years"].to_numpy() >= bound.lower_bound(model.predict_log_risk(fresh.motion))
    old, male = fresh.population["age"].to_numpy() >= 60, (fresh.population["sex"] == "M").to_numpy()
    groups = {
        "women below 60": ~old & ~male,
        "men below 60": ~old & male,
        "women from 60": old & ~male,
        "men from 60": old & male,
    }
    return {f"covered {name}": float(outlived[rows].mean()) for name, rows in groups.items()}


def _alarmed(
    model: FittedNetwork, home: Pool, calibration: Pool, fresh: Pool, rng: np.random.Generator
) -> dict[str, float]:
    """AUC of the alarms for hearts whose risk is wrong, among good motion and motion with faults of tracking."""
    alarm = NoveltyAlarm.of(model, home.motion, familiar=calibration.motion)
    moves = fresh.motion.reshape(-1, 19, 202, 3).copy()
    kind = rng.integers(0, 2 * len(FAULTS), len(moves))  # half of the hearts have no fault
    moves[kind == 0] *= 0.5
    moves[kind == 1] = np.roll(moves[kind == 1], 3, axis=1)
    wave = np.sin(np.pi * np.arange(1, 20) / 20)[:, None, None]
    moves[kind == 2] += 2.0 * wave * rng.standard_normal((int((kind == 2).sum()), 1, 202, 3))
    motion = moves.reshape(len(moves), -1)
    risk, clean = model.predict_log_risk(motion), model.predict_log_risk(fresh.motion)
    truth = log_hazard(fresh.population)
    slope, level = np.polyfit(clean, truth, 1)  # what the network's risk is worth on the scale of the truth
    wrong = np.abs(slope * risk + level - truth) > 1.5 * truth.std()
    scores = alarm.scores(model, motion)
    label = {"either": "alarm", "reconstruction": "alarm reconstruction", "distance": "alarm distance"}
    return {label[name]: concordance_index(scores[name], wrong, np.where(wrong, 1.0, 2.0)) for name in label}


def _closed_unit(k: int) -> dict[str, Any]:
    """Whether the closed test changes the true model at a centre where nothing differs."""
    rng = np.random.default_rng([702, k])
    table = traits(N_HOME, rng)
    event, time = _seen(simulate_centre_outcomes(table, rng=rng))
    columns = table[["x_long", "x_septal", "x_lag"]]
    return {
        "changed": int(update_model(log_hazard(table), event, time, _true_baseline(), columns=columns).chosen != "none")
    }


def _left_out_unit(k: int) -> dict[str, Any]:
    """Whether the prediction interval of C from five random centres holds what the model is worth at a sixth."""
    rng = np.random.default_rng([703, k])
    columns, parts = ["x_long", "x_septal", "x_lag"], []
    for centre in range(5):
        table, event, time = _random_centre(250, rng)
        parts.append((table[columns], event, time, np.repeat(centre, 250)))
    X, event, time, centre = (np.concatenate(part) for part in zip(*parts, strict=True))
    interval = internal_external(CoxRecipe(), X, event, time, centre).concordance.prediction_interval()
    table, new_event, new_time = _random_centre(4000, rng)
    risk = CoxRecipe().fit(X, event, time).predict_log_risk(table[columns])
    c = concordance_index(risk, new_event, new_time)
    return {"held": int(interval[0] <= c <= interval[1]), "low": interval[0], "high": interval[1], "c": c}


def _random_centre(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Patients of a centre drawn at random: case mix, spread and hazard vary from centre to centre."""
    shifts = rng.normal(0, 0.3, 3)
    mix = CaseMix(
        long_shift=shifts[0], septal_shift=shifts[1], lag_shift=shifts[2], spread=float(rng.uniform(0.7, 1.2))
    )
    table = traits(n, rng, mix)
    ratio = float(np.exp(rng.normal(0, 0.3)))
    outcomes = simulate_centre_outcomes(table, b=float(rng.uniform(0.7, 1.1)), hazard_ratio=ratio, rng=rng)
    return table, *_seen(outcomes)


def _true_baseline() -> BaselineHazard:
    """H0 of the home centre, for the true log hazard: (t / scale)^1.1 on a fine grid."""
    line = np.linspace(0.01, 60, 6000)
    return BaselineHazard(line, WEIBULL_SHAPE * np.log(line / (YEARS_PER_UNIT * HOME_SCALE)))


def _seen(outcomes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return outcomes["event"].to_numpy(), outcomes["time_years"].to_numpy()


if __name__ == "__main__":
    from benchmarks.record import record

    record("centres", measure())
