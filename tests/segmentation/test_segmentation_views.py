"""Several views of a volume: each is undone exactly as it was made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cardiolib.segmentation.views import VIEWS, View, _evenly_bright, _warped, mean_over_views


def smooth_volume(shape=(5, 48, 64)):
    return ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), (0, 4, 4)).astype(np.float32)


def test_what_reads_pixels_one_by_one_answers_the_same_in_every_view():
    """Such a reader commutes with every view, so the average is its answer, but for interpolating twice."""
    stack = _evenly_bright(smooth_volume())
    inside = (slice(None), slice(None), slice(12, -12), slice(12, -12))
    found = mean_over_views(lambda shown: np.stack([shown, -2 * shown], axis=1), stack)
    expected = np.stack([stack, -2 * stack], axis=1)
    assert np.abs(found - expected)[inside].max() < 0.05 * np.abs(expected).max()


def test_the_reader_sees_every_view_and_the_slices_reversed_in_some():
    stack = smooth_volume((4, 32, 32))
    stack[:, :16] -= 0.05 * np.arange(4, dtype=np.float32)[::-1, None, None]
    seen = []

    def reader(shown):
        seen.append(shown.copy())
        return shown[:, None]

    mean_over_views(reader, stack)
    assert len(seen) == len(VIEWS)
    np.testing.assert_array_equal(seen[0], stack)
    rising = [bool(shown[0].mean() < shown[-1].mean()) for shown in seen]
    assert rising == [not view.reverse for view in VIEWS]


def test_evenly_bright_slices_are_as_bright_as_the_middle_one_and_no_gain_is_seen_any_more():
    rng = np.random.default_rng(1)
    plain = rng.uniform(0.0, 0.4, (5, 32, 32)).astype(np.float32)
    gains = np.array([0.5, 0.8, 1.0, 1.4, 2.0], np.float32)[:, None, None]
    even = _evenly_bright(plain * gains - np.float32(0.5))
    bright = np.percentile(even.reshape(5, -1) + 0.5, 95, axis=1)
    np.testing.assert_allclose(bright, bright[2], rtol=1e-5)
    np.testing.assert_allclose(even, _evenly_bright(plain - np.float32(0.5)), atol=0.01)
    empty = plain - np.float32(0.5)
    empty[1] = -0.5
    assert (_evenly_bright(empty)[1] == -0.5).all()


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
