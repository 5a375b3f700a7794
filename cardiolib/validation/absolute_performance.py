"""The part of notebook 04 about probabilities: discrimination and error at a time, calibration, decisions."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.survival.outcomes import check_outcomes
from cardiolib.validation.absolute_risk import out_of_bag_absolute_risk, replicate_slopes
from cardiolib.validation.calibration import Calibration, calibrate, net_benefit
from cardiolib.validation.store import BootstrapStore
from cardiolib.validation.time_dependent import mean_over_time, outcome_weights, performance_over_time

HORIZONS_YEARS = (1.0, 3.0, 5.0)
UNITS_PER_YEAR = {"years": 1.0, "months": 12.0, "days": 365.25}
TOO_SHORT = "No time has five deaths before it and ten patients observed beyond it: probabilities cannot be judged."
_LEAST_CASES, _LEAST_BEYOND, _FIRST_OF_GRID = 5, 10, 10


@dataclass(frozen=True, eq=False)
class AbsolutePerformance:
    """How good the probabilities of death are, out of bag, model by model.

    Attributes
    ----------
    horizons : tuple of float
        Times, in the unit of the data, at which calibration is judged; empty if the follow-up allows none, and then
        everything else is empty too.
    over_time : DataFrame
        model, and the columns of :func:`cardiolib.validation.performance_over_time`, on a grid over the follow-up.
    summary : DataFrame
        One row a model: integrated Brier score and that of Kaplan-Meier over the grid, share explained, slope of the
        single model (median over replicates).
    calibrations : dict of str to list of Calibration
        Model to one calibration a horizon.
    decisions : DataFrame
        model, threshold, net benefit; with "treat all" and "treat none" as models. At the middle horizon.
    decided_at : float
    time_unit : str
    """

    horizons: tuple[float, ...]
    over_time: pd.DataFrame = field(repr=False)
    summary: pd.DataFrame
    calibrations: dict[str, list[Calibration]] = field(repr=False)
    decisions: pd.DataFrame = field(repr=False)
    decided_at: float
    time_unit: str = "years"

    @property
    def lacks(self) -> str:
        """Why probabilities cannot be judged; empty where they can."""
        return "" if self.horizons else TOO_SHORT

    @property
    def calibration_table(self) -> pd.DataFrame:
        """One row a model and horizon."""
        return pd.DataFrame([{"model": model} | one.row() for model, all_ in self.calibrations.items() for one in all_])


def horizons(event: ArrayLike, time: ArrayLike, unit: str) -> tuple[float, ...]:
    """1, 3 and 5 years in the unit of the data, as far as enough is known there.

    A time is kept if five patients died by then and ten were observed longer. Without a known unit the quartiles of the
    follow-up stand in. Empty where nothing is left.
    """
    event, time = check_outcomes(event, time)
    wanted = (
        np.multiply(HORIZONS_YEARS, UNITS_PER_YEAR[unit])
        if unit in UNITS_PER_YEAR
        else np.quantile(time, [0.25, 0.5, 0.75])
    )
    return tuple(
        float(at)
        for at in wanted
        if (event & (time <= at)).sum() >= _LEAST_CASES and (time > at).sum() >= _LEAST_BEYOND
    )


def absolute_performance(stores: dict[str, BootstrapStore], unit: str) -> AbsolutePerformance:
    """Everything about probabilities for models that share their patients; empty where no horizon is usable.

    Parameters
    ----------
    stores : dict of str to BootstrapStore
        Label of the model -> its bootstrap.
    unit : str
        Of the time: "years", "months" or "days"; anything else is taken as unknown.
    """
    first = next(iter(stores.values()))
    known = first.out_of_bag[first.succeeded].any(axis=0)
    for store in stores.values():
        known &= store.out_of_bag[store.succeeded].any(axis=0)
    event, time = first.event[known], first.time[known]
    at = horizons(event, time, unit)
    if not at:
        nothing = pd.DataFrame()
        return AbsolutePerformance((), nothing, nothing, {}, nothing, np.nan, unit)
    grid = _grid(event, time)
    middle = at[len(at) // 2]
    calibrations, over_time, summary, decisions = {}, [], [], []
    thresholds = np.round(np.arange(0.01, 0.605, 0.01), 2)
    for label, store in stores.items():
        risk = out_of_bag_absolute_risk(store, grid)[known]
        table = performance_over_time(risk, event, time, grid)
        over_time.append(table.assign(model=label))
        brier, null = (mean_over_time(table[column], grid) for column in ("brier", "null_brier"))
        summary.append(
            {
                "model": label,
                "integrated Brier": brier,
                "of Kaplan-Meier": null,
                "explained": 1 - brier / null,
                "slope of one model": replicate_slopes(store).median(),
            }
        )
        at_horizons = out_of_bag_absolute_risk(store, at)[known]
        calibrations[label] = [calibrate(column, event, time, t) for column, t in zip(at_horizons.T, at, strict=True)]
        curve = net_benefit(at_horizons[:, at.index(middle)], event, time, middle, thresholds)
        decisions.append(curve[["threshold", "model"]].rename(columns={"model": "net_benefit"}).assign(model=label))
    everybody = curve[["threshold", "treat_all"]].rename(columns={"treat_all": "net_benefit"})
    decisions += [everybody.assign(model="treat all"), everybody.assign(net_benefit=0.0, model="treat none")]
    return AbsolutePerformance(
        at,
        pd.concat(over_time, ignore_index=True),
        pd.DataFrame(summary),
        calibrations,
        pd.concat(decisions, ignore_index=True),
        middle,
        unit,
    )


def absolute_metrics(found: AbsolutePerformance, keys: dict[str, str], unit: str) -> dict[str, float]:
    """Headline numbers; `keys` maps the label of a model to the start of its metrics' names."""
    metrics: dict[str, float] = {}
    for row in found.summary.to_dict("records"):
        key = keys[row["model"]]
        metrics |= {
            f"{key}_integrated_brier": row["integrated Brier"],
            f"{key}_brier_explained": row["explained"],
            f"{key}_calibration_slope": row["slope of one model"],
        }
        for one in found.calibrations[row["model"]]:
            year = f"{one.at / UNITS_PER_YEAR[unit]:g}y" if unit in UNITS_PER_YEAR else f"t{one.at:.3g}"
            metrics |= {
                f"{key}_observed_over_expected_{year}": one.observed_over_expected,
                f"{key}_ici_{year}": one.ici,
            }
    return metrics


def _grid(event: np.ndarray, time: np.ndarray) -> np.ndarray:
    """25 times from the tenth death to the last time with ten patients beyond it, both known from the data alone."""
    deaths, last = np.sort(time[event]), np.sort(time)[-_LEAST_BEYOND - 1]
    start = deaths[min(_FIRST_OF_GRID, deaths.size) - 1]
    grid = np.linspace(start, max(last, 1.5 * start), 25)
    return grid[[outcome_weights(event, time, at)[1].sum() >= _LEAST_BEYOND for at in grid]]
