"""What happens over the cardiac cycle: displacement, volumes and strains, and function at risk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    BLUE,
    INK,
    ONE_COLUMN_MM,
    PALETTE,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    repeated,
    styled,
)

if TYPE_CHECKING:
    from cardiolib.interpretation.hearts_at_risk import RiskHearts
    from cardiolib.motion import CohortMotion, HeartFunction

_OTHERS = "#BDBDBD"
CURVES = {
    "rv_volume_percent": "RV volume (% of end-diastole)",
    "base_descent_mm": "descent of the base (mm)",
    "septal_shift_mm": "septal shift to the left (mm)",
    "shortening_percent": "septum-to-free-wall\nshortening (%)",
}


@styled
def displacement_curves(motion: CohortMotion) -> Drawing:
    """Displacement from end-diastole over the cycle, a panel a region, with the spread over the patients.

    Parameters
    ----------
    motion : CohortMotion

    Returns
    -------
    Drawing
        The means of the other regions stand grey behind each curve. Table: region, phase (whole numbers from 0),
        percent (of the cycle), mean_mm, low_mm, high_mm (5th and 95th percentile of the patients).
    """
    table = _with_columns(motion.by_region, ["region", "phase", "mean_mm", "low_mm", "high_mm"])
    table.insert(2, "percent", _percent(table["phase"], motion.n_phases))
    regions = list(dict.fromkeys(table["region"]))
    n_columns = min(4, len(regions))
    n_rows = -(-len(regions) // n_columns)
    width = ONE_COLUMN_MM if len(regions) == 1 else TWO_COLUMNS_MM
    figure, axes = new_figure(width, 58 * n_rows + 6, nrows=n_rows, ncols=n_columns, sharey=True)
    for ax, region, colour in zip(axes.flat, regions, repeated(PALETTE, len(regions)), strict=False):
        for other in regions:
            part = table[table["region"] == other]
            if other != region:
                ax.plot(part["percent"], part["mean_mm"], color=_OTHERS, linewidth=0.9, zorder=1)
                continue
            ax.fill_between(part["percent"], part["low_mm"], part["high_mm"], color=colour, alpha=0.18, linewidth=0)
            ax.plot(part["percent"], part["mean_mm"], color=colour, linewidth=1.5, zorder=3)
        ax.set(title=str(region)[:1].upper() + str(region)[1:], xlabel="phase (% of the cycle)", xlim=(0, 100))
    for ax in axes.flat[len(regions) :]:
        ax.remove()
    for ax in axes[:, 0]:
        ax.set_ylabel("displacement (mm)")
    axes[0, 0].set_ylim(bottom=0)
    if len(regions) > 1:
        panel_letters(axes.flat[: len(regions)])
    handles = [
        Line2D([], [], color=INK, linewidth=1.5, label="mean of the patients"),
        Patch(color=INK, alpha=0.18, linewidth=0, label="5th to 95th percentile"),
    ]
    if len(regions) > 1:
        handles.append(Line2D([], [], color=_OTHERS, linewidth=0.9, label="means of the other regions"))
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    return Drawing(figure, table)


@styled
def function_curves(function: HeartFunction) -> Drawing:
    """Volumes and strains over the cycle, a panel a quantity, with end-diastole and end-systole marked.

    Parameters
    ----------
    function : HeartFunction

    Returns
    -------
    Drawing
        The truth, where it is known, is dashed. Table: the curves, with the phase in per cent of the cycle.
    """
    table, es_phase = function.curves, function.es_phase
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
    return Drawing(figure, table)


@styled
def risk_curves(risk: RiskHearts) -> Drawing:
    """Function over the cycle at low and at high risk, and in truth where it is known.

    Parameters
    ----------
    risk : RiskHearts
        A heart's name begins with "low" or "high"; names that go on with ", in truth" are dashed.

    Returns
    -------
    Drawing
        Table: heart, phase (share of the cycle), and the columns of `CURVES`.
    """
    if risk.lacks:
        return Drawing.lacking(risk.lacks)
    table = risk.cycle_curves
    missing = [name for name in ("heart", "phase", *CURVES) if name not in table]
    if missing or not len(table):
        raise ValueError(f"the table needs rows, and the columns {['heart', 'phase', *CURVES]}; missing are {missing}")
    hearts = list(dict.fromkeys(table["heart"]))
    if odd := [name for name in hearts if not name.startswith(("low", "high"))]:
        raise ValueError(f"a heart's name begins with 'low' or 'high'; given {odd}")
    figure, axes = new_figure(TWO_COLUMNS_MM, 62, ncols=len(CURVES))
    for ax, (column, label) in zip(axes[0], CURVES.items(), strict=True):
        for name in hearts:
            one = table[table["heart"] == name]
            closed = np.append(one[column], one[column].iloc[0])  # the cycle returns to end-diastole
            ax.plot(100 * np.append(one["phase"], 1.0), closed, **_style(name))
        ax.set(xlabel="phase (% of the cycle)", ylabel=label, xlim=(0, 100))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    panel_letters(axes)
    figure.legend(
        handles=[Line2D([], [], label=name, **_style(name)) for name in hearts],
        loc="outside lower left",
        ncols=4,
        handlelength=2.4,
    )
    return Drawing(figure, table[["heart", "phase", *CURVES]].reset_index(drop=True))


def _with_columns(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    missing = [name for name in columns if name not in table.columns]
    if missing or not len(table):
        raise ValueError(
            f"the table needs rows and the columns {list(columns)}; it has {len(table)} rows, and missing are {missing}"
        )
    return table[list(columns)].reset_index(drop=True)


def _percent(phase: pd.Series, n_phases: int) -> pd.Series:
    if n_phases <= phase.max():
        raise ValueError(f"a cycle of {n_phases} phases has no phase {int(phase.max())}: they are counted from 0")
    return 100 * phase / n_phases


def _style(name: str) -> dict[str, object]:
    truth = name.endswith("in truth")
    return {
        "color": BLUE if name.startswith("low") else VERMILLION,
        "linestyle": (0, (3, 1.5)) if truth else "-",
        "linewidth": 1.0 if truth else 1.5,
    }
