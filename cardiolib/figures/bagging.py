"""One bootstrap bag, followed from the patients that were drawn to the concordance of those that were not."""

from __future__ import annotations

from math import exp, factorial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    BLUE,
    GREY,
    INK,
    PALE,
    TWO_COLUMNS_MM,
    VERMILLION,
    new_figure,
    panel_letters,
    styled,
)

if TYPE_CHECKING:
    from cardiolib.validation.store import BootstrapStore


@styled
def one_bag(store: BootstrapStore, bag: int = 0) -> Drawing:
    """How often each patient was drawn, the risks of those never drawn, and the pairs that make their C-index.

    Parameters
    ----------
    store : BootstrapStore
    bag : int
        A replicate that succeeded.

    Returns
    -------
    Drawing
        Left: number of patients by how often they were drawn; rings are what chance expects. Middle: predicted log risk
        of the patients outside the bag, over time. Right: a square a pair; the patient of the row died before the
        patient of the column was last seen. Table: patient, drawn, log_risk, time, event.

    Raises
    ------
    ValueError
        If that replicate failed or does not exist.
    """
    if not 0 <= bag < store.n_replicates or not store.succeeded[bag]:
        raise ValueError(f"bag is one of {np.flatnonzero(store.succeeded).tolist()}, which succeeded; given {bag}")
    drawn = np.bincount(store.in_bag[bag], minlength=store.n_patients)
    columns = {"drawn": drawn, "log_risk": store.log_risk[bag], "time": store.time, "event": store.event}
    table = pd.DataFrame({"patient": store.patient_id, **columns})
    figure, axes = new_figure(TWO_COLUMNS_MM, 58, ncols=3)
    _counts(axes[0, 0], drawn)
    unseen = table[table["drawn"] == 0].sort_values("time")
    for died, colour, name in ((True, VERMILLION, "died"), (False, BLUE, "alive when last seen")):
        part = unseen[unseen["event"] == died]
        fill = colour if died else "white"
        axes[0, 1].plot(
            part["time"], part["log_risk"], "o", color=colour, markerfacecolor=fill, markersize=4, label=name
        )
    axes[0, 1].set(xlabel="time", ylabel="log risk by the model of this bag", title=f"{len(unseen)} outside the bag")
    axes[0, 1].legend(loc="best")
    _pairs(axes[0, 2], unseen)
    panel_letters(axes[0])
    return Drawing(figure, table)


def _counts(ax, drawn: np.ndarray) -> None:
    times = np.arange(max(5, drawn.max() + 1))
    ax.bar(times, np.bincount(drawn, minlength=len(times)), color=[VERMILLION, *[PALE] * (len(times) - 1)])
    expected = [len(drawn) * exp(-1) / factorial(int(one)) for one in times]
    ax.plot(times, expected, "o", markerfacecolor="none", color=INK, markersize=4, label="expected by chance")
    ax.set(xlabel="times drawn", ylabel="patients", title="The bag", xticks=times)
    ax.legend(loc="upper right")


def _pairs(ax, unseen: pd.DataFrame) -> None:
    when, risk = unseen["time"].to_numpy(), unseen["log_risk"].to_numpy()
    died = unseen["event"].to_numpy(bool)
    comparable = died[:, None] & (when[:, None] < when[None, :])
    right = comparable & (risk[:, None] > risk[None, :])
    tied = comparable & (risk[:, None] == risk[None, :])
    shown = np.where(right, 2, np.where(tied, 1, 0))[died]
    rows = np.ma.array(shown, mask=~comparable[died])
    ax.imshow(rows, cmap=ListedColormap([VERMILLION, GREY, BLUE]), vmin=0, vmax=2, aspect="auto")
    total = int(comparable.sum())
    title = f"{int(right.sum())} of {total} pairs right (blue)" if total else "no pair can be compared"
    ax.set(xlabel="outlived by (in order of time)", ylabel="died (in order of time)", title=title)
    ax.set(xticks=[], yticks=[])
