"""Training of the supervised denoising autoencoder under either protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from cardiolib.survival.corruption import Dropout
from cardiolib.survival.cox import breslow_baseline
from cardiolib.survival.gradient import LossGradient, StepLoss, Weights
from cardiolib.survival.model import FittedNetwork
from cardiolib.survival.outcomes import check_features, check_outcomes
from cardiolib.survival.preprocessing import Standardiser
from cardiolib.survival.risk_sets import RiskSets
from cardiolib.survival.settings import NetworkSettings

Corruption = Callable[[np.ndarray, slice | np.ndarray], tuple[np.ndarray, np.ndarray | None]]
ADAM_EPSILON = {"exact": 1e-8, "published": 1e-7}  # the second is Keras' default, as released


def fit_network(X, event, time, settings: NetworkSettings, *, seed: int, feature_shape: tuple[int, ...] = (),
                progress: bool = False) -> FittedNetwork:
    """Train the network on every row given.

    Parameters
    ----------
    X : (N, D) array
        Motion, one row a patient (mm). Read as float32.
    event : (N,) array of bool or 0/1
        True where death was observed.
    time : (N,) array
        Time to death or to the end of observation, in one unit; the fitted survival curves use that unit.
    settings : NetworkSettings
    seed : int
        Of initial weights, batches and dropout. The same seed, data and number of threads give the same
        bytes on the same machine. Weights and masks use streams of their own, so two settings fitted with
        one seed share their random numbers as far as their shapes allow.
    feature_shape : tuple of int, optional
        How the D columns are laid out, e.g. ``(19, 202, 3)`` for frames, vertices, xyz. Stored with the model.
    progress : bool
        Show a progress bar over epochs.

    Returns
    -------
    FittedNetwork

    Raises
    ------
    ValueError
        If a row of X is not finite (rows named), outcomes are malformed, lengths differ, fewer than two
        patients or no death are given, or `feature_shape` does not hold D numbers.
    FloatingPointError
        If the loss stops being finite: the learning rate is too high for these features.
    """
    X, event, time = check_training_data(X, event, time)
    if feature_shape and int(np.prod(feature_shape)) != X.shape[1]:
        raise ValueError(f"feature_shape {feature_shape} holds {int(np.prod(feature_shape))} numbers, "
                         f"but X has {X.shape[1]} columns")
    standardiser = Standardiser.fit(X, settings.standardise)
    x = standardiser.apply(X, dtype=np.float32)
    weight_seed, mask_seed, batch_seed = np.random.SeedSequence(seed).spawn(3)
    weights = Weights(x.shape[1], settings.hidden, settings.latent)
    initialise(weights, weight_seed)
    history = optimise(
        weights, x, event, time, settings, corrupt=_dropout(settings, mask_seed, x.shape),
        learning_rate=10.0**settings.log10_learning_rate, rng=np.random.default_rng(batch_seed), progress=progress,
    )
    fitted = FittedNetwork(
        settings=settings, standardiser=standardiser, weights=dict(weights.views), baseline=None,
        history=history, seed=seed, n_patients=int(event.size), n_events=int(event.sum()),
        feature_shape=tuple(feature_shape) or (x.shape[1],),
    )
    return fitted.with_baseline(breslow_baseline(fitted.predict_log_risk(X), event, time))


def check_training_data(X, event, time) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check features and outcomes together: one row a patient, at least two patients and one death."""
    X = check_features(X)
    event, time = check_outcomes(event, time)
    if X.shape[0] != event.size:
        raise ValueError(f"X has {X.shape[0]} rows, event and time have {event.size}: join them by patient ID")
    if event.size < 2 or not event.any():
        raise ValueError(f"a fit needs at least two patients and one death, got {event.size} patients "
                         f"and {int(event.sum())} deaths")
    return X, event, time


def initialise(weights: Weights, seeds: np.random.SeedSequence, *, n_features: int | None = None) -> None:
    """Fill with Glorot-uniform weights and zero biases, each layer from a stream of its own.

    `n_features` replaces D in the width of the distribution, for weights on a reduced basis of D features.
    Source: Glorot and Bengio, AISTATS 9:249-256 (2010); the default of the software the paper used.
    """
    for (name, view), child in zip(weights.views.items(), seeds.spawn(len(weights.views)), strict=True):
        if view.ndim == 1:
            view[...] = 0
            continue
        fans = sum(view.shape)
        if n_features is not None and name in ("encoder_hidden.weight", "decoder_output.weight"):
            fans = n_features + weights["encoder_hidden.bias"].size
        limit = np.sqrt(6.0 / fans)
        view[...] = np.random.Generator(np.random.SFC64(child)).uniform(-limit, limit, size=view.shape)


