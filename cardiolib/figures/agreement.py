"""Bland-Altman plots: how far measured values are from reference values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    BLUE,
    GREY,
    INK,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    styled,
    text_colour,
)

if TYPE_CHECKING:
    from cardiolib.segmentation.segmented import MeasuredPairs


@styled
def bland_altman(
    pairs: MeasuredPairs,
    *,
    columns: int = 3,
    height_mm: float = 56.0,
) -> Drawing:
    """Difference against mean, one panel a quantity, with bias and 95 % limits of agreement [1]_.

    Parameters
    ----------
    pairs : MeasuredPairs
        Pairs with a missing value are left out.
    columns : int
        Panels in a row.
    height_mm : float
        Height of a row.

    Returns
    -------
    Drawing
        Table: quantity, unit, mean, difference (measured - reference) of every point drawn; `agreement_summary`
        summarises it.

    References
    ----------
    .. [1] Bland JM, Altman DG. Statistical methods for assessing agreement between two methods of clinical
       measurement. Lancet 1986;327:307-310.
    """
    if pairs.lacks:
        return Drawing.lacking(pairs.lacks)
    measurements, units = pairs.values, pairs.units
    if not measurements:
        raise ValueError("there is nothing to compare: the pairs are empty")
    if len(measurements) == columns + 1 and columns > 2:
        columns = (len(measurements) + 1) // 2  # two even rows rather than one left over
    columns = min(columns, len(measurements))
    rows = -(-len(measurements) // columns)
    figure, axes = new_figure(TWO_COLUMNS_MM * columns / 3, height_mm * rows, nrows=rows, ncols=columns)
    tables = []
    for ax, (title, (measured, reference)) in zip(axes.flat, measurements.items(), strict=False):
        unit = units[title]
        table = _pairs(title, unit, measured, reference)
        _panel(ax, table, title, unit)
        tables.append(table)
    for ax in axes.flat[len(measurements) :]:
        ax.remove()
    if len(measurements) > 1:
        panel_letters(axes.flat[: len(measurements)])
    return Drawing(figure, pd.concat(tables, ignore_index=True))


def agreement_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Number of pairs, bias, its limits of agreement and the mean absolute difference of each quantity.

    Parameters
    ----------
    table : DataFrame
        As `bland_altman` returns it.
    """
    rows = []
    for (quantity, unit), part in table.groupby(["quantity", "unit"], sort=False):
        bias, low, high = _limits(part["difference"].to_numpy())
        rows.append(
            {
                "quantity": quantity,
                "unit": unit,
                "n": len(part),
                "bias": bias,
                "low": low,
                "high": high,
                "mean_absolute": part["difference"].abs().mean(),
            }
        )
    return pd.DataFrame(rows)


def _pairs(title: str, unit: str, measured: np.ndarray, reference: np.ndarray) -> pd.DataFrame:
    measured, reference = np.asarray(measured, float), np.asarray(reference, float)
    if measured.shape != reference.shape or measured.ndim != 1:
        raise ValueError(
            f"{title}: as many measured as reference values are needed; given {measured.shape} and {reference.shape}"
        )
    known = np.isfinite(measured) & np.isfinite(reference)
    if known.sum() < 2:
        raise ValueError(f"{title}: limits of agreement need at least two complete pairs; there are {known.sum()}")
    measured, reference = measured[known], reference[known]
    return pd.DataFrame(
        {"quantity": title, "unit": unit, "mean": (measured + reference) / 2, "difference": measured - reference}
    )


def _limits(difference: np.ndarray) -> tuple[float, float, float]:
    bias, spread = float(difference.mean()), 1.96 * float(difference.std(ddof=1))
    return bias, bias - spread, bias + spread


def _panel(ax, table: pd.DataFrame, title: str, unit: str) -> None:
    bias, low, high = _limits(table["difference"].to_numpy())
    ax.axhline(0, color=GREY, linewidth=0.5)
    ax.scatter(table["mean"], table["difference"], s=9, color=BLUE, alpha=0.75, linewidths=0, clip_on=False, zorder=3)
    span = max(high - low, float(np.ptp(table["difference"])), 1e-9)
    bottom = min(low, float(table["difference"].min())) - 0.12 * span
    top = max(high, float(table["difference"].max())) + 0.14 * span
    ax.set(ylim=(bottom, top), title=title, xlabel=f"mean ({unit})", ylabel=f"difference ({unit})")
    ax.margins(x=0.06)
    for value, style, colour in ((bias, "-", VERMILLION), (low, "--", INK), (high, "--", INK)):
        ax.axhline(value, color=colour, linestyle=style, linewidth=0.9)
        # Beside the axes, where no point can lie under it.
        ax.annotate(
            f"{value:+.1f}".replace("-", "\N{MINUS SIGN}"),
            (1.0, value),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            ha="left",
            va="center",
            fontsize=6,
            color=text_colour(colour),
        )
