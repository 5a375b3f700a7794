"""Where motion goes with risk, and what the network looks at: on the heart, by region and by phase."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.style import (
    INK,
    ONE_COLUMN_MM,
    PALETTE,
    TWO_COLUMNS_MM,
    new_figure,
    panel_letters,
    repeated,
    styled,
)
from cardiolib.figures.surface_values import DIVERGING, SEQUENTIAL, values_on_surface, values_on_surface_interactive
from cardiolib.interpretation.hearts_at_risk import RiskHearts
from cardiolib.interpretation.maps_of_risk import CHANGE, GRADIENTS, PAPER, TRUTH, PlantedTests, SaliencyMaps


def saliency_views(saliency: SaliencyMaps) -> Drawing:
    """The paper's saliency and what the network reads, on free wall and septum.

    Parameters
    ----------
    saliency : SaliencyMaps
        Points that go with the explained risk beyond chance are ringed on the first map.

    Returns
    -------
    Drawing
        Table: vertex, region, the maps, and which points are significant.
    """
    drawn = dict(list(saliency.with_units.items())[:2])
    return values_on_surface(saliency.mesh, drawn, significant=saliency.significant)


def saliency_views_interactive(saliency: SaliencyMaps) -> Drawing:
    """All maps of saliency on a heart to turn, with a button for each.

    Parameters
    ----------
    saliency : SaliencyMaps

    Returns
    -------
    Drawing
        Table: vertex, region, the maps.
    """
    return values_on_surface_interactive(saliency.mesh, saliency.with_units)


def planted_views(planted: PlantedTests) -> Drawing:
    """The squared correlation of risk with motion for one planted hazard a wall; its patch is ringed.

    Parameters
    ----------
    planted : PlantedTests

    Returns
    -------
    Drawing
        Table: vertex, region, a map a wall, and the points of its patch.
    """
    if planted.lacks:
        return Drawing.lacking(planted.lacks)
    tests = {f"share of risk explained (hazard in {wall})": test for wall, test in planted.one_a_wall.items()}
    return values_on_surface(
        planted.mesh,
        {label: test.maps["correlation"] ** 2 for label, test in tests.items()},
        significant={label: test.patch for label, test in tests.items()},
        significant_label="patch with the hazard",
    )


def risk_motion_views(risk: RiskHearts) -> Drawing:
    """Where motion changes with risk, in mm, decoded and, where it is known, in truth.

    Parameters
    ----------
    risk : RiskHearts

    Returns
    -------
    Drawing
        Each row has a scale of colours of its own. Table: vertex, region, the changes.
    """
    return values_on_surface(risk.mesh, risk.changes)


@styled
def region_phase(saliency: SaliencyMaps) -> Drawing:
    """Mean saliency of each region in each phase of the cycle: a small heat map a method.

    Parameters
    ----------
    saliency : SaliencyMaps
        Maps with negative values get a diverging scale symmetric about 0.

    Returns
    -------
    Drawing
        Table: method, phase (from 1), percent (of the cycle), region, value.
    """
    labels = {
        PAPER: f"correlation with\n{saliency.risk_source} risk",
        GRADIENTS: "integrated gradients\n(log risk)",
        CHANGE: "change of motion\n(mm per SD)",
    }
    by_phase, n_phases = saliency.summary_by_phase, saliency.n_phases
    tables = {label: by_phase.loc[name] for name, label in labels.items()}
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
    return Drawing(figure, long[["method", "phase", "percent", "region", "value"]])


@styled
def region_shares(
    saliency: SaliencyMaps, risk: RiskHearts | None = None, *, scores: Mapping[str, float] | None = None
) -> Drawing:
    """Share of each region in the saliency, by method, and in the true hazard where it is known.

    Parameters
    ----------
    saliency : SaliencyMaps
    risk : RiskHearts, optional
        Its true change of motion is drawn as a black mark across the bars.
    scores : mapping of str to float, optional
        Average precision of a method against the truth, for the legend.

    Returns
    -------
    Drawing
        Table: region, method, share and, where given, average_precision.
    """
    table, truth, scores = saliency.shares(None if risk is None else risk.truth), TRUTH, dict(scores or {})
    methods = [name for name in table.columns if name != truth]
    figure, axes = new_figure(max(ONE_COLUMN_MM, 22 + 26 * len(table)), 64)
    ax = axes[0, 0]
    width = 0.72 / len(methods)
    for i, (method, colour) in enumerate(zip(methods, repeated(PALETTE, len(methods)), strict=True)):
        place = np.arange(len(table)) + (i - (len(methods) - 1) / 2) * width
        score = f": average precision {scores[method]:.2f}" if method in scores else ""
        ax.bar(place, 100 * table[method], width=0.92 * width, color=colour, label=f"{method}{score}")
    if truth in table:
        for i, share in enumerate(table[truth]):
            ax.plot([i - 0.44, i + 0.44], [100 * share] * 2, color="white", linewidth=2.6, solid_capstyle="butt")
            ax.plot(
                [i - 0.44, i + 0.44],
                [100 * share] * 2,
                color=INK,
                linewidth=1.4,
                solid_capstyle="butt",
                label=truth if i == 0 else None,
            )
    ax.set_xticks(range(len(table)), [str(region).replace(", ", ",\n") for region in table.index])
    ax.set(ylabel="share of the saliency (%)", xlim=(-0.55, len(table) - 0.45))
    ax.set_ylim(bottom=0)
    ax.tick_params(axis="x", length=0)
    # Bars in their order, the truth last.
    entries = sorted(zip(*ax.get_legend_handles_labels(), strict=True), key=lambda entry: entry[1] == truth)
    figure.legend(*zip(*entries, strict=True), loc="outside upper left", ncols=1)
    long = table.rename_axis("region").reset_index().melt("region", var_name="method", value_name="share")
    if scores:
        long["average_precision"] = long["method"].map(scores)
    return Drawing(figure, long)
