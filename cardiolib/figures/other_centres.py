"""Other centres in figures: how far away they are, what a bound keeps, and how many patients depth needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import GREY, ONE_COLUMN_MM, PALETTE, TWO_COLUMNS_MM, new_figure, panel_letters, styled

if TYPE_CHECKING:  # figures start without loading the survival models
    from cardiolib.validation import InternalExternal

_RATIOS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


@styled
def centre_map(found: pd.DataFrame) -> Drawing:
    """Each centre by how different its patients are and how well the frozen model is calibrated there.

    Parameters
    ----------
    found : DataFrame
        Index centre; ``membership`` (C of the membership model), ``O/E``, ``O/E low``, ``O/E high``, ``C`` and
        ``expected C`` (model-based concordance).

    Returns
    -------
    Drawing
        Left: O/E against membership, log scale. Right: observed against expected C. Table: as given, with the centre as
        first column.

    Raises
    ------
    ValueError
        For a table without rows or one of the columns.
    """
    _require(found, ("membership", "O/E", "O/E low", "O/E high", "C", "expected C"))
    figure, axes = new_figure(TWO_COLUMNS_MM, 76, ncols=2)
    calibrated, discriminating = axes[0]
    calibrated.axhline(1.0, color=GREY, linewidth=0.6, linestyle=":")
    span = [found[["C", "expected C"]].min(axis=None) - 0.02, found[["C", "expected C"]].max(axis=None) + 0.02]
    discriminating.plot(span, span, color=GREY, linewidth=0.6, linestyle=":")
    for i, (centre, row) in enumerate(found.iterrows()):
        colour = PALETTE[i % len(PALETTE)]
        calibrated.plot([row["membership"]] * 2, [row["O/E low"], row["O/E high"]], color=colour, linewidth=1.0)
        calibrated.plot(row["membership"], row["O/E"], "o", color=colour, markersize=5, label=str(centre))
        discriminating.plot(row["expected C"], row["C"], "o", color=colour, markersize=5)
    calibrated.set(xlabel="patients unlike home's (membership C)", ylabel="observed / expected deaths", yscale="log")
    low, high = found["O/E low"].min(), found["O/E high"].max()
    ticks = [tick for tick in _RATIOS if low / 1.3 <= tick <= high * 1.3]
    calibrated.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    calibrated.minorticks_off()
    discriminating.set(xlabel="C that the case mix lets expect", ylabel="observed C", xlim=span, ylim=span)
    figure.legend(*calibrated.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    panel_letters(axes[0])
    return Drawing(figure, found.rename_axis("centre").reset_index())


@styled
def left_out_centres(found: InternalExternal) -> Drawing:
    """C at each centre by the model of the others, their average, and where a new centre's will lie.

    Parameters
    ----------
    found : InternalExternal

    Returns
    -------
    Drawing
        Table: what, C, low, high; the last two rows are the average and the prediction interval of a new centre.
    """
    rows = []
    for centre, row in found.table.iterrows():
        half = 1.96 * row["SE of C"]
        rows.append((str(centre), row["C"], row["C"] - half, row["C"] + half))
    pooled = found.concordance
    rows += [
        ("average", pooled.average, *pooled.interval()),
        ("a new centre", pooled.average, *pooled.prediction_interval()),
    ]
    table = pd.DataFrame(rows, columns=["what", "C", "low", "high"])
    figure, axes = new_figure(ONE_COLUMN_MM * 1.2, 20 + 6 * len(table))
    ax = axes[0, 0]
    ax.axvline(0.5, color=GREY, linewidth=0.6, linestyle=":")
    for y, one in enumerate(table.itertuples()):
        colour = PALETTE[0] if y < len(table) - 2 else PALETTE[1]
        ax.plot([one.low, one.high], [y, y], color=colour, linewidth=1.4, solid_capstyle="butt")
        ax.plot(one.C, y, "o" if y < len(table) - 2 else "D", color=colour, markersize=4)
    ax.set_yticks(range(len(table)), table["what"])
    ax.set(ylim=(len(table) - 0.5, -0.5), xlabel="C-index")
    return Drawing(figure, table)


@styled
def bound_coverage(found: pd.DataFrame, *, promised: float = 0.9) -> Drawing:
    """Share of patients who outlive their bound, by group and centre, against the share promised.

    Parameters
    ----------
    found : DataFrame
        centre, group, coverage, se: `ConformalBound.coverage` of several centres, one below the other.
    promised : float

    Returns
    -------
    Drawing
        Table: as given.

    Raises
    ------
    ValueError
        For a table without rows or one of the columns.
    """
    _require(found, ("centre", "group", "coverage", "se"))
    centres, groups = list(dict.fromkeys(found["centre"])), list(dict.fromkeys(found["group"]))
    figure, axes = new_figure(TWO_COLUMNS_MM, 66)
    ax = axes[0, 0]
    ax.axhline(promised, color=GREY, linewidth=0.6, linestyle=":")
    for i, group in enumerate(groups):
        part = found[found["group"] == group]
        x = [centres.index(centre) + 0.7 * (i / max(len(groups) - 1, 1) - 0.5) for centre in part["centre"]]
        colour = PALETTE[i % len(PALETTE)]
        ax.errorbar(x, part["coverage"], 1.96 * part["se"], fmt="o", color=colour, markersize=4, label=str(group))
    ax.set_xticks(range(len(centres)), centres)
    ax.set_ylabel("share who outlive their bound")
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=len(groups))
    return Drawing(figure, found.reset_index(drop=True))


@styled
def learning_curves(found: pd.DataFrame) -> Drawing:
    """C on fresh patients against the number of patients trained on, a panel a hazard.

    Parameters
    ----------
    found : DataFrame
        hazard, n, model, C: one row a fit; several fits of one hazard, size and model are averaged. The model "oracle"
        is the true log hazard, and is drawn in grey.

    Returns
    -------
    Drawing
        Table: hazard, model, n, C, se (of the mean; NaN for a single fit).

    Raises
    ------
    ValueError
        For a table without rows or one of the columns.
    """
    _require(found, ("hazard", "n", "model", "C"))
    grouped = found.groupby(["hazard", "model", "n"], sort=False)["C"]
    table = grouped.agg(C="mean", se=lambda c: c.std(ddof=1) / np.sqrt(len(c)) if len(c) > 1 else np.nan).reset_index()
    hazards = list(dict.fromkeys(table["hazard"]))
    models = [model for model in dict.fromkeys(table["model"]) if model != "oracle"]
    figure, axes = new_figure(TWO_COLUMNS_MM, 70, ncols=len(hazards))
    for ax, hazard in zip(axes[0], hazards, strict=True):
        ax.axhline(0.5, color=GREY, linewidth=0.6, linestyle=":")
        for model in [*models, "oracle"]:
            part = table[(table["hazard"] == hazard) & (table["model"] == model)].sort_values("n")
            colour = GREY if model == "oracle" else PALETTE[models.index(model) % len(PALETTE)]
            ax.errorbar(part["n"], part["C"], part["se"].fillna(0), fmt="o-", color=colour, markersize=3, label=model)
        ax.set(xscale="log", xlabel="patients", title=str(hazard))
        sizes = sorted(set(table["n"]))
        ax.set_xticks(sizes, [f"{n:,}" for n in sizes], rotation=45)
        ax.minorticks_off()
    axes[0, 0].set_ylabel("C-index on fresh patients")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=min(6, len(models) + 1))
    if len(hazards) > 1:
        panel_letters(axes[0])
    return Drawing(figure, table)


def _require(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in table]
    if missing or not len(table):
        raise ValueError(f"the table needs rows and the columns {list(columns)}; missing are {missing}")
