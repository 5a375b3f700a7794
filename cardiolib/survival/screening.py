"""A cheap stand-in for a fit on the inputs, to rank settings in a search. Never a reported model.

Neighbouring points and frames move alike, so a random tenth of the 11,514 inputs holds nearly the same distances
between patients. The stand-in trains the network on that tenth. So that it learns as fast as the network it stands
for, the step of the first layer counts D / d times: with Adam each weight moves at the same rate, and what the
hidden units see is a sum over inputs. (Inputs are multiplied by D / d, first weights divided by its root.)

Training in principal coordinates needs no stand-in: it is as fast as this one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cardiolib.survival.corruption import Dropout
from cardiolib.survival.gradient import Weights
from cardiolib.survival.preprocessing import Standardiser
from cardiolib.survival.settings import NetworkSettings
from cardiolib.survival.training import initialise, optimise

N_KEPT = 1000
_DRAW = 2019  # of the inputs kept: the same for all settings, folds and searches


@dataclass(frozen=True, eq=False)
class ThinnedRows:
    """Training and test rows at the inputs that are kept, scaled by all training rows.

    Attributes
    ----------
    train, test : (N, d) and (M, d) float32 arrays
    n_features : int
        D.
    """

    train: np.ndarray
    test: np.ndarray
    n_features: int


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
    scaled = (np.ascontiguousarray(standardiser.apply(x, np.float32)[:, kept]) for x in (train, test))
    return ThinnedRows(*scaled, n_features)


def screened_log_risk(rows: ThinnedRows, event, time, settings: NetworkSettings, *, seed: int) -> np.ndarray:
    """Train on the thinned training rows and return log risks (M,) of the test rows.

    Parameters
    ----------
    rows : ThinnedRows
    event, time : (N,) arrays
        Outcomes of the training rows.
    settings : NetworkSettings
        With ``coordinates="inputs"``; everything has its usual meaning.
    seed : int

    Raises
    ------
    FloatingPointError
        If the loss or a predicted risk is not finite.
    """
    d = rows.train.shape[1]
    ratio = np.float32(rows.n_features / d)
    weight_seed, mask_seed, batch_seed = np.random.SeedSequence(seed).spawn(3)
    weights = Weights(d, settings.hidden, settings.latent)
    initialise(weights, weight_seed)
    as_wide = np.sqrt((d + settings.hidden) / (rows.n_features + settings.hidden))  # Glorot's width of all inputs
    weights["encoder_hidden.weight"][...] *= as_wide / np.sqrt(ratio)
    weights["decoder_output.weight"][...] *= as_wide
    dropout = Dropout(settings.dropout, np.random.Generator(np.random.SFC64(mask_seed)))
    buffer = np.empty_like(rows.train)

    def corrupt(clean: np.ndarray, chosen) -> np.ndarray:
        noisy = dropout(clean, buffer[: clean.shape[0]])
        noisy *= ratio
        return noisy

    optimise(weights, rows.train, np.asarray(event), np.asarray(time), settings, corrupt=corrupt,
             rng=np.random.default_rng(batch_seed))
    return forward_log_risk(weights, rows.test * ratio, settings)


def forward_log_risk(weights: Weights, x: np.ndarray, settings: NetworkSettings) -> np.ndarray:
    """Log risks (N,) float64 of network inputs `x` (N, D), by weights as they are while training."""
    lowest = -np.inf if settings.activation == "linear" else 0
    h = np.maximum(x @ weights["encoder_hidden.weight"].T + weights["encoder_hidden.bias"], lowest)
    z = np.maximum(h @ weights["encoder_code.weight"].T + weights["encoder_code.bias"], lowest)
    risk = (z @ weights["risk.weight"][0]).astype(float)
    if not np.isfinite(risk).all():
        raise FloatingPointError("training diverged: predicted risks are not finite")
    return risk
