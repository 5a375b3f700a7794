"""What notebook 04 reads off its figures, and what it says in the end: sentences made of the run's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cardiolib.steps.small_runs import FEW_BAGS, counted, joined, verdict, whose_numbers

HONEST = "out-of-bag aggregate"
CHANCE = float(np.exp(-1))
"""Share of the patients that a large bag leaves out."""


def one_bag(table: pd.DataFrame) -> str:
    """Who was drawn, and the C-index of the others, from the table of `figures.one_bag`."""
    unseen = table[table["drawn"] == 0]
    when, risk, died = (unseen[name].to_numpy() for name in ("time", "log_risk", "event"))
    comparable = died.astype(bool)[:, None] & (when[:, None] < when[None, :])
    total = int(comparable.sum())
    sentence = (
        f"The bag holds {len(table) - len(unseen)} different patients; one was drawn {table['drawn'].max()} times. "
        f"{len(unseen)} ({len(unseen) / len(table):.0%}) were never drawn, where chance expects {CHANCE:.0%}."
    )
    if not total:
        return f"{sentence} Among them no pair can be compared."
    right = comparable & (risk[:, None] > risk[None, :])
    tied = comparable & (risk[:, None] == risk[None, :])
    c = (right.sum() + 0.5 * tied.sum()) / total
    return f"{sentence} They make {counted(total, 'pair')}, {int(right.sum())} right: C = {c:.2f} in this bag."


def kaplan_meier(table: pd.DataFrame) -> str:
    """How far the groups part, from the table of `figures.kaplan_meier`."""
    parts = []
    for model, part in table.groupby("model", sort=False):
        end = part.groupby("group", sort=False)["survival"].last()
        parts.append(f"{model}, {end.iloc[0]:.0%} against {end.iloc[-1]:.0%}")
    return (
        f"Survival at the end of the curves ({table['time'].max():.1f}), at low against high risk: {'; '.join(parts)}. "
        "The end rests on few patients: look at the bands."
    )


def thirds(table: pd.DataFrame) -> str:
    """Whether risk rises evenly, from the table of the same figure with three groups."""
    parts = []
    for model, part in table.groupby("model", sort=False):
        end = part.groupby("group", sort=False)["survival"].last().to_numpy()
        evenly = bool((np.diff(end) < 0).all())
        parts.append(f"{model}, survival {'falls' if evenly else 'does not fall'} each time")
    return f"At the end of the curves, from third to third: {'; '.join(parts)}."


def concordance(table: pd.DataFrame) -> str:
    """Apparent against honest C-index, from the table of `figures.concordance_forest`."""
    values = table.pivot(index="model", columns="estimator", values="value")
    drop = (values["apparent"] - values[HONEST]).dropna()
    if drop.empty:
        return "No model could be judged out of bag."
    worst, least = drop.idxmax(), drop.idxmin()
    sentence = (
        f"From the apparent to the out-of-bag estimate the C-index falls most for '{worst}': from "
        f"{values.loc[worst, 'apparent']:.2f} to {values.loc[worst, HONEST]:.2f}."
    )
    if len(drop) > 1:
        sentence += f" It falls least for '{least}', by {drop[least]:.2f}. What falls had been learnt by heart."
    return sentence


def risk_over_time(table: pd.DataFrame) -> str:
    """AUC and Brier score over time, from the table of `figures.risk_over_time`."""
    over = table[table["panel"] == "over time"]
    parts = []
    for model, part in over.groupby("model", sort=False):
        better = (part["brier"] < part["null_brier"]).mean()
        parts.append(
            f"{model}, AUC {part['auc'].min():.2f} to {part['auc'].max():.2f}, a better Brier score than the same "
            f"forecast for all at {better:.0%} of the times"
        )
    return f"Over the follow-up: {'; '.join(parts)}." if parts else "No time could be judged."


def calibration(table: pd.DataFrame) -> str:
    """Predicted against observed risk in the groups, from the table of `figures.calibration`."""
    groups = table[table["kind"] == "group"].dropna(subset=["predicted", "observed"])
    parts = []
    for model, part in groups.groupby("model", sort=False):
        off = (part["predicted"] - part["observed"]).abs().mean()
        inside = ((part["low"] <= part["predicted"]) & (part["predicted"] <= part["high"])).mean()
        parts.append(
            f"{model}, off by {100 * off:.0f} points of risk on average, {inside:.0%} of the groups agree within their "
            "interval"
        )
    return f"Predicted against observed, by group: {'; '.join(parts)}." if parts else "No group could be judged."


def conclusion(metrics: Mapping[str, float], *, n_replicates: int, simulated: bool) -> list[str]:
    """Claim, what this run says to it, what it cannot say; from the numbers of `validation_metrics`."""
    network = metrics["network_c_oob"]
    low, high = metrics.get("network_c_oob_low", np.nan), metrics.get("network_c_oob_high", np.nan)
    difference = metrics.get("c_difference")
    if difference is None:
        said = "This run cannot compare: this cohort has no volumes for every patient."
    else:
        least, most = metrics["c_difference_low"], metrics["c_difference_high"]
        undecided = least <= 0 <= most
        said = verdict(difference > 0, deaths=int(metrics["deaths_count"]))
        if undecided and "too small" not in said:
            said = "This run leaves it open"
        said += (
            f": the difference in C, motion less volumes, is {difference:+.2f} (95 % interval {least:+.2f} to "
            f"{most:+.2f}), {'which includes' if undecided else 'which leaves out'} no difference."
        )
    few = f"{n_replicates} bags are too few for an interval." if n_replicates < FEW_BAGS else ""
    return [
        "The paper's claim: the network on motion orders patients better than a Cox model of volumes, C = 0.75 (0.70 "
        "to 0.79) against 0.59 (0.53 to 0.65).",
        joined(
            said,
            f"Out of bag the network reaches C = {network:.2f} ({low:.2f} to {high:.2f}).",
            few,
        ),
        joined(
            whose_numbers(simulated),
            "It cannot say how the model would do in another hospital: all patients here come from one cohort.",
        ),
    ]
