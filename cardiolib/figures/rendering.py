"""Pictures of hearts: surfaces rendered off-screen, seen from named sides of the heart frame."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib
import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize, to_rgb

from cardiolib.figures.style import BLUE, GREY, ORANGE, VERMILLION, new_figure, styled
from cardiolib.meshes import SurfaceMesh

VIEWS = {
    "front": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "back": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "rv side": ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "lv side": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "base": ((0.0, 0.0, 1.0), (0.0, -1.0, 0.0)),
    "apex": ((0.0, 0.0, -1.0), (0.0, -1.0, 0.0)),
    "oblique": ((-0.72, -0.62, 0.3), (0.0, 0.0, 1.0)),
}
"""View name -> (from where, which way is up) in the heart frame: z to the base, x to the LV's free wall, y inferior."""

REGION_COLOURS = {"lv_endo": VERMILLION, "lv_epi": "#D9B8A8", "rv_free": BLUE, "rv_septum": ORANGE, "surface": GREY}


def render_surface(
    mesh: SurfaceMesh,
    *,
    scalars: np.ndarray | None = None,
    colour_map: str = "viridis",
    limits: tuple[float, float] | None = None,
    colours: dict[str, str] | None = None,
    view: str | tuple[tuple[float, float, float], tuple[float, float, float]] = "oblique",
    size: tuple[int, int] = (700, 700),
    centre_mm: np.ndarray | None = None,
    height_mm: float | None = None,
    points_mm: np.ndarray | None = None,
    opacity: float = 1.0,
) -> np.ndarray:
    """Render a surface in parallel projection on white.

    Parameters
    ----------
    mesh : SurfaceMesh
    scalars : (V,) array, optional
        Colours the surface through `colour_map`; NaN is pale grey. Without it each region has its colour.
    colour_map : str
        Of matplotlib; draw its bar with `add_colour_bar` and the same `limits`.
    limits : (low, high), optional
    colours : dict, optional
        Region name -> colour, where they should differ from `REGION_COLOURS`.
    view : str or (direction, up)
        A name in `VIEWS`, or the direction from the heart to the eye and the upward direction.
    size : (width, height)
        Pixels.
    centre_mm, height_mm : optional
        What the picture shows: the point in its middle and the height of the view in mm. Give both to draw
        several phases or hearts to one scale; by default the mesh fills the picture.
    points_mm : (n, 3) array, optional
        Drawn as small dark spheres (landmarks, chosen vertices).
    opacity : float

    Returns
    -------
    (height, width, 3) uint8 array
        The same on every run on one machine. Where neither a display nor EGL/OSMesa is found, a plain painter
        without anti-aliased shading draws instead.
    """
    direction, up = _view(view)
    rgb = _vertex_colours(mesh, scalars, colour_map, limits, colours)
    centre = (mesh.points.min(axis=0) + mesh.points.max(axis=0)) / 2 if centre_mm is None else np.asarray(centre_mm)
    if height_mm is None:
        right, upward, _ = _camera_axes(direction, up)
        offset = np.abs(mesh.points - centre)
        tall = np.abs((mesh.points - centre) @ upward).max()
        wide = np.abs((mesh.points - centre) @ right).max() * size[1] / size[0]
        height_mm = 2.1 * max(float(tall), float(wide)) if offset.any() else 10.0
    mesh = _septum_in_front(mesh)
    draw = _render if off_screen_works() else _paint
    return draw(mesh, rgb, direction, up, size, centre, height_mm, points_mm, opacity)


@styled
def add_colour_bar(figure, axes, *, label: str, colour_map: str, limits: tuple[float, float], **kwargs):
    """Draw the colour scale of `render_surface` beside the axes that hold its pictures."""
    mappable = matplotlib.cm.ScalarMappable(Normalize(*limits), matplotlib.colormaps[colour_map])
    bar = figure.colorbar(mappable, ax=axes, **({"shrink": 0.7, "aspect": 25, "pad": 0.02} | kwargs))
    bar.set_label(label)
    bar.outline.set_visible(False)
    return bar


@functools.lru_cache(maxsize=1)
def off_screen_works() -> bool:
    """Whether VTK can render here; tried once, in another process, since a failure may end the process."""
    if sys.platform in ("win32", "darwin"):
        return True
    program = (
        "import pyvista, numpy; p = pyvista.Plotter(off_screen=True, window_size=(8, 8));"
        "p.add_mesh(pyvista.Sphere()); a = p.screenshot(return_img=True); raise SystemExit(a.shape != (8, 8, 3))"
    )
    try:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=120, env=dict(os.environ))
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _view(view) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(view, str):
        if view not in VIEWS:
            raise ValueError(f"there is no view {view!r}; the named ones are {sorted(VIEWS)}")
        view = VIEWS[view]
    direction, up = (np.asarray(vector, float) for vector in view)
    if np.linalg.norm(np.cross(direction, up)) < 1e-6:
        raise ValueError(f"the view's direction and upward direction must differ; given {direction} and {up}")
    return direction / np.linalg.norm(direction), up


