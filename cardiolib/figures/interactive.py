"""Figures to turn and to hover over: plotly as HTML that works offline."""

from __future__ import annotations

import html
import json
import os
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from cardiolib.figures.style import SIMULATED_TEXT
from cardiolib.files import atomic_path

BEATS = 10
"""How often the heart beats when played once."""
PLOTLY_FILE = "plotly.min.js"
FONT = {"family": "DejaVu Sans, Helvetica, Arial, sans-serif", "size": 13, "color": "#222222"}
HOVER = {"bgcolor": "white", "font": {"color": FONT["color"]}}  # not the trace's colour, on which text is hard to read
# Seen from the front and the right ventricle's side, base upwards.
CAMERA = {"eye": {"x": -1.25, "y": -1.25, "z": 0.55}, "up": {"x": 0, "y": 0, "z": 1}}
COLOUR_BAR = {"thickness": 14, "len": 0.6, "outlinewidth": 0}
_NEARER = 0.74  # the distance of the camera
LIGHT = {"ambient": 0.55, "diffuse": 0.75, "specular": 0.15, "roughness": 0.7, "fresnel": 0.1}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
html, body {{ height: 100%; margin: 0; background: white; }}
body {{ display: flex; flex-direction: column; font-family: "DejaVu Sans", Helvetica, Arial, sans-serif; }}
main {{ flex: 1; min-height: 0; }}
footer {{ text-align: right; padding: 4px 8px; }}
footer span {{ background: #767676; color: white; font-size: 11px; padding: 2px 8px; border-radius: 8px; }}
</style>
</head>
<body>
<main>
{plot}
</main>{footer}
</body>
</html>
"""


def save_interactive(figure: go.Figure, folder: str | os.PathLike[str], name: str, *, simulated: bool) -> Path:
    """Store a plotly figure as HTML that needs no network.

    Parameters
    ----------
    figure : plotly Figure
        It fills the page: a height or width of its own is taken out.
    folder : path-like
        plotly's program is stored here once, as plotly.min.js, for all pages of the folder.
    name : str
        File name without suffix; also the id of the plot in the page, so that the bytes do not change.
    simulated : bool
        Mark the page as drawn from the simulated cohort, below the plot.

    Returns
    -------
    Path
        The HTML file.
    """
    if not name or Path(name).name != name:
        raise ValueError(f"name is a file name without folder and suffix; given {name!r}")
    folder = Path(folder)
    program = folder / PLOTLY_FILE
    source = get_plotlyjs()
    if not program.is_file() or program.stat().st_size != len(source.encode("utf-8")):
        with atomic_path(program) as temporary:
            temporary.write_text(source, encoding="utf-8", newline="\n")
    figure = go.Figure(figure).update_layout(autosize=True, height=None, width=None)
    plot = figure.to_html(
        full_html=False,
        include_plotlyjs="directory",
        div_id=f"plot-{name}",
        auto_play=False,
        config={"displaylogo": False, "responsive": True},
        default_height="100%",
        default_width="100%",
    )
    title = html.escape(figure.layout.title.text or name.replace("_", " "))
    footer = f"\n<footer><span>{SIMULATED_TEXT}</span></footer>" if simulated else ""
    path = folder / f"{name}.html"
    with atomic_path(path) as temporary:
        temporary.write_text(_PAGE.format(title=title, plot=plot, footer=footer), encoding="utf-8", newline="\n")
    return path


def heart_surface(
    points: np.ndarray,
    triangles: np.ndarray,
    scalars: np.ndarray | None = None,
    *,
    title: str = "",
    colour_bar: str = "",
    unit: str = "",
    colour_scale: str = "Viridis",
    limits: tuple[float, float] | None = None,
    hover: list[str] | None = None,
    colour: str = "#C8644B",
) -> go.Figure:
    """One surface to turn, coloured by a value at each vertex.

    Parameters
    ----------
    points : (V, 3) array
        mm, heart frame.
    triangles : (F, 3) int array
    scalars : (V,) array, optional
        Without it the surface has one `colour`.
    title, colour_bar, unit : str
        `colour_bar` stands beside the colour scale, `unit` after hovered values.
    colour_scale : str
        A plotly colour scale.
    limits : (low, high), optional
        Ends of the colour scale; the values' own by default.
    hover : list of V str, optional
        Text shown at each vertex besides its value.
    """
    points, triangles, values = _check_surface(np.asarray(points, float)[None], triangles, scalars)
    trace = _mesh(points[0], triangles, None if values is None else values[0], colour=colour, unit=unit, hover=hover)
    if values is not None:
        low, high = limits or (float(np.nanmin(values)), float(np.nanmax(values)))
        trace.update(cmin=low, cmax=high, colorscale=colour_scale, colorbar=_colour_bar(colour_bar))
    return _scene(go.Figure(trace), points, title)


def heart_animation(
    points: np.ndarray,
    triangles: np.ndarray,
    scalars: np.ndarray | None = None,
    *,
    title: str = "",
    colour_bar: str = "",
    unit: str = "",
    colour_scale: str = "Viridis",
    limits: tuple[float, float] | None = None,
    frame_ms: float = 60.0,
    frame_labels: list[str] | None = None,
    colour: str = "#C8644B",
) -> go.Figure:
    """A beating surface with a play button and a slider over the cycle.

    Parameters
    ----------
    points : (T, V, 3) array
        mm, heart frame. Axes and colours are fixed over the cycle, so only the heart moves.
    triangles : (F, 3) int array
    scalars : (T, V) or (V,) array, optional
    frame_ms : float
        How long each frame is shown.
    frame_labels : list of T str, optional
        Under the slider; by default the phase in per cent of the cycle.
    title, colour_bar, unit, colour_scale, limits, colour
        As for `heart_surface`.
    """
    points, triangles, values = _check_surface(points, triangles, scalars)
    n_frames = len(points)
    labels = frame_labels or [f"{100 * t / n_frames:.0f} %" for t in range(n_frames)]
    if len(labels) != n_frames:
        raise ValueError(f"{n_frames} frames need as many labels; given {len(labels)}")
    first = _mesh(points[0], triangles, None if values is None else values[0], colour=colour, unit=unit, hover=None)
    if values is not None:
        low, high = limits or (float(np.nanmin(values)), float(np.nanmax(values)))
        first.update(cmin=low, cmax=high, colorscale=colour_scale, colorbar=_colour_bar(colour_bar))
    frames = []
    for t in range(n_frames):
        x, y, z = points[t].T.astype(np.float32)
        intensity = {} if values is None else {"intensity": values[t].astype(np.float32)}
        frames.append(go.Frame(data=[go.Mesh3d(x=x, y=y, z=z, **intensity)], name=f"{t:02d}", traces=[0]))
    figure = _scene(go.Figure(first, frames=frames), points, title)
    return figure.update_layout(**_controls(labels, frame_ms), margin={"b": 90})


def near(figure: go.Figure) -> go.Figure:
    """The camera nearer, so that one heart fills the page."""
    eye = {axis: _NEARER * value for axis, value in CAMERA["eye"].items()}
    return figure.update_layout(scene={"camera": {**CAMERA, "eye": eye}})


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


def _check_surface(
    points: np.ndarray, triangles: np.ndarray, scalars: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    points, triangles = np.asarray(points, float), np.asarray(triangles)
    if points.ndim != 3 or points.shape[2] != 3 or not np.isfinite(points).all():
        raise ValueError(f"points has the axes (T, V, 3), all finite, in mm; given {points.shape}")
    if triangles.ndim != 2 or triangles.shape[1] != 3 or triangles.max() >= points.shape[1]:
        raise ValueError(f"triangles is (F, 3), indices of {points.shape[1]} points; given {triangles.shape}")
    if scalars is None:
        return points, triangles, None
    scalars = np.asarray(scalars, float)
    if scalars.shape not in (points.shape[:2], points.shape[1:2]):
        raise ValueError(f"scalars has one value a vertex, {points.shape[:2]}; given {scalars.shape}")
    return points, triangles, np.broadcast_to(scalars, points.shape[:2])


def _mesh(points, triangles, values, *, colour: str, unit: str, hover: list[str] | None) -> go.Mesh3d:
    x, y, z = points.T.astype(np.float32)
    i, j, k = triangles.T.astype(np.int32)
    trace = go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, lighting=LIGHT, flatshading=False, name="")
    trace.update(lightposition={"x": -2000, "y": -4000, "z": 3000})
    lines = ["%{text}"] if hover is not None else []
    if values is None:
        trace.update(color=colour, hoverinfo="text" if hover else "skip")
    else:
        trace.update(intensity=values.astype(np.float32))
        lines.append(f"%{{intensity:.3g}} {unit}".rstrip())
    if hover is not None:
        trace.update(text=hover)
    if lines:
        trace.update(hovertemplate="<br>".join(lines) + "<extra></extra>", hoverinfo=None)
    return trace


def _colour_bar(title: str) -> dict:
    return {"title": {"text": title, "side": "right"}, **COLOUR_BAR}


def _scene(figure: go.Figure, points: np.ndarray, title: str) -> go.Figure:
    """Fixed, equal axes around everything that is ever drawn; nothing else in the scene."""
    low, high = points.min(axis=(0, 1)) - 3, points.max(axis=(0, 1)) + 3
    size = (high - low) / (high - low).max()
    axes = {f"{name}axis": {"range": [float(low[a]), float(high[a])], "visible": False} for a, name in enumerate("xyz")}
    ratio = dict(zip("xyz", size.tolist(), strict=True))
    return figure.update_layout(
        title={"text": title, "x": 0.02, "font": {"size": 15}},
        font=FONT,
        hoverlabel=HOVER,
        paper_bgcolor="white",
        margin={"l": 0, "r": 0, "t": 44 if title else 8, "b": 8},
        scene={**axes, "aspectmode": "manual", "aspectratio": ratio, "camera": CAMERA, "dragmode": "orbit"},
        uirevision="keep the reader's camera",
    )


def _controls(labels: list[str], frame_ms: float) -> dict:
    step = {"frame": {"duration": 0, "redraw": True}, "mode": "immediate", "transition": {"duration": 0}}
    play = {"frame": {"duration": frame_ms, "redraw": True}, "fromcurrent": True, "transition": {"duration": 0}}
    buttons = [
        {"label": "Play", "method": "animate", "args": [[f"{t:02d}" for t in range(len(labels))] * BEATS, play]},
        {"label": "Pause", "method": "animate", "args": [[None], step]},
    ]
    steps = [{"label": label, "method": "animate", "args": [[f"{t:02d}"], step]} for t, label in enumerate(labels)]
    return {
        "updatemenus": [
            {
                "type": "buttons",
                "direction": "left",
                "buttons": buttons,
                "showactive": False,
                "x": 0.01,
                "y": 0.0,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 24},
            }
        ],
        "sliders": [
            {
                "steps": steps,
                "x": 0.2,
                "y": 0.0,
                "len": 0.76,
                "pad": {"t": 18},
                "currentvalue": {"prefix": "phase ", "xanchor": "left"},
                "transition": {"duration": 0},
            }
        ],
    }


class Inline:
    """A plotly figure that a notebook's own front end draws, wherever its files lie.

    Parameters
    ----------
    figure : plotly Figure
    height : int
        Pixels.
    simulated : bool
        Mark the figure as drawn from the simulated cohort.
    """

    MIME = "application/vnd.plotly.v1+json"

    def __init__(self, figure: go.Figure, *, height: int, simulated: bool) -> None:
        self._figure = go.Figure(figure).update_layout(autosize=True, height=height, width=None)
        if simulated:
            self._figure.add_annotation(
                text=SIMULATED_TEXT,
                xref="paper",
                yref="paper",
                x=1,
                y=0,
                xanchor="right",
                yanchor="top",
                showarrow=False,
                bgcolor="#666666",
                borderpad=3,
                font={"size": 11, "color": "white"},
            )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, object]:
        content = json.loads(self._figure.to_json(validate=False))
        content["config"] = {"displaylogo": False, "responsive": True}
        return {self.MIME: content, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<interactive figure: {self._figure.layout.title.text or 'plotly'}>"
