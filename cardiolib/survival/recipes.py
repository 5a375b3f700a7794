"""Whole fitting procedures under one interface, for resampling: tuning, if any, happens inside `fit`.

Each recipe is a small picklable object with ``fit(X, event, time, *, groups=None, seed=0)``, returning a model
with ``predict_log_risk(X)``, ``survival_curve(X, times)`` and ``baseline``. In a bootstrap bag, `groups` names
the original patient of each row, so that no fold of an inner search splits the copies of a patient. `reads` says what
of `SurvivalData` a recipe is fitted to, motion or volumes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.survival.conventional import CoxSettings, FittedCox, PcaCoxSettings, fit_cox, fit_pca_cox
from cardiolib.survival.folds import feasible_folds
from cardiolib.survival.lasso import LassoCoxSettings, fit_lasso_cox
from cardiolib.survival.network.fitted import FittedNetwork
from cardiolib.survival.network.search import SearchSettings, search
from cardiolib.survival.network.settings import NetworkSettings
from cardiolib.survival.network.training import fit_network


@dataclass(frozen=True)
class NetworkRecipe:
    """The network: fitted with given settings, or searched anew in every call when `search_settings` is given.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> X = np.random.default_rng(1).normal(size=(40, 6))
    >>> time = np.random.default_rng(2).exponential(np.exp(-X[:, 0]))
    >>> model = cl.NetworkRecipe(cl.NetworkSettings(hidden=8, latent=2, epochs=30)).fit(X, np.ones(40), time)
    >>> cl.concordance(model.predict_log_risk(X), np.ones(40), time).c > 0.6
    True
    """

    reads: ClassVar[str] = "motion"
    settings: NetworkSettings = field(default_factory=NetworkSettings)
    search_settings: SearchSettings | None = None

    def fit(
        self, X: np.ndarray, event: np.ndarray, time: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0
    ) -> FittedNetwork:
        """Search (optional), then fit on all rows; the settings used are in the model's `settings`."""
        settings = self.settings
        if self.search_settings is not None:
            n_folds = feasible_folds(event, self.search_settings.n_folds, groups=groups)
            searched = replace(self.search_settings, n_folds=n_folds)
            settings = search(X, event, time, searched, base=settings, seed=seed, groups=groups).best_settings
        return fit_network(X, event, time, settings, seed=seed)


@dataclass(frozen=True)
class CoxRecipe:
    """Conventional Cox regression on a few columns; nothing is tuned, so `groups` and `seed` do not matter.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> X = np.random.default_rng(1).normal(size=(40, 6))
    >>> time = np.random.default_rng(2).exponential(np.exp(-X[:, 0]))
    >>> model = cl.CoxRecipe().fit(X, np.ones(40), time)
    >>> cl.concordance(model.predict_log_risk(X), np.ones(40), time).c > 0.6
    True
    """

    reads: ClassVar[str] = "volumes"
    settings: CoxSettings = field(default_factory=CoxSettings)

    def fit(
        self, X: ArrayLike, event: ArrayLike, time: ArrayLike, *, groups: ArrayLike | None = None, seed: int = 0
    ) -> FittedCox:
        """Fit on all rows."""
        return fit_cox(X, event, time, self.settings)


@dataclass(frozen=True)
class PcaCoxRecipe:
    """Principal components of motion and ridge Cox, tuned inside by grouped cross-validation.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> X = np.random.default_rng(1).normal(size=(40, 6))
    >>> time = np.random.default_rng(2).exponential(np.exp(-X[:, 0]))
    >>> model = cl.PcaCoxRecipe().fit(X, np.ones(40), time)
    >>> cl.concordance(model.predict_log_risk(X), np.ones(40), time).c > 0.6
    True
    """

    reads: ClassVar[str] = "motion"
    settings: PcaCoxSettings = field(default_factory=PcaCoxSettings)

    def fit(
        self, X: np.ndarray, event: np.ndarray, time: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0
    ) -> FittedCox:
        """Choose components and penalty, then fit on all rows."""
        return fit_pca_cox(X, event, time, self.settings, seed=seed, groups=groups)


@dataclass(frozen=True)
class LassoCoxRecipe:
    """LASSO Cox on all motion numbers, its penalty tuned inside by grouped cross-validation.

    Examples
    --------
    >>> import numpy as np
    >>> import cardiolib as cl
    >>> X = np.random.default_rng(1).normal(size=(40, 6))
    >>> time = np.random.default_rng(2).exponential(np.exp(-X[:, 0]))
    >>> model = cl.LassoCoxRecipe().fit(X, np.ones(40), time)
    >>> cl.concordance(model.predict_log_risk(X), np.ones(40), time).c > 0.6
    True
    """

    reads: ClassVar[str] = "motion"
    settings: LassoCoxSettings = field(default_factory=LassoCoxSettings)

    def fit(
        self, X: np.ndarray, event: np.ndarray, time: np.ndarray, *, groups: np.ndarray | None = None, seed: int = 0
    ) -> FittedCox:
        """Choose the penalty, then fit on all rows."""
        return fit_lasso_cox(X, event, time, self.settings, seed=seed, groups=groups)
