"""What personal advice could add and what of it is found: hundreds of simulated cohorts with habits, against the truth.

Every effect is built in and invented; the rows say how methods do, and nothing about people. Patients are drawn
without images: their four traits are measured with an SD of .35, beside 12 columns of noise. Learners are judged on
10,000 fresh patients. A cohort is one JSON file in ``data/derived/benchmarks/effects``, written as soon as it is
finished: a run that was stopped goes on where it was, and changed code starts anew. From nothing it takes about 20
minutes of one core.

    python -m benchmarks.effects            # all of it
    python -m benchmarks.effects 0.05       # a twentieth of the cohorts, to look at; nothing is recorded
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.cohorts import HABIT_COHORTS, HABITS, HabitWorld, simulate_habits
from cardiolib.digital_heart import TRAIT_NAMES
from cardiolib.effects import (
    LEARNERS,
    HabitStudy,
    InteractionLearner,
    RatioLearner,
    TwoModelLearner,
    average_effects,
    modification_test,
    negative_control,
    orthogonal_scores,
    score_gains,
)
from cardiolib.files import read_json, write_json
from cardiolib.work import keyed_folder

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "data" / "derived" / "benchmarks" / "effects"
N, FRESH, FRESH_SEED = 5000, 10_000, 999
COHORTS = {"learners": 20, "averages": 60, "null": 300, "gallery": 5}
CURVE = {302: 40, 1000: 20, 3000: 8, 10_000: 4, 30_000: 2}
CURVE_LEARNERS = (RatioLearner(), TwoModelLearner(), InteractionLearner())
NULL_SIZE = 1000


def measure(share: float = 1.0) -> list[dict[str, Any]]:
    """Simulate what is missing, then the rows with their Monte Carlo error."""
    count = {name: max(2, round(share * n)) for name, n in COHORTS.items()}
    learnt = _table("learners", count["learners"], learners_cohort)
    averages = _table("averages", count["averages"], averages_cohort)
    null = _table("null", count["null"], null_cohort)
    curve = {
        (world, n): _table(f"curve_{world}_{n}", max(2, round(share * m)), partial(curve_cohort, world, n))
        for world in ("simulated-habits", "simulated-habits-randomised")
        for n, m in CURVE.items()
    }
    gallery = {w: _table(f"gallery_{w}", count["gallery"], partial(gallery_cohort, w)) for w in HABIT_COHORTS}
    return _rows(learnt, averages, null, curve, gallery)


def learners_cohort(seed: int) -> dict[str, float]:
    """All learners on one cohort: what each earns, its harm and its coverage."""
    study = _study(HabitWorld(), N, seed)
    return _scored(study, _fresh("simulated-habits"), LEARNERS, seed)


def averages_cohort(seed: int) -> dict[str, float]:
    """Errors of the average gains, traits taken as they are and as measured."""
    patients, out = simulate_habits(N, seed=10_000 + seed), {}
    features = {"exact": patients.physiology[list(TRAIT_NAMES)], "measured": None}
    for name, given in features.items():
        study = HabitStudy.of_patients(patients, features=given, seed=seed)
        table = average_effects(study, scores=orthogonal_scores(study, n_folds=2, seed=seed)).table
        for (habit, method), row in table.iterrows():
            out[f"{name}|{method}|{habit}"] = float(row["gain"] - row["truth"])
            out[f"truth|{habit}"] = float(row["truth"])
    return out


def null_cohort(seed: int) -> dict[str, float]:
    """Whether modification is claimed, for one habit or more, where a ratio is the same for all."""
    found = modification_test(_study(HabitWorld(no_modification=True), NULL_SIZE, 20_000 + seed))
    return {"claimed": float(bool(found.claimed())), "single": float((found.table["p"] < 0.05).mean())}


def curve_cohort(world: str, n: int, seed: int) -> dict[str, float]:
    """The Cox learners on one cohort of n patients."""
    return _scored(_study(HABIT_COHORTS[world], n, 30_000 + seed), _fresh("simulated-habits"), CURVE_LEARNERS, seed)


def gallery_cohort(world: str, seed: int) -> dict[str, float]:
    """One world with a switch on: learners, adjusted averages, and whether the negative control warns."""
    study = _study(HABIT_COHORTS[world], N, 40_000 + seed)
    averages = average_effects(study, scores=orthogonal_scores(study, n_folds=2, seed=seed)).of("doubly robust")
    out = {f"bias|{habit}": float(averages.loc[habit, "gain"] - averages.loc[habit, "truth"]) for habit in HABITS}
    out["warned"] = float((negative_control(study)["p"] < 0.05 / len(HABITS)).any())
    fresh = _fresh("simulated-habits" if HABIT_COHORTS[world].randomised else world)
    return out | _scored(study, fresh, CURVE_LEARNERS, seed)


def _scored(study: HabitStudy, fresh: HabitStudy, learners: Any, seed: int) -> dict[str, float]:
    out: dict[str, float] = {}
    for learner in learners:
        found = score_gains(learner.fit(study, seed=seed).gains(fresh), fresh)
        out |= {
            f"{learner.name}|earned": found.earned,
            f"{learner.name}|harmed": found.harmed,
            f"{learner.name}|fifths": found.fifth_coverage,
            f"{learner.name}|patients": float(found.by_habit["coverage"].mean()),
            f"{learner.name}|pehe": float(found.by_habit["pehe"].mean()),
            "oracle": found.oracle,
        }
    return out


def _study(world: HabitWorld, n: int, seed: int) -> HabitStudy:
    return HabitStudy.of_patients(simulate_habits(n, world, seed=seed), seed=seed)


@lru_cache(maxsize=len(HABIT_COHORTS))
def _fresh(world: str) -> HabitStudy:
    return _study(HABIT_COHORTS[world], FRESH, FRESH_SEED)


def _table(name: str, n: int, cohort: Callable[[int], dict[str, float]]) -> pd.DataFrame:
    """One row a cohort, seeds 1 to n; those that are on disk are not simulated again."""
    folder = keyed_folder(RESULTS / name, {"code": _code()}, what=f"benchmark of effects, {name}")
    rows = []
    for seed in range(1, n + 1):
        file = folder / f"{seed:04d}.json"
        if not file.is_file():
            write_json(file, cohort(seed))
        rows.append(read_json(file))
    return pd.DataFrame(rows).astype(float)


@lru_cache(maxsize=1)
def _code() -> str:
    """Hash of the code that decides a cohort and what is learnt of it."""
    package = ROOT / "cardiolib"
    folders = (package / "effects", package / "cohorts" / "simulated" / "habits")
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in [*files, Path(__file__)])).hexdigest()[:16]


def _rows(
    learnt: pd.DataFrame, averages: pd.DataFrame, null: pd.DataFrame, curve: dict, gallery: dict
) -> list[dict[str, Any]]:
    shares = {learner.name: learnt[f"{learner.name}|earned"] / learnt["oracle"] for learner in LEARNERS}
    best = max(shares, key=lambda name: shares[name].mean())
    over = learnt[f"{best}|earned"] / learnt[f"{RatioLearner.name}|earned"]
    others = "; ".join(f"{name} {_mean(values, 3)}" for name, values in shares.items() if name != best)
    bias, how_bias = _relative_bias(averages)
    fifths = 100 * learnt[f"{best}|fifths"]
    single = ", ".join(f"{name} {100 * learnt[f'{name}|patients'].mean():.0f}" for name in shares)
    at_302 = curve["simulated-habits", 302]
    small = {
        learner.name: at_302[f"{learner.name}|earned"] - at_302[f"{RatioLearner.name}|earned"]
        for learner in (TwoModelLearner, InteractionLearner)
    }
    could = (at_302["oracle"] - at_302[f"{RatioLearner.name}|earned"]).mean()
    added = "; ".join(
        f"{name} {100 * values.mean() / could:.0f} ({100 * _error(values) / could:.0f})"
        for name, values in small.items()
    )
    harm_error = 100 * _error(learnt[f"{best}|harmed"])
    note = "built in and invented"
    return [
        _row("effects.average_bias", bias, "%", 10, 3, "lower", how_bias),
        _row(
            "effects.oracle_share",
            shares[best].mean(),
            "",
            0.80,
            0.90,
            "higher",
            f"{best}, n = {N:,}, {len(learnt)} cohorts, error {_error(shares[best]):.3f}; {others}; "
            f"by n: {_curve(curve)}; {note}",
        ),
        _row(
            "effects.over_constant",
            over.mean(),
            "",
            1.2,
            1.35,
            "higher",
            f"{best} over '{RatioLearner.name}', error {_error(over):.3f}; at 302 patients, per cent of what an oracle "
            f"adds to that rule: {added}; {note}",
        ),
        _row(
            "effects.coverage",
            fifths.mean(),
            "%",
            90,
            94,
            "higher",
            f"95 % intervals of the mean gain in fifths of the estimated gain, {best}, error {_error(fifths):.1f}; "
            f"of single patients, whose traits are measured with error: {single}; {note}",
        ),
        _row(
            "effects.null_size",
            100 * null["claimed"].mean(),
            "%",
            8,
            5,
            "lower",
            f"modification claimed for any of four habits (Holm, 5 %), {len(null)} cohorts of {NULL_SIZE:,}, error "
            f"{100 * _error(null['claimed']):.1f}; a single test at 5 %: {100 * null['single'].mean():.1f}; {note}",
        ),
        _row(
            "effects.harm_share",
            100 * learnt[f"{best}|harmed"].mean(),
            "%",
            13,
            10,
            "lower",
            f"of those who would change a habit by {best}, n = {N:,}, error {harm_error:.2f}; with each switch on "
            "(S-learner: share of the oracle, harmed %, worst average bias in years, control warns): "
            f"{_gallery(gallery)}; {note}",
        ),
        _row("effects.notebook_s", None, "s", 150, 75, "lower", "there is no notebook 07 yet"),
    ]


def _row(name: str, value: Any, unit: str, reach: float, aim: float, better: str, how: str) -> dict[str, Any]:
    value = None if value is None else float(f"{value:.4g}")
    return {"id": name, "value": value, "unit": unit, "reach": reach, "aim": aim, "better": better, "how": how}


def _relative_bias(averages: pd.DataFrame) -> tuple[float, str]:
    """Per cent, the worse of weighted and doubly robust with exact traits; and all of them in words."""
    found, words = {}, []
    truth = np.array([averages[f"truth|{habit}"].mean() for habit in HABITS])
    for features in ("exact", "measured"):
        for method in ("weighted", "doubly robust", "standardised", "naive"):
            errors = averages[[f"{features}|{method}|{habit}" for habit in HABITS]].to_numpy()
            bias, noise = errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
            size = np.sqrt(max(np.mean(bias**2 - noise**2), 0.0)) / truth.mean()
            found[features, method] = 100 * size
            each = ", ".join(f"{100 * b / t:+.0f}" for b, t in zip(bias, truth, strict=True))
            words.append(
                f"{features} traits, {method} {100 * size:.1f} ({each}; error {100 * np.mean(noise / truth):.1f})"
            )
    value = max(found["exact", method] for method in ("weighted", "doubly robust"))
    return value, (
        f"the worse of both; root mean square over {', '.join(HABITS)}, Monte Carlo variance taken off, n = {N:,}, "
        f"{len(averages)} cohorts; " + "; ".join(words)
    )


def _curve(curve: dict) -> str:
    parts = []
    for (world, n), table in curve.items():
        kind = "randomised" if world.endswith("randomised") else "as they live"
        values = [
            f"{_short(learner)} {_mean(table[f'{learner.name}|earned'] / table['oracle'])}"
            for learner in CURVE_LEARNERS
        ]
        parts.append(f"{n:,} {kind}: {', '.join(values)}")
    return "; ".join(parts)


def _gallery(gallery: dict) -> str:
    name, parts = InteractionLearner.name, []
    for world, table in gallery.items():
        share = (table[f"{name}|earned"] / table["oracle"]).mean() if table["oracle"].mean() > 0 else float("nan")
        bias = table[[f"bias|{habit}" for habit in HABITS]].mean()
        worst = bias.iloc[int(np.argmax(np.abs(bias)))]
        label = world.removeprefix("simulated-habits").lstrip("-") or "none"
        harmed, warned = (100 * table[column].mean() for column in (f"{name}|harmed", "warned"))
        parts.append(f"{label} {share:.2f}, {harmed:.0f}, {worst:+.2f}, {warned:.0f} %")
    return "; ".join(parts)


def _short(learner: Any) -> str:
    return {RatioLearner: "ratio", TwoModelLearner: "T", InteractionLearner: "S"}[type(learner)]


def _mean(values: pd.Series, decimals: int = 2) -> str:
    return f"{values.mean():.{decimals}f} ({_error(values):.{decimals}f})"


def _error(values: pd.Series) -> float:
    """Monte Carlo error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


if __name__ == "__main__":
    from benchmarks.record import record

    wanted = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rows = measure(wanted)
    if wanted == 1.0:
        record("effects", rows)
    else:
        for row in rows:
            print(f"{row['id']} {row['value']}: {row['how']}")
