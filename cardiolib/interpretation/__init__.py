"""What the network has learned: maps of patients, where motion goes with risk, and what high risk looks like."""

from cardiolib.interpretation.attribution import Attribution, integrated_gradients, log_risk_function
from cardiolib.interpretation.decode import RiskDirection, decode_risk_direction
from cardiolib.interpretation.latent import LatentMap, laplacian_eigenmaps, pca_map, quality_table, umap_map
from cardiolib.interpretation.motion_magnitude import as_displacements, motion_magnitude_mm
from cardiolib.interpretation.regions import (
    REGIONS,
    summarise_by_region,
    summarise_by_region_and_phase,
    vertex_regions,
)
from cardiolib.interpretation.saliency import Saliency, map_stability, permutation_test, univariate_saliency
from cardiolib.interpretation.truth import TruthScore, score_against_truth

__all__ = [
    "REGIONS",
    "Attribution",
    "LatentMap",
    "RiskDirection",
    "Saliency",
    "TruthScore",
    "as_displacements",
    "decode_risk_direction",
    "integrated_gradients",
    "laplacian_eigenmaps",
    "log_risk_function",
    "map_stability",
    "motion_magnitude_mm",
    "pca_map",
    "permutation_test",
    "quality_table",
    "score_against_truth",
    "summarise_by_region",
    "summarise_by_region_and_phase",
    "umap_map",
    "univariate_saliency",
    "vertex_regions",
]
