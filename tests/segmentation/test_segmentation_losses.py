"""Losses: equal to the textbook where everything is labelled, silent about what is not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from cardiolib.segmentation.losses import (
    IGNORE,
    landmark_loss,
    landmark_targets,
    merge_unlabelled,
    segmentation_loss,
    soft_dice,
)

EVERYTHING = torch.ones(2, 5, dtype=torch.bool)
NO_RV_WALL = torch.tensor([[True, True, True, False, True]] * 2)


def batch(seed: int):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 5, 6, 7, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 5, (2, 6, 7), generator=generator)
    return logits, target


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1000))
def test_cross_entropy_against_torch_when_everything_is_labelled(seed):
    logits, target = batch(seed)
    weights = (0.3, 1.0, 1.0, 1.5, 1.0)
    expected = F.cross_entropy(logits.float(), target, weight=torch.tensor(weights))
    found = segmentation_loss(logits, target, labelled=EVERYTHING, class_weights=weights, dice_weight=0.0)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)


def test_soft_dice_against_loops():
    logits, target = batch(1)
    p = torch.softmax(logits, dim=1).numpy()
    expected = []
    for c in range(1, 5):
        both = total = 0.0
        for b in range(2):
            for i in range(6):
                for j in range(7):
                    t = float(target[b, i, j] == c)
                    both += p[b, c, i, j] * t
                    total += p[b, c, i, j] + t
        expected.append((2 * both + 1) / (total + 1))
    truth = F.one_hot(target, 5).movedim(-1, 1).double()
    found = soft_dice(torch.softmax(logits, dim=1), truth, labelled=EVERYTHING)
    assert found.item() == pytest.approx(np.mean(expected))


def test_merged_probabilities_still_sum_to_one():
    logits, _ = batch(2)
    p = merge_unlabelled(logits, NO_RV_WALL).exp()
    full = torch.softmax(logits.float(), dim=1)
    assert torch.allclose(p.sum(dim=1), torch.ones(2, 6, 7), atol=1e-5)
    assert torch.allclose(p[:, 0], full[:, 0] + full[:, 3], atol=1e-6)
    assert torch.equal(p[:, 3], torch.zeros(2, 6, 7))


def test_unlabelled_structure_may_take_any_share_of_the_background():
    """Moving probability between background and the unlabelled wall changes neither loss nor gradient direction."""
    logits, target = batch(3)
    target[target == 3] = 0
    p = torch.softmax(logits, dim=1)
    moved = p.clone()
    moved[:, 3] = p[:, 3] + 0.9 * p[:, 0]
    moved[:, 0] = 0.1 * p[:, 0]
    first = segmentation_loss(p.log(), target, labelled=NO_RV_WALL)
    second = segmentation_loss(moved.log(), target, labelled=NO_RV_WALL)
    assert first.item() == pytest.approx(second.item(), rel=1e-5)
    everything = [segmentation_loss(q.log(), target, labelled=EVERYTHING).item() for q in (p, moved)]
    assert abs(everything[0] - everything[1]) > 0.1  # with the wall labelled it does matter


def test_gradient_of_unlabelled_wall_equals_that_of_background_per_probability():
    logits, target = batch(4)
    target[:] = 0  # everything background
    logits = logits.requires_grad_()
    segmentation_loss(logits, target, labelled=NO_RV_WALL, dice_weight=0.0).backward()
    p = torch.softmax(logits.detach(), dim=1)
    gradient = logits.grad
    assert torch.isfinite(gradient).all() and gradient.abs().sum() > 0
    ratio = gradient[:, 3] / gradient[:, 0]
    assert torch.allclose(ratio, p[:, 3] / p[:, 0], rtol=1e-3)


def test_ignored_pixels_have_no_gradient():
    logits, target = batch(5)
    target[0, 2, 3] = IGNORE
    logits.requires_grad_()
    segmentation_loss(logits, target, labelled=EVERYTHING).backward()
    assert torch.equal(logits.grad[0, :, 2, 3], torch.zeros(5, dtype=torch.float64))
    assert (logits.grad[0, :, 2, 4] != 0).all()


def test_a_batch_may_mix_schemes():
    logits, target = batch(6)
    target[0][target[0] == 3] = 0
    mixed = torch.stack([NO_RV_WALL[0], EVERYTHING[0]])
    logits.requires_grad_()
    segmentation_loss(logits, target, labelled=mixed).backward()
    assert torch.isfinite(logits.grad).all()


def test_extreme_logits_stay_finite():
    logits, target = batch(7)
    for scale in (1e3, 1e4):
        hot = (scale * logits).requires_grad_()
        loss = segmentation_loss(hot, torch.where(target == 3, 0, target), labelled=NO_RV_WALL)
        loss.backward()
        assert torch.isfinite(loss) and torch.isfinite(hot.grad).all()


def test_contradicting_or_ill_shaped_input_is_refused():
    logits, target = batch(8)
    target[0, 0, 0] = 3
    with pytest.raises(ValueError, match="declares unlabelled"):
        segmentation_loss(logits, target, labelled=NO_RV_WALL)
    with pytest.raises(ValueError, match="does not belong"):
        segmentation_loss(logits, target[:, :3], labelled=EVERYTHING)
    with pytest.raises(ValueError, match="bool tensor"):
        segmentation_loss(logits, target, labelled=EVERYTHING[:, :4])


def test_landmark_targets_sum_to_one_and_lie_where_the_landmark_is():
    points = torch.tensor([[3.0, 6.5, 10.5], [3.4, 6.5, 10.5], [math.nan] * 3, [3.0, -5.0, 10.5], [9.0, 6.5, 10.5]])
    target = landmark_targets(points, shape=(6, 8, 9))
    assert target.shape == (5, 6, 8, 9)
    assert torch.allclose(target.sum(dim=(1, 2, 3)), torch.tensor([1.0, 1, 0, 0, 0]))
    assert np.unravel_index(int(target[0].argmax()), (6, 8, 9)) == (3, 3, 5)
    level = (target[1].sum(dim=(1, 2)) * torch.arange(6)).sum()
    assert level == pytest.approx(3.4, abs=0.1)


def test_landmark_loss_prefers_the_right_place_and_ignores_unknown_points():
    target = landmark_targets(torch.tensor([[1.0, 4.5, 4.5], [math.nan] * 3]), shape=(4, 5, 5))
    right, wrong = 20 * target, 20 * target.roll(1, dims=1)
    entropy = -(target[0] * target[0].clamp_min(1e-30).log()).sum()
    best = landmark_loss(target.clamp_min(1e-30).log(), target)
    assert best == pytest.approx(float(entropy), rel=1e-4)
    assert best < landmark_loss(right, target) < landmark_loss(wrong, target)
    logits = torch.zeros(2, 4, 5, 5, requires_grad=True)
    landmark_loss(logits, target).backward()
    assert logits.grad[0].abs().sum() > 0 and logits.grad[1].abs().sum() == 0
    assert landmark_loss(logits, torch.zeros_like(target)) == 0
