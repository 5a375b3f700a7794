"""Calibration of predicted risks, and discrimination, error and net benefit over time and threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cardiolib.figures.style import GREY, INK, PALETTE, TWO_COLUMNS_MM, new_figure, panel_letters, styled, text_colour

if TYPE_CHECKING:  # figures start without loading the survival models
    from cardiolib.validation import Calibration

_TOO_SHORT = "No time has five deaths before it and ten patients observed beyond it: probabilities cannot be judged."


@styled
def calibration(
    models: Mapping[str, Sequence[Calibration]], *, time_unit: str = "years"
) -> tuple[Figure | None, pd.DataFrame | str]:
    """Observed against predicted risk of death, a panel a time: smooth curve, and Kaplan-Meier of equal groups.

    Parameters
    ----------
    models : mapping of str to sequence of Calibration
        Name of the model -> one calibration a time, the same times for all.
    time_unit : str

    Returns
    -------
    figure : Figure or None
        None when there is nothing to draw.
    table : DataFrame or str
        model, time, kind ("curve" or "group"), predicted, observed, low, high; or why nothing is drawn.
    """
    if not models:
        return None, _TOO_SHORT
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
    return figure, pd.concat(tables, ignore_index=True)[columns]


@styled
def risk_over_time(
    over_time: pd.DataFrame, decisions: pd.DataFrame, *, decided_at: float, time_unit: str = "years"
) -> tuple[Figure | None, pd.DataFrame | str]:
    """AUC and Brier score over the follow-up, and the decision curve at one time.

    Parameters
    ----------
    over_time : DataFrame
        model, time, auc, brier, null_brier.
    decisions : DataFrame
        model, threshold, net_benefit; rows of "treat all" and "treat none" are drawn in grey.
    decided_at : float
    time_unit : str

    Returns
    -------
    figure : Figure or None
        None when there is nothing to draw.
    table : DataFrame or str
        panel ("over time" or "decision") and the columns of both tables; or why nothing is drawn.
    """
    if over_time.empty or decisions.empty:
        return None, _TOO_SHORT
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
    best = decisions.loc[decisions["model"].isin(models), "net_benefit"].max()
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
    return figure, pd.concat(parts, names=["panel"]).reset_index(level=0).reset_index(drop=True)


def _highest(one: Calibration) -> float:
    return float(max(one.curve[["predicted", "observed"]].max().max(), one.groups["predicted"].max()))


def _unit(value: float, unit: str) -> str:
    return unit.removesuffix("s") if value == 1 else unit
