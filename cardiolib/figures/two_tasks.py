"""The two tasks of the survival network: patients in the partial likelihood, and what alpha trades for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

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
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cardiolib.survival.network.trade_off import AlphaTradeOff


@styled
def partial_likelihood(
    log_risk: ArrayLike, event: ArrayLike, time: ArrayLike, gradient: ArrayLike, *, names: ArrayLike | None = None
) -> Drawing:
    """A few patients in the partial likelihood: how long they were seen, and where the loss pushes their risk.

    Parameters
    ----------
    log_risk, event, time : (N,) arrays
    gradient : (N,) array
        Of the negative log partial likelihood with respect to each log risk. The push is its negative.
    names : (N,) sequence, optional
        By default 1 to N.

    Returns
    -------
    Drawing
        Left: a line a patient, to the time of death (cross) or of censoring (ring). Right: the log risk, and an arrow
        against the gradient: to the right where the loss wants a higher risk. Table: patient, time, event, log_risk,
        gradient.
    """
    columns = {"time": time, "event": event, "log_risk": log_risk, "gradient": gradient}
    n = len(np.asarray(time))
    label = [str(one) for one in (np.arange(1, n + 1) if names is None else np.asarray(names))]
    table = pd.DataFrame({"patient": label, **{name: np.asarray(values) for name, values in columns.items()}})
    table = table.sort_values("time", ascending=False, ignore_index=True)
    figure, axes = new_figure(TWO_COLUMNS_MM, 20 + 7 * n, ncols=2)
    seen, pushed = axes[0]
    size = max(float(np.abs(table["gradient"]).max()), 1e-12)
    reach = max(float(np.ptp(table["log_risk"])), 0.1)
    for y, row in table.iterrows():
        died = bool(row["event"])
        seen.plot([0, row["time"]], [y, y], color=VERMILLION if died else BLUE)
        fill = {} if died else {"markerfacecolor": "white"}
        seen.plot(row["time"], y, "X" if died else "o", color=VERMILLION if died else BLUE, markersize=5, **fill)
        end = row["log_risk"] - 0.4 * reach * row["gradient"] / size
        pushed.annotate("", (end, y), (row["log_risk"], y), arrowprops={"arrowstyle": "->", "color": INK})
        pushed.plot(row["log_risk"], y, "o", color=VERMILLION if died else BLUE, markersize=5)
        pushed.annotate(f"{-row['gradient']:+.2f}", (end, y), xytext=(0, 4), textcoords="offset points", ha="center")
    seen.set(xlabel="time", title="Seen until (cross: death)", xlim=(0, None))
    pushed.set(xlabel="log risk", title="Log risk, and where the loss pushes it")
    pushed.margins(x=0.25)
    for ax in axes[0]:
        ax.set_yticks(range(n), table["patient"])
        ax.set_ylim(-0.6, n - 0.3)
    panel_letters(axes[0])
    return Drawing(figure, table)


@styled
def alpha_trade_off(found: AlphaTradeOff, alpha: float = 0.4) -> Drawing:
    """What the weight of the reconstruction does: motion kept, order of deaths kept, and the code of the patients.

    Parameters
    ----------
    found : AlphaTradeOff
    alpha : float
        The nearest that was tried is drawn on the right.

    Returns
    -------
    Drawing
        Left: share of the motion's variance that the decoder gives back. Middle: C-index of the patients of the
        training and of those held out. Right: the code of every patient on its first two principal components,
        coloured by log risk; crosses died. Table: alpha, motion_explained, c_trained, c_held_out, shown.
    """
    chosen = min(found.alphas, key=lambda one: abs(one - alpha))
    table = found.table.reset_index().assign(shown=[one == chosen for one in found.alphas])
    figure, axes = new_figure(TWO_COLUMNS_MM, 58, ncols=3)
    kept, order, code = axes[0]
    kept.plot(table["alpha"], 100 * table["motion_explained"], "o-", color=BLUE, markersize=3)
    kept.set(ylabel="variance of motion given back (%)", title="Reconstruction")
    order.plot(table["alpha"], table["c_trained"], "o-", color=GREY, markersize=3, label="trained on")
    order.plot(table["alpha"], table["c_held_out"], "o-", color=VERMILLION, markersize=3, label="held out")
    order.axhline(0.5, color=INK, linewidth=0.6, linestyle=":")
    order.set(ylabel="C-index", title="Risk")
    order.legend(loc="best")
    for ax in (kept, order):
        ax.axvline(chosen, color=INK, linewidth=0.8, linestyle="--")
        ax.set(xlabel="alpha, the weight of the reconstruction", xlim=(-0.03, 1.03))
    values, risk = found.codes[chosen], found.log_risks[chosen]
    places = PCA(n_components=min(2, *values.shape), svd_solver="full").fit_transform(values)
    places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    shades = {"c": risk, "cmap": "viridis", "vmin": risk.min(), "vmax": risk.max()}
    for died, marker in ((False, "o"), (True, "X")):
        rows = found.event == died
        drawn = code.scatter(*places[rows].T, marker=marker, s=14, linewidth=0, **{**shades, "c": risk[rows]})
    code.set(xlabel="code, component 1", ylabel="component 2", title=f"Code at alpha = {chosen:g}")
    figure.colorbar(drawn, ax=code, label="log risk")
    panel_letters(axes[0])
    return Drawing(figure, table)
