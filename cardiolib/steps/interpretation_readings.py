"""What notebook 05 reads off its figures, and what it says in the end: sentences made of the run's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cardiolib.steps.small_runs import joined, verdict, whose_numbers

WORDS = {"rv_free": "free wall", "rv_septum": "septum"}


def graph_modes(table: pd.DataFrame) -> str:
    """What the modes of a few patients keep, from the table of `figures.graph_modes`."""
    rank = table["component_1"].corr(table["mode_1"], method="spearman")
    return (
        f"{len(table)} patients have {table['neighbours'].min()} to {table['neighbours'].max()} neighbours each. The "
        f"first mode runs along the cloud: its rank correlation with the first component of the code is "
        f"{abs(rank):.2f}. Neighbours have nearly the same value, and that is what the map keeps; distances it does "
        "not keep."
    )


def one_vertex(table: pd.DataFrame) -> str:
    """Slope and spread about the line, from the table of `figures.one_vertex`."""
    r = table["motion_mm"].corr(table["log_risk"])
    way = "higher" if r > 0 else "lower"
    return (
        f"Patients in whom this vertex moves more have a {way} risk (correlation {r:+.2f}). Motion of this one vertex "
        f"explains {r**2:.0%} of the risk's variance; the map paints this number at each of the vertices."
    )


def latent_map(table: pd.DataFrame) -> str:
    """How many are open symbols, from the table of `figures.latent_map`."""
    died = table["event"].astype(bool)
    return (
        f"{int(died.sum())} of {len(table)} patients died; for the other {int((~died).sum())} the colour is the time "
        f"until they were last seen. Deaths came after {table.loc[died, 'time'].median():.1f} in the median."
    )


def saliency(table: pd.DataFrame) -> str:
    """Where association is strongest, from the table of `figures.saliency_views`."""
    [column] = [name for name in table if str(name).startswith("correlation with")][:1]
    strongest = table.loc[table[column].abs().idxmax()]
    mean = table.assign(size=table[column].abs()).groupby("region")["size"].mean()
    ringed = [name for name in table if str(name).startswith("significant")]
    count = int(table[ringed[0]].sum()) if ringed else 0
    return (
        f"The strongest correlation is {strongest[column]:+.2f}, at a point of the {_region(strongest['region'])}; on "
        f"average it is strongest in the {_region(mean.idxmax())}. {count} of {len(table)} points are ringed."
    )


def region_phase(table: pd.DataFrame) -> str:
    """When and where each method points, from the table of `figures.region_phase`."""
    parts = []
    for method, part in table.groupby("method", sort=False):
        row = part.loc[part["value"].abs().idxmax()]
        words = " ".join(str(method).split())
        parts.append(f"{words} is largest in the {row['region']} at {row['percent']:.0f} % of the cycle")
    return f"Three answers: {'; '.join(parts)}."


def risk_hearts(table: pd.DataFrame) -> str:
    """Which heart moves more, from the table of `figures.risk_hearts`."""
    mean = table.groupby("heart", sort=False)["displacement_mm"].mean()
    low, high = mean["low risk"], mean["high risk"]
    verdict = "less" if high < low else "more"
    return (
        f"At end-systole the points of the heart at high risk have moved {high:.1f} mm on average, and those of the "
        f"heart at low risk {low:.1f} mm: the heart at high risk moves {verdict}."
    )


def latent_stability(table: pd.DataFrame) -> str:
    """How far patients wander between refits, from the table of `figures.latent_stability`."""
    parts = []
    for method, part in table.groupby("method", sort=False):
        own = part[part["refit"] == -1].set_index("patient")[["first", "second"]]
        others = part[part["refit"] >= 0]
        if others.empty:
            continue
        away = np.linalg.norm(others[["first", "second"]].to_numpy() - own.loc[others["patient"]].to_numpy(), axis=1)
        size = np.sqrt(own.var().sum())
        parts.append(f"{_lower(str(method))} {np.sqrt((away**2).mean()) / size:.1f}")
    listed = "; ".join(parts)
    return (
        "How far a patient moves from one network to the next (root mean square, in units of the map's spread): "
        f"{listed}. Patients who were dealt out at random would give 1.4."
    )


def planted(table: pd.DataFrame) -> str:
    """How much of the risk the strongest point explains, from the table of `figures.planted_views`."""
    shares = [name for name in table if str(name).startswith("share of risk")]
    parts = []
    for name in shares:
        row = table.loc[table[name].idxmax()]
        parts.append(f"{name.partition('(')[2].rstrip(')')}: at most {row[name]:.0%}, in the {_region(row['region'])}")
    return f"Share of the risk that the motion of one point explains, by planted hazard: {'; '.join(parts)}."


def region_shares(table: pd.DataFrame) -> str:
    """Which region each method names first, from the table of `figures.region_shares`."""
    first = table.loc[table.groupby("method", sort=False)["share"].idxmax()].set_index("method")
    parts = [f"{method}: {row['region']} ({row['share']:.0%})" for method, row in first.iterrows()]
    if "true hazard" not in first.index or len(first) < 2:
        return f"Largest share: {'; '.join(parts)}. The truth is not known."
    true = first.loc["true hazard", "region"]
    right = int((first.drop("true hazard")["region"] == true).sum())
    return (
        f"Largest share: {'; '.join(parts)}. {right} of {len(first) - 1} maps name the region that is first in truth."
    )


def risk_curves(table: pd.DataFrame) -> str:
    """Change of function from low to high risk, decoded and in truth, from the table of `figures.risk_curves`."""
    peak = table.groupby("heart")[["base_descent_mm", "septal_shift_mm"]].agg(lambda one: one.loc[one.abs().idxmax()])
    change = peak.loc["high risk"] - peak.loc["low risk"]
    sentence = (
        f"From low to high risk the decoded descent of the base changes by {change['base_descent_mm']:+.1f} mm, and "
        f"the shift of the septum by {change['septal_shift_mm']:+.1f} mm."
    )
    if "high risk, in truth" not in peak.index:
        return sentence
    true = peak.loc["high risk, in truth"] - peak.loc["low risk, in truth"]
    same = bool((np.sign(true) == np.sign(change)).all())
    return (
        f"{sentence} In truth these are {true['base_descent_mm']:+.1f} and {true['septal_shift_mm']:+.1f} mm: the "
        f"directions {'agree' if same else 'do not agree'}."
    )


def risk_motion(table: pd.DataFrame) -> str:
    """Where motion changes, decoded and in truth, from the table of `figures.risk_motion_views`."""
    changes = [name for name in table if str(name).startswith("change of motion")]
    where = {name: table.groupby("region")[name].mean() for name in changes}
    decoded = where[changes[0]]
    sentence = (
        f"Decoded, motion changes most in the {_region(decoded.idxmax())} ({decoded.max():.2f} mm per SD of risk)"
    )
    if len(changes) < 2:
        return f"{sentence}; the truth is not known."
    true = where[changes[1]]
    rank = table[changes[0]].corr(table[changes[1]], method="spearman")
    return (
        f"{sentence}; in truth in the {_region(true.idxmax())} ({true.max():.2f}). Point by point the two have rank "
        f"correlation {rank:.2f}."
    )


def conclusion(metrics: Mapping[str, float | str], *, deaths: int, simulated: bool) -> list[str]:
    """Claim, what this run says to it, what it cannot say; from the numbers that the notebook records."""
    predicted, real = int(metrics["significant_vertices_count"]), int(metrics["significant_vertices_death_count"])
    holds = predicted > 0 and real > 0
    said = f"{verdict(holds, deaths=deaths)}: {predicted} points go with predicted risk, and {real} with death itself."
    found, ceiling = (
        metrics.get("planted_paper_saliency_times_chance"),
        metrics.get("planted_true_log_hazard_times_chance"),
    )
    if found is not None and ceiling is not None:
        said += f" Where the answer is known, the paper's map finds a patch {float(found):.1f} times as well as chance"
        said += f" ({float(ceiling):.1f} times with a perfect prediction)."
    return [
        "The paper's claim: predicted risk goes with the motion of regions that lie apart, in the free wall and in the "
        "septum.",
        said,
        joined(
            whose_numbers(simulated),
            "It cannot say that motion at a point causes death: a map shows what goes together.",
        ),
    ]


def _region(name: object) -> str:
    return WORDS.get(str(name), str(name))


def _lower(method: str) -> str:
    return method if method.isupper() else method[0].lower() + method[1:]
