"""Plain rules of the quality gate: what no heart does, whatever the features say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cardiolib.imaging import LabelMap, volume_jump
from cardiolib.segmentation.quality_features import JUDGED, PHASES, Features
from cardiolib.verdicts import DO_NOT_USE, LOOK

LARGEST_ML = {"lv_cavity": 500.0, "rv_cavity": 400.0}
"""End-diastolic volumes beyond this are not believed. The largest of ACDC's hundred patients have 350 and 360 mL."""

RV_PER_LV = (0.25, 3.0)
"""RV over LV end-diastolic volume: outside, one of the two is wrong."""

LEAST_EF, LARGEST_EF = 0.05, 0.9
"""Ejection fractions outside are looked at."""

CENTRE_JUMP = 1.0
"""Of the feature "centre_jump": slices that lie further from their neighbours (in radii) are looked at."""

JUMP = 1.0
"""Of `volume_jump`: in a cine, a frame whose volume departs further from its neighbours' is looked at."""


class Rule(NamedTuple):
    """A rule that a label map breaks."""

    structures: tuple[str, ...]
    verdict: str
    sentence: str


def broken_rules(label_map: LabelMap, features: Features, *, ed: int, es: int) -> list[Rule]:
    """Every rule that is broken, for the structures that it speaks of; an empty list where none is.

    Parameters
    ----------
    label_map : LabelMap
    features : dict
        Its `label_features`.
    ed, es : int
    """
    curves = {name: label_map.volume_ml(name) for name in JUDGED}
    absent = [name for name in JUDGED if not curves[name][[ed, es]].all()]
    rules = [Rule((name,), DO_NOT_USE, f"there is no {name} at ED or ES") for name in absent]
    left, right = curves["lv_cavity"], curves["rv_cavity"]
    for name, limit in LARGEST_ML.items():
        if curves[name][ed] > limit:
            rules.append(
                Rule((name,), DO_NOT_USE, f"{curves[name][ed]:.0f} mL at ED, more than {limit:.0f} mL is not believed")
            )
    if left[ed] > 0 and right[ed] > 0:
        rules += _ratio(right[ed] / left[ed]) + [
            rule
            for name, curve in (("lv_cavity", left), ("rv_cavity", right))
            if name not in absent and ed != es
            for rule in _ejection(name, curve[ed], curve[es])
        ]
    for name, curve in (("lv_cavity", left), ("rv_cavity", right)):  # a wall keeps its volume: its range is noise
        jump = volume_jump(curve)
        if name not in absent and jump > JUMP:
            rules.append(Rule((name,), LOOK, f"its volume jumps between frames ({jump:.1f} times the limit)"))
    jump = max(features[phase, "lv_wall"]["centre_jump"] for phase in PHASES)
    if jump > CENTRE_JUMP and "lv_wall" not in absent:
        sentence = f"a slice of the LV lies {jump:.1f} radii off its neighbours"
        rules.append(Rule(("lv_cavity", "lv_wall"), LOOK, sentence))
    return rules


def _ratio(ratio: float) -> list[Rule]:
    low, high = RV_PER_LV
    if low <= ratio <= high:
        return []
    sentence = f"RV over LV volume is {ratio:.2f} at ED, usually {low:g} to {high:g}"
    return [Rule(("rv_cavity",), DO_NOT_USE, sentence), Rule(("lv_cavity", "lv_wall"), LOOK, sentence)]


def _ejection(name: str, edv_ml: float, esv_ml: float) -> list[Rule]:
    fraction = 1 - esv_ml / edv_ml
    if LEAST_EF <= fraction <= LARGEST_EF:
        return []
    sentence = (
        f"its ejection fraction is {100 * fraction:.0f} %, usually {100 * LEAST_EF:.0f} to {100 * LARGEST_EF:.0f}"
    )
    return [Rule((name,), DO_NOT_USE if fraction < 0 or not np.isfinite(fraction) else LOOK, sentence)]
