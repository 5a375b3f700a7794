"""Training of the supervised denoising autoencoder under either protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike

from cardiolib.progress import progress as progress_bar
from cardiolib.survival.cox import breslow_baseline
from cardiolib.survival.data import SurvivalData, with_outcomes
from cardiolib.survival.network.accelerated.batch_step import FusedBatchStep
from cardiolib.survival.network.accelerated.gradient import LossGradient, StepLoss, Weights
from cardiolib.survival.network.accelerated.principal import PrincipalRows, principal_rows
from cardiolib.survival.network.corruption import Dropout
from cardiolib.survival.network.fitted import FittedNetwork
from cardiolib.survival.network.preprocessing import Standardiser
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.outcomes import check_features, check_outcomes
from cardiolib.survival.risk_sets import RiskSets

Corruption = Callable[[np.ndarray, slice | np.ndarray], np.ndarray]
ADAM_EPSILON = {"exact": 1e-8, "published": 1e-7}  # the second is Keras' default, as released


def fit_network(
    X: ArrayLike | SurvivalData,
    event: ArrayLike | None = None,
    time: ArrayLike | None = None,
    settings: NetworkSettings | None = None,
    *,
    seed: int = 0,
    feature_shape: tuple[int, ...] = (),
    provenance: Mapping[str, str] | None = None,
    progress: bool = False,
) -> FittedNetwork:
    """Train the network on every row given.

    Parameters
    ----------
    X : (N, D) array or SurvivalData
        Motion, one row a patient (mm). Read as float32. SurvivalData bring outcomes, layout and time unit along.
    event : (N,) array of bool or 0/1
        True where death was observed.
    time : (N,) array
        Time to death or to the end of observation, in one unit; the fitted survival curves use that unit.
    settings : NetworkSettings, optional
    seed : int
        Of initial weights, batches and dropout. The same seed, data and number of threads give the same
        bytes on the same machine. Weights and masks use streams of their own, so two settings fitted with
        one seed share their random numbers as far as their shapes allow.
    feature_shape : tuple of int, optional
        How the D columns are laid out, e.g. ``(19, 202, 3)`` for frames, vertices, xyz. Stored with the model.
    provenance : mapping of str to str, optional
        Kept in the model and its file: what it was trained on.
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

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(40, 12))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> model = cl.fit_network(X, time < 2, time.clip(max=2), cl.NetworkSettings(hidden=8, latent=2, epochs=5))
    >>> model
    <FittedNetwork: 12 -> 8 -> 2, protocol exact, trained on 40 patients with 35 deaths, seed 0>
    >>> model.predict_log_risk(X).shape
    (40,)
    """
    if isinstance(X, SurvivalData):
        mark = {"simulated": "yes"} if X.simulated else {}
        about = {"time_unit": X.time_unit, "training_data_sha256": X.fingerprint(), **mark}
        provenance = {**about, **(provenance or {})}
        feature_shape = feature_shape or X.feature_shape
    settings = NetworkSettings() if settings is None else settings
    X, event, time = check_training_data(*with_outcomes(X, event, time))
    if feature_shape and int(np.prod(feature_shape)) != X.shape[1]:
        raise ValueError(
            f"feature_shape {feature_shape} holds {int(np.prod(feature_shape))} numbers, but X has {X.shape[1]} columns"
        )
    standardiser = Standardiser.fit(X, settings.standardise)
    x = standardiser.apply(X, dtype=np.float32)
    # The plain definition is `autoencoder.train_plainly`; what runs here are faster ways to the same mathematics.
    # In principal coordinates (the default) the network reads N scores in place of D inputs (accelerated/principal.py).
    # On the inputs, "exact" takes the gradient by hand (LossGradient) and "published" fuses it with Adam, batch by
    # batch (FusedBatchStep).
    if settings.coordinates == "principal":
        rows = principal_rows(x)
        weights, history = train_on_scores(rows, event, time, settings, seed=seed, progress=progress)
        arrays = rows.unfold(weights)
    else:
        weights, history = train_on_inputs(x, event, time, settings, seed=seed, progress=progress)
        arrays = dict(weights.views)
    fitted = FittedNetwork(
        settings=settings,
        standardiser=standardiser,
        weights=arrays,
        baseline=None,
        history=history,
        seed=seed,
        n_patients=int(event.size),
        n_events=int(event.sum()),
        feature_shape=tuple(feature_shape) or (x.shape[1],),
        provenance=dict(provenance or {}),
    )
    return fitted.with_baseline(breslow_baseline(fitted.predict_log_risk(X), event, time))


def train_on_inputs(
    x: np.ndarray, event: np.ndarray, time: np.ndarray, settings: NetworkSettings, *, seed: int, progress: bool = False
) -> tuple[Weights, pd.DataFrame]:
    """Weights and history of a training on scaled features `x` (N, D) float32, with input dropout."""
    weight_seed, mask_seed, batch_seed = np.random.SeedSequence(seed).spawn(3)
    weights = Weights(x.shape[1], settings.hidden, settings.latent)
    initialise(weights, weight_seed)
    history = optimise(
        weights,
        x,
        event,
        time,
        settings,
        corrupt=_dropout(settings, mask_seed, x.shape),
        rng=np.random.default_rng(batch_seed),
        progress=progress,
    )
    return weights, history


def train_on_scores(
    rows: PrincipalRows,
    event: np.ndarray,
    time: np.ndarray,
    settings: NetworkSettings,
    *,
    seed: int,
    progress: bool = False,
) -> tuple[Weights, pd.DataFrame]:
    """Weights and history of a training in principal coordinates; ``rows.unfold`` turns the weights back."""
    weight_seed, noise_seed, batch_seed = np.random.SeedSequence(seed).spawn(3)
    weights = Weights(rows.scores.shape[1], settings.hidden, settings.latent)
    initialise(weights, weight_seed)
    corrupt = rows.corruption(settings, np.random.Generator(np.random.SFC64(noise_seed)))
    history = optimise(
        weights,
        rows.scores,
        event,
        time,
        settings,
        corrupt=corrupt,
        scale=rows.scale,
        rng=np.random.default_rng(batch_seed),
        progress=progress,
    )
    return weights, history


def check_training_data(X: ArrayLike, event: ArrayLike, time: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Check features and outcomes together: one row a patient, at least two patients and one death."""
    if np.ndim(X) != 2:
        check_features(X)  # says what shape is wanted
    event, time, X = check_outcomes(event, time, X=X)
    X = check_features(X)
    if event.size < 2 or not event.any():
        raise ValueError(
            f"a fit needs at least two patients and one death, got {event.size} patients and {int(event.sum())} deaths"
        )
    return X, event, time


