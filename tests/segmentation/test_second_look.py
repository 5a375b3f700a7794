"""The network's second look: images changed and changed back, doubts of a network that is sure or guesses."""

from __future__ import annotations

import numpy as np
import pytest

from cardiolib.imaging import OURS, LabelMap
from cardiolib.segmentation.plane import heart_window
from cardiolib.segmentation.quality_features import JUDGED, NETWORK_FEATURES
from cardiolib.segmentation.second_look import (
    CHANGES,
    Change,
    changed,
    expected_dice,
    network_features,
    second_look,
    stability,
)
from cardiolib.shape.orientation import Turn

SHAPE = (72, 88, 3)


def rings() -> tuple[LabelMap, np.ndarray]:
    """Round ventricles on an image, and what the network sees: brightness that says what each pixel is."""
    i, j = np.mgrid[: SHAPE[0], : SHAPE[1]]
    plane = np.zeros(SHAPE[:2], np.uint8)
    plane[(i - 36) ** 2 + (j - 62) ** 2 < 12**2] = OURS.code("rv_cavity")
    plane[(i - 36) ** 2 + (j - 36) ** 2 < 16**2] = OURS.code("lv_wall")
    plane[(i - 36) ** 2 + (j - 36) ** 2 < 10**2] = OURS.code("lv_cavity")
    labels = np.repeat(plane[..., None], SHAPE[2], axis=2)
    return LabelMap(labels, np.diag([1.6, 1.6, 10.0, 1.0]), OURS), labels


def grid_of(label_map: LabelMap):
    middle = [(n - 1) / 2 for n in label_map.shape[:2]]
    return heart_window(label_map, middle, size_px=SHAPE[:2], pixel_mm=1.6, turn=Turn())


def one_hot(labels: np.ndarray) -> np.ndarray:
    """(K, 5, H, W) of (K, H, W)."""
    return (np.arange(5)[None, :, None, None] == labels[:, None]).astype(np.float32)


def test_a_network_that_follows_the_image_is_stable_and_one_that_ignores_it_is_not():
    label_map, labels = rings()
    stack = np.moveaxis(labels, 2, 0) / 4 - 0.5
    grid = grid_of(label_map)
    levels = {gamma: (np.arange(5) / 4) ** gamma - 0.5 for gamma in (1.0, CHANGES[1].gamma)}

    def follows(seen: np.ndarray) -> np.ndarray:
        # the brightness of a class, as contrast has changed it: the change is read off the brightest pixel but one
        best = min(levels.values(), key=lambda level: np.abs(seen[..., None] - level).min(axis=-1).mean())
        return one_hot(np.abs(seen[..., None] - best).argmin(axis=-1))

    def ignores(seen: np.ndarray) -> np.ndarray:
        return one_hot(np.moveaxis(labels, 2, 0))

    first = labels[None]
    calm, stubborn = (stability(first, second_look(each, stack[None], grid)) for each in (follows, ignores))
    assert calm.shape == (1, 3) and (calm[:, [0, 2]] > 0.85).all(), calm
    assert (stubborn < calm - 0.1).all(), stubborn


def test_nothing_changes_without_a_change_and_a_turn_keeps_areas():
    _, labels = rings()
    stack = (np.moveaxis(labels, 2, 0) == 1).astype(np.float32) - 0.5
    same = changed(stack, Change(0.0, 1.0, 1.0))
    np.testing.assert_allclose(same, stack, atol=1e-6)
    turned, larger = (changed(stack, change) + 0.5 for change in (Change(30.0, 1.0, 1.0), Change(0.0, 1.25, 1.0)))
    assert turned.sum() == pytest.approx((stack + 0.5).sum(), rel=0.01)
    assert larger.sum() == pytest.approx(1.25**2 * (stack + 0.5).sum(), rel=0.02)
    assert np.abs(turned - stack - 0.5).sum() > 10


def test_what_is_certain_is_expected_to_be_right():
    _, labels = rings()
    sure = np.moveaxis(one_hot(np.moveaxis(labels, 2, 0)), (0, 1), (3, 0))
    np.testing.assert_allclose(expected_dice(sure, labels), 1.0)
    unsure = 0.5 * sure + 0.5 * np.roll(sure, 1, axis=0)
    assert (expected_dice(unsure, labels) < 0.9).all()
    labels = np.where(labels == OURS.code("rv_cavity"), 0, labels)
    assert expected_dice(sure, labels)[JUDGED.index("rv_cavity")] == 0


def test_features_are_doubts():
    features = network_features(np.full((2, 3), 0.9), np.array([[0.8, 0.7, 0.6], [1.0, 1.0, 1.0]]))
    assert set(features["ED", "lv_cavity"]) == set(NETWORK_FEATURES)
    assert features["ED", "rv_cavity"] == pytest.approx({"unsure": 0.1, "unstable": 0.4, "heart_unstable": 0.25})
    assert features["ES", "lv_wall"]["unstable"] == 0
