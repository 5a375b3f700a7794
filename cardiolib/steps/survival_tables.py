"""What notebook 03 says in sentences of its own numbers, and the conventional indices it compares with."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cardiolib.motion import right_ventricular_indices
from cardiolib.survival.network.settings import NetworkSettings


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


def motion_indices(X: np.ndarray, reference: np.ndarray, feature_shape: tuple[int, int, int]) -> pd.DataFrame:
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
    DataFrame
        tapse_mm, longitudinal_strain, circumferential_strain, septal_strain; empty for other points than the
        template's 202.
    """
    if feature_shape[1] != len(reference):
        return pd.DataFrame()
    moved = np.asarray(X, float).reshape(-1, *feature_shape) + reference
    start = np.broadcast_to(reference, (len(moved), 1, *reference.shape))
    return pd.DataFrame([right_ventricular_indices(each) for each in np.concatenate([start, moved], axis=1)])
