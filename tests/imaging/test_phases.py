"""End-diastole and end-systole."""

import numpy as np
import pytest

from cardiolib.imaging import ed_es_frames


def test_largest_and_smallest_wherever_they_are():
    assert ed_es_frames([120, 90, 50, 80, 130, 125]) == (4, 2)


def test_ties_go_to_the_earliest_frame():
    assert ed_es_frames([120, 50, 50, 120]) == (0, 1)


@pytest.mark.parametrize(
    ("curve", "message"),
    [
        ([100, np.nan, 50], r"frames \[1\]"),
        ([100, -1], "negative"),
        ([100.0], "two frames"),
        (np.ones((2, 2)), "one axis"),
        ([80, 80, 80], "cannot be told apart"),
    ],
)
def test_curves_that_say_nothing_are_refused(curve, message):
    with pytest.raises(ValueError, match=message):
        ed_es_frames(curve)
