"""The tracker at work: where it puts the points of one heart after a few of its iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.style import SKY, TWO_COLUMNS_MM, VERMILLION, YELLOW, new_figure, panel_letters, styled

if TYPE_CHECKING:
    from cardiolib.motion.tracking.watched import WatchedTracking


@styled
def tracker_at_work(watched: WatchedTracking, true_mm: np.ndarray, phase: int = 8, *, thinned: int = 3) -> Drawing:
    """Tracked and true places of the points of one slice, in the image of one phase.

    Parameters
    ----------
    watched : WatchedTracking
        Its cine has a frame for each phase.
    true_mm : (T, V, 3) array
        Where the points truly are, in world mm; the first phase is end-diastole, from where they are tracked.
    phase : int
        From 0 to T - 1.
    thinned : int
        Every so manieth point is drawn.

    Returns
    -------
    Drawing
        A picture an iteration: points that truly lie in the middle slice at this phase. Rings are their true places in
        the plane; dots are where the tracker puts them; a line joins the two. Last: the mean distance of all points
        over the iterations. Table: iterations, phase, error_mm (mean over all points and directions), along_mm (the
        part along the axis of the slices), energy.
    """
    found, truth = watched.positions(true_mm[0])[:, phase], np.asarray(true_mm[phase])
    to_voxel = np.linalg.inv(watched.cine.affine)
    voxels = [_ijk(points, to_voxel) for points in (truth, *found)]
    middle = watched.cine.shape[2] // 2
    shown = np.flatnonzero(np.abs(voxels[0][:, 2] - middle) < 0.5)[::thinned]
    low = np.min([ijk[shown, :2].min(axis=0) for ijk in voxels], axis=0) - 8
    high = np.max([ijk[shown, :2].max(axis=0) for ijk in voxels], axis=0) + 8
    n = len(watched.iterations)
    n_rows = -(-(n + 1) // 3)
    figure, grid = new_figure(TWO_COLUMNS_MM, 47 * n_rows, nrows=n_rows, ncols=3)
    axes = grid.ravel()
    for ax in axes[n + 1 :]:
        ax.set_axis_off()
    image = watched.cine.frame(phase)[:, :, middle].T
    for ax, iterations, ijk in zip(axes, watched.iterations, voxels[1:], strict=False):
        ax.imshow(image, cmap="gray")
        true, here = voxels[0][shown], ijk[shown]
        ax.plot([true[:, 0], here[:, 0]], [true[:, 1], here[:, 1]], color=YELLOW, linewidth=0.6)
        ax.plot(true[:, 0], true[:, 1], "o", markersize=2.6, markerfacecolor="none", color=SKY, markeredgewidth=0.6)
        ax.plot(here[:, 0], here[:, 1], ".", markersize=2.4, color=VERMILLION)
        ax.set(xlim=(low[0], high[0]), ylim=(high[1], low[1]), xticks=[], yticks=[])
        ax.set_title(f"after {iterations} iterations" if iterations else "at the start", fontweight="normal")
        ax.spines[:].set_visible(False)
    table = _errors(watched, found, truth, phase)
    curve = axes[n]
    curve.plot(table["iterations"], table["error_mm"], "o-", markersize=3, color=VERMILLION, label="distance")
    curve.plot(table["iterations"], table["along_mm"], "o--", markersize=3, color="#444444", label="along the axis")
    curve.set(xlabel="iterations", ylabel="mean distance (mm)")
    curve.set_ylim(bottom=0)
    curve.legend(loc="upper right")
    panel_letters(axes[: n + 1])
    return Drawing(figure, table)


def _ijk(points_mm: np.ndarray, to_voxel: np.ndarray) -> np.ndarray:
    return points_mm @ to_voxel[:3, :3].T + to_voxel[:3, 3]


def _errors(watched: WatchedTracking, found: np.ndarray, truth: np.ndarray, phase: int) -> pd.DataFrame:
    normal = watched.cine.affine[:3, 2] / np.linalg.norm(watched.cine.affine[:3, 2])
    offset = found - truth
    before = [watched.energy[min(one, len(watched.energy) - 1)] for one in watched.iterations]
    return pd.DataFrame(
        {
            "iterations": watched.iterations,
            "phase": phase,
            "error_mm": np.linalg.norm(offset, axis=2).mean(axis=1),
            "along_mm": np.abs(offset @ normal).mean(axis=1),
            "energy": before,
        }
    )
