"""The majority vote of sub-slices and the smooth random fields."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cardiolib.digital_heart.fields import smooth_field
from cardiolib.digital_heart.painting import majority


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=st.integers(0, 4)))
def test_majority_is_the_most_frequent_code(codes):
    for row, winner in zip(codes, majority(codes), strict=True):
        counts = np.bincount(row, minlength=5)
        best = np.flatnonzero(counts == counts.max())
        middle = row[len(row) // 2]
        assert winner == (middle if middle in best else best[0])


@pytest.mark.parametrize("shape", [(48, 40), (12, 32, 32)])
def test_smooth_fields_have_unit_spread_and_the_asked_smoothness(shape):
    fine, coarse = (smooth_field(shape, cutoff, rng=np.random.default_rng(0)) for cutoff in (0.2, 0.04))
    for field in (fine, coarse):
        assert field.shape == shape and field.dtype == np.float32
        assert field.mean() == pytest.approx(0, abs=1e-4) and field.std() == pytest.approx(1, abs=1e-4)
    assert np.abs(np.diff(coarse, axis=-1)).mean() < 0.4 * np.abs(np.diff(fine, axis=-1)).mean()


def test_smooth_field_correlates_as_its_filter_says():
    """A filter exp(-f^2 / 2c^2) gives the autocorrelation exp(-(pi c lag)^2)."""
    field = smooth_field((256, 256), 0.1, rng=np.random.default_rng(1))
    for lag in (1, 2, 4):
        found = (field * np.roll(field, lag, axis=1)).mean()
        assert found == pytest.approx(np.exp(-((np.pi * 0.1 * lag) ** 2)), abs=0.05)


def test_smooth_field_errors():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="cutoff"):
        smooth_field((8, 8), 0.0, rng=rng)
    with pytest.raises(ValueError, match="at least two"):
        smooth_field((1,), 0.1, rng=rng)
    with pytest.raises(ValueError, match="nothing but a constant"):
        smooth_field((4, 4), 1e-6, rng=rng)
