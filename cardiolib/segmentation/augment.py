"""Random changes of a batch of training slices, in torch, reproducible from a generator.

Slices are turned to the usual display before the network sees them (see `orientation`), so rotations stay
moderate; the order of slices, which headers often state wrongly, is reversed at random.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional as F

from cardiolib.segmentation.examples import Example
from cardiolib.segmentation.losses import IGNORE
from cardiolib.segmentation.randomise import (
    bend_grey_scale,
    blur,
    random_displacement,
    randomise_contrast,
    randomise_surroundings,
)

FEWEST_SLICES = 6
"""Slices are left out only of stacks that keep at least so many."""


@dataclass(frozen=True)
class AugmentationSettings:
    """How far training images are changed; every draw is uniform within plus/minus the value.

    Attributes
    ----------
    rotation_rad : float
        In-plane rotation.
    mirror_probability : float
        Chance of a mirror image (left and right exchanged).
    reverse_probability : float
        Chance that the stack is read from the other end.
    slices_left_out : int
        At either end up to so many slices are missing.
    log_scale : float
        Size, as a natural logarithm: 0.15 means 0.86 to 1.16.
    shift_px : float
        In-plane shift, pixels.
    log_gamma, gain, noise : float
        Gamma curve (logarithm), gain (fraction), standard deviation of added noise (of the intensity
        range).
    log_shading : float
        Coefficients of a smooth shading over the image: the logarithm of the gain is a second-degree
        polynomial of the position (-1 to 1 along either side).
    log_brightness_along : float
        Coefficients of a brightness that changes along the stack, as near to a surface coil: the logarithm of the gain
        holds the position along the stack (-1 to 1), its square, and its products with the position in the plane.
    deform_px : float
        Smooth in-plane deformation, the same for all slices of a stack.
    contrast, grey_curve : float
        Change of the brightness of each structure, and bends of the grey scale (of the intensity range).
    surroundings : float
        Share of the stacks in which random tissue is painted over what is not heart.
    blur_px : float
        Standard deviation of a blur, for half of the stacks.
    """

    rotation_rad: float = 0.6
    mirror_probability: float = 0.0
    reverse_probability: float = 0.5
    slices_left_out: int = 2
    log_scale: float = 0.15
    shift_px: float = 7.0
    log_gamma: float = 0.3
    gain: float = 0.15
    noise: float = 0.03
    log_shading: float = 0.3
    log_brightness_along: float = 0.0
    deform_px: float = 0.0
    contrast: float = 0.0
    grey_curve: float = 0.0
    surroundings: float = 0.0
    blur_px: float = 0.0

    @classmethod
    def wild(cls, **changes: object) -> Self:
        """Strong changes, for a network that learns from simulations and is to read real scans."""
        strong = {
            "log_scale": 0.2,
            "log_brightness_along": 0.4,
            "deform_px": 3.0,
            "contrast": 0.12,
            "grey_curve": 0.12,
            "surroundings": 0.7,
            "blur_px": 0.8,
        }
        return cls(**{**strong, **changes})

    def __post_init__(self) -> None:
        for name in (
            "rotation_rad",
            "log_scale",
            "shift_px",
            "log_gamma",
            "gain",
            "noise",
            "log_shading",
            "log_brightness_along",
            "deform_px",
            "contrast",
            "grey_curve",
            "blur_px",
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 100:
                raise ValueError(f"{name} must be a number >= 0, got {value!r}")
        for name in ("mirror_probability", "reverse_probability", "surroundings"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
                raise ValueError(f"{name} must be a probability, got {value!r}")
        left_out = self.slices_left_out
        if isinstance(left_out, bool) or not isinstance(left_out, int) or left_out < 0:
            raise ValueError(f"slices_left_out must be an integer of at least 0, got {left_out!r}")


def augment_batch(
    images: Tensor,
    labels: Tensor,
    points: Tensor,
    *,
    settings: AugmentationSettings,
    generator: torch.Generator,
    size_px: int | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Change a batch of stacks at random; images, labels and landmarks alike, all slices of a stack in the same way.

    Parameters
    ----------
    images : (B, K, H, W) float tensor, about [-0.5, 0.5]
    labels : (B, K, H, W) uint8 or int64 tensor
    points : (B, P, 3) tensor
        Landmark positions (slice, row, column); NaN where unknown.
    size_px : int, optional
        Side of the square, central part that is returned; by default all.

    Returns
    -------
    images, labels (int64), points : tensors, (B, K, h, w), (B, K, h, w), (B, P, 3)
        Pixels that come from outside are `IGNORE` in the labels and dark in the image.
    """
    images, labels, in_plane = _change_geometry(images, labels, points[..., 1:], settings, generator, size_px)
    images = _randomise(images, labels, settings, generator)
    images = _change_intensity(images, settings, generator)
    return images, labels, torch.cat([points[..., :1], in_plane], dim=-1)


