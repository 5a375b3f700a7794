"""Figures in journal style, each with the numbers it draws, and interactive hearts."""

from cardiolib.figures.agreement import agreement_summary, bland_altman
from cardiolib.figures.cine import short_axis_mosaic
from cardiolib.figures.history import search_history, training_history
from cardiolib.figures.interactive import heart_animation, heart_surface, save_interactive
from cardiolib.figures.latent import latent_map
from cardiolib.figures.motion_plots import endpoint_error, volume_curves
from cardiolib.figures.rendering import VIEWS, add_colour_bar, render_surface
from cardiolib.figures.style import new_figure, panel_letters, save_figure, styled
from cardiolib.figures.survival_plots import concordance_forest, kaplan_meier

__all__ = [
    "VIEWS",
    "add_colour_bar",
    "agreement_summary",
    "bland_altman",
    "concordance_forest",
    "endpoint_error",
    "heart_animation",
    "heart_surface",
    "kaplan_meier",
    "latent_map",
    "new_figure",
    "panel_letters",
    "render_surface",
    "save_figure",
    "save_interactive",
    "search_history",
    "short_axis_mosaic",
    "styled",
    "training_history",
    "volume_curves",
]
