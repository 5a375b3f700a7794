"""Maps of patients: each point is one, near those that move alike."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from cardiolib.figures.style import GREY, ONE_COLUMN_MM, TWO_COLUMNS_MM, new_figure, panel_letters, styled

TIME_MAP = "viridis"


@styled
def latent_map(
    maps: Mapping[str, np.ndarray],
    *,
    event: np.ndarray,
    time: np.ndarray,
    time_unit: str = "years",
    truncate_at: float | None = 7.0,
    ids: np.ndarray | None = None,
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
            raise ValueError(f"map {title!r} needs two coordinates for each of {len(time)} patients; given "
                             f"{np.shape(points)}")
    table = pd.DataFrame({"id": np.arange(len(time)) if ids is None else ids, "time": time, "event": event})
    top = float(time.max()) if truncate_at is None else min(float(truncate_at), float(time.max()))
    scale = Normalize(0, top)
    colours = matplotlib.colormaps[TIME_MAP](scale(np.minimum(time, top)))
    width = ONE_COLUMN_MM if len(maps) == 1 else TWO_COLUMNS_MM
    figure, axes = new_figure(width, 82 if len(maps) == 1 else 22 + 0.75 * width / len(maps), ncols=len(maps))
    for ax, (title, points) in zip(axes[0], maps.items(), strict=True):
        points = np.asarray(points, float)
        ax.scatter(*points[~event].T, s=11, facecolors="none", edgecolors=colours[~event], linewidths=0.8)
        ax.scatter(*points[event].T, s=13, color=colours[event], linewidths=0)
        ax.set(title=title, xticks=[], yticks=[], xlabel="first coordinate", ylabel="second coordinate")
        ax.margins(0.06)
        ax.set_box_aspect(1)
        table[f"{title} 1"], table[f"{title} 2"] = points.T
    if len(maps) > 1:
        panel_letters(axes[0])
    bar = figure.colorbar(matplotlib.cm.ScalarMappable(scale, matplotlib.colormaps[TIME_MAP]), ax=axes, shrink=0.8,
                          aspect=25, pad=0.02, extend="max" if time.max() > top else "neither")
    bar.set_label(f"time ({time_unit})")
    bar.outline.set_visible(False)
    marks = [
        Line2D([], [], linestyle="", marker="o", color=GREY, markersize=3.6, label=f"died (n = {event.sum()})"),
        Line2D([], [], linestyle="", marker="o", markerfacecolor="none", color=GREY, markersize=3.4,
               label=f"censored (n = {(~event).sum()})"),
    ]
    figure.legend(handles=marks, loc="outside lower left", ncols=2)
    return figure, table
