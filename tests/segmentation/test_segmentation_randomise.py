"""Domain randomisation: each change does what it says and nothing else."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from cardiolib.segmentation.augment import AugmentationSettings, augment_batch
from cardiolib.segmentation.losses import IGNORE
from cardiolib.segmentation.randomise import (
    bend_grey_scale,
    blur,
    random_displacement,
    randomise_contrast,
    randomise_surroundings,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def heart():
    """Images of noise and labels with one square of each structure and a rim of unlabelled pixels."""
    images = torch.rand(4, 6, 48, 48, generator=generator(1)) - 0.5
    labels = torch.zeros(4, 6, 48, 48, dtype=torch.long)
    for code in range(1, 5):
        labels[:, :, 8 * code : 8 * code + 8, 20:28] = code
    labels[:, :, :2] = IGNORE
    return images, labels


def test_contrast_shifts_each_structure_by_one_value_within_the_limit(heart):
    images, labels = heart
    change = randomise_contrast(images, labels, 0.2, generator()) - images
    for n in range(4):
        shifts = [change[n, :, 8 * code + 1 : 8 * code + 7, 21:27] for code in range(1, 5)]
        assert all(shift.std() < 1e-6 and shift.abs().max() <= 0.2 for shift in shifts)
        assert len({round(float(shift.mean()), 4) for shift in shifts}) == 4
    assert change[:, :, 4:6].abs().max() == 0


def test_surroundings_change_and_the_heart_does_not(heart):
    images, labels = heart
    new = randomise_surroundings(images, labels, 1.0, generator())
    inside = (labels > 0) & (labels < 5)
    inner = torch.zeros_like(inside)
    inner[:, :, 10:38, 22:26] = True
    assert torch.equal(new[inner & inside], images[inner & inside])
    assert (new - images)[:, :, :, :10].abs().mean() > 0.05
    assert torch.equal(randomise_surroundings(images, labels, 0.0, generator()), images)


def test_grey_scale_is_bent_by_one_continuous_curve_a_stack():
    ramp = torch.linspace(-0.6, 0.7, 400).reshape(1, 1, 20, 20).repeat(2, 3, 1, 1)
    new = bend_grey_scale(ramp, 0.15, generator())
    assert torch.equal(new[0, 0], new[0, 2]) and not torch.allclose(new[0], new[1])
    assert (new - ramp).abs().max() <= 0.15 + 1e-5
    assert new[0, 0].flatten().diff().abs().max() < 0.02
    assert torch.allclose(bend_grey_scale(ramp, 0.0, generator()), ramp, atol=1e-6)


def test_blur_keeps_constants_and_smooths_noise(heart):
    images, _ = heart
    assert torch.allclose(blur(torch.full((6, 2, 16, 16), 0.3), 2.0, generator()), torch.tensor(0.3), atol=1e-6)
    rough = blur(images, 2.0, generator(3)).diff(dim=-1).abs().mean(dim=(1, 2, 3))
    before = images.diff(dim=-1).abs().mean(dim=(1, 2, 3))
    assert (rough <= before + 1e-6).all() and (rough < 0.7 * before).any()


def test_displacements_are_smooth_and_bounded():
    field = random_displacement(3, (40, 60), 3.0, generator())
    assert field.shape == (3, 2, 40, 60) and field.abs().max() < 4.5
    assert field.diff(dim=-1).abs().max() < 0.7


def test_the_same_generator_gives_the_same_stack(heart):
    images, labels = heart
    settings = AugmentationSettings.wild()
    points = torch.full((4, 6, 3), math.nan)
    first, second, other = (
        augment_batch(images, labels, points, settings=settings, generator=generator(seed))[0] for seed in (0, 0, 1)
    )
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.isfinite(first).all()


def test_wild_differs_from_the_default_only_in_strength():
    wild, plain = AugmentationSettings.wild(), AugmentationSettings()
    names = [field.name for field in dataclasses.fields(plain)]
    stronger = [name for name in names if getattr(wild, name) != getattr(plain, name)]
    assert set(stronger) >= {"deform_px", "contrast", "grey_curve", "surroundings", "blur_px"}
    assert all(getattr(wild, name) > getattr(plain, name) for name in stronger)
