"""The quality gate against the truth: predicted and true Dice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import BLUE, GREY, TWO_COLUMNS_MM, VERMILLION, new_figure, panel_letters, styled

if TYPE_CHECKING:
    from cardiolib.segmentation.quality_tables import GateAgainstTruth

_TITLES = {"lv_cavity": "LV cavity", "lv_wall": "LV wall", "rv_cavity": "RV cavity"}
_MARKS = {"ok": ("o", BLUE), "look at it": ("D", GREY), "do not use": ("X", VERMILLION)}


@styled
def predicted_dice(gate: GateAgainstTruth, *, height_mm: float = 62.0) -> Drawing:
    """Dice that the gate predicted without a reference, against the Dice with it; one panel a structure.

    Parameters
    ----------
    gate : GateAgainstTruth
    height_mm : float

    Returns
    -------
    Drawing
        Table: that of `gate`.
    """
    if gate.lacks:
        return Drawing.lacking(gate.lacks)
    figure, axes = new_figure(TWO_COLUMNS_MM, height_mm, ncols=len(_TITLES))
    low = min(float(gate.table[["predicted_dice", "dice"]].min(axis=None)) - 0.05, gate.limits["do_not_use"] - 0.1)
    low = max(low, -0.03)
    for ax, (structure, title) in zip(axes.flat, _TITLES.items(), strict=True):
        part = gate.table[gate.table["structure"] == structure]
        ax.plot([low, 1], [low, 1], color=GREY, linewidth=0.5, zorder=1)
        for limit in gate.limits.values():
            ax.axvline(limit, color=GREY, linewidth=0.5, linestyle="--", zorder=1)
        for verdict, (marker, colour) in _MARKS.items():
            those = part[part["verdict"] == verdict]
            ax.scatter(
                those["predicted_dice"],
                those["dice"],
                s=12,
                marker=marker,
                color=colour,
                alpha=0.8,
                linewidths=0,
                label=f"{verdict} ({len(those)})",
                zorder=3,
            )
        ax.set(xlim=(low, 1.02), ylim=(low, 1.02), title=title, xlabel="predicted Dice", ylabel="true Dice")
        ax.legend(loc="upper left", handletextpad=0.1)
    panel_letters(axes)
    return Drawing(figure, gate.table)
