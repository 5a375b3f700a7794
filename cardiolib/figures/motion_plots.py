"""Volumes over the cardiac cycle, and errors of tracked motion."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from cardiolib.figures.style import (
    INK,
    PALETTE,
    TWO_COLUMNS_MM,
    new_figure,
    panel_letters,
    styled,
)


@styled
def function_curves(table: pd.DataFrame, *, es_phase: int) -> tuple[Figure, pd.DataFrame]:
    """Volumes and strains over the cycle, a panel a quantity, with end-diastole and end-systole marked.

    Parameters
    ----------
    table : DataFrame
        panel (its axis label), curve (name), phase (whole numbers from 0, end-diastole), value, and truth where it is
        known (drawn dashed).
    es_phase : int
        End-systole.

    Returns
    -------
    figure : Figure
    table : DataFrame
        As drawn, with the phase in per cent of the cycle.
    """
    missing = {"panel", "curve", "phase", "value"} - set(table.columns)
    if missing or not len(table):
        raise ValueError(f"function_curves needs rows with panel, curve, phase and value; missing {sorted(missing)}")
    table = table.assign(percent=100 * table["phase"] / (table["phase"].max() + 1))
    panels = list(dict.fromkeys(table["panel"]))
    figure, axes = new_figure(TWO_COLUMNS_MM, 66, ncols=len(panels))
    es = 100 * es_phase / (table["phase"].max() + 1)
    for ax, panel in zip(axes[0], panels, strict=True):
        part = table[table["panel"] == panel]
        for colour, (name, curve) in zip(PALETTE, part.groupby("curve", sort=False), strict=False):
            ax.plot(curve["percent"], curve["value"], color=colour, marker="o", markersize=2.4, label=name)
            if "truth" in curve and curve["truth"].notna().any():
                ax.plot(curve["percent"], curve["truth"], color=INK, linestyle=(0, (3, 2)), linewidth=0.8, zorder=3)
        if "truth" in part and part["truth"].notna().any():
            ax.plot([], [], color=INK, linestyle=(0, (3, 2)), linewidth=0.8, label="truth")
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.09 * (high - low))  # room for the names, above the curves
        for at, name in ((0.0, "ED"), (es, "ES")):
            ax.axvline(at, color=INK, linewidth=0.6, alpha=0.5, zorder=0)
            ax.text(at + 1, 0.99, name, transform=ax.get_xaxis_transform(), ha="left", va="top", fontsize=6.5)
        ax.set(xlabel="phase (% of the cycle)", ylabel=panel, xlim=(-3, 100))
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, handlelength=1.6)
    if len(panels) > 1:
        panel_letters(axes[0])
    return figure, table


@styled
def endpoint_error(errors: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Distance between tracked and true points: over the cycle and by region.

    Parameters
    ----------
    errors : DataFrame
        region, phase (fraction of the cycle), error_mm; one row a point, frame and subject (or means of these).

    Returns
    -------
    figure : Figure
        Left: median and quartiles over the cycle, a line a region. Right: the distribution in each region
        over the moving phases (phase > 0, where the error is not zero by construction), with its median.
    table : DataFrame
        region, phase, median_mm, q25_mm, q75_mm, n.
    """
    columns = {"region", "phase", "error_mm"}
    if not len(errors) or not columns <= set(errors.columns):
        raise ValueError(f"errors needs rows and the columns {sorted(columns)}; it has {list(errors.columns)}")
    grouped = errors.groupby(["region", "phase"], sort=False, observed=True)["error_mm"]
    quartiles = {0.25: "q25_mm", 0.5: "median_mm", 0.75: "q75_mm"}
    table = grouped.quantile(list(quartiles)).unstack().rename(columns=quartiles)
    table["n"] = grouped.size()
    table = table.reset_index().rename_axis(columns=None)
    regions = list(dict.fromkeys(errors["region"]))
    figure, axes = new_figure(TWO_COLUMNS_MM, 66, ncols=2, gridspec_kw={"width_ratios": [1.2, 1]})
    over_cycle, by_region = axes[0]
    for colour, region in zip(PALETTE, regions, strict=False):
        part = table[table["region"] == region].sort_values("phase")
        percent = 100 * part["phase"]
        over_cycle.fill_between(percent, part["q25_mm"], part["q75_mm"], color=colour, alpha=0.16, linewidth=0)
        over_cycle.plot(percent, part["median_mm"], color=colour, label=_region_label(region))
    over_cycle.set(xlabel="phase (% of the cycle)", ylabel="endpoint error (mm)", title="Median and quartiles")
    over_cycle.set_ylim(bottom=0)
    over_cycle.margins(x=0.02)
    _violins(by_region, errors[errors["phase"] > 0], regions)
    panel_letters(axes[0])
    figure.legend(*over_cycle.get_legend_handles_labels(), loc="outside upper left", ncols=min(5, len(regions)))
    return figure, table[["region", "phase", "median_mm", "q25_mm", "q75_mm", "n"]]


def _violins(ax, errors: pd.DataFrame, regions: list[str]) -> None:
    samples = [errors.loc[errors["region"] == region, "error_mm"].dropna().to_numpy() for region in regions]
    drawn = [i for i, sample in enumerate(samples) if len(sample) > 1 and np.ptp(sample) > 0]
    if drawn:
        parts = ax.violinplot([samples[i] for i in drawn], positions=drawn, widths=0.8, showextrema=False)
        for i, body in zip(drawn, parts["bodies"], strict=True):
            body.set(facecolor=PALETTE[i % len(PALETTE)], alpha=0.3, edgecolor="none")
    for i, sample in enumerate(samples):
        if len(sample):
            low, middle, high = np.percentile(sample, (25, 50, 75))
            ax.plot([i, i], [low, high], color=PALETTE[i % len(PALETTE)], linewidth=2.4, solid_capstyle="butt")
            ax.plot(i, middle, "o", color="white", markeredgecolor=INK, markeredgewidth=0.6, markersize=3.6)
            ax.annotate(
                f"{middle:.1f}", (i, middle), xytext=(6, 0), textcoords="offset points", va="center", fontsize=6
            )
    ax.set_xticks(range(len(regions)), [_region_label(region).replace(" ", "\n", 1) for region in regions])
    ax.set(ylabel="endpoint error (mm)", title="By region, phases > 0")
    ax.set_ylim(bottom=0)
    ax.tick_params(axis="x", length=0)


def _region_label(region: str) -> str:
    words = str(region).replace("_", " ").split(" ")
    return " ".join(word.upper() if word in ("lv", "rv") else word for word in words)
