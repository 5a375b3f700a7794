"""The network under several weights of the reconstruction: what a code gains for motion, it may lose for risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cardiolib.printed import as_html
from cardiolib.survival.concordance import concordance_index, has_comparable_pair
from cardiolib.survival.data import SurvivalData
from cardiolib.survival.folds import patient_folds
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network

ALPHAS = (0.02, 0.2, 0.4, 0.6, 0.8, 0.98)


@dataclass(frozen=True, eq=False, repr=False)
class AlphaTradeOff:
    """Networks that differ in alpha alone, each trained on the same patients.

    Attributes
    ----------
    table : DataFrame
        One row an alpha: motion_explained (share of the variance of all patients' motion that the decoder gives back),
        c_trained (C-index of the patients of the training), c_held_out (of the others; NaN where no two can be
        compared).
    codes : dict of float to (N, L) array
        Code of every patient, held out or not.
    log_risks : dict of float to (N,) array
    held_out : (N,) array of bool
        Who took no part in the training.
    event : (N,) array of bool
    """

    table: pd.DataFrame
    codes: dict[float, np.ndarray]
    log_risks: dict[float, np.ndarray]
    held_out: np.ndarray
    event: np.ndarray

    @property
    def alphas(self) -> list[float]:
        """The weights that were tried, ascending."""
        return [float(alpha) for alpha in self.table.index]

    def __repr__(self) -> str:
        n, out = len(self.held_out), int(self.held_out.sum())
        return f"AlphaTradeOff: {len(self.table)} networks, each trained on {n - out} patients; {out} were held out"

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table.reset_index(), decimals=2)


def alpha_trade_off(
    data: SurvivalData,
    settings: NetworkSettings | None = None,
    *,
    alphas: Sequence[float] = ALPHAS,
    n_folds: int = 3,
    seed: int = 0,
) -> AlphaTradeOff:
    """Train the network once for each alpha, on all folds of patients but one.

    Parameters
    ----------
    data : SurvivalData
    settings : NetworkSettings, optional
        All but alpha.
    alphas : sequence of float
        Weights of the reconstruction, from 0 to 1; that of the Cox term is 1 - alpha.
    n_folds : int
        One of them is held out. Its C-index is that of few patients: see it as an illustration.
    seed : int

    Returns
    -------
    AlphaTradeOff

    Examples
    --------
    >>> import numpy as np
    >>> from cardiolib.survival import SurvivalData
    >>> from cardiolib.survival.network import NetworkSettings, alpha_trade_off
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(60, 12))
    >>> time = rng.exponential(np.exp(-X[:, 0]))
    >>> ids = [f"P{i}" for i in range(60)]
    >>> data = SurvivalData(ids, X, time < 2, time.clip(max=2), None, (1, 4, 3), "years")
    >>> found = alpha_trade_off(data, NetworkSettings(hidden=8, latent=2, epochs=20), alphas=[0.1, 0.9])
    >>> found.alphas, found.codes[0.9].shape
    ([0.1, 0.9], (60, 2))
    """
    settings = NetworkSettings() if settings is None else settings
    fold = patient_folds(data.event, n_folds=n_folds, rng=np.random.default_rng(seed))
    out = fold == 0
    spread = float(((data.X - data.X[~out].mean(axis=0)) ** 2).mean())
    rows, codes, risks = {}, {}, {}
    for alpha in sorted(map(float, alphas)):
        trained = fit_network(
            data.X[~out], data.event[~out], data.time[~out], replace(settings, alpha=alpha), seed=seed
        )
        risks[alpha], codes[alpha] = trained.predict_log_risk(data.X), trained.code(data.X)
        missed = float(((trained.reconstruct(data.X) - data.X) ** 2).mean())
        rows[alpha] = {
            "motion_explained": 1 - missed / spread,
            "c_trained": _c_index(risks[alpha], data, ~out),
            "c_held_out": _c_index(risks[alpha], data, out),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("alpha")
    return AlphaTradeOff(table, codes, risks, out, np.asarray(data.event, bool))


def _c_index(log_risk: np.ndarray, data: SurvivalData, rows: np.ndarray) -> float:
    if not has_comparable_pair(data.event[rows], data.time[rows]):
        return float("nan")
    return concordance_index(log_risk[rows], data.event[rows], data.time[rows])
