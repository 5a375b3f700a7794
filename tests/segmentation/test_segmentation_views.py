"""Several views of a volume: each is undone exactly as it was made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cardiolib.segmentation.views import VIEWS, View, _warped, mean_over_views


def smooth_volume(shape=(5, 48, 64)):
    return ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), (0, 4, 4)).astype(np.float32)


def test_what_reads_pixels_one_by_one_answers_the_same_in_every_view():
    """Such a reader commutes with every view, so the average is its answer, but for interpolating twice."""
    stack = smooth_volume()
    inside = (slice(None), slice(None), slice(12, -12), slice(12, -12))
    found = mean_over_views(lambda shown: np.stack([shown, -2 * shown], axis=1), stack)
    expected = np.stack([stack, -2 * stack], axis=1)
    assert np.abs(found - expected)[inside].max() < 0.05 * np.abs(expected).max()


def test_the_reader_sees_every_view_and_the_slices_reversed_in_some():
    stack = smooth_volume((4, 32, 32)) + np.arange(4, dtype=np.float32)[:, None, None]
    seen = []

    def reader(shown):
        seen.append(shown.copy())
        return shown[:, None]

    mean_over_views(reader, stack)
    assert len(seen) == len(VIEWS)
    np.testing.assert_array_equal(seen[0], stack)
    rising = [bool(shown[0].mean() < shown[-1].mean()) for shown in seen]
    assert rising == [not view.reverse for view in VIEWS]


@pytest.mark.parametrize("shape", [(1, 1, 40, 40), (1, 1, 32, 56)])
def test_a_turn_is_a_turn_of_pixels_whatever_the_sides(shape):
    """Against scipy's rotation, which counts in pixels."""
    image = smooth_volume(shape[1:])[None]
    found = _warped(image, 0.3, 1.0)[0, 0]
    expected = ndimage.rotate(image[0, 0], np.degrees(0.3), reshape=False, order=1)
    middle = (slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(found[middle], expected[middle], atol=0.02 * np.abs(image).max())


def test_the_average_turns_with_the_volume_that_is_read_from_the_other_end():
    assert VIEWS[0] == View()
    stack = smooth_volume((6, 32, 32))
    forwards = mean_over_views(lambda shown: shown[:, None] ** 2, stack)
    backwards = mean_over_views(lambda shown: shown[:, None] ** 2, np.ascontiguousarray(stack[::-1]))
    np.testing.assert_allclose(forwards, backwards[::-1], atol=1e-6)
