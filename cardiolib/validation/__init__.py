"""How good is the prediction, and how sure are we: concordance, bootstrap, comparison, survival curves."""

from cardiolib.validation.absolute_risk import out_of_bag_absolute_risk, replicate_slopes
from cardiolib.validation.alarms import NoveltyAlarm
from cardiolib.validation.between_centres import Heterogeneity, heterogeneity
from cardiolib.validation.calibration import Calibration, calibrate, net_benefit
from cardiolib.validation.censoring import uncensored_probability
from cardiolib.validation.concordance import (
    Concordance,
    ConcordanceComparison,
    compare_concordance,
    concordance,
    uno_concordance,
)
from cardiolib.validation.conformal import ConformalBound, conformal_bound
from cardiolib.validation.cross_validation import (
    CrossValidation,
    CrossValidationSettings,
    cross_validate,
    validate_folds,
)
from cardiolib.validation.estimators import (
    Validation,
    estimate_632plus,
    out_of_bag_risk,
    replicate_concordances,
    validate,
)
from cardiolib.validation.expected_concordance import model_based_concordance
from cardiolib.validation.external_size import ExternalSampleSize, external_sample_size, slope_sample_size
from cardiolib.validation.left_out_centres import InternalExternal, internal_external
from cardiolib.validation.membership import Membership, membership_model
from cardiolib.validation.model_comparison import ModelComparison, compare_models
from cardiolib.validation.paper import (
    paper_folds,
    paper_median_split,
    paper_out_of_bag_risk,
    paper_percentile_interval,
    paper_wilcoxon,
    share_with_twin,
)
from cardiolib.validation.paper_comparison import paper_beside_right
from cardiolib.validation.pipelines import FitRecipe
from cardiolib.validation.resampling import BootstrapSettings, draw_bag, run_bootstrap
from cardiolib.validation.sample_size import max_parameters, max_r2_cox_snell, minimum_sample_size
from cardiolib.validation.store import BootstrapStore, read_bootstrap, write_bootstrap
from cardiolib.validation.survival_curves import (
    GroupedSurvival,
    compare_groups,
    hazard_ratio_per_sd,
    kaplan_meier_groups,
    numbers_at_risk,
    risk_groups,
    survival_at,
)
from cardiolib.validation.time_dependent import (
    brier_score,
    integrated_brier_score,
    null_brier_score,
    performance_over_time,
    time_dependent_auc,
)
from cardiolib.validation.training_variance import PairOutOfBag, pair_out_of_bag
from cardiolib.validation.units import Prediction
from cardiolib.validation.updating import ModelUpdate, update_model

__all__ = [
    "BootstrapSettings",
    "BootstrapStore",
    "Calibration",
    "Concordance",
    "ConcordanceComparison",
    "ConformalBound",
    "CrossValidation",
    "CrossValidationSettings",
    "ExternalSampleSize",
    "FitRecipe",
    "GroupedSurvival",
    "Heterogeneity",
    "InternalExternal",
    "Membership",
    "ModelComparison",
    "ModelUpdate",
    "NoveltyAlarm",
    "PairOutOfBag",
    "Prediction",
    "Validation",
    "brier_score",
    "calibrate",
    "compare_concordance",
    "compare_groups",
    "compare_models",
    "concordance",
    "conformal_bound",
    "cross_validate",
    "draw_bag",
    "estimate_632plus",
    "external_sample_size",
    "hazard_ratio_per_sd",
    "heterogeneity",
    "integrated_brier_score",
    "internal_external",
    "kaplan_meier_groups",
    "max_parameters",
    "max_r2_cox_snell",
    "membership_model",
    "minimum_sample_size",
    "model_based_concordance",
    "net_benefit",
    "null_brier_score",
    "numbers_at_risk",
    "out_of_bag_absolute_risk",
    "out_of_bag_risk",
    "pair_out_of_bag",
    "paper_beside_right",
    "paper_folds",
    "paper_median_split",
    "paper_out_of_bag_risk",
    "paper_percentile_interval",
    "paper_wilcoxon",
    "performance_over_time",
    "read_bootstrap",
    "replicate_concordances",
    "replicate_slopes",
    "risk_groups",
    "run_bootstrap",
    "share_with_twin",
    "slope_sample_size",
    "survival_at",
    "time_dependent_auc",
    "uncensored_probability",
    "uno_concordance",
    "update_model",
    "validate",
    "validate_folds",
    "write_bootstrap",
]
