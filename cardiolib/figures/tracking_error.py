"""How far tracked points are from where they truly were."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import INK, PALETTE, TWO_COLUMNS_MM, new_figure, panel_letters, styled

if TYPE_CHECKING:
    from cardiolib.motion import TrackingErrors


@styled
def endpoint_error(found: TrackingErrors) -> Drawing:
    """Distance between tracked and true points, of tracking alone: over the cycle and by region.

    Parameters
    ----------
    found : TrackingErrors

    Returns
    -------
    Drawing
        Left: median and quartiles over the cycle, a line a region. Right: the distribution in each region
        over the moving phases (phase > 0, where the error is not zero by construction), with its median.
        Table: region, phase, median_mm, q25_mm, q75_mm, n.
    """
    if found.lacks:
        return Drawing.lacking(found.lacks)
    errors = found.tracking_alone
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
    return Drawing(figure, table[["region", "phase", "median_mm", "q25_mm", "q75_mm", "n"]])


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
    ax.set(ylabel="endpoint error (mm)", title="By region, phases > 0 %")
    ax.set_ylim(bottom=0)
    ax.tick_params(axis="x", length=0)


def _region_label(region: str) -> str:
    words = str(region).replace("_", " ").split(" ")
    return " ".join(word.upper() if word in ("lv", "rv") else word for word in words)
