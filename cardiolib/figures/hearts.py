"""Hearts in still pictures: the shape of both ventricles, and the motion of the right one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cardiolib.figures.rendering import add_colour_bar
from cardiolib.figures.style import INK, SKY, TWO_COLUMNS_MM, VERMILLION, new_figure, panel_letters, styled
from cardiolib.figures.surface_views import (
    SIDES,
    Camera,
    Window,
    draw_lines,
    finish_sides,
    picture,
    rounded,
    scale_bar,
    show_picture,
    side_axes,
    visible,
    visible_edges,
)
from cardiolib.meshes import SurfaceMesh, boundary_loops, enclosed_volume_ml

# The walls are drawn as pale shells of the cavities' own colours: two hearts' halves, two hues.
SURFACE_COLOURS = {"lv_endo": VERMILLION, "lv_epi": "#F3BE9A", "rv_endo": SKY, "rv_epi": "#B5DCF5"}
SURFACE_LABELS = {
    "lv_endo": "LV cavity",
    "lv_epi": "LV outer wall",
    "rv_endo": "RV cavity",
    "rv_epi": "RV outer wall",
}
_SHELL_OPACITY = 0.4
MOTION_MAP = "YlGnBu"  # pale where nothing moves
_NET = "#8A8A8A"


@styled
def shape_views(surfaces: Mapping[str, SurfaceMesh], *, scale_bar_mm: float = 30.0) -> tuple[Figure, pd.DataFrame]:
    """The shape model of both ventricles from three sides: cavities inside their translucent walls.

    Parameters
    ----------
    surfaces : mapping of str to SurfaceMesh
        "lv_endo" and "rv_endo", with or without "lv_epi" and "rv_epi": mm, in any orientation.
        The views follow the heart: its long axis from the LV's apex to its base, its side from RV to LV.
    scale_bar_mm : float

    Returns
    -------
    figure : Figure
        All views to one scale.
    table : DataFrame
        surface, points, area_mm2, volume_ml (openings closed by a flat cap).

    Raises
    ------
    ValueError
        When a cavity is missing or a surface has an unknown name.
    """
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
    return figure, pd.DataFrame(
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


@styled
def motion_views(
    mesh: SurfaceMesh, positions: np.ndarray, *, es_phase: int, scale_bar_mm: float = 20.0
) -> tuple[Figure, pd.DataFrame]:
    """Motion of the right ventricle to end-systole: net at end-diastole, paths of the points, surface at end-systole.

    Parameters
    ----------
    mesh : SurfaceMesh
        Triangles of the tracked points.
    positions : (T, V, 3) array
        mm, heart frame; frame 0 is end-diastole.
    es_phase : int
        Frame of end-systole.

    Returns
    -------
    figure : Figure
        Free wall and septum; colour is the distance from end-diastole to end-systole.
    table : DataFrame
        vertex, region, displacement_mm and its parts along x, y, z.
    """
    positions = np.asarray(positions, float)
    if positions.ndim != 3 or positions.shape[1:] != mesh.points.shape:
        raise ValueError(f"positions has the axes (T, {mesh.n_points}, 3); given {positions.shape}")
    if not 0 < es_phase < len(positions):
        raise ValueError(f"es_phase is a frame from 1 to {len(positions) - 1}; given {es_phase}")
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
    return figure, pd.DataFrame(
        {
            "vertex": np.arange(mesh.n_points),
            "region": regions,
            "displacement_mm": distance,
            **{f"{axis}_mm": shift[:, i] for i, axis in enumerate("xyz")},
        }
    )


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
