"""Survival of groups of risk: Kaplan-Meier curves with numbers at risk, still and to hover over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.colors import to_rgb
from plotly.subplots import make_subplots

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.interactive import FONT, HOVER
from cardiolib.figures.style import (
    BLUE,
    GREEN,
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
_LAYOUT = {"font": FONT, "hoverlabel": HOVER, "plot_bgcolor": "white", "paper_bgcolor": "white"}
_AXIS = {
    "showline": True,
    "linecolor": "#222222",
    "ticks": "outside",
    "ticklen": 4,
    "gridcolor": "#EEEEEE",
    "zeroline": False,
}


@styled
def kaplan_meier(
    groups: Mapping[str, GroupedSurvival] | HasRiskGroups, *, n_groups: int = 2, time_unit: str | None = None
) -> Drawing:
    """Survival of risk groups, one panel a model, with 95 % bands and the numbers at risk.

    Parameters
    ----------
    groups : mapping of str to GroupedSurvival, or a bootstrapped model
        Title of the panel (the model) -> curves, as `cardiolib.validation.kaplan_meier_groups` gives them; or a result
        whose ``risk_groups(n_groups)`` are these.
    n_groups : int
        Equal parts by risk into which the patients of a bootstrapped model are divided; a mapping is divided already.
    time_unit : str, optional
        By default that of the result; of a mapping, years.

    Returns
    -------
    Drawing
        Table: model, group, time, survival, low, high: the corners of every step drawn.
    """
    groups, time_unit = _panels(groups, n_groups, time_unit)
    table = _corners(groups)
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
    for column, (title, grouped) in enumerate(groups.items()):
        _curves(axes[0, column], grouped, title)
        _numbers_at_risk(axes[1, column], grouped, time_unit)
    axes[0, 0].set_ylabel("survival")
    handles = {}
    for ax in axes[0]:
        handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=len(handles))
    if len(groups) > 1:
        panel_letters(axes[0], pad=_TITLE_PAD)
    return Drawing(figure, table)


def kaplan_meier_interactive(
    groups: Mapping[str, GroupedSurvival] | HasRiskGroups, *, n_groups: int = 2, time_unit: str | None = None
) -> Drawing:
    """Survival of risk groups, a panel a model, with 95 % bands and the numbers at risk.

    Parameters
    ----------
    groups, n_groups, time_unit
        As `kaplan_meier`.

    Returns
    -------
    Drawing
        Table as `kaplan_meier`.
    """
    groups, time_unit = _panels(groups, n_groups, time_unit)
    table = _corners(groups)
    titles = [
        f"<b>{title}</b><br><span style='font-size:12px'>{_test(grouped)}</span>" for title, grouped in groups.items()
    ]
    figure = make_subplots(
        rows=2,
        cols=len(groups),
        row_heights=[0.84, 0.16],
        vertical_spacing=0.17,
        shared_yaxes=True,
        subplot_titles=titles,
        horizontal_spacing=0.06,
    )
    for column, grouped in enumerate(groups.values(), start=1):
        end = _axis_end(grouped) * 1.03
        for row, (name, colour) in enumerate(zip(grouped.names, _group_colours(len(grouped.names)), strict=True)):
            curve = grouped.curves[grouped.curves["group"] == name]
            shared = {"legendgroup": name, "line": {"shape": "hv", "color": colour, "width": 2.2}, "mode": "lines"}
            limits = curve[["low", "high"]].to_numpy()
            thin = shared | {"line": {"shape": "hv", "width": 0}, "hoverinfo": "skip", "showlegend": False}
            figure.add_trace(go.Scatter(x=curve["time"], y=limits[:, 0], **thin), row=1, col=column)
            figure.add_trace(
                go.Scatter(x=curve["time"], y=limits[:, 1], fill="tonexty", fillcolor=_faint(colour), **thin),
                row=1,
                col=column,
            )
            figure.add_trace(
                go.Scatter(
                    x=curve["time"],
                    y=curve["survival"],
                    name=name,
                    customdata=limits,
                    showlegend=column == 1,
                    **shared,
                    hovertemplate="%{y:.2f} (%{customdata[0]:.2f} to %{customdata[1]:.2f})<extra>" + name + "</extra>",
                ),
                row=1,
                col=column,
            )
            times = np.asarray(grouped.at_risk.columns, float)
            figure.add_trace(
                go.Scatter(
                    x=times,
                    y=np.full(len(times), -row),
                    mode="text",
                    showlegend=False,
                    hoverinfo="skip",
                    text=[f"{int(count)}" for count in grouped.at_risk.loc[name]],
                    textfont={"color": text_colour(colour), "size": 12},
                    cliponaxis=False,
                ),
                row=2,
                col=column,
            )
        figure.update_xaxes(range=[-0.02 * end, end], title=_time_label(time_unit), **_AXIS, row=1, col=column)
        figure.update_xaxes(range=[-0.02 * end, end], visible=False, row=2, col=column)
        figure.update_yaxes(visible=False, range=[0.6 - len(grouped.names), 0.7], row=2, col=column)
        figure.add_annotation(
            x=0,
            xref="x domain",
            y=1,
            yref="y domain",
            text="<i>number at risk</i>",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            row=2,
            col=column,
        )
    figure.update_yaxes(range=[0, 1.02], **_AXIS, row=1)
    figure.update_yaxes(title="survival", row=1, col=1)
    # The titles hold two lines and stand at the left, as in the still figure.
    for i, annotation in enumerate(figure.layout.annotations[: len(groups)], start=1):
        annotation.update(x=0, xref=f"x{'' if i == 1 else i} domain", xanchor="left", align="left", font={"size": 14})
    figure.update_layout(
        **_LAYOUT,
        hovermode="x unified",
        margin={"l": 70, "r": 20, "t": 90, "b": 15},
        legend={"orientation": "h", "x": 0, "y": 0.99, "yref": "container", "yanchor": "top"},
    )
    return Drawing(figure, table)


class HasRiskGroups(Protocol):
    """A result that divides its own patients by risk."""

    time_unit: str

    def risk_groups(self, n_groups: int = 2) -> Mapping[str, GroupedSurvival]:
        """Name of the model -> survival of equal parts of the patients."""


def _panels(
    groups: Mapping[str, GroupedSurvival] | HasRiskGroups, n_groups: int, time_unit: str | None
) -> tuple[Mapping[str, GroupedSurvival], str]:
    """Curves by title, and the unit of their time."""
    if isinstance(groups, Mapping):
        return groups, "years" if time_unit is None else time_unit
    return groups.risk_groups(n_groups), groups.time_unit if time_unit is None else time_unit


def _time_label(unit: str) -> str:
    return f"time ({unit})" if unit else "time"


def _corners(groups: Mapping[str, GroupedSurvival]) -> pd.DataFrame:
    """The curves of all models as one table, or ValueError where there are none."""
    if not groups:
        raise ValueError("there are no survival curves to draw: groups is empty")
    table = pd.concat([grouped.curves.assign(model=title) for title, grouped in groups.items()], ignore_index=True)
    return table[["model", "group", "time", "survival", "low", "high"]]


def _axis_end(grouped: GroupedSurvival) -> float:
    """Where the time axis stops: before the few last patients, each of whose deaths would be a cliff."""
    return min(float(grouped.curves["time"].max()), grouped.axis_end)


def _group_colours(n: int) -> tuple[str, ...]:
    """Colours of risk groups, lowest risk first."""
    return (BLUE, VERMILLION) if n == 2 else (BLUE, GREEN, VERMILLION) if n == 3 else PALETTE[:n]


def _curves(ax, grouped: GroupedSurvival, title: str) -> None:
    for name, colour in zip(grouped.names, _group_colours(len(grouped.names)), strict=True):
        curve = grouped.curves[grouped.curves["group"] == name]
        time, band = curve["time"].to_numpy(), curve[["low", "high"]].to_numpy().T
        ax.fill_between(time, *band, step="post", color=colour, alpha=0.16, linewidth=0)
        ax.step(time, curve["survival"], where="post", color=colour, label=name)
    ax.set_ylim(0, 1.02)
    ax.set_title(title, pad=_TITLE_PAD)
    ax.set_xlim(0, _axis_end(grouped) * 1.02)
    ax.tick_params(labelbottom=False)
    p = "P < 0.001" if grouped.logrank_p < 0.001 else f"P = {grouped.logrank_p:.2g}"
    statement = f"log-rank {p}"
    ratio = grouped.summary["hazard ratio"].iloc[-1] if "hazard ratio" in grouped.summary else np.nan
    if np.isfinite(ratio):
        low, high = grouped.summary[["95% low", "95% high"]].iloc[-1]
        statement = f"hazard ratio{_compared(grouped)} {ratio:.1f} ({low:.1f}\N{EN DASH}{high:.1f}), {statement}"
    # Between title and axes: inside them a band may lie anywhere.
    ax.annotate(statement, (0, 1), xycoords="axes fraction", xytext=(0, 4), textcoords="offset points", va="bottom")


def _compared(grouped: GroupedSurvival) -> str:
    """Which groups the hazard ratio compares, where there are more than two."""
    return " high:low" if len(grouped.names) > 2 else ""


def _numbers_at_risk(ax, grouped: GroupedSurvival, time_unit: str) -> None:
    """The table under the curves, each number under its time."""
    colours = _group_colours(len(grouped.names))
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
    ax.set_xlabel(_time_label(time_unit))


def _test(grouped: GroupedSurvival) -> str:
    """Hazard ratio of the highest against the lowest group, and the log-rank test."""
    p = "P < 0.001" if grouped.logrank_p < 0.001 else f"P = {grouped.logrank_p:.2g}"
    ratio = grouped.summary["hazard ratio"].iloc[-1] if "hazard ratio" in grouped.summary else np.nan
    if not np.isfinite(ratio):
        return f"log-rank {p}"
    low, high = grouped.summary[["95% low", "95% high"]].iloc[-1]
    return f"hazard ratio{_compared(grouped)} {ratio:.1f} ({low:.1f}\N{EN DASH}{high:.1f}), log-rank {p}"


def _faint(colour: str) -> str:
    red, green, blue = (round(255 * part) for part in to_rgb(colour))
    return f"rgba({red}, {green}, {blue}, 0.16)"
