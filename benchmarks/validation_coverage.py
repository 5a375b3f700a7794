"""Do the intervals cover, and do the tests keep their level: hundreds of simulated cohorts with a quick model.

Ridge Cox models stand in for the network. Each cohort has 302 patients (65 to 100 deaths) and p independent covariates,
five of which matter; the truth is the concordance of the fitted model on 20,000 new patients. A cohort is one line of
a CSV in ``data/derived/benchmarks``, written as soon as it is finished: a run that was stopped goes on where it was.
From nothing it takes about 25 minutes of one core.

    python -m benchmarks.validation_coverage            # all of it
    python -m benchmarks.validation_coverage 20         # 20 cohorts a design, to look at
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cardiolib.files import atomic_path
from cardiolib.survival.concordance import concordance_index
from cardiolib.survival.folds import patient_folds
from cardiolib.validation import (
    BootstrapStore,
    compare_concordance,
    compare_models,
    concordance,
    draw_bag,
    paper_percentile_interval,
    paper_wilcoxon,
    validate,
)
from cardiolib.validation.concordance import logit_interval

RESULTS = Path(__file__).resolve().parents[1] / "data" / "derived" / "benchmarks" / "validation_coverage"
N, REPLICATES, COHORTS, NEW_PATIENTS = 302, 100, 400, 20_000
PENALTY = {10: 1e-6, 40: 1.0, 120: 10.0}
PENALTIES = (1.0, 10.0, 100.0)
PAIR_PENALTY = {5: 1e-6, 30: 1.0}
FIXED_SCORES = 20_000  # data sets for the test on held-out patients
SEED = 7


def measure(n_cohorts: int = COHORTS) -> list[dict[str, Any]]:
    """Simulate what is missing, then coverage and rejection rates in per cent with their Monte Carlo error."""
    rows = []
    for p, reach, aim in ((10, 90, 94), (40, 90, 94), (120, 85, 93)):
        table = _simulated(f"coverage_p{p}", n_cohorts, lambda seed, p=p: coverage_cohort(p, seed))
        rows += _coverage_rows(f"p{p}", f"{p} covariates", table, reach, aim)
    table = _simulated("coverage_tuned_p40", n_cohorts // 2, lambda seed: coverage_cohort(40, seed, tuned=True))
    rows += _coverage_rows("tuned.p40", "40 covariates, penalty chosen by cross-validation in every bag", table, 90, 94)
    table = _simulated("fixed_scores", FIXED_SCORES if n_cohorts == COHORTS else n_cohorts, fixed_scores_cohort)
    rows.append(
        _rate(
            "val.type1",
            table["p"] < 0.05,
            reach=7,
            aim=5.5,
            better="lower",
            how="paired test of two equally good scores on patients that trained neither",
        )
    )
    for p in PAIR_PENALTY:
        table = _simulated(f"pair_p{p}", n_cohorts, lambda seed, p=p: pair_cohort(p, seed))
        fixed, paper = (100 * (table[name] < 0.05).mean() for name in ("p_fixed", "p_wilcoxon"))
        unequal = _simulated(f"unequal_p{p}", n_cohorts // 2, lambda seed, p=p: pair_cohort(p, seed, stronger=0.75))
        found, found_fixed = (100 * (unequal[name] < 0.05).mean() for name in ("p", "p_fixed"))
        rows.append(
            _rate(
                f"val.type1.internal.p{p}",
                table["p"] < 0.05,
                reach=7,
                aim=5.5,
                better="lower",
                how=f"two equally good models of {p} covariates each, out of bag, variance of training "
                f"included; without it {fixed:.1f}, the released code's Wilcoxon test {paper:.0f}; a "
                f"difference of {unequal['difference'].mean():.2f} is found in {found:.0f} (without it "
                f"{found_fixed:.0f})",
            )
        )
    return rows


def coverage_cohort(p: int, seed: int, *, tuned: bool = False) -> dict[str, float]:
    """One cohort: the truth, every estimate, every interval."""
    rng = np.random.default_rng([SEED, p, seed, *([1] if tuned else [])])
    beta = np.where(np.arange(p) < 5, 0.35, 0.0)
    X, event, time = _draw(rng, N, p, beta, 0.33)
    store, coefficients = _bootstrap(X, event, time, None if tuned else PENALTY[p], seed)
    new_X, new_event, new_time = _draw(rng, NEW_PATIENTS, p, beta, 0.33)
    found = validate(store)
    apparent = concordance(store.log_risk_apparent, event, time)
    intervals = {
        "apparent": apparent.interval(),
        "paper": paper_percentile_interval(found.apparent, found.replicates["optimism"])[1:],
        "harrell": found.harrell_interval,
        "oob_fixed": found.out_of_bag.interval(),
        "632plus_fixed": logit_interval(found.c632plus, found.out_of_bag.se),
        "oob": found.out_of_bag_interval,
        "632plus": found.c632plus_interval,
    }
    row = {
        "truth": concordance(new_X @ coefficients, new_event, new_time).c,
        "c_apparent": found.apparent,
        "c_harrell": found.harrell,
        "c_632plus": found.c632plus,
        "c_oob": found.out_of_bag.c,
    }
    for name, (low, high) in intervals.items():
        row |= {f"{name}_low": low, f"{name}_high": high}
    return row


def pair_cohort(p: int, seed: int, *, stronger: float = 0.4) -> dict[str, float]:
    """One cohort, two models of p covariates each: equally good in expectation unless the first is made stronger."""
    rng = np.random.default_rng([SEED, 1000 + p, seed])
    beta = np.where(np.arange(2 * p) % p < 3, 0.4, 0.0)
    beta[:3] = stronger
    X, event, time = _draw(rng, N, 2 * p, beta, 0.33)
    a, b = (_bootstrap(half, event, time, PAIR_PENALTY[p], seed)[0] for half in (X[:, :p], X[:, p:]))
    found = compare_models(a, b)
    corrected = [model.apparent - model.replicates["optimism"] for model in (validate(a), validate(b))]
    return {
        "difference": found.difference,
        "p": found.p_value,
        "p_fixed": found.fixed.p_value,
        "p_wilcoxon": paper_wilcoxon(*corrected).p_value,
    }


def fixed_scores_cohort(seed: int) -> dict[str, float]:
    """Two noisy copies of the true log risk: equally good, not trained on anybody here."""
    rng = np.random.default_rng([SEED, 1, seed])
    z = rng.normal(size=N)
    death, end = rng.exponential(np.exp(-0.9 * z)), rng.exponential(0.42, size=N)
    a, b = z + rng.normal(size=N), z + rng.normal(size=N)
    return {"p": compare_concordance(a, b, death <= end, np.minimum(death, end)).p_value}


def fit_ridge(X: np.ndarray, event: np.ndarray, weight: np.ndarray, penalty: float, start: np.ndarray) -> np.ndarray:
    """Breslow Cox with case weights, total ridge penalty; rows by falling time without ties; damped Newton.

    Written for speed (a bag is its different patients with weights): a millisecond a step at p = 120. A test holds it
    to the library's `fit_ridge_cox`.
    """
    deaths = np.flatnonzero(weight * event)
    weight_dead = weight[deaths]

    def objective(beta):
        eta = X @ beta
        hazard = weight * np.exp(eta - eta.max())
        at_risk = np.cumsum(hazard)[deaths]
        value = -weight_dead @ (eta[deaths] - eta.max() - np.log(at_risk)) + penalty / 2 * beta @ beta
        return value, hazard, at_risk

    beta = start
    value, hazard, at_risk = objective(beta)
    for _ in range(60):
        increments = np.zeros(len(X))
        increments[deaths] = weight_dead / at_risk
        cumulative = np.cumsum(increments[::-1])[::-1]
        gradient = X.T @ (hazard * cumulative - weight * event) + penalty * beta
        if np.abs(gradient).max() < 1e-6:
            return beta
        spread = X * np.sqrt(hazard * cumulative)[:, None]
        means = np.cumsum(hazard[:, None] * X, axis=0)[deaths] * (np.sqrt(weight_dead) / at_risk)[:, None]
        curvature = spread.T @ spread - means.T @ means + (penalty + 1e-9) * np.eye(len(beta))
        step, length = np.linalg.solve(curvature, gradient), 1.0
        while True:
            trial = objective(beta - length * step)
            if trial[0] <= value + 1e-10:
                break
            length /= 2
            if length < 1e-9:
                raise ArithmeticError("the ridge Cox fit of the simulation does not descend")
        beta, (value, hazard, at_risk) = beta - length * step, trial
    raise ArithmeticError("the ridge Cox fit of the simulation did not converge in 60 steps")


def _draw(rng, n: int, p: int, beta: np.ndarray, censoring: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariates, event and time, by falling time."""
    X = rng.normal(size=(n, p))
    death, end = rng.exponential(np.exp(-X @ beta)), rng.exponential(censoring, size=n)
    order = np.argsort(-np.minimum(death, end))
    return X[order], (death <= end)[order], np.minimum(death, end)[order]


