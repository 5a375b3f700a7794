"""What a reader may choose about the network, and the two named training protocols."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from cardiolib.settings import Settings

PROTOCOLS = ("exact", "published")
ACTIVATIONS = ("relu", "linear")
COORDINATES = ("principal", "inputs")
STANDARDISATIONS = ("none", "global", "columns")

# Search ranges (low, high). The published ones: Bello et al. 2019, released code demo_validateDL.py line 27.
PUBLISHED_RANGES = {
    "dropout": (0.1, 0.9),
    "hidden": (75, 250),
    "latent": (5, 20),
    "alpha": (0.3, 0.7),
    "log10_learning_rate": (-6.0, -4.5),
    "log10_l1": (-7.0, -4.0),
}
# One step an epoch in principal coordinates moves few weights, each of which matters more: the rate is higher.
EXACT_RANGES = {**PUBLISHED_RANGES, "alpha": (0.1, 0.5), "log10_learning_rate": (-3.25, -2.0)}
# One step an epoch on the inputs themselves.
INPUT_RANGES = {**PUBLISHED_RANGES, "log10_learning_rate": (-6.0, -4.0)}


@dataclass(frozen=True)
class NetworkSettings(Settings):
    """Settings of the supervised denoising autoencoder.

    Attributes
    ----------
    protocol : {"exact", "published"}
        ``exact``: every patient in every step, Efron ties over the full risk set, Cox term and penalty as
        means (per death; per patient). ``published``: mini-batches whose risk set is the batch, Cox term and
        penalty as sums over the batch, as the code released with the paper does.
    coordinates : {"principal", "inputs"}
        In which coordinates the optimiser moves the weights, see
        `~cardiolib.survival.network.accelerated.principal`. ``published`` knows ``inputs`` only.
    hidden, latent : int
        Units of the wide layers and of the code between them.
    activation : {"relu", "linear"}
        ``linear`` leaves out every ReLU: the linear network, a competitor that shows what non-linearity adds.
    dropout : float
        Fraction of the inputs set to zero at each step, in [0, 1); in principal coordinates the Gaussian noise
        that this makes.
    alpha : float
        Weight of the reconstruction error (mean over patients and features); the Cox term has 1 - alpha.
        Its meaning depends on the protocol, because the scale of the Cox term does.
    log10_learning_rate, log10_l1 : float
        Adam's rate, and the weight of the L1 penalty on the activity of the first hidden layer.
    weight_decay : float
        ``exact``: each step shrinks all weights by rate x decay (AdamW). ``published``: decay x weight is added to
        the gradient, as the later release of the authors' code does; the first has none.
    epochs : int
        Passes over the patients; with the learning rate, the main regulariser.
    batch_size : int
        Patients per step under ``published``; not used under ``exact``.
    frozen_batches : bool
        ``published`` only: form the batches once and keep them, as the first author's code does.
    standardise : {"none", "global", "columns"}
        How features are scaled before the network, from training rows only: not at all (millimetres);
        centred, with one common scale; or each column to mean 0 and SD 1. Without centring most units of the
        code die at the first steps (two thirds of them on simulated hearts), and which ones do depends on the seed.

    Notes
    -----
    The defaults were chosen on four simulated cohorts (302 patients, 11,514 features, 28 % deaths; 3,000 other
    patients to judge by), not on the paper's patients, and not on the cohorts of ``benchmarks/survival_truth.py``.

    Examples
    --------
    >>> import cardiolib as cl
    >>> cl.NetworkSettings(latent=8).latent
    8
    >>> cl.NetworkSettings.published().standardise
    'none'
    """

    protocol: str = "exact"
    coordinates: str = "principal"
    hidden: int = 160
    latent: int = 12
    activation: str = "relu"
    dropout: float = 0.3
    alpha: float = 0.3
    log10_learning_rate: float = -2.5
    log10_l1: float = -5.5
    weight_decay: float = 10.0
    epochs: int = 100
    batch_size: int = 16
    frozen_batches: bool = True
    standardise: str = "global"

    RANGES = {
        **dict.fromkeys(("hidden", "latent", "epochs", "batch_size"), (1, math.inf)),
        "alpha": (0.0, 1.0),
        "dropout": (0.0, 0.99),
        "log10_learning_rate": (-12.0, 1.0),
        "log10_l1": (-30.0, 2.0),
        "weight_decay": (0.0, 1e4),
    }
    CHOICES = {
        "protocol": PROTOCOLS,
        "coordinates": COORDINATES,
        "activation": ACTIVATIONS,
        "standardise": STANDARDISATIONS,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.protocol, self.coordinates) == ("published", "principal"):
            raise ValueError(
                'the published protocol trains in coordinates "inputs"; NetworkSettings.published() '
                "sets all that belongs to it"
            )

    @classmethod
    def exact(cls, **changes: Any) -> NetworkSettings:
        """The default protocol: full batch, full risk set with Efron's ties, principal coordinates."""
        return cls(**{"protocol": "exact", **changes})

    @classmethod
    def published(cls, **changes: Any) -> NetworkSettings:
        """The released protocol: frozen batches of 16, batch risk sets, sums, raw millimetres, no weight decay.

        Widths, dropout and rates are the middle of the published search ranges: the released code has no
        default of its own.
        """
        middle = {name: (low + high) / 2 for name, (low, high) in PUBLISHED_RANGES.items()}
        middle["hidden"], middle["latent"] = int(middle["hidden"]), int(middle["latent"])
        return cls(
            **{
                "protocol": "published",
                "coordinates": "inputs",
                "standardise": "none",
                "weight_decay": 0.0,
                **middle,
                **changes,
            }
        )

    @classmethod
    def on_inputs(cls, **changes: Any) -> NetworkSettings:
        """The exact protocol with Adam on the inputs themselves, at the rate that suits them."""
        return cls(
            **{
                "coordinates": "inputs",
                "hidden": 100,
                "alpha": 0.5,
                "log10_learning_rate": -5.0,
                "weight_decay": 0.0,
                **changes,
            }
        )
