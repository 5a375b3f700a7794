"""Names of the package and where they live; read when a name is first used."""

from .agreement import agreement_summary as agreement_summary
from .agreement import bland_altman as bland_altman
from .cine import short_axis_mosaic as short_axis_mosaic
from .curves import (
    displacement_curves as displacement_curves,
)
from .curves import (
    reconstruction as reconstruction,
)
from .curves import (
    region_shares as region_shares,
)
from .hearts import motion_views as motion_views
from .hearts import shape_views as shape_views
from .history import search_history as search_history
from .history import training_history as training_history
from .interactive import (
    heart_animation as heart_animation,
)
from .interactive import (
    heart_surface as heart_surface,
)
from .interactive import (
    save_interactive as save_interactive,
)
from .latent import latent_map as latent_map
from .latent import latent_stability as latent_stability
from .motion_plots import endpoint_error as endpoint_error
from .motion_plots import function_curves as function_curves
from .network_plots import (
    architecture as architecture,
)
from .network_plots import (
    latent_code as latent_code,
)
from .network_plots import (
    searched_settings as searched_settings,
)
from .plotly_images import beating_in_images as beating_in_images
from .plotly_patients import (
    kaplan_meier_interactive as kaplan_meier_interactive,
)
from .plotly_patients import (
    latent_map_interactive as latent_map_interactive,
)
from .plotly_plots import (
    beating_heart as beating_heart,
)
from .plotly_plots import (
    saliency_interactive as saliency_interactive,
)
from .plotly_plots import (
    shapes_interactive as shapes_interactive,
)
from .plotly_risk import beating_together as beating_together
from .region_phase import region_phase as region_phase
from .rendering import VIEWS as VIEWS
from .rendering import add_colour_bar as add_colour_bar
from .rendering import render_surface as render_surface
from .risk_hearts import risk_curves as risk_curves
from .risk_hearts import risk_hearts as risk_hearts
from .risk_plots import hazard_scatter as hazard_scatter
from .risk_plots import predicted_survival as predicted_survival
from .saliency_plots import saliency_views as saliency_views
from .style import (
    new_figure as new_figure,
)
from .style import (
    panel_letters as panel_letters,
)
from .style import (
    save_figure as save_figure,
)
from .style import (
    styled as styled,
)
from .survival_plots import concordance_forest as concordance_forest
from .survival_plots import kaplan_meier as kaplan_meier
from .validation_plots import calibration as calibration
from .validation_plots import risk_over_time as risk_over_time