def _bootstrap(X, event, time, penalty: float | None, seed: int) -> tuple[BootstrapStore, np.ndarray]:
    """A store as the engine would make it, and the coefficients of the model of all patients.

    Without a penalty it is chosen in every bag, and for all patients, by cross-validation.
    """

    def fit(rows, weight, start):
        chosen = _choose_penalty(X[rows], event[rows], time[rows], weight, seed) if penalty is None else penalty
        return fit_ridge(X[rows], event[rows], weight, chosen, start)

    everybody = fit(slice(None), np.ones(N), np.zeros(X.shape[1]))
    bags = np.stack([draw_bag(seed, b, N) for b in range(REPLICATES)])
    predictions = []
    for bag in bags:
        weight = np.bincount(bag, minlength=N).astype(float)
        drawn = weight > 0
        predictions.append(X @ fit(drawn, weight[drawn], 0.9 * everybody))
    ids = [str(i) for i in range(N)]
    return BootstrapStore(ids, event, time, bags, np.stack(predictions), X @ everybody), everybody


def _choose_penalty(X, event, time, weight, seed: int) -> float:
    """The penalty with the best mean concordance over four folds of different patients."""
    fold = patient_folds(event, n_folds=4, rng=np.random.default_rng(seed))
    scores = []
    for penalty in PENALTIES:
        beta, score = np.zeros(X.shape[1]), 0.0
        for k in range(4):
            train, test = fold != k, fold == k
            beta = fit_ridge(X[train], event[train], weight[train], penalty, beta)
            score += concordance_index(X[test] @ beta, event[test], time[test])
        scores.append(score)
    return PENALTIES[int(np.argmax(scores))]


