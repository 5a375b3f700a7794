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

This module is the definition. :mod:`cardiolib.survival.network.accelerated.gradient` computes the same loss and its
gradient faster; a test holds the two together.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from cardiolib.survival.cox import cox_nll
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


def hybrid_loss(output: Output, clean: torch.Tensor, event, time, settings: NetworkSettings) -> Loss:
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
