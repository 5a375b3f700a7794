"""Patients to hover over: survival of risk groups, and maps of the latent code."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from matplotlib.colors import to_rgb
from plotly.colors import get_colorscale
from plotly.subplots import make_subplots

from cardiolib.figures.interactive import FONT, HOVER
from cardiolib.figures.plotly_plots import COLOUR_BAR, menu
from cardiolib.figures.style import text_colour
from cardiolib.figures.survival_plots import axis_end, compared, group_colours
from cardiolib.validation import GroupedSurvival

_LAYOUT = {"font": FONT, "hoverlabel": HOVER, "plot_bgcolor": "white", "paper_bgcolor": "white"}
_AXIS = {
    "showline": True,
    "linecolor": "#222222",
    "ticks": "outside",
    "ticklen": 4,
    "gridcolor": "#EEEEEE",
    "zeroline": False,
}


def kaplan_meier_interactive(groups: Mapping[str, GroupedSurvival], *, time_unit: str = "years") -> go.Figure:
    """Survival of risk groups, a panel a model, with 95 % bands and the numbers at risk.

    Parameters
    ----------
    groups : mapping of str to GroupedSurvival
        Title of the panel (the model) -> curves.
    time_unit : str
    """
    if not groups:
        raise ValueError("there are no survival curves to draw: groups is empty")
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
        end = axis_end(grouped) * 1.03
        for row, (name, colour) in enumerate(zip(grouped.names, group_colours(len(grouped.names)), strict=True)):
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
        figure.update_xaxes(range=[-0.02 * end, end], title=f"time ({time_unit})", **_AXIS, row=1, col=column)
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
    return figure.update_layout(
        **_LAYOUT,
        hovermode="x unified",
        margin={"l": 70, "r": 20, "t": 90, "b": 15},
        legend={"orientation": "h", "x": 0, "y": 0.99, "yref": "container", "yanchor": "top"},
    )


def latent_map_interactive(
    maps: Mapping[str, np.ndarray],
    *,
    ids: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    time_unit: str = "years",
    log_risk: np.ndarray | None = None,
    truncate_at: float | None = 7.0,
) -> go.Figure:
    """Maps of the patients: a menu chooses the map and, with `log_risk`, another the colour.

    Parameters
    ----------
    maps : mapping of str to (N, 2) array
        Method -> coordinates.
    ids : (N,) array
        Shown when a patient is hovered over.
    event : (N,) bool array
        True where death was observed (filled); censored patients are hollow.
    time : (N,) array
    time_unit : str
    log_risk : (N,) array, optional
    truncate_at : float or None
        Longer times get the colour of this one.
    """
    event, time, ids = np.asarray(event, bool), np.asarray(time, float), np.asarray(ids).astype(str)
    risk = None if log_risk is None else np.asarray(log_risk, float)
    if not maps:
        raise ValueError("there is no map to draw: maps is empty")
    shapes = {"ids": ids.shape, "event": event.shape} | ({} if risk is None else {"log_risk": risk.shape})
    points = {name: np.asarray(one, float) for name, one in maps.items()}
    wrong = {name: shape for name, shape in shapes.items() if shape != time.shape}
    wrong |= {name: one.shape for name, one in points.items() if one.shape != (len(time), 2)}
    if wrong:
        raise ValueError(f"one value (maps: two coordinates) for each of {len(time)} patients is needed; given {wrong}")
    top = float(time.max()) if truncate_at is None else min(float(truncate_at), float(time.max()))
    label = f"time ({time_unit}" + (f", at most {top:g})" if top < time.max() else ")")
    colours = {label: (np.minimum(time, top), 0.0, top, get_colorscale("Viridis"))}
    if risk is not None:
        colours["predicted log risk"] = (risk, float(risk.min()), float(risk.max()), get_colorscale("Cividis"))
    drawn = [
        (f"censored (n = {(~event).sum()})", ~event, "circle-open"),
        (f"died (n = {event.sum()})", event, "circle"),
    ]
    first, figure = next(iter(points.values())), go.Figure()
    for name, chosen, symbol in drawn:
        text = [
            f"<b>{ids[i]}</b><br>{'died' if event[i] else 'alive when last seen'} at {time[i]:.2f} {time_unit}"
            + ("" if risk is None else f"<br>log risk {risk[i]:+.2f}")
            for i in np.flatnonzero(chosen)
        ]
        x, y = first[chosen].T
        marker = {"symbol": symbol, "size": 10, "line": {"width": 1.6 * (symbol != "circle")}, "coloraxis": "coloraxis"}
        figure.add_trace(
            go.Scatter(
                x=x, y=y, mode="markers", name=name, text=text, marker=marker, hovertemplate="%{text}<extra></extra>"
            )
        )
    groups = [chosen for _, chosen, _ in drawn]
    menus = [
        menu(
            [
                {
                    "label": name,
                    "method": "restyle",
                    "args": [
                        {"x": [one[chosen, 0] for chosen in groups], "y": [one[chosen, 1] for chosen in groups]},
                        [0, 1],
                    ],
                }
                for name, one in points.items()
            ],
            x=0.0,
        )
    ]
    states = [
        (
            {"marker.color": [values[chosen] for chosen in groups]},
            {
                "coloraxis.cmin": low,
                "coloraxis.cmax": high,
                "coloraxis.colorbar.title.text": name,
                "coloraxis.colorscale": scale,
            },
        )
        for name, (values, low, high, scale) in colours.items()
    ]
    for trace, values in zip(figure.data, states[0][0]["marker.color"], strict=True):
        trace.marker.color = values
    label, (_, low, high, scale) = next(iter(colours.items()))
    if len(colours) > 1:
        menus.append(
            menu(
                [
                    {"label": f"colour: {name.split(' (')[0]}", "method": "update", "args": [*state, [0, 1]]}
                    for name, state in zip(colours, states, strict=True)
                ],
                x=1.0,
            )
        )
    axis = {"showticklabels": False, "showgrid": False, "zeroline": False, "showline": True, "linecolor": "#222222"}
    return figure.update_layout(
        **_LAYOUT,
        updatemenus=menus,
        margin={"l": 50, "r": 20, "t": 60, "b": 50},
        xaxis={"title": {"text": "first coordinate"}, **axis},
        yaxis={"title": {"text": "second coordinate"}, **axis},
        legend={"orientation": "h", "x": 0, "y": -0.1},
        coloraxis={
            "cmin": low,
            "cmax": high,
            "colorscale": scale,
            "colorbar": {**COLOUR_BAR, "title": {"text": label, "side": "right"}},
        },
    )


def _test(grouped: GroupedSurvival) -> str:
    """Hazard ratio of the highest against the lowest group, and the log-rank test."""
    p = "P < 0.001" if grouped.logrank_p < 0.001 else f"P = {grouped.logrank_p:.2g}"
    ratio = grouped.summary["hazard ratio"].iloc[-1] if "hazard ratio" in grouped.summary else np.nan
    if not np.isfinite(ratio):
        return f"log-rank {p}"
    low, high = grouped.summary[["95% low", "95% high"]].iloc[-1]
    return f"hazard ratio{compared(grouped)} {ratio:.1f} ({low:.1f}\N{EN DASH}{high:.1f}), log-rank {p}"


def _faint(colour: str) -> str:
    red, green, blue = (round(255 * part) for part in to_rgb(colour))
    return f"rgba({red}, {green}, {blue}, 0.16)"
