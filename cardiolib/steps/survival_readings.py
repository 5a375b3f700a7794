"""What notebook 03 reads off its figures, and what it says in the end: sentences made of the run's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cardiolib.steps.small_runs import joined, verdict, whose_numbers

SAME_C = 0.01
"""C-indices closer than this are called equal: the seed alone moves them by as much."""

SETTING_WORDS = {
    "dropout": "share of the motion that is hidden in training",
    "hidden": "number of hidden units",
    "latent": "size of the code",
    "alpha": "weight of the reconstruction",
    "log10_learning_rate": "learning rate",
    "log10_l1": "penalty on activity",
}


def partial_likelihood(table: pd.DataFrame) -> str:
    """Whom the loss pushes where, from the table of `figures.partial_likelihood`."""
    up, down = table[table["gradient"] < 0], table[table["gradient"] > 0]
    total = float(table["gradient"].sum())
    strongest = table.loc[table["gradient"].abs().idxmax()]
    way = "up" if strongest["gradient"] < 0 else "down"
    return (
        f"The loss wants a higher risk for {len(up)} of the {len(table)} patients and a lower one for {len(down)}. "
        f"Patient {strongest['patient']} is pushed hardest, {way} by {abs(strongest['gradient']):.2f}. All pushes add "
        f"up to {_zero(total):.2f}: only differences of risk count."
    )


def alpha_trade_off(table: pd.DataFrame) -> str:
    """What the weight of the reconstruction gains and loses, from the table of `figures.alpha_trade_off`."""
    low, high = table.iloc[0], table.iloc[-1]
    sentence = (
        f"From alpha = {low['alpha']:g} to {high['alpha']:g} the variance of motion given back goes from "
        f"{low['motion_explained']:.0%} to {high['motion_explained']:.0%}, and the C-index of the patients trained on "
        f"from {low['c_trained']:.2f} to {high['c_trained']:.2f}."
    )
    held = table.dropna(subset=["c_held_out"])
    if held.empty:
        return sentence
    best = held.loc[held["c_held_out"].idxmax()]
    where = "in between" if low["alpha"] < best["alpha"] < high["alpha"] else "at an end of the range"
    return (
        f"{sentence} For the patients held out it is highest at alpha = {best['alpha']:g} ({best['c_held_out']:.2f}), "
        f"{where}. They are few, so the place of that peak is not certain."
    )


def architecture(table: pd.DataFrame) -> str:
    """Where the weights are, from the table of `figures.architecture`."""
    units, weights = table.set_index("layer")["units"], table.set_index("layer")["parameters"]
    ends = weights.get("hidden", 0) + weights.get("reconstruction", 0)
    return (
        f"{units['motion']:,} numbers are squeezed into {units['code']} and spread again. Of {weights.sum():,} weights "
        f"{ends / weights.sum():.1%} read or write the motion; the log risk has {weights.get('log risk', 0)}."
    )


def reconstruction(table: pd.DataFrame) -> str:
    """How much amplitude comes back, from the table of `figures.reconstruction`."""
    peak = table.pivot_table(index="risk", columns="kind", values="displacement_mm", aggfunc="max", sort=False)
    given = [
        f"{row['motion']:.1f} mm in, {row['reconstruction']:.1f} mm out at {risk} risk" for risk, row in peak.iterrows()
    ]
    before, after = (float(np.ptp(peak[kind])) for kind in ("motion", "reconstruction"))
    change = "brings them closer together" if after < before else "keeps them apart"
    return (
        f"Peak displacement: {'; '.join(given)}. In the motion the patients differ by {before:.1f} mm, in the "
        f"reconstruction by {after:.1f} mm: the code {change}."
    )


def latent_code(table: pd.DataFrame) -> str:
    """How many units work and how they go with risk, from the table of `figures.latent_code`."""
    units = table[[name for name in table if str(name).startswith("z")]]
    alive = units.loc[:, units.gt(0).any()]
    if alive.empty:
        return "No unit of the code is active for anybody: the network has died."
    ranks = alive.rank().corrwith(table["log_risk"].rank())
    harmful, protective = int((ranks > 0.3).sum()), int((ranks < -0.3).sum())
    return (
        f"{alive.shape[1]} of {units.shape[1]} units are active in somebody. {harmful} rise with the risk, "
        f"{protective} fall with it, and {alive.shape[1] - harmful - protective} go with it weakly (rank correlation "
        "within 0.3)."
    )


def predicted_survival(table: pd.DataFrame) -> str:
    """How far the curves part, from the table of `figures.predicted_survival`."""
    last = table.groupby("quantile").tail(1).sort_values("quantile")
    low, high = last.iloc[0], last.iloc[-1]
    return (
        f"At the end of the curves the network gives {low['survival']:.0%} survival to the patient at the lowest "
        f"quantile of risk and {high['survival']:.0%} to the one at the highest. Of the {len(last)} patients drawn "
        f"{int(last['event'].sum())} died."
    )


def search(table: pd.DataFrame) -> str:
    """Whether the swarm improved, from the table of `figures.search_history`."""
    by_generation = table.groupby("generation")["best_so_far"].max()
    gain = by_generation.iloc[-1] - by_generation.iloc[0]
    if len(by_generation) < 2:
        return "There is one generation: the swarm has not moved."
    verdict = "hardly more than nothing" if gain < SAME_C else "more than the seed alone would change"
    return (
        f"From the first to the last of {len(by_generation)} generations the best score rose by {gain:.3f}: {verdict}."
    )


def searched_settings(table: pd.DataFrame) -> str:
    """Which setting goes with the score, from the table of `figures.searched_settings`."""
    names = [name for name in table if f"best_{name}" in table]
    varied = [name for name in names if table[name].nunique() > 2]
    scored = table.dropna(subset=["score"])
    if len(scored) < 6 or not varied:
        return f"{len(scored)} settings were scored: too few to see a trend."
    ranks = scored[varied].rank().corrwith(scored["score"].rank())
    strongest = str(ranks.abs().idxmax())
    words = SETTING_WORDS.get(strongest, strongest)
    return (
        f"Over {len(scored)} settings the score goes most with the {words} (rank correlation {ranks[strongest]:+.2f}). "
        "With so few settings a correlation of 0.3 says nothing."
    )


def training(table: pd.DataFrame) -> str:
    """How both losses fell, from the table of `figures.training_history`."""
    first, last = table.iloc[0], table.iloc[-1]
    fell = 1 - last["reconstruction"] / first["reconstruction"]
    return (
        f"Over {len(table)} epochs the reconstruction error fell by {fell:.0%} "
        f"and the Cox loss per death by {first['cox'] - last['cox']:.2f}. These are the patients of the training: the "
        "Cox loss can fall by learning them by heart."
    )


def hazard(table: pd.DataFrame) -> str:
    """How prediction and truth agree, from the table of `figures.hazard_scatter`."""
    known = table.dropna(subset=["true", "predicted"])
    rank = known["true"].corr(known["predicted"], method="spearman")
    slope = np.polyfit(known["predicted"], known["true"], 1)[0] if known["predicted"].nunique() > 1 else np.nan
    return (
        f"Predicted and true log hazard have rank correlation {rank:.2f} over {len(known)} patients, each unseen by "
        f"the network that predicts. A step of 1 in the prediction is a step of {slope:.1f} in truth."
    )


def conclusion(metrics: Mapping[str, float], *, deaths: int, simulated: bool) -> list[str]:
    """Claim, what this run says to it, what it cannot say; from the numbers of `survival_metrics`."""
    network, linear = metrics["network_cv_c_index"], metrics["pca_cox_cv_c_index"]
    found = metrics.get("network_cv_c_index", np.nan) > 0.5 + SAME_C
    beside = "as good as" if abs(network - linear) < SAME_C else "better than" if network > linear else "worse than"
    said = (
        f"{verdict(found, deaths=deaths)} that motion carries risk: the network's cross-validated C is {network:.2f} "
        f"(on the patients of the training it is {metrics['apparent_c_index']:.2f})."
    )
    versus = f"It is {beside} principal components with a Cox model ({linear:.2f})."
    if "volumes_cv_c_index" in metrics:
        versus += f" A Cox model of the volumes reaches {metrics['volumes_cv_c_index']:.2f}."
    return [
        "The paper's claim: a network that reconstructs motion and orders patients at once finds the motion that "
        "carries risk.",
        joined(said, versus),
        joined(
            whose_numbers(simulated),
            "It cannot say how far the C-index is from chance, or from that of the volumes: notebook 04 puts intervals "
            "to it.",
        ),
    ]


def _zero(value: float) -> float:
    return 0.0 if abs(value) < 1e-6 else value
