"""How many patients until depth pays: learning curves by hazard, beside linear models, boosting and forests.

The peers are those of scikit-survival (GPL; for this benchmark alone, `pip install -c constraints.txt scikit-survival`)
on 20 principal components. Where it is not installed they are left out, and the rows say so.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from benchmarks.centres_patients import Pool, pool, repeated, row
from cardiolib.digital_heart import simulate_outcomes
from cardiolib.survival import concordance_index, fit_lasso_cox, fit_network, fit_pca_cox

HAZARDS = ("motion", "interaction", "ushape")
SIZES = tuple(int(n) for n in os.environ.get("CARDIOLIB_BENCH_SIZES", "150 302 600 1200 2000").split())
"""In full: 150 302 600 1200 2000 5000 10000. At 10,000 the network's principal coordinates alone take many minutes."""

N_POOL, N_TEST = max(6000, max(SIZES) + 2000), 2000
N_COMPONENTS = 20
HAS_PEERS = importlib.util.find_spec("sksurv") is not None


def curves() -> pd.DataFrame:
    """One row a hazard, size and repetition: C on patients whom nothing has seen."""
    parts = []
    for hazard in HAZARDS:
        for n in SIZES:
            found = repeated(f"depth-{hazard}-{n}-{HAS_PEERS}", repetitions(n), lambda k, h=hazard, m=n: _unit(h, m, k))
            parts.append(found.assign(hazard=hazard, n=n))
    return pd.concat(parts, ignore_index=True)


def repetitions(n: int) -> int:
    """Disjoint cohorts that the pool holds, eight at most, and two of the large ones."""
    return min(8 if n <= 302 else 2, (N_POOL - N_TEST) // n)


def _unit(hazard: str, n: int, k: int) -> dict[str, Any]:
    everybody = pool("home", N_POOL)
    cohort, fresh = everybody.part(slice(k * n, (k + 1) * n)), everybody.part(slice(N_POOL - N_TEST, N_POOL))
    event, time, _ = _outcomes(cohort, hazard, [601, n, k])
    fresh_event, fresh_time, truth = _outcomes(fresh, hazard, [602, n, k])
    X = cohort.motion
    risks = {
        "oracle": truth,
        "network": fit_network(X, event, time, seed=k).predict_log_risk(fresh.motion),
        "PCA + ridge": fit_pca_cox(X, event, time, seed=k).predict_log_risk(fresh.motion),
        **_peers(X, event, time, fresh.motion, k),
    }
    if n <= 302:  # a LASSO on 11,514 columns takes minutes for more
        risks["LASSO"] = fit_lasso_cox(X, event, time, seed=k).predict_log_risk(fresh.motion)
    return {name: concordance_index(risk, fresh_event, fresh_time) for name, risk in risks.items()}


def _outcomes(patients: Pool, hazard: str, seed: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = simulate_outcomes(patients.population, hazard=hazard, rng=np.random.default_rng(seed))
    event, time, truth = (table[name].to_numpy() for name in ("event", "time_years", "log_hazard"))
    return event, time, truth


def _peers(X: np.ndarray, event: np.ndarray, time: np.ndarray, X_new: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    if not HAS_PEERS:
        return {}
    from sksurv.ensemble import GradientBoostingSurvivalAnalysis, RandomSurvivalForest
    from sksurv.util import Surv

    axes = PCA(N_COMPONENTS, svd_solver="randomized", random_state=seed).fit(X)
    spread = np.sqrt(axes.explained_variance_)
    Z, Z_new, y = axes.transform(X) / spread, axes.transform(X_new) / spread, Surv.from_arrays(event, time)
    boosting = GradientBoostingSurvivalAnalysis(
        n_estimators=150, learning_rate=0.05, max_depth=2, subsample=0.7, random_state=seed
    )
    forest = RandomSurvivalForest(n_estimators=100, min_samples_leaf=15, max_features="sqrt", random_state=seed)
    return {name: model.fit(Z, y).predict(Z_new) for name, model in (("boosting", boosting), ("forest", forest))}


def rows(found: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows about depth."""
    peers = "" if HAS_PEERS else "; scikit-survival is not installed: without boosting and forests"
    table = found.groupby(["hazard", "n"], sort=False).mean()
    curve = {hazard: f"; {_curve(table, hazard)}{peers}" for hazard in HAZARDS}
    return [
        row("depth.gain_302", _lead(found, "interaction", 302), "C", 0.08, 0.15, "higher", curve["interaction"]),
        row("depth.gain_2000", _lead(found, "interaction", 2000), "C", 0.12, 0.17, "higher", curve["ushape"]),
        row("depth.gap_2000", _gap(found, "interaction", 2000), "C", 0.06, 0.03, "lower"),
        row("depth.loss", _lead(found, "motion", 302), "C", -0.01, 0.0, "higher", curve["motion"]),
    ]


def _lead(found: pd.DataFrame, hazard: str, n: int) -> tuple[float | None, str]:
    own = found[(found["hazard"] == hazard) & (found["n"] == n)]
    linear = own[[name for name in ("PCA + ridge", "LASSO") if name in own]].max(axis=1)
    return _mean(own["network"] - linear, f"network minus the better linear model, hazard {hazard!r}, n = {n:,}")


def _gap(found: pd.DataFrame, hazard: str, n: int) -> tuple[float | None, str]:
    own = found[(found["hazard"] == hazard) & (found["n"] == n)]
    return _mean(own["oracle"] - own["network"], f"true log hazard minus network, hazard {hazard!r}, n = {n:,}")


def _mean(values: pd.Series, what: str) -> tuple[float | None, str]:
    if values.empty:
        return None, f"{what}: not among the sizes measured"
    error = values.std(ddof=1) / np.sqrt(values.size) if values.size > 1 else float("nan")
    return float(values.mean()), (
        f"{what}; mean of {values.size} disjoint cohorts, Monte Carlo error {error:.3f}, judged on {N_TEST:,} others"
    )


def _curve(table: pd.DataFrame, hazard: str) -> str:
    lines = [
        f"n = {n}: " + ", ".join(f"{name} {value:.3f}" for name, value in row.dropna().items())
        for n, row in table.loc[hazard].iterrows()
    ]
    return f"mean C under {hazard!r}: " + "; ".join(lines)