def initialise(weights: Weights, seeds: np.random.SeedSequence) -> None:
    """Fill with Glorot-uniform weights and zero biases, each layer from a stream of its own.

    Source: Glorot and Bengio, AISTATS 9:249-256 (2010); the default of the software the paper used.
    """
    for view, child in zip(weights.views.values(), seeds.spawn(len(weights.views)), strict=True):
        if view.ndim == 1:
            view[...] = 0
            continue
        limit = np.sqrt(6.0 / sum(view.shape))
        view[...] = np.random.Generator(np.random.SFC64(child)).uniform(-limit, limit, size=view.shape)


def optimise(
    weights: Weights,
    x: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    settings: NetworkSettings,
    *,
    corrupt: Corruption,
    rng: np.random.Generator,
    scale: float | None = None,
    kind: type[Any] | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Run all epochs on network inputs `x`, moving `weights` in place.

    Parameters
    ----------
    weights : Weights
    x : (N, D) float32 array
    event, time : (N,) arrays
    settings : NetworkSettings
        `protocol` decides batches, ties, scales and Adam's epsilon.
    corrupt : callable
        ``(clean, rows) -> noisy``.
    rng : numpy.random.Generator
        Of the mini-batches.
    scale : float, optional
        See `LossGradient`.
    kind : type, optional
        What computes a step: of `LossGradient` under ``exact``, of `FusedBatchStep` under ``published``.
    progress : bool

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
    step = (
        _full_step(weights, settings, scale, kind or LossGradient)
        if exact
        else _batch_step(weights, settings, scale, kind or FusedBatchStep)
    )
    epochs = _full_batches(event, time, settings) if exact else _mini_batches(event, time, settings, rng)
    rows_of_history = []
    for batches in progress_bar(epochs, total=settings.epochs, label="training", shown=progress):
        with np.errstate(over="ignore", invalid="ignore"):  # a divergence is an error below
            steps = [
                step(corrupt(clean, rows), clean, risk_sets)
                for rows, clean, risk_sets in ((rows, x[rows], risk_sets) for rows, risk_sets in batches)
            ]
        rows_of_history.append(np.mean(steps, axis=0))
        if not np.isfinite(rows_of_history[-1][0]):
            raise FloatingPointError(
                f"the loss is not finite after epoch {len(rows_of_history)}: lower "
                f"log10_learning_rate (now {settings.log10_learning_rate}) or standardise"
            )
    history = pd.DataFrame(np.array(rows_of_history), columns=list(StepLoss._fields))
    history.insert(0, "epoch", np.arange(1, len(history) + 1))
    return history


def _full_step(
    weights: Weights, settings: NetworkSettings, scale: float | None, kind: type[LossGradient]
) -> Callable[..., StepLoss]:
    """Gradient of all patients at once, then AdamW over the one flat vector; torch works on numpy's memory."""
    loss = kind(
        weights,
        alpha=settings.alpha,
        l1=10.0**settings.log10_l1,
        exact=True,
        scale=scale,
        linear=settings.activation == "linear",
    )
    parameter = torch.from_numpy(weights.flat)
    parameter.grad = torch.from_numpy(loss.gradient.flat)
    adam = torch.optim.AdamW(
        [parameter],
        lr=10.0**settings.log10_learning_rate,
        eps=ADAM_EPSILON["exact"],
        weight_decay=settings.weight_decay,
        fused=True,
    )

    def step(noisy: np.ndarray, clean: np.ndarray, risk_sets: Any) -> StepLoss:
        before = loss(noisy, clean, risk_sets)
        adam.step()
        return before

    return step


def _batch_step(
    weights: Weights, settings: NetworkSettings, scale: float | None, kind: type[Any]
) -> Callable[..., StepLoss]:
    return kind(
        weights,
        alpha=settings.alpha,
        l1=10.0**settings.log10_l1,
        exact=False,
        scale=scale,
        linear=settings.activation == "linear",
        learning_rate=10.0**settings.log10_learning_rate,
        epsilon=ADAM_EPSILON["published"],
        weight_decay=settings.weight_decay,
    )


def _dropout(settings: NetworkSettings, seeds: np.random.SeedSequence, shape: tuple[int, int]) -> Corruption:
    dropout = Dropout(settings.dropout, np.random.Generator(np.random.SFC64(seeds)))
    buffer = np.empty(shape, dtype=np.float32)
    return lambda clean, rows: dropout(clean, buffer[: clean.shape[0]])


def _full_batches(event: np.ndarray, time: np.ndarray, settings: Any) -> Iterator[list]:
    batch = [(slice(None), RiskSets(event, time, ties="efron"))]
    for _ in range(settings.epochs):
        yield batch


def _mini_batches(event: np.ndarray, time: np.ndarray, settings: Any, rng: np.random.Generator) -> Iterator[list]:
    """Partitions into batches, the smaller last one kept: one for all epochs if frozen, else one an epoch."""
    batches: list = []
    for _ in range(settings.epochs):
        if not batches or not settings.frozen_batches:
            cuts = np.arange(settings.batch_size, event.size, settings.batch_size)
            batches = [
                (rows, RiskSets(event[rows], time[rows], ties="breslow"))
                for rows in np.split(rng.permutation(event.size), cuts)
            ]
        yield batches
