"""One heart whose motion was measured: its tags, its displacement-encoded phase, and how far the tracker is off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedFormatter, FixedLocator

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import INK, PALETTE, TWO_COLUMNS_MM, new_figure, panel_letters, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cardiolib.imaging import Cine, DenseCine, DisplacementField
    from cardiolib.motion import DisplacementScore, EncodedHeart

_DIRECTIONS = ("along I", "along J", "through plane")
_DASHED = (0, (2.5, 1.5))
_MARGIN_MM = 14.0
_ARROWS_MM = 6.0
_TITLE_MM, _FOOT_MM = 5.0, 12.0
_REGIONS = {
    "lv_endo": "LV endocardium",
    "lv_epi": "LV epicardium",
    "rv_free": "RV free wall",
    "rv_septum": "septum",
    "all points": "all points",
}


@dataclass(frozen=True, eq=False)
class _Slice:
    """The slice that is drawn, and the window around the heart in it."""

    k: int
    ed: int
    es: int
    low: np.ndarray  # (2,) first voxel of the window along I, J
    high: np.ndarray
    spacing: np.ndarray

    @property
    def box(self) -> tuple[slice, slice]:
        return slice(self.low[0], self.high[0]), slice(self.low[1], self.high[1])

    @property
    def extent(self) -> tuple[float, float, float, float]:
        (i0, j0), (i1, j1) = self.low - 0.5, self.high - 0.5
        return i0 * self.spacing[0], i1 * self.spacing[0], j1 * self.spacing[1], j0 * self.spacing[1]


@styled
def displacement_encoded(heart: EncodedHeart) -> Drawing:
    """A slice of one heart in all its images, and the tracker's error against the measured displacement.

    Parameters
    ----------
    heart : EncodedHeart
        Panels for images that it does not have are left out.

    Returns
    -------
    Drawing
        Cine at end-diastole and end-systole; tags at both; the wrapped phase of the direction that wraps most at
        end-systole; the unwrapped displacement there (colour its length, arrows its part in the plane: the tip is
        where the tissue is, the tail where it was); the end-point error over the cycle, a line a region, and the
        strain curves of tracker and field. Table: what the last two panels draw.
    """
    if heart.lacks or heart.cine is None or heart.field is None:
        return Drawing.lacking(heart.lacks)
    cine, field, score = heart.cine, heart.field, heart.score
    shown = _shown(field, score)
    panels: list[Callable[[Figure, Axes], None]] = [
        lambda figure, ax: _grey(ax, cine.voxels, shown, shown.ed, "Cine, ED"),
        lambda figure, ax: _grey(ax, cine.voxels, shown, shown.es, "Cine, ES"),
    ]
    if heart.tagged is not None:
        voxels = heart.tagged.voxels
        panels += [
            lambda figure, ax: _grey(ax, voxels, shown, shown.ed, "Tagged, ED"),
            lambda figure, ax: _grey(ax, voxels, shown, shown.es, "Tagged, ES"),
        ]
    if heart.dense is not None:
        dense = heart.dense
        panels.append(lambda figure, ax: _phase(figure, ax, dense, field, shown))
    panels.append(lambda figure, ax: _displacement(figure, ax, cine, field, shown))
    panels += [lambda figure, ax: _error(ax, score), lambda figure, ax: _strain(ax, score)]
    n_columns = 4 if len(panels) > 6 else 3
    n_rows = -(-len(panels) // n_columns)
    height = n_rows * (TWO_COLUMNS_MM / n_columns + _TITLE_MM) + _FOOT_MM
    figure, axes = new_figure(TWO_COLUMNS_MM, height, nrows=n_rows, ncols=n_columns)
    figure.set_layout_engine("constrained", w_pad=0.04, h_pad=0.04, wspace=0.02, hspace=0.02)
    for draw, ax in zip(panels, axes.ravel(), strict=False):
        draw(figure, ax)
    for ax in axes.ravel()[len(panels) :]:
        ax.set_axis_off()
    panel_letters(axes.ravel()[: len(panels)])
    return Drawing(figure, _numbers(score))


def _shown(field: DisplacementField, score: DisplacementScore) -> _Slice:
    """The slice with most muscle at end-systole, and end-systole of the score."""
    es = (field.ed_frame + score.es_phase) % field.n_frames
    mask = field.mask[..., es] | field.mask[..., field.ed_frame]
    k = int(field.mask[..., es].sum(axis=(0, 1)).argmax())
    places = np.argwhere(mask[:, :, k])
    margin = np.ceil(_MARGIN_MM / field.spacing_mm[:2]).astype(int)
    size = (places.max(axis=0) + 1 - places.min(axis=0) + 2 * margin).max()  # square, so that panels align
    low = np.rint((places.max(axis=0) + places.min(axis=0) + 1 - size) / 2).astype(int)
    high = np.minimum(low + size, field.shape[:2])
    return _Slice(k, field.ed_frame, es, np.maximum(low, 0), high, field.spacing_mm[:2])


def _grey(ax: Axes, voxels: np.ndarray, shown: _Slice, t: int, title: str) -> None:
    image = voxels[:, :, shown.k, t][shown.box]
    low, high = np.percentile(image, (1, 99.5))
    ax.imshow(image.T, cmap="gray", vmin=low, vmax=high, extent=shown.extent, interpolation="bilinear")
    _plain(ax, title)


def _wrapped(dense: DenseCine, field: DisplacementField, k: int, es: int) -> np.ndarray:
    """(3,) share of the muscle of slice k whose phase has wrapped, by direction."""
    along = np.abs(field.along_axes_mm()[:, :, k, es])
    half_mm = np.asarray(dense.wavelength_mm) / 2
    known = np.isfinite(along[..., 0])
    return (along[known] > half_mm).mean(axis=0)


def _phase(figure: Figure, ax: Axes, dense: DenseCine, field: DisplacementField, shown: _Slice) -> None:
    phase = dense.phase[:, :, shown.k, shown.es]
    axis = int(_wrapped(dense, field, shown.k, shown.es).argmax())
    drawn = ax.imshow(
        phase[..., axis][shown.box].T, cmap="twilight_shifted", vmin=-np.pi, vmax=np.pi, extent=shown.extent
    )
    _plain(ax, f"Phase {_DIRECTIONS[axis]}, ES")
    bar = _bar(figure, ax, drawn, "phase (rad), wrapped")
    bar.ax.xaxis.set_major_locator(FixedLocator([-np.pi, 0, np.pi]))
    bar.ax.xaxis.set_major_formatter(FixedFormatter(["−π", "0", "π"]))


def _displacement(figure: Figure, ax: Axes, cine: Cine, field: DisplacementField, shown: _Slice) -> None:
    along = field.along_axes_mm()[:, :, shown.k, shown.es]
    length = np.ma.masked_invalid(np.linalg.norm(along, axis=-1))
    image = cine.voxels[:, :, shown.k, shown.es][shown.box]
    low, high = np.percentile(image, (1, 99.5))
    ax.imshow(image.T, cmap="gray", vmin=low, vmax=2 * high, extent=shown.extent, interpolation="bilinear")
    drawn = ax.imshow(length[shown.box].T, cmap="viridis", vmin=0, extent=shown.extent)
    step = np.maximum(np.rint(_ARROWS_MM / shown.spacing).astype(int), 1)
    i, j = (
        grid.ravel() for grid in np.meshgrid(*(np.arange(0, n, s) for n, s in zip(along.shape, step, strict=False)))
    )
    known = np.isfinite(along[i, j, 0])
    i, j = i[known], j[known]
    u, v = along[i, j, 0], along[i, j, 1]
    ax.quiver(
        i * shown.spacing[0] - u,
        j * shown.spacing[1] - v,
        u,
        v,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.006,
        headwidth=4,
        color="white",
        edgecolor=INK,
        linewidth=0.3,
    )
    ax.set(xlim=shown.extent[:2], ylim=shown.extent[2:])
    _plain(ax, "Displacement, ES")
    _bar(figure, ax, drawn, "displacement since ED (mm)")


def _error(ax: Axes, score: DisplacementScore) -> None:
    for number, (region, part) in enumerate(score.errors.groupby("region", sort=False)):
        whole = region == "all points"
        colour, width = (INK, 1.6) if whole else (PALETTE[(number - 1) % len(PALETTE)], 0.9)
        ax.plot(part["phase"], part["mean_mm"], color=colour, linewidth=width, label=_REGIONS.get(region, region))
    ax.set_ylim(bottom=0)
    _curves(ax, "End-point error (mm)")


def _strain(ax: Axes, score: DisplacementScore) -> None:
    whole = score.strain[score.strain["region"] == "whole wall"]
    for colour, (kind, part) in zip(PALETTE, whole.groupby("kind", sort=False), strict=False):
        ax.plot(part["phase"], part["tracked_percent"], color=colour, label=kind)
        ax.plot(part["phase"], part["field_percent"], color=colour, linestyle=_DASHED, linewidth=0.9)
    ax.axhline(0, color=INK, linewidth=0.4)
    ax.plot([], [], color=INK, label="tracked")
    ax.plot([], [], color=INK, linestyle=_DASHED, linewidth=0.9, label="measured")
    _curves(ax, "LV strain (%)")


def _curves(ax: Axes, title: str) -> None:
    ax.set(xlabel="phase", title=title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.46, -0.2), fontsize=5.5, ncols=2, columnspacing=1.0)
    ax.set_box_aspect(1)


def _plain(ax: Axes, title: str) -> None:
    ax.set(xticks=[], yticks=[], title=title)
    ax.set_aspect("equal")
    ax.spines[:].set_visible(False)


def _bar(figure: Figure, ax: Axes, drawn: Any, label: str) -> matplotlib.colorbar.Colorbar:
    bar = figure.colorbar(drawn, cax=ax.inset_axes((0.1, -0.1, 0.8, 0.04)), orientation="horizontal")
    bar.set_label(label, fontsize=6)
    bar.ax.tick_params(labelsize=5.5)
    bar.outline.set_linewidth(0.4)
    return bar


def _numbers(score: DisplacementScore) -> pd.DataFrame:
    """A row a region and phase: error, and strain where the region is of the wall."""
    strain = score.strain.pivot(index=["region", "phase"], columns="kind", values=["field_percent", "tracked_percent"])
    strain.columns = [f"{kind}_{of}" for of, kind in strain.columns]
    errors = score.errors.rename(columns={"mean_mm": "error_mean_mm", "median_mm": "error_median_mm"})
    return pd.concat([errors, strain.reset_index()], ignore_index=True)
