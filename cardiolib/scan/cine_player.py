"""A cine with its contours that plays in a page: pictures as JPEG, contours as lines that can be switched off."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import contourpy
import numpy as np
from PIL import Image

from cardiolib.figures.style import STRUCTURE_COLOURS, STRUCTURE_LABELS
from cardiolib.imaging import Cine, LabelMap
from cardiolib.shape.orientation import turn_from_affine

MOST_SLICES = 12
COLUMNS = 4
TILE = 232
"""Pixels of the longer side of a slice's picture."""

MARGIN_MM = 22.0
GAP = 3
QUALITY = 80
_DARK_SHARE, _BRIGHT_SHARE = 1, 99.5  # percentiles of the grey values that become black and white
_FALLBACK_MS = 40.0  # where the frame time is not known
_FILLED = {"lv_wall": ("lv_wall", "lv_cavity"), "rv_wall": ("rv_wall", "rv_cavity")}  # a wall's contour is one line
_SCRIPT = Path(__file__).with_name("player.js")


@dataclass(frozen=True, eq=False)
class CineFrames:
    """A cine as a mosaic of slices, to be played.

    Attributes
    ----------
    pictures : list of T (H, W) uint8 arrays
    contours : list of T dicts
        Structure -> closed lines, each an (n, 2) array of pixels (x to the right, y downwards).
    slices : list of int
        Along K, in the order of the mosaic, from base to apex.
    places : list of (x, y)
        Upper left corner of each slice's picture.
    frame_ms : float
    pixel_mm : float
        Size of a pixel of the mosaic.
    """

    pictures: list[np.ndarray]
    contours: list[dict[str, list[np.ndarray]]]
    slices: list[int]
    places: list[tuple[int, int]]
    frame_ms: float
    pixel_mm: float


