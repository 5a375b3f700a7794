"""Contrast of text: the measure itself, the shades it leads to, and figures with more series than others draw."""

import colorsys
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_results import patient_maps, performance, risk_hearts
from matplotlib.colors import to_rgb

from cardiolib import figures
from cardiolib.figures.style import GREY, INK, PALETTE, SIMULATED_TEXT, contrast_ratio, new_figure, text_colour
from cardiolib.meshes import SurfaceMesh
from cardiolib.motion import HeartInImages, MovingHeart
from cardiolib.shape import ExampleShape
from cardiolib.validation import calibrate, kaplan_meier_groups

N = 240
RNG = np.random.default_rng(11)
RISK = RNG.normal(size=N)
TIME = RNG.exponential(5 / np.exp(RISK)) + 0.01
EVENT = TIME < 9
SIX = [f"model {i}" for i in range(1, 7)]
RING = np.array([[np.cos(a), np.sin(a), 0.1 * a] for a in np.linspace(0, 6, 12)]) * 20
BALL = np.vstack([RING, [[0, 0, 30], [0, 0, -30]]])
MESH = SurfaceMesh(BALL, np.array([one for i in range(12) for one in ((i, (i + 1) % 12, 12), ((i + 1) % 12, i, 13))]))
BEAT = np.stack([BALL, 0.9 * BALL, 0.8 * BALL])
VALUES = np.linspace(-1, 1, len(BALL))


@pytest.mark.parametrize(
    "one, other, ratio",
    [
        ("black", "white", 21.0),
        ("white", "white", 1.0),
        ("#777777", "white", 4.48),
        ("#767676", "white", 4.54),
        ("red", "white", 4.0),
        ("blue", "white", 8.59),
        ("lime", "white", 1.37),
        ("#56B4E9", "white", 2.31),
    ],
)
def test_contrast_is_that_of_the_guidelines(one, other, ratio):
    assert contrast_ratio(one, other) == pytest.approx(ratio, abs=0.005)
    assert contrast_ratio(other, one) == contrast_ratio(one, other)


@pytest.mark.parametrize("colour", [*PALETTE, "#F0E442", GREY, INK, "black", "white"])
@pytest.mark.parametrize("background", ["white", "#F0F0F0"])
def test_text_has_its_series_hue_and_is_no_darker_than_needed(colour, background):
    shade = text_colour(colour, background)
    assert contrast_ratio(shade, background) >= 4.5
    (hue, saturation, value), (h, s, v) = (colorsys.rgb_to_hsv(*to_rgb(one)) for one in (colour, shade))
    assert (h, s) == pytest.approx((hue, saturation), abs=0.01)
    if v < value:
        assert contrast_ratio(shade, background) < 4.8
    else:
        assert to_rgb(shade) == to_rgb(colour)


def test_no_shade_can_be_read_on_a_dark_background():
    with pytest.raises(ValueError, match="#333333 is too dark"):
        text_colour(PALETTE[0], "#333333")


def test_faint_text_is_found(faint_texts):
    figure, axes = new_figure(80, 50)
    axes[0, 0].imshow([[0.0, 0.0], [1.0, 1.0]], cmap="gray", extent=(0, 1, 0, 1), aspect="auto")
    for y, colour, name in (
        (0.25, "white", "white on white"),
        (0.75, "white", "white on black"),
        (0.4, "#222222", "dark on white"),
        (0.6, "#222222", "dark on black"),
    ):
        axes[0, 0].text(0.5, y, name, color=colour, ha="center", va="center")
    axes[0, 0].text(0.5, 0.1, "half", color="black", alpha=0.4)
    axes[0, 0].set_title("title", color=PALETTE[5])
    assert {text for text, *_ in faint_texts(figure)} == {"white on white", "dark on black", "half", "title"}
    for text in [*axes[0, 0].texts, axes[0, 0].title, axes[0, 0]._left_title]:
        text.set_text("")


def six_groups():
    return {"Network": kaplan_meier_groups(RISK, EVENT, TIME, n_groups=6)}


def six_rows():
    rows = [(model, "out-of-bag", 0.6 + 0.03 * i, 0.5, 0.8) for i, model in enumerate(SIX)]
    table = pd.DataFrame(rows, columns=["model", "estimator", "C", "95% low", "95% high"])
    return SimpleNamespace(table=table)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: figures.kaplan_meier(six_groups()),
        lambda: figures.concordance_forest(six_rows()),
        lambda: figures.calibration(
            performance(
                {
                    name: [calibrate(1 / (1 + np.exp(-RISK - 0.2 * i)), EVENT, TIME, 1.0, n_groups=3)]
                    for i, name in enumerate(SIX)
                }
            )
        ),
    ],
)
def test_all_colours_of_the_palette_give_text_that_is_read_and_told_apart(draw, faint_texts):
    figure, _ = draw()
    assert not faint_texts(figure)
    written = {text.get_color() for ax in figure.axes for text in ax.texts}
    shades = {text_colour(colour) for colour in PALETTE}
    assert shades <= written and len(shades) == len(PALETTE)


def test_mark_of_simulated_figures_is_read_on_its_box(tmp_path, faint_texts):
    figure, _ = new_figure(80, 50)
    figures.save_figure(figure, tmp_path, "f", simulated=True)
    assert SIMULATED_TEXT in {text.get_text() for text in figure.texts} and not faint_texts(figure)
    page = figures.save_interactive(figures.heart_surface(BALL, MESH.triangles), tmp_path, "f", simulated=True)
    background, colour = re.search(r"footer span {\s*background: ([^;]+); color: ([^;]+);", page.read_text()).groups()
    assert contrast_ratio(background, colour) >= 4.5


