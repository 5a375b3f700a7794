"""Figures in journal style, each with the numbers it draws, and interactive hearts."""

from cardiolib.figures.agreement import agreement_summary, bland_altman
from cardiolib.figures.cine import short_axis_mosaic
from cardiolib.figures.curves import displacement_curves, reconstruction, region_shares
from cardiolib.figures.hearts import motion_views, shape_views
from cardiolib.figures.history import search_history, training_history
from cardiolib.figures.interactive import heart_animation, heart_surface, save_interactive
from cardiolib.figures.latent import latent_map, latent_stability
from cardiolib.figures.motion_plots import endpoint_error, function_curves
from cardiolib.figures.network_plots import architecture, latent_code, searched_settings
from cardiolib.figures.plotly_images import beating_in_images
from cardiolib.figures.plotly_patients import kaplan_meier_interactive, latent_map_interactive
from cardiolib.figures.plotly_plots import beating_heart, saliency_interactive, shapes_interactive
from cardiolib.figures.plotly_risk import beating_together
from cardiolib.figures.region_phase import region_phase
from cardiolib.figures.rendering import VIEWS, add_colour_bar, render_surface
from cardiolib.figures.risk_hearts import risk_curves, risk_hearts
from cardiolib.figures.risk_plots import hazard_scatter, predicted_survival
from cardiolib.figures.saliency_plots import saliency_views
from cardiolib.figures.style import new_figure, panel_letters, save_figure, styled
from cardiolib.figures.survival_plots import concordance_forest, kaplan_meier
from cardiolib.figures.validation_plots import calibration, risk_over_time

__all__ = [
    "VIEWS",
    "add_colour_bar",
    "agreement_summary",
    "architecture",
    "beating_heart",
    "beating_in_images",
    "beating_together",
    "bland_altman",
    "calibration",
    "concordance_forest",
    "displacement_curves",
    "endpoint_error",
    "function_curves",
    "hazard_scatter",
    "heart_animation",
    "heart_surface",
    "kaplan_meier",
    "kaplan_meier_interactive",
    "latent_code",
    "latent_map",
    "latent_map_interactive",
    "latent_stability",
    "motion_views",
    "new_figure",
    "panel_letters",
    "predicted_survival",
    "reconstruction",
    "region_phase",
    "region_shares",
    "render_surface",
    "risk_curves",
    "risk_hearts",
    "risk_over_time",
    "saliency_interactive",
    "saliency_views",
    "save_figure",
    "save_interactive",
    "search_history",
    "searched_settings",
    "shape_views",
    "shapes_interactive",
    "short_axis_mosaic",
    "styled",
    "training_history",
]
