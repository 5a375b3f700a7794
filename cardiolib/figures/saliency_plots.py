"""Values painted on the right ventricle: what goes with risk, and what the network looks at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.saliency_by_number import has_geometry, views_by_number
from cardiolib.figures.style import INK, styled
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
from cardiolib.meshes import SurfaceMesh

# Both are pale at zero, so that only what matters stands out from a shaded surface.
SEQUENTIAL, DIVERGING = "YlOrRd", "RdBu_r"


@styled
def saliency_views(
    mesh: SurfaceMesh,
    maps: np.ndarray | Mapping[str, np.ndarray],
    *,
    significant: np.ndarray | Mapping[str, np.ndarray] | None = None,
    label: str = "saliency",
    significant_label: str = "significant",
    scale_bar_mm: float = 20.0,
) -> tuple[Figure, pd.DataFrame]:
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
    figure : Figure
    table : DataFrame
        vertex, region, a column for each map, and ``significant: <map>`` where given.

    Raises
    ------
    ValueError
        For values that do not fit the mesh.
    """
    maps = dict(maps) if isinstance(maps, Mapping) else {label: maps}
    if significant is not None and not isinstance(significant, Mapping):
        significant = {next(iter(maps), label): significant}
    maps, masks = check_maps(mesh, maps), check_maps(mesh, significant or {}, kind=bool)
    if not maps or set(masks) - set(maps):
        raise ValueError(f"significant marks are for maps that are drawn, {list(maps)}; given {list(masks)}")
    if not has_geometry(mesh):
        return views_by_number(maps, masks, significant_label=significant_label)
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
    table = pd.DataFrame(
        {
            "vertex": np.arange(mesh.n_points),
            "region": np.asarray(mesh.region_names)[mesh.region],
            **maps,
            **{f"significant: {name}": mask for name, mask in masks.items()},
        }
    )
    return figure, table


def check_maps(mesh: SurfaceMesh, maps: Mapping[str, np.ndarray], *, kind: type = float) -> dict[str, np.ndarray]:
    """The maps as arrays, or ValueError: not one finite value a vertex."""
    checked = {name: np.asarray(values, kind) for name, values in maps.items()}
    for name, values in checked.items():
        if values.shape != (mesh.n_points,) or not np.isfinite(values).all():
            raise ValueError(
                f"{name!r} needs one finite value for each of {mesh.n_points} points; given {values.shape}"
            )
    return checked


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
