"""One heart that moves: its way to end-systole, beating, and beating in its own images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.lines import Line2D

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.interactive import CAMERA, heart_animation, heart_surface, near
from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.style import INK, styled
from cardiolib.figures.surface_views import (
    MOTION_MAP,
    SIDES,
    draw_lines,
    finish_sides,
    picture,
    rounded,
    show_picture,
    side_axes,
    visible,
    visible_edges,
)
from cardiolib.figures.ventricles import SURFACE_COLOURS, SURFACE_LABELS

if TYPE_CHECKING:
    from cardiolib.motion import HeartInImages, MovingHeart

_NET = "#8A8A8A"
_OPACITY = 0.55
_DARK_SHARE, _BRIGHT_SHARE = 1, 99.5  # percentiles of the grey values that become black and white


@styled
def motion_views(heart: MovingHeart, *, es_phase: int | None = None, scale_bar_mm: float = 20.0) -> Drawing:
    """Motion of the right ventricle to end-systole: net at end-diastole, paths of the points, surface at end-systole.

    Parameters
    ----------
    heart : MovingHeart
        Phase 0 is end-diastole.
    es_phase : int, optional
        Phase of end-systole; by default the one that the heart says.

    Returns
    -------
    Drawing
        Free wall and septum; colour is the distance from end-diastole to end-systole. Table: vertex, region,
        displacement_mm and its parts along x, y, z.

    Raises
    ------
    ValueError
        Without triangles, for a phase outside the cycle, or where positions and mesh do not fit.
    """
    mesh, positions = heart.mesh, np.asarray(heart.positions, float)
    if positions.ndim != 3 or positions.shape[1:] != mesh.points.shape:
        raise ValueError(f"positions has the axes (T, {mesh.n_points}, 3); given {positions.shape}")
    es_phase = heart.es_phase if es_phase is None else es_phase
    if not 0 < es_phase < len(positions):
        raise ValueError(f"es_phase is a phase from 1 to {len(positions) - 1}; given {es_phase}")
    if not len(mesh.triangles):
        raise ValueError("motion is drawn on a surface: this mesh has points only, without triangles")
    shift = positions[es_phase] - positions[0]
    distance = np.linalg.norm(shift, axis=1)
    limits = (0.0, float(np.ceil(max(distance.max(), 1.0))))
    at_rest, contracted = mesh.with_points(positions[0]), mesh.with_points(positions[es_phase])
    surface, values = rounded(contracted, distance)
    paths = positions[: es_phase + 1].transpose(1, 0, 2)
    figure, axes, windows = side_axes(positions[[0, es_phase]], SIDES, rows=1, foot_mm=9)
    for ax, (title, camera), window in zip(axes[0], SIDES.items(), windows, strict=True):
        image = picture(surface, camera, window, pixels_per_mm=7, scalars=values, colour_map=MOTION_MAP, limits=limits)
        show_picture(ax, image, window)
        draw_lines(ax, visible_edges(at_rest, camera), camera, colors=_NET, linewidths=0.35, zorder=2)
        front = visible(positions[0], at_rest, camera)
        draw_lines(ax, paths[front], camera, halo=0.35, colors=INK, linewidths=0.6, zorder=3)
        ax.plot(
            *camera.project(positions[es_phase][front])[:, :2].T,
            "o",
            color=INK,
            markersize=2.0,
            markeredgecolor="white",
            markeredgewidth=0.25,
            zorder=4,
        )
        ax.set_title(title)
    finish_sides(axes, scale_bar_mm)
    add_colour_bar(figure, axes, label="displacement at end-systole (mm)", colour_map=MOTION_MAP, limits=limits)
    handles = [
        Line2D([], [], color=_NET, linewidth=0.6, label="net: end-diastole"),
        Line2D(
            [],
            [],
            color=INK,
            linewidth=0.8,
            marker="o",
            markersize=1.8,
            markevery=[1],
            label="path of a point to end-systole",
        ),
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    regions = np.asarray(mesh.region_names)[mesh.region]
    table = pd.DataFrame(
        {
            "vertex": np.arange(mesh.n_points),
            "region": regions,
            "displacement_mm": distance,
            **{f"{axis}_mm": shift[:, i] for i, axis in enumerate("xyz")},
        }
    )
    return Drawing(figure, table)


def motion_views_interactive(heart: MovingHeart, *, title: str | None = None) -> Drawing:
    """A heart that beats, coloured by the distance of each point from where it was at end-diastole.

    Parameters
    ----------
    heart : MovingHeart
        Phase 0 is end-diastole. The other motions that it holds (true, tracked) are dots that move along.
    title : str, optional
        By default whose heart it is, and where its motion comes from.

    Returns
    -------
    Drawing
        Without a table: the positions are the numbers.

    Raises
    ------
    ValueError
        Without triangles, or where positions and mesh do not fit.
    """
    mesh, positions = heart.mesh, np.asarray(heart.positions, float)
    if not len(mesh.triangles):
        raise ValueError("a beating heart is drawn as a surface: this mesh has points only, without triangles")
    if positions.ndim != 3 or positions.shape[1:] != mesh.points.shape:
        raise ValueError(f"positions has the axes (T, {mesh.n_points}, 3); given {positions.shape}")
    distance = np.linalg.norm(positions - positions[:1], axis=2)
    frames = [
        rounded(mesh.with_points(points), values, times=1) for points, values in zip(positions, distance, strict=True)
    ]
    figure = heart_animation(
        np.stack([surface.points for surface, _ in frames]),
        frames[0][0].triangles,
        np.stack([values for _, values in frames]),
        title=heart.title if title is None else title,
        colour_bar="displacement from end-diastole (mm)",
        unit="mm",
        colour_scale=MOTION_MAP,
        limits=(0.0, float(np.ceil(max(distance.max(), 1.0)))),
    )
    for name, points in heart.others.items():
        if np.shape(points) != positions.shape:
            raise ValueError(f"{name} has other axes than positions: {np.shape(points)}, not {positions.shape}")
        _add_dots(figure, name, np.asarray(points, np.float32))
    return Drawing(near(figure).update_layout(margin={"b": 120}))


def heart_in_images_interactive(heart: HeartInImages, *, title: str | None = None) -> Drawing:
    """A tracked heart that beats around a slice of its own cine, which beats with it.

    Parameters
    ----------
    heart : HeartInImages
    title : str, optional
        By default whose heart it is.

    Returns
    -------
    Drawing
        Without a table: the positions are the numbers.

    Raises
    ------
    ValueError
        Where names, phases or sizes do not fit.
    """
    if heart.lacks:
        return Drawing.lacking(heart.lacks)
    title = heart.title if title is None else title
    surfaces, images, grid = heart.surfaces, np.asarray(heart.images, float), np.asarray(heart.grid, float)
    positions = {name: np.asarray(one, float) for name, one in heart.positions.items()}
    lengths = {len(one) for one in positions.values()} | {len(images)}
    if set(surfaces) != set(positions) or not surfaces or len(lengths) != 1 or grid.shape != (*images.shape[1:], 3):
        raise ValueError(
            "surfaces and positions have the same names, positions and images the same phases, and grid a place for "
            f"each voxel; given {sorted(surfaces)}, {sorted(positions)}, phases {sorted(lengths)}, images "
            f"{images.shape} and grid {grid.shape}"
        )
    everything = np.concatenate([grid.reshape(-1, 3), *(one.reshape(-1, 3) for one in positions.values())])
    n_phases = len(images)
    layout = heart_animation(np.repeat(everything[None], n_phases, axis=0), np.array([[0, 1, 2]]), title=title).layout
    low, high = np.percentile(images, [_DARK_SHARE, _BRIGHT_SHARE])
    grey = np.clip((images - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    x, y, z = np.moveaxis(grid.astype(np.float32), -1, 0)
    slice_ = go.Surface(
        x=x,
        y=y,
        z=z,
        surfacecolor=grey[0],
        cmin=0,
        cmax=255,
        colorscale="gray",
        showscale=False,
        hoverinfo="skip",
        name="cine",
        lighting={"ambient": 1, "diffuse": 0, "specular": 0},
    )
    traces = [slice_]
    for name, mesh in surfaces.items():
        one = heart_surface(positions[name][0], mesh.triangles, colour=SURFACE_COLOURS[name]).data[0]
        traces.append(
            one.update(
                opacity=_OPACITY,
                name=SURFACE_LABELS[name],
                showlegend=True,
                hoverinfo=None,
                hovertemplate=f"{SURFACE_LABELS[name]}<extra></extra>",
            )
        )
    frames = []
    for t in range(n_phases):
        moved = [
            go.Mesh3d(**dict(zip("xyz", positions[name][t].T.astype(np.float32), strict=True))) for name in surfaces
        ]
        frames.append(
            go.Frame(data=[go.Surface(surfacecolor=grey[t]), *moved], name=f"{t:02d}", traces=list(range(len(traces))))
        )
    eye = {"x": -0.45, "y": -1.05, "z": 0.77}
    camera = {**CAMERA, "eye": eye, "center": {"x": 0, "y": 0, "z": -0.08}}
    figure = go.Figure(traces, layout, frames=frames).update_layout(scene={"camera": camera})
    figure.update_layout(margin={"b": 120}, legend={"x": 0.02, "y": 0.98, "itemsizing": "constant"})
    return Drawing(figure)


def _add_dots(figure: go.Figure, name: str, points: np.ndarray) -> None:
    """Dots that move with the frames of an animation."""
    number = len(figure.data)
    shown = {"hovertemplate": f"{name}<extra></extra>", "showlegend": True}
    dots = [
        go.Scatter3d(x=x, y=y, z=z, mode="markers", name=name, marker={"size": 3, "color": "#111111"}, **shown)
        for x, y, z in np.moveaxis(points, 2, 1)
    ]
    figure.add_trace(dots[0])
    for frame, one in zip(figure.frames, dots, strict=True):
        frame.update(data=[*frame.data, go.Scatter3d(x=one.x, y=one.y, z=one.z)], traces=[*frame.traces, number])
    figure.update_layout(legend={"x": 0.02, "y": 0.98, "bgcolor": "rgba(255,255,255,0.7)"})
