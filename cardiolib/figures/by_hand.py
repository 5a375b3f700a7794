"""Two maps done by hand on few numbers: the graph of a few patients, and the saliency of one vertex."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    BLUE,
    GREY,
    INK,
    PALE,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    styled,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cardiolib.interpretation.neighbours import NeighbourGraph


@styled
def graph_modes(graph: NeighbourGraph, code: np.ndarray) -> Drawing:
    """A neighbour graph of a few patients, its two slowest modes, and the map that they make.

    Parameters
    ----------
    graph : NeighbourGraph
    code : (N, L) array
        From which it was made.

    Returns
    -------
    Drawing
        First two panels: the patients by the first two principal components of their code, joined to their neighbours
        and coloured by the first and by the second mode. Last: the map, one mode against the other, with the same
        edges. Table: patient (row number), component_1, component_2, mode_1, mode_2, neighbours.
    """
    modes = graph.modes(2)
    places = PCA(n_components=min(2, *code.shape), svd_solver="full").fit_transform(np.asarray(code, float))
    places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    figure, axes = new_figure(TWO_COLUMNS_MM, 60, ncols=3)
    for number, ax in enumerate(axes[0, :2]):
        _edges(ax, places, graph.edges)
        values = modes[:, number]
        limit = max(float(np.abs(values).max()), 1e-12)
        drawn = ax.scatter(*places.T, c=values, cmap="RdBu_r", vmin=-limit, vmax=limit, s=26, edgecolor=INK, zorder=3)
        ax.set(xlabel="code, component 1", ylabel="component 2", title=f"Mode {number + 1} on the graph")
        figure.colorbar(drawn, ax=ax)
    _edges(axes[0, 2], modes, graph.edges)
    axes[0, 2].scatter(*modes.T, color="white", s=60, edgecolor=INK, zorder=3)
    for row, place in enumerate(modes):
        axes[0, 2].annotate(str(row + 1), place, ha="center", va="center", fontsize=5.5, zorder=4)
    axes[0, 2].set(xlabel="mode 1", ylabel="mode 2", title="The map")
    panel_letters(axes[0])
    n = len(modes)
    degree = np.bincount(graph.edges.ravel(), minlength=n)
    columns = np.column_stack([np.arange(1, n + 1), places, modes, degree])
    names = ["patient", "component_1", "component_2", "mode_1", "mode_2", "neighbours"]
    return Drawing(figure, pd.DataFrame(columns, columns=names).astype({"patient": int, "neighbours": int}))


@styled
def one_vertex(motion_mm: ArrayLike, log_risk: ArrayLike, event: ArrayLike, *, vertex: int) -> Drawing:
    """The regression behind one value of the paper's saliency map: log risk on the motion of one vertex.

    Parameters
    ----------
    motion_mm : (N,) array
        Mean displacement of the vertex over the cycle.
    log_risk, event : (N,) arrays
        Patients without a risk are left out.
    vertex : int
        Its number, for the title.

    Returns
    -------
    Drawing
        A dot a patient and the line of least squares. Table: motion_mm, log_risk, event, line.
    """
    table = pd.DataFrame(
        {"motion_mm": np.asarray(motion_mm, float), "log_risk": np.asarray(log_risk, float), "event": event}
    ).dropna(ignore_index=True)
    centred = table["motion_mm"] - table["motion_mm"].mean()
    slope = float((centred * table["log_risk"]).sum() / max(float((centred**2).sum()), 1e-12))
    table["line"] = table["log_risk"].mean() + slope * centred
    figure, axes = new_figure(0.6 * TWO_COLUMNS_MM, 58)
    ax = axes[0, 0]
    for died, colour, name in ((False, BLUE, "alive when last seen"), (True, VERMILLION, "died")):
        part = table[np.asarray(table["event"], bool) == died]
        ax.plot(part["motion_mm"], part["log_risk"], "o", color=colour, markersize=3, alpha=0.8, label=name)
    line = table.sort_values("motion_mm")
    ax.plot(line["motion_mm"], line["line"], color=GREY, linewidth=1.4)
    ax.set(xlabel="mean displacement over the cycle (mm)", ylabel="log risk")
    ax.set_title(f"Vertex {vertex}: {slope:+.3f} log risk per mm")
    ax.legend(loc="best")
    return Drawing(figure, table)


def _edges(ax, places: np.ndarray, edges: np.ndarray) -> None:
    for first, second in edges:
        ax.plot(*places[[first, second]].T, color=PALE, linewidth=0.9, zorder=1)
