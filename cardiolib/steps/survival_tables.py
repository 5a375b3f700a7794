"""What notebook 03 shows of a trained network: its layers, its search, its code, its predictions."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort
from cardiolib.motion import right_ventricular_indices
from cardiolib.survival.network.fitted import FittedNetwork
from cardiolib.survival.network.search import SEARCHED, SearchResult, SearchSettings
from cardiolib.survival.network.settings import PUBLISHED_RANGES, NetworkSettings

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


def ranges_table(result: SearchResult, settings: SearchSettings) -> pd.DataFrame:
    """Range searched, range of the paper's released code, and what was found, a row a setting."""
    return pd.DataFrame(
        {
            "searched": {name: "{:g} to {:g}".format(*getattr(settings, name)) for name in SEARCHED},
            "paper": {name: "{:g} to {:g}".format(*PUBLISHED_RANGES[name]) for name in SEARCHED},
            "found": {name: f"{getattr(result.best_settings, name):.3g}" for name in SEARCHED},
        }
    ).rename_axis("setting")


def steps_sentence(settings: NetworkSettings, *, n_patients: int) -> str:
    """How many steps the training takes, beside those of the published protocol over the same epochs."""
    small = settings.epochs * -(-n_patients // settings.batch_size)
    if settings.protocol == "published":
        return f"Here {small:,} steps, each over a batch of {settings.batch_size} patients, as in the released code."
    return (
        f"Here {settings.epochs} large steps, each over all {n_patients} patients; the published protocol would "
        f"take {small:,} small ones over batches of {settings.batch_size}."
    )


def spread_sentence(history: pd.DataFrame, *, deaths: int) -> str:
    """Whether scores differ more between settings or between the folds of one setting."""
    folds = [name for name in history if str(name).startswith("fold_")]
    swarm = history[history["generation"] >= 0].dropna(subset=["score"])
    between = float(swarm["score"].std(ddof=1)) if len(swarm) > 1 else float("nan")
    within = float(swarm[folds].std(axis=1, ddof=1).mean())
    if not (np.isfinite(between) and np.isfinite(within)):
        return "Too few settings were scored to tell."
    verdict = "the folds decide more than the settings do" if within > between else "the settings decide"
    return (
        f"With {deaths} deaths, the C-index of one setting differs from fold to fold by {within:.3f} (standard "
        f"deviation), the mean C-index of {len(swarm)} settings by {between:.3f}: {verdict}."
    )


def chosen_patients(network: FittedNetwork, X, ids, event, time, *, quantiles=QUANTILES) -> pd.DataFrame:
    """Patients at given quantiles of predicted risk.

    Returns
    -------
    DataFrame
        One row a patient, lowest risk first: ID, row, quantile, log_risk, event, time.
    """
    risk = network.predict_log_risk(X)
    order = np.argsort(risk, kind="stable")
    rows = order[np.round(np.array(quantiles) * (len(order) - 1)).astype(int)]
    return pd.DataFrame(
        {
            "ID": np.asarray(ids)[rows],
            "row": rows,
            "quantile": quantiles,
            "log_risk": risk[rows],
            "event": np.asarray(event)[rows],
            "time": np.asarray(time)[rows],
        }
    )


def curves_of(network: FittedNetwork, X, patients: pd.DataFrame, *, until: float = np.inf) -> pd.DataFrame:
    """Predicted survival of `chosen_patients` up to a time.

    Returns
    -------
    DataFrame
        ID, time, survival: the corners of each step curve, and its end at `until`.
    """
    known = network.baseline.times[network.baseline.times < until]
    times = np.concatenate([[0.0], known, [until] if np.isfinite(until) else []])
    curves = network.survival_curve(np.asarray(X)[patients["row"]], times)
    return pd.concat(
        [
            pd.DataFrame({"ID": name, "time": times, "survival": curve})
            for name, curve in zip(patients["ID"], curves, strict=True)
        ],
        ignore_index=True,
    )


def followed_time(time, *, n_left: int = 10) -> float:
    """The time until which at least `n_left` patients were observed: beyond it a baseline hazard rests on few."""
    time = np.sort(np.asarray(time, float))
    return float(time[-min(n_left, time.size)])


def code_table(network: FittedNetwork, X, ids, event) -> pd.DataFrame:
    """Latent code of all patients, the lowest predicted risk first.

    Returns
    -------
    DataFrame
        Index ID; log_risk, event, then a column a unit, named z1, z2, ... and ordered by the unit's weight in the
        log risk, most harmful first. Each unit is divided by its largest value; a dead unit stays zero.
    """
    code, weight = network.code(X), network.weights["risk.weight"][0]
    order = np.argsort(-weight * code.std(axis=0), kind="stable")
    largest = np.abs(code).max(axis=0)
    scaled = (code / np.where(largest > 0, largest, 1))[:, order]
    table = pd.DataFrame(scaled, index=pd.Index(ids, name="ID"), columns=[f"z{i + 1}" for i in order])
    table.insert(0, "event", np.asarray(event, bool))
    table.insert(0, "log_risk", network.predict_log_risk(X))
    return table.sort_values("log_risk", kind="stable")


def hazard_table(predicted: pd.Series, event, cohort: Cohort) -> pd.DataFrame | None:
    """True and predicted log hazard of the same patients, both centred; None where no truth is known.

    Parameters
    ----------
    predicted : Series
        Log risk by ID, of models that had not seen the patient.
    event : (N,) array
    cohort : Cohort

    Returns
    -------
    DataFrame or None
        Index ID; true, predicted, event.
    """
    if "truth" not in cohort.provides:
        return None
    truth = cohort.log_hazard().loc[list(predicted.index)]
    return pd.DataFrame(
        {"true": truth - truth.mean(), "predicted": predicted - predicted.mean(), "event": np.asarray(event, bool)}
    )


def motion_indices(X: np.ndarray, reference: np.ndarray, feature_shape: tuple[int, int, int]) -> pd.DataFrame | None:
    """Conventional indices of right ventricular function from the motion matrix.

    Parameters
    ----------
    X : (N, D) array
        Displacements, mm.
    reference : (V, 3) array
        End-diastolic points to which displacements are added: the template's, as the matrix holds no shapes.
    feature_shape : tuple
        (frames, vertices, 3).

    Returns
    -------
    DataFrame or None
        tapse_mm, longitudinal_strain, circumferential_strain, septal_strain; None for other points than the
        template's 202.
    """
    if feature_shape[1] != len(reference):
        return None
    moved = np.asarray(X, float).reshape(-1, *feature_shape) + reference
    start = np.broadcast_to(reference, (len(moved), 1, *reference.shape))
    return pd.DataFrame([right_ventricular_indices(each) for each in np.concatenate([start, moved], axis=1)])
