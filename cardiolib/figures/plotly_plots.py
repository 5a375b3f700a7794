"""Hearts to turn: the shape model, the beating heart, and saliency painted on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from plotly.colors import get_colorscale

from cardiolib.figures.hearts import MOTION_MAP, SURFACE_COLOURS, SURFACE_LABELS, heart_axes
from cardiolib.figures.interactive import CAMERA, heart_animation, heart_surface
from cardiolib.figures.saliency_by_number import has_geometry, interactive_by_number
from cardiolib.figures.saliency_plots import DIVERGING, SEQUENTIAL, check_maps
from cardiolib.figures.surface_views import rounded
from cardiolib.meshes import SurfaceMesh

_SHELL_OPACITY = 0.22
_NEARER = 0.74  # the camera's distance, so that the heart fills the page
COLOUR_BAR = {"thickness": 14, "len": 0.6, "outlinewidth": 0}


def shapes_interactive(surfaces: Mapping[str, SurfaceMesh], *, title: str = "") -> go.Figure:
    """The shape model of both ventricles; a click on the legend hides or shows a surface.

    Parameters
    ----------
    surfaces : mapping of str to SurfaceMesh
        As for `shape_views`. They are turned into the heart's own axes, base upwards.
    title : str
    """
    lateral, base = heart_axes(surfaces)
    axes = np.stack([lateral, np.cross(base, lateral), base])  # x to the LV's free wall, y inferior, z to the base
    turned = {name: mesh.points @ axes.T for name, mesh in surfaces.items()}
    everything = np.concatenate(list(turned.values()))
    layout = heart_surface(everything, np.array([[0, 1, 2]]), title=title).layout
    traces = []
    for name in sorted(surfaces, key=list(SURFACE_LABELS).index):  # cavities first: shells are blended over them
        i, j, k = surfaces[name].triangles.T
        small = np.uint16 if len(turned[name]) < 2**16 else np.uint32
        trace = heart_surface(turned[name], surfaces[name].triangles, colour=SURFACE_COLOURS[name]).data[0]
        traces.append(
            trace.update(
                i=i.astype(small),
                j=j.astype(small),
                k=k.astype(small),
                name=SURFACE_LABELS[name],
                showlegend=True,
                opacity=1.0 if name.endswith("_endo") else _SHELL_OPACITY,
                hoverinfo=None,
                hovertemplate=f"{SURFACE_LABELS[name]}<extra></extra>",
            )
        )
    eye = {"x": -0.5, "y": -1.3, "z": 0.7}  # more from the front than other hearts, to show both ventricles
    figure = go.Figure(traces, layout).update_layout(scene={"camera": {**CAMERA, "eye": eye}})
    return figure.update_layout(legend={"x": 0.02, "y": 0.98, "itemsizing": "constant"})


def beating_heart(
    mesh: SurfaceMesh, positions: np.ndarray, title: str = "", *, others: Mapping[str, np.ndarray] | None = None
) -> go.Figure:
    """A heart that beats, coloured by the distance of each point from where it was at end-diastole.

    Parameters
    ----------
    mesh : SurfaceMesh
        Triangles of the points.
    positions : (T, V, 3) array
        mm, heart frame; frame 0 is end-diastole.
    title : str
    others : mapping of str to (T, V, 3) array, optional
        The same points as somebody else has them (true, tracked), by name: drawn as dots that move along.
    """
    positions = np.asarray(positions, float)
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
        title=title,
        colour_bar="displacement from end-diastole (mm)",
        unit="mm",
        colour_scale=MOTION_MAP,
        limits=(0.0, float(np.ceil(max(distance.max(), 1.0)))),
    )
    for name, points in (others or {}).items():
        if np.shape(points) != positions.shape:
            raise ValueError(f"{name} has other axes than positions: {np.shape(points)}, not {positions.shape}")
        _add_dots(figure, name, np.asarray(points, np.float32))
    return _near(figure).update_layout(margin={"b": 120})


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


def saliency_interactive(mesh: SurfaceMesh, maps: Mapping[str, np.ndarray], *, title: str = "") -> go.Figure:
    """Values painted on the right ventricle, with a button for each map.

    Parameters
    ----------
    mesh : SurfaceMesh
        Heart frame; without triangles its points are drawn, without a known geometry values by vertex number.
    maps : mapping of str to (V,) array
        Maps with negative values get a diverging scale symmetric about 0.
    title : str

    Raises
    ------
    ValueError
        As `saliency_views`.
    """
    maps = check_maps(mesh, maps)
    if not has_geometry(mesh):
        return interactive_by_number(maps, title=title)
    regions = np.asarray(mesh.region_names)[mesh.region]
    hover = [f"point {i}, {region.replace('_', ' ')}" for i, region in enumerate(regions)]
    solid = bool(len(mesh.triangles))
    if solid:
        surface, _ = rounded(mesh, times=1)
        hover += ["between points"] * (surface.n_points - mesh.n_points)
        maps = {name: rounded(mesh, values, times=1)[1] for name, values in maps.items()}
        first = next(iter(maps.values()))
        figure = heart_surface(surface.points, surface.triangles, first, title=title, hover=hover)
    else:
        layout = heart_surface(mesh.points, np.array([[0, 1, 2]]), title=title).layout
        x, y, z = mesh.points.T.astype(np.float32)
        figure = go.Figure(go.Scatter3d(x=x, y=y, z=z, mode="markers", text=hover, name="", marker={"size": 6}), layout)
    states = [_painted(name, one, solid) for name, one in maps.items()]
    figure.data[0].update(states[0])
    buttons = [
        {"label": name, "method": "restyle", "args": [_restyle(state), [0]]}
        for name, state in zip(maps, states, strict=True)
    ]
    menus = [menu(buttons, x=0.02)] if len(maps) > 1 else []
    return _near(figure).update_layout(updatemenus=menus, margin={"t": 60})


def menu(buttons: list[dict], *, x: float) -> dict:
    """A drop-down above the plot; `x` is 0 for its left end, 1 for its right end."""
    return {
        "buttons": buttons,
        "x": x,
        "xanchor": "right" if x > 0.5 else "left",
        "y": 1.0,
        "yanchor": "bottom",
        "showactive": True,
        "bgcolor": "white",
        "bordercolor": "#BBBBBB",
        "pad": {"b": 6},
    }


def _near(figure: go.Figure) -> go.Figure:
    eye = {axis: _NEARER * value for axis, value in CAMERA["eye"].items()}
    return figure.update_layout(scene={"camera": {**CAMERA, "eye": eye}})


def _painted(name: str, values: np.ndarray, solid: bool) -> dict:
    """Colours of one map, for a surface or for points."""
    top, signed = float(np.abs(values).max()) or 1.0, bool((values < 0).any())
    scale = get_colorscale(DIVERGING if signed else SEQUENTIAL)
    colour = {
        "cmin": -top if signed else 0.0,
        "cmax": top,
        "colorscale": scale,
        "colorbar": {**COLOUR_BAR, "title": {"text": name, "side": "right"}},
    }
    shown = "%{text}<br>" + name + " %{" + ("intensity" if solid else "marker.color") + ":.3g}<extra></extra>"
    if solid:
        return {"intensity": values.astype(np.float32), "hovertemplate": shown, **colour}
    return {"marker": {"color": values.astype(np.float32), "showscale": True, **colour}, "hovertemplate": shown}


def _restyle(state: dict) -> dict:
    """The same for plotly's restyle: flat names, and arrays wrapped, since a bare list would be one value a trace."""
    flat = {}
    for key, value in state.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{inner}": one for inner, one in _restyle(value).items()}
        else:
            flat[key] = [value] if isinstance(value, (np.ndarray, list)) else value
    return flat
