"""From a recipe of the survival package to a pipeline that the bootstrap can run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from cardiolib.validation.units import Prediction


class Recipe(Protocol):
    """A whole fitting procedure, tuning included, such as `cardiolib.survival.NetworkRecipe` or `CoxRecipe`."""

    def fit(
        self, X: ArrayLike, event: ArrayLike, time: ArrayLike, *, groups: ArrayLike | None = None, seed: int = 0
    ) -> Any:
        """Fit on the rows given; the result has `predict_log_risk(X)`."""


@dataclass(frozen=True)
class FitRecipe:
    """Fit a recipe on a bag, predict everybody, and note what was fitted.

    Noted per replicate: the numeric settings of the model (what a search inside the bag chose), or up to `max_noted`
    coefficients of a linear model.

    Parameters
    ----------
    recipe : Recipe
        Fitted anew in every replicate, so its tuning is validated too.
    max_noted : int
        A model with more coefficients than this has none of them noted.
    """

    recipe: Recipe
    max_noted: int = 30

    def __call__(
        self,
        X: np.ndarray,
        event: np.ndarray,
        time: np.ndarray,
        *,
        X_new: np.ndarray,
        groups: np.ndarray | None,
        seed: int,
    ) -> Prediction:
        """Run the pipeline on one bag; see :class:`cardiolib.validation.units.FitPredict`."""
        model = self.recipe.fit(X, event, time, groups=groups, seed=seed)
        return Prediction(model.predict_log_risk(X_new), self._noted(model))

    def _noted(self, model: Any) -> dict[str, float]:
        if hasattr(model, "settings"):
            values = asdict(model.settings)
            return {name: float(value) for name, value in values.items() if isinstance(value, (int, float))}
        coefficients = np.atleast_1d(getattr(model, "coefficients", np.zeros(0)))
        if coefficients.size <= self.max_noted:
            return {f"coefficient_{i}": float(value) for i, value in enumerate(coefficients)}
        return {}
