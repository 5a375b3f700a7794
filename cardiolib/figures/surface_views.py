"""A surface rendered to scale inside an axes, so that lines and scale bars in millimetres can be drawn over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patheffects import Normal, Stroke

from cardiolib.figures.rendering import render_surface
from cardiolib.figures.style import INK, TWO_COLUMNS_MM, new_figure, panel_letters
from cardiolib.meshes import SurfaceMesh, edges


@dataclass(frozen=True, eq=False)
class Camera:
    """Parallel projection onto the plane of the picture.

    Parameters
    ----------
    direction, up : (3,) arrays
        From the heart to the eye, and the upward direction of the picture; made orthonormal.
    """

    direction: np.ndarray
    up: np.ndarray

    def __post_init__(self) -> None:
        out, up = np.asarray(self.direction, float), np.asarray(self.up, float)
        right = np.cross(up, out)
        if not np.linalg.norm(right) > 1e-9 * np.linalg.norm(up) * np.linalg.norm(out):
            raise ValueError(f"the camera's direction and its upward direction must differ; given {out} and {up}")
        out, right = out / np.linalg.norm(out), right / np.linalg.norm(right)
        object.__setattr__(self, "direction", out)
        object.__setattr__(self, "up", np.cross(out, right))

    @property
    def axes(self) -> np.ndarray:
        """(3, 3): right, up and towards the eye, as rows."""
        return np.stack([np.cross(self.up, self.direction), self.up, self.direction])

    def project(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) points in mm to (..., 3): right, up, and height above the picture, all in mm."""
        return np.asarray(points, float) @ self.axes.T


MOTION_MAP = "YlGnBu"  # pale where nothing moves
SIDES = {
    "free wall": Camera(np.array([-0.94, -0.25, 0.22]), np.array([0.0, 0.0, 1.0])),
    "septum, from the left ventricle": Camera(np.array([0.97, -0.1, 0.22]), np.array([0.0, 0.0, 1.0])),
}
"""The two sides of the right ventricle in the heart frame (z to the base, x to the LV's free wall, y inferior)."""


@dataclass(frozen=True)
class Window:
    """What a picture shows: limits in mm, to the right and upwards."""

    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def around(cls, seen: np.ndarray, *, margin_mm: float = 3.0) -> Window:
        """Around projected points (..., 2 or 3)."""
        flat = np.asarray(seen)[..., :2].reshape(-1, 2)
        low, high = flat.min(axis=0) - margin_mm, flat.max(axis=0) + margin_mm
        return cls(float(low[0]), float(high[0]), float(low[1]), float(high[1]))

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    def grown(self, *, width: float | None = None, height: float | None = None) -> Window:
        """The same middle with another width or height (mm)."""
        x, y = (self.left + self.right) / 2, (self.bottom + self.top) / 2
        w, h = (width or self.width) / 2, (height or self.height) / 2
        return Window(x - w, x + w, y - h, y + h)


def picture(mesh: SurfaceMesh, camera: Camera, window: Window, *, pixels_per_mm: float, **drawing) -> np.ndarray:
    """The (height, width, 3) picture of the window and nothing around it; `drawing` goes to `render_surface`."""
    middle = np.array(
        [(window.left + window.right) / 2, (window.bottom + window.top) / 2, camera.project(mesh.points)[:, 2].mean()]
    )
    size = (max(2, round(window.width * pixels_per_mm)), max(2, round(window.height * pixels_per_mm)))
    return render_surface(
        mesh,
        view=(tuple(camera.direction), tuple(camera.up)),
        size=size,
        centre_mm=middle @ camera.axes,
        height_mm=window.height,
        **drawing,
    )


def show_picture(ax, image: np.ndarray, window: Window) -> None:
    """Put a picture into an axes whose coordinates are those of the camera, in mm."""
    ax.imshow(image, extent=(window.left, window.right, window.bottom, window.top), interpolation="antialiased")
    ax.set(xlim=(window.left, window.right), ylim=(window.bottom, window.top), xticks=[], yticks=[])
    ax.set_aspect("equal")
    ax.spines[:].set_visible(False)


def draw_lines(ax, lines: np.ndarray, camera: Camera, *, halo: float = 0.0, **style) -> None:
    """Draw polylines (n, m, 3) in mm over a picture, with a white rim of `halo` points."""
    if not len(lines):
        return
    effects = [Stroke(linewidth=style.get("linewidths", 1.0) + 2 * halo, foreground="white"), Normal()] if halo else []
    ax.add_collection(LineCollection(camera.project(lines)[..., :2], path_effects=effects, snap=False, **style))


