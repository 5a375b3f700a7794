"""Risks, motion and covariates of the same patients: by name where they have one, refused in another order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cardiolib.interpretation import martingale_residuals, phase_saliency, univariate_saliency
from cardiolib.interpretation.risk_motion import regression_motion
from cardiolib.interpretation.saliency import saliency

N = 30
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 12))
LOG_RISK = X[:, 0] + RNG.normal(size=N)
INDEX = [f"P{i}" for i in range(N)]
DOORS = {
    "saliency": lambda risk, x: saliency(risk, x, n_vertices=2, n_permutations=0).correlation,
    "univariate_saliency": lambda risk, x: univariate_saliency(risk, np.abs(x)).correlation,
    "phase_saliency": lambda risk, x: phase_saliency(risk, np.asarray(x), n_vertices=2),
    "regression_motion": lambda risk, x: regression_motion(risk, x, n_vertices=2).field_mm,
}


@pytest.mark.field_fault("K15")
@pytest.mark.parametrize("name", ["saliency", "univariate_saliency", "regression_motion"])
def test_rows_in_another_order_are_refused(name):
    risk, frame = pd.Series(LOG_RISK, INDEX), pd.DataFrame(X, INDEX)
    np.testing.assert_array_equal(DOORS[name](risk, frame), DOORS[name](LOG_RISK, X))
    with pytest.raises(ValueError, match="same patients in different order"):
        DOORS[name](risk, frame.iloc[::-1])


@pytest.mark.field_fault("K15")
@pytest.mark.parametrize("name", DOORS)
def test_hidden_and_infinite_risks_are_refused(name):
    hidden = np.ma.masked_array(LOG_RISK, np.arange(N) == 3)
    with pytest.raises(ValueError, match="hides 1 rows"):
        DOORS[name](hidden, X)
    with pytest.raises(ValueError, match="infinite|finite"):
        DOORS[name](np.where(np.arange(N) == 3, np.inf, LOG_RISK), X)


def test_covariates_must_be_those_of_the_same_patients():
    with pytest.raises(ValueError, match="covariates have 29 rows"):
        saliency(LOG_RISK, X, n_vertices=2, n_permutations=0, covariates=X[1:, :1])
    with pytest.raises(ValueError, match="different order"):
        saliency(
            pd.Series(LOG_RISK, INDEX),
            X,
            n_vertices=2,
            n_permutations=0,
            covariates=pd.DataFrame(X[:, :1], INDEX).iloc[::-1],
        )


@pytest.mark.parametrize("constant", [0.1, 1 / 3])
def test_a_constant_risk_goes_with_no_motion(constant):
    for risk in (np.full(N, constant), constant * (1 + 1e-16 * np.arange(N))):
        for door in DOORS.values():
            with pytest.raises(ValueError, match="constant"):
                door(risk, X)


def test_residuals_of_small_integers_do_not_overflow():
    time = np.array([200, 100, 250], np.uint8)
    np.testing.assert_allclose(
        martingale_residuals([1, 1, 0], time), martingale_residuals([1, 1, 0], time.astype(float))
    )
