"""Updating a model at another centre: how little has to change, and a test that chooses.

A frozen model gives the cumulative hazard H0(t) exp(r) with log risk r. It is updated, smallest first, to

    none                 r
    in the large         a + r
    slope                a + b r
    refit                a + b r + g'z      z: columns that may enter anew, such as the network's code

where a moves the baseline hazard as a whole. The shape of the baseline stays the home's. Each step has one or more
parameters more than the one before, and the closed test pays for all of them before it looks for less.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import chi2

from cardiolib.printed import as_html
from cardiolib.survival.cox import BaselineHazard
from cardiolib.survival.outcomes import check_features, check_log_risk, check_outcomes

STEPS = ("none", "in the large", "slope", "refit")
_MAX_STEPS = 100
_COLLINEAR = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class ModelUpdate:
    """All updates of a model on one centre's patients, and the one chosen.

    Attributes
    ----------
    table : DataFrame
        Index `STEPS` (without "refit" where no columns were given): parameters, log likelihood, and against the largest
        update the likelihood-ratio statistic, degrees of freedom and p.
    chosen : str
        One of `STEPS`.
    coefficients : dict of str to array
        By step: a, then b (less 1 in a refit), then g (of standardised columns).
    log_ratio, log_ratio_se : float
        log(observed / expected deaths) over the follow-up, and its standard error 1 / sqrt(deaths).
    n, n_deaths : int
        Patients, and deaths before the baseline ends.
    """

    table: pd.DataFrame
    chosen: str
    coefficients: dict[str, np.ndarray]
    log_ratio: float
    log_ratio_se: float
    n: int
    n_deaths: int
    centre: np.ndarray = field(default_factory=lambda: np.zeros(0))
    spread: np.ndarray = field(default_factory=lambda: np.ones(0))

    def updated(self, log_risk: ArrayLike, *, columns: ArrayLike | None = None, step: str | None = None) -> np.ndarray:
        """(N,) log risk after an update, by default the one chosen, to be used with the home's baseline hazard.

        Raises
        ------
        ValueError
            For a step that was not fitted, or a refit without its columns.
        """
        step = self.chosen if step is None else step
        if step not in self.coefficients:
            raise ValueError(f"step must be one of {list(self.coefficients)}, got {step!r}")
        risk, beta = check_log_risk(log_risk, np.size(log_risk)), self.coefficients[step]
        if step == "refit":
            if columns is None:
                raise ValueError("a refit needs the columns that it was made from")
            Z = check_features(columns, self.centre.size, dtype=np.float64)
            return beta[0] + (1 + beta[1]) * risk + (Z - self.centre) / self.spread @ beta[2:]
        if step == "slope":
            return beta[0] + beta[1] * risk
        return risk + (beta[0] if beta.size else 0.0)

    def updated_baseline(self, baseline: BaselineHazard) -> BaselineHazard:
        """The home's baseline hazard moved as "in the large" does; for a model whose log risk is left alone."""
        return replace(baseline, log_cumulative=baseline.log_cumulative + self.coefficients["in the large"][0])

    def __repr__(self) -> str:
        return (
            f"Update chosen by the closed test: {self.chosen} ({self.n} patients, {self.n_deaths} deaths; observed / "
            f"expected {np.exp(self.log_ratio):.2f})"
        )

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table)


