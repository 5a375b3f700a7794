"""Maps of patients: each point is one, near those that move alike."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from plotly.colors import get_colorscale

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.interactive import COLOUR_BAR, FONT, HOVER, menu
from cardiolib.figures.style import GREY, INK, TWO_COLUMNS_MM, new_figure, panel_letters, styled
from cardiolib.interpretation.patient_maps import TITLES, PatientMaps

_LAYOUT = {"font": FONT, "hoverlabel": HOVER, "plot_bgcolor": "white", "paper_bgcolor": "white"}
TIME_MAP = "viridis"
RISK_MAP = "cividis"
NULL_TITLE = "shuffled outcomes"


@styled
def latent_map(patients: PatientMaps, *, truncate_at: float | None = 7.0) -> Drawing:
    """Two-dimensional maps of the patients, coloured by time to death or to censoring.

    Parameters
    ----------
    patients : PatientMaps
    truncate_at : float or None
        Longer times get the colour of this one (the paper used 7 years).

    Returns
    -------
    Drawing
        Filled points: death was observed; hollow ones: censored. Trustworthiness and continuity stand below each map.
        The last panel holds the same patients, mapped by the network that was trained on shuffled outcomes.
        Table: id, time, event, two coordinates a map, and the shuffled outcomes.
    """
    maps, event, time = _checked(patients)
    quality = dict(zip(maps, patients.maps, strict=True))
    null, time_unit = patients.null, patients.time_unit
    table = _outcomes(patients)
    top = float(time.max()) if truncate_at is None else min(float(truncate_at), float(time.max()))
    scale = Normalize(0, top)
    panels = [(title, np.asarray(points, float), event, time) for title, points in maps.items()]
    panels.append((NULL_TITLE, patients.null_map.coordinates, np.asarray(null.event, bool), np.asarray(null.time)))
    figure, axes = new_figure(TWO_COLUMNS_MM, 30 + 0.75 * TWO_COLUMNS_MM / len(panels), ncols=len(panels))
    for ax, (title, points, died, when) in zip(axes[0], panels, strict=True):
        colours = matplotlib.colormaps[TIME_MAP](scale(np.minimum(when, top)))
        ax.scatter(*points[~died].T, s=11, facecolors="none", edgecolors=colours[~died], linewidths=0.8)
        ax.scatter(*points[died].T, s=13, color=colours[died], linewidths=0)
        ax.set(title=title, xticks=[], yticks=[], xlabel="first coordinate")
        if title in quality:
            kept = quality[title].trustworthiness, quality[title].continuity
            ax.set_xlabel("first coordinate\ntrustworthiness {:.2f}\ncontinuity {:.2f}".format(*kept))
        ax.margins(0.06)
        ax.set_box_aspect(1)
        table[f"{title} 1"], table[f"{title} 2"] = points.T
    axes[0, 0].set_ylabel("second coordinate")
    table["shuffled event"], table["shuffled time"] = null.event, null.time
    panel_letters(axes[0])
    bar = figure.colorbar(
        matplotlib.cm.ScalarMappable(scale, matplotlib.colormaps[TIME_MAP]),
        ax=axes,
        shrink=0.8,
        aspect=25,
        pad=0.02,
        extend="max" if time.max() > top else "neither",
    )
    bar.set_label(f"time ({time_unit})")
    bar.outline.set_visible(False)
    marks = [
        Line2D(
            [],
            [],
            linestyle="",
            marker="o",
            color=GREY,
            markersize=3.6,
            label=f"died (n = {event.sum()}): time to death",
        ),
        Line2D(
            [],
            [],
            linestyle="",
            marker="o",
            markerfacecolor="none",
            color=GREY,
            markersize=3.4,
            label=f"censored (n = {(~event).sum()}): time last seen alive",
        ),
    ]
    figure.legend(handles=marks, loc="outside lower left", ncols=2)
    return Drawing(figure, table)


def latent_map_interactive(patients: PatientMaps, *, truncate_at: float | None = 7.0) -> Drawing:
    """Maps of the patients: one menu chooses the map, another the colour, by time or by log risk.

    Parameters
    ----------
    patients : PatientMaps
        A patient's ID and outcome are shown when it is hovered over. Log risks are those of the network whose code is
        mapped.
    truncate_at : float or None
        Longer times get the colour of this one.

    Returns
    -------
    Drawing
        Table: id, time, event, log_risk, and two coordinates a map.
    """
    points, event, time = _checked(patients)
    ids, risk = patients.patients.index.to_numpy().astype(str), patients.patients["log_risk"].to_numpy(float)
    time_unit = patients.time_unit
    top = float(time.max()) if truncate_at is None else min(float(truncate_at), float(time.max()))
    label = f"time ({time_unit}" + (f", at most {top:g})" if top < time.max() else ")")
    colours = {
        label: (np.minimum(time, top), 0.0, top, get_colorscale("Viridis")),
        "predicted log risk": (risk, float(risk.min()), float(risk.max()), get_colorscale("Cividis")),
    }
    drawn = [
        (f"censored (n = {(~event).sum()})", ~event, "circle-open"),
        (f"died (n = {event.sum()})", event, "circle"),
    ]
    first, figure = next(iter(points.values())), go.Figure()
    for name, chosen, symbol in drawn:
        text = [
            f"<b>{ids[i]}</b><br>{'died' if event[i] else 'alive when last seen'} at {time[i]:.2f} {time_unit}"
            f"<br>log risk {risk[i]:+.2f}"
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
    figure.update_layout(
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
    table = _outcomes(patients).assign(log_risk=risk)
    for name, one in points.items():
        table[f"{name} 1"], table[f"{name} 2"] = one.T
    return Drawing(figure, table)


@styled
def latent_stability(patients: PatientMaps) -> Drawing:
    """Where refitted networks put the same patients, a panel a map.

    Parameters
    ----------
    patients : PatientMaps

    Returns
    -------
    Drawing
        A dot where the map has the patient, coloured by log risk, a line from it to its place on each refit's map.
        Table: method, refit (-1: the map itself), patient, and two coordinates.
    """
    kept, log_risk = patients.kept_neighbours, patients.patients["log_risk"].to_numpy(float)
    aligned = {TITLES[name]: one for name, one in patients.aligned.items()}
    wrong = {name: np.shape(one) for name, one in aligned.items() if np.shape(one)[1:] != (len(log_risk), 2)}
    if not aligned or wrong or set(kept) != set(aligned):
        raise ValueError(
            f"each map needs (1 + refits, {len(log_risk)}, 2) coordinates and the share it keeps; wrong "
            f"are {wrong or sorted(set(kept) ^ set(aligned))}"
        )
    figure, axes = new_figure(TWO_COLUMNS_MM, 20 + 0.8 * TWO_COLUMNS_MM / len(aligned), ncols=len(aligned))
    scale = Normalize(*np.quantile(log_risk, [0.02, 0.98]))
    rows = []
    for ax, (title, places) in zip(axes[0], aligned.items(), strict=True):
        places = np.asarray(places, float)
        ends = np.stack([np.broadcast_to(places[0], places[1:].shape), places[1:]], axis=2).reshape(-1, 2, 2)
        ax.add_collection(LineCollection(ends, colors=GREY, linewidths=0.25, alpha=0.2, zorder=1))
        ax.scatter(
            *places[0].T, c=log_risk, cmap=RISK_MAP, norm=scale, s=9, linewidths=0.3, edgecolors="white", zorder=3
        )
        low, high = places[0].min(axis=0), places[0].max(axis=0)  # lines may leave the panel, patients may not
        margin = 0.06 * (high - low)
        ax.set(
            title=title,
            xticks=[],
            yticks=[],
            xlim=(low[0] - margin[0], high[0] + margin[0]),
            ylim=(low[1] - margin[1], high[1] + margin[1]),
        )
        ax.set_xlabel("neighbours kept {:.0%} (by chance {:.0%})".format(*kept[title]))
        ax.set_box_aspect(1)
        rows += [
            pd.DataFrame(
                {
                    "method": title,
                    "refit": number - 1,
                    "patient": np.arange(len(log_risk)),
                    "first": one[:, 0],
                    "second": one[:, 1],
                }
            )
            for number, one in enumerate(places)
        ]
    panel_letters(axes[0])
    bar = figure.colorbar(
        matplotlib.cm.ScalarMappable(scale, matplotlib.colormaps[RISK_MAP]),
        ax=axes,
        shrink=0.8,
        aspect=25,
        pad=0.02,
        extend="both",
    )
    bar.set_label("log risk")
    bar.outline.set_visible(False)
    marks = [
        Line2D([], [], linestyle="", marker="o", color=INK, markersize=3.2, label="patient on the map"),
        Line2D([], [], color=GREY, linewidth=0.8, label="line to the same patient on the map of a refitted network"),
    ]
    figure.legend(handles=marks, loc="outside lower left", ncols=2)
    return Drawing(figure, pd.concat(rows, ignore_index=True))


def _checked(patients: PatientMaps) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Maps by title, events and times, or ValueError: no map, or not two coordinates a patient."""
    maps = {title: np.asarray(one, float) for title, one in patients.coordinates.items()}
    event, time = patients.patients["event"].to_numpy(bool), patients.patients["time"].to_numpy(float)
    if not maps:
        raise ValueError("there is no map to draw: maps is empty")
    for title, points in maps.items():
        if points.shape != (len(time), 2):
            raise ValueError(
                f"map {title!r} needs two coordinates for each of {len(time)} patients; given {points.shape}"
            )
    return maps, event, time


def _outcomes(patients: PatientMaps) -> pd.DataFrame:
    return patients.patients[["time", "event"]].rename_axis("id").reset_index()
