"""What notebook 01 reads off its figures, and what it says in the end: sentences made of the run's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cardiolib.imaging import STRUCTURES
from cardiolib.steps.small_runs import counted, joined, verdict, whose_numbers

WORDS = {"lv_cavity": "LV cavity", "lv_wall": "LV wall", "rv_wall": "RV wall", "rv_cavity": "RV cavity"}
SURE = 0.99
"""A probability from which on the network is called sure."""

GOOD_DICE, GOOD_EF_POINTS = 0.9, 5.0
"""About what networks of the same hospital reach, and an error of the ejection fraction that changes no decision."""


def network_input(table: pd.DataFrame) -> str:
    """How the window differs from the stored slice, from the table of `figures.network_input`."""
    stored, own = table.iloc[0], table.iloc[2]
    kept = own["rows"] * own["columns"] * own["pixel_mm"] ** 2 / (stored["rows"] * stored["columns"])
    kept /= stored["pixel_mm"] ** 2
    return (
        f"The network reads {own['rows']} x {own['columns']} pixels of {own['pixel_mm']:g} mm, which is {kept:.0%} of "
        f"the stored slice. Intensities run from {own['darkest']:.1f} to {own['brightest']:.1f} instead of "
        f"{stored['darkest']:.3g} to {stored['brightest']:.3g}, so another scanner's units make no difference."
    )


def network_output(table: pd.DataFrame) -> str:
    """How sure the network is of labels and landmarks, from the table of `figures.network_output`."""
    is_class = table["panel"].str.startswith("class ")
    classes, places = table[is_class], table[~is_class]
    unsure = classes.loc[classes["probability_max"].idxmin()]
    vague = places.loc[places["share"].idxmin()]
    share = f"{vague['share']:.0%} of the probability of the {_plain(vague['panel'])} lies in the slice that is drawn"
    if vague["probability_max"] == 0:
        share = f"no place is claimed for the {_plain(vague['panel'])}"
    least = float(unsure["probability_max"])
    sure = (
        "Somewhere in this slice the network is sure of each of the four structures; what doubt there is lies at their "
        "borders"
        if least > SURE
        else f"The network is least sure of the {WORDS[_key(unsure['panel'])]}: at most {least:.2f} at a pixel"
    )
    return f"{sure}. A landmark is a cloud, not a point: {share}."


def shape_model(table: pd.DataFrame) -> str:
    """Volumes of the smooth model, from the table of `figures.shape_views`."""
    volume = table.set_index("surface")["volume_ml"]
    wall = (volume["lv_epi"] - volume["lv_endo"]) / volume["lv_epi"]
    return (
        f"The smooth left cavity holds {volume['lv_endo']:.0f} mL and the right one {volume['rv_endo']:.0f} mL. The "
        f"wall is {wall:.0%} of what the outer surface of the left ventricle encloses."
    )


def dice_by_slice(table: pd.DataFrame) -> str:
    """Where the overlap is best and worst along the heart, from the table of `figures.short_axis_mosaic`."""
    if "dice" not in table:
        return "There is no reference to compare with: look whether you would have drawn the contours there."
    part = table[(table["structure"] == "lv_cavity") & table["dice"].notna()]
    by_slice = part.groupby("slice")["dice"].mean()
    if len(by_slice) < 3:
        return "Too few slices show the LV cavity to compare base and apex."
    ends, middle = by_slice.iloc[[0, -1]].mean(), by_slice.iloc[1:-1].mean()
    where = "at the two ends" if ends < middle else "in the middle"
    return (
        f"Dice of the LV cavity is {middle:.2f} in the middle slices and {ends:.2f} in the first and the last slice "
        f"that show it. Most is lost {where}."
    )


def training(table: pd.DataFrame) -> str:
    """Whether training was over, from the table of `figures.training_history`."""
    if len(table) < 2 or "dice_mean" not in table:
        return "There are too few epochs to see a course."
    first, last = table["dice_mean"].iloc[[0, -1]]
    gain = last - table["dice_mean"].iloc[-2]
    state = "it was still rising, so a longer training would gain" if gain > 0.01 else "it had levelled off"
    return (
        f"Over {len(table)} epochs the mean Dice of the hearts kept aside went from {first:.2f} to {last:.2f}; in the "
        f"last epoch it changed by {gain:+.3f}: {state}."
    )


def quality(table: pd.DataFrame) -> str:
    """Whether the gate's forecast holds, from the table of `figures.predicted_dice`."""
    known = table.dropna(subset=["dice", "predicted_dice"])
    if known.empty:
        return "There is no reference, so the forecast cannot be tested."
    off = (known["predicted_dice"] - known["dice"]).abs()
    missed = known[(known["verdict"] == "ok") & (known["dice"] < 0.8)]
    return (
        f"On {len(known)} structures of {known['ID'].nunique()} scans the forecast is off by {off.mean():.3f} on "
        f"average and by {off.max():.3f} at worst. {counted(len(missed), 'structure')} "
        "passed with a Dice below 0.8."
    )


def agreement(table: pd.DataFrame) -> str:
    """Bias of both ejection fractions, from the table of `figures.bland_altman`."""
    parts = []
    for side in ("LV", "RV"):
        values = table.loc[table["quantity"] == f"{side} ejection fraction", "difference"].dropna()
        if len(values):
            direction = "too high" if values.mean() > 0 else "too low"
            parts.append(f"the {side} ejection fraction is {abs(values.mean()):.1f} points {direction} on average")
    if not parts:
        return "No ejection fraction could be compared."
    number = len(table[table["quantity"] == table["quantity"].iloc[0]])
    return joined(
        f"Over {number} scans {' and '.join(parts)}.",
        "A bias is a fault that more patients do not cure; scatter is one that they do.",
    )


def conclusion(metrics: Mapping[str, float], *, simulated: bool) -> list[str]:
    """Claim, what this run says to it, what it cannot say; from the numbers of `segmentation_metrics`."""
    dice = {name: metrics[f"dice_{name}"] for name in STRUCTURES if np.isfinite(metrics.get(f"dice_{name}", np.nan))}
    scans = int(metrics["scans_count"])
    if dice:
        worst = min(dice, key=dice.__getitem__)
        cavities = [dice[name] for name in ("lv_cavity", "rv_cavity") if name in dice]
        error = float(metrics.get("lvef_mae_points", np.nan))
        holds = bool(cavities) and min(cavities) >= GOOD_DICE and error <= GOOD_EF_POINTS
        each = ", ".join(f"{value:.2f} for the {WORDS[name]}" for name, value in dice.items())
        said = f"{verdict(holds, scans=scans)}: on {counted(scans, 'scan')} Dice is {each}"
        said += f"; the LV ejection fraction is off by {error:.1f} points. The {WORDS[worst]} is hardest."
    else:
        said = f"This run says nothing to it: {counted(scans, 'scan')} segmented, and no reference."
    return [
        "The paper's claim: a network labels both ventricles well enough that volumes and motion can be read off "
        "its labels.",
        said,
        joined(
            whose_numbers(simulated),
            "It cannot say how this network does on a scanner, or a disease, that none of these scans shows.",
        ),
    ]


def _key(panel: str) -> str:
    return panel.partition(" ")[2]


def _plain(panel: str) -> str:
    return _key(panel).replace("_", " ").replace("lv ", "LV ").replace("rv ", "RV ")