def change_stack(example: Example, settings: AugmentationSettings, generator: torch.Generator) -> Example:
    """Leave slices out at the ends and read the stack from the other end, at random."""
    n = len(example.stack)
    spare = max(0, n - FEWEST_SLICES)
    first, last = (
        int(torch.randint(0, min(settings.slices_left_out, spare // 2) + 1, (), generator=generator)) for _ in range(2)
    )
    kept = slice(first, n - last)
    stack, labels = example.stack[kept], example.labels[kept]
    landmarks = example.landmarks - [first, 0, 0]
    if float(torch.rand((), generator=generator)) < settings.reverse_probability:
        stack, labels = stack[::-1], labels[::-1]
        landmarks = landmarks * [-1, 1, 1] + [len(stack) - 1, 0, 0]
    return dataclasses.replace(example, stack=stack, labels=labels, landmarks=landmarks)


def _change_geometry(
    images: Tensor,
    labels: Tensor,
    points: Tensor,
    settings: AugmentationSettings,
    generator: torch.Generator,
    size_px: int | None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Rotation, scale, mirror and shift, by one affine map a stack."""
    n, _, height, width = images.shape
    new_height, new_width = (height, width) if size_px is None else (size_px, size_px)
    angle = _uniform(n, settings.rotation_rad, generator)
    scale = torch.exp(_uniform(n, settings.log_scale, generator))
    mirror = torch.where(torch.rand(n, generator=generator) < settings.mirror_probability, -1.0, 1.0)
    shift = torch.stack([_uniform(n, settings.shift_px, generator) for _ in range(2)], dim=1)  # (B, 2) x, y
    cos, sin = torch.cos(angle), torch.sin(angle)
    forward = torch.stack([cos * mirror, -sin, sin * mirror, cos], dim=1).reshape(n, 2, 2)
    forward = forward * scale[:, None, None]  # old (x, y) about the centre -> new (x, y), pixels
    backward = torch.linalg.inv(forward)
    half = torch.tensor([width / 2, height / 2])
    new_half = torch.tensor([new_width / 2, new_height / 2])
    # affine_grid wants new -> old in units where each half side is 1
    theta = torch.cat(
        [
            backward * new_half[None, None, :] / half[None, :, None],
            -(backward @ shift[:, :, None]) / half[None, :, None],
        ],
        dim=2,
    )
    grid = F.affine_grid(theta.to(images.device), [n, 1, new_height, new_width], align_corners=False)
    bend = torch.zeros(n, 2, new_height, new_width)
    if settings.deform_px > 0:
        bend = random_displacement(n, (new_height, new_width), settings.deform_px, generator)
        grid = grid + (bend / half[None, :, None, None]).movedim(1, -1).to(grid)
    moved = F.grid_sample(images + 0.5, grid, mode="bilinear", align_corners=False) - 0.5
    codes = F.grid_sample(labels.float() - IGNORE, grid, mode="nearest", align_corners=False)
    centre = torch.tensor([(width - 1) / 2, (height - 1) / 2])
    xy = points.flip(-1).cpu() - centre
    new_centre = torch.tensor([(new_width - 1) / 2, (new_height - 1) / 2])
    xy = (forward[:, None] @ xy[..., None])[..., 0] + shift[:, None] + new_centre
    xy = _undo_bend(xy, bend, forward) if settings.deform_px > 0 else xy
    return moved, (codes + IGNORE).round().long(), xy.flip(-1).to(points)


def _undo_bend(xy: Tensor, bend: Tensor, forward: Tensor) -> Tensor:
    """Where points that an affine map put at `xy` (B, P, 2) come to lie when images are sampled at `bend` beside it."""
    size = torch.tensor([bend.shape[3] - 1, bend.shape[2] - 1]) / 2
    found = xy
    for _ in range(3):  # the displacement is smooth and small: its inverse is a fixed point
        at = torch.nan_to_num(found / size - 1)[:, :, None]
        here = F.grid_sample(bend, at, align_corners=True, padding_mode="border")[..., 0].movedim(1, -1)  # old pixels
        found = xy - (forward[:, None] @ here[..., None])[..., 0]
    return found


def _randomise(images: Tensor, labels: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    if settings.contrast > 0:
        images = randomise_contrast(images, labels, settings.contrast, generator)
    if settings.surroundings > 0:
        images = randomise_surroundings(images, labels, settings.surroundings, generator)
    if settings.grey_curve > 0:
        images = bend_grey_scale(images, settings.grey_curve, generator)
    return blur(images, settings.blur_px, generator) if settings.blur_px > 0 else images


def _change_intensity(images: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    """Gamma, gain, shading and noise; all but the noise are the same for the slices of a stack."""
    n = len(images)
    gamma = torch.exp(_uniform(n, settings.log_gamma, generator)).to(images)[:, None, None, None]
    gain = 1 + _uniform(n, settings.gain, generator).to(images)[:, None, None, None]
    noise = settings.noise * torch.rand(n, generator=generator).to(images)[:, None, None, None]
    shading = torch.exp(_shading(n, images.shape[2:], settings.log_shading, generator)).to(images)
    if settings.log_brightness_along > 0:
        shading = shading * torch.exp(_shading_along(images.shape, settings.log_brightness_along, generator)).to(images)
    curved = (images + 0.5).clamp_min(1e-4) ** gamma * gain * shading - 0.5
    return curved + noise * torch.randn(images.shape, generator=generator).to(images)


def _shading(n: int, shape: tuple[int, ...], size: float, generator: torch.Generator) -> Tensor:
    """(n, 1, H, W) random polynomials of second degree without a constant term."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in shape), indexing="ij")
    terms = torch.stack([x, y, x * y, x * x - 1 / 3, y * y - 1 / 3])  # (5, H, W), each of mean about 0
    weights = size * (2 * torch.rand(n, len(terms), generator=generator) - 1)
    return torch.einsum("nt,thw->nhw", weights, terms)[:, None]


def _shading_along(shape: tuple[int, ...], size: float, generator: torch.Generator) -> Tensor:
    """(n, K, H, W) random polynomials of second degree in which every term holds the position along the stack."""
    n, *sides = shape
    z, y, x = torch.meshgrid(*(torch.linspace(-1, 1, side) for side in sides), indexing="ij")
    terms = torch.stack([z, z * z - 1 / 3, x * z, y * z])
    weights = size * (2 * torch.rand(n, len(terms), generator=generator) - 1)
    return torch.einsum("nt,tkhw->nkhw", weights, terms)


def _uniform(n: int, half_width: float, generator: torch.Generator) -> Tensor:
    return half_width * (2 * torch.rand(n, generator=generator) - 1)
