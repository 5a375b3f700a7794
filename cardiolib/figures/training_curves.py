"""How training went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    ONE_COLUMN_MM,
    PALETTE,
    TWO_COLUMNS_MM,
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
    lacks: str = "",
) -> Drawing:
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
    lacks : str
        Why there is no history; stands in the place of the figure.

    Returns
    -------
    Drawing
        Table: the columns drawn.
    """
    if lacks:
        return Drawing.lacking(lacks)
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
    return Drawing(figure, history[columns].reset_index(drop=True))
