"""The shape of both ventricles: from three sides, and to turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from matplotlib.patches import Patch

from cardiolib.figures.drawing import Drawing, lack
from cardiolib.figures.interactive import CAMERA, heart_surface
from cardiolib.figures.style import SKY, TWO_COLUMNS_MM, VERMILLION, new_figure, panel_letters, styled
from cardiolib.figures.surface_views import Camera, Window, picture, scale_bar, show_picture
from cardiolib.meshes import SurfaceMesh, boundary_loops, enclosed_volume_ml

if TYPE_CHECKING:
    from cardiolib.shape import ExampleShape, RefinedShape

# The walls are drawn as pale shells of the cavities' own colours: two hearts' halves, two hues.
SURFACE_COLOURS = {"lv_endo": VERMILLION, "lv_epi": "#F3BE9A", "rv_endo": SKY, "rv_epi": "#B5DCF5"}
SURFACE_LABELS = {
    "lv_endo": "LV cavity",
    "lv_epi": "LV outer wall",
    "rv_endo": "RV cavity",
    "rv_epi": "RV outer wall",
}
_SHELL_OPACITY = 0.4
_GLASS_OPACITY = 0.22


@styled
def shape_views(shape: ExampleShape | RefinedShape, *, scale_bar_mm: float = 30.0) -> Drawing:
    """The shape model of both ventricles from three sides: cavities inside their translucent walls.

    Parameters
    ----------
    shape : ExampleShape or RefinedShape
        Its surfaces "lv_endo" and "rv_endo", with or without "lv_epi" and "rv_epi": mm, in any orientation.
        The views follow the heart: its long axis from the LV's apex to its base, its side from RV to LV.
    scale_bar_mm : float

    Returns
    -------
    Drawing
        All views to one scale. Table: surface, points, area_mm2, volume_ml (openings closed by a flat cap).

    Raises
    ------
    ValueError
        When a cavity is missing or a surface has an unknown name.
    """
    if lack(shape):
        return Drawing.lacking(lack(shape))
    surfaces = shape.surfaces
    lateral, base = heart_axes(surfaces)
    anterior = np.cross(lateral, base)
    cameras = {
        "from the front": Camera(anterior - 0.3 * lateral + 0.2 * base, base),
        "from the right ventricle": Camera(0.35 * anterior - lateral + 0.15 * base, base),
        "from the base": Camera(base + 0.25 * anterior, anterior),
    }
    inner = _joined({name: mesh for name, mesh in surfaces.items() if name.endswith("_endo")})
    whole = _joined({name: _off_cavity(mesh) if name.endswith("_epi") else mesh for name, mesh in surfaces.items()})
    windows = [Window.around(camera.project(whole.points)) for camera in cameras.values()]
    height = max(window.height for window in windows)
    windows = [window.grown(height=height) for window in windows]
    total = sum(window.width for window in windows)
    figure, axes = new_figure(
        TWO_COLUMNS_MM,
        TWO_COLUMNS_MM * 0.96 * height / total + 13,
        ncols=3,
        gridspec_kw={"width_ratios": [window.width for window in windows]},
    )
    for ax, (title, camera), window in zip(axes[0], cameras.items(), windows, strict=True):
        # The picture with walls laid over the one without: a translucent shell in any renderer.
        pictures = [
            picture(mesh, camera, window, pixels_per_mm=2400 / total, colours=SURFACE_COLOURS).astype(float)
            for mesh in (inner, whole)
        ]
        mixed = (1 - _SHELL_OPACITY) * pictures[0] + _SHELL_OPACITY * pictures[1]
        show_picture(ax, mixed.round().astype(np.uint8), window)
        ax.set_title(title)
    panel_letters(axes[0])
    scale_bar(axes[0, 0], length_mm=scale_bar_mm, at=(0.02, 0.02))
    patches = [
        Patch(
            color=SURFACE_COLOURS[name],
            alpha=1 if name.endswith("_endo") else 0.6,
            linewidth=0,
            label=SURFACE_LABELS[name],
        )
        for name in SURFACE_LABELS
        if name in surfaces
    ]
    figure.legend(handles=patches, loc="outside lower left", ncols=4, handlelength=1.0)
    return Drawing(figure, _sizes(surfaces))


def shape_views_interactive(shape: ExampleShape | RefinedShape, *, title: str = "") -> Drawing:
    """The shape model of both ventricles; a click on the legend hides or shows a surface.

    Parameters
    ----------
    shape : ExampleShape or RefinedShape
        As for `shape_views`. Its surfaces are turned into the heart's own axes, base upwards.
    title : str

    Returns
    -------
    Drawing
        Table as `shape_views`.
    """
    if lack(shape):
        return Drawing.lacking(lack(shape))
    surfaces = shape.surfaces
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
                opacity=1.0 if name.endswith("_endo") else _GLASS_OPACITY,
                hoverinfo=None,
                hovertemplate=f"{SURFACE_LABELS[name]}<extra></extra>",
            )
        )
    eye = {"x": -0.5, "y": -1.3, "z": 0.7}  # more from the front than other hearts, to show both ventricles
    figure = go.Figure(traces, layout).update_layout(scene={"camera": {**CAMERA, "eye": eye}})
    figure.update_layout(legend={"x": 0.02, "y": 0.98, "itemsizing": "constant"})
    return Drawing(figure, _sizes(surfaces))


def heart_axes(surfaces: Mapping[str, SurfaceMesh]) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors from the RV to the LV, and from the LV's apex to its base, at right angles."""
    missing = [name for name in ("lv_endo", "rv_endo") if name not in surfaces]
    unknown = sorted(set(surfaces) - set(SURFACE_LABELS))
    if missing or unknown:
        raise ValueError(
            f"surfaces are among {sorted(SURFACE_LABELS)} with both cavities; missing are {missing}, unknown {unknown}"
        )
    left, right = surfaces["lv_endo"], surfaces["rv_endo"]
    base = _base_direction([left, *(surfaces[name] for name in ("lv_epi",) if name in surfaces)])
    lateral = left.points.mean(axis=0) - right.points.mean(axis=0)
    lateral = lateral - (lateral @ base) * base
    return lateral / np.linalg.norm(lateral), base


