"""What the quality gate said about the scans of a cohort: counts, the doubtful ones, and the gate against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cardiolib.segmentation.quality_features import JUDGED
from cardiolib.segmentation.quality_gate import shipped_gate
from cardiolib.verdicts import OK, SCORES_FILE, VERDICTS


def verdict_counts(quality: pd.DataFrame) -> pd.DataFrame:
    """How many scans got which verdict: one row a verdict, a column for the scan and each structure.

    Parameters
    ----------
    quality : DataFrame
        One row a scan, as `SegmentationQuality.as_row` gives it.

    Examples
    --------
    >>> row = {"verdict": "look at it", "lv_cavity_verdict": "ok", "lv_wall_verdict": "ok"}
    >>> row |= {"rv_cavity_verdict": "look at it"}
    >>> verdict_counts(pd.DataFrame([row])).loc["look at it"].to_dict()
    {'scan': 1, 'lv_cavity': 0, 'lv_wall': 0, 'rv_cavity': 1}
    """
    columns = {"scan": "verdict", **{name: f"{name}_verdict" for name in JUDGED}}
    counts = {
        title: [int((quality[column] == verdict).sum()) for verdict in VERDICTS] for title, column in columns.items()
    }
    return pd.DataFrame(counts, index=pd.Index(VERDICTS, name="verdict"))


def doubtful_scans(quality: pd.DataFrame, *, at_most: int = 8) -> list[str]:
    """The scans that are not ok and why, a sentence each, the worst first; one sentence where there are none."""
    doubtful = quality[quality["verdict"] != OK].sort_values("predicted_dice", kind="stable")
    if doubtful.empty:
        return [f"The gate has nothing against any of the {len(quality)} scans."]
    told = [f"{name}, {row['verdict']}: {row['reasons']}" for name, row in doubtful.head(at_most).iterrows()]
    rest = len(doubtful) - len(told)
    return told + ([f"{rest} more stand in {SCORES_FILE}."] if rest else [])


@dataclass(frozen=True, eq=False)
class GateAgainstTruth:
    """Predicted and true Dice, structure by structure.

    Attributes
    ----------
    table : DataFrame
        ID, structure, predicted_dice, dice (the lower of ED and ES), verdict.
    limits : dict of str to float
        Predicted Dice below which the verdict is "look" and "do_not_use".
    lacks : str
        Why there is nothing to compare; empty where there is something.
    """

    table: pd.DataFrame
    limits: dict[str, float]
    lacks: str = ""

    @classmethod
    def of(cls, quality: pd.DataFrame, comparison: pd.DataFrame, *, lacks: str = "") -> GateAgainstTruth:
        """From a cohort's tables (`SegmentedCohort`); `lacks` where there is no reference."""
        columns = ["ID", "structure", "predicted_dice", "dice", "verdict"]
        if lacks or not len(comparison) or not len(quality):
            return cls(
                pd.DataFrame(columns=columns), shipped_gate().limits, lacks or "No scan was judged and compared."
            )
        true = comparison.assign(dice=comparison["dice"].fillna(0.0)).groupby(["ID", "structure"])["dice"].min()
        rows = [
            (name, structure, row[f"{structure}_dice"], true[name, structure], row[f"{structure}_verdict"])
            for name, row in quality.iterrows()
            for structure in JUDGED
            if (name, structure) in true.index
        ]
        return cls(pd.DataFrame(rows, columns=columns), shipped_gate().limits)

    @property
    def auc(self) -> float:
        """Area under the ROC curve of the scan's lowest predicted Dice against "some structure is below .7".

        NaN where all scans are on one side.
        """
        worst = self.table.groupby("ID")[["predicted_dice", "dice"]].min()
        return roc_auc(-worst["predicted_dice"].to_numpy(), (worst["dice"] < 0.7).to_numpy())

    @property
    def missed_percent(self) -> float:
        """Of the structures whose Dice is below .5, how many passed as ok; NaN where there are none."""
        bad = self.table[self.table["dice"] < 0.5]
        return 100 * float((bad["verdict"] == OK).mean()) if len(bad) else np.nan


def roc_auc(score: np.ndarray, event: np.ndarray) -> float:
    """Probability that an event has a higher score than a non-event; ties count half. NaN without one of the two.

    Examples
    --------
    >>> roc_auc(np.array([3.0, 1.0, 2.0]), np.array([True, False, False]))
    1.0
    """
    event = np.asarray(event, bool)
    with_event, without = np.asarray(score)[event], np.asarray(score)[~event]
    if not len(with_event) or not len(without):
        return float("nan")
    difference = with_event[:, None] - without[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())
