"""Maps of patients: each point is one, near those that move alike."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cardiolib.figures.style import GREY, INK, ONE_COLUMN_MM, TWO_COLUMNS_MM, new_figure, panel_letters, styled

TIME_MAP = "viridis"
RISK_MAP = "cividis"
NULL_TITLE = "shuffled outcomes"


@styled
def latent_map(
    maps: Mapping[str, np.ndarray],
    *,
    event: np.ndarray,
    time: np.ndarray,
    time_unit: str = "years",
    truncate_at: float | None = 7.0,
    ids: np.ndarray | None = None,
    quality: Mapping[str, tuple[float, float]] | None = None,
    null: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
) -> tuple[Figure, pd.DataFrame]:
    """Two-dimensional maps of the patients, coloured by time to death or to censoring.

    Parameters
    ----------
    maps : mapping of str to (N, 2) array
        Title of the panel (the method) -> coordinates.
    event : (N,) bool array
        True where death was observed (filled points); censored patients are drawn hollow.
    time : (N,) array
    time_unit : str
    truncate_at : float or None
        Longer times get the colour of this one (the paper used 7 years).
    ids : (N,) array, optional
        For the table; numbers from 0 by default.
    quality : mapping of str to (trustworthiness, continuity), optional
        Written below the title of a panel.
    null : (coordinates, event, time), optional
        A last panel: the same patients mapped by a network that was trained on shuffled outcomes.

    Returns
    -------
    figure : Figure
    table : DataFrame
        id, time, event and two coordinates a map.
    """
    event, time = np.asarray(event, bool), np.asarray(time, float)
    if not maps:
        raise ValueError("there is no map to draw: maps is empty")
    for title, points in maps.items():
        if np.shape(points) != (len(time), 2) or event.shape != time.shape:
            raise ValueError(
                f"map {title!r} needs two coordinates for each of {len(time)} patients; given {np.shape(points)}"
            )
    table = pd.DataFrame({"id": np.arange(len(time)) if ids is None else ids, "time": time, "event": event})
    top = float(time.max()) if truncate_at is None else min(float(truncate_at), float(time.max()))
    scale = Normalize(0, top)
    panels = [(title, np.asarray(points, float), event, time) for title, points in maps.items()]
    if null is not None:
        panels.append((NULL_TITLE, *(np.asarray(one) for one in null)))
    width = ONE_COLUMN_MM if len(panels) == 1 else TWO_COLUMNS_MM
    figure, axes = new_figure(width, 85 if len(panels) == 1 else 30 + 0.75 * width / len(panels), ncols=len(panels))
    for ax, (title, points, died, when) in zip(axes[0], panels, strict=True):
        colours = matplotlib.colormaps[TIME_MAP](scale(np.minimum(when, top)))
        ax.scatter(*points[~died].T, s=11, facecolors="none", edgecolors=colours[~died], linewidths=0.8)
        ax.scatter(*points[died].T, s=13, color=colours[died], linewidths=0)
        ax.set(title=title, xticks=[], yticks=[], xlabel="first coordinate")
        if title in (quality or {}):
            ax.set_xlabel("first coordinate\ntrustworthiness {:.2f}\ncontinuity {:.2f}".format(*quality[title]))
        ax.margins(0.06)
        ax.set_box_aspect(1)
        table[f"{title} 1"], table[f"{title} 2"] = points.T
    axes[0, 0].set_ylabel("second coordinate")
    if null is not None:
        table["shuffled event"], table["shuffled time"] = null[1], null[2]
    if len(panels) > 1:
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
    columns = 1 if len(panels) == 1 else 2
    figure.legend(handles=marks, loc="outside lower left", ncols=columns)
    return figure, table


@styled
def latent_stability(
    aligned: Mapping[str, np.ndarray], *, kept: Mapping[str, tuple[float, float]], log_risk: np.ndarray
) -> tuple[Figure, pd.DataFrame]:
    """Where refitted networks put the same patients, a panel a map.

    Parameters
    ----------
    aligned : mapping of str to (1 + B, N, 2) array
        Title -> the map and those of the refits laid on top of it.
    kept : mapping of str to (share, by chance)
        Share of each patient's neighbours on the map that a refit keeps.
    log_risk : (N,) array
        Colours the patients.

    Returns
    -------
    figure : Figure
        A dot where the map has the patient, a line from it to its place on each refit's map.
    table : DataFrame
        method, refit (-1: the map itself), patient, and two coordinates.
    """
    log_risk = np.asarray(log_risk, float)
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
        Line2D([], [], color=GREY, linewidth=0.8, label="to the patient's place on the map of a refitted network"),
    ]
    figure.legend(handles=marks, loc="outside lower left", ncols=2)
    return figure, pd.concat(rows, ignore_index=True)
