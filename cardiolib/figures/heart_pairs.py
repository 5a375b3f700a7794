"""Hearts to compare: at end-systole in still pictures, and beating side by side in one rhythm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.lines import Line2D

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.interactive import CAMERA, heart_animation, menu
from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.style import styled
from cardiolib.figures.surface_views import (
    MOTION_MAP,
    SIDES,
    draw_lines,
    finish_sides,
    picture,
    rounded,
    show_picture,
    side_axes,
    visible_edges,
)

if TYPE_CHECKING:
    from cardiolib.interpretation.hearts_at_risk import RiskHearts
    from cardiolib.meshes import SurfaceMesh
    from cardiolib.motion import TwoHearts

_NET = "#8A8A8A"
VIEWS = {
    "from the right": {"x": -1.15, "y": -0.95, "z": 0.75},
    "free wall": {"x": -1.45, "y": -0.75, "z": 0.35},
    "septum": {"x": 1.55, "y": -0.35, "z": 0.35},
    "front": {"x": -0.35, "y": -1.6, "z": 0.35},
    "base": {"x": -0.5, "y": -0.5, "z": 1.5},
}
"""Where the eye stands, in units of the scene: heart frame, z to the base, x to the LV's free wall, y inferior."""
_USUAL_WIDTH = 1.05
"""Diagonal of a heart seen from its base, in units of its longest side; from a wider one the eye steps back."""


