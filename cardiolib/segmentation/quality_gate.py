"""The quality gate: a predicted Dice for every structure of a scan, a verdict, and its reason. No reference is needed.

A predicted Dice is the best possible less what each feature costs (`quality_features`). A cost only ever grows with its
feature, so a worse label map never gets a better score, and the costs say by themselves what the verdict rests on. The
curves are in ``quality_gate.json``, with what they were calibrated on (`quality_calibration`). Beside them stand plain
rules for what no heart does (`quality_rules`).

The gate decides nothing. It says what a user should look at; every scan goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from cardiolib.files import read_json, text_hash
from cardiolib.imaging import Cine, LabelMap
from cardiolib.printed import as_html
from cardiolib.segmentation.image_evidence import image_features
from cardiolib.segmentation.quality_features import (
    IMAGE_FEATURES,
    JUDGED,
    LABEL_FEATURES,
    NETWORK_FEATURES,
    PHASES,
    Features,
    label_features,
)
from cardiolib.segmentation.quality_rules import (
    CENTRE_JUMP,
    JUMP,
    LARGEST_EF,
    LARGEST_ML,
    LEAST_EF,
    RV_PER_LV,
    broken_rules,
)
from cardiolib.verdicts import DO_NOT_USE, LOOK, OK, VERDICTS

FEATURES = {
    "labels": tuple(LABEL_FEATURES),
    "image": (*LABEL_FEATURES, *IMAGE_FEATURES),
    "network": (*LABEL_FEATURES, *IMAGE_FEATURES, *NETWORK_FEATURES),
}
"""Name of a model -> the features that it reads: the more is known, the better the prediction."""

FORMAT = "cardiolib-quality-gate-1"
_SHIPPED = Path(__file__).with_name("quality_gate.json")
_NAMED = 2
"""So many features are named in a reason."""

_WORTH_NAMING = 0.02
"""Least cost in Dice of a feature that is named."""


@dataclass(frozen=True, eq=False, repr=False)
class SegmentationQuality:
    """Verdict on one segmented scan.

    Attributes
    ----------
    table : DataFrame
        One row a structure (index): predicted_dice (the lower of ED and ES), low and high (8 of 10 true values lie
        between), verdict ("ok", "look at it" or "do not use") and reason (empty where the verdict is ok).
    features : DataFrame
        One row a phase and structure: the features that were seen, and the predicted_dice of that phase.
    """

    table: pd.DataFrame
    features: pd.DataFrame

    @property
    def verdict(self) -> str:
        """The worst verdict of a structure."""
        return max(self.table["verdict"], key=VERDICTS.index)

    @property
    def ok(self) -> bool:
        """Whether no structure has anything against it."""
        return self.verdict == OK

    @property
    def predicted_dice(self) -> float:
        """The lowest of the structures."""
        return float(self.table["predicted_dice"].min())

    @property
    def reasons(self) -> tuple[str, ...]:
        """One sentence for each structure that is not ok."""
        rows = self.table[self.table["verdict"] != OK]
        return tuple(f"{name}: {row['reason']}" for name, row in rows.iterrows())

    def as_row(self) -> dict[str, float | str]:
        """One row of a cohort's table: verdict, predicted Dice and verdict of every structure, reasons."""
        row: dict[str, float | str] = {"verdict": self.verdict, "predicted_dice": self.predicted_dice}
        for name, one in self.table.iterrows():
            row |= {f"{name}_dice": float(one["predicted_dice"]), f"{name}_verdict": str(one["verdict"])}
        return row | {"reasons": "; ".join(self.reasons)}

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {dice:.2f}" for name, dice in self.table["predicted_dice"].items())
        return "\n  ".join([f"quality: {self.verdict.upper()} (predicted Dice: {scores})", *self.reasons])

    def _repr_html_(self) -> str:
        return as_html(repr(self), self.table, decimals=2)


def assess_segmentation(
    label_map: LabelMap, *, ed: int, es: int, cine: Cine | None = None, by_network: Features | None = None
) -> SegmentationQuality:
    """Judge a label map at ED and ES.

    Parameters
    ----------
    label_map : LabelMap
        Its scheme names lv_cavity, lv_wall and rv_cavity; K is the slice axis.
    ed, es : int
        Frames of end-diastole and end-systole.
    cine : Cine, optional
        The image that the labels belong to. Without it the labels speak alone, and the score says less.
    by_network : dict, optional
        `NETWORK_FEATURES` of every phase and structure, as `segment_scan` measures them; only beside `cine`.

    Returns
    -------
    SegmentationQuality

    Raises
    ------
    ValueError
        When the scheme lacks a structure, there is no such frame, or image and labels do not belong together.

    Examples
    --------
    The true labels of a simulated heart, and the same with left and right ventricle exchanged:

    >>> import numpy as np
    >>> import cardiolib as cl
    >>> scan = cl.acquire(cl.DigitalHeart(), phases=[0.0, 0.4], rng=np.random.default_rng(1))
    >>> assess_segmentation(scan.labels, ed=0, es=1).verdict
    'ok'
    >>> swapped = scan.labels.labels.copy()
    >>> swapped[scan.labels.mask("lv_cavity")] = scan.labels.scheme.code("rv_cavity")
    >>> swapped[scan.labels.mask("rv_cavity")] = scan.labels.scheme.code("lv_cavity")
    >>> assess_segmentation(cl.LabelMap(swapped, scan.labels.affine, scan.labels.scheme), ed=0, es=1).verdict
    'do not use'
    """
    _check(label_map, ed, es)
    features = label_features(label_map, ed=ed, es=es)
    if cine is None and by_network is not None:
        raise ValueError("what the network says is judged beside the image only: give cine as well")
    for more in ({} if cine is None else image_features(cine, label_map, ed=ed, es=es), by_network or {}):
        features = {key: {**values, **more.get(key, {})} for key, values in features.items()}
    gate = shipped_gate()
    broken = broken_rules(label_map, features, ed=ed, es=es)
    rows, seen = [], []
    for structure in JUDGED:
        by_phase = {phase: gate.predict(structure, features[phase, structure]) for phase in PHASES}
        seen += [
            {"phase": phase, "structure": structure, **features[phase, structure], "predicted_dice": one.dice}
            for phase, one in by_phase.items()
        ]
        phase, worst = min(by_phase.items(), key=lambda item: item[1].dice)
        verdict, reason = gate.verdict(worst.dice), ""
        if verdict != OK:
            reason = f"Dice of {worst.dice:.2f} ({worst.low:.2f} to {worst.high:.2f}) predicted at {phase}"
            reason += "".join(f"; {one}" for one in gate.reasons(structure, features[phase, structure]))
        rules = [rule for rule in broken if structure in rule.structures]
        if rules:
            verdict = max(verdict, *(rule.verdict for rule in rules), key=VERDICTS.index)
            reason = "; ".join([*(rule.sentence for rule in rules), *([reason] if reason else [])])
        rows.append({"structure": structure, "predicted_dice": worst.dice, "low": worst.low, "high": worst.high})
        rows[-1] |= {"verdict": verdict, "reason": reason}
    return SegmentationQuality(
        pd.DataFrame(rows).set_index("structure"), pd.DataFrame(seen).set_index(["phase", "structure"])
    )


