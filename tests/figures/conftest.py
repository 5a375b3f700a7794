"""Every still figure that a test of this folder draws is looked through afterwards: can all of its text be read?"""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.text import Text

from cardiolib.figures import style


def faint_texts(figure: Figure) -> list[tuple[str, str, str, float]]:
    """Texts below the least contrast: text, its colour, the colour behind it, and their contrast."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    places = [text.get_window_extent() for text in texts]
    for text in texts:
        text.set_visible(False)
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())[..., :3] / 255
    for text in texts:
        text.set_visible(True)
    found = []
    for text, place in zip(texts, places, strict=True):
        behind = _behind(text, place, picture)
        *rgb, opacity = to_rgba(text.get_color(), text.get_alpha())
        seen = to_hex(opacity * np.array(rgb) + (1 - opacity) * behind)
        ratio = style.contrast_ratio(seen, to_hex(behind))
        if ratio < 4.5:
            found.append((text.get_text(), seen, to_hex(behind), round(ratio, 2)))
    return found


def _behind(text: Text, place, picture: np.ndarray) -> np.ndarray:
    """What a text stands on: its own box, its own contour (all around each letter), or most of what is drawn there."""
    if text.get_bbox_patch() is not None:
        return np.array(text.get_bbox_patch().get_facecolor()[:3])
    for effect in text.get_path_effects():
        if "foreground" in getattr(effect, "_gc", {}):
            return np.array(to_rgba(effect._gc["foreground"])[:3])
    height = len(picture)
    rows = slice(max(0, int(height - place.y1)), max(0, int(np.ceil(height - place.y0))))
    pixels = picture[rows, max(0, int(place.x0)) : max(0, int(np.ceil(place.x1)))].reshape(-1, 3)
    return np.median(pixels, axis=0) if len(pixels) else np.ones(3)


@pytest.fixture(name="faint_texts")
def _faint_texts():
    return faint_texts


@pytest.fixture(autouse=True)
def readable(monkeypatch):
    """Fail a test that drew a text with too little contrast."""
    drawn = []

    def canvas(figure):
        drawn.append(figure)
        return FigureCanvasAgg(figure)

    monkeypatch.setattr(style, "FigureCanvasAgg", canvas)
    yield
    faint = [one for figure in drawn for one in faint_texts(figure)]
    assert not faint, f"text that is hard to read: {faint}"
