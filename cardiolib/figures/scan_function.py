"""The function of one scanned heart: volumes of labels and mesh over the cycle, strain by segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_hex
from matplotlib.patches import Wedge

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import (
    GREY,
    INK,
    PALETTE,
    SKY,
    TEXT_CONTRAST,
    TWO_COLUMNS_MM,
    VERMILLION,
    contrast_ratio,
    new_figure,
    panel_letters,
    styled,
)

if TYPE_CHECKING:
    from cardiolib.motion.heart_motion import HeartMotion
    from cardiolib.segmentation import Segmentation

SIDES = {"lv": ("left ventricle", VERMILLION), "rv": ("right ventricle", SKY)}
STRAINS = {"circumferential": (-30.0, 0.0), "longitudinal": (-30.0, 0.0), "radial": (0.0, 60.0)}
"""Kind of strain -> ends of its colour scale in percent: the same for every heart, so that pages compare."""

_RINGS = {"basal": (0.7, 1.0), "mid": (0.4, 0.7), "apical": (0.1, 0.4)}  # inner and outer radius
_STRAIN_MAPS = {"circumferential": "viridis_r", "longitudinal": "viridis_r", "radial": "viridis"}


@styled
def volume_curves(segmentation: Segmentation, motion: HeartMotion | None) -> Drawing:
    """Cavity volumes over the cycle, from labels frame by frame and from the tracked mesh, a panel a ventricle.

    Parameters
    ----------
    segmentation : Segmentation
    motion : HeartMotion or None
        Without it the labels stand alone.

    Returns
    -------
    Drawing
        Table: ventricle, source ("labels", "tracked mesh"), percent (of the cycle, from end-diastole), volume_ml.
    """
    if segmentation.labels.n_frames < 2:
        return Drawing.lacking("The scan has one frame: there is no cycle to draw.")
    table = _volumes(segmentation, motion)
    figure, axes = new_figure(TWO_COLUMNS_MM, 66, ncols=2)
    for ax, (side, (name, colour)) in zip(axes[0], SIDES.items(), strict=True):
        part = table[table["ventricle"] == side]
        labels, mesh = (part[part["source"] == source] for source in ("labels", "tracked mesh"))
        ax.plot(labels["percent"], labels["volume_ml"], "o", color=INK, markersize=3, label="labels, frame by frame")
        if len(mesh):
            closed = pd.concat([mesh, mesh.head(1).assign(percent=100.0)])
            ax.plot(closed["percent"], closed["volume_ml"], color=colour, linewidth=1.8, label="tracked mesh")
        ax.set(xlabel="phase (% of the cycle, from end-diastole)", ylabel="volume (mL)", title=name, xlim=(-2, 102))
        ax.set_ylim(0, 1.1 * max(float(part["volume_ml"].max()), 1.0))
        ax.legend(loc="lower right")
    panel_letters(axes[0])
    return Drawing(figure, table)


@styled
def strain_bullseye(motion: HeartMotion | None) -> Drawing:
    """Peak strain of the LV's 16 segments, a bullseye a kind of strain, and the mean curves over the cycle.

    Parameters
    ----------
    motion : HeartMotion or None
        Without it there is nothing to draw, and that is said.

    Returns
    -------
    Drawing
        Seen from the apex: anterior above, septum on the left. Table: segment, kind, peak_percent.
    """
    if motion is None:
        return Drawing.lacking("No motion was tracked in this scan: there is no strain to draw.")
    strain = motion.strain
    figure, axes = new_figure(TWO_COLUMNS_MM, 60, ncols=4, gridspec_kw={"width_ratios": [1, 1, 1, 0.95]})
    rows = []
    for ax, (kind, limits) in zip(axes[0], STRAINS.items(), strict=False):
        curves = 100 * strain.pivot(index="segment", columns="phase", values=kind)
        peaks = curves.min(axis=1) if limits[0] < 0 else curves.max(axis=1)
        _bullseye(ax, peaks, limits, _STRAIN_MAPS[kind])
        ax.set_title(f"{kind}, peak", loc="center")
        colours = ScalarMappable(Normalize(*limits), _STRAIN_MAPS[kind])
        bar = figure.colorbar(colours, cax=ax.inset_axes((0.1, -0.06, 0.8, 0.035)), orientation="horizontal")
        bar.set_label("strain (%)", fontsize=6)
        bar.ax.tick_params(labelsize=5.5)
        bar.outline.set_linewidth(0.4)
        rows += [{"segment": n, "kind": kind, "peak_percent": value} for n, value in peaks.items()]
    _mean_curves(axes[0, 3], strain)
    return Drawing(figure, pd.DataFrame(rows))


def _volumes(segmentation: Segmentation, motion: HeartMotion | None) -> pd.DataFrame:
    n_frames, rows = segmentation.labels.n_frames, []
    ed = segmentation.ed if motion is None else int(motion.quality.measures.get("ed_frame", segmentation.ed))
    for side in SIDES:
        curve = np.roll(segmentation.volumes[f"{side}_cavity_ml"].to_numpy(float), -ed)
        rows.append(pd.DataFrame({"ventricle": side, "source": "labels", "volume_ml": curve}))
        rows[-1].insert(2, "percent", 100 * np.arange(n_frames) / n_frames)
        if motion is not None:
            curve = motion.volumes[f"{side}_cavity_ml"].to_numpy(float)
            rows.append(pd.DataFrame({"ventricle": side, "source": "tracked mesh", "volume_ml": curve}))
            rows[-1].insert(2, "percent", 100 * np.arange(len(curve)) / len(curve))
    return pd.concat(rows, ignore_index=True)


def _bullseye(ax: Axes, values: pd.Series, limits: tuple[float, float], colour_map: str) -> None:
    """Segments 1 to 16 as rings (AHA): anterior above, then against the clock over the septum."""
    colours = ScalarMappable(Normalize(*limits), colour_map)
    for segment, value in values.items():
        ring, place, n_around = _place(int(segment))
        inner, outer = _RINGS[ring]
        width = 360 / n_around
        middle = 90 + place * width
        colour = to_hex(tuple(colours.to_rgba(value)))
        around = middle - width / 2, middle + width / 2
        ax.add_patch(Wedge((0, 0), outer, *around, width=outer - inner, facecolor=colour, edgecolor="white"))
        radius, angle = (inner + outer) / 2, np.radians(middle)
        dark = contrast_ratio(colour, "white") > TEXT_CONTRAST
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        ax.text(x, y, f"{value:.0f}", ha="center", va="center", fontsize=6.5, color="white" if dark else "black")
    for x, y, wall in ((0, 1.14, "anterior"), (0, -1.14, "inferior"), (-1.14, 0, "septal"), (1.14, 0, "lateral")):
        turned = 90 if x else 0
        ax.text(x, y, wall, ha="center", va="center", rotation=turned, fontsize=5.5, color=GREY)
    ax.set(xlim=(-1.22, 1.22), ylim=(-1.22, 1.22), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(False)


def _place(segment: int) -> tuple[str, int, int]:
    """Ring, place around it from anterior towards the septum, and how many segments the ring has."""
    if segment > 12:
        return "apical", segment - 13, 4
    return ("basal", segment - 1, 6) if segment <= 6 else ("mid", segment - 7, 6)


def _mean_curves(ax: Axes, strain: pd.DataFrame) -> None:
    mean = 100 * strain.groupby("phase")[list(STRAINS)].mean()
    percent = 100 * np.append(mean.index.to_numpy() / len(mean), 1.0)
    for colour, kind in zip(PALETTE, STRAINS, strict=False):
        ax.plot(percent, np.append(mean[kind], mean[kind].iloc[0]), color=colour, label=kind)
    ax.axhline(0, color=GREY, linewidth=0.5, zorder=0)
    ax.set(xlabel="phase (% of the cycle)", ylabel="strain (%)", title="mean of the segments", xlim=(0, 100))
    ax.legend(loc="upper center", bbox_to_anchor=(0.45, -0.2), ncols=2, columnspacing=1.0)
