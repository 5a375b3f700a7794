"""The supervised denoising autoencoder, whole: one encoder, two heads, one loss.

    x  (N, D)  motion of one heart, D = 11,514
    |  dropout                               "denoising": part of the motion is hidden, in training only
    h  (N, H)  ReLU, L1 penalty on activity
    z  (N, L)  ReLU                          the latent code
    |-- r  (N,)     linear, no bias          log risk: "supervised" by the Cox likelihood
    `-- q  (N, H)   ReLU
        x^ (N, D)   linear                   the motion, decoded from the code

Source: Bello et al., Nature Machine Intelligence 1:95-104 (2019). One deviation: the risk head has no bias,
because the Cox likelihood compares patients and cannot see a constant.

This module is the definition: the network, its loss, and a training loop that can be read aloud.
:mod:`cardiolib.survival.network.training` trains with the faster code of
:mod:`cardiolib.survival.network.accelerated`; tests hold its gradient to `hybrid_loss` and its trained weights to
`train_plainly`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from cardiolib.survival.cox import cox_nll
from cardiolib.survival.network.corruption import Dropout
from cardiolib.survival.network.settings import NetworkSettings


class Output(NamedTuple):
    """What the network makes of a batch of N patients."""

    log_risk: torch.Tensor  # (N,)
    reconstruction: torch.Tensor  # (N, D)
    code: torch.Tensor  # (N, L)
    hidden: torch.Tensor  # (N, H) activity of the first hidden layer


class SupervisedAutoencoder(nn.Module):
    """Input -> hidden -> code -> {log risk, mirrored decoder}.

    Parameters
    ----------
    n_features, hidden, latent : int
        D, H and L of the picture at the top of this module.
    activation : {"relu", "linear"}
        ``linear``: without any ReLU.
    """

    def __init__(self, n_features: int, hidden: int, latent: int, activation: str = "relu") -> None:
        super().__init__()
        self.activate = nn.Identity() if activation == "linear" else nn.ReLU()
        self.encoder_hidden = nn.Linear(n_features, hidden)
        self.encoder_code = nn.Linear(hidden, latent)
        self.risk = nn.Linear(latent, 1, bias=False)
        self.decoder_hidden = nn.Linear(latent, hidden)
        self.decoder_output = nn.Linear(hidden, n_features)

    def forward(self, x: torch.Tensor) -> Output:
        """Run the network on features `x` (N, D), already corrupted if this is a training step."""
        hidden, code = self.encode(x)
        return Output(self.risk(code).squeeze(1), self.decode(code), code, hidden)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden activity (N, H) and latent code (N, L)."""
        hidden = self.activate(self.encoder_hidden(x))  # (N, D) -> (N, H)
        return hidden, self.activate(self.encoder_code(hidden))  # (N, H) -> (N, L)

    def decode(self, code: torch.Tensor) -> torch.Tensor:
        """Reconstruct features (N, D) from a code (N, L)."""
        return self.decoder_output(self.activate(self.decoder_hidden(code)))  # (N, L) -> (N, H) -> (N, D)


class Loss(NamedTuple):
    """The loss of one step and its parts, before weighting."""

    total: torch.Tensor
    reconstruction: torch.Tensor  # mean squared error over patients and features
    cox: torch.Tensor  # negative log partial likelihood on the protocol's scale
    activity: torch.Tensor  # L1 activity of the first hidden layer on the protocol's scale


