"""What the C-index takes and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.survival import concordance_counts
from cardiolib.validation import concordance
from cardiolib.validation.concordance import logit_interval


@pytest.mark.parametrize(
    ("risk", "event", "time", "message"),
    [
        ([1.0, 2.0], [0, 0], [1, 2], "comparable pair"),
        ([1.0, np.nan], [1, 0], [1, 2], "not finite"),
        ([1.0, 2.0, 3.0], [1, 0], [1, 2], "one value a"),
        ([1.0, 2.0], [1, 0, 1], [1, 2], "one length"),
        ([1.0, 2.0], [1, 2], [1, 2], "0 or 1"),
        ([1.0, 2.0], [1, 0], [-1, 2], "negative"),
    ],
)
def test_what_is_not_accepted(risk, event, time, message):
    with pytest.raises(ValueError, match=message):
        concordance(risk, event, time)


def test_strata_and_level_are_checked():
    with pytest.raises(ValueError, match="strata"):
        concordance([1.0, 2.0], [1, 0], [1, 2], strata=[0])
    with pytest.raises(ValueError, match="level"):
        logit_interval(0.7, 0.1, level=95)


@pytest.mark.field_fault("K15")
def test_whole_numbers_beyond_the_floats_stay_different():
    risk = np.array([2**60 + 1, 2**60, 5])
    assert concordance(risk, [1, 1, 0], [1, 2, 3]).c == 1.0
    assert concordance_counts(risk, [1, 1, 0], [1, 2, 3]).tied_risk == 0