def _check(label_map: LabelMap, ed: int, es: int) -> None:
    lacking = [name for name in JUDGED if name not in label_map.scheme.codes]
    if lacking:
        raise ValueError(
            f"the gate judges {', '.join(JUDGED)}; scheme {label_map.scheme.name!r} lacks {', '.join(lacking)}"
        )
    if not (0 <= ed < label_map.n_frames and 0 <= es < label_map.n_frames):
        raise ValueError(f"ED {ed} and ES {es} are not both frames of a label map of {label_map.n_frames} frames")


@dataclass(frozen=True)
class Prediction:
    """A predicted Dice, and the bounds between which 8 of 10 true values lie."""

    dice: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Gate:
    """The calibrated curves.

    Attributes
    ----------
    models : dict
        Name in `FEATURES` -> structure -> "best" (Dice), "costs"
        (feature -> {"at", "lost"}, a piecewise linear curve) and "usual" (feature -> value that 9 of 10 good
        segmentations do not exceed).
    spread : dict
        The same names -> "predicted", "low" and "high": curves of the interval's bounds.
    limits : dict of str to float
        "look" and "do_not_use": predicted Dice below which a structure gets that verdict.
    calibration : dict
        What the curves were calibrated on, seed and versions.
    """

    models: dict
    spread: dict
    limits: dict[str, float]
    calibration: dict

    def predict(self, structure: str, features: Mapping[str, float]) -> Prediction:
        """Predicted Dice of a structure in one phase."""
        name = _which(features)
        costs = self.costs(structure, features)
        dice = float(np.clip(self.models[name][structure]["best"] - sum(costs.values()), 0, 1))
        curves = self.spread[name]
        low, high = (float(np.interp(dice, curves["predicted"], curves[side])) for side in ("low", "high"))
        return Prediction(dice, low, high)

    def costs(self, structure: str, features: Mapping[str, float]) -> dict[str, float]:
        """What each feature costs in Dice, largest first."""
        curves = self.models[_which(features)][structure]["costs"]
        costs = {key: float(np.interp(features[key], curve["at"], curve["lost"])) for key, curve in curves.items()}
        return dict(sorted(costs.items(), key=lambda item: -item[1]))

    def fingerprint(self) -> str:
        """Short hash of all that decides a verdict, for provenance and for keys of stored results."""
        decides = [
            self.models,
            self.spread,
            self.limits,
            LARGEST_ML,
            RV_PER_LV,
            LEAST_EF,
            LARGEST_EF,
            JUMP,
            CENTRE_JUMP,
        ]
        return text_hash(json.dumps(decides, sort_keys=True))[:16]

    def verdict(self, dice: float) -> str:
        """The verdict on a predicted Dice."""
        if dice < self.limits["do_not_use"]:
            return DO_NOT_USE
        return LOOK if dice < self.limits["look"] else OK

    def reasons(self, structure: str, features: Mapping[str, float]) -> list[str]:
        """Sentences on the features that cost most, with their number and usual range."""
        usual = self.models[_which(features)][structure]["usual"]
        words = LABEL_FEATURES | IMAGE_FEATURES | NETWORK_FEATURES
        costly = [key for key, cost in self.costs(structure, features).items() if cost >= _WORTH_NAMING][:_NAMED]
        return [f"{words[key]} {features[key]:.2f} (usually up to {usual[key]:.2f})" for key in costly]


@cache
def shipped_gate() -> Gate:
    """The gate that comes with the package."""
    return read_gate(_SHIPPED)


def read_gate(path: Path) -> Gate:
    """Read what `quality_calibration` wrote.

    Raises
    ------
    ValueError
        When the file is not of this format.
    """
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is not a {FORMAT} file; make one with `python -m benchmarks.quality_calibration`")
    return Gate(content["models"], content["spread"], content["limits"], content["calibration"])


def _which(features: Mapping[str, float]) -> str:
    """The model that reads most of what is known."""
    return [name for name, needed in FEATURES.items() if set(needed) <= set(features)][-1]
