"""One frame as the network reads it: the same answer as the whole scan gets, and the neighbours of a slice."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.digital_heart import DigitalHeart, acquire
from cardiolib.segmentation import read_frame, segment_scan
from cardiolib.segmentation.frame_reading import FrameReading
from cardiolib.segmentation.shipped import shipped_network


@pytest.fixture(scope="module")
def seen() -> FrameReading:
    scan = acquire(DigitalHeart(), phases=[0.0], rng=np.random.default_rng(1))
    return read_frame(scan.cine, network=shipped_network())


def test_the_answer_is_that_of_the_segmentation(seen: FrameReading) -> None:
    labels = segment_scan(shipped_network(), seen.cine, clean=False).labels.frame(0)
    share = np.moveaxis(seen.grid.to_native(seen.classes), (0, 1), (2, 3))
    inside = share.sum(axis=3) > 0.999
    assert inside.any()
    assert (share.argmax(axis=3)[inside] == labels[inside]).mean() > 0.999


def test_probabilities_add_up(seen: FrameReading) -> None:
    assert np.allclose(seen.classes.sum(axis=1), 1, atol=1e-4)
    assert np.allclose(seen.landmarks.sum(axis=(1, 2, 3)), 1, atol=1e-3)
    assert set(seen.landmark_slices().values()) <= set(range(len(seen.stack)))


def test_neighbours_lie_beside_the_slice_and_repeat_at_the_ends(seen: FrameReading) -> None:
    assert (seen.neighbours(5) == seen.stack[4:7]).all()
    assert (seen.neighbours(0)[0] == seen.stack[0]).all()
    assert (seen.neighbours(len(seen.stack) - 1)[2] == seen.stack[-1]).all()


def test_what_is_not_there_is_refused(seen: FrameReading) -> None:
    with pytest.raises(ValueError, match="slices 0 to"):
        seen.neighbours(99)
    with pytest.raises(ValueError, match="frames 0 to 0; given 3"):
        read_frame(seen.cine, 3)
