"""What the network has learned: maps of patients, where motion goes with risk, and what high risk looks like."""

from cardiolib.interpretation.attribution import (
    Attribution,
    attribute_network,
    integrated_gradients,
    log_risk_function,
)
from cardiolib.interpretation.decode import RiskDirection, decode_risk_direction
from cardiolib.interpretation.latent import LatentMap, laplacian_eigenmaps, pca_map, quality_table, umap_map
from cardiolib.interpretation.motion_magnitude import as_displacements, motion_magnitude_mm
from cardiolib.interpretation.neighbours import NeighbourGraph, neighbour_graph
from cardiolib.interpretation.physiology import change_with_risk, function_over_cycle, physiology
from cardiolib.interpretation.planted import PlantedHazard, PlantedTest, plant_hazard, planted_table, planted_tests
from cardiolib.interpretation.refits import NullNetwork, Refit, fit_null_network, latent_stability, refit_networks
from cardiolib.interpretation.regions import (
    REGIONS,
    summarise_by_region,
    summarise_by_region_and_phase,
    vertex_regions,
)
from cardiolib.interpretation.risk_motion import (
    RiskMotion,
    compare_risk_motions,
    decoded_motions,
    regression_motion,
    true_risk_motion,
)
from cardiolib.interpretation.risk_source import ExplainedRisk, explained_risk, martingale_residuals
from cardiolib.interpretation.saliency import (
    Saliency,
    map_stability,
    permutation_test,
    phase_saliency,
    univariate_saliency,
)
from cardiolib.interpretation.truth import TruthScore, score_against_truth

__all__ = [
    "REGIONS",
    "Attribution",
    "ExplainedRisk",
    "LatentMap",
    "NeighbourGraph",
    "NullNetwork",
    "PlantedHazard",
    "PlantedTest",
    "Refit",
    "RiskDirection",
    "RiskMotion",
    "Saliency",
    "TruthScore",
    "as_displacements",
    "attribute_network",
    "change_with_risk",
    "compare_risk_motions",
    "decode_risk_direction",
    "decoded_motions",
    "explained_risk",
    "fit_null_network",
    "function_over_cycle",
    "integrated_gradients",
    "laplacian_eigenmaps",
    "latent_stability",
    "log_risk_function",
    "map_stability",
    "martingale_residuals",
    "motion_magnitude_mm",
    "pca_map",
    "permutation_test",
    "phase_saliency",
    "neighbour_graph",
    "physiology",
    "plant_hazard",
    "planted_table",
    "planted_tests",
    "quality_table",
    "refit_networks",
    "regression_motion",
    "score_against_truth",
    "summarise_by_region",
    "summarise_by_region_and_phase",
    "true_risk_motion",
    "umap_map",
    "univariate_saliency",
    "vertex_regions",
]
