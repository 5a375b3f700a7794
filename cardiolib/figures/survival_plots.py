"""Kaplan-Meier curves of risk groups, and concordance of models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cardiolib.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ONE_COLUMN_MM,
    PALETTE,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    styled,
    text_colour,
)

if TYPE_CHECKING:  # figures start without loading the survival models
    from cardiolib.validation import GroupedSurvival

_TITLE_PAD = 15.0  # points; leaves a line for the test's result under the title


@styled
def kaplan_meier(groups: Mapping[str, GroupedSurvival], *, time_unit: str = "years") -> tuple[Figure, pd.DataFrame]:
    """Survival of risk groups, one panel a model, with 95 % bands and the numbers at risk.

    Parameters
    ----------
    groups : mapping of str to GroupedSurvival
        Title of the panel (the model) -> curves, as `cardiolib.validation.kaplan_meier_groups` gives them.
    time_unit : str

    Returns
    -------
    figure : Figure
    table : DataFrame
        model, group, time, survival, low, high: the corners of every step drawn.
    """
    if not groups:
        raise ValueError("there are no survival curves to draw: groups is empty")
    n_groups = max(len(grouped.names) for grouped in groups.values())
    width = TWO_COLUMNS_MM if len(groups) > 1 else ONE_COLUMN_MM
    figure, axes = new_figure(
        width,
        72 + 4 * n_groups,
        nrows=2,
        ncols=len(groups),
        sharex="col",
        gridspec_kw={"height_ratios": [52, 4 + 4 * n_groups]},
    )
    tables = []
    for column, (title, grouped) in enumerate(groups.items()):
        _curves(axes[0, column], grouped, title)
        _numbers_at_risk(axes[1, column], grouped, time_unit)
        tables.append(grouped.curves.assign(model=title))
    axes[0, 0].set_ylabel("survival")
    handles = {}
    for ax in axes[0]:
        handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=len(handles))
    if len(groups) > 1:
        panel_letters(axes[0], pad=_TITLE_PAD)
    table = pd.concat(tables, ignore_index=True)
    return figure, table[["model", "group", "time", "survival", "low", "high"]]


@styled
def concordance_forest(table: pd.DataFrame, *, reference: float = 0.5) -> tuple[Figure, pd.DataFrame]:
    """C-index of each model by each estimator, with its interval.

    Parameters
    ----------
    table : DataFrame
        model, estimator, value, low, high; one row a mark, drawn from top to bottom. NaN low and high: no
        interval was computed.
    reference : float
        Vertical line; 0.5 is chance.

    Returns
    -------
    figure, table
        The table as drawn.
    """
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
    return figure, table


def axis_end(grouped: GroupedSurvival) -> float:
    """Where the time axis stops: before the few last patients, each of whose deaths would be a cliff."""
    return min(float(grouped.curves["time"].max()), grouped.axis_end)


def group_colours(n: int) -> tuple[str, ...]:
    """Colours of risk groups, lowest risk first."""
    return (BLUE, VERMILLION) if n == 2 else (BLUE, GREEN, VERMILLION) if n == 3 else PALETTE[:n]


def _curves(ax, grouped: GroupedSurvival, title: str) -> None:
    for name, colour in zip(grouped.names, group_colours(len(grouped.names)), strict=True):
        curve = grouped.curves[grouped.curves["group"] == name]
        time, band = curve["time"].to_numpy(), curve[["low", "high"]].to_numpy().T
        ax.fill_between(time, *band, step="post", color=colour, alpha=0.16, linewidth=0)
        ax.step(time, curve["survival"], where="post", color=colour, label=name)
    ax.set_ylim(0, 1.02)
    ax.set_title(title, pad=_TITLE_PAD)
    ax.set_xlim(0, axis_end(grouped) * 1.02)
    ax.tick_params(labelbottom=False)
    p = "P < 0.001" if grouped.logrank_p < 0.001 else f"P = {grouped.logrank_p:.2g}"
    statement = f"log-rank {p}"
    ratio = grouped.summary["hazard ratio"].iloc[-1] if "hazard ratio" in grouped.summary else np.nan
    if np.isfinite(ratio):
        low, high = grouped.summary[["95% low", "95% high"]].iloc[-1]
        statement = f"hazard ratio{compared(grouped)} {ratio:.1f} ({low:.1f}\N{EN DASH}{high:.1f}), {statement}"
    # Between title and axes: inside them a band may lie anywhere.
    ax.annotate(statement, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points", va="bottom")


def compared(grouped: GroupedSurvival) -> str:
    """Which groups the hazard ratio compares, where there are more than two."""
    return " high:low" if len(grouped.names) > 2 else ""


def _numbers_at_risk(ax, grouped: GroupedSurvival, time_unit: str) -> None:
    """The table under the curves, each number under its time."""
    colours = group_colours(len(grouped.names))
    for spine in ax.spines.values():
        spine.set_visible(False)
    times = np.asarray(grouped.at_risk.columns, float)
    for row, (name, colour) in enumerate(zip(grouped.names, colours, strict=True)):
        for time, count in zip(times, grouped.at_risk.loc[name], strict=True):
            ax.text(time, row, f"{int(count)}", ha="center", va="center", fontsize=6.5, color=INK)
        ax.annotate(
            name,
            (0, row),
            xycoords=("axes fraction", "data"),
            xytext=(-13, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=6.5,
            color=text_colour(colour),
        )
    ax.set_ylim(len(grouped.names) - 0.4, -1.6)
    ax.text(
        0,
        -1.1,
        "number at risk",
        transform=ax.get_yaxis_transform(),
        ha="left",
        va="center",
        fontsize=6.5,
        style="italic",
    )
    ax.set_yticks([])
    ax.set_xticks(times)
    ax.tick_params(axis="x", length=0, labelbottom=True)
    ax.set_xlabel(f"time ({time_unit})")
