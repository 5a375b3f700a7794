"""Results made by hand, as small as a figure of them can be."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.imaging import OURS, Cine, LabelMap
from cardiolib.interpretation import LatentMap, NullNetwork
from cardiolib.interpretation.hearts_at_risk import RiskHearts
from cardiolib.interpretation.patient_maps import PatientMaps
from cardiolib.survival import NetworkSettings, SearchResult
from cardiolib.validation.absolute_performance import AbsolutePerformance


def patient_maps(coordinates, event, time, *, log_risk=None, ids=None, null=None, aligned=None, kept=(0.4, 0.1)):
    """Maps by method ("pca", ...) of the patients; `null` is event and time of the shuffled outcomes."""
    n = len(time)
    ids = [f"P{i}" for i in range(n)] if ids is None else ids
    risk = np.zeros(n) if log_risk is None else log_risk
    null_event, null_time = (event, time) if null is None else null
    maps = [LatentMap(name, np.asarray(one), 5, 0.91, 0.87, 5) for name, one in coordinates.items()]
    patients = pd.DataFrame({"time": time, "event": event, "log_risk": risk}, index=pd.Index(ids, name="ID"))
    share, chance = kept
    quality = pd.DataFrame(
        {"neighbours kept": share, "by chance": chance}, index=pd.Index([one.method for one in maps], name="method")
    )
    first = next(iter(coordinates.values()), np.zeros((n, 2)))
    null_map = LatentMap("laplacian eigenmaps", -np.asarray(first), 5, 0.9, 0.9, 5)
    network = NullNetwork(None, null_event, null_time, 0.8)
    return PatientMaps(maps, patients, quality, aligned or {}, 0.8, network, null_map)


def risk_hearts(mesh, hearts):
    """Hearts at low and at high risk without anything else."""
    return RiskHearts([], None, pd.DataFrame(), pd.DataFrame(), hearts, mesh, 2.0)


def search_result(history):
    """A search with these candidates (generations from 0)."""
    return SearchResult(NetworkSettings(), 0.65, False, history, True)


def performance(calibrations=None, over_time=None, decisions=None, *, decided_at=0.5):
    """Probabilities that were judged."""
    calibrations = calibrations or {}
    horizons = tuple(one.at for one in next(iter(calibrations.values()), [])) or (decided_at,)
    return AbsolutePerformance(horizons, over_time, pd.DataFrame(), calibrations, decisions, decided_at)


def short_axis():
    """A cine of a round heart, labels one row beside it, and its true labels."""
    i, j, k = np.ogrid[:60, :50, :5]
    r = np.hypot((i - 34) * 1.5, (j - 25) * 2.0) + 0 * k
    labels = np.select([r < 18, r < 28], [1, 2], 0)
    labels[:, :, 4] = 0
    affine = np.diag([1.5, 2.0, 10, 1])
    cine = Cine(np.stack([np.where(labels == 1, 200.0, 50.0)] * 3, -1), affine)
    truth = LabelMap(np.stack([labels] * 3, -1), affine, OURS)
    return cine, LabelMap(np.roll(truth.labels, 1, axis=0), affine, OURS), truth
