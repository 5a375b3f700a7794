"""A stored network used on new patients: a cohort goes in, log risks and survival probabilities come out."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cardiolib.cohorts import Cohort, open_cohort
from cardiolib.survival.network.fitted import FittedNetwork


def predict_cohort(
    network: FittedNetwork, cohort: Cohort | str | os.PathLike[str], *, times: Sequence[float] = ()
) -> pd.DataFrame:
    """Log risk, and survival at given times, of every subject with motion.

    Parameters
    ----------
    network : FittedNetwork
        From `fit_network` or `load_network`.
    cohort : Cohort or path
        Anything that `cardiolib.cohorts.open_cohort` opens: a folder of 4Dsegment, a motion file, ...
    times : sequence of float
        In the time unit of training (``network.provenance["time_unit"]``).

    Returns
    -------
    DataFrame
        One row a subject, by ID: ``log_risk`` (higher is worse; its zero has no meaning) and ``survival_<time>``,
        the probability of living longer. Survival probabilities carry the baseline hazard of the training patients.

    Raises
    ------
    ValueError
        If the cohort's vertices or phases are not those of the model; both numbers are given.
    CohortError
        If the cohort has no motion, or a subject's motion is missing or not finite (subjects are named).

    Examples
    --------
    >>> import cardiolib as cl
    >>> rng = np.random.default_rng(1)
    >>> motion = rng.normal(size=(40, 6))
    >>> time = rng.exponential(np.exp(-motion[:, 0]))
    >>> network = cl.fit_network(motion, time < 2, time.clip(max=2), cl.NetworkSettings(hidden=8, latent=2, epochs=5))
    >>> others = Cohort("two", pd.DataFrame(index=["a", "b"]), motion=rng.normal(size=(2, 6)))
    >>> list(predict_cohort(network, others, times=[0.5, 1]))
    ['log_risk', 'survival_0.5', 'survival_1']
    """
    cohort = cohort if isinstance(cohort, Cohort) else open_cohort(cohort)
    ids, X = cohort.motion_matrix()
    _check_layout(network, X.shape[1], cohort.name)
    table = pd.DataFrame({"log_risk": network.predict_log_risk(X)}, index=pd.Index(ids, name="ID"))
    if len(times):
        curves = network.survival_curve(X, np.asarray(times, float))
        for time, column in zip(times, curves.T, strict=True):
            table[f"survival_{time:g}"] = column
    return table


def _check_layout(network: FittedNetwork, n_columns: int, name: str) -> None:
    if n_columns == network.n_features:
        return
    wanted, given = f"{network.n_features:,} numbers a patient", f"{n_columns:,}"
    if len(network.feature_shape) == 3:
        frames, vertices, _ = network.feature_shape
        wanted += f" ({frames} phases after end-diastole x {vertices} vertices x 3)"
        if n_columns % (3 * frames) == 0:
            given += f" ({n_columns // (3 * frames)} vertices, if it has {frames} phases)"
        if n_columns % (3 * vertices) == 0:
            given += f" ({n_columns // (3 * vertices)} phases, if it has {vertices} vertices)"
    raise ValueError(
        f"the network was trained on {wanted}, cohort {name!r} has {given}: track it with the vertices and "
        "frames of training"
    )
