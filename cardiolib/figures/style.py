"""How every static figure looks, and how it is stored: PNG, SVG and the numbers it draws.

Figures are made without pyplot, so nothing depends on which figures were drawn before, and no window is needed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from cardiolib.files import atomic_path

ONE_COLUMN_MM = 89.0
TWO_COLUMNS_MM = 183.0
PNG_DPI = 200
SIMULATED_TEXT = "Simulated cohort (digital heart)"
_BADGE = "simulated-badge"
_BADGE_MM = 5.0

# Okabe and Ito's palette: told apart with any common form of colour blindness.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, YELLOW = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#F0E442",
)
INK, GREY, PALE = "#222222", "#767676", "#DDDDDD"  # GREY is the lightest that is read on white, or white on it
TEXT_CONTRAST = 4.5  # at least, between text and what is behind it: level AA of WCAG
PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
STRUCTURE_COLOURS = {"lv_cavity": VERMILLION, "lv_wall": YELLOW, "rv_cavity": SKY, "rv_wall": PURPLE}
STRUCTURE_LABELS = {
    "lv_cavity": "LV cavity",
    "lv_wall": "LV wall",
    "rv_cavity": "RV cavity",
    "rv_wall": "RV wall",
}

STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.0,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7.0,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "figure.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "patch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
    "image.interpolation": "nearest",
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.hashsalt": "cardiolib",
    "svg.fonttype": "path",
    "path.simplify": True,
    "axes.unicode_minus": True,
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Decorator: draw with the journal style whatever the reader's own matplotlib settings are."""

    @functools.wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return wrapper


@styled
def new_figure(width_mm: float = TWO_COLUMNS_MM, height_mm: float = 70.0, **grid: Any) -> tuple[Figure, np.ndarray]:
    """A figure of the given size with its axes.

    Parameters
    ----------
    width_mm, height_mm : float
    **grid
        For `Figure.subplots`: nrows, ncols, sharex, gridspec_kw, ...

    Returns
    -------
    figure : Figure
        Laid out so that no label is cut off, drawn by Agg.
    axes : (nrows, ncols) array of Axes
    """
    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4), layout="constrained")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.04, h_pad=0.04, wspace=0.04, hspace=0.05)
    return figure, figure.subplots(**({"squeeze": False} | grid))


@styled
def save_figure(
    figure: Figure,
    folder: str | os.PathLike[str],
    name: str,
    table: pd.DataFrame | Mapping[str, pd.DataFrame] | None = None,
    *,
    simulated: bool,
) -> list[Path]:
    """Store a figure as PNG and SVG, and the numbers it draws as CSV.

    Parameters
    ----------
    figure : Figure
    folder : path-like
        Created when absent.
    name : str
        File name without suffix.
    table : DataFrame, or mapping of name to DataFrame, optional
        ``name.csv``, or ``name_key.csv`` for each key. An index is written when it has a name.
    simulated : bool
        Mark the figure as drawn from the simulated cohort: the figure grows by a strip of 5 mm at the foot,
        so the mark never covers anything.

    Returns
    -------
    list of Path
        The files written. The same figure gives the same bytes every time.
    """
    if not name or Path(name).name != name:
        raise ValueError(f"name is a file name without folder and suffix; given {name!r}")
    folder = Path(folder)
    _settle_layout(figure)
    if simulated:
        _add_badge(figure)
    paths = []
    for suffix, metadata in (("png", {"Software": None}), ("svg", {"Date": None, "Creator": None})):
        path = folder / f"{name}.{suffix}"
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=suffix, dpi=PNG_DPI, metadata=metadata)
        paths.append(path)
    tables = {"": table} if isinstance(table, pd.DataFrame) else dict(table or {})
    for key, frame in tables.items():
        path = folder / (f"{name}_{key}.csv" if key else f"{name}.csv")
        with atomic_path(path) as temporary:
            named = any(level is not None for level in frame.index.names)
            frame.to_csv(temporary, index=named, float_format="%.8g", lineterminator="\n")
        paths.append(path)
    return paths


def panel_letters(axes: np.ndarray, *, pad: float | None = None) -> None:
    """Put a bold a, b, c, ... before the title of each axes, row by row; `pad` in points below the title."""
    for letter, ax in zip("abcdefghijklmnopqrstuvwxyz", np.ravel(axes), strict=False):
        ax.set_title(f"{letter}   {ax.get_title(loc='left')}".rstrip(), loc="left", pad=pad)


def contrast_ratio(colour: str, other: str) -> float:
    """Contrast of two opaque colours: 1 of equal ones, 21 of black and white [1]_.

    References
    ----------
    .. [1] Web Content Accessibility Guidelines (WCAG) 2.2. W3C Recommendation, 2023: contrast ratio.
    """
    dark, light = sorted(_luminance(one) for one in (colour, other))
    return (light + 0.05) / (dark + 0.05)


def text_colour(colour: str, background: str = "white") -> str:
    """The colour in which a text names a series of this colour: its hue, as dark as it takes to be read.

    Parameters
    ----------
    colour : str
        Of the lines or marks.
    background : str
        What the text stands on; a light colour.

    Returns
    -------
    str
        As #rrggbb: the colour itself where its contrast is enough, else darkened in steps of one per cent until it is.

    Raises
    ------
    ValueError
        Where not even black can be read on the background.
    """
    for percent in range(100, -1, -1):
        darker = to_hex([percent / 100 * part for part in to_rgb(colour)])
        if contrast_ratio(darker, background) >= TEXT_CONTRAST:
            return darker
    raise ValueError(f"text is darkened to be read on a light background; {background} is too dark for that")


def repeated(colours: Sequence[str], n: int) -> list[str]:
    """So many colours, from the first again where there are not enough."""
    return [colours[i % len(colours)] for i in range(n)]


def round_limits(values: np.ndarray, *, pad: float = 0.05) -> tuple[float, float]:
    """Limits that hold all finite values with a margin; never of zero width."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = pad * (high - low) or abs(high) * pad or 1.0
    return low - margin, high + margin


def _luminance(colour: str) -> float:
    """Relative luminance, from 0 of black to 1 of white."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def _settle_layout(figure: Figure) -> None:
    """Lay the figure out and freeze it, so that PNG and SVG, with and without the mark, look the same."""
    if figure.get_layout_engine() is None:
        return
    for _ in range(2):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _add_badge(figure: Figure) -> None:
    """Lengthen the figure by a strip at the foot and write the mark into it; once only."""
    if any(text.get_gid() == _BADGE for text in figure.texts):
        return
    width, height = figure.get_size_inches()
    strip = _BADGE_MM / 25.4
    share = strip / (height + strip)
    for ax in figure.axes:
        x, y, w, h = ax.get_position(original=True).bounds
        ax.set_position((x, share + y * (1 - share), w, h * (1 - share)), which="both")
    for text in figure.texts:
        text.set_y(share + text.get_position()[1] * (1 - share))
    for legend in figure.legends:
        legend.set_bbox_to_anchor((0, share, 1, 1 - share), transform=figure.transFigure)
    figure.set_size_inches(width, height + strip)
    figure.text(
        1 - 2 / 25.4 / width,
        share * 0.45,
        SIMULATED_TEXT,
        ha="right",
        va="center",
        fontsize=5.5,
        color="white",
        gid=_BADGE,
        bbox={"boxstyle": "round,pad=0.35", "facecolor": GREY, "edgecolor": "none"},
    ).set_in_layout(False)
