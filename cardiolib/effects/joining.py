"""From a cohort to a study of its habits: the one door, at which real patients need a protocol and overlap."""

from __future__ import annotations

import pandas as pd

from cardiolib.cohorts import HABITS, HORIZON_YEARS, Cohort, CohortError, SimulatedCohort, join_by_id
from cardiolib.cohorts.table import named
from cardiolib.effects.comparability import overlap
from cardiolib.effects.protocol import Protocol
from cardiolib.effects.study import CONSCIOUSNESS, CONTROL_OUTCOME, HabitStudy


def study_of(
    cohort: Cohort,
    *,
    features: pd.DataFrame | None = None,
    protocol: Protocol | None = None,
    horizon: float | None = None,
) -> HabitStudy:
    """Join habits, follow-up and features of a cohort by ID.

    Parameters
    ----------
    cohort : Cohort
        With follow-up, and habits among its covariates.
    features : DataFrame by ID, optional
        What imaging tells of each patient, made without the patient's own outcome (out of fold).
    protocol : Protocol
        Needed unless the cohort is simulated: `read_protocol`.
    horizon : float, optional
        Of simulated cohorts, in years; 5 by default. Real cohorts have that of the protocol.

    Returns
    -------
    HabitStudy
        Of real patients only with overlap in every habit of the protocol.

    Raises
    ------
    ValueError
        Real patients without a protocol, without overlap (`Overlap.require`), or with follow-up in another unit of time
        than the protocol's; nothing to adjust for; a value that is missing.
    CohortError
        Columns that are needed are not in the cohort, or it has no follow-up.

    Examples
    --------
    >>> import tempfile
    >>> import cardiolib as cl
    >>> with tempfile.TemporaryDirectory() as root:
    ...     cohort = cl.open_cohort("simulated-habits", n_subjects=40, n_imaged=0, root=root)
    ...     study_of(cohort, features=cohort.parameters[["x_long"]], horizon=2.0).features.columns.tolist()
    ['x_long', 'age', 'health_consciousness']
    """
    _refuse_unplanned(cohort, protocol, horizon)
    given = cohort.covariates
    if protocol is None:
        habits, control = list(HABITS), CONTROL_OUTCOME
        adjusted = [name for name in ("age", CONSCIOUSNESS) if name in given]
        asked = HORIZON_YEARS if horizon is None else horizon
    else:
        habits, adjusted, control = list(protocol.habits), list(protocol.adjustment), protocol.negative_control or ""
        asked = protocol.horizon
    known = {*given, *(() if features is None else features)}
    wanted = [*habits, *adjusted, *([control] if protocol is not None and control else [])]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise CohortError(f"cohort {cohort.name!r} lacks {named(missing)}, which the analysis of habits reads")
    study = HabitStudy(
        _features(cohort, features, adjusted),
        given[habits],
        cohort.table["event"].to_numpy(),
        cohort.table["time"].to_numpy(),
        asked,
        cohort.time_unit,
        cohort.simulated,
        given[control].to_numpy() if control in given else None,
        cohort.fates() if isinstance(cohort, SimulatedCohort) and protocol is None else None,
    )
    if not cohort.simulated:
        overlap(study).require()
    return study


def _refuse_unplanned(cohort: Cohort, protocol: Protocol | None, horizon: float | None) -> None:
    if "event" not in cohort.table:
        raise CohortError(f"cohort {cohort.name!r} has no follow-up (time, event): nothing can be learnt of habits")
    if protocol is None:
        if not cohort.simulated:
            raise ValueError(
                f"cohort {cohort.name!r} holds real patients: an analysis of habits needs a protocol that was written "
                "before it (cardiolib.effects.read_protocol; data/README.md has an example)"
            )
        return
    if horizon is not None:
        raise ValueError(f"the horizon stands in {protocol.source}: leave it out")
    if protocol.time_unit != cohort.time_unit:
        raise ValueError(
            f"{protocol.source} counts in {protocol.time_unit!r}, and cohort {cohort.name!r} in {cohort.time_unit!r}: "
            "give estimand.horizon and time_unit as the cohort has them"
        )


def _features(cohort: Cohort, features: pd.DataFrame | None, adjusted: list[str]) -> pd.DataFrame:
    table = cohort.covariates[[name for name in adjusted if name in cohort.covariates]]
    if features is not None:
        joined, _ = join_by_id(cohort.ids, features, source="features", extra="leave out")
        table = joined.join(table.drop(columns=list(joined), errors="ignore"))
    if not table.shape[1]:
        raise ValueError("there is nothing to adjust for: give features, or an adjustment set in the protocol")
    return table
