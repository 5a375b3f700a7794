"""Measures and losses against MONAI, an independent implementation (a test-only oracle)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from cardiolib.segmentation import dice, surface_distances
from cardiolib.segmentation.losses import segmentation_loss, soft_dice

with warnings.catch_warnings():  # of its imports
    warnings.simplefilter("ignore")
    from monai.losses import DiceLoss
    from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance

SPACING = (1.3, 1.7, 8.0)


def masks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping lumps with ragged edges."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(np.arange(24), np.arange(22), np.arange(9), indexing="ij")
    pair = []
    for _ in range(2):
        centre, radius = rng.uniform([9, 8, 3], [13, 12, 5]), rng.uniform([5, 5, 2.5], [8, 7, 4])
        distance = sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radius, strict=True))
        pair.append(distance + 0.3 * rng.standard_normal(distance.shape) < 1)
    return pair[0], pair[1]


def tensor(mask: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(mask)[None, None].float()


@pytest.mark.parametrize("seed", range(5))
def test_dice_and_surface_distances_against_monai(seed):
    first, second = masks(seed)
    ours = surface_distances(first, second, spacing_mm=SPACING)
    options = {"include_background": True, "spacing": SPACING}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hausdorff, hausdorff95 = (
            float(compute_hausdorff_distance(tensor(first), tensor(second), percentile=q, **options))
            for q in (None, 95)
        )
        assd = float(compute_average_surface_distance(tensor(first), tensor(second), symmetric=True, **options))
        overlap = float(compute_dice(tensor(first), tensor(second)))
    assert dice(first, second) == pytest.approx(overlap, abs=1e-6)
    assert ours["hausdorff_mm"] == pytest.approx(hausdorff, abs=1e-4)
    assert ours["hausdorff95_mm"] == pytest.approx(hausdorff95, abs=1e-4)
    assert ours["assd_mm"] == pytest.approx(assd, abs=1e-4)


def test_soft_dice_and_the_whole_loss_against_monai():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, 5, 12, 13, generator=generator)
    target = torch.randint(0, 5, (6, 12, 13), generator=generator)
    labelled = torch.ones(6, 5, dtype=torch.bool)
    theirs = DiceLoss(
        include_background=False, to_onehot_y=True, softmax=True, batch=True, smooth_nr=1.0, smooth_dr=1.0
    )(logits, target[:, None])
    truth = torch.nn.functional.one_hot(target, 5).movedim(-1, 1).float()
    assert soft_dice(logits.softmax(dim=1), truth, labelled=labelled) == pytest.approx(1 - float(theirs), abs=1e-5)
    cross_entropy = torch.nn.functional.cross_entropy(logits, target)
    loss = segmentation_loss(logits, target, labelled=labelled, class_weights=(1.0,) * 5, dice_weight=3.0)
    assert loss == pytest.approx(float(cross_entropy + 3 * theirs), abs=1e-4)
