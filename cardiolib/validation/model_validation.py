"""All estimates of several models that share their bags, and the difference between two of them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from cardiolib.validation.estimators import Validation
from cardiolib.validation.model_comparison import ModelComparison

NO_VOLUMES = "This cohort has no volumes: there is no conventional model to compare with."
NOT_FITTED = "There is no conventional model to compare with: "


@dataclass(frozen=True, eq=False)
class ModelValidation:
    """All estimates of all models.

    Attributes
    ----------
    models : dict of str to Validation
    table : DataFrame
        Model, estimator, C, interval, remark.
    comparison : ModelComparison or None
        Network minus conventional model, out of bag, same patients; None without volumes.
    paper_intervals : dict of str to (low, high)
        The interval that the paper prints: percentiles of the optimism-corrected replicates.
    notes : tuple of str
    without_conventional : str
        Why there is no conventional model, where there are volumes.
    """

    models: dict[str, Validation]
    table: pd.DataFrame
    comparison: ModelComparison | None
    paper_intervals: dict[str, tuple[float, float]]
    notes: tuple[str, ...]
    without_conventional: str = NO_VOLUMES

    @property
    def lacks(self) -> str:
        """What is missing for the comparison of the models; empty where nothing is."""
        return self.without_conventional if self.comparison is None else ""

    @property
    def comparison_table(self) -> pd.DataFrame:
        """The paired comparison, training included; no rows where there are no volumes."""
        return pd.DataFrame() if self.comparison is None else self.comparison.table()
