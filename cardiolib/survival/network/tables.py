"""A trained network and its search in tables: layers, code, reconstruction, single patients, settings tried."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cardiolib.survival.data import SurvivalData
from cardiolib.survival.network.fitted import FittedNetwork
from cardiolib.survival.network.search import SEARCHED, SearchResult, SearchSettings
from cardiolib.survival.network.settings import PUBLISHED_RANGES
from cardiolib.survival.outcomes import check_event, check_time

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def architecture_table(network: FittedNetwork) -> pd.DataFrame:
    """The layers of a trained network, read from its weights.

    Returns
    -------
    DataFrame
        One row a layer from input to output: layer, units, activation, reads (the layer before it; empty for the
        input), parameters (weights and biases into it).
    """
    w, relu = network.weights, "linear" if network.settings.activation == "linear" else "ReLU"
    rows = [
        {
            "layer": "motion",
            "units": network.n_features,
            "activation": f"dropout {network.settings.dropout:.2f}",
            "reads": "",
            "parameters": 0,
        }
    ]
    for layer, name, activation, reads in (
        ("hidden", "encoder_hidden", relu, "motion"),
        ("code", "encoder_code", relu, "hidden"),
        ("log risk", "risk", "linear", "code"),
        ("decoder", "decoder_hidden", relu, "code"),
        ("reconstruction", "decoder_output", "linear", "decoder"),
    ):
        parts = [value for key, value in w.items() if key.startswith(f"{name}.")]
        rows.append(
            {
                "layer": layer,
                "units": parts[0].shape[0],
                "activation": activation,
                "reads": reads,
                "parameters": sum(part.size for part in parts),
            }
        )
    return pd.DataFrame(rows)


def code_table(network: FittedNetwork, data: SurvivalData) -> pd.DataFrame:
    """Latent code of all patients, the lowest predicted risk first.

    Returns
    -------
    DataFrame
        Index ID; log_risk, event, then a column a unit, named z1, z2, ... and ordered by the unit's weight in the
        log risk, most harmful first. Each unit is divided by its largest value; a dead unit stays zero.
    """
    code, weight = network.code(data.X), network.weights["risk.weight"][0]
    order = np.argsort(-weight * code.std(axis=0), kind="stable")
    largest = np.abs(code).max(axis=0)
    scaled = (code / np.where(largest > 0, largest, 1))[:, order]
    table = pd.DataFrame(scaled, index=pd.Index(data.ids, name="ID"), columns=[f"z{i + 1}" for i in order])
    table.insert(0, "event", check_event(data.event))
    table.insert(0, "log_risk", network.predict_log_risk(data.X))
    return table.sort_values("log_risk", kind="stable")


def reconstruction_table(network: FittedNetwork, data: SurvivalData) -> pd.DataFrame:
    """Mean displacement over the points by phase, put in and reconstructed, at low and at high predicted risk.

    Returns
    -------
    DataFrame
        Columns patient, risk ("low", "high"), phase (1 to 19), kind ("motion", "reconstruction"), displacement_mm.
    """
    order = np.argsort(network.predict_log_risk(data.X), kind="stable")
    rows = []
    for risk, i in (("low", order[len(order) // 20]), ("high", order[-1 - len(order) // 20])):
        for kind, x in (("motion", data.X[i]), ("reconstruction", network.reconstruct(data.X[i : i + 1])[0])):
            mean = np.linalg.norm(x.reshape(data.feature_shape), axis=-1).mean(axis=1)
            rows += [
                {"patient": data.ids[i], "risk": risk, "phase": t + 1, "kind": kind, "displacement_mm": value}
                for t, value in enumerate(mean)
            ]
    return pd.DataFrame(rows)


def chosen_patients(
    network: FittedNetwork, data: SurvivalData, *, quantiles: Sequence[float] = QUANTILES
) -> pd.DataFrame:
    """Patients at given quantiles of predicted risk.

    Returns
    -------
    DataFrame
        One row a patient, lowest risk first: ID, row, quantile, log_risk, event, time.
    """
    risk = network.predict_log_risk(data.X)
    order = np.argsort(risk, kind="stable")
    rows = order[np.round(np.array(quantiles) * (len(order) - 1)).astype(int)]
    return pd.DataFrame(
        {
            "ID": np.asarray(data.ids)[rows],
            "row": rows,
            "quantile": quantiles,
            "log_risk": risk[rows],
            "event": np.asarray(data.event)[rows],
            "time": np.asarray(data.time)[rows],
        }
    )


def predicted_curves(
    network: FittedNetwork, data: SurvivalData, patients: pd.DataFrame, *, until: float = np.inf
) -> pd.DataFrame:
    """Predicted survival of `chosen_patients` up to a time.

    Returns
    -------
    DataFrame
        ID, time, survival: the corners of each step curve, and its end at `until`.
    """
    baseline = network.baseline
    known = np.zeros(0) if baseline is None else baseline.times[baseline.times < until]
    times = np.concatenate([[0.0], known, [until] if np.isfinite(until) else []])
    curves = network.survival_curve(np.asarray(data.X)[patients["row"]], times)
    return pd.concat(
        [
            pd.DataFrame({"ID": name, "time": times, "survival": curve})
            for name, curve in zip(patients["ID"], curves, strict=True)
        ],
        ignore_index=True,
    )


def followed_time(time: np.ndarray, *, n_left: int = 10) -> float:
    """The time until which at least `n_left` patients were observed: beyond it a baseline hazard rests on few."""
    time = np.sort(check_time(time))
    return float(time[-min(n_left, time.size)])


def swarm_rows(result: SearchResult) -> pd.DataFrame:
    """The swarm's own candidates, generations counted from 1; the later confirmations by full fits are left out."""
    swarm = result.history[result.history["generation"] >= 0]
    return swarm.assign(generation=swarm["generation"] + 1)


def confirmed_rows(result: SearchResult) -> pd.DataFrame:
    """The swarm's best by full fits and, last, the defaults on the same folds."""
    rows = result.history[~result.history["screened"].astype(bool)]
    swarm, after = rows[rows["generation"] >= 0], rows[rows["generation"] < 0]
    best = swarm.nlargest(1, "score") if len(swarm) else after.iloc[:0]
    return pd.concat([best, after])[[*SEARCHED, "score"]].reset_index(drop=True)


def best_table(result: SearchResult) -> pd.DataFrame:
    """The chosen setting and its score as a small table."""
    chosen = {name: getattr(result.best_settings, name) for name in SEARCHED}
    kind = "screened" if result.best_is_screened else "full fits"
    return pd.DataFrame({"chosen": {**chosen, f"cross-validated C ({kind})": round(result.best_score, 4)}})


def ranges_table(result: SearchResult, settings: SearchSettings) -> pd.DataFrame:
    """Range searched, range of the paper's released code, and what was found, a row a setting."""
    return pd.DataFrame(
        {
            "searched": {name: "{:g} to {:g}".format(*getattr(settings, name)) for name in SEARCHED},
            "paper": {name: "{:g} to {:g}".format(*PUBLISHED_RANGES[name]) for name in SEARCHED},
            "found": {name: f"{getattr(result.best_settings, name):.3g}" for name in SEARCHED},
        }
    ).rename_axis("setting")
