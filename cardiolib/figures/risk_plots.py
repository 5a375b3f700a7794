"""What a survival model says of single patients, and how near it comes to a known hazard."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.figure import Figure

from cardiolib.figures.style import (
    GREY,
    INK,
    ONE_COLUMN_MM,
    VERMILLION,
    new_figure,
    round_limits,
    styled,
)


@styled
def predicted_survival(
    curves: pd.DataFrame, patients: pd.DataFrame, *, time_unit: str = "years"
) -> tuple[Figure, pd.DataFrame]:
    """Predicted survival of chosen patients, with what became of them.

    Parameters
    ----------
    curves : DataFrame
        ID, time, survival: the corners of each patient's step curve.
    patients : DataFrame
        ID, quantile (of predicted risk), event, time; lowest risk first.
    time_unit : str

    Returns
    -------
    figure : Figure
        A cross where the patient died, a bar where observation ended (unless that was later than the curve goes).
    table : DataFrame
        curves, with quantile, event and end (time of death or censoring).
    """
    if not len(curves) or set(curves["ID"]) != set(patients["ID"]):
        raise ValueError("every chosen patient needs a curve, and every curve a patient")
    figure, axes = new_figure(ONE_COLUMN_MM * 1.35, 66)
    ax = axes[0, 0]
    shades = colormaps["viridis"](np.linspace(0.9, 0.05, len(patients)))
    ends = np.array([curves.loc[curves["ID"] == name, "survival"].iloc[-1] for name in patients["ID"]])
    for row, colour, end, level in zip(patients.itertuples(), shades, ends, _apart(ends), strict=True):
        curve = curves[curves["ID"] == row.ID]
        ax.step(curve["time"], curve["survival"], where="post", color=colour)
        ax.annotate(
            f"{100 * row.quantile:.0f} %  {row.ID}",
            (1.0, level),
            xycoords=("axes fraction", "data"),
            xytext=(12, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=INK,
        )
        ax.plot(
            [1.0, 1.035], [end, level], color=colour, transform=ax.get_yaxis_transform(), clip_on=False, linewidth=0.8
        )
        if row.time <= curve["time"].max():
            at = curve["survival"].to_numpy()[np.searchsorted(curve["time"], row.time, side="right") - 1]
            ax.plot(
                row.time,
                at,
                "X" if row.event else "|",
                color=colour,
                markersize=6 if row.event else 9,
                markeredgewidth=0.4 if row.event else 1.2,
                markeredgecolor="white" if row.event else colour,
            )
    ax.plot([], [], "X", color=GREY, markersize=6, markeredgewidth=0, label="died")
    ax.plot([], [], "|", color=GREY, markersize=9, markeredgewidth=1.2, label="observation ended")
    ax.set(
        xlim=(0, float(curves["time"].max())), ylim=(0, 1.02), xlabel=f"time ({time_unit})", ylabel="predicted survival"
    )
    ax.annotate(
        "quantile\nof risk",
        (1.0, max(1.02, _apart(ends).max() + 0.08)),
        xycoords=("axes fraction", "data"),
        xytext=(12, 0),
        textcoords="offset points",
        va="bottom",
        fontsize=6.5,
        color=GREY,
    )
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    ends = patients.set_index("ID")[["quantile", "event", "time"]].rename(columns={"time": "end"})
    return figure, curves.join(ends, on="ID")


def _apart(values: np.ndarray, *, least: float = 0.055) -> np.ndarray:
    """The values, moved up where two labels would lie on each other."""
    order, moved = np.argsort(values, kind="stable"), np.array(values, float)
    for below, above in zip(order, order[1:], strict=False):
        moved[above] = max(moved[above], moved[below] + least)
    return moved


@styled
def hazard_scatter(table: pd.DataFrame | None) -> tuple[Figure, pd.DataFrame] | tuple[None, str]:
    """Predicted against true log hazard of every patient.

    Parameters
    ----------
    table : DataFrame or None
        true, predicted (both centred), event; None where no truth is known, as in every real cohort.

    Returns
    -------
    figure : Figure or None
        Slope of the regression of the truth on the prediction: 1 where predicted differences are as large as true ones,
        less where the model exaggerates them.
    table : DataFrame or str
        As drawn, or why there is no figure.
    """
    if table is None:
        return None, "No figure: nobody knows the true hazard of real patients."
    missing = sorted({"true", "predicted", "event"} - set(table.columns))
    if missing or len(table) < 3:
        raise ValueError(f"the table needs three rows and the columns {missing}; it has {list(table.columns)}")
    figure, axes = new_figure(ONE_COLUMN_MM, 76)
    ax = axes[0, 0]
    limits = round_limits(table[["true", "predicted"]].to_numpy())
    ax.plot(limits, limits, color=GREY, linewidth=0.6, linestyle=":")
    for died, colour, label in ((False, GREY, "censored"), (True, VERMILLION, "died")):
        part = table[table["event"].astype(bool) == died]
        ax.scatter(part["predicted"], part["true"], s=9, color=colour, alpha=0.75, linewidths=0, label=label)
    text = "the true hazard is the same for all"
    if np.ptp(table["true"]) > 0 and np.ptp(table["predicted"]) > 0:
        rank = table["true"].corr(table["predicted"], method="spearman")
        slope = table["true"].cov(table["predicted"]) / table["predicted"].var()
        ax.plot(np.array(limits), slope * np.array(limits), color=INK, linewidth=0.9)
        text = f"rank correlation {rank:.2f}, slope {slope:.2f}"
    ax.set(
        xlim=limits,
        ylim=limits,
        aspect="equal",
        xlabel="predicted log hazard, out of fold",
        ylabel="true log hazard (simulation)",
    )
    ax.set_title(text, loc="left")
    ax.legend(loc="upper left", handletextpad=0.2)
    return figure, table
