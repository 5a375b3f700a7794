"""How training and hyper-parameter search went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.style import (
    GREY,
    ONE_COLUMN_MM,
    PALETTE,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    styled,
)


@styled
def training_history(
    history: pd.DataFrame,
    panels: Mapping[str, Sequence[str]],
    *,
    x: str = "epoch",
    labels: Mapping[str, str] | None = None,
    log: Sequence[str] = (),
) -> tuple[Figure, pd.DataFrame]:
    """Curves over training, one panel a kind of quantity.

    Parameters
    ----------
    history : DataFrame
        One row an epoch (or step).
    panels : mapping of str to sequence of str
        Label of a panel's y axis -> the columns drawn in it.
    x : str
        Column of the x axis.
    labels : mapping of str to str, optional
        Column -> name in the legend; by default the column with spaces for underscores.
    log : sequence of str
        Panels with a logarithmic y axis.

    Returns
    -------
    figure : Figure
    table : DataFrame
        The columns drawn.
    """
    columns = list(dict.fromkeys([x, *(column for drawn in panels.values() for column in drawn)]))
    missing = [column for column in columns if column not in history.columns]
    if missing or not panels:
        raise ValueError(f"the history lacks {missing}; it has {list(history.columns)}")
    width = ONE_COLUMN_MM if len(panels) == 1 else TWO_COLUMNS_MM
    figure, axes = new_figure(width, 58, ncols=len(panels))
    for ax, (title, drawn) in zip(axes[0], panels.items(), strict=True):
        for colour, column in zip(PALETTE, drawn, strict=False):
            known = history[[x, column]].dropna()
            ax.plot(
                known[x],
                known[column],
                color=colour,
                label=(labels or {}).get(column, column.replace("_", " ")),
                marker="o" if len(known) <= 25 else None,
                markersize=2.5,
            )
        ax.set(xlabel=x.replace("_", " "), ylabel=title)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        if title in log:
            ax.set_yscale("log")
        if len(drawn) > 2:  # above the panel they would reach its letter
            ax.legend(loc="best")
        else:
            ax.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=len(drawn), borderaxespad=0.2)
    if len(panels) > 1:
        panel_letters(axes[0])
    return figure, history[columns].reset_index(drop=True)


@styled
def search_history(
    history: pd.DataFrame, *, score: str = "score", generation: str = "generation", score_label: str = "C-index"
) -> tuple[Figure, pd.DataFrame]:
    """Score of every candidate by generation of the search, and the best so far.

    Parameters
    ----------
    history : DataFrame
        One row a candidate; `score` is better when higher, NaN where a candidate failed.
    score, generation : str
        Columns.
    score_label : str

    Returns
    -------
    figure : Figure
    table : DataFrame
        generation, score, best_so_far (of all candidates up to the end of that generation).
    """
    if not len(history) or not {score, generation} <= set(history.columns):
        raise ValueError(
            f"the history needs rows and the columns {score!r} and {generation!r}; it has {list(history.columns)}"
        )
    best = history.groupby(generation)[score].max().cummax()
    table = pd.DataFrame({"generation": history[generation].to_numpy(), "score": history[score].to_numpy(float)})
    table["best_so_far"] = best.reindex(table["generation"]).to_numpy()
    figure, axes = new_figure(ONE_COLUMN_MM, 58)
    ax = axes[0, 0]
    # Candidates of one generation stand side by side in their order, so that none hides another.
    rank, size = table.groupby("generation").cumcount(), table.groupby("generation")["score"].transform("size")
    shift = np.where(size > 1, (rank / (size - 1).clip(lower=1) - 0.5) * 0.5, 0.0)
    ax.scatter(table["generation"] + shift, table["score"], s=9, color=GREY, alpha=0.8, linewidths=0, label="candidate")
    ax.step(best.index, best, where="mid", color=VERMILLION, label="best so far")
    ax.set(xlabel="generation", ylabel=score_label)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1.0), ncols=2, borderaxespad=0.2)
    return figure, table
