"""How good is the prediction, and how sure are we: concordance, bootstrap, comparison, survival curves."""

from cardiolib.validation.absolute_risk import out_of_bag_absolute_risk, replicate_slopes
from cardiolib.validation.calibration import Calibration, calibrate, net_benefit
from cardiolib.validation.censoring import uncensored_probability
from cardiolib.validation.concordance import (
    Concordance,
    ConcordanceComparison,
    compare_concordance,
    concordance,
    uno_concordance,
)
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

__all__ = [
    "BootstrapSettings",
    "BootstrapStore",
    "Calibration",
    "Concordance",
    "ConcordanceComparison",
    "CrossValidation",
    "CrossValidationSettings",
    "FitRecipe",
    "GroupedSurvival",
    "ModelComparison",
    "PairOutOfBag",
    "Prediction",
    "Validation",
    "brier_score",
    "calibrate",
    "compare_concordance",
    "compare_groups",
    "compare_models",
    "concordance",
    "cross_validate",
    "draw_bag",
    "estimate_632plus",
    "hazard_ratio_per_sd",
    "integrated_brier_score",
    "kaplan_meier_groups",
    "max_parameters",
    "max_r2_cox_snell",
    "minimum_sample_size",
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
    "survival_at",
    "time_dependent_auc",
    "uncensored_probability",
    "uno_concordance",
    "validate",
    "validate_folds",
    "write_bootstrap",
]
