"""Internal-external cross-validation: each centre in turn is the one that the model has never seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.printed import as_html
from cardiolib.survival.alignment import codes_of
from cardiolib.survival.cox import breslow_baseline
from cardiolib.survival.outcomes import check_outcomes
from cardiolib.validation.between_centres import Heterogeneity, heterogeneity
from cardiolib.validation.concordance import concordance
from cardiolib.validation.pipelines import Recipe
from cardiolib.validation.updating import update_model


@dataclass(frozen=True, eq=False, repr=False)
class InternalExternal:
    """What models of all other centres are worth at each centre.

    Attributes
    ----------
    table : DataFrame
        Index centre: patients, deaths, C and its SE, O/E and the SE of its logarithm, slope.
    log_risk : (N,) array
        Of each patient, by the model of the other centres.
    concordance : Heterogeneity
        Of C, on the logit scale.
    observed_over_expected : Heterogeneity
        On the log scale.
    """

    table: pd.DataFrame
    log_risk: np.ndarray = field(repr=False)
    concordance: Heterogeneity
    observed_over_expected: Heterogeneity

    def __repr__(self) -> str:
        return f"C {self.concordance!r}\nO/E {self.observed_over_expected!r}"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table)


def internal_external(
    recipe: Recipe, X: ArrayLike, event: ArrayLike, time: ArrayLike, centre: ArrayLike, *, seed: int = 0
) -> InternalExternal:
    """Fit on all centres but one, judge on that one, for each; then ask what a new centre may expect.

    Parameters
    ----------
    recipe : Recipe
        For example ``NetworkRecipe()``; fitted anew for each centre, tuning included.
    X : (N, D) array
    event, time : (N,) arrays
        One time unit at all centres.
    centre : (N,) sequence
        Name of each patient's centre; at least three.
    seed : int

    Raises
    ------
    ValueError
        Fewer than three centres, a patient without one, or a centre where no pair can be compared.

    Notes
    -----
    O/E counts deaths until the last death of the other centres' baseline: observed over the sum of the predicted
    cumulative hazards. The slope is that of the update "slope" (`update_model`). Patients of the left-out centre have
    no part in scaling, tuning or baseline.

    References
    ----------
    .. [1] Royston, Parmar and Sylvester, Stat Med 2004;23:907.
    .. [2] Steyerberg and Harrell, J Clin Epidemiol 2016;69:245.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(400, 2))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> found = internal_external(cl.CoxRecipe(), X, time < 2, time.clip(max=2), np.repeat(list("abcd"), 100))
    >>> found.table.index.tolist(), bool(found.concordance.average > 0.65)
    (['a', 'b', 'c', 'd'], True)
    """
    event, time, X, centre = check_outcomes(event, time, X=X, centre=centre)
    X, code = np.asarray(X), codes_of("centre", centre, time.size)
    names = [str(np.asarray(centre)[np.flatnonzero(code == k)[0]]) for k in np.unique(code)]
    if len(names) < 3:
        raise ValueError(f"at least three centres are needed, got {names}")
    log_risk, rows = np.empty(time.size), {}
    for k, name in zip(np.unique(code), names, strict=True):
        own = code == k
        model = recipe.fit(X[~own], event[~own], time[~own], groups=None, seed=seed)
        log_risk[own] = model.predict_log_risk(X[own])
        rows[name] = _judged(model, X[~own], event[~own], time[~own], log_risk[own], event[own], time[own], name)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("centre")
    return InternalExternal(
        table,
        log_risk,
        heterogeneity(table["C"], table["SE of C"], scale="logit"),
        heterogeneity(table["O/E"], table["O/E"] * table["SE of log O/E"], scale="log"),
    )


def _judged(
    model: Any,
    X_home: np.ndarray,
    event_home: np.ndarray,
    time_home: np.ndarray,
    log_risk: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    name: str,
) -> dict[str, float]:
    baseline = getattr(model, "baseline", None)
    if baseline is None:
        baseline = breslow_baseline(model.predict_log_risk(X_home), event_home, time_home)
    try:
        found, update = concordance(log_risk, event, time), update_model(log_risk, event, time, baseline)
    except (ValueError, ArithmeticError) as reason:
        raise ValueError(f"centre {name!r} cannot be judged: {reason}") from reason
    return {
        "patients": time.size,
        "deaths": int(event.sum()),
        "C": found.c,
        "SE of C": found.se,
        "O/E": float(np.exp(update.log_ratio)),
        "SE of log O/E": update.log_ratio_se,
        "slope": float(update.coefficients["slope"][1]),
    }
