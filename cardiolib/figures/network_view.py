"""One slice as the segmentation network reads it, and what the network answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.colors import ListedColormap

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    STRUCTURE_COLOURS,
    STRUCTURE_LABELS,
    TWO_COLUMNS_MM,
    YELLOW,
    new_figure,
    panel_letters,
    styled,
)

if TYPE_CHECKING:
    from cardiolib.segmentation.frame_reading import FrameReading

_GREY = {"cmap": "gray", "vmin": -0.5, "vmax": 0.5, "interpolation": "nearest"}


@styled
def network_input(seen: FrameReading, k: int | None = None) -> Drawing:
    """A slice as it is stored, and the three slices that the network reads to label it.

    Parameters
    ----------
    seen : FrameReading
    k : int, optional
        The slice; by default the middle one.

    Returns
    -------
    Drawing
        Left: the stored slice, I to the right and J down, with the border of the network's window. Then the slice
        before, the slice itself and the slice after, cut out, turned and scaled. Table: panel, rows, columns, pixel_mm,
        darkest, brightest.
    """
    k = len(seen.stack) // 2 if k is None else k
    figure, axes = new_figure(TWO_COLUMNS_MM, 56, ncols=4)
    stored = seen.cine.frame(seen.frame)[:, :, k]
    axes[0, 0].imshow(stored.T, cmap="gray", interpolation="nearest")
    axes[0, 0].plot(*_window(seen).T, color=YELLOW, linewidth=1.2)
    axes[0, 0].set(xlim=(-0.5, stored.shape[0] - 0.5), ylim=(stored.shape[1] - 0.5, -0.5))
    rows = [_row("as it is stored", stored.T, float(seen.cine.spacing_mm[0]))]
    names = ("the slice before", "the slice itself", "the slice after")
    for ax, name, plane in zip(axes[0, 1:], names, seen.neighbours(k), strict=True):
        ax.imshow(plane, **_GREY)
        rows.append(_row(name, plane, seen.grid.pixel_mm))
    for ax, row in zip(axes[0], rows, strict=True):
        ax.set_title(f"{row['panel']}\n{row['rows']} x {row['columns']} pixels", fontweight="normal")
        _bare(ax)
    panel_letters(axes[0])
    return Drawing(figure, pd.DataFrame(rows))


@styled
def network_output(seen: FrameReading, k: int | None = None) -> Drawing:
    """What the network answers: class probabilities of one slice, and where it sees the six landmarks.

    Parameters
    ----------
    seen : FrameReading
    k : int, optional
        The slice whose classes are drawn; by default the middle one. Each landmark is drawn in its likeliest slice.

    Returns
    -------
    Drawing
        Upper row: the slice, the probability of each structure, and the likeliest class of each pixel. Lower row: a
        heat map for each landmark. Table: panel, slice, probability_max, share (of the slice's pixels for a class, of
        the landmark's probability that lies in the drawn slice for a landmark).
    """
    from cardiolib.segmentation.network import CLASSES

    k = len(seen.stack) // 2 if k is None else k
    figure, axes = new_figure(TWO_COLUMNS_MM, 74, nrows=2, ncols=6)
    axes[0, 0].imshow(seen.stack[k], **_GREY)
    axes[0, 0].set_title(f"slice {k + 1}", fontweight="normal")
    rows = []
    for ax, structure in zip(axes[0, 1:], CLASSES[1:], strict=False):
        share = seen.classes[k, CLASSES.index(structure)]
        ax.imshow(share, cmap="gray", vmin=0, vmax=1)
        ax.set_title(STRUCTURE_LABELS[structure], fontweight="normal")
        rows.append(("class " + structure, k + 1, float(share.max()), float((share > 0.5).mean())))
    colours = ListedColormap(["black", *(STRUCTURE_COLOURS[name] for name in CLASSES[1:])])
    axes[0, 5].imshow(seen.classes[k].argmax(axis=0), cmap=colours, vmin=-0.5, vmax=4.5, interpolation="nearest")
    axes[0, 5].set_title("likeliest class", fontweight="normal")
    height, width = seen.stack.shape[1:]
    for ax, heat, (name, best) in zip(axes[1], seen.landmarks, seen.landmark_slices().items(), strict=True):
        ax.imshow(seen.stack[best], **_GREY)
        shown = np.ma.masked_less(heat[best] / max(heat[best].max(), 1e-12), 0.05)
        ax.imshow(shown, cmap="autumn", alpha=0.75, extent=(-0.5, width - 0.5, height - 0.5, -0.5), vmin=0, vmax=1)
        words = name.replace("lv_", "LV ").replace("rv_", "RV ").replace("_", " ")
        ax.set_title(f"{words.replace(' insertion ', ' insertion,' + chr(10))}\nslice {best + 1}", fontweight="normal")
        rows.append(("landmark " + name, best + 1, float(heat.max()), float(heat[best].sum())))
    for ax in axes.ravel():
        ax.title.set_fontsize(6)
        _bare(ax)
    panel_letters(axes[:, 0])
    return Drawing(figure, pd.DataFrame(rows, columns=["panel", "slice", "probability_max", "share"]))


def _window(seen: FrameReading) -> np.ndarray:
    """(5, 2) voxel positions (i, j) of the corners of the network's window, closed."""
    height, width = seen.stack.shape[1:]
    rows, columns = (-0.5, height - 0.5), (-0.5, width - 0.5)
    corners = [(rows[a], columns[b]) for a, b in ((0, 0), (0, 1), (1, 1), (1, 0), (0, 0))]
    return seen.grid.voxel_from_network(np.array(corners))


def _row(panel: str, plane: np.ndarray, pixel_mm: float) -> dict[str, object]:
    rows, columns = plane.shape
    return {
        "panel": panel,
        "rows": rows,
        "columns": columns,
        "pixel_mm": pixel_mm,
        "darkest": float(plane.min()),
        "brightest": float(plane.max()),
    }


def _bare(ax) -> None:
    ax.set(xticks=[], yticks=[])
    ax.set_aspect("equal")
    ax.spines[:].set_visible(False)
