"""Models on the same folds, and one of them against a hazard that is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.survival.outcomes import check_event


@dataclass(frozen=True, eq=False)
class HazardComparison:
    """True and predicted log hazard.

    Attributes
    ----------
    table : DataFrame
        Index ID; true, predicted (both centred), event. No rows where no truth is known.
    lacks : str
        Why there are none; empty where there are.
    """

    table: pd.DataFrame
    lacks: str = ""


@dataclass(frozen=True, eq=False)
class FoldComparison:
    """Models on the same folds.

    Attributes
    ----------
    table : DataFrame
        One row a model: mean and standard deviation of the C-index over the folds. Where a model could not be fitted in
        every fold both are NaN, and a column ``remark`` says why.
    log_risk : DataFrame
        Out-of-fold log risk, a row a patient (ID), a column a model; centred in each fold, as a Cox risk has no zero.
    """

    table: pd.DataFrame
    log_risk: pd.DataFrame

    def against_truth(self, model: str, event: np.ndarray, cohort: Cohort) -> HazardComparison:
        """Predicted and true log hazard of the same patients, both centred.

        Parameters
        ----------
        model : str
            A column of `log_risk`.
        event : (N,) bool array
        cohort : Cohort
            Where it knows no true hazard, as no cohort of patients does, the result says so.
        """
        if "truth" not in cohort.provides:
            return HazardComparison(pd.DataFrame(), "No figure: nobody knows the true hazard of real patients.")
        predicted = self.log_risk[model]
        truth = cohort.log_hazard().loc[list(predicted.index)]
        return HazardComparison(
            pd.DataFrame(
                {
                    "true": truth - truth.mean(),
                    "predicted": predicted - predicted.mean(),
                    "event": check_event(event),
                }
            )
        )

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_html_(self) -> str:
        return self.table.round(3).to_html()