def scale_bar(ax, *, length_mm: float, at: tuple[float, float] = (0.02, 0.0)) -> None:
    """A bar of true length with its label above; `at` in fractions of the axes."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    x, y = left + at[0] * (right - left), bottom + at[1] * (top - bottom)
    ax.plot([x, x + length_mm], [y, y], color=INK, linewidth=1.4, solid_capstyle="butt", clip_on=False, zorder=5)
    ax.annotate(
        f"{length_mm:g} mm",
        (x + length_mm / 2, y),
        xytext=(0, 2.5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        fontsize=6,
        annotation_clip=False,
    )


def side_axes(points: np.ndarray, sides: Mapping[str, Camera], *, rows: int, foot_mm: float):
    """A row of axes for each map and a column for each side, all to one scale.

    Parameters
    ----------
    points : (..., 3) array
        Everything that is drawn, mm.
    sides : mapping of str to Camera
    rows : int
    foot_mm : float
        Room for a legend.

    Returns
    -------
    figure, axes, windows
        `windows` has the window of each column.
    """
    windows = [Window.around(camera.project(points)) for camera in sides.values()]
    height = max(window.height for window in windows)
    windows = [window.grown(height=height) for window in windows]
    total = sum(window.width for window in windows)
    scale = min(0.78 * TWO_COLUMNS_MM / total, 62 / height)  # mm on paper for a mm of heart
    figure, axes = new_figure(
        scale * total + 26,
        rows * (scale * height + 7) + foot_mm,
        nrows=rows,
        ncols=len(windows),
        gridspec_kw={"width_ratios": [window.width for window in windows]},
    )
    return figure, axes, windows


def finish_sides(axes: np.ndarray, scale_bar_mm: float) -> None:
    """Panel letters, and the scale bar that holds for all panels."""
    panel_letters(axes)
    scale_bar(axes[-1, 0], length_mm=scale_bar_mm, at=(0.0, 0.02))


def visible(points: np.ndarray, mesh: SurfaceMesh, camera: Camera, *, tolerance_mm: float = 2.0) -> np.ndarray:
    """Which points (n, 3) the surface does not hide from the camera.

    A point counts as hidden when a triangle lies more than `tolerance_mm` nearer to the eye.
    """
    seen, corners = camera.project(points), camera.project(mesh.points)[mesh.triangles]
    a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    facing = np.abs(area) > 1e-9
    a, ab, ac, area = a[facing], ab[facing], ac[facing], area[facing]
    free = np.ones(len(seen), bool)
    for start in range(0, len(seen), 256):  # in parts, to keep the table of pairs small
        block = slice(start, start + 256)
        offset = seen[block, None] - a
        u = (offset[..., 0] * ac[:, 1] - offset[..., 1] * ac[:, 0]) / area
        v = (ab[:, 0] * offset[..., 1] - ab[:, 1] * offset[..., 0]) / area
        above = u * ab[:, 2] + v * ac[:, 2] - offset[..., 2]
        free[block] = ~((u >= 0) & (v >= 0) & (u + v <= 1) & (above > tolerance_mm)).any(axis=1)
    return free


def visible_edges(mesh: SurfaceMesh, camera: Camera) -> np.ndarray:
    """(n, 2, 3) edges in mm whose middles the surface does not hide."""
    lines = mesh.points[edges(mesh)]
    return lines[visible(lines.mean(axis=1), mesh, camera)]


def rounded(mesh: SurfaceMesh, values: np.ndarray | None = None, *, times: int = 2) -> tuple[SurfaceMesh, np.ndarray]:
    """A finer mesh for drawing, with the same vertices first and new ones between them.

    Each edge is halved; the new vertex leaves the edge towards the tangent planes of its two ends (Phong
    tessellation), so a coarse surface has a smooth contour. Values (V,) are interpolated along the edges.

    Returns
    -------
    mesh : SurfaceMesh
        Every vertex of one region, "surface".
    values : (W,) array
        NaN-free only where the given values are; zeros when none were given.
    """
    points, triangles = mesh.points, mesh.triangles
    values = np.zeros(len(points)) if values is None else np.asarray(values, float)
    for _ in range(times):
        normals = SurfaceMesh(points, triangles).vertex_normals()
        pairs = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        pairs, number = np.unique(pairs, axis=0, return_inverse=True)
        ab, bc, ca = number.reshape(3, -1) + len(points)
        a, b, c = triangles.T
        ends, middle = points[pairs], points[pairs].mean(axis=1)
        off = ((middle[:, None] - ends) * normals[pairs]).sum(axis=2, keepdims=True) * normals[pairs]
        points = np.concatenate([points, middle - 0.6 * off.mean(axis=1)])
        values = np.concatenate([values, values[pairs].mean(axis=1)])
        triangles = np.concatenate(
            [np.stack(corner, axis=1) for corner in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
        )
    return SurfaceMesh(points, triangles), values


def level_lines(mesh: SurfaceMesh, values: np.ndarray, level: float) -> np.ndarray:
    """(n, 2, 3) segments in mm along which the linearly interpolated values (V,) equal the level."""
    above = np.asarray(values, float)[mesh.triangles] > level
    crossed = np.flatnonzero(above.any(axis=1) & ~above.all(axis=1))
    triangles, above = mesh.triangles[crossed], above[crossed]
    # The corner that lies alone on its side of the level comes first; both of its edges are crossed.
    alone = np.where(above.sum(axis=1) == 1, above.argmax(axis=1), above.argmin(axis=1))
    order = (alone[:, None] + np.arange(3)) % 3
    corner = np.take_along_axis(triangles, order, axis=1)
    one, others = corner[:, :1], corner[:, 1:]
    share = (level - values[one]) / (values[others] - values[one])
    return mesh.points[one] + share[..., None] * (mesh.points[others] - mesh.points[one])
