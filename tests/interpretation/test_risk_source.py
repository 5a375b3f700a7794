"""Which risk is explained, and the outcome in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cardiolib.interpretation import explained_risk, martingale_residuals
from cardiolib.validation import BootstrapStore, out_of_bag_risk

IDS = ("a", "b", "c", "d")
IN_BAG = np.array([[0, 0, 1, 1], [2, 2, 3, 3], [0, 1, 2, 2]])
PREDICTED = np.arange(12.0).reshape(3, 4) ** 1.5


def store(ids=IDS, in_bag=IN_BAG):
    return BootstrapStore(ids, [True, False, True, False], [1.0, 2, 3, 4], in_bag, PREDICTED)


def test_out_of_bag_risks_are_joined_by_id():
    found = explained_risk(IDS[::-1], np.zeros(4), store())
    np.testing.assert_array_equal(found.log_risk, out_of_bag_risk(store())[::-1])
    assert found.source == "out-of-bag"
    assert "3 bootstrap networks" in found.sentence
    assert found.known.all()


def test_a_patient_in_every_bag_has_no_risk_and_is_counted():
    found = explained_risk(IDS, np.zeros(4), store(in_bag=np.array([[0, 0, 1, 1], [0, 2, 3, 3], [0, 1, 2, 2]])))
    assert found.known.tolist() == [False, True, True, True]
    assert "1 patients were in every bag" in found.sentence


def test_without_a_store_the_risk_is_apparent_and_said_to_be():
    found = explained_risk(IDS, np.arange(4.0), None)
    assert found.source == "apparent"
    assert "APPARENT" in found.sentence
    np.testing.assert_array_equal(found.log_risk, np.arange(4.0))


def test_what_is_not_accepted():
    with pytest.raises(ValueError, match="lacks 1 of 4 patients"):
        explained_risk(("a", "b", "c", "x"), np.zeros(4), store())
    with pytest.raises(ValueError, match="finite log risk"):
        explained_risk(IDS, np.zeros(3), None)
    with pytest.raises(ValueError, match="with a death"):
        martingale_residuals([False, False], [1.0, 2.0])


def test_martingale_residuals_by_hand():
    # deaths at 1 (3 at risk) and 3 (1 at risk): expected 1/3, 1/3, 1/3 + 1
    np.testing.assert_allclose(martingale_residuals([True, False, True], [1, 2, 3]), [2 / 3, -1 / 3, -1 / 3])


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 8)), min_size=3, max_size=30).filter(
        lambda rows: any(died for died, _ in rows)
    )
)
def test_as_many_deaths_are_expected_as_observed(rows):
    event, time = map(np.array, zip(*rows, strict=True))
    assert martingale_residuals(event, time).sum() == pytest.approx(0, abs=1e-9)
