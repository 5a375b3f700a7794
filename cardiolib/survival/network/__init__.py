"""The supervised denoising autoencoder: network, settings, training, search."""

from cardiolib.survival.network.fitted import FittedNetwork, load_network
from cardiolib.survival.network.search import SearchResult, SearchSettings, cross_validate, search
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.trade_off import AlphaTradeOff, alpha_trade_off
from cardiolib.survival.network.training import fit_network

__all__ = [
    "AlphaTradeOff",
    "FittedNetwork",
    "NetworkSettings",
    "SearchResult",
    "SearchSettings",
    "alpha_trade_off",
    "cross_validate",
    "fit_network",
    "load_network",
    "search",
]