def hybrid_loss(
    output: Output, clean: torch.Tensor, event: np.ndarray, time: np.ndarray, settings: NetworkSettings
) -> Loss:
    """alpha x reconstruction + (1 - alpha) x Cox + l1 x activity.

    Parameters
    ----------
    output : Output
        From the corrupted features.
    clean : (N, D) tensor
        The features before corruption: what the decoder must restore.
    event, time : (N,) tensors
        Outcomes of these N patients; the risk set is these patients.
    settings : NetworkSettings
        `alpha`, `log10_l1` and `protocol`. The protocol fixes the scales: ``exact`` divides the Cox term
        by the number of deaths and the activity by the number of patients; ``published`` divides neither.
        (Whether Keras divides the activity penalty by the batch size depends on its version.)
    """
    exact = settings.protocol == "exact"
    nll, n_events = cox_nll(output.log_risk, event, time, ties="efron" if exact else "breslow")
    reconstruction = torch.mean((output.reconstruction - clean) ** 2)
    cox = nll / max(n_events, 1) if exact else nll
    activity = output.hidden.abs().sum() / (clean.shape[0] if exact else 1)
    total = settings.alpha * reconstruction + (1 - settings.alpha) * cox + 10.0**settings.log10_l1 * activity
    return Loss(total, reconstruction, cox, activity)


def train_plainly(
    network: SupervisedAutoencoder,
    x: np.ndarray,
    event: np.ndarray,
    time: np.ndarray,
    settings: NetworkSettings,
    *,
    seed: int,
) -> np.ndarray:
    """Train a network step by step with torch alone: the definition of what `fit_network` does faster.

    Parameters
    ----------
    network : SupervisedAutoencoder
        Moved in place, from the weights that it has.
    x : (N, D) float32 array
        Features, scaled already.
    event, time : (N,) arrays
        Outcomes; event is True where death was observed.
    settings : NetworkSettings
        With ``coordinates="inputs"``; width, code and activation are the network's own.
    seed : int
        Of dropout masks and mini-batches; those of `fit_network` under the same seed.

    Returns
    -------
    (epochs, 4) array
        Total, reconstruction, Cox term and activity as in `Loss`: of each epoch, the mean over its steps.

    Raises
    ------
    ValueError
        The settings train in principal coordinates, which are no part of the plain definition.

    Examples
    --------
    >>> import numpy as np
    >>> from cardiolib.survival.network.autoencoder import SupervisedAutoencoder, train_plainly
    >>> x = np.random.default_rng(1).normal(size=(40, 12)).astype(np.float32)
    >>> settings = NetworkSettings.on_inputs(log10_learning_rate=-2.5, epochs=20)
    >>> network = SupervisedAutoencoder(12, 8, 2)
    >>> history = train_plainly(network, x, np.ones(40, bool), np.arange(40.0), settings, seed=0)
    >>> history.shape, bool(history[-1, 0] < history[0, 0])
    ((20, 4), True)
    """
    if settings.coordinates != "inputs":
        raise ValueError(f'train_plainly moves weights of the inputs; give coordinates="inputs", not {settings}')
    _, mask_seed, batch_seed = np.random.SeedSequence(seed).spawn(3)  # the first is for initial weights
    dropout = Dropout(settings.dropout, np.random.Generator(np.random.SFC64(mask_seed)))
    rng = np.random.default_rng(batch_seed)
    rate, decay = 10.0**settings.log10_learning_rate, settings.weight_decay
    if settings.protocol == "exact":
        adam: torch.optim.Optimizer = torch.optim.AdamW(network.parameters(), lr=rate, eps=1e-8, weight_decay=decay)
        batches = [np.arange(len(x))]  # one step an epoch, with every patient
    else:
        adam = torch.optim.Adam(network.parameters(), lr=rate, eps=1e-7, weight_decay=decay)
        batches = []
    history = []
    for _ in range(settings.epochs):
        if settings.protocol == "published" and not (batches and settings.frozen_batches):
            batches = np.split(rng.permutation(len(x)), np.arange(settings.batch_size, len(x), settings.batch_size))
        steps = []
        for rows in batches:
            clean = x[rows]  # (B, D)
            noisy = dropout(clean, np.empty_like(clean))
            loss = hybrid_loss(
                network(torch.from_numpy(noisy)), torch.from_numpy(clean), event[rows], time[rows], settings
            )
            adam.zero_grad()
            loss.total.backward()
            adam.step()
            steps.append([part.item() for part in loss])
        history.append(np.mean(steps, axis=0))
    return np.array(history)
