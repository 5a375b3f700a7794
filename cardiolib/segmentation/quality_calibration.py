"""Calibrating the quality gate: from features and true Dice of labelled scans to curves that predict the Dice.

For each structure the Dice is the best possible less a cost for each feature, and each cost is a piecewise linear
curve that only grows. Least squares finds them with the costs held above zero. The spread of the prediction, and the
limits of the verdicts, come from predictions of scans that were left out, a whole group of patients at a time: they
tell what to expect of hearts unlike those that were calibrated on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from cardiolib.segmentation.quality_features import JUDGED
from cardiolib.segmentation.quality_gate import FEATURES, FORMAT, Gate

_QUANTILES = (0.3, 0.6, 0.8, 0.92, 0.98)
"""Of a feature, where its curve may bend."""

_RIDGE = 0.002
"""Weight of the squared costs beside the mean squared error: features that say the same share the cost."""

_GOOD = 0.67
"""The usual range of a feature is that of the best third of typical scans: their Dice exceeds this quantile."""

_MISSED = 0.02
"""Share of the structures below a Dice of .5 that may pass as ok in left-out scans, by the network that does worst."""

DO_NOT_USE_BELOW = 0.6

_NEIGHBOURS = 0.08
"""The interval at a predicted Dice is read off predictions that are no further from it than this."""


def calibrate(rows: pd.DataFrame, *, about: dict) -> Gate:
    """Fit the gate's curves.

    Parameters
    ----------
    rows : DataFrame
        One row a scan (column "scan"), phase and structure: "dice" (true), "group" (left out together), "weight" in the
        fit, and the features of the gate. "network" names what segmented it, and "typical" (bool) marks what a user's
        scans are like: the limits of the verdicts and the usual ranges of features are read off those.
    about : dict
        Written into the gate: what was calibrated on, seed, versions.

    Returns
    -------
    Gate

    Raises
    ------
    ValueError
        When a feature is missing or not a number, or there are fewer than two groups.
    """
    _check(rows)
    models = {name: _models(rows, features) for name, features in FEATURES.items()}
    left_out = {name: left_out_predictions(rows, features) for name, features in FEATURES.items()}
    spread = {name: _spread(rows["dice"].to_numpy(), predicted) for name, predicted in left_out.items()}
    typical = rows.assign(predicted=left_out["network"])[rows["typical"].astype(bool)]
    worst = typical.groupby(["network", "scan", "structure"])[["dice", "predicted"]].min()
    limits = {"look": _look_limit(worst), "do_not_use": DO_NOT_USE_BELOW}
    return Gate(models, spread, limits, about)


def as_content(gate: Gate) -> dict:
    """What `read_gate` reads, for `write_json`; numbers are rounded to what they are worth."""
    return {
        "format": FORMAT,
        "calibration": gate.calibration,
        "limits": gate.limits,
        "models": _rounded(gate.models),
        "spread": _rounded(gate.spread),
    }


def left_out_predictions(rows: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """(n,) predicted Dice of every row, by curves that were fitted without its group."""
    predicted = np.full(len(rows), np.nan)
    for group in rows["group"].unique():
        out = (rows["group"] == group).to_numpy()
        models = _models(rows[~out], features)
        for structure, part in rows[out].groupby("structure"):
            lost = sum(np.interp(part[key], c["at"], c["lost"]) for key, c in models[structure]["costs"].items())
            where = np.flatnonzero(out & (rows["structure"] == structure).to_numpy())
            predicted[where] = np.clip(models[structure]["best"] - lost, 0, 1)
    return predicted


def _check(rows: pd.DataFrame) -> None:
    needed = ["scan", "structure", "group", "network", "typical", "weight", "dice", *FEATURES["network"]]
    lacking = [name for name in needed if name not in rows]
    if lacking:
        raise ValueError(f"the rows to calibrate on lack {', '.join(lacking)}")
    numbers = rows[needed[5:]]
    if not np.isfinite(numbers.to_numpy(float)).all():
        raise ValueError(f"not a number in {', '.join(numbers.columns[numbers.isna().any()])}; leave those rows out")
    if rows["group"].nunique() < 2:
        raise ValueError("calibration needs at least two groups of scans: the spread comes from groups left out")


def _models(rows: pd.DataFrame, features: Sequence[str]) -> dict:
    return {structure: _model(rows[rows["structure"] == structure], features) for structure in JUDGED}


def _model(rows: pd.DataFrame, features: Sequence[str]) -> dict:
    """Best Dice, costs and usual values of one structure."""
    weight = rows["weight"].to_numpy(float)
    bends = {key: _bends(rows.loc[weight > 0, key].to_numpy(float)) for key in features}
    columns = [part for key in features for part in _segments(rows[key].to_numpy(float), bends[key])]
    design = np.column_stack([np.ones(len(rows)), *(-column for column in columns)])
    scale = np.sqrt(weight / weight.sum())[:, None]
    ridge = np.sqrt(_RIDGE) * np.eye(design.shape[1])[1:]
    target = np.concatenate([rows["dice"].to_numpy(float) * scale[:, 0], np.zeros(len(ridge))])
    found, _ = nnls(np.concatenate([design * scale, ridge]), target)
    best, steps, costs = float(found[0]), iter(found[1:]), {}
    for key in features:
        lost = np.cumsum([0.0, *(next(steps) for _ in bends[key][1:])])
        if lost[-1] > 0:
            costs[key] = {"at": bends[key].tolist(), "lost": lost.tolist()}
    typical = rows[rows["typical"].astype(bool)]
    good = typical[typical["dice"] >= typical["dice"].quantile(_GOOD)]
    usual = {key: float(good[key].quantile(0.9)) if len(good) else 0.0 for key in costs}
    return {"best": best, "costs": costs, "usual": usual}


def _bends(values: np.ndarray) -> np.ndarray:
    """Where a curve bends: quantiles, each clearly above the one before."""
    bends = [0.0]
    for value in np.quantile(values, _QUANTILES):
        if value > bends[-1] + 0.01:
            bends.append(float(value))
    return np.array(bends)


def _segments(values: np.ndarray, bends: np.ndarray) -> Iterator[np.ndarray]:
    """How far each value has gone through each segment, 0 to 1."""
    for low, high in zip(bends[:-1], bends[1:], strict=True):
        yield np.clip((values - low) / (high - low), 0, 1)


def _spread(truth: np.ndarray, predicted: np.ndarray) -> dict[str, list[float]]:
    """Bounds that 8 of 10 true values of left-out scans lie between, by predicted Dice."""
    at = np.linspace(0, 1, 11)
    low, high = [], []
    for centre in at:
        distance = np.abs(predicted - centre)
        near = truth[distance <= max(_NEIGHBOURS, np.sort(distance)[min(30, len(distance) - 1)])]
        low.append(float(np.quantile(near, 0.1)))
        high.append(float(np.quantile(near, 0.9)))
    return {
        "predicted": at.tolist(),
        "low": np.minimum(np.maximum.accumulate(low), at).tolist(),
        "high": np.maximum(np.maximum.accumulate(high), at).tolist(),
    }


def _look_limit(worst: pd.DataFrame) -> float:
    """The least limit, from .7, by which few enough bad structures of left-out scans pass, of all networks together.

    (A good network has a handful of bad structures: one of them would settle the limit for everybody.)
    """
    bad = worst.loc[worst["dice"] < 0.5, "predicted"]
    limits = np.arange(0.70, 0.90, 0.01)
    passed = [(bad >= limit).mean() if len(bad) else 0.0 for limit in limits]
    enough = np.flatnonzero(np.array(passed) <= _MISSED)
    return round(float(limits[enough[0] if len(enough) else -1]), 2)


def _rounded(content):
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_rounded(value) for value in content]
    return round(content, 4)
