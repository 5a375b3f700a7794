"""The risk that was observed at a time: lifelines' Kaplan-Meier, and many patients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.validation.time_dependent import kaplan_meier_at, observed_risk

patients = st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.integers(1, 8)), min_size=4, max_size=25)


@settings(max_examples=30, deadline=None)
@given(patients, st.floats(0, 9))
def test_kaplan_meier_at_a_time_is_that_of_lifelines(rows, at):
    from lifelines import KaplanMeierFitter

    _, event, time = (np.array(column) for column in zip(*rows, strict=True))
    fit = KaplanMeierFitter().fit(time, event)
    band = fit.confidence_interval_survival_function_
    row = np.flatnonzero(fit.survival_function_.index <= at)[-1]
    expected = [fit.survival_function_.iloc[row, 0], *band.iloc[row]]
    assert kaplan_meier_at(event, time, at) == pytest.approx(expected, abs=1e-12)
    assert observed_risk(event, time, at) == pytest.approx(1 - expected[0], abs=1e-12)


@pytest.mark.field_fault("K15")
def test_the_observed_risk_of_many_patients_needs_no_matrix_of_patients():
    rng = np.random.default_rng(0)
    time = rng.exponential(size=200_000)  # 20 GB as a matrix of deaths by patients
    event = rng.random(200_000) < 0.5
    assert observed_risk(event, time, 1.0) == pytest.approx(1 - np.exp(-0.5), abs=0.01)
