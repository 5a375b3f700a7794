"""Saliency of a cohort whose surface is not known (the authors' pickles hold displacements only): by vertex number."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.figure import Figure

from cardiolib.figures.interactive import HOVER
from cardiolib.figures.style import INK, PALETTE, TWO_COLUMNS_MM, new_figure
from cardiolib.meshes import SurfaceMesh

REMARK = "Only displacements are known of this cohort, no surface: points are shown by their number"


def has_geometry(mesh: SurfaceMesh) -> bool:
    """Whether the points of a mesh are places, and not all the same placeholder."""
    return bool(np.ptp(mesh.points, axis=0).max() > 0)


def views_by_number(
    maps: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray], *, significant_label: str
) -> tuple[Figure, pd.DataFrame]:
    """One panel a map: the value of every vertex over its number, significant ones ringed; and the numbers drawn."""
    figure, axes = new_figure(TWO_COLUMNS_MM, 45 * len(maps) + 8, nrows=len(maps), squeeze=False)
    axes = axes[:, 0]
    for ax, (name, values) in zip(axes, maps.items(), strict=True):
        number = np.arange(len(values))
        ax.axhline(0, color=INK, linewidth=0.5)
        ax.vlines(number, 0, values, colors=PALETTE[0], linewidth=0.8)
        mask = masks.get(name)
        if mask is not None:
            ax.plot(
                number[mask],
                values[mask],
                "o",
                markersize=3,
                markerfacecolor="none",
                markeredgecolor=PALETTE[1],
                label=f"{significant_label} ({mask.sum()} of {len(mask)} points)",
            )
        ax.set(ylabel=name, xlim=(-1, len(values)))
    axes[0].set_title(REMARK)
    axes[-1].set_xlabel("number of the point in the motion vector")
    if masks:
        figure.legend(loc="outside lower left", frameon=False)
    marks = {f"significant: {name}": mask for name, mask in masks.items()}
    count = len(next(iter(maps.values())))
    return figure, pd.DataFrame({"vertex": np.arange(count), "region": "not known", **maps, **marks})


def interactive_by_number(maps: Mapping[str, np.ndarray], *, title: str) -> go.Figure:
    """The same to hover, one trace a map."""
    shown = "<br>point %{x}: %{y:.3g}<extra></extra>"
    traces = [
        go.Bar(x=np.arange(len(values)), y=values, name=name, hovertemplate=name + shown)
        for name, values in maps.items()
    ]
    return go.Figure(traces).update_layout(
        title=title or REMARK,
        xaxis_title="number of the point in the motion vector",
        yaxis_title="saliency",
        template="plotly_white",
        hoverlabel=HOVER,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )
