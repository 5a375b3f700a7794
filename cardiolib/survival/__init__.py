"""From motion to log risk: the supervised denoising autoencoder, its search, and the models it is compared with."""

from cardiolib.survival.concordance import ConcordanceCounts, concordance_counts, concordance_index
from cardiolib.survival.cox import BaselineHazard, breslow_baseline, cox_nll
from cardiolib.survival.model import FittedNetwork, load_network
from cardiolib.survival.settings import NetworkSettings
from cardiolib.survival.training import fit_network

__all__ = [
    "BaselineHazard",
    "ConcordanceCounts",
    "FittedNetwork",
    "NetworkSettings",
    "breslow_baseline",
    "concordance_counts",
    "concordance_index",
    "cox_nll",
    "fit_network",
    "load_network",
]