def _vertex_colours(mesh: SurfaceMesh, scalars, colour_map, limits, colours) -> np.ndarray:
    """(V, 3) uint8."""
    if scalars is None:
        table = REGION_COLOURS | (colours or {})
        rgb = np.array([to_rgb(table.get(name, GREY)) for name in mesh.region_names])[mesh.region]
        return (rgb * 255).round().astype(np.uint8)
    scalars = np.asarray(scalars, float)
    if scalars.shape != (mesh.n_points,):
        raise ValueError(f"scalars has one value for each of {mesh.n_points} points; given {scalars.shape}")
    low, high = limits or (float(np.nanmin(scalars)), float(np.nanmax(scalars)))
    colour = matplotlib.colormaps[colour_map](Normalize(low, high)(np.nan_to_num(scalars, nan=low)))[:, :3]
    colour[~np.isfinite(scalars)] = to_rgb("#DDDDDD")
    return (colour * 255).round().astype(np.uint8)


def _septum_in_front(mesh: SurfaceMesh) -> SurfaceMesh:
    """Lift the RV's side of the septum off the LV's epicardium, which lies in the same place."""
    if not {"rv_septum", "lv_epi"} <= set(mesh.region_names):
        return mesh
    lifted = mesh.points - 0.5 * mesh.vertex_normals() * mesh.region_mask("rv_septum")[:, None]
    return mesh.with_points(lifted)


def _camera_axes(direction: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors to the right of, upward in, and out of the picture."""
    right = np.cross(up, direction)
    right /= np.linalg.norm(right)
    return right, np.cross(direction, right), direction


def _render(mesh, rgb, direction, up, size, centre, height_mm, points_mm, opacity) -> np.ndarray:
    import pyvista as pv

    right, upward, _ = _camera_axes(direction, up)
    with _quiet_vtk():
        plotter = pv.Plotter(off_screen=True, window_size=list(size), lighting="none")
        plotter.background_color = "white"
        data = pv.PolyData(mesh.points, np.column_stack([np.full(len(mesh.triangles), 3), mesh.triangles]))
        data.point_data["colour"] = rgb
        plotter.add_mesh(
            data,
            scalars="colour",
            rgb=True,
            smooth_shading=True,
            split_sharp_edges=False,
            opacity=opacity,
            ambient=0.32,
            diffuse=0.72,
            specular=0.12,
            specular_power=12,
            show_scalar_bar=False,
        )
        if points_mm is not None:
            radius = height_mm * 0.011
            for point in np.asarray(points_mm, float):
                plotter.add_mesh(pv.Sphere(radius=radius, center=point), color="#222222", ambient=0.3)
        reach = 10 * height_mm
        for offset, intensity in (((-0.5, 0.8, 1.2), 0.75), ((0.9, 0.2, 0.8), 0.35), ((0, -1, 0.4), 0.15)):
            place = centre + reach * (offset[0] * right + offset[1] * upward + offset[2] * direction)
            light = pv.Light(position=place, focal_point=centre, intensity=intensity, light_type="scene light")
            light.positional = False
            plotter.add_light(light)
        plotter.camera.position = tuple(centre + reach * direction)
        plotter.camera.focal_point = tuple(centre)
        plotter.camera.up = tuple(upward)
        plotter.enable_parallel_projection()
        plotter.camera.parallel_scale = height_mm / 2
        plotter.camera.clipping_range = (reach * 0.5, reach * 1.5)
        plotter.enable_anti_aliasing("ssaa")
        picture = np.array(plotter.screenshot(return_img=True))[..., :3]
        plotter.close()
    return picture


def _paint(mesh, rgb, direction, up, size, centre, height_mm, points_mm, opacity) -> np.ndarray:
    """Painter's algorithm with matplotlib: triangles from far to near, shaded by their normal."""
    right, upward, out = _camera_axes(direction, up)
    seen = (mesh.points - centre) @ np.stack([right, upward, out], axis=1)
    normal = mesh.triangle_normals() @ np.stack([right, upward, out], axis=1)
    light = np.array([-0.3, 0.5, 0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
    shade = 0.4 + 0.6 * np.abs(normal @ light)
    colour = rgb[mesh.triangles].mean(axis=1) / 255 * shade[:, None]
    order = np.argsort(seen[mesh.triangles, 2].mean(axis=1), kind="stable")
    figure, axes = new_figure(size[0] / 100 * 25.4, size[1] / 100 * 25.4)
    figure.set_layout_engine(None)
    ax = axes[0, 0]
    ax.set_position((0, 0, 1, 1))
    ax.add_collection(
        PolyCollection(
            seen[mesh.triangles[order], :2],
            facecolors=colour[order],
            edgecolors=colour[order],
            linewidths=0.2,
            alpha=opacity,
        )
    )
    if points_mm is not None:
        flat = (np.asarray(points_mm, float) - centre) @ np.stack([right, upward], axis=1)
        ax.plot(*flat.T, "o", color="#222222", markersize=3)
    half = height_mm / 2
    ax.set(xlim=(-half * size[0] / size[1], half * size[0] / size[1]), ylim=(-half, half))
    ax.axis("off")
    figure.set_dpi(100)
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


@contextmanager
def _quiet_vtk() -> Iterator[None]:
    """VTK tells of a missing X server before it takes EGL; that is no news here."""
    from vtkmodules.vtkCommonCore import vtkLogger, vtkObject

    verbosity, warnings = vtkLogger.GetCurrentVerbosityCutoff(), vtkObject.GetGlobalWarningDisplay()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    vtkObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(verbosity)
        vtkObject.SetGlobalWarningDisplay(warnings)
