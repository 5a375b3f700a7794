"""The heart at low and at high risk: at end-systole in still pictures, and its function over the cycle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.hearts import MOTION_MAP
from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.style import BLUE, TWO_COLUMNS_MM, VERMILLION, new_figure, panel_letters, styled
from cardiolib.figures.surface_views import (
    SIDES,
    draw_lines,
    finish_sides,
    picture,
    rounded,
    show_picture,
    side_axes,
    visible_edges,
)
from cardiolib.meshes import SurfaceMesh

_NET = "#8A8A8A"
CURVES = {
    "rv_volume_percent": "RV volume (% of end-diastole)",
    "base_descent_mm": "descent of the base (mm)",
    "septal_shift_mm": "septal shift to the left (mm)",
    "shortening_percent": "septum-to-free-wall\nshortening (%)",
}


@styled
def risk_hearts(
    mesh: SurfaceMesh, hearts: Mapping[str, np.ndarray], *, scale_bar_mm: float = 20.0
) -> tuple[Figure, pd.DataFrame]:
    """Hearts at their end-systole, a row a heart, coloured by the displacement from end-diastole.

    Parameters
    ----------
    mesh : SurfaceMesh
        Triangles of the points.
    hearts : mapping of str to (T, V, 3) array
        Name -> positions in mm; frame 0 is end-diastole. All are drawn to one scale at the phase in which the points of
        all of them together have moved farthest.

    Returns
    -------
    figure : Figure
        The net is end-diastole.
    table : DataFrame
        heart, vertex, region, displacement_mm.

    Raises
    ------
    ValueError
        Without triangles, or where positions and mesh do not fit.
    """
    hearts = check_hearts(mesh, hearts)
    moved = {name: np.linalg.norm(one - one[:1], axis=2) for name, one in hearts.items()}
    end_systole = int(np.mean([one.mean(axis=1) for one in moved.values()], axis=0).argmax())
    top = float(np.ceil(max(one[end_systole].max() for one in moved.values()) or 1.0))
    everything = np.concatenate([one[[0, end_systole]].reshape(-1, 3) for one in hearts.values()])
    figure, axes, windows = side_axes(everything, SIDES, rows=len(hearts), foot_mm=8)
    for row, (name, positions) in zip(axes, hearts.items(), strict=True):
        surface, values = rounded(mesh.with_points(positions[end_systole]), moved[name][end_systole])
        for ax, (title, camera), window in zip(row, SIDES.items(), windows, strict=True):
            show_picture(
                ax,
                picture(
                    surface, camera, window, pixels_per_mm=7, scalars=values, colour_map=MOTION_MAP, limits=(0.0, top)
                ),
                window,
            )
            draw_lines(ax, visible_edges(mesh.with_points(positions[0]), camera), camera, colors=_NET, linewidths=0.35)
            ax.set_title(f"{name}, {title.partition(',')[0]}")
    finish_sides(axes, scale_bar_mm)
    add_colour_bar(figure, axes, label="displacement from end-diastole (mm)", colour_map=MOTION_MAP, limits=(0.0, top))
    percent = 100 * end_systole / len(next(iter(hearts.values())))
    figure.legend(
        handles=[
            Line2D(
                [],
                [],
                color=_NET,
                linewidth=0.6,
                label=f"net: end-diastole; surface: end-systole ({percent:.0f} % of the cycle)",
            )
        ],
        loc="outside lower left",
    )
    regions = np.asarray(mesh.region_names)[mesh.region]
    return figure, pd.concat(
        [
            pd.DataFrame(
                {
                    "heart": name,
                    "vertex": np.arange(mesh.n_points),
                    "region": regions,
                    "displacement_mm": one[end_systole],
                }
            )
            for name, one in moved.items()
        ],
        ignore_index=True,
    )


@styled
def risk_curves(table: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Function over the cycle at low and at high risk, and in truth where it is known.

    Parameters
    ----------
    table : DataFrame
        heart, phase (share of the cycle), and the columns of `CURVES`. A heart's name begins with "low" or "high";
        names that go on with ", in truth" are dashed.

    Returns
    -------
    figure, table
        The table as drawn.
    """
    missing = [name for name in ("heart", "phase", *CURVES) if name not in table]
    if missing or not len(table):
        raise ValueError(f"the table needs rows, and the columns {['heart', 'phase', *CURVES]}; missing are {missing}")
    hearts = list(dict.fromkeys(table["heart"]))
    if odd := [name for name in hearts if not name.startswith(("low", "high"))]:
        raise ValueError(f"a heart's name begins with 'low' or 'high'; given {odd}")
    figure, axes = new_figure(TWO_COLUMNS_MM, 62, ncols=len(CURVES))
    for ax, (column, label) in zip(axes[0], CURVES.items(), strict=True):
        for name in hearts:
            one = table[table["heart"] == name]
            closed = np.append(one[column], one[column].iloc[0])  # the cycle returns to end-diastole
            ax.plot(100 * np.append(one["phase"], 1.0), closed, **_style(name))
        ax.set(xlabel="phase (% of the cycle)", ylabel=label, xlim=(0, 100))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    panel_letters(axes)
    figure.legend(
        handles=[Line2D([], [], label=name, **_style(name)) for name in hearts],
        loc="outside lower left",
        ncols=4,
        handlelength=2.4,
    )
    return figure, table[["heart", "phase", *CURVES]].reset_index(drop=True)


def check_hearts(mesh: SurfaceMesh, hearts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Positions as arrays, or ValueError: no surface, or not (T, V, 3) with one T for all."""
    if not len(mesh.triangles):
        raise ValueError("hearts are drawn as surfaces: this mesh has points only, without triangles")
    checked = {name: np.asarray(one, float) for name, one in hearts.items()}
    shapes = {one.shape for one in checked.values()}
    if len(shapes) != 1 or any(len(s) != 3 or s[0] < 2 or s[1:] != mesh.points.shape for s in shapes):
        raise ValueError(f"hearts have the axes (T, {mesh.n_points}, 3), T the same for all; given {sorted(shapes)}")
    return checked


def _style(name: str) -> dict[str, object]:
    truth = name.endswith("in truth")
    return {
        "color": BLUE if name.startswith("low") else VERMILLION,
        "linestyle": (0, (3, 1.5)) if truth else "-",
        "linewidth": 1.0 if truth else 1.5,
    }
