"""How the search for the settings of the survival network went, and where it looked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import GREY, ONE_COLUMN_MM, TWO_COLUMNS_MM, VERMILLION, new_figure, panel_letters, styled
from cardiolib.survival.network.search import SEARCHED, SearchResult
from cardiolib.survival.network.tables import swarm_rows

_LABELS = {
    "dropout": "dropout",
    "hidden": "hidden units",
    "latent": "latent units",
    "alpha": "weight of reconstruction",
    "log10_learning_rate": "learning rate (log10)",
    "log10_l1": "L1 penalty (log10)",
}


@styled
def search_history(search: SearchResult, *, score_label: str = "C-index, mean over folds") -> Drawing:
    """Score of every candidate of the swarm by generation, and the best so far.

    Parameters
    ----------
    search : SearchResult
        A score is better when higher, NaN where a candidate failed.
    score_label : str

    Returns
    -------
    Drawing
        Table: generation (from 1), score, best_so_far (of all candidates up to the end of that generation).
    """
    history, score, generation = _with_columns(swarm_rows(search)), "score", "generation"
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
    return Drawing(figure, table)


@styled
def searched_settings(search: SearchResult, settings: Sequence[str] = SEARCHED) -> Drawing:
    """Where the search looked: every candidate's settings by generation, coloured by score, and the best so far.

    Parameters
    ----------
    search : SearchResult
    settings : sequence of str
        Those to draw, one panel each.

    Returns
    -------
    Drawing
        Table: generation, score and the settings, with the best so far as ``best_<setting>``.
    """
    history, score, generation = _with_columns(swarm_rows(search), *settings), "score", "generation"
    wanted = [generation, score, *settings]
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
    return Drawing(figure, table)


def _with_columns(history: pd.DataFrame, *settings: str) -> pd.DataFrame:
    """The candidates, or ValueError: none, or columns are missing."""
    missing = sorted({"generation", "score", *settings} - set(history.columns))
    if missing or not len(history):
        raise ValueError(f"the search needs rows and the columns {missing}; it has {list(history.columns)}")
    return history
