"""How good is the prediction, and how sure are we: concordance, bootstrap, comparison, survival curves."""

from cardiolib.validation.censoring import uncensored_probability
from cardiolib.validation.concordance import (
    Concordance,
    ConcordanceComparison,
    compare_concordance,
    concordance,
    uno_concordance,
)
from cardiolib.validation.estimators import (
    Validation,
    estimate_632plus,
    out_of_bag_risk,
    replicate_concordances,
    validate,
)
from cardiolib.validation.model_comparison import ModelComparison, compare_models
from cardiolib.validation.paper import paper_out_of_bag_risk, paper_percentile_interval, paper_wilcoxon
from cardiolib.validation.pipelines import FitRecipe
from cardiolib.validation.resampling import BootstrapSettings, Prediction, draw_bag, run_bootstrap
from cardiolib.validation.sample_size import max_parameters, max_r2_cox_snell, minimum_sample_size
from cardiolib.validation.store import BootstrapStore, read_bootstrap, write_bootstrap
from cardiolib.validation.survival_curves import (
    GroupedSurvival,
    compare_groups,
    kaplan_meier_groups,
    numbers_at_risk,
    risk_groups,
    survival_at,
)
from cardiolib.validation.training_variance import PairOutOfBag, pair_out_of_bag

__all__ = [
    "BootstrapSettings", "BootstrapStore", "Concordance", "ConcordanceComparison", "FitRecipe", "GroupedSurvival", "ModelComparison", "PairOutOfBag",
    "Prediction", "Validation", "compare_concordance", "compare_groups", "compare_models", "concordance", "draw_bag",
    "estimate_632plus", "kaplan_meier_groups", "max_parameters", "max_r2_cox_snell",
    "minimum_sample_size", "numbers_at_risk", "out_of_bag_risk", "pair_out_of_bag", "paper_out_of_bag_risk",
    "paper_percentile_interval", "paper_wilcoxon", "read_bootstrap", "replicate_concordances",
    "risk_groups", "run_bootstrap", "survival_at", "uncensored_probability", "uno_concordance",
    "validate", "write_bootstrap",
]
