"""Every estimate of performance that follows from one stored bootstrap, without refitting anything.

Names: C_app is the concordance of the model trained on all patients, on those patients; for the model of
replicate b, C_bag is its concordance on its bag, C_all on all patients, C_oob on the patients outside its
bag.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm, rankdata

from cardiolib.validation.concordance import Concordance, concordance, logit_interval
from cardiolib.validation.store import BootstrapStore
from cardiolib.validation.training_variance import pair_out_of_bag, variance_with_training

COMBINE = ("centred", "z-score", "rank", "raw")
_TOO_FLEXIBLE = 0.02
_FEW_REPLICATES = 50  # below this the noise of the covariance over bags hides the variance of training


@dataclass(frozen=True)
class Validation:
    """Internal validation of one model from its stored bootstrap. `table()` is what a reader wants to see.

    Attributes
    ----------
    apparent, harrell, replicate_oob, c632plus : float
        C_app; C_app minus the mean optimism; mean of C_oob; .632+.
    overfitting_rate, weight_632plus : float
        R and w of the .632+ rule.
    out_of_bag : Concordance
        Of each patient's log risk averaged over the models that never saw that patient. Its own `se` takes the
        predictions as given.
    out_of_bag_se, c632plus_se : float
        Standard errors that include the variance of training; the intervals are made of these.
    replicates : DataFrame
        C_bag, C_all, C_oob and optimism of every replicate; NaN where it failed or nothing was comparable.
    n_without_oob : int
        Patients who were in every bag and have no out-of-bag risk (few replicates).
    notes : tuple of str
        What a reader must know, for example that Harrell's correction is too small here.
    """

    apparent: float
    harrell: float
    harrell_interval: tuple[float, float]
    replicate_oob: float
    c632plus: float
    c632plus_se: float
    c632plus_interval: tuple[float, float]
    overfitting_rate: float
    weight_632plus: float
    out_of_bag: Concordance
    out_of_bag_se: float
    out_of_bag_interval: tuple[float, float]
    level: float
    n_failed: int
    n_without_oob: int
    replicates: pd.DataFrame = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()

    def table(self) -> pd.DataFrame:
        """One row an estimator: value, interval and how the interval was made."""
        none = (np.nan, np.nan)
        rows = [
            ("apparent", self.apparent, none, "optimistic: same patients"),
            ("Harrell optimism-corrected", self.harrell, self.harrell_interval, "ABCLOC; too high for flexible models"),
            ("replicate out-of-bag", self.replicate_oob, none, "slightly pessimistic: 63% of patients"),
            ("out-of-bag aggregate", self.out_of_bag.c, self.out_of_bag_interval, "includes the variance of training"),
            (".632+", self.c632plus, self.c632plus_interval, "includes the variance of training"),
        ]
        percent = f"{100 * self.level:g}%"
        return pd.DataFrame(
            [(name, c, low, high, how) for name, c, (low, high), how in rows],
            columns=["estimator", "C", f"{percent} low", f"{percent} high", "remark"],
        )


def validate(
    store: BootstrapStore, *, apparent_c: float | None = None, combine: str = "centred", level: float = 0.95
) -> Validation:
    """All estimators from one store.

    Parameters
    ----------
    store : BootstrapStore
    apparent_c : float, optional
        C_app, for a store without the predictions of the model trained on all patients.
    combine : {"centred", "z-score", "rank", "raw"}
        See :func:`out_of_bag_risk`.
    level : float
        Nominal level of the intervals.

    Notes
    -----
    The intervals of the out-of-bag and the .632+ concordance are normal on the logit scale, with a standard error
    that includes the variance of training (:mod:`cardiolib.validation.training_variance`). The influence of a patient
    on .632+ follows from its formula: R(C_app, C_oob) is differentiated too. Without apparent predictions that of the
    out-of-bag concordance stands in for the influence on C_app.

    Raises
    ------
    ValueError
        If neither apparent predictions nor `apparent_c` are there, or no replicate can be evaluated.
    """
    apparent = (
        None if store.log_risk_apparent is None else concordance(store.log_risk_apparent, store.event, store.time)
    )
    if apparent_c is None:
        if apparent is None:
            raise ValueError("this store has no predictions of the model trained on all patients; give apparent_c")
        apparent_c = apparent.c
    replicates = replicate_concordances(store)
    if replicates["c_oob"].notna().sum() == 0:
        raise ValueError(
            f"none of the {store.n_replicates} replicates can be evaluated out of bag: "
            f"{store.failures()['message'].tolist()[:3]}"
        )
    harrell = apparent_c - replicates["optimism"].mean()
    replicate_oob = replicates["c_oob"].mean()
    c632plus, rate, weight = estimate_632plus(apparent_c, replicate_oob)
    risk = out_of_bag_risk(store, combine=combine)
    known = np.isfinite(risk)
    oob = concordance(risk[known], store.event[known], store.time[known])
    of_oob = spread_over(known, oob.influence)
    of_apparent = of_oob if apparent is None else apparent.influence
    oob_se, c632plus_se = _errors_with_training(store, of_oob, of_apparent, apparent_c, rate, weight)
    return Validation(
        apparent=float(apparent_c),
        harrell=float(harrell),
        harrell_interval=abcloc_interval(apparent_c, replicates, level=level),
        replicate_oob=float(replicate_oob),
        c632plus=c632plus,
        c632plus_se=c632plus_se,
        c632plus_interval=logit_interval(c632plus, c632plus_se, level=level),
        overfitting_rate=rate,
        weight_632plus=weight,
        out_of_bag=oob,
        out_of_bag_se=oob_se,
        out_of_bag_interval=logit_interval(oob.c, oob_se, level=level),
        level=level,
        n_failed=int((~store.succeeded).sum()),
        n_without_oob=int((~known).sum()),
        replicates=replicates,
        notes=_notes(store, known, harrell, c632plus, oob.c),
    )


def replicate_concordances(store: BootstrapStore) -> pd.DataFrame:
    """C_bag, C_all, C_oob and optimism (C_bag - C_all) of every replicate; NaN where undefined.

    Repeated rows of a bag are kept as they are; two rows of one patient who died are not comparable.
    """
    rows, out_of_bag = [], store.out_of_bag
    for b, works in enumerate(store.succeeded):
        bag, outside = store.in_bag[b], np.flatnonzero(out_of_bag[b])
        values = [
            _c_or_nan(store, b, patients) if works else np.nan
            for patients in (bag, np.arange(store.n_patients), outside)
        ]
        rows.append([*values, values[0] - values[1]])
    index = pd.RangeIndex(store.n_replicates, name="replicate")
    return pd.DataFrame(rows, columns=["c_bag", "c_all", "c_oob", "optimism"], index=index, dtype=float)


def out_of_bag_risk(store: BootstrapStore, *, combine: str = "centred") -> np.ndarray:
    """Each patient's log risk averaged over the models that were trained without that patient.

    Parameters
    ----------
    store : BootstrapStore
    combine : {"centred", "z-score", "rank", "raw"}
        What is done to the predictions of each model before averaging. A Cox score has no origin, so "raw"
        averages numbers that are not on one scale; "centred" subtracts each model's mean over all patients;
        "z-score" and "rank" are sensitivity analyses.

    Returns
    -------
    (N,) array
        NaN for a patient who was in every bag.
    """
    if combine not in COMBINE:
        raise ValueError(f"combine must be one of {COMBINE}, got {combine!r}")
    risk = store.log_risk[store.succeeded]
    if combine == "rank":
        risk = rankdata(risk, axis=1) if len(risk) else risk
    elif combine != "raw":
        risk = risk - risk.mean(axis=1, keepdims=True)
    if combine == "z-score":
        spread = risk.std(axis=1, keepdims=True)
        risk = risk / np.where(spread > 0, spread, 1.0)
    outside = store.out_of_bag[store.succeeded]
    count = outside.sum(axis=0)
    total = np.where(outside, risk, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(store.n_patients, np.nan), where=count > 0)


def estimate_632plus(apparent_c: float, c_oob: float) -> tuple[float, float, float]:
    """The .632+ concordance, its relative overfitting rate R and the weight w of the out-of-bag part.

    R = (C_app - C_oob) / (C_app - 1/2) within [0, 1], and 0 where the apparent value is itself no better than
    chance; w = .632 / (1 - .368 R); the estimate is (1 - w) C_app + w max(C_oob, 1/2).

    References
    ----------
    .. [1] Efron and Tibshirani, JASA 1997;92:548.
    """
    for name, c in (("apparent_c", apparent_c), ("c_oob", c_oob)):
        if not 0 <= c <= 1:
            raise ValueError(f"{name} must be a concordance, between 0 and 1; got {c!r}")
    rate = float(np.clip((apparent_c - c_oob) / (apparent_c - 0.5), 0.0, 1.0)) if apparent_c > 0.5 else 0.0
    weight = 0.632 / (1 - 0.368 * rate)
    return (1 - weight) * apparent_c + weight * max(c_oob, 0.5), rate, weight


def abcloc_interval(apparent_c: float, replicates: pd.DataFrame, *, level: float = 0.95) -> tuple[float, float]:
    """Harrell's interval of the corrected value, from one-sided spreads of C_bag - 1.25 C_all.

    (C_adj - z s_top, C_adj + z s_bottom); each s is a standard deviation about the mean of one side, divisor
    count minus one, with rows at the mean on both sides. NaN when a side has fewer than two replicates.

    References
    ----------
    .. [1] Harrell, fharrell.com/post/bootcal (2025); R rms >= 8.1-0.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual")
    good = replicates.dropna(subset=["c_bag", "c_all"])
    corrected = apparent_c - good["optimism"].mean()
    w = (good["c_bag"] - 1.25 * good["c_all"]).to_numpy()
    top, bottom = w[w >= w.mean()] if w.size else w, w[w <= w.mean()] if w.size else w
    if min(top.size, bottom.size) < 2:
        return np.nan, np.nan
    z = norm.ppf(0.5 + level / 2)
    spread = [np.sqrt(np.sum((side - w.mean()) ** 2) / (side.size - 1)) for side in (top, bottom)]
    return float(corrected - z * spread[0]), float(corrected + z * spread[1])


