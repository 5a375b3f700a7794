"""The network trained again on bags of patients: what of the pictures stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from scipy.spatial import procrustes
from sklearn.neighbors import NearestNeighbors

from cardiolib.interpretation.attribution import attribute_network
from cardiolib.interpretation.latent import LatentMap
from cardiolib.interpretation.risk_motion import RiskMotion, regression_motion
from cardiolib.survival import FittedNetwork, concordance_index
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network
from cardiolib.survival.outcomes import check_features, check_outcomes
from cardiolib.validation import draw_bag


@dataclass(frozen=True, eq=False)
class Refit:
    """A network of one bag, seen at all patients.

    Attributes
    ----------
    code : (N, L) array
    log_risk : (N,) array
    out_of_bag : (N,) bool array
    phase_importance : (T - 1, V) array
        Of its integrated gradients.
    risk_motion : RiskMotion
        Regression of motion on its risk, in the patients it has not seen.
    """

    code: np.ndarray = field(repr=False)
    log_risk: np.ndarray = field(repr=False)
    out_of_bag: np.ndarray = field(repr=False)
    phase_importance: np.ndarray = field(repr=False)
    risk_motion: RiskMotion = field(repr=False)


def refit_networks(
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    settings: NetworkSettings,
    *,
    n_refits: int,
    n_vertices: int,
    seed: int,
    map_units: Callable = map,
) -> list[Refit]:
    """Train on `n_refits` bootstrap bags with one setting (no search in the bag).

    Parameters
    ----------
    X : (N, D) array
        mm.
    event, time : (N,) arrays
    settings : NetworkSettings
    n_refits, n_vertices : int
    seed : int
        Of the bags and of training.
    map_units : callable
        ``map_units(function, items)``: results in order.
    """
    event, time, X = check_outcomes(event, time, X=X)
    work = partial(
        _refit,
        X=check_features(X),
        event=event,
        time=time,
        settings=settings,
        n_vertices=n_vertices,
        seed=seed,
    )
    return list(map_units(work, range(n_refits)))


@dataclass(frozen=True, eq=False)
class NullNetwork:
    """A network trained on outcomes that were dealt out to the patients at random.

    Attributes
    ----------
    network : FittedNetwork
    event, time : (N,) arrays
        The shuffled outcomes.
    c_index : float
        Apparent: of its log risk for the patients and (shuffled) outcomes it was trained on.
    """

    network: FittedNetwork = field(repr=False)
    event: np.ndarray = field(repr=False)
    time: np.ndarray = field(repr=False)
    c_index: float


def fit_null_network(
    X: np.ndarray, event: np.ndarray, time: np.ndarray, settings: NetworkSettings, *, seed: int
) -> NullNetwork:
    """Shuffle the outcomes over the patients and train: whatever its code shows is not there.

    Parameters
    ----------
    X : (N, D) array
        mm.
    event, time : (N,) arrays
        Shuffled together.
    settings : NetworkSettings
    seed : int
    """
    event, time, X = check_outcomes(event, time, X=X)
    order = np.random.default_rng(seed).permutation(len(X))
    event, time = event[order], time[order]
    network = fit_network(X, event, time, settings, seed=seed)
    return NullNetwork(network, event, time, concordance_index(network.predict_log_risk(X), event, time))


def latent_stability(reference: LatentMap, refitted: list[LatentMap], *, n_neighbours: int) -> pd.DataFrame:
    """How far maps of refitted networks resemble the map of the network itself.

    Parameters
    ----------
    reference : LatentMap
    refitted : list of LatentMap
        Of the same patients in the same order.
    n_neighbours : int

    Returns
    -------
    DataFrame
        One row a refit: ``disparity``, 0 for maps that are equal up to shift, turn, mirror and scale, 1 at worst
        (Procrustes); ``neighbours kept``, the share of a patient's `n_neighbours` nearest on one map that are nearest
        on the other too, and ``by chance``, what two unrelated maps would share.
    """
    if not refitted or any(one.coordinates.shape != reference.coordinates.shape for one in refitted):
        raise ValueError("stability needs at least one map of the same patients as the reference")
    own, n = _nearest(reference.coordinates, n_neighbours), len(reference.coordinates)
    rows = []
    for number, one in enumerate(refitted):
        shared = (own & _nearest(one.coordinates, n_neighbours)).sum(axis=1)
        rows.append(
            {
                "method": reference.method,
                "refit": number,
                "disparity": procrustes(reference.coordinates, one.coordinates)[2],
                "neighbours kept": float(shared.mean() / n_neighbours),
                "by chance": n_neighbours / (n - 1),
            }
        )
    return pd.DataFrame(rows)


def aligned_coordinates(reference: LatentMap, refitted: list[LatentMap]) -> np.ndarray:
    """Coordinates (1 + B, N, 2) of reference and refits, each shifted, turned and scaled onto the reference."""
    pairs = [procrustes(reference.coordinates, one.coordinates)[:2] for one in refitted]
    return np.stack([pairs[0][0], *(moved for _, moved in pairs)])


def direction_stability(refits: list[Refit]) -> pd.DataFrame:
    """Cosine between the risk motions of every two refits: mean, least and greatest."""
    if len(refits) < 2:
        raise ValueError(f"{len(refits)} refits: at least two are needed to compare them")
    cosines = [a.risk_motion.cosine(b.risk_motion) for i, a in enumerate(refits) for b in refits[:i]]
    return pd.DataFrame(
        {"cosine between refits": {"mean": np.mean(cosines), "least": np.min(cosines), "greatest": np.max(cosines)}}
    ).T.assign(refits=len(refits))


def _refit(
    number: int,
    *,
    X: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    settings: NetworkSettings,
    n_vertices: int,
    seed: int,
) -> Refit:
    bag = draw_bag(seed, number, len(X))
    model_seed = int(np.random.SeedSequence(seed, spawn_key=(number, 1)).generate_state(1)[0])
    network = fit_network(X[bag], event[bag], time[bag], settings, seed=model_seed)
    risk, unseen = network.predict_log_risk(X), ~np.isin(np.arange(len(X)), bag)
    attribution = attribute_network(network, X)
    return Refit(
        network.code(X),
        risk,
        unseen,
        attribution.phase_importance(n_vertices=n_vertices),
        regression_motion(np.where(unseen, risk, np.nan), X, n_vertices=n_vertices),
    )


def _nearest(coordinates: np.ndarray, n_neighbours: int) -> np.ndarray:
    """(N, N) bool: is the column among the row's nearest, itself left out."""
    index = NearestNeighbors(n_neighbors=n_neighbours).fit(coordinates).kneighbors(return_distance=False)
    near = np.zeros((len(coordinates), len(coordinates)), dtype=bool)
    np.put_along_axis(near, index, True, axis=1)
    return near