def cine_frames(cine: Cine, labels: LabelMap, *, base_is_last: bool) -> CineFrames:
    """Cut the heart out of every frame of a cine, turned to the usual display, with the contours of its labels.

    Parameters
    ----------
    cine : Cine
    labels : LabelMap
        Of every frame.
    base_is_last : bool
        Whether the slice index grows from apex to base.
    """
    turn = turn_from_affine(cine.affine)
    box, slices = _window(labels, cine), _slices(labels, cine.shape[2], base_is_last=base_is_last)
    spacing = cine.spacing_mm[1::-1] if turn.transpose else cine.spacing_mm[:2]
    shape = turn.turned_shape((box[0].stop - box[0].start, box[1].stop - box[1].start))
    pixel_mm = max(shape[0] * spacing[0], shape[1] * spacing[1]) / TILE
    width, height = (max(1, round(n * mm / pixel_mm)) for n, mm in zip(shape, spacing, strict=True))
    columns = min(COLUMNS, len(slices))
    places = [((i % columns) * (width + GAP), (i // columns) * (height + GAP)) for i in range(len(slices))]
    size = (places[-1][1] + height, columns * (width + GAP) - GAP)
    scale = np.array([width / shape[0], height / shape[1]])
    shown = cine.voxels[box][:, :, slices]
    dark, bright = np.percentile(shown, [_DARK_SHARE, _BRIGHT_SHARE])
    grey = np.clip((shown - dark) / max(bright - dark, 1e-6) * 255, 0, 255).astype(np.uint8)
    pictures, contours = [], []
    for t in range(cine.n_frames):
        mosaic = np.zeros(size, np.uint8)
        lines: dict[str, list[np.ndarray]] = {name: [] for name in STRUCTURE_COLOURS if name in labels.scheme.codes}
        for column, (k, (x, y)) in enumerate(zip(slices, places, strict=True)):
            plane = np.ascontiguousarray(turn.apply(grey[:, :, column, t]).T)  # rows run down the picture
            picture = Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC)
            mosaic[y : y + height, x : x + width] = np.asarray(picture)
            for name in lines:
                mask = _filled(labels, name, box, k, t)
                lines[name] += [line + (x, y) for line in _closed_lines(turn.apply(mask), scale)]
        pictures.append(mosaic)
        contours.append({name: found for name, found in lines.items() if found})
    return CineFrames(pictures, contours, slices, places, cine.frame_time_ms or _FALLBACK_MS, pixel_mm)


def player_html(frames: CineFrames, *, name: str, description: str, marks: Mapping[int, str] | None = None) -> str:
    """The player as HTML: a canvas, a button to play, a slider over the frames, a switch a structure.

    Parameters
    ----------
    frames : CineFrames
    name : str
        Id of the player in the page.
    description : str
        What a reader who cannot see the pictures is told.
    marks : mapping of int to str, optional
        What a frame is ("ED"), beside its number.
    """
    structures = [one for one in STRUCTURE_COLOURS if any(one in frame for frame in frames.contours)]
    height, width = frames.pictures[0].shape
    data = {
        "frames": [_as_jpeg(picture) for picture in frames.pictures],
        "contours": [
            {one: [np.round(line, 1).ravel().tolist() for line in lines] for one, lines in frame.items()}
            for frame in frames.contours
        ],
        "colours": {one: STRUCTURE_COLOURS[one] for one in structures},
        "slices": [[f"slice {k + 1}", x, y] for k, (x, y) in zip(frames.slices, frames.places, strict=True)],
        "frameMs": frames.frame_ms,
        "marks": {str(t): text for t, text in (marks or {}).items()},
        "barPixels": 50.0 / frames.pixel_mm,
    }
    switches = "".join(
        f"<label><input type='checkbox' checked data-structure='{one}'><span class='swatch' style='background:"
        f"{STRUCTURE_COLOURS[one]}'></span>{STRUCTURE_LABELS[one]}</label>"
        for one in structures
    )
    last = len(frames.pictures) - 1
    moving = (
        "<button type='button' data-role='play' aria-pressed='false'>Play</button>"
        f"<label class='slider'>frame <input type='range' min='0' max='{last}' value='0' step='1' data-role='frame'>"
        "<output data-role='shown'>1</output></label>"
        if last
        else ""
    )
    content = json.dumps(data, separators=(",", ":")).replace("</", "<\\/")
    return (
        f"<div class='player' id='{name}'><canvas width='{width}' height='{height}' role='img' "
        f"aria-label='{html.escape(description, quote=True)}'></canvas>"
        f"<div class='controls'>{moving}<span class='switches'>{switches}</span></div>"
        f"<script type='application/json' data-role='data'>{content}</script></div>"
        f"<script>{_SCRIPT.read_text(encoding='utf-8')}\nplayCine({json.dumps(name)});</script>"
    )


def _as_jpeg(picture: np.ndarray) -> str:
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=QUALITY, optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _window(labels: LabelMap, cine: Cine) -> tuple[slice, slice]:
    """Voxels of I and J that hold the heart in every frame, and a margin."""
    heart = np.asarray((labels.labels > 0).any(axis=(2, 3)))
    ranges = []
    for axis in range(2):
        used = np.flatnonzero(heart.any(axis=1 - axis))
        first, last = (int(used[0]), int(used[-1])) if len(used) else (0, cine.shape[axis] - 1)
        margin = int(np.ceil(MARGIN_MM / cine.spacing_mm[axis]))
        ranges.append(slice(max(0, first - margin), min(cine.shape[axis], last + 1 + margin)))
    return ranges[0], ranges[1]


def _slices(labels: LabelMap, n_slices: int, *, base_is_last: bool) -> list[int]:
    """The labelled slices, one more at either end, at most `MOST_SLICES`; from base to apex."""
    used = np.flatnonzero((labels.labels > 0).any(axis=(0, 1, 3)))
    first, last = (max(0, int(used[0]) - 1), min(n_slices - 1, int(used[-1]) + 1)) if len(used) else (0, n_slices - 1)
    n = min(MOST_SLICES, last - first + 1)
    chosen = sorted(set(np.rint(np.linspace(first, last, n)).astype(int).tolist()))
    return chosen[::-1] if base_is_last else chosen


def _filled(labels: LabelMap, name: str, box: tuple[slice, slice], k: int, t: int) -> np.ndarray:
    plane = labels.labels[box][:, :, k, t]
    if not np.any(plane == labels.scheme.code(name)):
        return np.zeros(plane.shape, bool)
    codes = [labels.scheme.code(one) for one in _FILLED.get(name, (name,))]
    return np.isin(plane, codes)


def _closed_lines(mask: np.ndarray, scale: np.ndarray) -> list[np.ndarray]:
    """Contours of a mask (W, H), (n, 2) each, in pixels of its picture."""
    if not mask.any():
        return []
    padded = np.pad(mask, 1).astype(float)
    lines = contourpy.contour_generator(z=padded.T).lines(0.5)
    return [(np.asarray(line) - 0.5) * scale for line in lines]  # padding shifts by 1, a voxel's middle lies at 0.5