def spread_over(known: np.ndarray, influence: np.ndarray) -> np.ndarray:
    """Influence of all N patients: that of the known ones, zero for those who were in every bag."""
    everybody = np.zeros(known.size)
    everybody[known] = influence
    return everybody


def _errors_with_training(
    store: Any, of_oob: np.ndarray, of_apparent: np.ndarray, apparent_c: float, rate: float, weight: float
) -> tuple[float, float]:
    """Standard errors of the out-of-bag and of the .632+ concordance, by the delta method after the bootstrap."""
    pairs = pair_out_of_bag(store)
    slope = weight**2 * 0.368 / 0.632  # d weight / d rate
    by_oob = weight + rate * slope
    by_apparent = 1 - weight - rate * (1 - rate) * slope
    of_oob_variance = variance_with_training(of_oob, pairs)
    variance = variance_with_training(by_oob * pairs.influence + by_apparent * of_apparent, pairs, gradient=by_oob)
    # not less than with fixed models, whatever the clipping of R does to the gradients
    return float(np.sqrt(of_oob_variance)), float(np.sqrt(max(variance, np.sum(of_oob**2))))


def _c_or_nan(store: BootstrapStore, b: int, patients: np.ndarray) -> float:
    try:
        return concordance(store.log_risk[b, patients], store.event[patients], store.time[patients]).c
    except ValueError:  # nothing comparable among these patients
        return np.nan


def _notes(store: Any, known: np.ndarray, harrell: float, c632plus: float, c_oob: float) -> tuple[str, ...]:
    notes = []
    if harrell - max(c632plus, c_oob) > _TOO_FLEXIBLE:
        notes.append(
            f"Harrell's correction ({harrell:.3f}) exceeds .632+ ({c632plus:.3f}) and out-of-bag "
            f"({c_oob:.3f}) by "
            "more than .02: the model is too flexible for the optimism bootstrap; read .632+ and "
            "out-of-bag"
        )
    if not store.succeeded.all():
        notes.append(f"{int((~store.succeeded).sum())} of {store.n_replicates} replicates failed and are left out")
    if not known.all():
        notes.append(
            f"{int((~known).sum())} patients were in every bag and have no out-of-bag risk: use more replicates"
        )
    if store.succeeded.sum() < _FEW_REPLICATES:
        notes.append(
            f"with {int(store.succeeded.sum())} replicates the intervals contain little or nothing of the "
            f"variance of training and are too narrow: use {_FEW_REPLICATES} or more"
        )
    return tuple(notes)
