"""Hearts that beat side by side, in one rhythm and seen from one side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from cardiolib.figures.hearts import MOTION_MAP
from cardiolib.figures.interactive import CAMERA, heart_animation
from cardiolib.figures.plotly_plots import menu
from cardiolib.figures.risk_hearts import check_hearts
from cardiolib.figures.surface_views import rounded
from cardiolib.meshes import SurfaceMesh

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


def beating_together(mesh: SurfaceMesh, hearts: Mapping[str, np.ndarray], *, title: str = "") -> go.Figure:
    """Two or four hearts that beat at the same time, with play, pause, a slider and a choice of views.

    Parameters
    ----------
    mesh : SurfaceMesh
        Triangles of the points.
    hearts : mapping of str to (T, V, 3) array
        Name -> positions in mm; frame 0 is end-diastole. Two stand side by side, four in two rows. All scenes have the
        same axes, so sizes can be compared; colour is the distance of a point from its place at end-diastole.
    title : str

    Raises
    ------
    ValueError
        For another number of hearts, or where positions and mesh do not fit.
    """
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
