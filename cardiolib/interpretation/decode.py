"""What does high risk look like? The code moved along the risk direction, decoded to motion."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cardiolib.interpretation.motion_magnitude import as_displacements
from cardiolib.survival.network.fitted import FittedNetwork


@dataclass(frozen=True)
class RiskDirection:
    """Hearts along z(a) = z0 + a s w / |w|, with z0 the mean code, w the risk head, s the SD of the codes along w.

    Attributes
    ----------
    amounts : (A,) array
        a, in SDs of the patients' codes along the risk direction.
    code : (A, L) array
        Clamped at 0, since the code of a ReLU layer is not negative.
    displacement_mm : (A, T - 1, V, 3) array
        Decoded motion from end-diastole.
    log_risk : (A,) array
    mahalanobis : (A,) array
        Distance of the code from the patients' mean: an amount far beyond `typical_distance` shows a heart that
        nobody has.
    typical_distance : float
        95th percentile of the patients' own distances.
    clamped : (A,) array of int
        Units of the code that had to be clamped.
    """

    amounts: np.ndarray
    code: np.ndarray = field(repr=False)
    displacement_mm: np.ndarray = field(repr=False)
    log_risk: np.ndarray = field(repr=False)
    mahalanobis: np.ndarray = field(repr=False)
    typical_distance: float
    clamped: np.ndarray = field(repr=False)

    def table(self) -> pd.DataFrame:
        """One row an amount, without the motion itself."""
        return pd.DataFrame(
            {
                "amount_sd": self.amounts,
                "log_risk": self.log_risk,
                "mahalanobis": self.mahalanobis,
                "inside": self.mahalanobis <= self.typical_distance,
                "clamped": self.clamped,
            }
        )


def decode_risk_direction(
    model: FittedNetwork, code: ArrayLike, *, amounts: ArrayLike = (-2.0, -1.0, 0.0, 1.0, 2.0), n_vertices: int
) -> RiskDirection:
    """Decode motion along the direction in which the network's log risk rises fastest.

    Parameters
    ----------
    model : FittedNetwork
    code : (N, L) array
        Codes of patients, for example `model.code(X)`.
    amounts : sequence of float
    n_vertices : int
        V.

    Raises
    ------
    ValueError
        If the code does not fit the model, its risk head is zero, or the codes do not vary along it.

    Notes
    -----
    This shows what the decoder believes, not what a change of one patient's heart would do to that patient.
    """
    code, amounts = np.asarray(code, dtype=float), np.asarray(amounts, dtype=float)
    if code.ndim != 2 or code.shape[1] != model.settings.latent or len(code) < 2 or not np.isfinite(code).all():
        raise ValueError(f"code must be at least two rows of {model.settings.latent} finite numbers, got {code.shape}")
    head = np.asarray(model.weights["risk.weight"], dtype=float).reshape(-1)
    size = np.linalg.norm(head)
    centred = code - code.mean(axis=0)
    spread = float((centred @ head).std(ddof=1) / size) if size > 0 else 0.0
    if spread == 0:
        raise ValueError("the risk head is zero or the codes do not vary along it: there is no risk direction")
    wanted = code.mean(axis=0) + amounts[:, None] * spread * head / size
    moved = np.maximum(wanted, 0.0)
    precision = np.linalg.pinv(np.cov(centred.T).reshape(code.shape[1], -1), hermitian=True)
    return RiskDirection(
        amounts,
        moved,
        as_displacements(model.decode(moved), n_vertices=n_vertices),
        moved @ head,
        _mahalanobis(moved - code.mean(axis=0), precision),
        float(np.quantile(_mahalanobis(centred, precision), 0.95)),
        (wanted < 0).sum(axis=1),
    )


def _mahalanobis(centred: np.ndarray, precision: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", centred, precision, centred), 0.0))
