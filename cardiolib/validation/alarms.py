"""Where a network's risk should not be trusted: hearts unlike those that it was trained on.

Two alarms, neither of which needs an outcome. What the network cannot reconstruct it has not understood; and a code far
from all codes of training is one whose risk is an extrapolation.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.covariance import LedoitWolf

from cardiolib.survival.network.fitted import FittedNetwork
from cardiolib.survival.outcomes import check_features

ALARMS = ("reconstruction", "distance", "either")


@dataclass(frozen=True, eq=False, repr=False)
class NoveltyAlarm:
    """How far from familiar a heart is, by the standard of familiar hearts.

    Attributes
    ----------
    mean : (L,) array
        Of the training codes.
    precision : (L, L) array
        Inverse of their covariance (Ledoit and Wolf, so that dead units of the code do no harm).
    reconstruction_mm, distance : (M,) arrays
        Sorted scores of familiar hearts.
    """

    mean: np.ndarray
    precision: np.ndarray
    reconstruction_mm: np.ndarray
    distance: np.ndarray

    @classmethod
    def of(cls, model: FittedNetwork, X: ArrayLike, *, familiar: ArrayLike | None = None) -> NoveltyAlarm:
        """Learn what is familiar.

        Parameters
        ----------
        model : FittedNetwork
        X : (N, D) array
            Motion of the training patients, mm.
        familiar : (M, D) array, optional
            Motion of patients like those, whom the model has NOT seen. Without them the training patients stand in, who
            are reconstructed too well: every new patient then looks somewhat strange.

        Examples
        --------
        >>> import numpy as np
        >>> import cardiolib as cl
        >>> rng = np.random.default_rng(1)
        >>> X = rng.normal(size=(60, 6))
        >>> quick = cl.NetworkSettings(hidden=8, latent=2, epochs=20)
        >>> model = cl.fit_network(X, np.ones(60), rng.exponential(np.exp(-X[:, 0])), quick)
        >>> alarm = NoveltyAlarm.of(model, X)
        >>> bool(alarm.scores(model, X + 8.0)["either"].min() > 0.9)
        True
        """
        code = model.code(check_features(X, model.n_features))
        shape = LedoitWolf().fit(code)
        trusted = check_features(X if familiar is None else familiar, model.n_features)
        bare = cls(code.mean(axis=0), shape.precision_, np.zeros(0), np.zeros(0))
        reconstruction, distance = bare._raw(model, trusted)
        return cls(bare.mean, bare.precision, np.sort(reconstruction), np.sort(distance))

    def scores(self, model: FittedNetwork, X: ArrayLike) -> pd.DataFrame:
        """Alarm of every patient.

        Parameters
        ----------
        model : FittedNetwork
            The one that the alarm was made for.
        X : (N, D) array
            Motion, mm.

        Returns
        -------
        DataFrame
            ``reconstruction_mm`` (root mean square over the motion), ``code_distance`` (Mahalanobis), and by name of
            `ALARMS` the share of familiar patients who look less strange, 0 to 1: high is alarming. "either" is the
            larger of the two.
        """
        reconstruction, distance = self._raw(model, check_features(X, model.n_features))
        shares = [
            np.searchsorted(known, found, side="left") / (known.size + 1)
            for known, found in ((self.reconstruction_mm, reconstruction), (self.distance, distance))
        ]
        return pd.DataFrame(
            {
                "reconstruction_mm": reconstruction,
                "code_distance": distance,
                "reconstruction": shares[0],
                "distance": shares[1],
                "either": np.maximum(*shares),
            }
        )

    def __repr__(self) -> str:
        return (
            f"Alarm for unfamiliar hearts: {self.reconstruction_mm.size} familiar ones are reconstructed to "
            f"{np.median(self.reconstruction_mm):.2f} mm (median), their codes lie "
            f"{np.median(self.distance):.1f} SD away"
        )

    def to_bytes(self) -> bytes:
        """The alarm as the bytes of one npz file."""
        buffer = io.BytesIO()
        about = np.array(json.dumps({"format": "cardiolib novelty alarm 1"}))
        np.savez(
            buffer,
            about=about,
            mean=self.mean,
            precision=self.precision,
            reconstruction_mm=self.reconstruction_mm,
            distance=self.distance,
        )
        return buffer.getvalue()

    def _raw(self, model: FittedNetwork, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        code = model.code(X)
        error = np.sqrt(np.mean((model.decode(code) - X) ** 2, axis=1))
        off = code - self.mean
        return error, np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", off, self.precision, off), 0.0))
