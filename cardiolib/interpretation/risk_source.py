"""Which log risk the maps explain: out-of-bag where the validation stage has stored it, else apparent, and said so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from lifelines import NelsonAalenFitter
from numpy.typing import ArrayLike

from cardiolib.survival.outcomes import check_outcomes
from cardiolib.validation import BootstrapStore, out_of_bag_risk

OUT_OF_BAG, APPARENT = "out-of-bag", "apparent"


@dataclass(frozen=True, eq=False)
class ExplainedRisk:
    """The log risk that motion is compared with.

    Attributes
    ----------
    log_risk : (N,) array
        Higher is worse; NaN for patients without an out-of-bag prediction.
    source : str
        "out-of-bag": each patient judged by networks that never saw them, centred before averaging. "apparent": by
        the network that was trained on them.
    sentence : str
        The same for a reader.
    """

    log_risk: np.ndarray = field(repr=False)
    source: str
    sentence: str

    @property
    def known(self) -> np.ndarray:
        """(N,) bool: patients with a log risk."""
        return np.isfinite(self.log_risk)


def explained_risk(ids: Any, apparent: Any, store: BootstrapStore | None) -> ExplainedRisk:
    """Out-of-bag log risk of the patients from a stored bootstrap; their apparent one where there is no store.

    Parameters
    ----------
    ids : (N,) sequence of str
    apparent : (N,) array
        Of the network trained on all patients.
    store : BootstrapStore or None
        Of the same patients, in any order.

    Raises
    ------
    ValueError
        If the store lacks a patient, or `apparent` does not fit.
    """
    ids, apparent = np.asarray(ids, dtype=str), np.asarray(apparent, dtype=float)
    if apparent.shape != ids.shape or not np.isfinite(apparent).all():
        raise ValueError(f"apparent must be a finite log risk for each of {len(ids)} patients, got {apparent.shape}")
    if store is None:
        return ExplainedRisk(
            apparent,
            APPARENT,
            (
                "No bootstrap is stored for this run: the maps explain APPARENT risks, of patients whose outcome the "
                "network has seen. What it has learnt by heart about them is in the maps too. Run notebook 04 first."
            ),
        )
    row = {one: i for i, one in enumerate(store.patient_id.tolist())}
    missing = [one for one in ids.tolist() if one not in row]
    if missing:
        raise ValueError(
            f"the stored bootstrap lacks {len(missing)} of {len(ids)} patients, for example "
            f"{missing[:3]}: it belongs to another cohort; run notebook 04 again"
        )
    risk = out_of_bag_risk(store)[[row[one] for one in ids.tolist()]]
    unknown = int((~np.isfinite(risk)).sum())
    tail = f" {unknown} patients were in every bag and are left out." if unknown else ""
    return ExplainedRisk(
        risk,
        OUT_OF_BAG,
        (
            f"The maps explain out-of-bag risks: the mean over {int(store.succeeded.sum())} bootstrap networks of "
            f"those that never saw the patient.{tail}"
        ),
    )


def martingale_residuals(event: ArrayLike, time: ArrayLike) -> np.ndarray:
    """Deaths observed minus deaths expected of each patient if all had the same risk, (N,).

    The outcome itself in the place of a predicted risk: a prediction is made of motion and so goes with motion even
    where it is worthless; these residuals go with motion only if death does.

    Source: Therneau, Grambsch and Fleming, Biometrika 1990;77:147, for the model without covariates (Nelson-Aalen).
    """
    event, time = check_outcomes(event, time)
    if not event.any():
        raise ValueError(
            f"event and time must be vectors of one length with a death; none of {time.size} patients died"
        )
    fitted = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(time, event)
    hazard = fitted.cumulative_hazard_.iloc[:, 0]
    return event - hazard.to_numpy()[np.searchsorted(hazard.index.to_numpy(), time, side="right") - 1]
