"""A trained network: what it predicts, and the one file that holds it."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike

from cardiolib.files import atomic_path, read_arrays
from cardiolib.printed import as_html
from cardiolib.survival.cox import BaselineHazard
from cardiolib.survival.network.accelerated.gradient import StepLoss
from cardiolib.survival.network.autoencoder import SupervisedAutoencoder, hybrid_loss
from cardiolib.survival.network.preprocessing import Standardiser
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.outcomes import check_features

FORMAT = "cardiolib supervised autoencoder 2"
_ROWS_AT_A_TIME = 512


@dataclass(frozen=True, eq=False, repr=False)
class FittedNetwork:
    """A supervised denoising autoencoder with everything needed to use it on new patients.

    Attributes
    ----------
    settings : NetworkSettings
    standardiser : Standardiser
        Fitted on the training rows.
    weights : dict of str to float32 array
        Named as in `SupervisedAutoencoder.state_dict`.
    baseline : BaselineHazard or None
        Breslow's, of the training patients.
    history : DataFrame
        Per epoch, mean over its steps: total, reconstruction, cox, activity.
    seed, n_patients, n_events : int
    feature_shape : tuple of int
        Layout of the D features, e.g. (19, 202, 3).
    provenance : dict of str to str
        What it was trained on: name of the cohort, time unit, hash of the data, versions; free.
    """

    settings: NetworkSettings
    standardiser: Standardiser
    weights: dict[str, np.ndarray]
    baseline: BaselineHazard | None
    history: pd.DataFrame
    seed: int
    n_patients: int
    n_events: int
    feature_shape: tuple[int, ...]
    provenance: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        s, kind = self.settings, "SIMULATED " if self.simulated else ""
        return (
            f"<FittedNetwork: {self.n_features} -> {s.hidden} -> {s.latent}, protocol {s.protocol}, trained on "
            f"{self.n_patients} {kind}patients with {self.n_events} deaths, seed {self.seed}>"
        )

    def _repr_html_(self) -> str:
        return as_html(f"{self!r}\nits last epochs:", self.history.tail(3), decimals=4)

    @property
    def simulated(self) -> bool:
        """Whether it was trained on simulated patients (entry "simulated" of `provenance`)."""
        return self.provenance.get("simulated") == "yes"

    @property
    def n_features(self) -> int:
        """D, the number of columns expected of X."""
        return self.standardiser.mean.size

    def with_baseline(self, baseline: BaselineHazard) -> FittedNetwork:
        """The same model with another baseline hazard (recalibration to another cohort, for example)."""
        return replace(self, baseline=baseline)

    def predict_log_risk(self, X: np.ndarray) -> np.ndarray:
        """Log risk of each patient, higher is worse.

        Parameters
        ----------
        X : (N, D) array
            Features in the unit of training (mm).

        Returns
        -------
        (N,) float64 array
            Its zero has no meaning. Rounded to 10 decimals, so that equal patients get equal risks.

        Raises
        ------
        ValueError
            If X has another number of columns than the model (both are given) or is not finite.
        """
        risks = [self._network().risk(code).squeeze(1).numpy() for _, code in self._encoded(X)]
        return np.round(np.concatenate(risks), 10)

    def code(self, X: np.ndarray) -> np.ndarray:
        """Latent code (N, L) of features (N, D); units that are 0 for everyone are dead."""
        return np.concatenate([code.numpy() for _, code in self._encoded(X)])

    def reconstruct(self, X: np.ndarray) -> np.ndarray:
        """Features (N, D) after encoding and decoding, in the unit of training (mm)."""
        return np.concatenate([self.decode(code.numpy()) for _, code in self._encoded(X)])

    def decode(self, code: ArrayLike) -> np.ndarray:
        """Features (N, D), in the unit of training (mm), of latent codes (N, L)."""
        code = torch.as_tensor(check_features(code, self.settings.latent, dtype=np.float64))
        with torch.no_grad():
            return self.standardiser.undo(self._network().decode(code).numpy())

    def loss(self, X: np.ndarray, event: ArrayLike, time: ArrayLike) -> StepLoss:
        """The hybrid loss of patients (N, D) who are each other's risk set, with nothing of their motion hidden.

        Parameters
        ----------
        X : (N, D) array
            Features in the unit of training (mm).
        event, time : (N,) arrays
            True where death was observed; the unit of time does not matter.

        Returns
        -------
        StepLoss
            total, and its parts before weighting: reconstruction, cox, activity; see
            :func:`cardiolib.survival.network.autoencoder.hybrid_loss`.
        """
        X = check_features(X, self.n_features, dtype=np.float64)
        x = torch.from_numpy(self.standardiser.apply(X))
        parts = hybrid_loss(self._network()(x), x, np.asarray(event), np.asarray(time), self.settings)
        return StepLoss(*(float(part) for part in parts))

    def survival_curve(self, X: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Probability (N, T) that each patient survives beyond each of `times` (T,), unit of training."""
        if self.baseline is None:
            raise ValueError("this model has no baseline hazard; give it one with with_baseline()")
        return self.baseline.survival(self.predict_log_risk(X), times)

    def dead_code_fraction(self, X: np.ndarray) -> float:
        """Fraction of latent units that are 0 for every row of X: a ReLU that died in training."""
        return float(np.mean(~(self.code(X) > 0).any(axis=0)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write one npz file (no pickle), atomically; its bytes depend on the model alone."""
        about = {
            "format": FORMAT,
            "settings": asdict(self.settings),
            "seed": self.seed,
            "n_patients": self.n_patients,
            "n_events": self.n_events,
            "feature_shape": self.feature_shape,
            "provenance": self.provenance,
            "versions": {"numpy": np.__version__, "torch": torch.__version__},
        }
        arrays = {f"weights/{name}": value for name, value in self.weights.items()}
        arrays |= {f"history/{name}": self.history[name].to_numpy() for name in self.history}
        arrays |= {"standardiser/mean": self.standardiser.mean, "standardiser/scale": self.standardiser.scale}
        if self.baseline is not None:
            arrays |= {"baseline/times": self.baseline.times, "baseline/log_cumulative": self.baseline.log_cumulative}
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            named: dict[str, Any] = {"about": np.array(json.dumps(about, sort_keys=True)), **arrays}
            np.savez(file, **named)

    def _network(self) -> SupervisedAutoencoder:
        with torch.device("meta"):  # no random initialisation: the weights are given
            network = SupervisedAutoencoder(
                self.n_features, self.settings.hidden, self.settings.latent, self.settings.activation
            )
        network.load_state_dict(
            {k: torch.as_tensor(v, dtype=torch.float64) for k, v in self.weights.items()}, assign=True
        )
        return network.requires_grad_(False).eval()

    def _encoded(self, X: np.ndarray) -> Any:
        X = check_features(X, self.n_features, dtype=np.float64)
        network = self._network()
        for start in range(0, X.shape[0], _ROWS_AT_A_TIME):
            yield network.encode(torch.from_numpy(self.standardiser.apply(X[start : start + _ROWS_AT_A_TIME])))


def load_network(path: str | os.PathLike[str]) -> FittedNetwork:
    """Read a model written by :meth:`FittedNetwork.save`.

    Raises
    ------
    ValueError
        If the file is not such a model, or is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> X = np.random.default_rng(1).normal(size=(20, 6))
    >>> quick = cl.NetworkSettings(hidden=4, latent=2, epochs=2)
    >>> model = cl.fit_network(X, np.ones(20), np.arange(20.0), quick)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     model.save(f"{folder}/network.npz")
    ...     again = cl.load_network(f"{folder}/network.npz")
    >>> bool((again.predict_log_risk(X) == model.predict_log_risk(X)).all())
    True
    """
    content = read_arrays(path, what="survival model", remedy="Copy it again, or fit and save the model again.")
    foreign = f"{path} is not a model file ({FORMAT!r} was expected); save one with FittedNetwork.save"
    try:
        about = json.loads(str(content["about"]))
        is_ours = about["format"] == FORMAT
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(foreign) from error
    if not is_ours:
        raise ValueError(foreign)
    try:
        return _assembled(content, about)
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{path}: what it holds does not make a model ({type(error).__name__}: {error}). Fit and save the model "
            "again."
        ) from error


def _assembled(content: dict[str, np.ndarray], about: dict[str, Any]) -> FittedNetwork:
    groups: dict[str, dict[str, np.ndarray]] = {}
    for key, array in content.items():
        group, _, name = key.partition("/")
        if name:
            groups.setdefault(group, {})[name] = array
    network = FittedNetwork(
        settings=NetworkSettings(**about["settings"]),
        standardiser=Standardiser(**groups["standardiser"]),
        weights=groups["weights"],
        baseline=BaselineHazard(**groups["baseline"]) if "baseline" in groups else None,
        history=pd.DataFrame(groups["history"]),
        seed=about["seed"],
        n_patients=about["n_patients"],
        n_events=about["n_events"],
        feature_shape=tuple(about["feature_shape"]),
        provenance=about["provenance"],
    )
    bad = [name for name, values in network.weights.items() if not np.isfinite(values).all()]
    if bad:
        raise ValueError(f"weights {', '.join(bad[:4])} are not finite")
    n_features = math.prod(network.feature_shape)
    for name, values in groups["standardiser"].items():
        if values.dtype.kind != "f" or values.shape != (n_features,) or not np.isfinite(values).all():
            raise ValueError(f"standardiser/{name} must be {n_features} numbers; found {values.dtype} {values.shape}")
    network._network()  # weights of these shapes must fit the settings
    return network
