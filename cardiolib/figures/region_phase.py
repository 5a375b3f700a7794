"""Saliency by region and phase of the cycle: a small heat map a method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.saliency_plots import DIVERGING, SEQUENTIAL
from cardiolib.figures.style import TWO_COLUMNS_MM, new_figure, panel_letters, styled


@styled
def region_phase(tables: Mapping[str, pd.DataFrame], *, n_phases: int) -> tuple[Figure, pd.DataFrame]:
    """Mean saliency of each region in each phase.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Label of the colour bar -> values: index phase (from 1), one column a region. Maps with negative values get a
        diverging scale symmetric about 0.
    n_phases : int
        Phases in a cycle, end-diastole included.

    Returns
    -------
    figure : Figure
    table : DataFrame
        method, phase, percent (of the cycle), region, value.

    Raises
    ------
    ValueError
        Without a table, or with a phase outside the cycle.
    """
    if not tables or any(not len(one) or one.index.min() < 1 or one.index.max() >= n_phases for one in tables.values()):
        raise ValueError(
            f"each table needs rows for phases from 1 to {n_phases - 1}; given "
            f"{ {name: list(one.index[:3]) for name, one in tables.items()} }"
        )
    n_rows = max(one.shape[1] for one in tables.values())
    figure, axes = new_figure(TWO_COLUMNS_MM, len(tables) * (7 * n_rows + 7) + 6, nrows=len(tables), sharex=True)
    rows = []
    for ax, (name, one) in zip(axes[:, 0], tables.items(), strict=True):
        values = one.to_numpy(float).T
        signed, top = bool((values < 0).any()), float(np.abs(values).max()) or 1.0
        scale = {"colour_map": DIVERGING if signed else SEQUENTIAL, "limits": (-top if signed else 0.0, top)}
        edges = 100 * (np.append(one.index, one.index[-1] + 1) - 0.5) / n_phases
        ax.pcolormesh(
            edges,
            np.arange(len(values) + 1),
            values,
            cmap=scale["colour_map"],
            vmin=scale["limits"][0],
            vmax=scale["limits"][1],
            rasterized=True,
        )
        ax.set_yticks(np.arange(len(values)) + 0.5, [str(region) for region in one.columns])
        ax.invert_yaxis()
        ax.tick_params(axis="y", length=0)
        ax.spines[:].set_visible(False)
        add_colour_bar(figure, [ax], label=name, **scale, ticks=MaxNLocator(4))
        rows.append(one.rename_axis("phase").reset_index().melt("phase", var_name="region").assign(method=name))
    axes[-1, 0].set_xlabel("phase (% of the cycle)")
    panel_letters(axes)
    long = pd.concat(rows, ignore_index=True)
    long["percent"] = 100 * long["phase"] / n_phases
    return figure, long[["method", "phase", "percent", "region", "value"]]
