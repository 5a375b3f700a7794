"""Displacement over the cardiac cycle, what the network keeps of it, and which regions its saliency falls on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cardiolib.figures.style import (
    BLUE,
    INK,
    ONE_COLUMN_MM,
    PALETTE,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    styled,
)

TRUTH = "true hazard"
_OTHERS = "#BDBDBD"
_RISK_COLOURS = {"low": BLUE, "high": VERMILLION}


@styled
def displacement_curves(table: pd.DataFrame, *, n_phases: int | None = None) -> tuple[Figure, pd.DataFrame]:
    """Displacement from end-diastole over the cycle, a panel a region, with the spread over the patients.

    Parameters
    ----------
    table : DataFrame
        region, phase (whole numbers from 0), mean_mm, low_mm, high_mm (5th and 95th percentile of the patients).
    n_phases : int, optional
        Phases in a cycle; by default one more than the last phase.

    Returns
    -------
    figure : Figure
        The means of the other regions stand grey behind each curve.
    table : DataFrame
        As drawn, with the phase in per cent of the cycle.
    """
    table = _with_columns(table, ["region", "phase", "mean_mm", "low_mm", "high_mm"])
    table.insert(2, "percent", _percent(table["phase"], n_phases))
    regions = list(dict.fromkeys(table["region"]))
    n_columns = min(4, len(regions))
    n_rows = -(-len(regions) // n_columns)
    width = ONE_COLUMN_MM if len(regions) == 1 else TWO_COLUMNS_MM
    figure, axes = new_figure(width, 58 * n_rows + 6, nrows=n_rows, ncols=n_columns, sharey=True)
    for ax, region, colour in zip(axes.flat, regions, _repeated(PALETTE, len(regions)), strict=False):
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
    return figure, table


@styled
def reconstruction(table: pd.DataFrame, *, n_phases: int | None = None) -> tuple[Figure, pd.DataFrame]:
    """Mean displacement that went into the network and that came out, for patients at low and at high risk.

    Parameters
    ----------
    table : DataFrame
        patient, risk ("low", "high"), phase (whole numbers; 0 is end-diastole), kind ("motion",
        "reconstruction"), displacement_mm.
    n_phases : int, optional
        Phases in a cycle; by default one more than the last phase.

    Returns
    -------
    figure, table
        The table as drawn, with the phase in per cent of the cycle.
    """
    table = _with_columns(table, ["patient", "risk", "phase", "kind", "displacement_mm"])
    for column, known in (("risk", {"low", "high"}), ("kind", {"motion", "reconstruction"})):
        if unknown := sorted(set(table[column]) - known):
            raise ValueError(f"{column} is one of {sorted(known)}; the table has {unknown}")
    table.insert(3, "percent", _percent(table["phase"], n_phases))
    risks = [risk for risk in ("low", "high") if (table["risk"] == risk).any()]
    figure, axes = new_figure(ONE_COLUMN_MM * 0.75 * len(risks), 66, ncols=len(risks), sharey=True)
    for ax, risk in zip(axes[0], risks, strict=True):
        part = table[table["risk"] == risk]
        patients = list(dict.fromkeys(part["patient"]))
        for (_, kind), curve in part.groupby(["patient", "kind"], sort=False):
            # The two may lie on one another: the input is drawn broad and pale, the output thin on top of it.
            style = (
                {"linewidth": 3.2, "alpha": 0.35, "solid_capstyle": "round"}
                if kind == "motion"
                else {"linewidth": 1.1, "zorder": 3}
            )
            ax.plot(curve["percent"], curve["displacement_mm"], color=_RISK_COLOURS[risk], **style)
        named = f" ({patients[0]})" if len(patients) == 1 else f" ({len(patients)} patients)"
        ax.set(title=f"{risk.capitalize()} predicted risk{named}", xlabel="phase (% of the cycle)", xlim=(0, 100))
    axes[0, 0].set(ylabel="mean displacement (mm)")
    axes[0, 0].set_ylim(bottom=0)
    if len(risks) > 1:
        panel_letters(axes[0])
    handles = [
        Line2D([], [], color=INK, linewidth=3.2, alpha=0.35, label="motion put in"),
        Line2D([], [], color=INK, linewidth=1.1, label="reconstructed from the code"),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    return figure, table


@styled
def region_shares(
    table: pd.DataFrame, *, scores: Mapping[str, float] | None = None, truth: str = TRUTH
) -> tuple[Figure, pd.DataFrame]:
    """Share of each region in the saliency, by method, and in the true hazard where it is known.

    Parameters
    ----------
    table : DataFrame
        Index: region. One column of shares (0 to 1) a method; the column named `truth`, if there is one, is drawn
        as a black mark across the bars.
    scores : mapping of str to float, optional
        Average precision of a method against the truth, for the legend.
    truth : str

    Returns
    -------
    figure : Figure
    table : DataFrame
        region, method, share and, where given, average_precision.
    """
    methods = [name for name in table.columns if name != truth]
    if not methods or not len(table):
        raise ValueError(
            f"the table needs rows (regions) and a column a method; it has {len(table)} rows and the "
            f"columns {list(table.columns)}"
        )
    scores = dict(scores or {})
    figure, axes = new_figure(max(ONE_COLUMN_MM, 22 + 26 * len(table)), 64)
    ax = axes[0, 0]
    width = 0.72 / len(methods)
    for i, (method, colour) in enumerate(zip(methods, _repeated(PALETTE, len(methods)), strict=True)):
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
    return figure, long


def _with_columns(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    missing = [name for name in columns if name not in table.columns]
    if missing or not len(table):
        raise ValueError(
            f"the table needs rows and the columns {list(columns)}; it has {len(table)} rows, and missing are {missing}"
        )
    return table[list(columns)].reset_index(drop=True)


def _percent(phase: pd.Series, n_phases: int | None) -> pd.Series:
    n_phases = int(phase.max()) + 1 if n_phases is None else n_phases
    if n_phases <= phase.max():
        raise ValueError(f"a cycle of {n_phases} phases has no phase {int(phase.max())}: they are counted from 0")
    return 100 * phase / n_phases


def _repeated(colours: Sequence[str], n: int) -> list[str]:
    return [colours[i % len(colours)] for i in range(n)]
