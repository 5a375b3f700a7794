"""A tracked heart that beats in its own images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from cardiolib.figures.hearts import SURFACE_COLOURS, SURFACE_LABELS
from cardiolib.figures.interactive import CAMERA, heart_animation, heart_surface
from cardiolib.meshes import SurfaceMesh

_OPACITY = 0.55
_DARK_SHARE, _BRIGHT_SHARE = 1, 99.5  # percentiles of the grey values that become black and white


def beating_in_images(
    surfaces: Mapping[str, SurfaceMesh],
    positions: Mapping[str, np.ndarray],
    images: np.ndarray,
    grid: np.ndarray,
    *,
    title: str = "",
) -> go.Figure:
    """Surfaces that beat around a slice of the cine which beats with them.

    Parameters
    ----------
    surfaces : mapping of str to SurfaceMesh
        Name (of `shape_views`' surfaces) -> triangles.
    positions : mapping of str to (T, V, 3) array
        The same names; mm, z to the base.
    images : (T, I, J) array
        Grey values of the slice at each phase.
    grid : (I, J, 3) array
        Where they are, mm in the same axes.
    title : str

    Raises
    ------
    ValueError
        Where names, phases or sizes do not fit.
    """
    images, grid = np.asarray(images, float), np.asarray(grid, float)
    positions = {name: np.asarray(one, float) for name, one in positions.items()}
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
    return figure.update_layout(margin={"b": 120}, legend={"x": 0.02, "y": 0.98, "itemsizing": "constant"})
