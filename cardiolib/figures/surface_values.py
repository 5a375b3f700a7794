"""Values painted on the right ventricle, still and to turn; where no surface is known, by the number of the point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from plotly.colors import get_colorscale

from cardiolib.figures.drawing import Drawing
from cardiolib.figures.interactive import COLOUR_BAR, HOVER, heart_surface, menu, near
from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.style import INK, PALETTE, TWO_COLUMNS_MM, new_figure, styled
from cardiolib.figures.surface_views import (
    SIDES,
    Camera,
    draw_lines,
    finish_sides,
    level_lines,
    picture,
    rounded,
    show_picture,
    side_axes,
    visible,
)

if TYPE_CHECKING:
    from cardiolib.meshes import SurfaceMesh

# Both are pale at zero, so that only what matters stands out from a shaded surface.
SEQUENTIAL, DIVERGING = "YlOrRd", "RdBu_r"
REMARK = "This cohort has displacements but no surface: points are shown by their number"


@styled
def values_on_surface(
    mesh: SurfaceMesh,
    maps: np.ndarray | Mapping[str, np.ndarray],
    *,
    significant: np.ndarray | Mapping[str, np.ndarray] | None = None,
    label: str = "saliency",
    significant_label: str = "significant",
    scale_bar_mm: float = 20.0,
) -> Drawing:
    """Values painted on free wall and septum, one row a map.

    Parameters
    ----------
    mesh : SurfaceMesh
        Heart frame. Without triangles its points are drawn, seen along two of their principal axes; where all points
        lie in one place (no geometry known), values are drawn by vertex number.
    maps : (V,) array, or mapping of str to (V,) array
        Label of the colour bar -> values. Maps with negative values get a diverging scale symmetric about 0.
    significant : (V,) bool array, or mapping of str to (V,) bool array, optional
        Ringed (of points without triangles: ringed). An array belongs to the first map.
    label : str
        Of a single map.
    significant_label : str
        What the contour means, for the legend.

    Returns
    -------
    Drawing
        Table: vertex, region, a column for each map, and ``significant: <map>`` where given.

    Raises
    ------
    ValueError
        For values that do not fit the mesh.
    """
    maps = dict(maps) if isinstance(maps, Mapping) else {label: maps}
    if significant is not None and not isinstance(significant, Mapping):
        significant = {next(iter(maps), label): significant}
    maps, masks = _checked(mesh, maps), _checked(mesh, significant or {}, kind=bool)
    if not maps or set(masks) - set(maps):
        raise ValueError(f"significant marks are for maps that are drawn, {list(maps)}; given {list(masks)}")
    if not _has_geometry(mesh):
        return _views_by_number(mesh, maps, masks, significant_label=significant_label)
    sides = SIDES if len(mesh.triangles) else _principal_sides(mesh.points)
    figure, axes, windows = side_axes(mesh.points, sides, rows=len(maps), foot_mm=7 if masks else 2)
    for row, (name, values) in zip(axes, maps.items(), strict=True):
        signed = bool((values < 0).any())
        top = float(np.abs(values).max()) or 1.0
        scale = {"colour_map": DIVERGING if signed else SEQUENTIAL, "limits": (-top if signed else 0.0, top)}
        for ax, (title, camera), window in zip(row, sides.items(), windows, strict=True):
            draw = _painted if len(mesh.triangles) else _dotted
            draw(ax, mesh, camera, window, values, masks.get(name), **scale)
            ax.set_title(title if name == next(iter(maps)) else "")
        add_colour_bar(figure, row, label=name, **scale, ticks=MaxNLocator(5))
    finish_sides(axes, scale_bar_mm)
    if masks:
        figure.legend(handles=[_mark(mesh, masks, significant_label)], loc="outside lower left")
    return Drawing(figure, _table(mesh, maps, masks))


def values_on_surface_interactive(mesh: SurfaceMesh, maps: Mapping[str, np.ndarray], *, title: str = "") -> Drawing:
    """Values painted on the right ventricle, with a button for each map.

    Parameters
    ----------
    mesh : SurfaceMesh
        Heart frame; without triangles its points are drawn, without a known geometry values by vertex number.
    maps : mapping of str to (V,) array
        Maps with negative values get a diverging scale symmetric about 0.
    title : str

    Returns
    -------
    Drawing
        Table as `values_on_surface`.

    Raises
    ------
    ValueError
        As `values_on_surface`.
    """
    maps = _checked(mesh, maps)
    table = _table(mesh, maps, {})
    if not _has_geometry(mesh):
        return Drawing(_interactive_by_number(maps, title=title), table)
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
    states = [_colours_of(name, one, solid) for name, one in maps.items()]
    figure.data[0].update(states[0])
    buttons = [
        {"label": name, "method": "restyle", "args": [_restyle(state), [0]]}
        for name, state in zip(maps, states, strict=True)
    ]
    menus = [menu(buttons, x=0.02)] if len(maps) > 1 else []
    return Drawing(near(figure).update_layout(updatemenus=menus, margin={"t": 60}), table)


def _checked(mesh: SurfaceMesh, maps: Mapping[str, np.ndarray], *, kind: type = float) -> dict[str, np.ndarray]:
    """The maps as arrays, or ValueError: not one finite value a vertex."""
    checked = {name: np.asarray(values, kind) for name, values in maps.items()}
    for name, values in checked.items():
        if values.shape != (mesh.n_points,) or not np.isfinite(values).all():
            raise ValueError(
                f"{name!r} needs one finite value for each of {mesh.n_points} points; given {values.shape}"
            )
    return checked


def _table(mesh: SurfaceMesh, maps: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray]) -> pd.DataFrame:
    marks = {f"significant: {name}": mask for name, mask in masks.items()}
    regions = np.asarray(mesh.region_names)[mesh.region] if _has_geometry(mesh) else "not known"
    return pd.DataFrame({"vertex": np.arange(mesh.n_points), "region": regions, **maps, **marks})


def _painted(ax, mesh, camera, window, values, mask, *, colour_map: str, limits: tuple[float, float]) -> None:
    surface, fine = rounded(mesh, values)
    show_picture(
        ax,
        picture(surface, camera, window, pixels_per_mm=7, scalars=fine, colour_map=colour_map, limits=limits),
        window,
    )
    if mask is not None:
        surface, share = rounded(mesh, mask.astype(float))
        lines = level_lines(surface, share, 0.5)
        draw_lines(
            ax,
            lines[visible(lines.mean(axis=1), surface, camera)],
            camera,
            colors=INK,
            linewidths=1.0,
            capstyle="round",
            zorder=3,
        )


def _dotted(ax, mesh, camera, window, values, mask, *, colour_map: str, limits: tuple[float, float]) -> None:
    """Points without a surface, the nearer ones over the farther ones."""
    seen = camera.project(mesh.points)
    order = np.argsort(seen[:, 2], kind="stable")
    ring = np.zeros(len(seen)) if mask is None else 0.8 * mask
    show_picture(ax, np.full((2, 2, 3), 255, np.uint8), window)
    ax.scatter(
        *seen[order, :2].T,
        c=values[order],
        s=16,
        cmap=colour_map,
        vmin=limits[0],
        vmax=limits[1],
        edgecolors=INK,
        linewidths=ring[order],
    )


def _principal_sides(points: np.ndarray) -> dict[str, Camera]:
    """Along the third and the second principal axis, the first upwards."""
    first, second, third = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2]
    # The sign of a principal axis is arbitrary: fixed by its largest component.
    first, second, third = (axis * np.sign(axis[np.abs(axis).argmax()]) for axis in (first, second, third))
    return {"along principal axis 3": Camera(third, first), "along principal axis 2": Camera(second, first)}


def _mark(mesh: SurfaceMesh, masks: Mapping[str, np.ndarray], label: str) -> Line2D:
    """Legend entry that also says how many points are marked, since all or none have no contour."""
    counts = {name: f"{mask.sum()} of {len(mask)} points" for name, mask in masks.items()}
    if len(set(counts.values())) == 1:
        text = next(iter(counts.values())) + (" each" if len(masks) > 1 else "")
    else:
        text = "; ".join(f"{count} in {name}" for name, count in counts.items())
    style = {} if len(mesh.triangles) else {"linestyle": "", "marker": "o", "markerfacecolor": "white"}
    return Line2D([], [], color=INK, label=f"{label} ({text})", **style)


def _has_geometry(mesh: SurfaceMesh) -> bool:
    """Whether the points of a mesh are places, and not all the same placeholder."""
    return bool(np.ptp(mesh.points, axis=0).max() > 0)


def _views_by_number(
    mesh: SurfaceMesh, maps: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray], *, significant_label: str
) -> Drawing:
    """One panel a map: the value of every vertex over its number, significant ones ringed; and the numbers drawn."""
    figure, axes = new_figure(TWO_COLUMNS_MM, 45 * len(maps) + 8, nrows=len(maps), squeeze=False)
    axes = axes[:, 0]
    for ax, (name, values) in zip(axes, maps.items(), strict=True):
        number = np.arange(len(values))
        ax.axhline(0, color=INK, linewidth=0.5)
        ax.vlines(number, 0, values, colors=PALETTE[0], linewidth=0.8)
        mask = masks.get(name)
        if mask is not None:
            ax.plot(
                number[mask],
                values[mask],
                "o",
                markersize=3,
                markerfacecolor="none",
                markeredgecolor=PALETTE[1],
                label=f"{significant_label} ({mask.sum()} of {len(mask)} points)",
            )
        ax.set(ylabel=name, xlim=(-1, len(values)))
    axes[0].set_title(REMARK)
    axes[-1].set_xlabel("number of the point in the motion vector")
    if masks:
        figure.legend(loc="outside lower left", frameon=False)
    return Drawing(figure, _table(mesh, maps, masks))


def _interactive_by_number(maps: Mapping[str, np.ndarray], *, title: str) -> go.Figure:
    """The same to hover, one trace a map."""
    shown = "<br>point %{x}: %{y:.3g}<extra></extra>"
    traces = [
        go.Bar(x=np.arange(len(values)), y=values, name=name, hovertemplate=name + shown)
        for name, values in maps.items()
    ]
    return go.Figure(traces).update_layout(
        title=title or REMARK,
        xaxis_title="number of the point in the motion vector",
        yaxis_title="saliency",
        template="plotly_white",
        hoverlabel=HOVER,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
    )


def _colours_of(name: str, values: np.ndarray, solid: bool) -> dict:
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
