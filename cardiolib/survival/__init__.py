"""From motion to log risk: the supervised denoising autoencoder, its search, and the models it is compared with."""

from cardiolib.survival.concordance import ConcordanceCounts, concordance_counts, concordance_index
from cardiolib.survival.conventional import CoxSettings, FittedCox, PcaCoxSettings, fit_cox, fit_pca_cox
from cardiolib.survival.cox import BaselineHazard, breslow_baseline, cox_nll
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.folds import patient_folds
from cardiolib.survival.lasso import LassoCoxSettings, fit_lasso_cox
from cardiolib.survival.network.fitted import FittedNetwork, load_network
from cardiolib.survival.network.search import SearchResult, SearchSettings, cross_validate, search
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network
from cardiolib.survival.prediction import predict_cohort
from cardiolib.survival.recipes import CoxRecipe, LassoCoxRecipe, NetworkRecipe, PcaCoxRecipe

__all__ = [
    "SurvivalData",
    "BaselineHazard",
    "ConcordanceCounts",
    "CoxRecipe",
    "CoxSettings",
    "FittedCox",
    "FittedNetwork",
    "LassoCoxRecipe",
    "LassoCoxSettings",
    "NetworkRecipe",
    "NetworkSettings",
    "PcaCoxRecipe",
    "PcaCoxSettings",
    "SearchResult",
    "SearchSettings",
    "breslow_baseline",
    "concordance_counts",
    "concordance_index",
    "cox_nll",
    "cross_validate",
    "fit_cox",
    "fit_lasso_cox",
    "fit_network",
    "fit_pca_cox",
    "load_network",
    "patient_folds",
    "predict_cohort",
    "search",
]
