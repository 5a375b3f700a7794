"""The survival network itself: its layers, the settings its search tried, its latent code."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    styled,
    text_colour,
)

_COLOURS = {"code": GREEN, "log risk": VERMILLION}
_LABELS = {
    "dropout": "dropout",
    "hidden": "hidden units",
    "latent": "latent units",
    "alpha": "weight of reconstruction",
    "log10_learning_rate": "learning rate (log10)",
    "log10_l1": "L1 penalty (log10)",
}


@styled
def architecture(layers: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The network's layers as bars, a bar as long as the logarithm of its units.

    Parameters
    ----------
    layers : DataFrame
        layer, units, activation, reads (the layer before), parameters; as
        `cardiolib.steps.survival_tables.architecture_table` reads them from a trained network.

    Returns
    -------
    figure : Figure
    table : DataFrame
        As given.
    """
    missing = {"layer", "units", "activation", "reads", "parameters"} - set(layers.columns)
    if missing or not len(layers):
        raise ValueError(f"the layers need rows and the columns {sorted(missing)}")
    figure, axes = new_figure(TWO_COLUMNS_MM, 78)
    ax = axes[0, 0]
    depth, where = {}, {}
    for row in layers.itertuples():
        depth[row.layer] = depth[row.reads] + 1 if row.reads else 0
    for row in layers.itertuples():
        siblings = [name for name, at in depth.items() if at == depth[row.layer]]
        # two layers that read the same one stand above each other
        y = 0.0 if len(siblings) == 1 else (2.3, -0.6)[siblings.index(row.layer)]
        y = where[row.reads][1] if row.reads and len(siblings) == 1 and depth[row.layer] > 3 else y
        where[row.layer] = (1.55 * depth[row.layer], y, 0.28 + 0.42 * np.log10(row.units))
    for row in layers.itertuples():
        x, y, half = where[row.layer]
        colour = _COLOURS.get(row.layer, BLUE)
        if row.reads:
            x0, y0, half0 = where[row.reads]
            corners = [(x0 + 0.11, y0 + half0), (x - 0.11, y + half), (x - 0.11, y - half), (x0 + 0.11, y0 - half0)]
            ax.add_patch(Polygon(corners, closed=True, facecolor=GREY, alpha=0.16, linewidth=0))
            middle = ((x0 + x) / 2, (y0 + y) / 2)
            ax.annotate(f"{row.parameters:,}", middle, ha="center", va="center", fontsize=6.5, color=INK)
        ax.add_patch(Rectangle((x - 0.11, y - half), 0.22, 2 * half, facecolor=colour, linewidth=0))
        ax.annotate(
            row.layer,
            (x, y + half),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=text_colour(colour),
            fontweight="bold",
        )
        ax.annotate(
            f"{row.units:,}\n{row.activation}",
            (x, y - half),
            xytext=(0, -3),
            textcoords="offset points",
            ha="center",
            va="top",
            fontsize=6.5,
            color=INK,
        )
    ax.set(xlim=(-0.7, 1.55 * max(depth.values()) + 0.7), ylim=(-3.4, 3.2))
    ax.axis("off")
    figure.supxlabel("bar: units (log scale), with activation; between bars: weights and biases", fontsize=6.5)
    return figure, layers.copy()


@styled
def searched_settings(
    history: pd.DataFrame, settings: list[str], *, score: str = "score", generation: str = "generation"
) -> tuple[Figure, pd.DataFrame]:
    """Where the search looked: every candidate's settings by generation, coloured by score, and the best so far.

    Parameters
    ----------
    history : DataFrame
        One row a candidate; `score` is better when higher, NaN where a candidate failed.
    settings : list of str
        Columns to draw, one panel each.
    score, generation : str
        Columns.

    Returns
    -------
    figure : Figure
    table : DataFrame
        generation, score and the settings, with the best so far as ``best_<setting>``.
    """
    wanted = [generation, score, *settings]
    missing = sorted(set(wanted) - set(history.columns))
    if missing or not len(history):
        raise ValueError(f"the history needs rows and the columns {missing}; it has {list(history.columns)}")
    table = history[wanted].reset_index(drop=True)
    leader = table[score].fillna(-np.inf).cummax()
    best_row = np.maximum.accumulate(np.where(table[score].fillna(-np.inf) >= leader, np.arange(len(table)), 0))
    x = table[generation] + 0.6 * (
        table.groupby(generation).cumcount() / table.groupby(generation)[score].transform("size") - 0.4
    )
    n_columns = min(3, len(settings))
    figure, axes = new_figure(
        TWO_COLUMNS_MM, 46 * -(-len(settings) // n_columns) + 12, nrows=-(-len(settings) // n_columns), ncols=n_columns
    )
    for ax, name in zip(axes.flat, settings, strict=False):
        table[f"best_{name}"] = table[name].to_numpy()[best_row]
        ax.step(x, table[f"best_{name}"], where="post", color=VERMILLION, label="best so far", zorder=1)
        dots = ax.scatter(x, table[name], c=table[score], s=11, cmap="viridis", linewidths=0, zorder=2)
        ax.set(xlabel="generation", ylabel=_LABELS.get(name, name))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        ax.margins(y=0.08)
    for ax in axes.flat[len(settings) :]:
        ax.axis("off")
    panel_letters(axes.flat[: len(settings)])
    figure.legend(*axes.flat[0].get_legend_handles_labels(), loc="outside upper left")
    figure.colorbar(dots, ax=axes, label="C-index, mean over folds", shrink=0.6, aspect=30)
    return figure, table


@styled
def latent_code(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """The latent code of all patients as an image, beside their predicted risk and their deaths.

    Parameters
    ----------
    table : DataFrame
        log_risk, event, then a column a unit with values from 0 to 1 (from -1 in a linear network); patients by
        rising log risk, units from the most harmful; as `cardiolib.steps.survival_tables.code_table` gives it.

    Returns
    -------
    figure, table
        The table as drawn.
    """
    if not {"log_risk", "event"} <= set(table.columns) or table.shape[1] < 3:
        raise ValueError(f"the table needs log_risk, event and the units of a code; it has {list(table.columns)}")
    units = [name for name in table.columns if name not in ("log_risk", "event")]
    figure, axes = new_figure(
        TWO_COLUMNS_MM,
        34 + 3.6 * len(units),
        nrows=2,
        sharex=True,
        gridspec_kw={"height_ratios": [24, 3.6 * len(units)]},
    )
    risk, code = axes[0, 0], axes[1, 0]
    n, died = len(table), np.flatnonzero(table["event"])
    centred = table["log_risk"].to_numpy() - table["log_risk"].mean()
    risk.plot(np.arange(n), centred, color=INK)
    risk.plot(died, centred[died], "|", color=VERMILLION, markersize=6, label="death observed")
    risk.axhline(0, color=GREY, linewidth=0.6, linestyle=":")
    risk.set_ylabel("log risk, centred")
    risk.legend(loc="upper left")
    values = table[units].to_numpy(float).T
    low = min(0.0, float(values.min()))
    image = code.imshow(
        values,
        aspect="auto",
        cmap="viridis" if low == 0 else "RdBu_r",
        vmin=-1 if low < 0 else 0,
        vmax=1,
        extent=(-0.5, n - 0.5, len(units) - 0.5, -0.5),
    )
    code.set_yticks(range(len(units)), units)
    code.tick_params(axis="y", length=0)
    code.set(xlabel="patients, by rising predicted risk", ylabel="unit of the code,\nharmful to protective")
    figure.colorbar(image, ax=code, label="activity / largest", aspect=12)
    panel_letters(axes[:, 0])
    return figure, table