def _sizes(surfaces: Mapping[str, SurfaceMesh]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "surface": name,
                "points": mesh.n_points,
                "area_mm2": mesh.triangle_areas_mm2().sum(),
                "volume_ml": enclosed_volume_ml(mesh, cap=True),
            }
            for name, mesh in surfaces.items()
        ]
    )


def _base_direction(left: list[SurfaceMesh]) -> np.ndarray:
    """Normal of the largest opening of the LV; where all its surfaces are closed, its long axis, pointed end down."""
    for mesh in left:
        loops = boundary_loops(mesh)
        if loops:
            rim = mesh.points[max(loops, key=len)]
            normal = np.linalg.svd(rim - rim.mean(axis=0), full_matrices=False)[2][2]
            return normal * np.sign((rim.mean(axis=0) - mesh.points.mean(axis=0)) @ normal)
    weight = left[0].vertex_areas_mm2()[:, None]
    offset = left[0].points - (weight * left[0].points).sum(axis=0) / weight.sum()
    axis = np.linalg.svd(np.sqrt(weight) * offset, full_matrices=False)[2][0]
    along = offset @ axis
    return axis if -along.min() > along.max() else -axis


def _off_cavity(wall: SurfaceMesh) -> SurfaceMesh:
    """A little outside its place: at the base wall and cavity touch, and would show through each other in speckles."""
    offset = wall.points - wall.points.mean(axis=0)
    return wall.with_points(wall.points + 0.8 * offset / np.linalg.norm(offset, axis=1, keepdims=True).clip(1.0))


def _joined(surfaces: Mapping[str, SurfaceMesh]) -> SurfaceMesh:
    """Several surfaces as one mesh whose regions are the surfaces."""
    start = np.cumsum([0, *(mesh.n_points for mesh in surfaces.values())])
    return SurfaceMesh(
        np.concatenate([mesh.points for mesh in surfaces.values()]),
        np.concatenate([mesh.triangles + first for mesh, first in zip(surfaces.values(), start, strict=False)]),
        np.repeat(np.arange(len(surfaces)), np.diff(start)),
        tuple(surfaces),
    )
