"""How good predictions are: concordance, calibration, and error and net benefit over time and threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    GREY,
    INK,
    ONE_COLUMN_MM,
    PALETTE,
    TWO_COLUMNS_MM,
    new_figure,
    panel_letters,
    styled,
    text_colour,
)

if TYPE_CHECKING:  # figures start without loading the survival models
    from cardiolib.validation import Calibration
    from cardiolib.validation.absolute_performance import AbsolutePerformance
    from cardiolib.validation.model_validation import ModelValidation


@styled
def concordance_forest(results: ModelValidation | Any, *, reference: float = 0.5) -> Drawing:
    """C-index of each model by each estimator, with its interval.

    Parameters
    ----------
    results : ModelValidation, or a bootstrapped model
        Its table holds model, estimator, C and interval; the table of a single model need not name it.
    reference : float
        Vertical line; 0.5 is chance.

    Returns
    -------
    Drawing
        Table: model, estimator, value, low, high; one row a mark, drawn from top to bottom. NaN low and high: no
        interval was computed.
    """
    table = results.table() if callable(results.table) else results.table
    table = table.rename(columns={"C": "value", "95% low": "low", "95% high": "high"})
    if "model" not in table:
        table.insert(0, "model", getattr(results, "name", "model"))
    columns = ["model", "estimator", "value", "low", "high"]
    missing = sorted(set(columns) - set(table.columns))
    if missing or not len(table):
        raise ValueError(f"the table needs rows and the columns {columns}; missing are {missing}")
    table = table[columns].reset_index(drop=True)
    estimators, models = list(dict.fromkeys(table["estimator"])), list(dict.fromkeys(table["model"]))
    figure, axes = new_figure(ONE_COLUMN_MM * 1.35, 22 + 5.5 * len(table) + 3 * len(estimators))
    ax = axes[0, 0]
    ax.axvline(reference, color=GREY, linewidth=0.6, linestyle=":")
    y, ticks = 0.0, []
    for estimator in estimators:
        part = table[table["estimator"] == estimator]
        ticks.append((y + (len(part) - 1) / 2, estimator))
        for row in part.itertuples():
            colour = PALETTE[models.index(row.model) % len(PALETTE)]
            if np.isfinite([row.low, row.high]).all():
                ax.plot([row.low, row.high], [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
            ax.plot(row.value, y, "o", color=colour, markersize=4)
            interval = f" ({row.low:.2f}\N{EN DASH}{row.high:.2f})" if np.isfinite([row.low, row.high]).all() else ""
            ax.annotate(
                f"{row.value:.2f}{interval}",
                (1.0, y),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=6.5,
                color=text_colour(colour),
            )
            y += 1
        y += 0.6
    ax.set_yticks(*zip(*ticks, strict=True))
    ax.set(ylim=(y - 0.9, -0.7), xlabel="C-index")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    handles = [
        ax.plot([], [], "o-", color=PALETTE[i % len(PALETTE)], markersize=4, label=model)[0]
        for i, model in enumerate(models)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=min(3, len(models)))
    return Drawing(figure, table)


@styled
def calibration(found: AbsolutePerformance) -> Drawing:
    """Observed against predicted risk of death, a panel a time: smooth curve, and Kaplan-Meier of equal groups.

    Parameters
    ----------
    found : AbsolutePerformance
        Its calibrations: the same times for all models.

    Returns
    -------
    Drawing
        Table: model, time, kind ("curve" or "group"), predicted, observed, low, high.
    """
    if found.lacks:
        return Drawing.lacking(found.lacks)
    models, time_unit = found.calibrations, found.time_unit
    times = [one.at for one in next(iter(models.values()))]
    if not times or any([one.at for one in all_] != times for all_ in models.values()):
        raise ValueError("models must give calibrations at the same times, at least one")
    figure, axes = new_figure(TWO_COLUMNS_MM, 76, ncols=len(times))
    tables = []
    for column, at in enumerate(times):
        ax, lines = axes[0, column], []
        highest = max(_highest(all_[column]) for all_ in models.values())
        top = min(1.0, 0.1 * np.ceil(10 * highest + 0.3))
        ax.plot([0, top], [0, top], color=GREY, linewidth=0.6, linestyle=":")
        for colour, (model, all_) in zip(PALETTE, models.items(), strict=False):
            one = all_[column]
            groups = one.groups
            ax.plot(one.curve["predicted"], one.curve["observed"], color=colour, label=model)
            ax.vlines(groups["predicted"], groups["low"], groups["high"], color=colour, linewidth=0.7, alpha=0.6)
            ax.plot(groups["predicted"], groups["observed"], "o", color=colour, markersize=3, clip_on=False)
            lines.append((colour, f"O/E {one.observed_over_expected:.2f}, slope {one.slope:.2f}, ICI {one.ici:.3f}"))
            tables += [one.curve.assign(kind="curve"), groups.assign(kind="group")]
            for part in tables[-2:]:
                part.insert(0, "time", at)
                part.insert(0, "model", model)
        for row, (colour, text) in enumerate(lines):
            ax.annotate(
                text,
                (0, 1),
                xycoords="axes fraction",
                xytext=(0, 4 + 8 * (len(lines) - 1 - row)),
                textcoords="offset points",
                va="bottom",
                fontsize=6,
                color=text_colour(colour),
            )
        ax.set_title(f"by {at:g} {_unit(at, time_unit)}", pad=4 + 9 * len(lines))
        ax.set(xlabel="predicted risk of death", xlim=(0, top), ylim=(0, top))
    axes[0, 0].set_ylabel("observed risk of death")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=len(models))
    if len(times) > 1:
        panel_letters(axes[0], pad=4 + 9 * len(models))
    columns = ["model", "time", "kind", "predicted", "observed", "low", "high"]
    return Drawing(figure, pd.concat(tables, ignore_index=True)[columns])


@styled
def risk_over_time(found: AbsolutePerformance) -> Drawing:
    """AUC and Brier score over the follow-up, and the decision curve at one time.

    Parameters
    ----------
    found : AbsolutePerformance

    Returns
    -------
    Drawing
        "treat all" and "treat none" are drawn in grey. Table: panel ("over time" or "decision") and the columns of
        both: model, time, auc, brier, null_brier; model, threshold, net_benefit.
    """
    if found.lacks:
        return Drawing.lacking(found.lacks)
    over_time, decisions, decided_at, time_unit = found.over_time, found.decisions, found.decided_at, found.time_unit
    figure, axes = new_figure(TWO_COLUMNS_MM, 66, ncols=3)
    discrimination, error, decision = axes[0]
    models = list(dict.fromkeys(over_time["model"]))
    for colour, model in zip(PALETTE, models, strict=False):
        part = over_time[over_time["model"] == model]
        discrimination.plot(part["time"], part["auc"], color=colour, label=model)
        error.plot(part["time"], part["brier"], color=colour)
        curve = decisions[decisions["model"] == model]
        decision.plot(curve["threshold"], curve["net_benefit"], color=colour)
    first = over_time[over_time["model"] == models[0]]
    error.plot(first["time"], first["null_brier"], color=GREY, linestyle="--")
    discrimination.plot([], [], color=GREY, linestyle="--", label="no model: Kaplan-Meier (b), treat all (c)")
    discrimination.axhline(0.5, color=GREY, linewidth=0.6, linestyle=":")
    lowest = min(0.4, 0.1 * np.floor(10 * over_time["auc"].min()))
    discrimination.set(title="AUC", ylabel="AUC at time t", ylim=(lowest, 1.0))
    error.set(title="Brier score", ylabel="mean squared error", ylim=(0, None))
    for ax in (discrimination, error):
        ax.set(xlabel=f"t ({time_unit})", xlim=(0, None))
    gains = decisions.loc[decisions["model"].isin(models), "net_benefit"]
    best = gains.max() if gains.max() > 0 else 0.25 * abs(gains.min())  # models that gain nothing at any threshold
    treat_all = decisions[decisions["model"] == "treat all"]
    decision.plot(treat_all["threshold"], treat_all["net_benefit"], color=GREY, linestyle="--")
    decision.axhline(0, color=INK, linewidth=0.6)
    decision.annotate("treat none", (0, 0), xytext=(3, -3), textcoords="offset points", va="top", fontsize=6.5)
    decision.set(
        title=f"Net benefit at {decided_at:g} {_unit(decided_at, time_unit)}",
        xlabel="threshold risk",
        ylabel="net benefit",
        ylim=(-0.25 * best, 1.1 * best),
        xlim=(0, float(decisions["threshold"].max())),
    )
    figure.legend(*discrimination.get_legend_handles_labels(), loc="outside upper left", ncols=len(models) + 1)
    panel_letters(axes[0])
    parts = {"over time": over_time, "decision": decisions}
    return Drawing(figure, pd.concat(parts, names=["panel"]).reset_index(level=0).reset_index(drop=True))


def _highest(one: Calibration) -> float:
    return float(max(one.curve[["predicted", "observed"]].max().max(), one.groups["predicted"].max()))


def _unit(value: float, unit: str) -> str:
    return unit.removesuffix("s") if value == 1 else unit