def update_model(
    log_risk: ArrayLike,
    event: ArrayLike,
    time: ArrayLike,
    baseline: BaselineHazard,
    *,
    columns: ArrayLike | None = None,
    level: float = 0.05,
) -> ModelUpdate:
    """Fit every update of a frozen model to a centre's patients, and choose one by the closed test.

    Parameters
    ----------
    log_risk : (N,) array
        Of the frozen model, higher is worse.
    event, time : (N,) arrays
        True where death was observed. Nobody counts beyond the last death of `baseline`, where the model says nothing.
    baseline : BaselineHazard
        Of the frozen model.
    columns : (N, p) array, optional
        What a refit may read, beside the log risk. A few columns: about ten deaths for each.
    level : float
        Of the closed test.

    Returns
    -------
    ModelUpdate

    Raises
    ------
    ValueError
        Malformed input, or nobody died before the baseline ends.
    ArithmeticError
        A fit does not converge (columns that separate the deaths, or are collinear).

    Notes
    -----
    The log likelihood of a model with known baseline shape is ``sum d (eta) - H0(t) exp(eta)`` up to a constant: a
    Poisson regression of death on eta with the exposure H0(t) [1]_. The closed test [2]_ compares the model as it is
    with the largest update, on all its degrees of freedom. Where that is not significant nothing is changed; else the
    smallest step is taken that the largest does not beat. Over all steps, an update that is not needed is chosen with
    probability `level` at most. Ties need no care, since no risk sets are formed.

    References
    ----------
    .. [1] Crowson, Atkinson and Therneau, Stat Methods Med Res 2016;25:1692.
    .. [2] Vergouwe et al., Stat Med 2017;36:4529.

    Examples
    --------
    A model that is right but for twice the hazard:

    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> risk = rng.normal(size=300)
    >>> time = rng.exponential(np.exp(-risk) / 2)
    >>> line = np.linspace(0.01, 3, 300)
    >>> found = update_model(risk, time < 1, time.clip(max=1), BaselineHazard(line, np.log(line)))
    >>> found.chosen, bool(1.6 < np.exp(found.log_ratio) < 2.4)
    ('in the large', True)
    """
    event, time, log_risk = check_outcomes(event, time, log_risk=log_risk)
    log_risk = check_log_risk(log_risk, time.size)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level!r}; 0.05 is usual")
    died, exposure = event & (time <= baseline.times[-1]), baseline(np.minimum(time, baseline.times[-1]))
    if not died.any():
        raise ValueError(
            f"none of the {time.size} patients died before the baseline ends ({baseline.times[-1]:g}): there is "
            "nothing to update from"
        )
    one = np.ones((time.size, 1))
    designs = {
        "none": (np.zeros((time.size, 0)), log_risk),
        "in the large": (one, log_risk),
        "slope": (np.column_stack([one, log_risk]), np.zeros(time.size)),
    }
    centre, spread = np.zeros(0), np.ones(0)
    if columns is not None:
        Z = check_features(columns, dtype=np.float64)
        if len(Z) != time.size:
            raise ValueError(f"columns has {len(Z)} rows, event and time have {time.size}")
        varies = Z.std(axis=0) > 0
        centre, spread = Z.mean(axis=0), np.where(varies, Z.std(axis=0), np.inf)  # a constant column cannot enter
        designs["refit"] = (np.column_stack([one, log_risk, (Z - centre) / spread]), log_risk)
    fits = {step: _poisson(design, offset, died, exposure, step) for step, (design, offset) in designs.items()}
    table = _tests({step: (value, _rank(designs[step][0])) for step, (_, value) in fits.items()})
    expected = float(np.sum(exposure * np.exp(log_risk)))
    n_deaths = int(died.sum())
    return ModelUpdate(
        table,
        _closed_test(table, level),
        {step: beta for step, (beta, _) in fits.items()},
        float(np.log(n_deaths / expected)),
        float(1 / np.sqrt(n_deaths)),
        int(time.size),
        n_deaths,
        centre,
        spread,
    )


def _poisson(
    design: np.ndarray, offset: np.ndarray, died: np.ndarray, exposure: np.ndarray, step: str
) -> tuple[np.ndarray, float]:
    """Coefficients and log likelihood of sum d eta - exposure exp(eta), eta = design beta + offset; damped Newton."""

    def value_of(beta: np.ndarray) -> float:
        eta = design @ beta + offset
        with np.errstate(over="ignore"):
            return float(np.sum(died * eta - exposure * np.exp(eta)))

    beta = np.zeros(design.shape[1])
    value = value_of(beta)
    for _ in range(_MAX_STEPS):
        if not beta.size:
            return beta, value
        mean = exposure * np.exp(design @ beta + offset)
        gradient = design.T @ (died - mean)
        move = np.linalg.lstsq(design.T @ (mean[:, None] * design), gradient, rcond=_COLLINEAR**2)[0]
        length, new = 1.0, value_of(beta + move)
        while not new >= value - 1e-10 and length > 1e-8:
            length /= 2
            new = value_of(beta + length * move)
        beta, value = beta + length * move, new
        if np.abs(move).max() < 1e-9:
            return beta, value
    raise ArithmeticError(f"the update {step!r} did not converge: its columns separate the deaths; leave it out")


def _rank(design: np.ndarray) -> int:
    """Parameters that count: a code from which the log risk was computed adds one less."""
    return int(np.linalg.matrix_rank(design, rtol=_COLLINEAR)) if design.shape[1] else 0


def _tests(fits: dict[str, tuple[float, int]]) -> pd.DataFrame:
    largest, most = fits[list(fits)[-1]]
    rows = []
    for value, size in fits.values():
        statistic, df = max(2 * (largest - value), 0.0), most - size
        p = float(chi2.sf(statistic, df)) if df > 0 else np.nan
        rows.append({"parameters": size, "log likelihood": value, "LR": statistic, "df": df, "p": p})
    return pd.DataFrame(rows, index=pd.Index(list(fits), name="update"))


def _closed_test(table: pd.DataFrame, level: float) -> str:
    for step, row in table.iterrows():
        if not row["p"] <= level:  # the largest update has no p: it is chosen where all others are beaten
            return str(step)
    return str(table.index[-1])
