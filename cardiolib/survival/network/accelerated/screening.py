"""A cheap stand-in for a fit on the inputs, to rank settings in a search. Never a reported model.

What a short training on the inputs reaches depends on the initial weights, not on the settings alone. So the stand-in
starts from the weights of the fit that it stands for, and reads all D inputs through them, once. What training adds to
the first layer is different: the weights' changes follow the motion, and neighbouring points and frames move alike.
It learns these changes at d random inputs, each of which counts D / d times.

Dropout acts through sums over inputs, and is matched there:

* an input that counts D / d times is D / d inputs with a mask each, so the noise that it makes in a hidden unit is that
  of a weaker dropout, with odds p / (1 - p) divided by D / d;
* Adam divides by the size of each weight's own gradient, whose noise is that of the full dropout: the gradient sees the
  same input with a second mask on top;
* through the initial weights dropout makes Gaussian noise, independent between hidden units.

The decoder is left out: its error is a mean over D inputs, and what of it reaches the code is small beside the Cox
term. Training in principal coordinates needs no stand-in: it is as fast as this one.

Measured for the exact protocol on the inputs, see ``benchmarks/survival_screening.py``. Under ``published`` it is
coarser: inputs are not centred, units of the code die in some fits, and stand-in and full fit do not always agree in
which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival.network.accelerated.batch_step import FusedBatchStep
from cardiolib.survival.network.accelerated.gradient import LossGradient, Weights, log_risk_of_first_layer
from cardiolib.survival.network.corruption import Dropout
from cardiolib.survival.network.preprocessing import Standardiser
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import initialise, optimise

N_KEPT = 1000
_DRAW = 2019  # of the inputs kept: the same for all settings, folds and searches


@dataclass(frozen=True, eq=False)
class ThinnedRows:
    """Training and test rows at the inputs that are kept, scaled by all training rows.

    Attributes
    ----------
    train, test : (N, d) and (M, d) float32 arrays
    squares : (N,) float32 array
        Sum of squares of each training row over all D inputs, scaled.
    standardiser : Standardiser
        Of all D inputs.
    kept : (d,) int array
    """

    train: np.ndarray
    test: np.ndarray
    squares: np.ndarray
    standardiser: Standardiser
    kept: np.ndarray

    @property
    def ratio(self) -> float:
        """D / d: how often each input counts."""
        return self.standardiser.mean.size / self.kept.size


def thin_rows(train: np.ndarray, test: np.ndarray, standardise: str, *, n_kept: int = N_KEPT) -> ThinnedRows:
    """Scale by the training rows, then keep `n_kept` random inputs (all of them, if there are fewer).

    Parameters
    ----------
    train, test : (N, D) and (M, D) arrays
    standardise : str
        As in `NetworkSettings`.
    n_kept : int
    """
    standardiser, n_features = Standardiser.fit(train, standardise), train.shape[1]
    kept = np.sort(np.random.default_rng(_DRAW).permutation(n_features)[:n_kept])
    scaled = standardiser.apply(train, np.float32)
    return ThinnedRows(
        np.ascontiguousarray(scaled[:, kept]),
        np.ascontiguousarray(standardiser.apply(test, np.float32)[:, kept]),
        np.einsum("ij,ij->i", scaled, scaled),
        standardiser,
        kept,
    )


def screened_log_risk(
    rows: ThinnedRows,
    train: np.ndarray,
    test: np.ndarray,
    event: ArrayLike,
    time: ArrayLike,
    settings: NetworkSettings,
    *,
    seed: int,
) -> np.ndarray:
    """Train the stand-in and return log risks (M,) of the test rows.

    Parameters
    ----------
    rows : ThinnedRows
    train, test : (N, D) and (M, D) float32 arrays
        The rows that were thinned.
    event, time : (N,) arrays
        Outcomes of the training rows.
    settings : NetworkSettings
        With ``coordinates="inputs"``. Everything has its usual meaning, but `alpha` only weakens the Cox term.
    seed : int
        That of the fit it stands for: initial weights and mini-batches are the same.

    Raises
    ------
    FloatingPointError
        If the loss or a predicted risk is not finite.
    """
    weight_seed, mask_seed, batch_seed = np.random.SeedSequence(seed).spawn(3)
    full = Weights(train.shape[1], settings.hidden, settings.latent)
    initialise(full, weight_seed)
    weights = Weights(rows.kept.size, settings.hidden, settings.latent)
    for name in weights.views.keys() - {"encoder_hidden.weight", "decoder_output.weight", "decoder_output.bias"}:
        weights[name][...] = full[name]
    first = full["encoder_hidden.weight"]
    at_start = _read(train, first, rows.standardiser)
    noise = np.sqrt(_odds(settings.dropout) * np.mean(first**2) * rows.squares).astype(np.float32)[:, None]
    corrupt = corruption(rows, at_start, noise, settings.dropout, np.random.Generator(np.random.SFC64(mask_seed)))
    optimise(
        weights,
        rows.train,
        np.asarray(event),
        np.asarray(time),
        settings,
        corrupt=corrupt,
        rng=np.random.default_rng(batch_seed),
        scale=train.shape[1],
        kind=_ThinnedGradient if settings.protocol == "exact" else _ThinnedBatchStep,
    )
    learned = rows.test @ weights["encoder_hidden.weight"].T
    learned *= np.float32(rows.ratio)
    return log_risk_of_first_layer(_read(test, first, rows.standardiser) + learned, weights, settings)


def _read(X: np.ndarray, weight: np.ndarray, standardiser: Standardiser) -> np.ndarray:
    """``standardiser.apply(X) @ weight.T`` (N, H) without the scaled copy of X."""
    scaled = weight / standardiser.scale.astype(np.float32)
    return X @ scaled.T - scaled @ standardiser.mean.astype(np.float32)


def _odds(probability: float) -> float:
    return probability / (1 - probability)


def corruption(
    rows: ThinnedRows, at_start: np.ndarray, noise: np.ndarray, dropout: float, rng: np.random.Generator
) -> Any:
    """The noise of training: a function of (clean, rows), as `optimise` takes it.

    Parameters
    ----------
    rows : ThinnedRows
    at_start : (N, H) float32 array
        What the initial weights read of the training rows.
    noise : (N, 1) float32 array
        Standard deviation that dropout adds to it.
    dropout : float
    rng : numpy.random.Generator
    """
    odds = _odds(dropout)
    weak = odds / rows.ratio
    rest = (1 + odds) / (1 + weak) - 1  # the two masks together have the odds of the full dropout
    masks = [Dropout(each / (1 + each), rng) for each in (weak, rest)]
    buffers = [np.empty_like(rows.train) for _ in masks]

    def corrupt(clean: np.ndarray, chosen: np.ndarray) -> _Noisy:
        n = clean.shape[0]
        read = masks[0](clean, buffers[0][:n])
        initial = rng.standard_normal((n, at_start.shape[1]), dtype=np.float32)
        initial *= noise[chosen]
        initial += at_start[chosen]
        return _Noisy(initial, read, masks[1](read, buffers[1][:n]))

    return corrupt


class _Noisy(NamedTuple):
    initial: np.ndarray  # (N, H) what the initial weights read
    read: np.ndarray  # (N, d) what the changes of the weights read
    learned: np.ndarray  # (N, d) what they learn from


class _FirstLayer(LossGradient):
    """The first layer of the stand-in, in place of that of `LossGradient`; no decoder."""

    def _hidden(self, noisy: _Noisy) -> np.ndarray:  # type: ignore[override]  # the stand-in reads three arrays
        h = super()._hidden(noisy.read)
        h *= h.dtype.type(self._scale / noisy.read.shape[1])
        h += noisy.initial
        return h

    def _encoder(self, dh: np.ndarray, noisy: _Noisy) -> None:  # type: ignore[override]  # the same
        super()._encoder(dh, noisy.learned)

    def _decoder(self, q: np.ndarray, x: np.ndarray) -> tuple[float, np.ndarray]:
        return 0.0, np.zeros_like(q)


class _ThinnedGradient(_FirstLayer):
    pass


class _ThinnedBatchStep(_FirstLayer, FusedBatchStep):  # type: ignore[misc]  # the same
    pass