def optimise(weights: Weights, x: np.ndarray, event, time, settings: NetworkSettings, *, corrupt: Corruption,
             learning_rate: float, rng: np.random.Generator, n_features_scale: int | None = None,
             progress: bool = False) -> pd.DataFrame:
    """Run all epochs on network inputs `x`, moving `weights` in place.

    Parameters
    ----------
    weights : Weights
    x : (N, D) float32 array
    event, time : (N,) arrays
    settings : NetworkSettings
        `protocol` decides batches, ties, scales and Adam's epsilon.
    corrupt : callable
        ``(clean, rows) -> (noisy, noise_h or None)``, see `LossGradient`.
    learning_rate : float
    rng : numpy.random.Generator
        Of the mini-batches.
    n_features_scale : int, optional
        See `LossGradient`.

    Returns
    -------
    DataFrame
        One row an epoch: epoch, total, reconstruction, cox, activity (means over its steps).

    Raises
    ------
    FloatingPointError
        If the loss stops being finite.
    """
    exact = settings.protocol == "exact"
    loss = LossGradient(weights, alpha=settings.alpha, l1=10.0**settings.log10_l1, exact=exact,
                        n_features_scale=n_features_scale)
    adam = _adam(weights, loss.gradient, learning_rate, ADAM_EPSILON[settings.protocol])
    epochs = _full_batches(event, time, settings) if exact else _mini_batches(event, time, settings, rng)
    rows_of_history = []
    for batches in tqdm(epochs, total=settings.epochs, desc="training", disable=not progress):
        steps = []
        for rows, risk_sets in batches:
            clean = x[rows]
            noisy, noise_h = corrupt(clean, rows)
            with np.errstate(over="ignore", invalid="ignore"):  # a divergence is an error below
                steps.append(loss(noisy, clean, risk_sets, noise_h=noise_h))
            adam.step()
        rows_of_history.append(np.mean(steps, axis=0))
        if not np.isfinite(rows_of_history[-1][0]):
            raise FloatingPointError(f"the loss is not finite after epoch {len(rows_of_history)}: lower "
                                     f"log10_learning_rate (now {settings.log10_learning_rate}) or standardise")
    history = pd.DataFrame(np.array(rows_of_history), columns=list(StepLoss._fields))
    history.insert(0, "epoch", np.arange(1, len(history) + 1))
    return history


def _adam(weights: Weights, gradient: Weights, learning_rate: float, epsilon: float) -> torch.optim.Adam:
    """Adam (Kingma and Ba, ICLR 2015) over the one flat vector; torch works on numpy's memory."""
    parameter = torch.from_numpy(weights.flat)
    parameter.grad = torch.from_numpy(gradient.flat)
    return torch.optim.Adam([parameter], lr=learning_rate, eps=epsilon, fused=True)


def _dropout(settings: NetworkSettings, seeds: np.random.SeedSequence, shape: tuple[int, int]) -> Corruption:
    dropout = Dropout(settings.dropout, np.random.Generator(np.random.SFC64(seeds)))
    buffer = np.empty(shape, dtype=np.float32)
    return lambda clean, rows: (dropout(clean, buffer[: clean.shape[0]]), None)


def _full_batches(event, time, settings) -> Iterator[list]:
    batch = [(slice(None), RiskSets(event, time, ties="efron"))]
    for _ in range(settings.epochs):
        yield batch


def _mini_batches(event, time, settings, rng) -> Iterator[list]:
    """Partitions into batches, the smaller last one kept: one for all epochs if frozen, else one an epoch."""
    batches: list = []
    for _ in range(settings.epochs):
        if not batches or not settings.frozen_batches:
            cuts = np.arange(settings.batch_size, event.size, settings.batch_size)
            batches = [(rows, RiskSets(event[rows], time[rows], ties="breslow"))
                       for rows in np.split(rng.permutation(event.size), cuts)]
        yield batches