def patients_on_maps():
    maps = {name: RNG.normal(size=(N, 2)) for name in ("pca", "umap")}
    return figures.latent_map_interactive(patient_maps(maps, EVENT, TIME, log_risk=RISK)).figure


INTERACTIVE = {
    "surface": lambda: figures.heart_surface(BALL, MESH.triangles, VALUES, title="a", colour_bar="b"),
    "one colour": lambda: figures.heart_surface(BALL, MESH.triangles, title="a", hover=["point"] * len(BALL)),
    "animation": lambda: figures.heart_animation(BEAT, MESH.triangles, BEAT[..., 2], title="a", colour_bar="b"),
    "beating": lambda: (
        figures.motion_views_interactive(MovingHeart("a", MESH, BEAT, "truth", {"true": BEAT, "tracked": BEAT})).figure
    ),
    "together": lambda: (
        figures.risk_hearts_interactive(risk_hearts(MESH, {"low risk": BEAT, "high risk": BEAT}), title="a").figure
    ),
    "shapes": lambda: (
        figures.shape_views_interactive(
            ExampleShape("a", {"lv_endo": MESH, "rv_endo": MESH.with_points(BALL - [50, 0, 0])}), title="a"
        ).figure
    ),
    "in images": lambda: (
        figures.heart_in_images_interactive(
            HeartInImages(
                "a",
                {"rv_endo": MESH},
                {"rv_endo": BEAT},
                np.arange(60.0).reshape(3, 4, 5),
                RNG.normal(size=(4, 5, 3)),
                np.arange(3),
            )
        ).figure
    ),
    "saliency": lambda: figures.values_on_surface_interactive(MESH, {"r": VALUES, "g": VALUES**2}, title="a").figure,
    "saliency of points": lambda: (
        figures.values_on_surface_interactive(
            SurfaceMesh(BALL, np.zeros((0, 3), int)), {"r": VALUES, "g": VALUES**2}
        ).figure
    ),
    "saliency by number": lambda: (
        figures.values_on_surface_interactive(
            SurfaceMesh(np.zeros_like(BALL), np.zeros((0, 3), int)), {"r": VALUES, "g": VALUES**2}
        ).figure
    ),
    "six groups": lambda: figures.kaplan_meier_interactive(six_groups()).figure,
    "maps": patients_on_maps,
}


def layout_fonts(part, *, inherited, behind):
    """(colour, background) of every part of a layout that has a font or a background of its own."""
    if isinstance(part, (list, tuple)):
        for one in part:
            yield from layout_fonts(one, inherited=inherited, behind=behind)
    elif isinstance(part, dict):
        behind = part.get("bgcolor", behind)
        fonts = [value for key, value in part.items() if key.endswith("font") and isinstance(value, dict)]
        if "bgcolor" in part and "font" not in part:
            yield inherited, behind
        for font in fonts:
            yield font.get("color", inherited), behind
        for key, value in part.items():
            if key not in ("template", "args"):
                yield from layout_fonts(value, inherited=inherited, behind=behind)


def opaque(colour, behind="white"):
    """A colour of plotly as matplotlib knows it, half-transparent ones over the page."""
    numbers = re.fullmatch(r"rgba?\(([^)]*)\)", colour)
    if not numbers:
        return colour
    *rgb, opacity = [float(number) for number in numbers[1].split(",")] + [1.0] * (numbers[1].count(",") == 2)
    return tuple(opacity * part / 255 + (1 - opacity) * base for part, base in zip(rgb, to_rgb(behind), strict=True))


@pytest.mark.parametrize("name", INTERACTIVE)
def test_text_of_interactive_figures_can_be_read(name):
    figure = INTERACTIVE[name]()
    layout, template = figure.layout.to_plotly_json(), figure.layout.template.layout
    colour = figure.layout.font.color or template.font.color
    page = layout.get("paper_bgcolor") or template.paper_bgcolor
    pairs = [(colour, page), *layout_fonts(layout, inherited=colour, behind=page)]
    for trace in figure.data:
        parts = [trace[key] for key in ("textfont", "colorbar", "hoverlabel") if key in trace]
        parts += [trace.marker.colorbar] if "marker" in trace and "colorbar" in trace.marker else []
        props = {
            f"{i}font" if part.plotly_name == "textfont" else str(i): part.to_plotly_json()
            for i, part in enumerate(parts)
        }
        pairs += layout_fonts(props, inherited=colour, behind=page)
    assert len(pairs) > 1
    faint = [pair for pair in pairs if contrast_ratio(*map(opaque, pair)) < 4.5]
    assert not faint
    assert not any("color:" in annotation.text for annotation in figure.layout.annotations)


@pytest.mark.parametrize("name", INTERACTIVE)
def test_hover_labels_do_not_take_the_colour_of_the_trace(name):
    figure = INTERACTIVE[name]()
    label = figure.layout.hoverlabel
    assert contrast_ratio(label.font.color, label.bgcolor) >= 4.5
    # A second box beside the label would write the trace's name in the trace's own colour.
    assert "unified" in (figure.layout.hovermode or "") or all(
        trace.hoverinfo == "skip" or trace.hovertemplate.endswith("<extra></extra>") for trace in figure.data
    )
