"""The front door: its names and where they live; read when a name is first used."""

from . import figures as figures
from .cohorts.opening import open_cohort as open_cohort
from .digital_heart.acquisition import acquire as acquire
from .digital_heart.heart import DigitalHeart as DigitalHeart
from .imaging.cine import Cine as Cine
from .imaging.labels import LabelMap as LabelMap
from .imaging.reading import read_cine as read_cine
from .imaging.reading import read_label_map as read_label_map
from .imaging.reading import write_label_map as write_label_map
from .imaging.scan_reading import read_scan as read_scan
from .interpretation.latent import laplacian_eigenmaps as laplacian_eigenmaps
from .interpretation.saliency import saliency as saliency
from .motion.heart_motion import track as track
from .scan.reported import report as report
from .segmentation.shipped import segment as segment
from .shape.refine import refine_shape as refine_shape
from .survival.data import SurvivalData as SurvivalData
from .survival.network.fitted import load_network as load_network
from .survival.network.settings import NetworkSettings as NetworkSettings
from .survival.network.training import fit_network as fit_network
from .survival.recipes import CoxRecipe as CoxRecipe
from .survival.recipes import LassoCoxRecipe as LassoCoxRecipe
from .survival.recipes import NetworkRecipe as NetworkRecipe
from .survival.recipes import PcaCoxRecipe as PcaCoxRecipe
from .validation.bootstrapped import bootstrap as bootstrap
from .validation.calibration import calibrate as calibrate
from .validation.concordance import compare_concordance as compare_concordance
from .validation.concordance import concordance as concordance
from .validation.cross_validation import cross_validate as cross_validate
from .validation.model_comparison import compare_models as compare_models
from .validation.survival_curves import kaplan_meier_groups as kaplan_meier_groups

__version__: str
