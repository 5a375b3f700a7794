"""From labelled pixels to a volume: the area of each slice, times the distance of the slices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    STRUCTURE_COLOURS,
    STRUCTURE_LABELS,
    TWO_COLUMNS_MM,
    new_figure,
    panel_letters,
    styled,
)

if TYPE_CHECKING:
    from cardiolib.imaging import LabelMap

CAVITIES = ("lv_cavity", "rv_cavity")


@styled
def slices_to_volume(labels: LabelMap, *, frame: int = 0) -> Drawing:
    """Area of both cavities in every slice of one frame, and the volume as it adds up from slice to slice.

    Parameters
    ----------
    labels : LabelMap
        With both cavities.
    frame : int

    Returns
    -------
    Drawing
        Left: the area of a cavity, a bar a slice. Right: the sum of area times slice distance up to each slice.
        Table: structure, slice, pixels, area_mm2, volume_ml (of the slice), sum_ml.
    """
    pixel_mm2, step_mm = float(np.prod(labels.spacing_mm[:2])), float(labels.spacing_mm[2])
    rows = []
    for structure in CAVITIES:
        code = labels.scheme.codes[structure]
        pixels = (labels.frame(frame) == code).sum(axis=(0, 1))
        volume_ml = pixels * pixel_mm2 * step_mm / 1000
        rows.append(
            pd.DataFrame(
                {
                    "structure": structure,
                    "slice": np.arange(1, len(pixels) + 1),
                    "pixels": pixels,
                    "area_mm2": pixels * pixel_mm2,
                    "volume_ml": volume_ml,
                    "sum_ml": volume_ml.cumsum(),
                }
            )
        )
    table = pd.concat(rows, ignore_index=True)
    figure, axes = new_figure(TWO_COLUMNS_MM, 52, ncols=2)
    areas, sums = axes[0]
    for offset, (structure, part) in zip((-0.2, 0.2), table.groupby("structure", sort=False), strict=True):
        colour, label = STRUCTURE_COLOURS[str(structure)], STRUCTURE_LABELS[str(structure)]
        areas.bar(part["slice"] + offset, part["area_mm2"] / 100, width=0.4, color=colour, label=label)
        total = f"{label}, {part['sum_ml'].iloc[-1]:.0f} mL in all"
        sums.step(part["slice"], part["sum_ml"], where="mid", color=colour, label=total)
    areas.set(xlabel="slice, from apex to base", ylabel="area (cm²)", title="Area of each slice")
    sums.set(xlabel="slice, from apex to base", ylabel="volume so far (mL)", title="Area x slice distance, added up")
    areas.legend(loc="upper left")
    sums.legend(loc="upper left")
    panel_letters(axes[0])
    return Drawing(figure, table)