@styled
def risk_hearts(risk: RiskHearts, *, scale_bar_mm: float = 20.0) -> Drawing:
    """The learnt hearts at their end-systole, a row a heart, coloured by the displacement from end-diastole.

    Parameters
    ----------
    risk : RiskHearts
        All are drawn to one scale at the phase in which the points of all of them together have moved farthest.

    Returns
    -------
    Drawing
        The net is end-diastole. Table: heart, vertex, region, displacement_mm.

    Raises
    ------
    ValueError
        Where positions and mesh do not fit.
    """
    if risk.lacks:
        return Drawing.lacking(risk.lacks)
    mesh, hearts = risk.mesh, check_hearts(risk.mesh, risk.learnt)
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
    table = pd.concat(
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
    return Drawing(figure, table)


def risk_hearts_interactive(risk: RiskHearts, *, title: str = "") -> Drawing:
    """The learnt hearts, and below them the true ones where they are known, beating in one rhythm.

    Parameters
    ----------
    risk : RiskHearts
    title : str

    Returns
    -------
    Drawing
        With play, pause, a slider and a choice of views; colour is the distance of a point from its place at
        end-diastole. Without a table: the positions are the numbers.

    Raises
    ------
    ValueError
        Where positions and mesh do not fit.
    """
    if risk.lacks:
        return Drawing.lacking(risk.lacks)
    return Drawing(_beating_together(risk.mesh, risk.hearts, title=title))


def two_hearts_interactive(pair: TwoHearts, *, title: str | None = None) -> Drawing:
    """Two hearts of a cohort side by side, beating in one rhythm, as `risk_hearts_interactive`.

    Parameters
    ----------
    pair : TwoHearts
    title : str, optional
        By default that by which the two were chosen.
    """
    if pair.lacks:
        return Drawing.lacking(pair.lacks)
    return Drawing(_beating_together(pair.mesh, pair.hearts, title=pair.title if title is None else title))


def _beating_together(mesh: SurfaceMesh, hearts: Mapping[str, np.ndarray], *, title: str) -> go.Figure:
    """Two hearts side by side, or four in two rows; all scenes have the same axes, so sizes can be compared."""
    hearts = check_hearts(mesh, hearts)
    if len(hearts) not in (2, 4):
        raise ValueError(f"two or four hearts beat together; given {len(hearts)}")
    fine = {name: _fine(mesh, positions) for name, positions in hearts.items()}
    limit = float(np.ceil(max(values.max() for _, _, values in fine.values()) or 1.0))
    singles = [
        heart_animation(
            points,
            triangles,
            values,
            colour_scale=MOTION_MAP,
            limits=(0.0, limit),
            unit="mm",
            colour_bar="displacement from end-diastole (mm)",
        )
        for points, triangles, values in fine.values()
    ]
    everything = np.concatenate([points.reshape(-1, 3) for points, _, _ in fine.values()])
    scene = heart_animation(everything[None], np.array([[0, 1, 2]])).layout.scene
    far = max(1.0, (np.hypot(scene.aspectratio.x, scene.aspectratio.y) / _USUAL_WIDTH) ** 2)
    figure = go.Figure(layout=singles[0].layout)
    rows = len(hearts) // 2
    for number, (name, single) in enumerate(zip(hearts, singles, strict=True)):
        key, row, column = f"scene{number + 1 if number else ''}", number // 2, number % 2
        top = 1.0 - row / rows
        trace = single.data[0].update(scene=key, showscale=number == 0)
        trace.colorbar.update(len=0.7, x=1.0)
        figure.add_trace(trace)
        domain = {"x": [0.47 * column, 0.47 * column + 0.46], "y": [top - 0.96 / rows, top - 0.04]}
        camera = _camera(next(iter(VIEWS)), far)
        figure.update_layout({key: {**scene.to_plotly_json(), "camera": camera, "domain": domain}})
        figure.add_annotation(
            text=f"<b>{name}</b>",
            x=0.47 * column + 0.23,
            y=top,
            xref="paper",
            yref="paper",
            showarrow=False,
            xanchor="center",
            yanchor="top",
        )
    figure.frames = [
        go.Frame(
            data=[single.frames[t].data[0] for single in singles], name=f"{t:02d}", traces=list(range(len(singles)))
        )
        for t in range(len(singles[0].frames))
    ]
    scenes = [f"scene{number + 1 if number else ''}.camera" for number in range(len(hearts))]
    views = [
        {"label": f"view: {name}", "method": "relayout", "args": [{one: _camera(name, far) for one in scenes}]}
        for name in VIEWS
    ]
    _begin_at(figure, int(np.mean([values.mean(axis=1) for _, _, values in fine.values()], axis=0).argmax()))
    menus = [*figure.layout.updatemenus, menu(views, x=1.0)]
    return figure.update_layout(title={"text": title}, updatemenus=menus, margin={"t": 60, "b": 105, "l": 0, "r": 0})


def check_hearts(mesh: SurfaceMesh, hearts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Positions as arrays, or ValueError: no surface, or not (T, V, 3) with one T for all."""
    if not len(mesh.triangles):
        raise ValueError("hearts are drawn as surfaces: this mesh has points only, without triangles")
    checked = {name: np.asarray(one, float) for name, one in hearts.items()}
    shapes = {one.shape for one in checked.values()}
    if len(shapes) != 1 or any(len(s) != 3 or s[0] < 2 or s[1:] != mesh.points.shape for s in shapes):
        raise ValueError(f"hearts have the axes (T, {mesh.n_points}, 3), T the same for all; given {sorted(shapes)}")
    return checked


def _begin_at(figure: go.Figure, frame: int) -> None:
    """Show one frame before anything is played: at end-diastole all hearts look alike."""
    for trace, one in zip(figure.data, figure.frames[frame].data, strict=True):
        trace.update(x=one.x, y=one.y, z=one.z, intensity=one.intensity)
    figure.layout.sliders[0].active = frame


def _fine(mesh: SurfaceMesh, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions, triangles and displacements of a finer surface for drawing."""
    distance = np.linalg.norm(positions - positions[:1], axis=2)
    frames = [
        rounded(mesh.with_points(points), values, times=1) for points, values in zip(positions, distance, strict=True)
    ]
    return (
        np.stack([surface.points for surface, _ in frames]),
        frames[0][0].triangles,
        np.stack([values for _, values in frames]),
    )


def _camera(view: str, far: float) -> dict:
    return {**CAMERA, "eye": {axis: 0.62 * far * value for axis, value in VIEWS[view].items()}}