def _simulated(name: str, n: int, cohort: Callable[[int], dict[str, float]]) -> pd.DataFrame:
    """The first n rows of a simulation; rows that an earlier run finished are read."""
    path = RESULTS / f"{name}.csv"
    done = pd.read_csv(path).to_dict("records") if path.is_file() else []
    batch = max(10, n // 20)
    while len(done) < n:
        done += [cohort(seed) for seed in range(len(done), min(n, len(done) + batch))]
        with atomic_path(path) as temporary:
            pd.DataFrame(done).to_csv(temporary, index=False)
    return pd.DataFrame(done[:n])


def _coverage_rows(name: str, model: str, table: pd.DataFrame, reach: float, aim: float) -> list[dict[str, Any]]:
    truth = table["truth"]
    covered = {
        low.removesuffix("_low"): (table[low] <= truth) & (truth <= table[low.replace("_low", "_high")])
        for low in table
        if low.endswith("_low")
    }
    percent = {method: 100 * hit.mean() for method, hit in covered.items()}
    width = (table["oob_high"] - table["oob_low"]).mean()
    others = ", ".join(
        f"{label} {percent[method]:.1f}"
        for method, label in (
            ("oob_fixed", "without the variance of training"),
            ("harrell", "Harrell ABCLOC"),
            ("paper", "the paper's percentiles"),
            ("apparent", "apparent"),
        )
    )
    how = f"out-of-bag C of ridge Cox, {model}, true C {truth.mean():.3f}, mean width {width:.3f}; {others}"
    return [
        _rate(f"val.coverage.{name}", covered["oob"], reach=reach, aim=aim, better="higher", how=how),
        _rate(
            f"val.coverage.632plus.{name}",
            covered["632plus"],
            reach=reach,
            aim=aim,
            better="higher",
            how=f".632+ of the same cohorts; without the variance of training {percent['632plus_fixed']:.1f}",
        ),
    ]


def _rate(name: str, hits: pd.Series, *, reach: float, aim: float, better: str, how: str) -> dict[str, Any]:
    rate = hits.mean()
    error = 100 * np.sqrt(rate * (1 - rate) / len(hits))
    return {
        "id": name,
        "value": round(100 * rate, 2),
        "unit": "%",
        "reach": reach,
        "aim": aim,
        "better": better,
        "how": f"{how}; {len(hits)} simulated cohorts of {N}, Monte Carlo error {error:.1f}",
    }


if __name__ == "__main__":
    from benchmarks.record import record

    if len(sys.argv) > 1:
        sys.stdout.write(pd.DataFrame(measure(int(sys.argv[1])))[["id", "value", "how"]].to_string() + "\n")
    else:
        record("validation_coverage", measure())
