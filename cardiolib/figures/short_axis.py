"""Short-axis images with the contours of the structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import STRUCTURE_COLOURS, STRUCTURE_LABELS, TWO_COLUMNS_MM, new_figure, styled

if TYPE_CHECKING:
    from cardiolib.imaging import Cine, LabelMap
    from cardiolib.segmentation.segmented import SegmentedScan

_LABELS_MM = (6.0, 10.0)  # room for the row labels, and for the slice titles with the legend
# A wall is drawn together with the cavity inside it, so that its contour is one line and not a pair.
_FILLED = {"lv_wall": ("lv_wall", "lv_cavity"), "rv_wall": ("rv_wall", "rv_cavity")}


@styled
def short_axis_mosaic(
    scan: SegmentedScan,
    *,
    beside: SegmentedScan | None = None,
    slices: Sequence[int] | None = None,
    structures: Sequence[str] | None = None,
    margin_mm: float = 12.0,
    scale_bar_mm: float = 50.0,
    predicted_name: str = "network",
    truth_name: str = "reference",
) -> Drawing:
    """Slices side by side, a row a frame, with contours: predicted drawn through, true dashed.

    Parameters
    ----------
    scan : SegmentedScan
        I is drawn to the right and J downwards, as the voxels are stored.
    beside : SegmentedScan, optional
        A second scan, in rows of its own below and to the same scale; left out where it lacks something.
    slices : sequence of int, optional
        Along K; by default up to eight, evenly from first to last labelled (or of all).
    structures : sequence of str, optional
        By default all that a label map holds.
    margin_mm : float
        Shown around the labelled heart.
    scale_bar_mm : float
        Length of the bar in the first picture.

    Returns
    -------
    Drawing
        All pictures to one scale, with square millimetres square. Table: row, frame, slice, structure, predicted_mm2,
        truth_mm2, dice of each drawn structure.
    """
    if scan.cine is None:
        return Drawing.lacking(scan.lacks)
    scans = [_Scan.of(scan.cine, scan, slices, margin_mm)]
    if beside is not None and beside.cine is not None:
        scans.append(_Scan.of(beside.cine, beside, None, margin_mm))
    structures = list(structures or _present([scan.stacks for scan in scans]))
    size_mm = np.max([scan.window_mm[1] - scan.window_mm[0] for scan in scans], axis=0)
    n_columns = max(len(scan.slices) for scan in scans)
    n_rows = sum(len(scan.frames) for scan in scans)
    tile = (TWO_COLUMNS_MM - _LABELS_MM[0]) / max(4, n_columns)
    height = tile * n_rows * size_mm[1] / size_mm[0] + _LABELS_MM[1] * len(scans)
    figure, axes = new_figure(tile * n_columns + _LABELS_MM[0], height, nrows=n_rows, ncols=n_columns)
    figure.get_layout_engine().set(wspace=0.01, hspace=0.01, w_pad=0.01, h_pad=0.01)
    first = 0
    for scan in scans:
        rows = axes[first : first + len(scan.frames)]
        _draw_scan(rows, scan, structures, size_mm)
        _scale_bar(rows[-1, 0], scale_bar_mm, size_mm[0])
        first += len(scan.frames)
    both = any(len(scan.stacks) > 1 for scan in scans)
    _legend(figure, structures, both, predicted_name, truth_name)
    return Drawing(figure, pd.concat([_areas(scan, structures) for scan in scans], ignore_index=True))


@dataclass(frozen=True, eq=False)
class _Scan:
    """One scan to draw: label maps as masks by row, slices, and the window that holds the heart."""

    cine: Cine
    frames: Mapping[str, int]
    stacks: dict[str, list[dict[str, np.ndarray]]]
    slices: list[int]
    window_mm: np.ndarray  # (2, 2): low and high, along I and J

    @classmethod
    def of(cls, cine: Cine, scan: SegmentedScan, slices: Sequence[int] | None, margin_mm: float) -> _Scan:
        named, frames = {"predicted": scan.predicted, "truth": scan.truth}, scan.frames
        stacks = {key: _of_rows(labels, cine, frames, key) for key, labels in named.items() if labels is not None}
        slices = list(_default_slices(stacks, cine.shape[2]) if slices is None else slices)
        ranges = np.array(_window(stacks, cine, slices, margin_mm)).T - 0.5
        return cls(cine, frames, stacks, slices, ranges * cine.spacing_mm[:2])


def _draw_scan(axes: np.ndarray, scan: _Scan, structures: Sequence[str], size_mm: np.ndarray) -> None:
    di, dj = scan.cine.spacing_mm[:2]
    middle = scan.window_mm.mean(axis=0)
    low, high = middle - size_mm / 2, middle + size_mm / 2
    (i0, j0), (i1, j1) = np.rint(scan.window_mm / (di, dj) + 0.5).astype(int)
    for row, (label, frame) in enumerate(scan.frames.items()):
        dark, bright = np.percentile(scan.cine.voxels[i0:i1, j0:j1][:, :, scan.slices, frame], (1, 99))
        for ax, k in zip(axes[row], scan.slices, strict=False):
            ax.imshow(
                scan.cine.frame(frame)[:, :, k].T,
                cmap="gray",
                vmin=dark,
                vmax=max(bright, dark + 1e-6),
                origin="upper",
                interpolation="bilinear",
                extent=(-0.5 * di, (scan.cine.shape[0] - 0.5) * di, (scan.cine.shape[1] - 0.5) * dj, -0.5 * dj),
            )
            for key, stack in scan.stacks.items():
                _contours(ax, stack[row], k, structures, (di, dj), dashed=key == "truth" and len(scan.stacks) > 1)
            ax.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]))
            if row == 0:
                ax.set_title(f"slice {k + 1}", loc="center", fontweight="normal", fontsize=6.5, pad=2)
        for ax in axes[row]:
            ax.set(xticks=[], yticks=[])
            ax.set_aspect("equal")
            ax.spines[:].set_visible(False)
        axes[row, 0].set_ylabel(label, fontweight="bold")


def _of_rows(label_map: LabelMap, cine: Cine, frames: Mapping[str, int], name: str) -> list[dict[str, np.ndarray]]:
    """For each row, structure -> (I, J, K) mask."""
    if label_map.shape != cine.shape:
        raise ValueError(f"the {name} label map {label_map.shape} and the cine {cine.shape} need the same voxels")
    if label_map.n_frames not in (cine.n_frames, len(frames)):
        raise ValueError(
            f"the {name} label map has {label_map.n_frames} frames; the cine has {cine.n_frames}, and "
            f"{len(frames)} are drawn"
        )
    whole = label_map.n_frames == cine.n_frames
    rows = [frame if whole else row for row, frame in enumerate(frames.values())]
    return [{name: label_map.frame(t) == code for name, code in label_map.scheme.codes.items()} for t in rows]


def _present(stacks_of_scans) -> list[str]:
    found = {
        name
        for stacks in stacks_of_scans
        for stack in stacks.values()
        for masks in stack
        for name, mask in masks.items()
        if mask.any()
    }
    return [name for name in STRUCTURE_LABELS if name in found]


def _default_slices(stacks, n_slices: int) -> list[int]:
    used = [
        k
        for stack in stacks.values()
        for masks in stack
        for mask in masks.values()
        for k in np.flatnonzero(mask.any(axis=(0, 1)))
    ]
    first, last = (min(used), max(used)) if used else (0, n_slices - 1)
    return sorted(set(np.rint(np.linspace(first, last, min(8, last - first + 1))).astype(int).tolist()))


def _window(stacks, cine: Cine, slices: Sequence[int], margin_mm: float) -> tuple[tuple[int, int], tuple[int, int]]:
    """Ranges of I and J that hold every contour and the margin."""
    heart = np.zeros(cine.shape[:2], bool)
    for stack in stacks.values():
        for masks in stack:
            for mask in masks.values():
                heart |= mask[:, :, slices].any(axis=2)
    if not heart.any():
        return (0, cine.shape[0]), (0, cine.shape[1])
    ranges = []
    for axis in range(2):
        used = np.flatnonzero(heart.any(axis=1 - axis))
        margin = int(np.ceil(margin_mm / cine.spacing_mm[axis]))
        ranges.append((max(0, int(used[0]) - margin), min(cine.shape[axis], int(used[-1]) + 1 + margin)))
    return ranges[0], ranges[1]


def _contours(ax, masks, k: int, structures: Sequence[str], spacing: tuple[float, float], *, dashed: bool) -> None:
    for structure in structures:
        parts = [masks[name][:, :, k] for name in _FILLED.get(structure, (structure,)) if name in masks]
        if structure not in masks or not masks[structure][:, :, k].any():
            continue
        filled = np.pad(np.logical_or.reduce(parts), 1).astype(float)
        i, j = ((np.arange(n) - 1) * step for n, step in zip(filled.shape, spacing, strict=True))
        ax.contour(
            i,
            j,
            filled.T,
            levels=[0.5],
            colors="white" if dashed else STRUCTURE_COLOURS[structure],
            linewidths=0.6 if dashed else 1.0,
            linestyles=[(0, (2.5, 1.5))] if dashed else "solid",
        )


def _scale_bar(ax, length_mm: float, width_mm: float) -> None:
    start, foot = 0.06, 0.07
    length = length_mm / width_mm
    seen = [Stroke(linewidth=2.6, foreground="black"), Normal()]  # on bright fat too
    ax.plot(
        [start, start + length],
        [foot, foot],
        transform=ax.transAxes,
        color="white",
        linewidth=1.6,
        solid_capstyle="butt",
        path_effects=seen,
    )
    seen = [Stroke(linewidth=1.2, foreground="black"), Normal()]
    ax.text(
        start,
        foot + 0.03,
        f"{length_mm:g} mm",
        transform=ax.transAxes,
        color="white",
        fontsize=5.5,
        ha="left",
        va="bottom",
        path_effects=seen,
    )


def _legend(figure: Figure, structures: Sequence[str], both: bool, predicted_name: str, truth_name: str) -> None:
    handles = [Line2D([], [], color=STRUCTURE_COLOURS[name], label=STRUCTURE_LABELS[name]) for name in structures]
    if both:
        handles.append(Line2D([], [], color="#555555", label=predicted_name))
        handles.append(Line2D([], [], color="#555555", linestyle=(0, (2.5, 1.5)), linewidth=0.8, label=truth_name))
    if handles:
        figure.legend(handles=handles, loc="outside lower left", ncols=len(handles))


def _areas(scan: _Scan, structures: Sequence[str]) -> pd.DataFrame:
    rows = []
    pixel_mm2 = float(np.prod(scan.cine.spacing_mm[:2]))
    for row, (label, frame) in enumerate(scan.frames.items()):
        for k in scan.slices:
            for structure in structures:
                found = {
                    key: stack[row][structure][:, :, k] for key, stack in scan.stacks.items() if structure in stack[row]
                }
                record = {"row": label, "frame": frame, "slice": k, "structure": structure}
                record |= {f"{key}_mm2": mask.sum() * pixel_mm2 for key, mask in found.items()}
                if len(found) == 2:
                    one, other = found.values()
                    total = one.sum() + other.sum()
                    record["dice"] = 2 * (one & other).sum() / total if total else np.nan
                rows.append(record)
    return pd.DataFrame(rows, columns=None if rows else ["row", "frame", "slice", "structure"])
